"""The settings in which one layer of a network is looked at."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

from oracle.limits import Limits
from oracle.location.when.table import SUM
from oracle.problem import LayerProblem

Direction = Literal["alone", "forward", "backward"]
Ended = Literal["", "all", "all but the last"]

_DIRECTIONS: dict[Direction, str] = {
    "alone": "",
    "forward": "in a forward direction beside a backward one",
    "backward": "in a backward direction",
}
_ABOVE = ("", "in a layer above another", "in a layer above two others")


@dataclass(frozen=True)
class Scope:
    """How far what is wrong in a setting goes, in words beside those of the setting.

    With `any_projection`, not of as many units alone; where `any_ended`, not all of the sequences; in one
    `direction_alone`. Where n_x is said the layer's `own_features` are meant,
    and n_a is the features of all directions if n_x has to be `as_wide`. Of a backward direction steps may be
    counted `with_padding`.
    """

    any_projection: bool = False
    any_ended: bool = False
    direction_alone: bool = False
    own_features: bool = False
    as_wide: bool = False
    with_padding: bool = False

    def of(self, when: str) -> str:
        """A condition on a layer, with what is to be said of the sizes and the steps in it."""
        when += f", {WITH_PADDING}" if self.with_padding and "step" in when else ""
        when = when.replace(SUM, "n_h + n_x")  # as many as there are with a projection or without one
        if self.as_wide:
            when = when.replace(AS_WIDE, "n_x = D n_a, of D directions")
        return (
            f"{when}, n_x being what the layer's own input has"
            if self.own_features and "n_x" in when
            else when
        )


ITSELF = Scope()
AS_WIDE = "n_x = n_a"
WITH_PADDING = "steps of a backward direction being counted from the end of x, with the padding"


@dataclass(frozen=True)
class Setting:
    """Where in a network the layer is, and whether it is its last states that are looked at.

    It is `above` so many others. Of its sequences all, or all but the last, may have `ended` before T_x. The
    `activation` is that of an RNN; an LSTM may be `projected` to as many units.
    """

    above: int = 0
    direction: Direction = "alone"
    ended: Ended = ""
    last: bool = False
    activation: str = "tanh"
    projected: bool = False

    def words(self, scope: Scope = ITSELF) -> str:
        """What is said of it; nothing of one layer alone."""
        ended = "any of the sequences ends" if scope.any_ended else f"{self.ended} of the sequences end"
        projection = "" if scope.any_projection else " to as many units"
        parts = (
            "with relu" if self.activation == "relu" else "",
            f"with a projection{projection}" if self.projected else "",
            _ABOVE[self.above],
            "of one direction alone" if scope.direction_alone else _DIRECTIONS[self.direction],
            f"where {ended} after T_x steps, before x does" if self.ended else "",
            "in the last states that are returned" if self.last else "",
        )
        return ", ".join(filter(None, parts))

    def leaves_to_say(self, when: str, scope: Scope = ITSELF) -> str:
        """What a condition says beside the setting; empty where that is nothing."""
        given = [*self.words(scope).split(", ")]
        if self.projected and not scope.any_projection:
            given += ["with a projection", "with n_a units in the hidden state"]
        first, comma, rest = when.partition(", ")
        left = " and ".join(each for each in first.split(" and ") if each not in given)
        return ", ".join(filter(None, [left, rest])) if comma else left

    @property
    def directions(self) -> int:
        """How many there are in each layer."""
        return 1 if self.direction == "alone" else 2

    @property
    def place(self) -> int:
        """Where the layer is among the parameters of all."""
        return self.directions * self.above + (self.direction == "backward")

    @property
    def parts(self) -> int:
        """In how much it differs from one layer alone."""
        options = (self.direction != "alone", bool(self.ended), self.last)
        return self.above + sum((*options, self.activation != "tanh", self.projected))

    @property
    def others_go_on(self) -> bool:
        """Whether one sequence, which is not looked at, is longer."""
        return self.ended == "all but the last"

    def is_of(self, problem: LayerProblem, limits: Limits) -> bool:
        """Whether a problem has in it what this asks for, and a target does it."""
        return (
            self.above < problem.layers
            and self.directions <= problem.directions
            and bool(self.ended) <= (problem.lengths != "absent")
            and self.activation in ("tanh", problem.activation)
            and (problem.kind == "lstm_layer" or self.activation in limits.activations)
            and self.projected <= (problem.n_p > 0 and limits.projection is True)
        )


def settings(problem: LayerProblem, limits: Limits) -> list[Setting]:
    """Those that a problem has in it, the simplest first; none where a target can do no other problem."""
    if problem.weights or not limits.initial_state:
        return []
    return sorted((each for each in _every() if each.is_of(problem, limits)), key=lambda each: each.parts)


def _every() -> Iterator[Setting]:
    directions, ended = get_args(Direction), get_args(Ended)
    both = (False, True)
    for every in product(range(len(_ABOVE)), directions, ended, both, ("tanh", "relu"), both):
        yield Setting(*every)
