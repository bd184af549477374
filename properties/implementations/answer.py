"""Reads the return value of a function by its contract: each quantity becomes an array `(n, m, T_x)`."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np

from oracle.problems.inputs import gradient_name
from oracle.problems.limits import ANYTHING, Limits
from properties.implementations.calls import Returned
from reference.contract import Array, Contract, Shape, direction_shapes, extents, shape_text


class MalformedError(Exception):
    """A return value does not have the form that the contract requires. The message says how."""


class Answer:
    """The return value of one call. Each property is read on first access, and may raise `MalformedError`.

    `arguments` are the arguments as they are after the call.
    """

    def __init__(
        self, contract: Contract, returned: Returned, sizes: Mapping[str, int], limits: Limits = ANYTHING
    ) -> None:
        self.arguments: Sequence[Any] = returned.arguments
        self._contract = contract
        self._value = returned.value
        self._sizes = sizes
        self._limits = limits

    @cached_property
    def outputs(self) -> dict[str, Array]:
        """The outputs by quantity: `a`, `y` and for an LSTM `c`; for a layer `a` and the last states.

        Outputs that the target declares as missing are left out. `c` may have only the last step. The
        gradients of a backward pass with respect to parameters have the shape `(n, columns, 1)`.
        """
        contract, outputs = self._contract, {}
        if contract.results == ("gradients",):
            return self._gradients("returned", self._value, contract.outputs)
        self._require_outputs()
        for (name, shape), entry in zip(contract.outputs.items(), self._value, strict=False):
            if self._limits.returns(name, shape):
                is_last = name == "c" and isinstance(entry, np.ndarray) and entry.shape[2:] == (1,)
                array = self._array(name, entry, shape, **({"T_x": 1} if is_last else {}))
                outputs[quantity(name)] = array[:, :, : self._sizes["T_x"]] if is_last else array
        has_gradients = "gradients" in contract.results
        return outputs | self._parameter_gradients(self._value[-1]) if has_gradients else outputs

    @cached_property
    def caches(self) -> dict[str, Array]:
        """Every cache entry by name, `(n, m, T_x)`; for a function over time, also the cached `x`."""
        self._require_outputs()
        if len(self._value) < len(self._contract.results):
            raise MalformedError(f"returned {_kind(self._value)} without a cache")
        cache = self._value[-1]
        if self._contract.results[-1] == "cache":
            return self._cache_entries({"cache": cache})
        if not isinstance(cache, (tuple, list)) or len(cache) != 2:
            raise MalformedError(f"caches is {_kind(cache)}, expected (list of T_x cell caches, x)")
        steps, x = cache
        T_x = self._sizes["T_x"]
        if not isinstance(steps, (tuple, list)) or len(steps) != T_x:
            raise MalformedError(f"caches[0] is {_kind(steps)}, expected a list of T_x = {T_x} cell caches")
        x = self._array("caches[1] (x)", x, self._contract.arguments["x"])
        return {**self._cache_entries({f"caches[0][{t}]": step for t, step in enumerate(steps)}), "x": x}

    @property
    def cached_parameters(self) -> list[Mapping[str, Any]]:
        """The parameters in each cell cache."""
        _ = self.caches  # raises if the caches are malformed
        cache = self._value[-1]
        cached = [step[-1] for step in ([cache] if self._contract.results[-1] == "cache" else cache[0])]
        for parameters in cached:
            if not isinstance(parameters, dict):
                raise MalformedError(f"a cell cache ends in {_kind(parameters)}, expected the parameters")
        return cached

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
        return bool(self.outputs.get("c", a).shape[2] < a.shape[2])

    def _require_outputs(self) -> None:
        names = self._contract.results
        lengths = (len(names), len(names) - self._contract.returns_caches)  # the target may return no cache
        if not isinstance(self._value, (tuple, list)) or len(self._value) not in lengths:
            raise MalformedError(f"returned {_kind(self._value)}, expected {', '.join(names)}")

    def _parameter_gradients(self, dicts: Any) -> dict[str, Array]:
        sizes, gradients = self._sizes, dict[str, Array]()
        count, is_projected = sizes["L"] * sizes["D"], sizes["n_h"] != sizes["n_a"] or sizes.get("n_p", 0) > 0
        if not isinstance(dicts, (tuple, list)) or len(dicts) != count:
            raise MalformedError(f"gradients is {_kind(dicts)}, expected a list of {count} dicts")
        for k, entry in enumerate(dicts):
            parameters = direction_shapes(self._contract.kind, k // sizes["D"], is_projected)
            shapes = {f"d{name}": shape for name, shape in parameters.items()}
            by_name = self._gradients(f"gradients[{k}] is", entry, shapes, n_p=sizes["n_h"])
            gradients |= {gradient_name(k, name[1:]): array for name, array in by_name.items()}
        return gradients

    def _gradients(
        self, where: str, value: Any, shapes: Mapping[str, Shape], **other_sizes: int
    ) -> dict[str, Array]:
        """The gradients in a dict, by quantity. Keys that `shapes` lacks are ignored."""
        wanted = ", ".join(shapes)
        if not isinstance(value, dict):
            raise MalformedError(f"{where} {_kind(value)}, expected a dict with {wanted}")
        missing = ", ".join(repr(name) for name in shapes if name not in value)
        if missing:
            raise MalformedError(f"{where} a dict without {missing}, expected {wanted}")
        return {
            quantity(name): self._array(name, value[name], shape, **other_sizes)
            for name, shape in shapes.items()
        }

    def _cache_entries(self, steps: Mapping[str, Any]) -> dict[str, Array]:
        """The entries of the cache of each step, which `steps` maps from its place in the answer."""
        contract = self._contract
        entries: dict[str, list[Array]] = {name: [] for name in contract.cache}
        for where, step in steps.items():
            if not isinstance(step, (tuple, list)) or len(step) != len(contract.cache) + 1:
                wanted = ", ".join([*contract.cache, "parameters"])
                raise MalformedError(f"{where} is {_kind(step)}, expected ({wanted})")
            for i, (name, shape) in enumerate(contract.cache.items()):
                entries[name].append(self._array(f"{where}[{i}] ({name})", step[i], shape))
        if not steps:
            return {
                name: np.zeros((*extents(shape, self._sizes), 0)) for name, shape in contract.cache.items()
            }
        return {name: np.concatenate(arrays, axis=2) for name, arrays in entries.items()}

    def _array(self, name: str, value: Any, shape: Shape, **other_sizes: int) -> Array:
        """Require an array of this shape, and return it as `(n, m, T_x)`.

        Last states `(L D, n, m)` become `(L D n, m, 1)`.
        """
        if isinstance(value, (list, tuple, int, float)):
            with suppress(TypeError, ValueError, OverflowError):  # the message below then names the type
                value = np.asarray(value, dtype=np.float64)
        if not isinstance(value, np.ndarray):
            raise MalformedError(f"{name} is {_kind(value)}, expected an array of shape {shape_text(shape)}")
        if value.dtype.kind not in "fiub":
            raise MalformedError(f"{name} has dtype {value.dtype}, expected real numbers")
        expected = extents(shape, {**self._sizes, **other_sizes})
        if value.shape != expected:
            raise MalformedError(f"{name} has shape {value.shape}, expected {shape_text(shape)} = {expected}")
        array: Array = value
        if array.dtype == np.longdouble:
            with np.errstate(over="ignore"):
                array = array.astype(np.float64)  # torch has no wider dtype
        if "L D" in shape:
            return array.reshape(expected[0] * expected[1], expected[2], 1)
        return array if array.ndim == 3 else array[:, :, None]


def quantity(name: str) -> str:
    """The quantity in an output: `a` for `a_next` and `a`, `y` for `yt_pred` and `y_pred`.

    Each output of a layer and each gradient is a quantity of its own. A gradient of a cell has the name that
    this gradient has over time: `dx` for `dxt`.
    """
    of_cell = {"a_next": "a", "c_next": "c", "yt_pred": "y", "dxt": "dx", "da_prev": "da0", "dc_prev": "dc0"}
    return {"y_pred": "y", **of_cell}.get(name, name)


def _kind(value: Any) -> str:
    """The type and the size of a value, in words."""
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    name = getattr(value, "type_name", type(value).__name__)
    if name == "itself":
        return "the list that has it"
    return "None" if value is None else f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"


def steps_as_samples(array: Array) -> Array:
    """An array `(n, m, T_x)` as `(n, m T_x, 1)`: each step becomes a sample, as in `Inputs.steps`."""
    return array.reshape(len(array), -1, 1)
