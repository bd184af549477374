"""A call is checked against its contract once, with errors in symbols and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from reference.contract import (
    CONTRACTS,
    NEVER_ZERO,
    OPTIONS,
    Array,
    Shape,
    Size,
    extent,
    in_symbols,
    of_one_direction,
)


def floating(name: str, value: Any) -> Array:
    """A real array in a floating dtype: its own, or else float64. Raises `TypeError` for what is none."""
    array = _real_array(name, value)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def validate(
    function: str, arguments: Sequence[Any], parameters: Any
) -> tuple[list[Array], dict[str, Array], Mapping[str, int]]:
    """Check a call against its contract, once.

    Returns the arguments and the parameters as arrays of one floating dtype, and the sizes by symbol.
    Floating inputs keep their precision, mixed ones follow `numpy.result_type`, and inputs without a
    floating one among them become float64. The arrays are copies, contiguous and in native byte order:
    they share no memory with the inputs, and how an input lies in memory cannot matter.

    Raises
    ------
    TypeError
        `parameters` is not a mapping, or an input is not an array of real numbers.
    ValueError
        A parameter is missing, or a shape does not fit. The message names the input, the shape it
        has and the shape it should have, in symbols and numbers.
    """
    contract = CONTRACTS[function]
    arrays, given, sizes = in_one_dtype(
        function,
        dict(zip(contract.arguments, arguments)),
        contract.arguments,
        [(parameters, contract.parameters, "parameters")],
        {},
    )
    return list(arrays.values()), given[0], sizes


@dataclass(frozen=True)
class Layers:
    """A call of a layer: arrays of one dtype, a dict of parameters for each layer and direction, and options.

    `lengths` is `(m,)`, and `None` where every sample has all steps.
    """

    arguments: Mapping[str, Array]
    parameters: Sequence[Mapping[str, Array]]
    directions: int
    lengths: Array | None
    activation: str


def validate_layers(
    function: str, arguments: Mapping[str, Any], parameters: Any, options: Mapping[str, Any] | None
) -> Layers:
    """Check a call of a layer against its contract, as `validate` does. States that are `None` are zeros.

    Also raises `ValueError` for unknown options, lengths out of range, a list of parameters that does not
    have D dicts for each layer, and a projection of an RNN.
    """
    contract, options = CONTRACTS[function], options or {}
    for name in options:
        if name not in OPTIONS:
            raise ValueError(f"{function}: options has {name!r}, expected some of {', '.join(OPTIONS)}")
    D, activation = options.get("directions", 1), options.get("activation", "tanh")
    if D not in (1, 2):
        raise ValueError(f'{function}: options["directions"] is {D!r}, expected 1 or 2')
    if activation not in (("tanh", "relu") if contract.kind == "rnn" else ("tanh",)):
        has = f'{function}: options["activation"] is {activation!r}'
        raise ValueError(f"{has}, expected tanh, or relu of an RNN")
    if isinstance(parameters, Mapping) or not isinstance(parameters, Sequence):
        raise TypeError(f"{function}: parameters is a {type(parameters).__name__}, expected a list of dicts")
    if not parameters or len(parameters) % D:
        raise ValueError(f"{function}: parameters has {len(parameters)} dicts, expected D = {D} a layer")
    projected = isinstance(parameters[0], Mapping) and "Wp" in parameters[0]
    if projected and contract.kind == "rnn":
        raise ValueError(f"{function}: parameters[0] has a projection 'Wp', which only an LSTM has")

    n_h = "n_p" if projected else "n_a"
    shapes = _with(n_h, contract.arguments)
    dicts = [
        (p, _with(n_h, of_one_direction(contract.kind, k // D, projected)), f"parameters[{k}]")
        for k, p in enumerate(parameters)
    ]
    states = {name: value for name, value in arguments.items() if value is not None}
    arrays, given, sizes = in_one_dtype(
        function,
        states,
        {name: shapes[name] for name in states},
        dicts,
        {"L": len(parameters) // D, "D": D},
    )
    for name in arguments:
        if name not in arrays:
            arrays[name] = np.zeros([extent(size, sizes) for size in shapes[name]], arrays["x"].dtype)
    lengths = _lengths(function, options.get("lengths"), sizes)
    return Layers(arrays, given, D, lengths, activation)


def _with(n_h: str, shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """Shapes of the contract, with `n_a` or `n_p` in place of `n_h`."""
    return {
        name: tuple(size.replace("n_h", n_h) if isinstance(size, str) else size for size in shape)
        for name, shape in shapes.items()
    }


def _lengths(function: str, lengths: Any, sizes: Mapping[str, int]) -> Array | None:
    """Whole numbers from 1 to T_x, one for each sample."""
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


def in_one_dtype(
    function: str,
    arguments: Mapping[str, Any],
    shapes: Mapping[str, Shape],
    parameters: Sequence[tuple[Any, Mapping[str, Shape], str]],
    sizes: Mapping[str, int],
    *,
    copy: bool = True,
) -> tuple[dict[str, Array], list[dict[str, Array]], Mapping[str, int]]:
    """The arguments and each dict of parameters in one dtype and in C order, and the sizes by symbol.

    Each dict comes with its shapes and with what it is called; `sizes` are known before. Without `copy`, what
    has that dtype and order is returned as it is.
    """
    named = [*shapes.items()]
    arrays = [_real_array(f"{function}: {name}", arguments[name]) for name in shapes]
    for given, wanted, where in parameters:
        if not isinstance(given, Mapping):
            raise TypeError(f"{function}: {where} is a {type(given).__name__}, expected a dict of arrays")
        for name, shape in wanted.items():
            if name not in given:
                bound = _sizes(function, tuple(named), _shapes(arrays), tuple(sizes.items()))
                raise ValueError(
                    f"{function}: {where} has {list(given)}, expected also {name!r} {_expected(shape, bound)}"
                )
            named.append((f'{where}["{name}"]', shape))
            arrays.append(_real_array(f"{function}: {named[-1][0]}", given[name]))
    bound = _sizes(function, tuple(named), _shapes(arrays), tuple(sizes.items()))

    dtype = _floating_dtype(*arrays)
    converted = iter([array.astype(dtype, order="C", copy=copy) for array in arrays])
    return (
        {name: next(converted) for name in shapes},
        [{name: next(converted) for name in wanted} for _, wanted, _ in parameters],
        bound,
    )


def _shapes(arrays: Sequence[Array]) -> tuple[tuple[int, ...], ...]:
    return tuple(array.shape for array in arrays)


def _real_array(name: str, value: Any) -> Array:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} is not an array of numbers: {error}") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {array.dtype}, expected real numbers")
    return array


def _floating_dtype(*arrays: Array) -> np.dtype[Any]:
    dtype = np.result_type(*arrays)  # in native byte order
    return dtype if dtype.kind == "f" else np.dtype(np.float64)


@lru_cache
def _sizes(
    function: str,
    inputs: Sequence[tuple[str, Shape]],
    shapes: Sequence[tuple[int, ...]],
    known: Sequence[tuple[str, int]],
) -> Mapping[str, int]:
    """Bind each symbol where it first stands alone, and hold every shape to the sizes so bound.

    `inputs` has the name of each input and its shape in the contract; `shapes` has the actual shapes. An
    input with a size that only a later input binds is checked at the end.
    """
    sizes = dict(known)
    later = []
    for (name, shape), actual in zip(inputs, shapes):
        has = f"{function}: {name} has shape {actual}"
        if len(actual) != len(shape):
            raise ValueError(f"{has}, expected {_expected(shape, sizes)}")
        for size, number in zip(shape, actual):
            if size in NEVER_ZERO and number == 0:
                raise ValueError(f"{has}, expected {in_symbols(shape)} with {size} at least 1")
            if isinstance(size, str) and " " not in size:
                sizes.setdefault(size, number)
        if not all(_is_known(size, sizes) for size in shape):
            later.append((has, shape, actual))
        elif actual != tuple(extent(size, sizes) for size in shape):
            raise ValueError(f"{has}, expected {_expected(shape, sizes)}")
    for has, shape, actual in later:
        known_by_now = all(_is_known(size, sizes) for size in shape)
        if known_by_now and actual != tuple(extent(size, sizes) for size in shape):
            raise ValueError(f"{has}, expected {_expected(shape, sizes)}")
    return sizes


def _is_known(size: Size, sizes: Mapping[str, int]) -> bool:
    """Whether a symbolic size stands for a number yet."""
    return isinstance(size, int) or all(symbol in sizes for symbol in size.replace("+", " ").split())


def _expected(shape: Shape, sizes: Mapping[str, int]) -> str:
    """A shape in symbols and, as far as the sizes are known, in numbers: `(n_y, n_a) = (n_y, 5)`."""
    known = tuple(extent(size, sizes) if _is_known(size, sizes) else size for size in shape)
    return in_symbols(shape) if known == shape else f"{in_symbols(shape)} = {in_symbols(known)}"
