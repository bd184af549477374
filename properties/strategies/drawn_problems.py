"""Strategies that draw problems: sizes, a regime, a dtype and a seed, which determines the numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from oracle.problems.problem import LayerProblem, Problem, siblings
from properties.internals import hypothesis_internals  # noqa: F401 - so that draws do not depend on imports
from properties.strategies.domain import ANY_DOMAIN, MOST_LAYERS, Domain
from properties.strategies.effort import Effort, limited_sizes
from reference.contract import CONTRACTS

LARGEST_SEED = 2**16

MOST_DRAWS = 8
"""How often a size is drawn until it differs from the other sizes.

If the next free number were taken instead, failures would not shrink: sizes 1, 2, 3, 4, 5 could not become
1, 2, 2, 1, 1, since all later draws would have to be 1.
"""

_WIDTH_RANGES = ((1, 2), (1, 16), (31, 66), (96, 130))
FREQUENT_RANGES = {
    "n_x": _WIDTH_RANGES,
    "n_a": ((1, 2), (1, 66), (31, 66), (96, 130)),
    "n_y": _WIDTH_RANGES,
    "m": _WIDTH_RANGES,
    "T_x": ((1, 2), (1, 16), (96, 130)),
}
"""The ranges from which sizes are drawn as often as from the whole range.

Most edge cases are at small sizes and near the lengths of vectors in vector kernels. One range of `n_a` is
wider, since most mistakes that depend on a size depend on the size of the state.
"""


@cache  # Hypothesis validates a strategy on first use, which takes as long as many draws
@st.composite
def examples(
    draw: st.DrawFn, function: str, effort: Effort, domain: Domain = ANY_DOMAIN
) -> Sequence[Problem]:
    """Draw problems of one shape for one function, in the regimes and dtypes of a domain.

    Some examples have only one problem, so that a failure shrinks to the simplest regime that shows it.
    Several dtypes show an array that a function keeps from a call in another dtype.
    """
    is_single = draw(st.integers(0, 31)) == 0  # drawn first, so that shrinking drops the other problems first
    problem = draw(problems(function, effort, domain))
    count = 1 if is_single else domain.siblings(effort)
    return list(siblings(problem, count, domain.regimes, domain.dtypes))


@cache
@st.composite
def problems(draw: st.DrawFn, function: str, effort: Effort, domain: Domain = ANY_DOMAIN) -> Problem:
    """Draw a problem of a domain for one function. A problem for a cell has one step.

    Most problems have distinct sizes, since equal sizes hide transposes. In one of eight, sizes may be equal,
    since some mistakes show only at equal sizes.
    """
    is_distinct = draw(st.integers(0, 7)) > 0  # drawn first, so that it shrinks first
    if effort.usual and draw(st.integers(0, 15)) < 15:
        effort = effort.usual
    contract = CONTRACTS[function]
    networks = domain.networks_for(function)
    network = draw(st.sampled_from(networks)) if networks else None
    sizes: dict[str, Any] = {}
    for name in (name for name in FREQUENT_RANGES if name in (*contract.sizes, "T_x")):
        largest = effort.longest if name == "T_x" else effort.largest
        strategy = _sizes(name, min(largest, domain.largest or largest))
        size = draw(strategy)
        for _ in range(MOST_DRAWS if is_distinct else 0):
            if size in sizes.values():
                size = draw(strategy)
        sizes[name] = size
    sizes |= contract.fixed_sizes  # after all were drawn, so that a cell gets the sizes of its forward pass
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
        problem = Problem(contract.kind, **sizes)
    if isinstance(problem, LayerProblem):
        lengths = draw(st.sampled_from(domain.lengths)) if problem.T_x else "absent"
        problem = replace(problem, lengths=lengths, initial=domain.initial)
    return replace(
        problem,
        regime=draw(st.sampled_from(domain.regimes)),
        seed=draw(st.integers(0, LARGEST_SEED)),
        dtype=draw(st.sampled_from(domain.dtypes)),
    )


@st.composite
def _layers(draw: st.DrawFn, function: str, sizes: Mapping[str, Any], domain: Domain) -> LayerProblem:
    """Draw layers of these sizes. They shrink to one layer with one direction and no options."""
    contract, n_a = CONTRACTS[function], sizes["n_a"]
    options: dict[str, Any] = {}
    if contract.network.has_projection:
        possible = [each for each in domain.projections if each != "smaller" or n_a > 1]
        projection = draw(st.sampled_from(possible))
        smaller = draw(st.integers(1, n_a - 1)) if projection == "smaller" else 0
        options["n_p"] = n_a if projection == "equal" else smaller
    if contract.network.has_activations:
        options["activation"] = draw(st.sampled_from(domain.activations))
    layers = draw(st.integers(1, domain.most_layers if domain.directions_of(2) else 1))
    directions = draw(st.sampled_from(domain.directions_of(layers)))
    kind: Any = contract.problem_kind
    return LayerProblem(kind, **sizes, **options, layers=layers, directions=directions)


@cache
def _sizes(name: str, largest: int) -> st.SearchStrategy[int]:
    """Draw a size from each range with equal chance. One integer determines the range and the size in it."""
    ranges = sorted(
        {(least, most) for least, most in FREQUENT_RANGES[name] if most <= largest} | {(1, largest)}
    )

    def size(number: int) -> int:
        least, most = ranges[number // largest]
        return least + number % largest % (most - least + 1)

    return st.integers(0, len(ranges) * largest - 1).map(size)


_SAME_SIZES = dict.fromkeys(("rnn_forward", "rnn_cell_forward", "lstm_cell_forward"), "lstm_forward")
"""Functions that get the problems of another function, with another kind or only one step."""


@cache
def drawn_examples(
    function: str, effort: Effort, domain: Domain, number: int, profile: str
) -> list[Sequence[Problem]]:
    """The examples that Hypothesis draws with a profile and the seed `number`, for all laws and targets.

    Drawing takes a millisecond for each example. So a backward pass gets the examples of its forward pass, an
    RNN and a cell the examples of an LSTM, and domains that differ in fields without effect the same ones.
    """
    contract = CONTRACTS[function]
    if contract.is_backward:
        return drawn_examples(contract.forward, effort, domain, number, profile)
    if function in _SAME_SIZES and effort.work == math.inf:  # a limit of work would depend on the kind
        of_lstm = drawn_examples(_SAME_SIZES[function], effort, domain, number, profile)
        changes: dict[str, Any] = {"kind": contract.kind, **contract.fixed_sizes}
        return [[replace(problem, **changes) for problem in problems] for problems in of_lstm]
    shared_domain = domain.for_drawing(function, effort)
    if shared_domain != domain:
        return drawn_examples(function, effort, shared_domain, number, profile)
    drawn: list[Sequence[Problem]] = []

    @seed(number)
    @settings(settings.get_profile(profile), database=None)
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        drawn.append(data.draw(examples(function, effort, domain)))

    draw()
    return drawn
