"""Problems on which laws are checked in every run: equal sizes, and sizes far beyond those that are drawn."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from oracle.drawing import Lengths
from oracle.problem import LayerProblem, Problem, siblings
from properties.strategies.domain import ANY_DOMAIN, Domain
from properties.strategies.effort import Effort
from reference.contract import CONTRACTS

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
"""Sizes beyond 16, 32, 64 and 128, where limits are set and kernels change, with every residue modulo 4, and
multiples of 8. Only fuzzing draws such sizes.

The seed of `broad` makes the largest logit so far occur beyond 8, 16, 32, 64 and 128 classes. In `long`, all
arguments of a step have the same number of rows, so that they can be mistaken for each other.
"""

WITHOUT_GRADIENT = 20
"""A seed with which the first step has no incoming gradient, and a later one has.

The incoming gradient of a cell's hidden state is 0, and that of its memory state is not. This holds in the
regime `ternary` where all sizes are 1, and T_x is at most 2.
"""

PROJECTED = ("tile", "aligned")
"""The sizes for which a layer of an LSTM has a projection, if the target supports it."""


def equal_size_examples(
    function: str, effort: Effort, domain: Domain = ANY_DOMAIN
) -> Sequence[Sequence[Problem]]:
    """An example in which all sizes are 2, if it is in the domain; one `WITHOUT_GRADIENT` of a backward pass.

    Some mistakes show only if two sizes are equal, and drawn problems have a given pair of equal sizes only
    in a third to a half of the runs. For layers there is an example with distinct sizes, too, and one without
    lengths, for which adapters may have a path of their own.
    """
    contract = CONTRACTS[function]
    fixed: Iterable[Problem]
    if not contract.is_layer:
        sizes: dict[str, Any] = dict.fromkeys(("n_x", "n_a", "n_y", "m", "T_x"), 2)
        sizes |= {"T_x": 1} if contract.is_cell else {}
        fixed = [Problem(contract.kind, **sizes)]
        if contract.is_backward:
            sizes |= {"n_x": 1, "n_a": 1, "n_y": 1, "m": 1}
            fixed = [*fixed, Problem(contract.kind, **sizes, seed=WITHOUT_GRADIENT)]
    elif domain.networks:
        fixed = _network_problems(function, domain, [(3, 5)])
    else:
        distinct = _layers(function, {"n_x": 2, "n_a": 3, "m": 4, "T_x": 5}, domain, "random", n_p=2)
        equal = replace(distinct, n_x=2, n_a=2, m=2, T_x=2, n_p=min(distinct.n_p, 1))
        fixed = dict.fromkeys([distinct, equal, replace(distinct, lengths="absent")])
    simplest = [replace(each, regime=domain.regimes[0], dtype=domain.dtypes[0]) for each in fixed]
    chosen = [problem for problem in simplest if domain.contains(problem, function)]
    return [list(siblings(problem, effort.siblings, domain.regimes)) for problem in chosen]


def far_examples(
    function: str, domain: Domain = ANY_DOMAIN, names: Collection[str] = FAR.keys()
) -> Sequence[Sequence[Problem]]:
    """A problem of each of these sizes, with one step for a cell; of a given network, two large problems.

    Layers with many steps have several samples, so that there are several lengths.
    """
    contract = CONTRACTS[function]
    problems: list[Problem] = []
    if contract.is_layer and domain.networks:
        problems += _network_problems(function, domain, [(36, 2), (2, 129)])
    else:
        for name in names:
            sizes = {**FAR[name]}
            is_long = sizes["T_x"] > 3
            if contract.is_layer:
                del sizes["n_y"]
                sizes["m"] = max(sizes["m"], 4) if is_long else sizes["m"]
                n_p = sizes["n_a"] // 2 if name in PROJECTED else 0
                problems.append(_layers(function, sizes, domain, "with T_x", n_p=n_p))
            elif not (contract.is_cell and is_long):
                problems.append(Problem(contract.kind, **(sizes | {"T_x": 1} if contract.is_cell else sizes)))
    return [[replace(problem, dtype=domain.dtypes[0])] for problem in problems]


def _network_problems(function: str, domain: Domain, sizes: Sequence[tuple[int, int]]) -> list[LayerProblem]:
    """A problem of each network for each of these numbers of samples and steps."""
    return [
        replace(network, m=m, T_x=T_x, lengths=_lengths(domain, "random"), initial=domain.initial)
        for network in domain.networks_for(function)
        for m, T_x in sizes
    ]


def _layers(
    function: str, sizes: Mapping[str, Any], domain: Domain, lengths: Lengths, *, n_p: int
) -> LayerProblem:
    """Two layers or one, in all directions, with these lengths and projection if the domain has them."""
    is_lstm = CONTRACTS[function].kind == "lstm"
    layers = 2 if domain.most_layers > 1 and domain.directions_of(2) else 1
    return LayerProblem(
        CONTRACTS[function].problem_kind,  # type: ignore[arg-type]
        **sizes,
        layers=layers,
        directions=max(domain.directions_of(layers)),
        lengths=_lengths(domain, lengths),
        activation="tanh" if is_lstm else domain.activations[0],
        n_p=n_p if is_lstm and "smaller" in domain.projections else 0,
        initial=domain.initial,
    )


def _lengths(domain: Domain, lengths: Lengths) -> Lengths:
    return lengths if lengths in domain.lengths else domain.lengths[0]
