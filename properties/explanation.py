"""Why a law does not hold: which mistake it looks like, and whether the function or its cell makes it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from oracle.behaviour import Behaviour, specification
from oracle.diagnosis import diagnose, problems
from oracle.problem import Inputs, Problem
from oracle.traces import manners, traces
from properties.isolation.implementation import Implementation, Raised, Returned

if TYPE_CHECKING:
    from properties.trial import Trial


@dataclass(frozen=True)
class Explanation:
    """What it looks like, best first; failing that what is known of it; whether a cell is to blame."""

    looks_like: Sequence[str] = ()
    traces: str = ""
    inherited: bool = False


class _DiedError(Exception):
    """The implementation died where it was asked in order to explain it."""


def explain(trial: "Trial", *, whole: bool = False) -> Explanation:
    """Ask the implementation some more, in a fresh process, and compare it with the catalogue.

    With `whole`, a mistake has to explain the outputs and the form of the caches. Where the questions make it
    die, nothing is explained. The counterexample is posed in float64, where rounding is so small that few
    mistakes look alike.
    """
    problem = replace(trial.problem, dtype="float64")
    return _explain(
        trial.implementation, trial.contract.name, problem, extreme=trial.grade == "robust", whole=whole
    )


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

    counterexample = problem.inputs(function)
    try:
        looks_like = diagnose(function, program, counterexample, extreme=extreme, whole=whole) or manners(
            function, program, counterexample
        )
        known = "" if looks_like else traces(function, program, counterexample)
    except _DiedError:
        return Explanation()
    return Explanation(looks_like, known, _is_inherited(implementation, function, counterexample))


def _is_inherited(implementation: Implementation, function: str, counterexample: Inputs) -> bool:
    """Whether a forward is wrong, and right once it finds a known-right cell in the place of its own."""
    right, is_wrong = specification(function), False
    for inputs in problems(function, counterexample):
        own = implementation.call(function, inputs.arguments(function))
        reply = implementation.call(function, inputs.arguments(function), with_reference_cell=True)
        if not isinstance(reply, Returned) or not reply.used_reference_cell:
            return False
        if not Behaviour.of(function, reply.value, reply.arguments).is_like(right(inputs)):
            return False
        is_wrong |= not isinstance(own, Returned) or not Behaviour.of(
            function, own.value, own.arguments
        ).is_like(right(inputs))
    return is_wrong
