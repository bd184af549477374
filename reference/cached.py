"""The caches that a backward pass is given, checked against the contract of its forward pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reference.contract import CONTRACTS, Array, Contract, Shape, in_symbols
from reference.validation import in_one_dtype


def validate_cell_backward(
    function: str, arguments: Mapping[str, Any], cache: Any
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Check a call of a cell's backward pass against its contract.

    Returns the arguments and the entries of the cache by name, and the weights, in one floating dtype, as
    `reference.validation.validate` does, but not as copies: nothing is written to them. It raises what that
    raises, and `TypeError` for a cache that is no tuple of the contract.
    """
    contract = CONTRACTS[function]
    entries, parameters = _entries(contract, cache, f"{function}: cache")
    shapes = {**contract.arguments, **contract.cache}
    return _checked(function, {**arguments, **entries}, shapes, parameters)


def validate_backward(
    function: str, arguments: Mapping[str, Any], caches: Any
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Check a call of a sequence's backward pass against its contract.

    As `validate_cell_backward`, with every entry of the caches over time, `(n, T_x, m)`. T_x is that of `da`:
    there may be more caches, which are not looked at, and no fewer.
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
    return _checked(function, {**arguments, **over_time}, shapes, steps[0][1])


def _entries(contract: Contract, cache: Any, where: str) -> tuple[dict[str, Any], Any]:
    """The entries of a cell's cache by name, and the parameters after them."""
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
            f"{function}: {name} has the shapes {shapes} in the caches, expected {in_symbols(shape)} in each"
        ) from None


def _checked(
    function: str, given: Mapping[str, Any], shapes: Mapping[str, Shape], parameters: Any
) -> tuple[dict[str, Array], dict[str, Array]]:
    wanted = {
        name: shape
        for name, shape in CONTRACTS[function].parameters.items()
        if f"d{name}" in _weights(function)
    }
    arrays, (weights,), _ = in_one_dtype(
        function, given, shapes, [(parameters, wanted, "parameters")], {}, copy=False
    )
    return arrays, weights


def _weights(function: str) -> list[str]:
    """The gradients by weights among the outputs; no backward pass needs the biases."""
    return [name for name in CONTRACTS[function].outputs if name.startswith("dW")]


def _form(value: Any) -> str:
    return f"a {type(value).__name__}" + (f" of {len(value)}" if isinstance(value, (tuple, list)) else "")
