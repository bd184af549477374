"""What goes into each forward function and what comes out, shapes in symbols.

One table, `CONTRACTS`, says it once. Validation reads it here; problem generation and the shape law
read it elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Kind = Literal["rnn", "lstm"]
Shape = tuple[str | int, ...]
"""A shape in symbols: a size (`"n_a"`), a sum of sizes (`"n_a + n_x"`) or a number."""

NEVER_ZERO = ("n_a", "n_y")
"""Without hidden units there is no state, and without classes no prediction."""

STATE: Shape = ("n_a", "m")
STATES: Shape = ("n_a", "m", "T_x")
GATE_WEIGHT: Shape = ("n_a", "n_a + n_x")
BIAS: Shape = ("n_a", 1)

PARAMETERS: Mapping[Kind, Mapping[str, Shape]] = {
    "rnn": {
        "Wax": ("n_a", "n_x"),
        "Waa": ("n_a", "n_a"),
        "Wya": ("n_y", "n_a"),
        "ba": BIAS,
        "by": ("n_y", 1),
    },
    "lstm": {
        **{f"W{gate}": GATE_WEIGHT for gate in "fico"},
        **{f"b{gate}": BIAS for gate in "fico"},
        "Wy": ("n_y", "n_a"),
        "by": ("n_y", 1),
    },
}


@dataclass(frozen=True)
class Contract:
    """The arguments (before `parameters`), outputs and cell cache of one function, in order."""

    name: str
    kind: Kind
    is_cell: bool
    arguments: Mapping[str, Shape]
    outputs: Mapping[str, Shape]
    cache: Mapping[str, Shape]

    @property
    def cell(self) -> str:
        """The function that takes one step of this network."""
        return f"{self.kind}_cell_forward"

    @property
    def parameters(self) -> Mapping[str, Shape]:
        """The parameters that the function takes."""
        return PARAMETERS[self.kind]


_RNN_CACHE: Mapping[str, Shape] = {"a_next": STATE, "a_prev": STATE, "xt": ("n_x", "m")}
_LSTM_CACHE: Mapping[str, Shape] = {
    **dict.fromkeys(("a_next", "c_next", "a_prev", "c_prev", "ft", "it", "cct", "ot"), STATE),
    "xt": ("n_x", "m"),
}

CONTRACTS: Mapping[str, Contract] = {
    contract.name: contract
    for contract in (
        Contract(
            "rnn_cell_forward",
            "rnn",
            True,
            arguments={"xt": ("n_x", "m"), "a_prev": STATE},
            outputs={"a_next": STATE, "yt_pred": ("n_y", "m")},
            cache=_RNN_CACHE,
        ),
        Contract(
            "rnn_forward",
            "rnn",
            False,
            arguments={"x": ("n_x", "m", "T_x"), "a0": STATE},
            outputs={"a": STATES, "y_pred": ("n_y", "m", "T_x")},
            cache=_RNN_CACHE,
        ),
        Contract(
            "lstm_cell_forward",
            "lstm",
            True,
            arguments={"xt": ("n_x", "m"), "a_prev": STATE, "c_prev": STATE},
            outputs={"a_next": STATE, "c_next": STATE, "yt_pred": ("n_y", "m")},
            cache=_LSTM_CACHE,
        ),
        Contract(
            "lstm_forward",
            "lstm",
            False,
            arguments={"x": ("n_x", "m", "T_x"), "a0": STATE},
            outputs={"a": STATES, "y": ("n_y", "m", "T_x"), "c": STATES},
            cache=_LSTM_CACHE,
        ),
    )
}


def extent(size: str | int, sizes: Mapping[str, int]) -> int:
    """The number that a symbolic size stands for: `extent("n_a + n_x", {"n_a": 5, "n_x": 3}) == 8`."""
    return size if isinstance(size, int) else sum(sizes[term] for term in size.split(" + "))


def in_symbols(shape: Shape) -> str:
    """A symbolic shape as Python writes a tuple: `(n_a, 1)`."""
    return f"({', '.join(map(str, shape))})"


def floating(name: str, value: Any) -> Array:
    """A real array in a floating dtype: its own, or else float64. `TypeError` names what is none."""
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
    if not isinstance(parameters, Mapping):
        raise TypeError(f"{function}: parameters is a {type(parameters).__name__}, expected a dict of arrays")
    arrays = [
        _real_array(f"{function}: {name}", value)
        for name, value in zip(contract.arguments, arguments, strict=True)
    ]
    for name, shape in contract.parameters.items():
        if name not in parameters:
            expected = _expected(shape, _sizes(function, tuple(array.shape for array in arrays)))
            raise ValueError(
                f"{function}: parameters has {list(parameters)}, expected also {name!r} {expected}"
            )
        arrays.append(_real_array(f'{function}: parameters["{name}"]', parameters[name]))
    sizes = _sizes(function, tuple(array.shape for array in arrays))

    dtype = _floating_dtype(*arrays)
    copies = [array.astype(dtype, order="C") for array in arrays]
    count = len(arguments)
    return copies[:count], dict(zip(contract.parameters, copies[count:], strict=True)), sizes


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
def _sizes(function: str, shapes: tuple[tuple[int, ...], ...]) -> Mapping[str, int]:
    """Bind each symbol where it first stands alone, and hold every shape to the sizes so bound.

    `shapes` are those of the arguments and then of the parameters, all of them or the first few.
    """
    contract = CONTRACTS[function]
    inputs = {**contract.arguments, **{f'parameters["{name}"]': s for name, s in contract.parameters.items()}}
    sizes: dict[str, int] = {}
    for (name, shape), actual in zip(inputs.items(), shapes, strict=False):
        has = f"{function}: {name} has shape {actual}"
        if len(actual) != len(shape):
            raise ValueError(f"{has}, expected {_expected(shape, sizes)}")
        for size, number in zip(shape, actual, strict=True):
            if size in NEVER_ZERO and number == 0:
                raise ValueError(f"{has}, expected {in_symbols(shape)} with {size} at least 1")
            if isinstance(size, str) and "+" not in size:
                sizes.setdefault(size, number)
        if actual != tuple(extent(size, sizes) for size in shape):
            raise ValueError(f"{has}, expected {_expected(shape, sizes)}")
    return sizes


def _expected(shape: Shape, sizes: Mapping[str, int]) -> str:
    """A shape in symbols and, as far as the sizes are known, in numbers: `(n_y, n_a) = (n_y, 5)`."""
    known = tuple(
        extent(size, sizes)
        if isinstance(size, int) or all(term in sizes for term in size.split(" + "))
        else size
        for size in shape
    )
    return in_symbols(shape) if known == shape else f"{in_symbols(shape)} = {in_symbols(known)}"
