"""The settings in which one layer of a network is looked at."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

from oracle.limits import Limits
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
class Setting:
    """Where in a network the layer is, and whether it is its last states that are looked at.

    It is `above` so many others. Of its sequences all, or all but the last, may have `ended` before T_x.
    """

    above: int = 0
    direction: Direction = "alone"
    ended: Ended = ""
    last: bool = False

    def __str__(self) -> str:
        parts = (
            _ABOVE[self.above],
            _DIRECTIONS[self.direction],
            f"where {self.ended} of the sequences end before x does (after T_x steps)" if self.ended else "",
            "in the last states that are returned" if self.last else "",
        )
        return ", ".join(filter(None, parts))

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
        return self.above + (self.direction != "alone") + bool(self.ended) + self.last

    @property
    def others_go_on(self) -> bool:
        """Whether one sequence, which is not looked at, is longer."""
        return self.ended == "all but the last"

    def is_of(self, problem: LayerProblem) -> bool:
        """Whether a problem has in it what this asks for."""
        return (
            self.above < problem.layers
            and self.directions <= problem.directions
            and bool(self.ended) <= (problem.lengths != "absent")
        )


def settings(problem: LayerProblem, limits: Limits) -> list[Setting]:
    """Those that a problem has in it, the simplest first.

    None where a target can do no other problem, and with a projection or relu, which are not looked at.
    """
    if problem.weights or problem.n_p or problem.activation != "tanh" or not limits.initial_state:
        return []
    return sorted((each for each in _every() if each.is_of(problem)), key=lambda each: each.parts)


def _every() -> Iterator[Setting]:
    directions, ended = get_args(Direction), get_args(Ended)
    for above, direction, end, last in product(range(len(_ABOVE)), directions, ended, (False, True)):
        yield Setting(above, direction, end, last)
