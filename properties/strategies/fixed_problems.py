"""Defines the problems that every run has: equal sizes, and sizes that only fuzzing draws."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from oracle.problems.drawing import Lengths
from oracle.problems.problem import LayerProblem, Problem, siblings
from properties.strategies.domain import ANY_DOMAIN, Domain
from properties.strategies.effort import Effort
from reference.contract import CONTRACTS

FAR_SIZES: Mapping[str, Mapping[str, Any]] = {
    "tile": {"n_x": 19, "n_a": 18, "n_y": 21, "m": 20, "T_x": 3},
    "wide": {"n_x": 33, "n_a": 35, "n_y": 34, "m": 37, "T_x": 2},
    "broad": {"n_x": 134, "n_a": 133, "n_y": 195, "m": 3, "T_x": 2, "seed": 15},
    "batch": {"n_x": 8, "n_a": 4, "n_y": 8, "m": 134, "T_x": 2},
    "aligned": {"n_x": 16, "n_a": 32, "n_y": 8, "m": 24, "T_x": 2},
    "single": {"n_x": 33, "n_a": 35, "n_y": 34, "m": 1, "T_x": 3},
    "long": {"n_x": 3, "n_a": 3, "n_y": 3, "m": 1, "T_x": 261},
    "count": {"n_x": 2, "n_a": 3, "n_y": 1, "m": 2, "T_x": 97, "regime": "counting"},
}
"""Sizes beyond 16, 32, 64 and 128, where programs have limits and kernels change. Fuzzing draws them, too.

They have every residue modulo 4, and some are multiples of 8. With the seed of `broad`, a new largest logit
occurs after the first 8, 16, 32, 64 and 128 logits. In `long`, all arguments of a step have the same
number of rows, so that a program can confuse them.
"""

SEED_WITHOUT_GRADIENT = 20
"""A seed with which the incoming gradient is 0 at the first step, and not at a later one.

For a cell, the incoming gradient of the hidden state is 0, and that of the memory state is not. This holds in
the regime `ternary` if T_x is at most 2 and all other sizes are 1.
"""

PROJECTED = ("tile", "aligned")
"""The sizes in `FAR_SIZES` at which an LSTM layer has a projection, if the target supports projections."""


def equal_size_examples(
    function: str, effort: Effort, domain: Domain = ANY_DOMAIN
) -> Sequence[Sequence[Problem]]:
    """Examples in which all sizes are 2, if they are in the domain.

    Some mistakes show only if two certain sizes are equal, and only a third to a half of the runs draw a
    problem with these sizes equal. For a backward pass, one more example has `SEED_WITHOUT_GRADIENT`. For
    layers, one more example has distinct sizes, and another one has no lengths (adapters may have code for
    this case) and, if it is an RNN, the activation relu.
    """
    contract = CONTRACTS[function]
    fixed: Iterable[Problem]
    if not contract.is_layer:
        sizes: dict[str, Any] = dict.fromkeys(("n_x", "n_a", "n_y", "m", "T_x"), 2)
        sizes |= {"T_x": 1} if contract.is_cell else {}
        fixed = [Problem(contract.kind, **sizes)]
        if contract.is_backward:
            sizes |= {"n_x": 1, "n_a": 1, "n_y": 1, "m": 1}
            fixed = [*fixed, Problem(contract.kind, **sizes, seed=SEED_WITHOUT_GRADIENT)]
    elif domain.networks:
        fixed = _network_problems(function, domain, [(3, 5)])
    else:
        distinct = _layers(function, {"n_x": 2, "n_a": 3, "m": 4, "T_x": 5}, domain, "random", n_p=2)
        equal = replace(distinct, n_x=2, n_a=2, m=2, T_x=2, n_p=min(distinct.n_p, 1))
        last = distinct.activation if contract.kind == "lstm" else domain.activations[-1]
        fixed = dict.fromkeys([distinct, equal, replace(distinct, lengths="absent", activation=last)])
    simplest = [replace(each, regime=domain.regimes[0], dtype=domain.dtypes[0]) for each in fixed]
    chosen = [problem for problem in simplest if domain.contains(problem, function)]
    return [list(siblings(problem, domain.siblings(effort), domain.regimes)) for problem in chosen]


def far_examples(
    function: str, domain: Domain = ANY_DOMAIN, names: Collection[str] = FAR_SIZES.keys()
) -> Sequence[Sequence[Problem]]:
    """A problem for each of these names of `FAR_SIZES`, or if the domain has networks, two for each network.

    A cell takes one step. Layers with many steps have several samples, so that there are several lengths.
    """
    contract = CONTRACTS[function]
    problems: list[Problem] = []
    if contract.is_layer and domain.networks:
        problems += _network_problems(function, domain, [(36, 2), (2, 129)])
    else:
        for name in names:
            sizes = {**FAR_SIZES[name]}
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
    """A problem for each network of the domain and each of these pairs of samples and steps."""
    return [
        replace(network, m=m, T_x=T_x, lengths=_lengths(domain, "random"), initial=domain.initial)
        for network in domain.networks_for(function)
        for m, T_x in sizes
    ]


def _layers(
    function: str, sizes: Mapping[str, Any], domain: Domain, lengths: Lengths, *, n_p: int
) -> LayerProblem:
    """Two layers in two directions, with these lengths and this projection, as far as the domain has them."""
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
