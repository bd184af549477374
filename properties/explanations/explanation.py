"""Explains why a law does not hold: by an earlier explanation, or by a search in a new process."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from oracle.diagnosis.findings import found
from oracle.diagnosis.names import accounts_for
from oracle.diagnosis.traces import symptoms
from properties.explanations.earlier_explanations import Earlier, Explanation
from properties.explanations.inherited_mistakes import is_inherited_in_its_precision
from properties.explanations.program import DiedError, Program, behaviour
from properties.explanations.search import Search, search
from properties.trials.trial import Trial

LARGE = 30
"""The largest input of ordinary problems; larger inputs may overflow."""


def explain(trial: Trial, *, whole: bool = False, locating: bool = True) -> Explanation:
    """Call the implementation on more problems, in a new process, and compare it with the catalogue.

    With `whole`, a mistake must explain the outputs and the form of the caches. A mistake without a name is
    located if `locating`. If a call makes the process die, the explanation is empty.
    """
    try:
        why = _explain(trial, whole=whole, locating=locating)
        if why.inherited or trial.problem.dtype == "float64":
            return why
        return replace(why, inherited=is_inherited_in_its_precision(trial))
    except DiedError:
        return Explanation()
    except Exception as error:  # the failure itself is known all the same
        return Explanation([found("broke", error=repr(error))])


def _explain(trial: Trial, *, whole: bool, locating: bool) -> Explanation:
    understood = trial.implementation.load().understood
    if understood.get("fits"):
        return Explanation([found("stated gates", stated=understood["gates"], fits=understood["fits"])])
    extreme = trial.law.grade == "robust" or float(np.abs(trial.inputs.x).max(initial=0)) > LARGE
    program = Program(trial.implementation, trial.contract.name)
    named = Earlier.of(trial.implementation).named[program.function, extreme]
    if before := _as_before(trial, named):
        return before
    trial.implementation.close()
    why = search(program, trial.problem, Search(extreme, whole, locating))
    if why.names_a_mistake:
        named.append(why)
    if not why.is_only_nearly:
        return why
    alone = trial.holds_alone()
    if not alone:
        trial.implementation.close()
        if symptoms(program.function, program, trial.inputs, program.limits) == found("nearly"):
            return why
    again = "in a new process" if alone else "asked again"
    findings = [found("earlier calls", again=again)]
    return Explanation(findings, inherited=why.inherited, shows_alone=not alone)


def _as_before(trial: Trial, named: Sequence[Explanation]) -> Explanation | None:
    """An earlier explanation whose mistakes also explain the reply to this counterexample.

    Only for counterexamples in float64, in which few mistakes give the same numbers.
    """
    problem, function, limits = trial.problem, trial.contract.name, trial.implementation.limits
    if problem.dtype != "float64" or not trial.answers.digest(trial.number):
        return None
    shown = behaviour(function, trial.answers.reply(trial.number).outcome, limits)
    for why in named:
        fits = [
            each
            for each in why.findings
            if each.kind == "mistake"
            and accounts_for(each.facts["names"], function, trial.inputs, shown, limits)
        ]
        if fits and fits[0] == why.findings[0]:
            return replace(why, findings=fits)
    return None
