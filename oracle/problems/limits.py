"""The limits that a target declares in `SUPPORTS`, as data: what the target does not do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self, get_args

from oracle.problems.problem import Activation, DType, LayerProblem, Problem
from reference.contract import NETWORKS, Shape, kind_in

Empty = Literal["n_x", "m", "T_x"]
"""The sizes that may be 0."""

DTYPES: tuple[DType, ...] = ("float64", "float32", "float16")
"""The dtypes, the widest first."""

ANY_NUMBER = 2**31
"""More layers than any problem has."""


@dataclass(frozen=True)
class Limits:
    """What a target can do; by default everything."""

    dtypes: tuple[DType, ...] = DTYPES  # the precisions of the computation
    caches: bool = True  # whether the four functions return caches
    head: bool = True  # whether the four functions return predictions
    layers: int = ANY_NUMBER  # the largest number of layers
    directions: int = 2  # the largest number of directions
    least_directions: int = 1  # 2 if layers always have two directions
    stacked_directions: int = 2  # the largest number of directions with more than one layer
    lengths: bool = True  # whether layers take lengths
    sequences: bool = True  # whether layers return the hidden states over time, besides the last ones
    c_last: bool = True  # whether LSTM layers return the last memory states
    projection: bool | Literal["fewer"] = True  # "fewer": only to fewer units than the memory state has
    initial_state: bool = True  # whether layers take initial states
    absent_states: bool | Literal["both"] = True  # "both": they may be absent only together
    last_states: bool = True  # false if the last hidden states that layers return are copied from the outputs
    activations: tuple[Activation, ...] = get_args(Activation)  # of RNN layers
    empty: tuple[Empty, ...] = get_args(Empty)  # the sizes that may be 0
    subnormals: bool = True  # false if subnormal numbers are flushed to zero
    memory_layouts: bool = True  # whether arrays reach the target in the memory layout that they have
    bad_shapes: bool = True  # whether the functions may be called with arguments of a wrong shape
    gradients: bool = True  # whether the backward passes are judged

    @classmethod
    def parse(cls, declared: Any) -> Self:
        """The limits in a target's `SUPPORTS`. Raises `ValueError` with the wrong entry in its message."""
        if not isinstance(declared, dict):
            raise ValueError("SUPPORTS is no dict")
        known = {each.name for each in fields(cls)}
        for key in declared:
            if key not in known:
                raise ValueError(f"SUPPORTS has no {key!r}; it may have {', '.join(sorted(known))}")
        limits = cls(**{key: _checked(key, value) for key, value in declared.items()})
        for key in ("directions", "stacked_directions"):
            if limits.least_directions > getattr(limits, key):
                raise ValueError(f"SUPPORTS['least_directions'] is 2, but SUPPORTS[{key!r}] is 1")
        return limits

    @property
    def one_direction(self) -> bool:
        """Whether layers can have one direction."""
        return self.least_directions == 1

    def returns(self, output: str, shape: Shape) -> bool:
        """Whether the target returns an output, with this shape in the contract, rather than `None`."""
        declared = {"c_last": self.c_last, "da0": self.initial_state, "dc0": self.initial_state}
        of_sizes = {"n_y": self.head, "D n_h": self.sequences}
        return declared.get(output, True) and all(of_sizes[size] for size in of_sizes if size in shape)

    def unmet_need(self, needs: Sequence[str]) -> str:
        """The words for the limit that conflicts with the first unmet need; empty if all needs are met.

        A need names a field or property. `"equal projection"` is a projection to as many units as c has, and
        `"one absent state"` a call in which one of two initial states is absent.
        """
        fully = {
            "equal projection": ("projection", _FEWER_UNITS),
            "one absent state": ("absent_states", _BOTH),
        }
        for need in needs:
            name, partly = fully.get(need, (need, ""))
            if not getattr(self, name):
                return _WORDS[name]
            if partly and getattr(self, name) is not True:
                return partly
        return ""

    def fitted(self, problem: Problem) -> Problem:
        """The problem, changed as little as necessary to stay within the limits.

        Sizes of 0 stay, since only the laws on these sizes draw them.
        """
        changes: dict[str, Any] = {}
        if problem.dtype not in self.dtypes:
            changes["dtype"] = self.dtypes[0]
        if isinstance(problem, LayerProblem):
            changes["layers"] = L = min(problem.layers, self.layers)
            most = self.directions if L == 1 else min(self.directions, self.stacked_directions)
            D = min(problem.directions, most)
            changes["directions"] = max(self.least_directions, D)
            if not self.lengths:
                changes["lengths"] = "absent"
            if not self.projection:
                changes["n_p"] = 0
            elif self.projection == "fewer" and problem.n_p:
                changes["n_p"] = min(problem.n_p, problem.n_a - 1)
            if not self.initial_state:
                changes["initial"] = "zero"
            network = NETWORKS[kind_in(problem.kind)]
            if network.has_activations and problem.activation not in self.activations:
                changes["activation"] = self.activations[0]
        return replace(problem, **changes)

    @property
    def words(self) -> list[str]:
        """A short text for each limit: `"float32 only"`, `"no caches"`."""
        never_zero = [name for name in get_args(Empty) if name not in self.empty]
        applies = {
            f"{' and '.join(self.dtypes)} only": {*self.dtypes} != {*DTYPES},
            f"at most {self.layers} layer{'s' if self.layers > 1 else ''}": self.layers < ANY_NUMBER,
            ONE_DIRECTION: self.directions == 1,
            "stacked in one direction only": self.stacked_directions < self.directions,
            f"{self.activations[0]} only": len(self.activations) == 1,
            _FEWER_UNITS: self.projection == "fewer",
            _BOTH: self.absent_states == "both",
            **{words: not getattr(self, name) for name, words in _WORDS.items()},
            f"{', '.join(never_zero)} > 0 only": bool(never_zero),
        }
        return [words for words, does_apply in applies.items() if does_apply]


ANYTHING = Limits()

ONE_DIRECTION, TWO_DIRECTIONS = "one direction", "two directions only"
_FEWER_UNITS, _BOTH = "projections to fewer units only", "single absent states not tested"

_WORDS: Mapping[str, str] = {
    "one_direction": TWO_DIRECTIONS,
    "caches": "no caches",
    "head": "no predictions",
    "lengths": "no lengths",
    "sequences": "last states only",
    "c_last": "no last memory states",
    "projection": "no projection",
    "initial_state": "no initial state",
    "absent_states": "initial states required",
    "last_states": "last hidden states copied from the outputs",
    "subnormals": "subnormals flushed",
    "memory_layouts": "memory layouts not tested",
    "bad_shapes": "bad shapes not tested",
    "gradients": "no gradients",
}

_LISTS: Mapping[str, Sequence[str]] = {
    "dtypes": DTYPES,
    "activations": get_args(Activation),
    "empty": get_args(Empty),
}
"""The values that the list in an entry of `SUPPORTS` may contain."""
_VALUES: Mapping[str, Sequence[Any]] = {
    **dict.fromkeys(("directions", "least_directions", "stacked_directions"), (1, 2)),
    "projection": (True, False, "fewer"),
    "absent_states": (True, False, "both"),
}
"""The values that other entries of `SUPPORTS` may have; `True` and `False` for an entry not listed here."""


def _checked(key: str, value: Any) -> Any:
    """The value of an entry of `SUPPORTS`. Raises `ValueError` if the value is not allowed."""
    if key == "layers":
        is_allowed, expected = type(value) is int and value >= 1, "a number from 1 up"
    elif key in _LISTS:
        names, expected = _LISTS[key], f"a list of {', '.join(_LISTS[key])}"
        is_list = isinstance(value, (list, tuple)) and (key == "empty" or bool(value))
        is_allowed = is_list and all(isinstance(each, str) and each in names for each in value)
    else:
        values = _VALUES.get(key, (True, False))
        is_allowed = any(type(value) is type(each) and value == each for each in values)
        expected = " or ".join(map(repr, values))
    if not is_allowed:
        raise ValueError(f"SUPPORTS[{key!r}] is {value!r}, expected {expected}")
    return tuple(each for each in _LISTS[key] if each in value) if key in _LISTS else value
