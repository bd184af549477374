"""Problems on which laws are checked in every run: equal sizes, and sizes far beyond those that are drawn."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from oracle.lengths import Lengths
from oracle.problem import DType, LayerProblem, Problem, siblings
from oracle.regimes import Regime
from properties.strategies.domain import ANY_DOMAIN, Domain
from properties.strategies.effort import Effort
from properties.strategies.stacking import Stacking
from reference.contract import CONTRACTS


def equal_size_examples(
    function: str, effort: Effort, domain: Domain = ANY_DOMAIN
) -> Sequence[Sequence[Problem]]:
    """An example in which all sizes are 2, if it is in the domain; for layers, their fixed problems.

    Some mistakes show only if two sizes are equal, and drawn problems have a given pair of equal sizes only
    in a third to a half of the runs.
    """
    contract = CONTRACTS[function]
    if contract.is_layer:
        regime, dtype = domain.regimes[0], domain.dtypes[0]
        if domain.networks:
            fixed = [_network_problem(each, domain.stacking, dtype) for each in domain.networks_for(function)]
            fixed = [replace(each, regime=regime) for each in fixed]
        else:
            fixed = _small_layers(function, domain.stacking, regime, dtype)
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
"""Sizes beyond 16, 32, 64 and 128, where limits are set and kernels change, with every residue modulo 4, and
multiples of 8. Only fuzzing draws such sizes.

The seed of `broad` makes the largest logit so far occur beyond 8, 16, 32, 64 and 128 classes. In `long`, all
arguments of a step have the same number of rows, so that they can be mistaken for each other.
"""


PROJECTED = ("tile", "aligned")
"""The sizes for which a layer of an LSTM has a projection, if the target supports it."""


def far_examples(
    function: str, domain: Domain = ANY_DOMAIN, names: Collection[str] = FAR.keys()
) -> Sequence[Sequence[Problem]]:
    """A problem of each of these sizes, with one step for a cell; of a given network, two large problems."""
    contract, dtype = CONTRACTS[function], domain.dtypes[0]
    if contract.is_layer and domain.networks:
        given = [_network_problem(each, domain.stacking, dtype) for each in domain.networks_for(function)]
        return [[replace(each, m=m, T_x=T_x)] for each in given for m, T_x in ((36, 2), (2, 129))]
    if contract.is_layer:
        return [
            [_far_layers(function, sizes, domain.stacking, dtype, projected=name in PROJECTED)]
            for name, sizes in FAR.items()
            if name in names
        ]
    cell = {"T_x": 1} if contract.is_cell else {}
    every = [FAR[name] for name in names if not (contract.is_cell and FAR[name]["T_x"] > 3)]
    return [[Problem(contract.kind, **{**sizes, **cell}, dtype=dtype)] for sizes in every]


def _network_problem(network: LayerProblem, stacking: Stacking, dtype: DType) -> LayerProblem:
    """A problem of a network, with some samples and steps."""
    lengths = _lengths(stacking, "random")
    return replace(network, m=3, T_x=5, lengths=lengths, initial=stacking.initial, dtype=dtype)


@cache
def _small_layers(function: str, stacking: Stacking, regime: Regime, dtype: DType) -> list[LayerProblem]:
    """Layers with lengths, with equal sizes, and without lengths."""
    sizes = {"n_x": 2, "n_a": 3, "m": 4, "T_x": 5}
    distinct = replace(_layers(function, sizes, stacking, "random", n_p=2), regime=regime, dtype=dtype)
    equal = replace(distinct, n_x=2, n_a=2, m=2, T_x=2, n_p=min(distinct.n_p, 1))
    plain = replace(distinct, lengths="absent")  # adapters may have a path of their own for it
    return [*dict.fromkeys([distinct, equal, plain])]


def _far_layers(
    function: str, sizes: Mapping[str, Any], stacking: Stacking, dtype: DType, *, projected: bool
) -> LayerProblem:
    """Layers of these sizes; with many steps there are several samples, so that there are several lengths."""
    m = max(sizes["m"], 4) if sizes["T_x"] > 3 else sizes["m"]
    given = {name: size for name, size in {**sizes, "m": m}.items() if name != "n_y"}
    n_p = sizes["n_a"] // 2 if projected else 0
    return replace(_layers(function, given, stacking, "with T_x", n_p=n_p), dtype=dtype)


def _layers(
    function: str, sizes: Mapping[str, Any], stacking: Stacking, lengths: Lengths, *, n_p: int
) -> LayerProblem:
    """Two layers in all directions, with these lengths and this projection if the stacking has them."""
    is_lstm = CONTRACTS[function].kind == "lstm"
    layers, directions = stacking.deepest
    return LayerProblem(
        CONTRACTS[function].problem_kind,  # type: ignore[arg-type]
        **sizes,
        layers=layers,
        directions=directions,
        lengths=_lengths(stacking, lengths),
        activation="tanh" if is_lstm else stacking.activations[0],
        n_p=n_p if is_lstm and "smaller" in stacking.projections else 0,
        initial=stacking.initial,
    )


def _lengths(stacking: Stacking, lengths: Lengths) -> Lengths:
    return lengths if lengths in stacking.lengths else stacking.lengths[0]
