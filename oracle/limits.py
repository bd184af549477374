"""The limits that a target declares in `SUPPORTS`, as data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self, get_args

from oracle.problem import Activation, DType, LayerProblem, Problem
from reference.contract import Shape

Empty = Literal["n_x", "m", "T_x"]
"""The sizes that can be 0."""

DTYPES: tuple[DType, ...] = ("float64", "float32", "float16")
"""The dtypes, the widest first."""

MANY = 2**31


@dataclass(frozen=True)
class Limits:
    """What a target can do; by default everything.

    Attributes
    ----------
    dtypes
        The precisions in which it computes.
    caches, head
        Whether the four functions return caches, and predictions.
    layers, directions
        The largest numbers of layers and directions.
    least_directions
        2 if its layers always have two directions.
    stacked_directions
        The largest number of directions with more than one layer.
    lengths, initial_state
        Whether its layers take lengths, and initial states.
    c_last
        Whether its LSTM layers return the last memory states.
    projection
        Whether its LSTM layers project the hidden state; `"fewer"` if a projection must make it smaller.
    activations
        The activations of its RNN layers.
    empty
        The sizes that may be 0.
    subnormals
        Whether it keeps subnormal numbers; otherwise it flushes them to zero.
    bad_shapes
        Whether it may be called with arguments of a wrong shape, to see whether it refuses them.
    gradients
        Whether it has backward passes to judge.
    """

    dtypes: tuple[DType, ...] = DTYPES
    caches: bool = True
    head: bool = True
    layers: int = MANY
    directions: int = 2
    least_directions: int = 1
    stacked_directions: int = 2
    lengths: bool = True
    c_last: bool = True
    projection: bool | Literal["fewer"] = True
    initial_state: bool = True
    activations: tuple[Activation, ...] = get_args(Activation)
    empty: tuple[Empty, ...] = get_args(Empty)
    subnormals: bool = True
    bad_shapes: bool = True
    gradients: bool = True

    @classmethod
    def parse(cls, declared: Any) -> Self:
        """The limits in a target's `SUPPORTS`. Raises a `ValueError` that names a wrong entry."""
        if not isinstance(declared, dict):
            raise ValueError("SUPPORTS is no dict")
        known = {each.name for each in fields(cls)}
        limits = cls(**{key: _checked(key, value, known) for key, value in declared.items()})
        for key in ("directions", "stacked_directions"):
            if limits.least_directions > getattr(limits, key):
                raise ValueError(f"SUPPORTS['least_directions'] is 2, but SUPPORTS[{key!r}] is 1")
        return limits

    @property
    def one_direction(self) -> bool:
        """Whether layers can have one direction."""
        return self.least_directions == 1

    def most_directions(self, layers: int) -> int:
        """The largest number of directions with this number of layers."""
        return self.directions if layers == 1 else min(self.directions, self.stacked_directions)

    def shows(self, output: str, shape: Shape) -> bool:
        """Whether the target returns this output; otherwise it returns `None` in its place."""
        return (self.head or "n_y" not in shape) and (self.c_last or output != "c_last")

    def lacking(self, needs: Sequence[str]) -> str:
        """The first of the needs that the target does not meet, in words; empty if it meets all needs."""
        for name in needs:
            if name == "equal projection" and self.projection is not True:
                return _FEWER if self.projection else _NO["projection"]
            if name != "equal projection" and not getattr(self, name):
                return _NO[name]
        return ""

    def fitted(self, problem: Problem) -> Problem:
        """The problem, changed as little as necessary to stay within the limits."""
        less: dict[str, Any] = {}
        if problem.dtype not in self.dtypes:
            less["dtype"] = self.dtypes[0]
        if isinstance(problem, LayerProblem):
            less["layers"] = L = min(problem.layers, self.layers)
            less["directions"] = max(self.least_directions, min(problem.directions, self.most_directions(L)))
            if not self.lengths:
                less["lengths"] = "absent"
            if not self.projection:
                less["n_p"] = 0
            elif self.projection == "fewer" and problem.n_p:
                less["n_p"] = min(problem.n_p, problem.n_a - 1)
            if not self.initial_state:
                less["initial"] = "zero"
            if problem.kind == "rnn_layer" and problem.activation not in self.activations:
                less["activation"] = self.activations[0]
        return replace(problem, **less)

    @property
    def words(self) -> list[str]:
        """A short text for each limit: `"float32 only"`, `"no caches"`."""
        return list(self._words())

    def _words(self) -> Iterator[str]:
        if set(self.dtypes) != set(DTYPES):
            yield f"{' and '.join(self.dtypes)} only"
        if self.layers < MANY:
            yield at_most(self.layers)
        if self.directions == 1:
            yield ONE_DIRECTION
        if self.stacked_directions < self.directions:
            yield STACKED_FORWARD
        if len(self.activations) == 1:
            yield f"{self.activations[0]} only"
        if self.projection == "fewer":
            yield _FEWER
        for name, words in _NO.items():
            if not getattr(self, name):
                yield words
        never = [name for name in get_args(Empty) if name not in self.empty]
        if never:
            yield f"never {', '.join(never)} = 0"


ANYTHING = Limits()

ONE_DIRECTION, TWO_DIRECTIONS = "one direction", "two directions only"
STACKED_FORWARD = "stacked in one direction only"


def at_most(layers: int) -> str:
    """A limit on the number of layers, in words."""
    return f"at most {layers} layer{'s' if layers > 1 else ''}"


_FEWER = "projections to fewer units only"

_NO: Mapping[str, str] = {
    "one_direction": TWO_DIRECTIONS,
    "caches": "no caches",
    "head": "no predictions",
    "lengths": "no lengths",
    "c_last": "no last memory states",
    "projection": "no projection",
    "initial_state": "no initial state",
    "subnormals": "subnormals flushed",
    "bad_shapes": "bad shapes not tested",
    "gradients": "no gradients",
}

_CHOICES: Mapping[str, Sequence[str]] = {
    "dtypes": DTYPES,
    "activations": get_args(Activation),
    "empty": get_args(Empty),
}


def _checked(key: Any, value: Any, known: set[str]) -> Any:
    """The checked value of an entry of `SUPPORTS`; `ValueError` if the value is not allowed."""
    if key in _CHOICES:
        if (
            isinstance(value, (list, tuple))
            and all(isinstance(each, str) and each in _CHOICES[key] for each in value)
            and (value or key == "empty")
        ):
            return tuple(each for each in _CHOICES[key] if each in value)
        expected = f"a list of {', '.join(_CHOICES[key])}"
    elif key == "layers":
        if type(value) is int and value >= 1:
            return value
        expected = "a number from 1 up"
    elif key in ("directions", "least_directions", "stacked_directions"):
        if type(value) is int and value in (1, 2):
            return value
        expected = "1 or 2"
    elif key in known:
        if isinstance(value, bool) or (key == "projection" and value == "fewer"):
            return value
        expected = 'True, False or "fewer"' if key == "projection" else "True or False"
    else:
        raise ValueError(f"SUPPORTS has no {key!r}; it may have {', '.join(sorted(known))}")
    raise ValueError(f"SUPPORTS[{key!r}] is {value!r}, expected {expected}")
