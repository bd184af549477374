"""Finds which outputs are wrong, on one problem or on ordinary ones, and in which cases all are right."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from oracle.explanations.behaviour import Leaves, Program, same_leaf, same_leaves, specification
from oracle.explanations.claims import Claim
from oracle.explanations.problems import larger_problem
from oracle.problems.inputs import Inputs, LayerInputs
from oracle.problems.limits import ANYTHING, Limits
from oracle.problems.problem import LayerProblem, Problem
from reference.contract import CONTRACTS, GATE_WEIGHT, NETWORKS, Array

INCOMING = ("da", "da_next", "dc_next", "da_last", "dc_last")
"""The names of incoming gradients. Where a function has several of them, each may be 0 in a case."""
BIASES = tuple(dict.fromkeys(b for each in NETWORKS.values() for b in each.parameters if b[0] == "b"))
"""The names of biases. Each may be 0 in a case."""

CASES: Mapping[str, Mapping[str, Any]] = {
    "lengths": {"lengths": "absent"},
    "steps": {"T_x": 1},
    "samples": {"m": 1},
    "projection": {"n_p": 0},
    "units": {"n_a": 1},
    "layers": {"layers": 1},
    "directions": {"directions": 1},
    "layers and directions": {"layers": 1, "directions": 1},
    "relu": {"activation": "tanh"},
    "tanh": {"activation": "relu"},
    "states": {},
    **{name: {} for name in BIASES},
    "biases": {},
    **{name: {} for name in INCOMING},
}
"""The fields of the problems in each case, which has the name of what the problems lack.

In cases without fields, the initial states, one or all biases, or one of several incoming gradients are 0.
"""

SHAPES = ((3, 5, 7, 6), (6, 4, 3, 7), (4, 4, 4, 5))
"""n_x, n_a, m and T_x of ordinary problems."""
MORE_SEEDS = range(2, 10)
"""The seeds of more problems, which are tried if a program is right on all with the first two seeds."""
LEAST = 4
"""Each size of the last shape is that of the counterexample, which the mistake may need, or at least this."""


def ordinary_outputs(
    function: str, program: Program, counterexample: Inputs, limits: Limits, network: LayerProblem | None
) -> Claim | None:
    """The claim that lists the wrong outputs on ordinary problems.

    The problems are those of `ordinary_problems`. A weight has
    the columns that are wrong, if these are the same on all problems. If all problems are wrong, `right` has
    the cases in which all outputs are right. The outputs that are right on some problems are `sometimes`
    wrong. `outputs` is empty if all problems are right. `None` if an answer has another form.
    """
    problems = [*ordinary_problems(function, counterexample, network)]
    more = ordinary_problems(function, counterexample, network, MORE_SEEDS)

    def inputs_of(case: str, problems: Iterable[Problem] = problems) -> Iterator[Inputs]:
        changed = dict.fromkeys(limits.fitted(replace(each, **CASES.get(case, {}))) for each in problems)
        return (in_case(case, each.inputs(function)) for each in changed)

    def claims(case: str, problems: Iterable[Problem] = problems) -> Iterator[Claim | None]:
        return (wrong_outputs(function, program, each, limits) for each in inputs_of(case, problems))

    def has_wrong_ones(case: str) -> bool:
        right = specification(function, limits)(next(inputs_of(case))).outputs
        names = {output_name(function, path) for path, leaf in right.items() if not isinstance(leaf, str)}
        return not places.keys().isdisjoint({*names, "caches"})

    every = [*claims("")]
    if not any(map(_is_wrong, every)):
        every += claims("", more)
    if None in every:
        return None
    pairs = [pair for claim in every if claim for pair in claim.facts.get("outputs", ())]
    places = {name: {place for each, place in pairs if each == name} for name, _ in pairs}
    general = [{place} for place in (*COLUMNS, *FORMS)]  # steps and layers are those of one problem
    outputs = [(name, found.pop() if found in general else "") for name, found in places.items()]
    right: list[str] = []
    are_all_wrong = all(map(_is_wrong, every))
    for case, fields in CASES.items() if are_all_wrong else ():
        is_implied = any(CASES[each] and CASES[each].items() <= fields.items() for each in right)
        is_implied |= case == "biases" and not {*right}.isdisjoint(BIASES)
        is_tried = not is_implied and is_possible(case, function, problems[0])
        if is_tried and has_wrong_ones(case) and not any(map(_is_wrong, claims(case))):
            right.append(case)
    wrong_on_each = [{name for name, _ in claim.facts.get("outputs", ())} for claim in every if claim]
    sometimes = [name for name in places if not all(name in wrong for wrong in wrong_on_each)]
    return Claim.of("traces", outputs=outputs, right=right, **({"sometimes": sometimes} if sometimes else {}))


def deciding_values(
    function: str, program: Program, counterexample: Problem, limits: Limits
) -> dict[str, int]:
    """What the counterexample has, and with which each ordinary problem is wrong.

    These are sizes, such as T_x = 0, and initial states that are all 0.
    """
    shown = counterexample.inputs(function)
    problems = [*ordinary_problems(function, shown, counterexample.network)]

    def decides(name: str, value: int) -> bool:
        every = (inputs_with(name, value, function, each, limits) for each in problems)
        return all(_is_wrong(wrong_outputs(function, program, each, limits)) for each in every)

    contract = CONTRACTS[function]
    sizes = {name: getattr(counterexample, name) for name in counterexample.free_sizes}
    small = {
        name: size
        for name, size in sizes.items()
        if name not in contract.fixed_sizes and size < min(getattr(each, name) for each in problems)
    }
    states = {name: getattr(shown, STATES[name]) for name in contract.arguments if name in STATES}
    zero = {name: 0 for name, array in states.items() if array.size and not array.any()}
    return {name: value for name, value in {**small, **zero}.items() if decides(name, value)}


STATES = {"a0": "a0", "a_prev": "a0", "c0": "c0", "c_prev": "c0"}
"""The arguments that are initial states, each with the field of `Inputs` that has it."""


def inputs_with(name: str, value: int, function: str, problem: Problem, limits: Limits) -> Inputs:
    """The inputs of a problem with another size, or with an initial state that is all 0.

    Without steps, layers have no lengths.
    """
    if field := STATES.get(name):
        inputs = limits.fitted(problem).inputs(function)
        return inputs.with_fields(**{field: np.zeros_like(getattr(inputs, field))})
    changed: dict[str, Any] = {name: value}
    if name == "T_x" and value == 0 and isinstance(problem, LayerProblem):
        changed["lengths"] = "absent"
    return limits.fitted(replace(problem, **changed)).inputs(function)


def _is_wrong(claim: Claim | None) -> bool:
    return claim is None or claim.kind == "traces"


def ordinary_problems(
    function: str, counterexample: Inputs, network: LayerProblem | None, seeds: Sequence[int] = (0, 1)
) -> Iterator[Problem]:
    """Problems of four shapes with each of the seeds; the weights of a file fix the numbers of units.

    Layers have two directions and two layers, but of the last shape as many as the counterexample has.
    """
    larger = larger_problem(function, counterexample, network)
    stacked: list[dict[str, Any]] = [{}, {}]
    if isinstance(larger, LayerProblem):
        larger = replace(larger, lengths="random")
        if not larger.weights:
            L, D = (counterexample.sizes[name] for name in ("L", "D"))
            stacked = [{"layers": 2, "directions": 2}, {"layers": L, "directions": D}]
    names = ("n_x", "n_a", "m", "T_x")
    own = (max(counterexample.sizes[name], LEAST) for name in names)
    for sizes, options in (*((shape, stacked[0]) for shape in SHAPES), (own, stacked[1])):
        named = dict(zip(names, sizes, strict=True))
        chosen: dict[str, Any] = {name: named[name] for name in named if name in larger.free_sizes}
        for seed in seeds:
            yield replace(larger, **chosen, **options, seed=seed)


def in_case(case: str, inputs: Inputs) -> Inputs:
    """The inputs with the initial states, biases or incoming gradients that a case has."""

    def without_biases(p: Mapping[str, Array]) -> Mapping[str, Array]:
        zero = {name for name in p if name == case or (case == "biases" and name in BIASES)}
        return {name: np.zeros_like(array) if name in zero else array for name, array in p.items()}

    if case == "states":
        return inputs.with_fields(a0=np.zeros_like(inputs.a0), c0=np.zeros_like(inputs.c0))
    if case == "biases" or case in BIASES:
        return inputs.with_fields(parameters=inputs.with_parameters(without_biases).parameters)
    if case in INCOMING:
        field = case.removesuffix("_next")
        return inputs.with_fields(**{field: np.zeros_like(getattr(inputs, field))})
    return inputs


def belongs_to(case: str, function: str, problem: Problem) -> bool:
    """Whether a problem is one of a case."""
    if not CASES[case]:
        inputs = problem.inputs(function)
        return _arrays(inputs) == _arrays(in_case(case, inputs))
    return all(getattr(problem, name, value) == value for name, value in CASES[case].items())


def _arrays(inputs: Inputs) -> list[bytes]:
    """The numbers of the initial states, the parameters and the incoming gradients."""
    directions = inputs.parameters if isinstance(inputs, LayerInputs) else [inputs.parameters]
    arrays = [inputs.a0, inputs.c0, *(array for p in directions for array in p.values())]
    incoming = [getattr(inputs, name, None) for name in ("da", "dc", "da_last", "dc_last")]
    return [array.tobytes() for array in (*arrays, *incoming) if array is not None]


def is_possible(case: str, function: str, problem: Problem) -> bool:
    """Whether a problem can be changed into one of a case, and not all gradients are 0 then."""
    contract = CONTRACTS[function]
    if case in INCOMING:
        given = [name for name in contract.arguments if name in INCOMING]
        return case in given and len(given) > 1
    free = {*problem.free_sizes} - contract.fixed_sizes.keys()
    if isinstance(problem, LayerProblem):
        if problem.weights and (case == "biases" or case in BIASES):
            return False
        free |= {"lengths"} | ({"layers", "directions", "n_p"} if not problem.weights else set())
        free |= {"activation"} if contract.network.has_activations else set()
    if case in BIASES and case not in contract.parameters:
        return False
    return CASES[case].keys() <= free


def wrong_outputs(
    function: str, implementation: Program, counterexample: Inputs, limits: Limits = ANYTHING
) -> Claim | None:
    """The claim about the wrong outputs, caches included; `None` if the outputs have another structure.

    If nothing is wrong beyond rounding, the claim says so.
    """
    right, shown = specification(function, limits)(counterexample), implementation(counterexample)
    if shown.outputs.keys() != right.outputs.keys():
        return None
    wrong = _wrong_places(function, counterexample, shown.outputs, right.outputs)
    if not same_leaves(shown.caches, right.caches):
        wrong.append(("caches", ""))
    return Claim.of("traces", outputs=wrong) if wrong else Claim.of("nearly")


def _wrong_places(function: str, inputs: Inputs, ours: Leaves, right: Leaves) -> list[tuple[str, str]]:
    """The name of each wrong output, with its place, or why it cannot be compared.

    The place is the first wrong step or layer; in the gradient of a weight, the columns that are wrong.
    """
    contract, wrong = CONTRACTS[function], dict[str, str]()
    for path, spec in right.items():
        mine = ours[path]
        if same_leaf(mine, spec):
            continue
        name = output_name(function, path)
        if isinstance(mine, str) or isinstance(spec, str):
            place = FORMS[1]
        elif mine.shape != spec.shape:
            place = FORMS[0]
        elif contract.is_backward:
            place = _columns(inputs, name, mine, spec)
        elif name.endswith("_last") and isinstance(inputs, LayerInputs):
            layer, direction = divmod(_first_wrong(mine, spec, 0), inputs.directions)
            place = f"first in layer {layer}, {('forward', 'backward')[direction]}"
        else:
            place = f"first at step {_first_wrong(mine, spec, 2)}" if mine.ndim == 3 else ""
        if wrong.get(name, place) != place:  # of a gradient in another direction of a layer
            place = wrong[name] = ""
        wrong.setdefault(name, place)
    return [*wrong.items()]


def _columns(inputs: Inputs, name: str, ours: Array, right: Array) -> str:
    """Where the gradient of the weights of a gate is wrong, if only in the columns for a_prev, or for xt."""
    n_h = inputs.sizes.get("n_h", inputs.sizes["n_a"])
    is_of_gate = NETWORKS[inputs.kind].parameters.get(name[1:]) == GATE_WEIGHT
    if not is_of_gate or not 0 < n_h < right.shape[1]:
        return ""
    others = (slice(n_h), slice(n_h, None))
    pairs = zip(COLUMNS, others, strict=True)
    return next((text for text, other in pairs if same_leaf(ours[:, other], right[:, other])), "")


COLUMNS = ("in the columns for xt", "in the columns for a_prev")
"""The places in the gradient of a weight."""
FORMS = ("of another shape", "no array")
"""Why an output cannot be compared."""


def _first_wrong(ours: Array, right: Array, axis: int) -> int:
    """The first index along an axis at which two arrays differ."""
    pairs = zip(*(np.moveaxis(array, axis, 0) for array in (ours, right)), strict=True)
    return next((k for k, pair in enumerate(pairs) if not same_leaf(*pair)), 0)


def output_name(function: str, path: str) -> str:
    """The name of the output, or of the gradient in an output, that has a leaf at this path."""
    keys = [key for key in path.split(".") if key]
    if not keys:  # the path of the number of outputs
        return "the outputs"
    return [*CONTRACTS[function].outputs][int(keys[0])] if keys[-1].isdecimal() else keys[-1]
