"""Why a law does not hold: which mistake it looks like, and whether the function or its cell makes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from oracle.diagnosis.behaviour import Behaviour, specification
from oracle.diagnosis.names import diagnose, problems
from oracle.diagnosis.subnormals import flushes
from oracle.diagnosis.traces import NEARLY, TWO_ANSWERS, manners, precision, traces
from oracle.inputs import Inputs
from oracle.limits import Limits
from oracle.location.history import remembered
from oracle.location.located import Location, locate
from oracle.problem import LayerProblem, Problem
from properties.answered.implementation import Arrangement, Implementation, Raised, Returned
from properties.judged.trial import Trial
from reference.contract import CONTRACTS


@dataclass(frozen=True)
class Explanation:
    """What it looks like, best first; failing that where, when and how it is wrong, or what else is known.

    `shows_alone` is false where the problem by itself is answered right.
    """

    looks_like: Sequence[str] = ()
    located: Location | None = None
    traces: str = ""
    inherited: bool = False
    shows_alone: bool = True


class _DiedError(Exception):
    """The implementation died where it was asked in order to explain it."""


def explain(trial: Trial, *, whole: bool = False) -> Explanation:
    """Ask the implementation some more, in a fresh process, and compare it with the catalogue.

    With `whole`, a mistake has to explain the outputs and the form of the caches. Where the questions make it
    die, nothing is explained.
    """
    ask = _Asked(trial.implementation, trial.contract.name)
    try:
        why = _explain(ask, trial.problem, extreme=trial.grade == "robust", whole=whole)
        if why.traces != NEARLY:
            return why
        alone = trial.holds_alone()
        if not alone:
            trial.implementation.close()
            if traces(ask.function, ask, trial.inputs, ask.limits) == NEARLY:
                return why
    except _DiedError:
        return Explanation()
    except Exception as error:  # that a law does not hold is known, whatever comes of this
        return Explanation(traces=f"the harness broke in looking for one, please report it: {error!r}")
    looks_like = ["asked again it is right: the answer depends on earlier calls, or on chance"]
    return Explanation(looks_like, inherited=why.inherited, shows_alone=not alone)


@dataclass(frozen=True)
class _Asked:
    """An implementation as a program."""

    implementation: Implementation
    function: str
    arrangement: Arrangement = "C"

    @property
    def limits(self) -> Limits:
        """What it declares that it does not do."""
        return self.implementation.limits

    def __call__(self, inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        afterwards = then.arguments(self.function) if then else ()
        reply = self.implementation.call(
            self.function, inputs.arguments(self.function), then=afterwards, arrangement=self.arrangement
        )
        if isinstance(reply, Returned):
            return Behaviour.of(self.function, reply.value, reply.arguments, self.limits)
        if isinstance(reply, Raised):
            return Behaviour.of_error()
        raise _DiedError

    def is_right(self, asked: Sequence[Inputs]) -> bool:
        """Whether it does nothing wrong; what it answers first must also outlast the second call."""
        first, second, *rest = asked
        right = specification(self.function, self.limits)
        return self(first, then=second).is_like(right(first)) and all(
            self(inputs).is_like(right(inputs)) for inputs in (second, *rest)
        )


@lru_cache(maxsize=64)  # for several laws fail on one problem
def _explain(ask: _Asked, problem: Problem, *, extreme: bool, whole: bool) -> Explanation:
    function, limits = ask.function, ask.limits
    ask.implementation.close()
    if problem.regime == "subnormal" and (
        flushed := flushes(function, ask, problem.inputs(function), limits)
    ):
        return Explanation([flushed])
    # In float64 rounding is so small that few mistakes look alike.
    widest = limits.fitted(replace(problem, dtype="float64"))
    counterexample = widest.inputs(function)
    network = problem.network if isinstance(problem, LayerProblem) else None
    how: dict[str, Any] = {"limits": limits, "network": network}
    looks_like = diagnose(function, ask, counterexample, extreme=extreme, whole=whole, **how)
    looks_like = looks_like or manners(function, ask, counterexample, **how)
    if looks_like == [TWO_ANSWERS]:
        kept = remembered(function, ask, ask.implementation.close)
        looks_like = [", ".join(filter(None, [TWO_ANSWERS, *kept]))]
    if looks_like:
        return Explanation(looks_like, inherited=_is_inherited(ask, counterexample))
    if location := _located(ask, widest):
        inherited = _is_inherited(ask, counterexample)
        return Explanation(located=location, inherited=inherited, shows_alone=location.alone)
    if digits := precision(function, ask, counterexample, **how):
        return Explanation([digits], inherited=_is_inherited(ask, counterexample))
    known = traces(function, ask, counterexample, limits)
    if known == NEARLY and problem.dtype != widest.dtype:
        itself = traces(function, ask, problem.inputs(function), limits)
        if itself != NEARLY:
            known = "; ".join(filter(None, [f"right in {widest.dtype}, and not in {problem.dtype}", itself]))
    return Explanation(traces=known, inherited=_is_inherited(ask, counterexample))


def _located(ask: _Asked, counterexample: Problem) -> Location | None:
    """Where, when and how it is wrong; `None` of layers, and where nothing is found."""
    if CONTRACTS[ask.function].is_layer:
        return None
    arranged = {words: replace(ask, arrangement=arrangement) for arrangement, words in _ARRANGED.items()}
    return locate(ask.function, ask, counterexample, ask.implementation.close, ask.limits, arranged)


_ARRANGED: Mapping[Arrangement, str] = {
    "fortran": "for arrays in Fortran order",
    "strided": "for strided arrays",
    "read-only": "for read-only arrays",
    "swapped": "for arrays of the other byte order",
}


def _is_inherited(ask: _Asked, counterexample: Inputs) -> bool:
    """Whether a forward is wrong, its cell is, and it is right with a known-right cell in its place."""
    function, implementation = ask.function, ask.implementation
    if CONTRACTS[function].is_layer:
        return False  # it need not have a cell
    given = problems(function, counterexample, limits=ask.limits)
    for inputs in given:
        reply = implementation.call(function, inputs.arguments(function), with_reference_cell=True)
        if not isinstance(reply, Returned) or not reply.used_reference_cell:
            return False
        shown = Behaviour.of(function, reply.value, reply.arguments, ask.limits)
        if not shown.is_like(specification(function, ask.limits)(inputs)):
            return False
    cell = CONTRACTS[function].cell
    if ask.is_right(given):
        return False
    if cell not in implementation.load().functions:
        return True
    asked = problems(cell, counterexample.span(0, 1), limits=ask.limits)
    return not _Asked(implementation, cell).is_right(asked)
