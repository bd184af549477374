"""Why a law does not hold: which mistake it looks like, and whether the function or its cell makes it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from oracle.diagnosis.behaviour import specification
from oracle.diagnosis.names import accounts_for, diagnose
from oracle.diagnosis.subnormals import flushes
from oracle.diagnosis.traces import NEARLY, TWO_ANSWERS, manners, precision, traces
from oracle.inputs import Inputs
from oracle.location.caches.form import in_another_form
from oracle.location.history import remembered
from oracle.location.location import Location
from oracle.location.networks.calls import left_behind
from oracle.problem import LayerProblem, Problem
from properties.answered.implementation import Implementation
from properties.explained.asked import Asked, Conversation, DiedError, Unkept, behaviour
from properties.explained.inherited import is_inherited
from properties.explained.locating import located, located_in_float32
from properties.judged.trial import Trial
from reference.contract import CONTRACTS

LARGE = 30
"""Beyond such an input numbers overflow that no ordinary problem has."""

KEPT = 256
"""How many counterexamples' explanations are kept, some 50 KB each."""


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


class Search(NamedTuple):
    """How a mistake is looked for: whether on `extreme` problems too, and what `explain` takes.

    The `suspects` are what the laws of the spec grade have told of the function.
    """

    extreme: bool = False
    whole: bool = False
    locating: bool = True
    suspects: Sequence[str] = ()


def explain(trial: Trial, *, whole: bool = False, locating: bool = True) -> Explanation:
    """Ask the implementation some more, in a fresh process, and compare it with the catalogue.

    With `whole`, a mistake has to explain the outputs and the form of the caches. What has no name is located
    only if `locating`. Where the questions make it die, nothing is explained.
    """
    ask = Asked(trial.implementation, trial.contract.name)
    extreme = trial.grade == "robust" or float(np.abs(trial.inputs.x).max(initial=0)) > LARGE
    known = _NAMED.setdefault(trial.implementation, {})
    named = known.setdefault((ask.function, extreme), [])
    of_spec = known.get((ask.function, False), []) if extreme else []
    search = Search(extreme, whole, locating, tuple(why.looks_like[0] for why in of_spec))
    try:
        if before := _as_before(trial, named, search.suspects):
            return before
        why = _explain(ask, trial.problem, search)
        if why.looks_like:
            named.append(why)
        if why.traces != NEARLY:
            return why
        alone = trial.holds_alone()
        left = _left_behind(ask, trial.problem) if locating else ""
        if not alone:
            trial.implementation.close()
            network = trial.problem.network if isinstance(trial.problem, LayerProblem) else None
            if traces(ask.function, ask, trial.inputs, ask.limits, network) == NEARLY:
                return why
    except DiedError:
        return Explanation()
    except Exception as error:  # that a law does not hold is known, whatever comes of this
        return Explanation(traces=f"the harness broke in looking for one, please report it: {error!r}")
    again = "in a new process" if alone else "asked again"
    looks_like = [f"{again} it is right: {left or _ON_CALLS}"]
    return Explanation(looks_like, inherited=why.inherited, shows_alone=not alone)


_ON_CALLS = "the answer depends on earlier calls, or on chance"


def _left_behind(ask: Asked, problem: Problem) -> str:
    """What a network begins with of an earlier call, in words; empty if that is not known."""
    if not isinstance(problem, LayerProblem) or ask.implementation.takes_its_time:
        return ""
    program = Unkept(ask.implementation, ask.function)
    return left_behind(ask.function, program, problem, ask.implementation.close, ask.limits)


_NAMED: WeakKeyDictionary[Implementation, dict[tuple[str, bool], list[Explanation]]] = WeakKeyDictionary()
"""What was explained of a function by a name, where large logits were asked, and where they were not."""


def _as_before(trial: Trial, named: Sequence[Explanation], suspects: Sequence[str]) -> Explanation | None:
    """An earlier explanation whose mistakes account for all that this counterexample has shown, too.

    It is asked in float64, in which few mistakes look alike, and so is this one.
    """
    problem, function, limits = trial.problem, trial.contract.name, trial.implementation.limits
    if problem.dtype != "float64" or not trial.answers.digest(trial.number):
        return None
    shown = behaviour(function, trial.answers.reply(trial.number).outcome, limits)
    for why in named:
        fits = [
            each
            for each in why.looks_like
            if accounts_for(each, function, trial.inputs, shown, limits, suspects)
        ]
        if fits and fits[0] == why.looks_like[0]:
            return replace(why, looks_like=fits)
    return None


_EXPLAINED: dict[Any, list[tuple[Conversation, Explanation]]] = {}
"""What was explained by which replies: who replies alike to the last bit makes the same mistake.

A location is found by replies of its own, and kept for nobody else.
"""


def _explain(ask: Asked, problem: Problem, search: Search) -> Explanation:
    """As `_found_out`, which is asked for where nobody has replied alike before."""
    if len(_EXPLAINED) >= KEPT:
        _EXPLAINED.clear()
    known = _EXPLAINED.setdefault((ask.function, problem, search, ask.limits), [])
    for conversation, explanation in known:
        if ask.anew().replies_as_in(conversation):
            return explanation
    explanation = _found_out(ask, problem, search)
    if not explanation.located:
        known.append((ask.conversation, explanation))
    return explanation


def _found_out(ask: Asked, problem: Problem, search: Search) -> Explanation:
    function, limits = ask.function, ask.limits
    if problem.regime == "subnormal" and (flushed := flushes(function, ask, problem, limits)):
        return Explanation([flushed])
    # In float64 rounding is so small that few mistakes look alike.
    widest = limits.fitted(replace(problem, dtype="float64"))
    counterexample = widest.inputs(function)
    network = problem.network if isinstance(problem, LayerProblem) else None
    how: dict[str, Any] = {"limits": limits, "network": network}
    sought: dict[str, Any] = {"extreme": search.extreme, "whole": search.whole, "suspects": search.suspects}
    looks_like = diagnose(function, ask, counterexample, **sought, **how)
    looks_like = looks_like or manners(function, ask, counterexample, **how)
    if looks_like == [TWO_ANSWERS] and not CONTRACTS[function].is_layer:
        kept = remembered(function, Unkept(ask.implementation, function), ask.implementation.close)
        looks_like = [", ".join(filter(None, [TWO_ANSWERS, *kept]))]
    if looks_like:
        return Explanation(looks_like, inherited=is_inherited(ask, counterexample))
    if search.whole and (location := _in_another_form(ask, counterexample)):
        return Explanation(located=location, inherited=is_inherited(ask, counterexample))
    if search.locating and (location := located(ask, widest, limits) or located_in_float32(ask, problem)):
        inherited = is_inherited(ask, counterexample)
        return Explanation(located=location, inherited=inherited, shows_alone=location.alone)
    if digits := precision(function, ask, counterexample, **how):
        return Explanation([digits], inherited=is_inherited(ask, counterexample))
    known = traces(function, ask, counterexample, **how)
    if known == NEARLY and problem.dtype != widest.dtype:
        itself = traces(function, ask, problem.inputs(function), **how)
        if itself != NEARLY:
            known = "; ".join(filter(None, [f"right in {widest.dtype}, and not in {problem.dtype}", itself]))
    elif known != NEARLY and _is_right_in_a_new_process(ask, counterexample):
        known = NEARLY
    return Explanation(traces=known, inherited=is_inherited(ask, counterexample))


def _in_another_form(ask: Asked, counterexample: Inputs) -> Location | None:
    """Of caches that have not the form of the contract, which array in them has not its shape."""
    if CONTRACTS[ask.function].is_layer:
        return None
    program = Unkept(ask.implementation, ask.function)
    return in_another_form(ask.function, program, counterexample, ask.implementation.close, ask.limits)


def _is_right_in_a_new_process(ask: Asked, counterexample: Inputs) -> bool:
    """Whether nothing but earlier calls made it wrong."""
    ask.implementation.close()
    shown = Unkept(ask.implementation, ask.function)(counterexample)
    return shown.is_like(specification(ask.function, ask.limits)(counterexample))
