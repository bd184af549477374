"""Why a law does not hold: which mistake it looks like, and whether the function or its cell makes it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from oracle.behaviour import Behaviour, specification
from oracle.diagnosis import diagnose, problems
from oracle.problem import Inputs, Problem
from oracle.traces import NEARLY, manners, traces
from properties.isolation.implementation import Died, Implementation, Raised, Returned
from reference.contract import CONTRACTS

if TYPE_CHECKING:
    from properties.trial import Trial


@dataclass(frozen=True)
class Explanation:
    """What it looks like, best first; failing that what is known of it; whether a cell is to blame.

    `shows_alone` is false where the problem by itself is answered right.
    """

    looks_like: Sequence[str] = ()
    traces: str = ""
    inherited: bool = False
    shows_alone: bool = True


class _DiedError(Exception):
    """The implementation died where it was asked in order to explain it."""


def explain(trial: "Trial", *, whole: bool = False) -> Explanation:
    """Ask the implementation some more, in a fresh process, and compare it with the catalogue.

    With `whole`, a mistake has to explain the outputs and the form of the caches. Where the questions make it
    die, nothing is explained.
    """
    why = _explain(
        trial.implementation,
        trial.contract.name,
        trial.problem,
        extreme=trial.grade == "robust",
        whole=whole,
    )
    if why.traces == NEARLY and trial.holds_alone():
        return replace(why, looks_like=["the answer depends on earlier calls"], traces="", shows_alone=False)
    return why


@lru_cache(maxsize=64)  # for several laws fail on one problem
def _explain(
    implementation: Implementation, function: str, problem: Problem, *, extreme: bool, whole: bool
) -> Explanation:
    implementation.close()

    def program(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        afterwards = then.arguments(function) if then else ()
        reply = implementation.call(function, inputs.arguments(function), then=afterwards)
        if isinstance(reply, Returned):
            return Behaviour.of(function, reply.value, reply.arguments)
        if isinstance(reply, Raised):
            return Behaviour.of_error()
        raise _DiedError

    # In float64 rounding is so small that few mistakes look alike.
    counterexample = replace(problem, dtype="float64").inputs(function)
    try:
        looks_like = diagnose(function, program, counterexample, extreme=extreme, whole=whole) or manners(
            function, program, counterexample
        )
        known = "" if looks_like else traces(function, program, counterexample)
        if known == NEARLY and problem.dtype != "float64":
            itself = traces(function, program, problem.inputs(function))
            known = NEARLY if itself == NEARLY else f"in float64 {NEARLY}; in {problem.dtype} {itself}"
    except _DiedError:
        return Explanation()
    return Explanation(looks_like, known, _is_inherited(implementation, function, counterexample))


def _is_inherited(implementation: Implementation, function: str, counterexample: Inputs) -> bool:
    """Whether a forward is wrong, its cell is, and it is right with a known-right cell in its place."""
    given = problems(function, counterexample)
    for inputs in given:
        reply = implementation.call(function, inputs.arguments(function), with_reference_cell=True)
        if not isinstance(reply, Returned) or not reply.used_reference_cell:
            return False
        if not _is_right(function, reply, inputs):
            return False
    cell = CONTRACTS[function].cell
    asked = {function: given, cell: problems(cell, counterexample.span(0, 1))}
    return not any(
        all(_is_right(name, implementation.call(name, each.arguments(name)), each) for each in asked[name])
        for name in asked
    )


def _is_right(function: str, reply: Returned | Raised | Died, inputs: Inputs) -> bool:
    return isinstance(reply, Returned) and Behaviour.of(function, reply.value, reply.arguments).is_like(
        specification(function)(inputs)
    )
