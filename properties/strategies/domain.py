"""Defines the domain of a law: the problems on which the law is checked."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from oracle.problems.drawing import ORDINARY, Lengths, Regime
from oracle.problems.limits import ANYTHING, ONE_DIRECTION, TWO_DIRECTIONS, Empty, Limits
from oracle.problems.problem import Activation, DType, Initial, LayerProblem, Problem
from properties.strategies.effort import Effort
from reference.contract import CONTRACTS, LAYERS

LARGEST_EXACT = 16
"""The largest network for laws with `largest`, in units. They compute exact values, which takes long."""

MOST_LAYERS = 3
"""The most layers. With three layers, a mistake in the second layer differs from a mistake in the last."""

_PROJECTIONS: Mapping[bool | str, Sequence[str]] = {
    True: ("none", "smaller", "equal"),
    "fewer": ("none", "smaller"),
    False: ("none",),
}
"""The kinds of projection, by the value of `Limits.projection`."""


@dataclass(frozen=True)
class Domain:
    """The problems on which a law is checked.

    `largest` limits the drawn sizes. `empty` names the size that is 0, if any. `needs` lists what
    the target must support, as `Limits.unmet_need` takes it.

    The other fields are for layers. If there is more than one layer, there are at most `stacked_directions`
    directions. If there are `networks`, every problem has the weights of one of them. `in_parts` says that
    the law calls the function on parts of a network. Then the law is not checked on `networks`, because a
    target may have their weights built in.
    """

    regimes: Sequence[Regime] = ORDINARY
    dtypes: Sequence[DType] = ("float64",)
    largest: int | None = None
    empty: Empty | None = None
    needs: Sequence[str] = ()
    directions: Sequence[int] = (1, 2)
    stacked_directions: int = 2
    most_layers: int = MOST_LAYERS
    lengths: Sequence[Lengths] = get_args(Lengths)
    projections: Sequence[str] = _PROJECTIONS[True]
    activations: Sequence[Activation] = get_args(Activation)
    initial: Initial = "given"
    networks: Sequence[LayerProblem] = ()
    in_parts: bool = False

    def contains(self, problem: Problem, function: str) -> bool:
        """Whether a problem, even if beyond `largest`, is in the domain. A cell takes only one step of it."""
        contract, zeros = CONTRACTS[function], [name for name, size in problem.sizes.items() if not size]
        if not contract.fixed_sizes.keys().isdisjoint(zeros):
            return False
        if isinstance(problem, LayerProblem) and not self._contains_layers(problem):
            return False
        return (
            contract.problem_kind == problem.kind
            and problem.regime in self.regimes
            and problem.dtype in self.dtypes
            and zeros == [self.empty] * bool(self.empty)
        )

    def _contains_layers(self, problem: LayerProblem) -> bool:
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

    def siblings(self, effort: Effort) -> int:
        """The number of problems of one shape: one if a size is 0, since then the shape alone matters."""
        return 1 if self.empty else effort.siblings

    def for_drawing(self, function: str, effort: Effort) -> "Domain":
        """The domain with only the fields that affect which problems are drawn; many laws share it."""
        if CONTRACTS[function].is_layer:
            return replace(self, needs=())
        is_capped = self.largest is not None and self.largest < max(effort.largest, effort.longest)
        return Domain(self.regimes, self.dtypes, self.largest if is_capped else None, self.empty)

    def excluded_by(self, function: str, limits: Limits) -> str:
        """The limit that excludes all problems of the domain, in words; empty if no limit does."""
        contract = CONTRACTS[function]
        needs = self.needs if contract.is_layer else (*self.needs, "initial_state")  # a0 is required
        if function in LAYERS and contract.network.has_memory and "initial_state" in needs:
            needs = (*needs, "c_last")  # these laws pass last states to the next call
        if contract.is_backward:
            needs = (*needs, "gradients", *(["sequences"] if contract.is_layer else []))
        if missing := limits.unmet_need(needs):
            return missing
        if self.empty and self.empty not in limits.empty:
            return f"{self.empty} > 0 only"
        if not contract.is_layer:
            return ""
        if self.networks and (self.in_parts or not self.networks_for(function, limits)):
            return "not for the given weights"
        if min(self.directions) > limits.directions:
            return ONE_DIRECTION
        if max(self.directions) < limits.least_directions:
            return TWO_DIRECTIONS
        needs = () if "absent" in self.lengths else ("lengths",)
        return limits.unmet_need(needs if "none" in self.projections else (*needs, "projection"))

    def networks_for(self, function: str, limits: Limits = ANYTHING) -> list[LayerProblem]:
        """The networks of a function's kind that are within the domain and the limits."""
        within = self.within(limits)
        largest = math.inf if self.largest is None else LARGEST_EXACT
        return [
            network
            for network in self.networks
            if network.kind == CONTRACTS[function].problem_kind
            and self.empty != "n_x"
            and network.n_a <= largest
            and within._contains_layers(replace(network, lengths=within.lengths[0], initial=within.initial))
        ]

    def within(self, limits: Limits) -> "Domain":
        """The part of the domain within the limits of a target.

        If the target supports none of the domain's dtypes, the part has the target's widest dtype.
        """
        dtypes = [dtype for dtype in self.dtypes if dtype in limits.dtypes] or [limits.dtypes[0]]
        return replace(
            self,
            dtypes=tuple(dtypes),
            directions=tuple(D for D in self.directions if limits.least_directions <= D <= limits.directions),
            stacked_directions=min(self.stacked_directions, limits.stacked_directions),
            most_layers=min(self.most_layers, limits.layers),
            lengths=self.lengths if limits.lengths else ("absent",),
            projections=tuple(each for each in self.projections if each in _PROJECTIONS[limits.projection]),
            activations=tuple(each for each in self.activations if each in limits.activations),
            initial=self.initial if limits.initial_state else "zero",
        )


ANY_DOMAIN = Domain()
