"""Strategies of problems: sizes, a regime, a dtype and a seed, which determines the numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from oracle.problem import LayerProblem, Problem, siblings
from properties.internals import hypothesis_internals  # noqa: F401 - so that draws do not depend on imports
from properties.strategies.domain import ANY_DOMAIN, MOST_LAYERS, Domain
from properties.strategies.effort import Effort, limited_sizes
from reference.contract import CONTRACTS

SEEDS = 2**16

TRIES = 8
"""The most draws of a size that is to be distinct. The next free number instead would not shrink: a failure
at 1, 2, 3, 4, 5 could not become 1, 2, 2, 1, 1, since all draws behind it would be 1.
"""


WIDTHS = ((1, 2), (1, 16), (31, 66), (96, 130))
FREQUENT_RANGES = {
    "n_x": WIDTHS,
    "n_a": ((1, 2), (1, 66), (31, 66), (96, 130)),
    "n_y": WIDTHS,
    "m": WIDTHS,
    "T_x": ((1, 2), (1, 16), (96, 130)),
}
"""The ranges that are drawn as often as the whole range: those with most edge cases, and, for widths, those
near the lengths of vectors. The size of the state has more ranges, since most mistakes that depend on a size
depend on this one.
"""


@cache  # Hypothesis validates a strategy on first use, which costs as much as many draws
@st.composite
def examples(
    draw: st.DrawFn, function: str, effort: Effort, domain: Domain = ANY_DOMAIN
) -> Sequence[Problem]:
    """Problems of one shape for one function, in the regimes of a domain.

    Some examples have only one problem, so that a failure shrinks to the simplest regime that shows it.
    """
    alone = draw(st.integers(0, 31)) == 0  # drawn first, so that shrinking drops the others first
    problem = draw(problems(function, effort, domain))
    return list(siblings(problem, 1 if alone else effort.siblings, domain.regimes))


@cache
@st.composite
def problems(draw: st.DrawFn, function: str, effort: Effort, domain: Domain = ANY_DOMAIN) -> Problem:
    """Problems of a domain for one function; a cell takes one step.

    Most sizes are pairwise distinct, since equal sizes hide transposes. One problem in eight has any sizes,
    since some mistakes show only at equal sizes.
    """
    distinct = draw(st.integers(0, 7)) > 0  # drawn first, so that it shrinks first
    if effort.usually and draw(st.integers(0, 15)) < 15:
        effort = effort.usually
    contract = CONTRACTS[function]
    networks = domain.networks_for(function) if contract.is_layer else []
    network = draw(st.sampled_from(networks)) if networks else None
    absent = [*["n_y"] * contract.is_layer, *["T_x"] * contract.is_cell]
    names = [name for name in FREQUENT_RANGES if name not in absent]
    cap = dict.fromkeys(names, effort.largest) | {"T_x": effort.longest}
    sizes: dict[str, Any] = {}
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
        sizes = limited_sizes(
            contract.kind, sizes, effort.work / (2 * MOST_LAYERS if contract.is_layer else 1)
        )
    if domain.empty:
        sizes[domain.empty] = 0
    problem: Problem
    if network:
        problem = replace(network, m=sizes["m"], T_x=sizes["T_x"])
    elif contract.is_layer:
        problem = draw(_layers(function, sizes, domain))
    else:
        problem = Problem(contract.kind, **{"T_x": 1, **sizes})
    if isinstance(problem, LayerProblem):
        lengths = draw(st.sampled_from(domain.lengths)) if problem.T_x else "absent"
        problem = replace(problem, lengths=lengths, initial=domain.initial)
    return replace(
        problem,
        regime=draw(st.sampled_from(domain.regimes)),
        seed=draw(st.integers(0, SEEDS)),
        dtype=draw(st.sampled_from(domain.dtypes)),
    )


@st.composite
def _layers(draw: st.DrawFn, function: str, sizes: Mapping[str, Any], domain: Domain) -> LayerProblem:
    """Layers of these sizes; the simplest problem has one layer, one direction and no options."""
    contract, n_a = CONTRACTS[function], sizes["n_a"]
    options: dict[str, Any] = {}
    if contract.kind == "lstm":
        possible = [each for each in domain.projections if each != "smaller" or n_a > 1]
        projection = draw(st.sampled_from(possible))
        smaller = draw(st.integers(1, n_a - 1)) if projection == "smaller" else 0
        options["n_p"] = n_a if projection == "equal" else smaller
    else:
        options["activation"] = draw(st.sampled_from(domain.activations))
    layers = draw(st.integers(1, domain.most_layers if domain.directions_of(2) else 1))
    directions = draw(st.sampled_from(domain.directions_of(layers)))
    kind: Any = contract.problem_kind
    return LayerProblem(kind, **sizes, **options, layers=layers, directions=directions)


@cache
def _sizes(name: str, largest: int) -> st.SearchStrategy[int]:
    """Sizes from each range with equal chance; one number determines the range and the size in it."""
    ranges = sorted(
        {(least, most) for least, most in FREQUENT_RANGES[name] if most <= largest} | {(1, largest)}
    )

    def size(number: int) -> int:
        least, most = ranges[number // largest]
        return least + number % largest % (most - least + 1)

    return st.integers(0, len(ranges) * largest - 1).map(size)


_SAME_SIZES = {"rnn_cell_forward": "lstm_cell_forward", "rnn_forward": "lstm_forward"}
"""Functions whose problems have the sizes, regimes, dtypes and seeds of those of another function."""


@cache
def drawn(
    function: str, effort: Effort, domain: Domain, number: int, profile: str
) -> list[Sequence[Problem]]:
    """The examples that a profile draws with the seed `number`, once for all laws and implementations.

    With one seed Hypothesis draws the same examples for every law that holds, and takes a millisecond for
    each. A backward pass has the problems of its forward pass, and an RNN the sizes of an LSTM.
    """
    if CONTRACTS[function].is_backward:
        return drawn(CONTRACTS[function].forward, effort, domain, number, profile)
    if function in _SAME_SIZES and effort.work == math.inf:  # the work of a kind has no effect
        kind = CONTRACTS[function].kind
        alike = drawn(_SAME_SIZES[function], effort, domain, number, profile)
        return [[replace(problem, kind=kind) for problem in problems] for problems in alike]
    alike_domain = domain.as_drawn(function, effort)
    if alike_domain != domain:
        return drawn(function, effort, alike_domain, number, profile)
    tried: list[Sequence[Problem]] = []

    @seed(number)
    @settings(settings.get_profile(profile), database=None)
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        tried.append(data.draw(examples(function, effort, domain)))

    draw()
    return tried
