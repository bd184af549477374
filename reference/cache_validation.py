"""Checks the caches that a backward pass takes against the contract of its forward pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reference.contract import CONTRACTS, Array, Contract, Shape, shape_text
from reference.validation import Group, checked_arrays


def validate_cell_backward(
    function: str, arguments: Mapping[str, Any], cache: Any
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Check a call of a cell's backward pass against its contract.

    Returns the arguments and the cache entries by name, and the weights, as arrays of one floating dtype. The
    arrays may share memory with the inputs, since nothing writes to them. Raises the errors of
    `reference.validation.validate`, and `TypeError` for a cache that is not the tuple of the contract.
    """
    contract = CONTRACTS[function]
    entries, parameters = _entries(contract, cache, f"{function}: cache")
    shapes = {**contract.arguments, **contract.cache}
    return _arrays_and_weights(contract, Group({**arguments, **entries}, shapes), parameters)


def validate_backward(
    function: str, arguments: Mapping[str, Any], caches: Any
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Check a call of a sequence's backward pass against its contract.

    Returns what `validate_cell_backward` returns, with each cache entry over time, `(n, T_x, m)`. T_x is that
    of `da`; more caches than T_x are ignored.
    """
    contract = CONTRACTS[function]
    if not isinstance(caches, (tuple, list)) or len(caches) != 2 or not isinstance(caches[0], (tuple, list)):
        raise TypeError(f"{function}: caches is {_form(caches)}, expected (list of cell caches, x)")
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
        name: _stacked(function, name, [entries[name] for entries, _ in steps], contract.cache[name])
        for name in contract.cache
    }
    shapes: dict[str, Shape] = {
        **contract.arguments,
        **{name: (shape[0], "T_x", "m") for name, shape in contract.cache.items()},
    }
    return _arrays_and_weights(contract, Group({**arguments, **over_time}, shapes), steps[0][1])


def _entries(contract: Contract, cache: Any, where: str) -> tuple[dict[str, Any], Any]:
    """The entries of a cell's cache by name, and the parameters, its last entry."""
    if not isinstance(cache, (tuple, list)) or len(cache) != len(contract.cache) + 1:
        raise TypeError(
            f"{where} is {_form(cache)}, expected a tuple ({', '.join([*contract.cache, 'parameters'])})"
        )
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
    contract: Contract, group: Group, parameters: Any
) -> tuple[dict[str, Array], dict[str, Array]]:
    """The arrays of a group, and the weights; no backward pass needs the biases."""
    shapes = {name: shape for name, shape in contract.parameters.items() if f"d{name}" in contract.outputs}
    weights = Group(parameters, {name: shapes[name] for name in shapes if name[0] == "W"}, "parameters")
    (arrays, weight_arrays), _ = checked_arrays(contract.name, [group, weights], copy=False)
    return arrays, weight_arrays


def _form(value: Any) -> str:
    return f"a {type(value).__name__}" + (f" of {len(value)}" if isinstance(value, (tuple, list)) else "")
