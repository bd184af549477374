"""Which problems are drawn: sizes, a regime, a dtype and a seed; the numbers come from the seed."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from hypothesis import strategies as st

from oracle.limits import ANYTHING, Empty, Limits
from oracle.problem import DType, LayerProblem, Problem, siblings
from oracle.regimes import ORDINARY, Regime
from properties.strategies import layers
from properties.strategies.cost import made_affordable
from properties.strategies.layers import ANY_STACKING, MOST_CELLS, Stacking
from reference.contract import CONTRACTS


@dataclass(frozen=True)
class Domain:
    """The problems of which a law says something.

    `largest` caps the sizes that are drawn. `empty` is the one size that is 0, if any is. `stacking` is of
    layers. `needs` says what of `Limits` a target must do for the law to say something of it. `networks` are
    problems of layers, of which one gives the network, if there are any. A law that asks for a network
    `in_parts`, or with another layer, says nothing of these: a port may have their weights in itself.
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
        """Whether a problem is one of them, whatever its size; a cell takes its first step."""
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

    def as_drawn(self, function: str, effort: "Effort") -> "Domain":
        """A domain that says only what matters when its problems are drawn, and so is that of many laws."""
        if CONTRACTS[function].is_layer:
            return replace(self, needs=())
        is_capped = self.largest is not None and self.largest < max(effort.largest, effort.longest)
        return Domain(self.regimes, self.dtypes, self.largest if is_capped else None, self.empty)

    def declared_away(self, function: str, limits: Limits) -> str:
        """The limit by which nothing of it is left, in words; empty where something is."""
        contract = CONTRACTS[function]
        needs = self.needs if contract.is_layer else (*self.needs, "initial_state")
        if function == "lstm_layer" and "initial_state" in needs:  # its states are handed from call to call
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
        """The networks of one function that are stacked as it asks for, and ask for no more than limits."""
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
        """What is left of it. In no dtype that it asks for, it is asked in the widest there is."""
        dtypes = [dtype for dtype in self.dtypes if dtype in limits.dtypes] or [limits.dtypes[0]]
        return replace(self, dtypes=tuple(dtypes), stacking=self.stacking.within(limits))


LARGEST_EXACT = 16
"""The units of a network that is given to a law of small problems, which asks the exact value of all."""

SEEDS = 2**16

TRIES = 8
"""How often a size is drawn again to be distinct. To take the next free number would be simpler, but then a
failure at 1, 2, 3, 4, 5 could not shrink to 1, 2, 2, 1, 1: the draws behind it would all be 1.
"""


@dataclass(frozen=True)
class Effort:
    """How far a profile goes: the largest sizes, the longest sequence, and the problems an example carries.

    `work` limits what one problem takes, in the units of `drawn.work`; fifteen problems of sixteen go no
    further than `usually`. `steered` says whether the search goes toward large errors, as fractions of their
    bounds.
    """

    largest: int
    longest: int
    siblings: int
    work: float = math.inf
    usually: "Effort | None" = None
    steered: bool = False

    def within(self, work: float) -> "Effort":
        """The same on problems of no more work than this.

        Rounded to a power of two, so that few strategies serve implementations of all speeds.
        """
        if work >= self.work:
            return self
        limit = 2.0 ** math.floor(math.log2(max(work, 1.0)))
        usually = self.usually and replace(self.usually, work=self.usually.work * limit / self.work)
        return replace(self, work=limit, usually=usually)


EFFORTS = {
    "dev": Effort(6, 8, 5),
    "ci": Effort(9, 12, 5),
    # Many problems find more than few large ones.
    "fuzz": Effort(300, 4000, 1, work=5e8, usually=Effort(66, 160, 1, work=1e8), steered=True),
}
"""By profile; any other profile goes as far as `dev`."""

WIDTHS = ((1, 2), (1, 16), (31, 66), (96, 130))
OFTEN = {
    "n_x": WIDTHS,
    "n_a": ((1, 2), (1, 66), (31, 66), (96, 130)),
    "n_y": WIDTHS,
    "m": WIDTHS,
    "T_x": ((1, 2), (1, 16), (96, 130)),
}
"""Ranges drawn as often as all sizes: those with most edge cases, and for widths those near a vector's.

Most mistakes that depend on a size depend on that of the state, so this one has more of the sizes between.
"""


@cache  # a strategy is validated when it is first drawn from, at the cost of many draws
def examples(
    function: str, effort: Effort, domain: Domain = Domain()
) -> st.SearchStrategy[Sequence[Problem]]:
    """Problems of one shape for one function, in all the regimes of a domain.

    Now and then there is only one, for a failure to shrink to the simplest regime that shows it.
    """
    return _examples(problems(function, effort, domain), effort.siblings, domain.regimes)


@st.composite
def _examples(
    draw: st.DrawFn, drawn: st.SearchStrategy[Problem], count: int, regimes: Sequence[Regime]
) -> Sequence[Problem]:
    alone = draw(st.integers(0, 31)) == 0  # first, so that they are the first to go
    return list(siblings(draw(drawn), 1 if alone else count, regimes))


def of_equal_sizes(function: str, effort: Effort, domain: Domain = Domain()) -> Sequence[Sequence[Problem]]:
    """One more example, all of whose sizes are 2; none where that is not of the domain. Of layers two.

    Some mistakes show only where certain sizes are equal, and each pair is equal in a third to a half
    of the runs.
    """
    contract = CONTRACTS[function]
    if contract.is_layer:
        regime, dtype = domain.regimes[0], domain.dtypes[0]
        if domain.networks:
            fixed = [layers.posed_to(each, domain.stacking, dtype) for each in domain.networks_for(function)]
            fixed = [replace(each, regime=regime) for each in fixed]
        else:
            fixed = layers.always(function, domain.stacking, regime, dtype)
        chosen = [problem for problem in fixed if domain.contains(problem, function)]
        return [list(siblings(problem, effort.siblings, domain.regimes)) for problem in chosen]
    sizes = dict.fromkeys(("n_x", "n_a", "n_y", "m", "T_x"), 2) | ({"T_x": 1} if contract.is_cell else {})
    problem = Problem(contract.kind, **sizes, regime=domain.regimes[0], dtype=domain.dtypes[0])
    if not domain.contains(problem, function):
        return []
    return [list(siblings(problem, effort.siblings, domain.regimes))]


FAR: Mapping[str, Mapping[str, Any]] = {
    "tile": {"n_x": 19, "n_a": 18, "n_y": 21, "m": 20, "T_x": 3},
    "wide": {"n_x": 33, "n_a": 35, "n_y": 34, "m": 37, "T_x": 2},
    "broad": {"n_x": 134, "n_a": 133, "n_y": 195, "m": 3, "T_x": 2, "seed": 15},
    "batch": {"n_x": 8, "n_a": 4, "n_y": 8, "m": 134, "T_x": 2},
    "aligned": {"n_x": 16, "n_a": 32, "n_y": 8, "m": 24, "T_x": 2},
    "single": {"n_x": 33, "n_a": 35, "n_y": 34, "m": 1, "T_x": 3},
    "long": {"n_x": 3, "n_a": 3, "n_y": 3, "m": 1, "T_x": 261},
    "count": {"n_x": 2, "n_a": 3, "n_y": 1, "m": 2, "T_x": 65, "regime": "counting"},
}
"""Sizes beyond 16, 32, 64 and 128, where people set limits and kernels change, with every residue modulo 4,
and those that are multiples of 8.

The seed of the broad one makes some logit beyond 8, 16, 32, 64 and 128 classes larger than all before. In the
long one all that a step is given has as many rows, so that any may be taken for another.

What is drawn without fuzzing is beyond none of them.
"""


PROJECTED = ("tile", "aligned")
"""Of which an LSTM's layer has a projection, if it has any."""


def far(
    function: str, domain: Domain = Domain(), names: Collection[str] = FAR.keys()
) -> Sequence[Sequence[Problem]]:
    """A problem of each of these sizes; a cell takes one step. Of a network that is given two are large."""
    contract, dtype = CONTRACTS[function], domain.dtypes[0]
    if contract.is_layer and domain.networks:
        given = [layers.posed_to(each, domain.stacking, dtype) for each in domain.networks_for(function)]
        return [[replace(each, m=m, T_x=T_x)] for each in given for m, T_x in ((36, 2), (2, 129))]
    if contract.is_layer:
        return [
            [layers.far(function, sizes, domain.stacking, dtype, projected=name in PROJECTED)]
            for name, sizes in FAR.items()
            if name in names
        ]
    cell = {"T_x": 1} if contract.is_cell else {}
    every = [FAR[name] for name in names if not (contract.is_cell and FAR[name]["T_x"] > 3)]
    return [[Problem(contract.kind, **{**sizes, **cell}, dtype=dtype)] for sizes in every]


@cache
def problems(function: str, effort: Effort, domain: Domain = Domain()) -> st.SearchStrategy[Problem]:
    """Problems of a domain for one function; a cell takes one step.

    Most sizes are drawn again to be pairwise distinct, since equal ones hide transposes; the rest fall as
    they may, since some mistakes show only where two are equal.
    """
    return _problems(function, effort, domain)


@st.composite
def _problems(draw: st.DrawFn, function: str, effort: Effort, domain: Domain) -> Problem:
    distinct = draw(st.integers(0, 7)) > 0  # first, so that it is the first to go when a failure shrinks
    if effort.usually and draw(st.integers(0, 15)) < 15:
        effort = effort.usually
    contract = CONTRACTS[function]
    networks = domain.networks_for(function) if contract.is_layer else []
    network = draw(st.sampled_from(networks)) if networks else None
    names = [
        "n_x",
        "n_a",
        *(() if contract.is_layer else ("n_y",)),
        "m",
        *(() if contract.is_cell else ("T_x",)),
    ]
    cap = dict.fromkeys(names, effort.largest) | {"T_x": effort.longest}
    sizes: dict[str, int] = {}
    for name in names:
        within = _sizes(name, min(cap[name], domain.largest or cap[name]))
        size = draw(within)
        for _ in range(TRIES if distinct else 0):
            if size in sizes.values():
                size = draw(within)
        sizes[name] = size
    if network:
        sizes |= {"n_x": network.n_x, "n_a": network.n_a}
    if effort.work < math.inf:
        sizes = made_affordable(contract.kind, sizes, effort.work / (MOST_CELLS if contract.is_layer else 1))
    if domain.empty:
        sizes[domain.empty] = 0
    if contract.is_layer:
        stacking, regimes, dtypes = domain.stacking, domain.regimes, domain.dtypes
        if network:
            return draw(layers.of_network(network, sizes, stacking, regimes, SEEDS, dtypes))
        return draw(layers.stacked(function, sizes, stacking, regimes, SEEDS, dtypes))
    return Problem(
        contract.kind,
        **{"T_x": 1, **sizes},
        regime=draw(st.sampled_from(domain.regimes)),
        seed=draw(st.integers(0, SEEDS)),
        dtype=draw(st.sampled_from(domain.dtypes)),
    )


@cache
def _sizes(name: str, largest: int) -> st.SearchStrategy[int]:
    """Sizes from each range as often as from all; one number says which range, and where in it."""
    ranges = sorted({(least, most) for least, most in OFTEN[name] if most <= largest} | {(1, largest)})

    def size(number: int) -> int:
        least, most = ranges[number // largest]
        return least + number % largest % (most - least + 1)

    return st.integers(0, len(ranges) * largest - 1).map(size)
