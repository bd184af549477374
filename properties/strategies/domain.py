"""The domain of a law: the problems on which the law is checked."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from oracle.limits import ANYTHING, Empty, Limits
from oracle.problem import DType, LayerProblem, Problem
from oracle.regimes import ORDINARY, Regime
from properties.strategies.effort import Effort
from properties.strategies.stacking import ANY_STACKING, Stacking
from reference.contract import CONTRACTS

LARGEST_EXACT = 16
"""The most units of a network for laws with `largest`, which compute the exact value of every problem."""


@dataclass(frozen=True)
class Domain:
    """The problems on which a law is checked.

    `largest` limits the drawn sizes. `empty` names the one size that is 0, if any. `stacking` is for layers.
    `needs` names the fields of `Limits` that a target must support for the law to be checked. If there are
    `networks`, layers have the weights of one of these. A law that calls a network `in_parts`, or together
    with another layer, is not checked on `networks`, because a target may have these weights built in.
    """

    regimes: Sequence[Regime] = ORDINARY
    dtypes: Sequence[DType] = ("float64",)
    largest: int | None = None
    empty: Empty | None = None
    stacking: Stacking = ANY_STACKING
    needs: Sequence[str] = ()
    networks: Sequence[LayerProblem] = ()
    in_parts: bool = False

    def contains(self, problem: Problem, function: str) -> bool:
        """Whether a problem is in the domain; its size does not matter, and a cell takes its first step."""
        contract, sizes = CONTRACTS[function], problem.sizes
        if contract.is_cell and sizes.pop("T_x") == 0:
            return False
        if isinstance(problem, LayerProblem) and not self.stacking.contains(problem):
            return False
        return (
            contract.problem_kind == problem.kind
            and problem.regime in self.regimes
            and problem.dtype in self.dtypes
            and [name for name, size in sizes.items() if not size] == [self.empty] * bool(self.empty)
        )

    def as_drawn(self, function: str, effort: Effort) -> "Domain":
        """The domain without what has no effect on the drawn problems, so that many laws share it."""
        if CONTRACTS[function].is_layer:
            return replace(self, needs=())
        is_capped = self.largest is not None and self.largest < max(effort.largest, effort.longest)
        return Domain(self.regimes, self.dtypes, self.largest if is_capped else None, self.empty)

    def declared_away(self, function: str, limits: Limits) -> str:
        """The limit that excludes all its problems, in words; empty if there is none."""
        contract = CONTRACTS[function]
        needs = self.needs if contract.is_layer else (*self.needs, "initial_state")
        if function == "lstm_layer" and "initial_state" in needs:  # laws pass its states from call to call
            needs = (*needs, "c_last")
        if contract.is_backward:
            needs = (*needs, "gradients")
        if missing := limits.lacking(needs):
            return missing
        if self.empty and self.empty not in limits.empty:
            return f"never {self.empty} = 0"
        if not contract.is_layer:
            return ""
        if self.networks and (self.in_parts or not self.networks_for(function, limits)):
            return "not of these weights"
        return self.stacking.declared_away(limits)

    def networks_for(self, function: str, limits: Limits = ANYTHING) -> list[LayerProblem]:
        """The networks for a function that fit the stacking and the limits."""
        stacking = self.stacking.within(limits)
        largest = math.inf if self.largest is None else LARGEST_EXACT
        return [
            network
            for network in self.networks
            if network.kind == CONTRACTS[function].problem_kind
            and self.empty != "n_x"
            and network.n_a <= largest
            and stacking.contains(replace(network, lengths=stacking.lengths[0], initial=stacking.initial))
        ]

    def within(self, limits: Limits) -> "Domain":
        """The part within the limits of a target. Without a common dtype it has the target's widest."""
        dtypes = [dtype for dtype in self.dtypes if dtype in limits.dtypes] or [limits.dtypes[0]]
        return replace(self, dtypes=tuple(dtypes), stacking=self.stacking.within(limits))


ANY_DOMAIN = Domain()
