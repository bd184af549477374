"""Defines the problems that every run has: equal sizes, and sizes that only fuzzing draws."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from oracle.problems.drawing import Lengths
from oracle.problems.problem import LayerProblem, Problem, siblings
from properties.strategies.domain import ANY_DOMAIN, Domain
from properties.strategies.effort import Effort, work
from reference.contract import CONTRACTS

FAR_SIZES: Mapping[str, Mapping[str, Any]] = {
    "tile": {"n_x": 19, "n_a": 18, "n_y": 21, "m": 20, "T_x": 3},
    "wide": {"n_x": 33, "n_a": 35, "n_y": 34, "m": 37, "T_x": 2},
    "broad": {"n_x": 134, "n_a": 133, "n_y": 195, "m": 3, "T_x": 2, "seed": 15},
    "batch": {"n_x": 4, "n_a": 2, "n_y": 3, "m": 258, "T_x": 2},
    "aligned": {"n_x": 16, "n_a": 32, "n_y": 8, "m": 24, "T_x": 2},
    "single": {"n_x": 33, "n_a": 35, "n_y": 34, "m": 1, "T_x": 33},
    "long": {"n_x": 3, "n_a": 3, "n_y": 3, "m": 1, "T_x": 261},
    "longest": {"n_x": 2, "n_a": 3, "n_y": 2, "m": 1, "T_x": 1025},
    "count": {"n_x": 2, "n_a": 3, "n_y": 1, "m": 2, "T_x": 97, "regime": "counting"},
}
"""Sizes beyond 16, 32, 64 and 128, where programs have limits and kernels change. Fuzzing draws them, too.

They have every residue modulo 4, and some are multiples of 8. With the seed of `broad`, a new largest logit
occurs after the first 8, 16, 32, 64 and 128 logits. In `long`, all arguments of a step have the same
number of rows, so that a program can confuse them. The bounds on the whole trajectory of `longest` take
longer than all others, and those on its steps do not.
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
        sizes: dict[str, Any] = {**dict.fromkeys(contract.sizes, 2), **contract.fixed_sizes}
        fixed = [Problem(contract.kind, **sizes)]
        if contract.is_backward:
            sizes |= {"n_x": 1, "n_a": 1, "n_y": 1, "m": 1}
            fixed = [*fixed, Problem(contract.kind, **sizes, seed=SEED_WITHOUT_GRADIENT)]
    elif domain.networks:
        fixed = _network_problems(function, domain, [(3, 5)])
    else:
        distinct = _layers(function, {"n_x": 2, "n_a": 3, "m": 4, "T_x": 5}, domain, "random", n_p=2)
        equal = replace(distinct, n_x=2, n_a=2, m=2, T_x=2, n_p=min(distinct.n_p, 1))
        activations = [each for each in domain.activations if each in contract.network.activations]
        last = replace(distinct, lengths="absent", activation=(activations or [distinct.activation])[-1])
        fixed = dict.fromkeys([distinct, equal, last])
    simplest = [replace(each, regime=domain.regimes[0], dtype=domain.dtypes[0]) for each in fixed]
    chosen = [problem for problem in simplest if domain.contains(problem, function)]
    return [list(siblings(problem, domain.siblings(effort), domain.regimes)) for problem in chosen]


MANY_STEPS = 64

CONSTANT_PROBLEMS = 12
"""The most problems at the constants of a target."""

MOST_WORK = 3e8
"""The most work of a problem at a constant; that of `long` is about as much."""


def far_examples(
    function: str, domain: Domain = ANY_DOMAIN, names: Collection[str] = FAR_SIZES.keys()
) -> Sequence[Sequence[Problem]]:
    """A problem for each of these names of `FAR_SIZES`, or if the domain has networks, two for each network.

    A cell takes one step. Layers with many steps have several samples, so that there are several lengths.
    """
    if CONTRACTS[function].is_layer and domain.networks:
        problems: list[Problem] = [*_network_problems(function, domain, [(36, 2), (2, 129)])]
    else:
        far = {name: FAR_SIZES[name] for name in names}
        problems = [
            _of_sizes(function, sizes, domain, is_projected=name in PROJECTED)
            for name, sizes in far.items()
            if sizes["T_x"] < MANY_STEPS
            or not CONTRACTS[function].fixed_sizes  # the first step of a longer one is small
        ]
    return [[replace(problem, dtype=domain.dtypes[0])] for problem in problems]


def constant_examples(
    function: str, constants: Sequence[int], domain: Domain = ANY_DOMAIN
) -> Sequence[Sequence[Problem]]:
    """Problems whose sizes, or a sum or a product of two sizes, are a constant of the target or one more.

    If the sizes of a problem would be too much work together, each has a problem of its own.
    """
    values = [*dict.fromkeys(value for each in constants for value in (each, each + 1))]
    problems: dict[Problem, None] = {}
    if domain.networks:
        return []
    for kind in ("state", "data", "sum", "product"):
        for value, other in zip(values, values[1:] + values[:1], strict=True):
            whole = _sizes_at(kind, value, other)
            parts = [{name: size} for name, size in whole.items()]
            made = [_of_sizes(function, {**SMALL_SIZES, **sizes}, domain) for sizes in (whole, *parts)]
            wanted = made[:1] if work(made[0], function) <= MOST_WORK else made[1:]
            problems |= dict.fromkeys(each for each in wanted if work(each, function) <= MOST_WORK)
    return [[replace(problem, dtype=domain.dtypes[0])] for problem in [*problems][:CONSTANT_PROBLEMS]]


SMALL_SIZES: Mapping[str, int] = {"n_x": 4, "n_a": 3, "n_y": 4, "m": 2, "T_x": 2}


def _sizes_at(kind: str, value: int, other: int) -> dict[str, int]:
    """The sizes of a problem that are not small, for this kind of relation to a constant."""
    if kind == "state":
        return {"n_a": value, "T_x": other}
    if kind == "data":
        return {"n_x": value, "n_y": value, "m": other}
    least = 3 if kind == "sum" else next(each for each in range(2, value + 1) if value % each == 0)
    rest = value - least if kind == "sum" else value // least
    return {"n_x": rest, "n_a": least, "n_y": rest, "m": rest, "T_x": least}


def _of_sizes(
    function: str, sizes: Mapping[str, Any], domain: Domain, *, is_projected: bool = False
) -> Problem:
    """A problem of these sizes. A cell takes one step. Layers with many steps have several lengths."""
    contract = CONTRACTS[function]
    if not contract.is_layer:
        return Problem(contract.kind, **{**sizes, **contract.fixed_sizes})
    sizes = {name: size for name, size in sizes.items() if name != "n_y"}
    if sizes["T_x"] > MANY_STEPS:
        sizes["m"] = max(sizes["m"], 4)
    return _layers(function, sizes, domain, "with T_x", n_p=sizes["n_a"] // 2 if is_projected else 0)


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
    network = CONTRACTS[function].network
    layers = 2 if domain.most_layers > 1 and domain.directions_of(2) else 1
    return LayerProblem(
        CONTRACTS[function].problem_kind,  # type: ignore[arg-type]
        **sizes,
        layers=layers,
        directions=max(domain.directions_of(layers)),
        lengths=_lengths(domain, lengths),
        activation=domain.activations[0] if network.has_activations else "tanh",
        n_p=n_p if network.has_projection and "smaller" in domain.projections else 0,
        initial=domain.initial,
    )


def _lengths(domain: Domain, lengths: Lengths) -> Lengths:
    return lengths if lengths in domain.lengths else domain.lengths[0]
