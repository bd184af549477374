"""Checks a call against its contract. Error messages state shapes in symbols and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from reference.contract import (
    CONTRACTS,
    NEVER_ZERO,
    OPTIONS,
    Array,
    Contract,
    Shape,
    Size,
    direction_shapes,
    extent,
    extents,
    shape_text,
)


def validate(
    function: str, arguments: Sequence[Any], parameters: Any
) -> tuple[list[Array], dict[str, Array], Mapping[str, int]]:
    """Check a call against its contract.

    Returns the arguments and the parameters as arrays of one floating dtype, and the sizes by symbol.
    Floating inputs keep their precision, mixed inputs follow `numpy.result_type`, and inputs without a
    floating dtype become float64. The arrays are contiguous copies in native byte order: they share no
    memory with the inputs, and the memory layout of an input has no effect.

    Raises
    ------
    TypeError
        `parameters` is not a mapping, or an input is not an array of real numbers.
    ValueError
        A parameter is missing, or a shape does not fit. The message names the input, its shape, and the
        expected shape in symbols and numbers.
    """
    contract = CONTRACTS[function]
    groups = [
        ArrayGroup(dict(zip(contract.arguments, arguments)), contract.arguments),
        ArrayGroup(parameters, contract.parameters, "parameters"),
    ]
    (arrays, weights), sizes = checked_arrays(function, groups)
    return list(arrays.values()), weights, sizes


@dataclass(frozen=True)
class LayerCall:
    """A validated call of a layer: arrays of one dtype, a dict of parameters for each direction, and options.

    `lengths` is `(m,)`, or `None` if every sample has all T_x steps.
    """

    arguments: Mapping[str, Array]
    parameters: Sequence[Mapping[str, Array]]
    directions: int
    lengths: Array | None
    activation: str


def validate_layers(
    function: str, arguments: Mapping[str, Any], parameters: Any, options: Mapping[str, Any] | None
) -> LayerCall:
    """Check a call of a layer against its contract, as `validate` does. States that are `None` become zeros.

    Raises `ValueError` also for unknown options, for lengths out of range, for an RNN with a projection, and
    unless there are D dicts of parameters for each layer.
    """
    contract, options = CONTRACTS[function], options or {}
    for name in options:
        if name not in OPTIONS:
            raise ValueError(f"{function}: options has {name!r}, expected some of {', '.join(OPTIONS)}")
    D, activation = options.get("directions", 1), options.get("activation", "tanh")
    if D not in (1, 2):
        raise ValueError(f'{function}: options["directions"] is {D!r}, expected 1 or 2')
    if activation not in contract.network.activations:
        has = f'{function}: options["activation"] is {activation!r}'
        raise ValueError(f"{has}, expected tanh, or relu of an RNN")
    if isinstance(parameters, Mapping) or not isinstance(parameters, Sequence):
        raise TypeError(f"{function}: parameters is a {type(parameters).__name__}, expected a list of dicts")
    if not parameters or len(parameters) % D:
        raise ValueError(f"{function}: parameters has {len(parameters)} dicts, expected D = {D} per layer")
    projected = isinstance(parameters[0], Mapping) and "Wp" in parameters[0]
    if projected and not contract.network.has_projection:
        raise ValueError(f"{function}: parameters[0] has a projection 'Wp', which only an LSTM has")

    n_h = "n_p" if projected else "n_a"
    shapes = _with_hidden_size(n_h, contract.arguments)
    states = {name: value for name, value in arguments.items() if value is not None}
    groups = [ArrayGroup(states, {name: shapes[name] for name in states})]
    for k, p in enumerate(parameters):
        p_shapes = _with_hidden_size(n_h, direction_shapes(contract.kind, k // D, projected))
        groups.append(ArrayGroup(p, p_shapes, f"parameters[{k}]"))
    (arrays, *weights), sizes = checked_arrays(function, groups, {"L": len(parameters) // D, "D": D})
    for name in arguments:
        if name not in arrays:
            arrays[name] = np.zeros(extents(shapes[name], sizes), arrays["x"].dtype)
    lengths = _checked_lengths(function, options.get("lengths"), sizes)
    return LayerCall(arrays, weights, D, lengths, activation)


def _with_hidden_size(n_h: str, shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """Shapes of the contract with `n_a` or `n_p` in place of `n_h`."""
    return {
        name: tuple(size.replace("n_h", n_h) if isinstance(size, str) else size for size in shape)
        for name, shape in shapes.items()
    }


def _checked_lengths(function: str, lengths: Any, sizes: Mapping[str, int]) -> Array | None:
    if lengths is None:
        return None
    m, T_x = sizes["m"], sizes["T_x"]
    array = _real_array(f'{function}: options["lengths"]', lengths)
    if array.shape != (m,):
        raise ValueError(f'{function}: options["lengths"] has shape {array.shape}, expected (m,) = ({m},)')
    wrong = (array < 1) | (array > T_x) | (array != np.floor(array))
    if wrong.any():
        j = int(np.argmax(wrong))
        has = f'{function}: options["lengths"][{j}] is {array[j]}'
        raise ValueError(f"{has}, expected a whole number from 1 to T_x = {T_x}")
    return array.astype(np.intp)


def validate_cell_backward(
    function: str, arguments: Mapping[str, Any], cache: Any
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Check a call of a cell's backward pass against its contract.

    Returns the arguments and the cache entries by name, and the weights by name, as arrays of one floating
    dtype, which may share memory with the inputs. Raises the errors of `validate`, and `TypeError` for a
    cache that is not the tuple of the contract.
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


class ArrayGroup(NamedTuple):
    """The arguments of a call, or one dict of parameters: values by name, and their shapes in the contract.

    `name` is the name of the dict in error messages; it is empty for arguments.
    """

    values: Any
    shapes: Mapping[str, Shape]
    name: str = ""


def checked_arrays(
    function: str, groups: Sequence[ArrayGroup], known: Mapping[str, int] | None = None, *, copy: bool = True
) -> tuple[list[dict[str, Array]], Mapping[str, int]]:
    """The arrays of each group in one dtype and in C order, and the sizes by symbol.

    `known` has the sizes that no array determines. Without `copy`, an array that already has this dtype and
    order is returned itself. Raises the errors of `validate`.
    """
    inputs: list[tuple[str, Shape]] = []
    arrays: list[Array] = []

    def sizes_so_far() -> Mapping[str, int]:
        shapes = tuple([array.shape for array in arrays])
        return _sizes(function, tuple(inputs), shapes, tuple(known.items()) if known else ())

    for values, shapes, where in groups:
        if not isinstance(values, Mapping):
            raise TypeError(f"{function}: {where} is a {type(values).__name__}, expected a dict of arrays")
        for name, shape in shapes.items():
            if name not in values:
                has, expected = f"{where} has {list(values)}", _expected(shape, sizes_so_far())
                raise ValueError(f"{function}: {has}, expected also {name!r} {expected}")
            label = f'{where}["{name}"]' if where else name
            inputs.append((label, shape))
            arrays.append(_real_array(f"{function}: {label}", values[name]))
    sizes = sizes_so_far()
    dtype = np.result_type(*arrays)  # in native byte order
    dtype = dtype if dtype.kind == "f" else np.dtype(np.float64)
    converted = iter([array.astype(dtype, order="C", copy=copy) for array in arrays])
    return [{name: next(converted) for name in group.shapes} for group in groups], sizes


def floating(name: str, value: Any) -> Array:
    """The value as an array of its own floating dtype; other real numbers become float64.

    Raises `TypeError` if the value is not an array of real numbers.
    """
    array = _real_array(name, value)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _real_array(name: str, value: Any) -> Array:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} is not an array of numbers: {error}") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {array.dtype}, expected real numbers")
    return array


@lru_cache
def _sizes(
    function: str,
    inputs: Sequence[tuple[str, Shape]],
    shapes: Sequence[tuple[int, ...]],
    known: Sequence[tuple[str, int]],
) -> Mapping[str, int]:
    """The sizes by symbol. Raises `ValueError` if a shape does not fit.

    `inputs` has the name of each input and its shape in the contract; `shapes` has the actual shapes. The
    first shape in which a symbol stands alone determines the size.
    """
    sizes = dict(known)
    for (name, shape), actual in zip(inputs, shapes):
        has = f"{function}: {name} has shape {actual}"
        if len(actual) != len(shape):
            raise ValueError(f"{has}, expected {_expected(shape, sizes)}")
        for size, number in zip(shape, actual):
            if size in NEVER_ZERO and number == 0:
                raise ValueError(f"{has}, expected {shape_text(shape)} with {size} at least 1")
            if isinstance(size, str) and " " not in size:
                sizes.setdefault(size, number)
    for (name, shape), actual in zip(inputs, shapes):
        if all(_is_known(size, sizes) for size in shape) and actual != extents(shape, sizes):
            raise ValueError(f"{function}: {name} has shape {actual}, expected {_expected(shape, sizes)}")
    return sizes


def _is_known(size: Size, sizes: Mapping[str, int]) -> bool:
    """Whether the known sizes determine the number for a symbolic size."""
    return isinstance(size, int) or all(symbol in sizes for symbol in size.replace("+", " ").split())


def _expected(shape: Shape, sizes: Mapping[str, int]) -> str:
    """A shape in symbols, and with the numbers of the known sizes: `(n_y, n_a) = (n_y, 5)`."""
    known = tuple(extent(size, sizes) if _is_known(size, sizes) else size for size in shape)
    return shape_text(shape) if known == shape else f"{shape_text(shape)} = {shape_text(known)}"
