"""Finds which outputs are wrong, on one problem or on ordinary ones, and in which cases all are right."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from oracle.explanations.behaviour import Leaves, Program, same_leaf, same_leaves, specification
from oracle.explanations.claims import Claim
from oracle.explanations.problems import larger_problem
from oracle.problems.inputs import Inputs, LayerInputs
from oracle.problems.limits import ANYTHING, Limits
from oracle.problems.problem import LayerProblem, Problem
from reference.contract import CONTRACTS, Array
from reference.networks import GATE_WEIGHT, NETWORKS

CASES: Mapping[str, Mapping[str, Any]] = {
    "lengths": {"lengths": "absent"},
    "steps": {"T_x": 1},
    "samples": {"m": 1},
    "projection": {"n_p": 0},
    "units": {"n_a": 1},
    "layers": {"layers": 1},
    "directions": {"directions": 1},
    "layers and directions": {"layers": 1, "directions": 1},
    "initial states": {"initial": "zero"},
}
"""The fields of the problems in each case, which has the name of what the problems lack."""

IMPLIED: Mapping[str, Collection[str]] = {
    "steps": {"lengths"},
    "layers and directions": {"layers", "directions"},
}
"""A case is not stated besides one of these cases, to which all of its problems belong."""

SHAPES = ((3, 5, 7, 6), (6, 4, 3, 7), (4, 4, 4, 5))
"""n_x, n_a, m and T_x of ordinary problems."""


def ordinary_outputs(
    function: str, program: Program, counterexample: Inputs, limits: Limits, network: LayerProblem | None
) -> Claim | None:
    """The claim that lists the wrong outputs on ordinary problems.

    Layers have two directions, lengths, and the activation and projection of the counterexample. An output
    has its place if this is the same on all problems. If all problems are wrong, `right` has the cases in
    which all outputs are right. The list is empty if all problems are right. `None` if an answer has another
    form.
    """
    problems = [*ordinary_problems(function, counterexample, network)]

    def found(**fields: Any) -> list[Claim | None]:
        changed = dict.fromkeys(limits.fitted(replace(each, **fields)) for each in problems)
        return [wrong_outputs(function, program, each.inputs(function), limits) for each in changed]

    every = found()
    if None in every:
        return None
    pairs = [pair for claim in every if claim for pair in claim.facts.get("outputs", ())]
    places = {name: {place for each, place in pairs if each == name} for name, _ in pairs}
    outputs = [(name, place.pop() if len(place) == 1 else "") for name, place in places.items()]
    right: list[str] = []
    for case, fields in CASES.items():
        is_new = is_possible(case, function, problems[0]) and not {*right} & {*IMPLIED.get(case, ())}
        if is_new and all(map(_is_wrong, every)) and not any(map(_is_wrong, found(**fields))):
            right.append(case)
    return Claim.of("traces", outputs=outputs, right=right)


def _is_wrong(claim: Claim | None) -> bool:
    return claim is None or claim.kind == "traces"


def ordinary_problems(
    function: str, counterexample: Inputs, network: LayerProblem | None, seeds: Sequence[int] = (0, 1)
) -> Iterator[Problem]:
    """Problems of three shapes with each of the seeds; the weights of a file fix the numbers of units."""
    larger = larger_problem(function, counterexample, network)
    if isinstance(larger, LayerProblem):
        stacked: dict[str, Any] = {} if larger.weights else {"layers": 2, "directions": 2}
        larger = replace(larger, lengths="random", **stacked)
    for sizes in SHAPES:
        named = dict(zip(("n_x", "n_a", "m", "T_x"), sizes, strict=True))
        chosen: dict[str, Any] = {name: named[name] for name in named if name in larger.free_sizes}
        for seed in seeds:
            yield replace(larger, **chosen, seed=seed)


def is_possible(case: str, function: str, problem: Problem) -> bool:
    """Whether the fields of a case can be changed in a problem."""
    free = {*problem.free_sizes} - CONTRACTS[function].fixed_sizes.keys()
    if isinstance(problem, LayerProblem):
        free |= {"lengths", "initial"} | ({"layers", "directions", "n_p"} if not problem.weights else set())
    return CASES[case].keys() <= free


def wrong_outputs(
    function: str, implementation: Program, counterexample: Inputs, limits: Limits = ANYTHING
) -> Claim | None:
    """The finding of the wrong outputs, or else of the caches; `None` if the outputs have another structure.

    If nothing is wrong beyond rounding, the finding says so.
    """
    right, shown = specification(function, limits)(counterexample), implementation(counterexample)
    if not same_leaves(shown.outputs, right.outputs):
        wrong = _wrong_places(function, counterexample, shown.outputs, right.outputs)
    elif same_leaves(shown.caches, right.caches):
        return Claim.of("nearly")
    else:
        wrong = [("caches", "")]
    return Claim.of("traces", outputs=wrong) if wrong else None


def _wrong_places(function: str, inputs: Inputs, ours: Leaves, right: Leaves) -> list[tuple[str, str]]:
    """The name of each wrong output, with its place, or why it cannot be compared.

    The place is the first wrong step or layer; in the gradient of a weight, the columns that are wrong.
    """
    if ours.keys() != right.keys():
        return []
    contract, wrong = CONTRACTS[function], dict[str, str]()
    for path, spec in right.items():
        mine = ours[path]
        if same_leaf(mine, spec):
            continue
        name = output_name(function, path)
        if isinstance(mine, str) or isinstance(spec, str):
            place = "no array"
        elif mine.shape != spec.shape:
            place = "of another shape"
        elif contract.is_backward:
            place = _columns(inputs, name, mine, spec)
        elif name.endswith("_last") and isinstance(inputs, LayerInputs):
            layer, direction = divmod(_first_wrong(mine, spec, 0), inputs.directions)
            place = f"first in layer {layer}, {('forward', 'backward')[direction]}"
        else:
            place = f"first at step {_first_wrong(mine, spec, 2)}" if mine.ndim == 3 else ""
        if contract.is_backward and wrong.get(name, place) != place:  # in another direction of a layer
            place = wrong[name] = ""
        wrong.setdefault(name, place)
    return [*wrong.items()]


def _columns(inputs: Inputs, name: str, ours: Array, right: Array) -> str:
    """Where the gradient of the weights of a gate is wrong, if only in the columns for a_prev, or for xt."""
    n_h = inputs.sizes.get("n_h", inputs.sizes["n_a"])
    is_of_gate = NETWORKS[inputs.kind].parameters.get(name[1:]) == GATE_WEIGHT
    if not is_of_gate or not 0 < n_h < right.shape[1]:
        return ""
    blocks = {"in the columns for xt": slice(n_h), "in the columns for a_prev": slice(n_h, None)}
    return next((text for text, other in blocks.items() if same_leaf(ours[:, other], right[:, other])), "")


def _first_wrong(ours: Array, right: Array, axis: int) -> int:
    """The first index along an axis at which two arrays differ."""
    pairs = zip(*(np.moveaxis(array, axis, 0) for array in (ours, right)), strict=True)
    return next((k for k, pair in enumerate(pairs) if not same_leaf(*pair)), 0)


def output_name(function: str, path: str) -> str:
    """The name of the output, or of the gradient in an output, that has a leaf at this path."""
    _, number, *_, last = [*path.split("."), path.rpartition(".")[2]]
    return last if last and not last.isdecimal() else [*CONTRACTS[function].outputs][int(number)]
