"""Reads what a function returned by its contract: each quantity becomes an array `(n, m, T_x)`."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from oracle.backward_inputs import by_parameter
from oracle.limits import ANYTHING, Limits
from properties.implementations.implementation import Returned
from reference.contract import Array, Contract, Shape, direction_shapes, extents, shape_text


class MalformedError(Exception):
    """A return value does not have the form that the specification requires; the message says how."""


class Answer:
    """What one call returned. A quantity is read on first access, which may raise `MalformedError`."""

    def __init__(
        self, contract: Contract, returned: Returned, sizes: Mapping[str, int], limits: Limits = ANYTHING
    ) -> None:
        self._contract = contract
        self._returned = returned
        self._sizes = sizes
        self._limits = limits

    @property
    def arguments(self) -> Sequence[Any]:
        """The arguments as they are after the call."""
        return self._returned.arguments

    @cached_property
    def outputs(self) -> dict[str, Array]:
        """`a`, `y` and for an LSTM `c`, each `(n, m, T_x)`; for a layer `a` and the last states.

        Outputs that the target declares as missing are left out. `c` may have the last step alone.
        """
        return read_outputs(self._contract, self._returned.value, self._sizes, self._limits)

    @cached_property
    def caches(self) -> dict[str, Array]:
        """Every cache entry `(n, m, T_x)`, and for a forward also `x`."""
        return read_caches(self._contract, self._returned.value, self._sizes)

    @property
    def cached_parameters(self) -> list[Mapping[str, Any]]:
        """The parameters that each cell cache holds."""
        _ = self.caches
        return read_parameters(self._contract, self._returned.value)

    @property
    def memory(self) -> Array:
        """The memory states `c` of every step; `(0, m, T_x)` for an RNN. Raises if it `hides_memory`."""
        if self.hides_memory:
            raise MalformedError(f"c has shape {self.outputs['c'].shape}, expected every step")
        a = self.outputs["a"]
        return self.outputs.get("c", np.zeros((0, *a.shape[1:]), a.dtype))

    @property
    def hides_memory(self) -> bool:
        """Whether only the last of several memory states was returned."""
        a = self.outputs["a"]
        return self.outputs.get("c", a).shape[2] < a.shape[2] and not self._contract.is_layer


def quantity(contract: Contract, name: str) -> str:
    """The quantity that an output holds: `a` for `a_next` and `a`, `y` for `yt_pred` and `y_pred`.

    Each output of a layer and each gradient is a quantity of its own. A gradient of a cell has the name that
    it has for a sequence.
    """
    if contract.is_backward:
        return {"dxt": "dx", "da_prev": "da0", "dc_prev": "dc0"}.get(name, name)
    return name if contract.is_layer else name[0]


def read_outputs(
    contract: Contract, value: Any, sizes: Mapping[str, int], limits: Limits = ANYTHING
) -> dict[str, Array]:
    """The outputs by quantity. The cache may be missing: `read_caches` checks it."""
    if contract.is_backward:
        return _read_gradients(contract, value, sizes)
    _check_count(contract, value)
    return {
        quantity(contract, name): _memory(name, entry, shape, sizes)
        if name == "c"
        else _over_time(_array(name, entry, shape, sizes), by_place="L D" in shape)
        for (name, shape), entry in zip(contract.outputs.items(), value, strict=False)
        if limits.shows(name, shape)
    }


def _read_gradients(contract: Contract, value: Any, sizes: Mapping[str, int]) -> dict[str, Array]:
    """The gradients by name: those of inputs are `(n, m, T_x)`, those of parameters `(n, columns, 1)`."""
    if not contract.is_layer:
        return _entries("returned", contract, value, contract.outputs, sizes)
    names = [*contract.outputs, "gradients"]
    if not isinstance(value, (tuple, list)) or len(value) != len(names):
        raise MalformedError(f"returned {_form(value)}, expected {', '.join(names)}")
    *arrays, gradients = value
    found = {
        name: _over_time(_array(name, entry, shape, sizes), by_place="L D" in shape)
        for (name, shape), entry in zip(contract.outputs.items(), arrays, strict=True)
    }
    places, projected = sizes["L"] * sizes["D"], sizes["n_h"] != sizes["n_a"] or sizes.get("n_p", 0) > 0
    if not isinstance(gradients, (tuple, list)) or len(gradients) != places:
        raise MalformedError(f"gradients is {_form(gradients)}, expected a list of {places} dicts")
    for k, entry in enumerate(gradients):
        shapes = direction_shapes(contract.kind, k // sizes["D"], projected)
        named = {f"d{name}": shape for name, shape in shapes.items()}
        by_name = _entries(f"gradients[{k}]", contract, entry, named, {**sizes, "n_p": sizes["n_h"]})
        found |= {by_parameter(k, name[1:]): array for name, array in by_name.items()}
    return found


def _entries(
    where: str, contract: Contract, value: Any, shapes: Mapping[str, Shape], sizes: Mapping[str, int]
) -> dict[str, Array]:
    """The entries of a dict by quantity; other keys are ignored."""
    if not isinstance(value, dict):
        verb = where if where == "returned" else f"{where} is"
        raise MalformedError(f"{verb} {_form(value)}, expected a dict with {', '.join(shapes)}")
    missing = [name for name in shapes if name not in value]
    if missing:
        raise MalformedError(
            f"{where} a dict without {', '.join(map(repr, missing))}, expected {', '.join(shapes)}"
        )
    return {
        quantity(contract, name): _over_time(_array(name, value[name], shape, sizes), by_place=False)
        for name, shape in shapes.items()
    }


def read_caches(contract: Contract, value: Any, sizes: Mapping[str, int]) -> dict[str, Array]:
    """Every cache entry over time, `(n, m, T_x)`, by name, and for a forward also `x`."""
    _check_count(contract, value)
    if len(value) == len(contract.outputs):
        raise MalformedError(f"returned {_form(value)} without a cache")
    cache = value[-1]
    if contract.is_cell:
        return _stacked(contract, [cache], sizes)
    if not isinstance(cache, (tuple, list)) or len(cache) != 2:
        raise MalformedError(f"caches is {_form(cache)}, expected (list of T_x cell caches, x)")
    steps, x = cache
    if not isinstance(steps, (tuple, list)) or len(steps) != sizes["T_x"]:
        raise MalformedError(
            f"caches[0] is {_form(steps)}, expected a list of T_x = {sizes['T_x']} cell caches"
        )
    return {
        **_stacked(contract, steps, sizes),
        "x": _array("caches[1] (x)", x, contract.arguments["x"], sizes),
    }


def _check_count(contract: Contract, value: Any) -> None:
    names = list(contract.outputs)
    more, cache = (0, "") if contract.is_layer else (1, " and the cache")
    if not isinstance(value, (tuple, list)) or not 0 <= len(value) - len(names) <= more:
        raise MalformedError(f"returned {_form(value)}, expected {', '.join(names)}{cache}")


def read_parameters(contract: Contract, value: Any) -> list[Mapping[str, Any]]:
    """The parameters that each cell cache holds."""
    cached = [step[-1] for step in ([value[-1]] if contract.is_cell else value[-1][0])]
    for parameters in cached:
        if not isinstance(parameters, dict):
            raise MalformedError(f"a cell cache ends in {_form(parameters)}, expected the parameters")
    return cached


def _stacked(contract: Contract, steps: Sequence[Any], sizes: Mapping[str, int]) -> dict[str, Array]:
    entries: dict[str, list[Array]] = {name: [] for name in contract.cache}
    for t, step in enumerate(steps):
        where = "cache" if contract.is_cell else f"caches[0][{t}]"
        if not isinstance(step, (tuple, list)) or len(step) != len(contract.cache) + 1:
            wanted = ", ".join([*contract.cache, "parameters"])
            raise MalformedError(f"{where} is {_form(step)}, expected ({wanted})")
        for i, (name, shape) in enumerate(contract.cache.items()):
            entries[name].append(_array(f"{where}[{i}] ({name})", step[i], shape, sizes))
    return {
        name: np.stack(arrays, axis=2) if arrays else np.zeros((*extents(contract.cache[name], sizes), 0))
        for name, arrays in entries.items()
    }


def _array(name: str, value: Any, shape: Shape, sizes: Mapping[str, int]) -> Array:
    if isinstance(value, (list, tuple, int, float)):
        try:
            value = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            wanted = f"expected an array of shape {shape_text(shape)}"
            raise MalformedError(f"{name} is {_form(value)}, {wanted}") from None
    if not isinstance(value, np.ndarray):
        raise MalformedError(f"{name} is {_form(value)}, expected an array of shape {shape_text(shape)}")
    if value.dtype.kind not in "fiub":
        raise MalformedError(f"{name} has dtype {value.dtype}, expected real numbers")
    expected = extents(shape, sizes)
    if value.shape != expected:
        raise MalformedError(f"{name} has shape {value.shape}, expected {shape_text(shape)} = {expected}")
    if value.dtype != np.longdouble:
        return value
    with np.errstate(over="ignore"):
        return value.astype(np.float64)  # torch has no wider dtype


def _memory(name: str, value: Any, shape: Shape, sizes: Mapping[str, int]) -> Array:
    """The memory states of every step, or of the last step alone: `(n_a, m, 1)`."""
    try:
        return _array(name, value, shape, sizes)
    except MalformedError:
        if not isinstance(value, np.ndarray) or value.ndim != 3 or value.shape[2] != 1:
            raise
        return _array(name, value, shape, {**sizes, "T_x": 1})[:, :, : sizes["T_x"]]


def _over_time(array: Array, *, by_place: bool) -> Array:
    """An array as `(n, m, T_x)`; the last states `(L D, n, m)` of layers are stacked along the first axis."""
    if by_place:
        return array.reshape(-1 if array.size else array.shape[0] * array.shape[1], array.shape[2], 1)
    return array if array.ndim == 3 else array[:, :, None]


def _form(value: Any) -> str:
    """The type and the size of a value, in a few words."""
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    name = getattr(value, "type_name", type(value).__name__)
    return "None" if value is None else f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"


def side_by_side(array: Array) -> Array:
    """An array `(n, m, T_x)` as `(n, m T_x, 1)`, the form of `Inputs.steps`: each step is a sample."""
    return array.reshape(len(array), -1, 1)
