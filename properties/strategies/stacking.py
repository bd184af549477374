"""How layers are stacked in the problems of a law, and with which options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from oracle.lengths import Lengths
from oracle.limits import ONE_DIRECTION, TWO_DIRECTIONS, Limits
from oracle.problem import Activation, Initial, LayerProblem

MOST_LAYERS = 3
"""Three layers tell a mistake of the second layer from one of the number of layers."""

MOST_CELLS = 2 * MOST_LAYERS
"""The most layers times directions."""


@dataclass(frozen=True)
class Stacking:
    """How layers may be stacked, and with which options.

    Several layers have at most `stacked_directions` directions.
    """

    directions: Sequence[int] = (1, 2)
    stacked_directions: int = 2
    most_layers: int = MOST_LAYERS
    lengths: Sequence[Lengths] = get_args(Lengths)
    projections: Sequence[str] = ("none", "smaller", "equal")
    activations: Sequence[Activation] = get_args(Activation)
    initial: Initial = "given"

    def contains(self, problem: LayerProblem) -> bool:
        """Whether a problem is stacked like this."""
        equal, smaller = problem.n_p == problem.n_a, 0 < problem.n_p < problem.n_a
        projection = "equal" if equal else "smaller" if smaller else "none" if not problem.n_p else "larger"
        return (
            problem.directions in self.directions_of(problem.layers)
            and problem.lengths in self.lengths
            and problem.layers <= self.most_layers
            and projection in self.projections
            and problem.activation in self.activations
            and problem.initial == self.initial
        )

    def directions_of(self, layers: int) -> Sequence[int]:
        """The possible numbers of directions for this number of layers."""
        return [D for D in self.directions if layers == 1 or self.stacked_directions >= D]

    @property
    def deepest(self) -> tuple[int, int]:
        """Two layers, or one if the stacking has no more, and the largest number of their directions."""
        layers = 2 if self.most_layers > 1 and self.directions_of(2) else 1
        return layers, max(self.directions_of(layers))

    def declared_away(self, limits: Limits) -> str:
        """The limit that excludes every stacking, in words; empty if there is none."""
        if min(self.directions) > limits.directions:
            return ONE_DIRECTION
        if max(self.directions) < limits.least_directions:
            return TWO_DIRECTIONS
        needs = [] if "absent" in self.lengths else ["lengths"]
        return limits.lacking(needs if "none" in self.projections else [*needs, "projection"])

    def within(self, limits: Limits) -> "Stacking":
        """The part within the limits of a target."""
        return replace(
            self,
            directions=tuple(D for D in self.directions if limits.least_directions <= D <= limits.directions),
            stacked_directions=min(self.stacked_directions, limits.stacked_directions),
            most_layers=min(self.most_layers, limits.layers),
            lengths=self.lengths if limits.lengths else ("absent",),
            projections=tuple(each for each in self.projections if each in _PROJECTIONS[limits.projection]),
            activations=tuple(each for each in self.activations if each in limits.activations),
            initial="given" if limits.initial_state else "zero",
        )


_PROJECTIONS: Mapping[bool | str, Sequence[str]] = {
    True: ("none", "smaller", "equal"),
    "fewer": ("none", "smaller"),
    False: ("none",),
}
"""The projections by the limit on them."""

ANY_STACKING = Stacking()
