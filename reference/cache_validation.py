"""Checks a call of a backward pass, with its caches, against the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reference.contract import CONTRACTS, Array, Contract, Shape, shape_text
from reference.validation import ArrayGroup, checked_arrays


def validate_cell_backward(
    function: str, arguments: Mapping[str, Any], cache: Any
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Check a call of a cell's backward pass against its contract.

    Returns the arguments and the cache entries by name, and the weights by name, as arrays of one floating
    dtype, which may share memory with the inputs. Raises the errors of `reference.validation.validate`, and
    `TypeError` for a cache that is not the tuple of the contract.
    """
    contract = CONTRACTS[function]
    entries, parameters = _entries(contract, cache, f"{function}: cache")
    shapes = {**contract.arguments, **contract.cache}
    return _arrays_and_weights(contract, ArrayGroup({**arguments, **entries}, shapes), parameters)


def validate_backward(
    function: str, arguments: Mapping[str, Any], caches: Any
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Check a call of `rnn_backward` or `lstm_backward` against its contract.

    The results are those of `validate_cell_backward`, with each cache entry over time, `(n, T_x, m)`. `da`
    determines T_x; the caches after the first T_x are ignored.
    """
    contract = CONTRACTS[function]
    if not isinstance(caches, (tuple, list)) or len(caches) != 2 or not isinstance(caches[0], (tuple, list)):
        raise TypeError(f"{function}: caches is {_type_text(caches)}, expected (list of cell caches, x)")
    T_x = np.shape(arguments["da"])[-1] if np.ndim(arguments["da"]) == 3 else 0
    if not 0 < T_x <= len(caches[0]):
        raise ValueError(
            f"{function}: caches[0] holds {len(caches[0])} caches, da has shape {np.shape(arguments['da'])}; "
            f"expected da (n_a, m, T_x) with T_x at least 1, and T_x caches"
        )
    steps = [
        _entries(contract, cache, f"{function}: caches[0][{t}]") for t, cache in enumerate(caches[0][:T_x])
    ]
    over_time = {
        name: _stacked(function, name, [entries[name] for entries, _ in steps], shape)
        for name, shape in contract.cache.items()
    }
    shapes = {name: (shape[0], "T_x", "m") for name, shape in contract.cache.items()}
    group = ArrayGroup({**arguments, **over_time}, {**contract.arguments, **shapes})
    return _arrays_and_weights(contract, group, steps[0][1])


def _entries(contract: Contract, cache: Any, where: str) -> tuple[dict[str, Any], Any]:
    """The entries of a cell's cache by name, and its last entry, the parameters."""
    if not isinstance(cache, (tuple, list)) or len(cache) != len(contract.cache) + 1:
        expected = f"a tuple ({', '.join([*contract.cache, 'parameters'])})"
        raise TypeError(f"{where} is {_type_text(cache)}, expected {expected}")
    return dict(zip(contract.cache, cache)), cache[-1]


def _stacked(function: str, name: str, steps: Sequence[Any], shape: Shape) -> Array:
    try:
        return np.stack(steps, axis=1)
    except ValueError:
        shapes = [np.shape(step) for step in steps]
        raise ValueError(
            f"{function}: {name} has the shapes {shapes} in the caches, expected {shape_text(shape)} in each"
        ) from None


def _arrays_and_weights(
    contract: Contract, group: ArrayGroup, parameters: Any
) -> tuple[dict[str, Array], dict[str, Array]]:
    """The arrays of a group, and the weights; no backward pass needs the biases."""
    shapes = {name: shape for name, shape in contract.parameters.items() if f"d{name}" in contract.outputs}
    weights = {name: shape for name, shape in shapes.items() if name.startswith("W")}
    groups = [group, ArrayGroup(parameters, weights, "parameters")]
    (arrays, weight_arrays), _ = checked_arrays(contract.name, groups, copy=False)
    return arrays, weight_arrays


def _type_text(value: Any) -> str:
    return f"a {type(value).__name__}" + (f" of {len(value)}" if isinstance(value, (tuple, list)) else "")
