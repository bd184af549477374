"""Finds a mistake of the catalogue that a program makes only on some problems, or for one of its states."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property
from itertools import islice
from typing import Any

import numpy as np

from oracle.explanations.behaviour import Behaviour, Program, mistaken_program, same_leaves, specification
from oracle.explanations.changes import Condition
from oracle.explanations.claims import Claim
from oracle.explanations.conditions import FeatureTable, are_met, cheapest_conditions
from oracle.explanations.probe_problems import inputs_for_conditions
from oracle.faults import RARE, mistakes_in
from oracle.faults.fault import Fault
from oracle.network.equations import Equations
from oracle.problems.inputs import Inputs
from oracle.problems.limits import Limits
from oracle.problems.problem import LayerProblem, Problem
from reference.contract import CONTRACTS

LEAST_WRONG = 3
"""The smallest number of wrong answers that a mistake must give."""
PROBLEMS, LARGEST = 24, 8
"""The number of problems of a search, and the largest of their sizes."""


@dataclass(frozen=True)
class _Answer:
    inputs: Inputs
    shown: Behaviour
    right: Behaviour

    @cached_property
    def is_wrong(self) -> bool:
        return not same_leaves(self.shown.outputs, self.right.outputs)


def conditional_mistake(function: str, program: Program, shown: Problem, limits: Limits) -> Claim | None:
    """The mistake that gives every wrong answer, confirmed on new problems; `None` if no mistake does.

    The claim has a `state`, `a` or `c`, if the mistake is made for that state alone. Its `when` has the
    conditions on sizes in which the mistake is made. It is `None` if they are unknown, and absent if the
    mistake is always made.
    """
    right = specification(function, limits)

    def answers(problems: Iterator[Inputs]) -> list[_Answer]:
        found = (_Answer(inputs, program(inputs), right(inputs)) for inputs in problems)
        return [each for each in found if not each.shown.has_raised]

    known = answers(iter([shown.inputs(function)]))
    if not known or not known[0].is_wrong:
        return None
    known += answers(small_inputs(function, shown, limits, 0))
    wrong = sorted((each for each in known if each.is_wrong), key=lambda each: each.inputs.x.size)
    if len(wrong) < LEAST_WRONG:
        return None
    found: list[Claim] = []
    for (name, state), fault in conditional_faults(function).items():
        mistaken = mistaken_program(function, fault, limits)
        if fault.group == "purity" or not all(
            same_leaves(mistaken(each.inputs).outputs, each.shown.outputs) for each in wrong
        ):
            continue
        conditions = _conditions(function, mistaken, known)
        testing = testing_inputs(function, shown, limits, conditions or (), wrong[0].inputs)
        new = answers(testing)
        for tried in (conditions, None) if conditions is not None else (None,):
            if all(_is_predicted(function, each, mistaken, tried) for each in new):
                facts: dict[str, Any] = {"state": state} if state else {}
                if tried != ():
                    facts["when"] = tried and [*map(asdict, tried)]
                found.append(Claim.of("mistake", names=[name], **facts))
                break
    return min(found, key=lambda each: each.facts.get("when", ()) is None, default=None)


def _is_predicted(
    function: str, answer: _Answer, mistaken: Program, conditions: Sequence[Condition] | None
) -> bool:
    """Whether an answer is what a program with this mistake under these conditions gives."""
    given = same_leaves(mistaken(answer.inputs).outputs, answer.shown.outputs)
    if conditions is None:
        return given or not answer.is_wrong
    return given if are_met(function, answer.inputs, conditions) else not answer.is_wrong


def _conditions(function: str, mistaken: Program, answers: Sequence[_Answer]) -> Sequence[Condition] | None:
    """The conditions that the problems with wrong answers meet, of those on which the mistake shows."""
    showing = (
        (each.inputs, each.is_wrong)
        for each in answers
        if each.is_wrong or not same_leaves(mistaken(each.inputs).outputs, each.right.outputs)
    )
    return cheapest_conditions(FeatureTable.of_problems(function, showing))


@cache
def conditional_faults(function: str) -> dict[tuple[str, str], Fault]:
    """The mistakes by name and state. A mistake in both states of layers is listed for each state, too."""
    found, contract = {}, CONTRACTS[function]
    states = contract.network.states if "c_last" in contract.outputs else ()
    for fault in (*mistakes_in(function), *RARE.values()):
        if function in fault.changes:
            found[fault.name, ""] = fault
            for state in states:
                alone = _in_one_state(fault.changes[function], state)
                if alone and alone.keys() != fault.changes[function].keys():
                    found[fault.name, state] = replace(fault, changes={function: alone})
    return found


def _in_one_state(changes: Equations, state: str) -> Equations:
    """The changes of one state, `a` or `c`; empty if the mistake changes other equations, too."""
    if not all(name == "begin" or name.startswith(("a_", "c_")) for name in changes):
        return {}
    alone = {name: change for name, change in changes.items() if name.startswith(f"{state}_")}
    if begin := changes.get("begin"):
        alone[f"{state}_begin"] = lambda v: getattr(v, f"{state}_first")[begin(v)]
    return alone


def small_inputs(function: str, shown: Problem, limits: Limits, seed: int) -> Iterator[Inputs]:
    """Small problems of every kind that the limits allow."""
    rng, names = np.random.default_rng(seed), ("n_x", "n_a", "m", "T_x", "n_y")
    for k in range(PROBLEMS):
        sizes = dict(zip(names, rng.integers(1, LARGEST + 1, len(names)).tolist(), strict=True))
        yield _draw(function, shown, limits, k, rng, seed=seed + k, **sizes)


def testing_inputs(
    function: str, shown: Problem, limits: Limits, conditions: Sequence[Condition], example: Inputs
) -> Iterator[Inputs]:
    """Small problems of every kind, and problems on both sides of conditions, to test what was found.

    `example` is a problem for which the function is wrong.
    """

    def draw(**fields: Any) -> Inputs:
        return _draw(function, shown, limits, fields["seed"], np.random.default_rng(fields["seed"]), **fields)

    yield from small_inputs(function, shown, limits, 100)
    yield from islice(inputs_for_conditions(draw, conditions, example, 1, limits.dtypes), PROBLEMS)


def _draw(
    function: str, shown: Problem, limits: Limits, k: int, rng: np.random.Generator, **fields: Any
) -> Inputs:
    """The problem number `k`. A problem of layers has a number of layers, directions and lengths by `k`."""
    fields = {"dtype": limits.dtypes[0], "regime": "unit", **fields}
    if not isinstance(shown, LayerProblem):
        return limits.fitted(Problem.of(function, **fields)).inputs(function)
    names = {"L": "layers", "D": "directions"}
    fields = {names.get(name, name): value for name, value in fields.items() if name != "n_y"}
    fields = {"layers": 1 + k % 3, "directions": 1 + k // 3 % 2, "initial": "given", **fields}
    fields["directions"] = min(fields["directions"], 2)
    fields["lengths"] = ("random", "absent", "equal", "with T_x")[k // 2 % 4]
    if CONTRACTS[function].network.has_activations:
        fields["activation"] = ("tanh", "relu")[k // 4 % 2]
    if shown.n_p:
        n_p = fields.get("n_p", fields["n_a"] - (k % 4 > 1)) if k % 5 else 0
        fields["n_p"] = min(n_p, fields["n_a"])
    if shown.weights:
        fields = {
            name: fields[name] for name in ("m", "T_x", "seed", "dtype", "regime", "lengths", "initial")
        }
    given = limits.fitted(replace(shown, **fields)).inputs(function)
    if k % 3 == 0:  # without input at some steps
        given = replace(given, x=given.x * (rng.random((1, *given.x.shape[1:])) < 0.7))
    return given
