"""Explains a violation: by an earlier explanation of the same target, or by a search in a new process."""

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace

import numpy as np

from oracle.explanations.behaviour import TOLERANCE
from oracle.explanations.claims import Claim, is_far
from oracle.explanations.wrong_outputs import wrong_outputs
from oracle.problems.inputs import Inputs
from properties.explanations.claim_search import NEARLY, cache_of, listed_outputs, search, written
from properties.explanations.inheritance import is_inherited
from properties.explanations.prediction import is_predicted
from properties.explanations.program import DiedError, InNewProcesses, Program
from properties.trials.trial import ViolationError

LARGEST_ORDINARY = 30
"""The largest input of ordinary problems; larger inputs may overflow."""
AS_FIRST_CALL = "as the first call of a process"
EXPLAINING = 60.0
"""The seconds for all explanations of a costly target."""


@dataclass(frozen=True)
class Explanation:
    """The claims about a failure, the best first: mistakes of the catalogue, a location, or wrong outputs.

    If `inherited`, the function is wrong only because its cell or, for the gradients of a layer, its forward
    pass is wrong. If not `is_reproducible`, the law holds in a new process.
    """

    claims: Sequence[Claim] = ()
    inherited: bool = False
    is_reproducible: bool = True


def explain(violation: ViolationError, *, whole: bool = False, locating: bool = True) -> Explanation:
    """Explain why a law does not hold in a trial, by calls of the implementation on more problems.

    With `whole`, a mistake of the catalogue fits only if it also gives caches of the same form. If no mistake
    fits, `locating` says whether to search for a location. If the process dies, the explanation is empty.
    When the time for a costly target is up, only known claims are tried.
    """
    target = violation.trial.implementation
    with target.aside(EXPLAINING) if target.is_costly else nullcontext():
        try:
            claims, is_reproducible, inherited = _explain(violation, whole, locating), True, False
            with suppress(TimeoutError):
                if violation.trial.holds_in_new_process:  # no program without a memory does so
                    is_reproducible = False
                    claims = [each for each in claims if _is_of_several_calls(violation, each)]
                    claims = claims or [Claim.of("earlier calls", again="in a new process")]
                inherited = is_inherited(violation.trial)
            return Explanation(claims, inherited, is_reproducible)
        except TimeoutError:
            return Explanation([Claim.of("no time")])
        except DiedError:
            return Explanation()
        except Exception as error:  # the failure is reported without an explanation
            return Explanation([Claim.of("broke", error=repr(error))])


def _is_of_several_calls(violation: ViolationError, claim: Claim) -> bool:
    """Whether a claim is about what earlier or later calls do to an answer, or about chance."""
    if claim.kind == "mistake":
        return is_predicted(violation, claim) is None
    return claim.kind in ("two answers", "earlier calls", "overwrites", "writes", "order of parameters")


def _explain(violation: ViolationError, whole: bool, locating: bool) -> list[Claim]:
    """The claims about a violation that hold for the call that the law has made."""
    trial = violation.trial
    understood = trial.implementation.load().understood
    if understood.get("fits"):
        return [Claim.of("stated gates", stated=understood["gates"], fits=understood["fits"])]
    program = Program(trial.implementation, trial.contract.name)
    earlier = cache_of(program).claims[program.function]
    for claims in earlier:
        if is_predicted(violation, claims[0]):
            return claims
    trial.implementation.end_process()
    extreme = trial.law.grade == "robust" or float(np.abs(trial.inputs.x).max(initial=0)) > LARGEST_ORDINARY
    found = search(program, trial.problem, extreme=extreme, whole=whole, locating=locating)
    checked = [(claim, is_predicted(violation, claim)) for claim in found]
    claims = [claim for claim, holds in checked if holds is not False]
    if any(holds for _, holds in checked):
        earlier.append(claims)
        return claims
    try:
        return _of_all_calls(violation, program, claims)
    except TimeoutError:
        if claims:
            return claims
        raise


def _of_all_calls(violation: ViolationError, program: Program, claims: list[Claim]) -> list[Claim]:
    """Claims that do not say what the law would find, after a look for chance and for earlier calls."""
    trial = violation.trial
    is_named = any(each.kind == "mistake" for each in claims)
    if not is_named and _acts_at_random(program, trial.inputs):
        return [Claim.of("two answers")]
    is_located = any(each.is_located for each in claims)
    if is_located and trial.holds_for(InNewProcesses(trial.implementation)):
        return [Claim.of("earlier calls", again=AS_FIRST_CALL)]
    if not claims and violation.is_of_argument:
        claims = written(program, trial.inputs, trial.problem.network)
    if not claims:
        widest = program.limits.fitted(replace(trial.problem, dtype="float64"))
        claims = listed_outputs(program, trial.problem, widest)
    if claims == [NEARLY]:
        claims = [_of_right_call(violation, program)]
    return claims


def _acts_at_random(program: Program, inputs: Inputs) -> bool:
    known = cache_of(program).is_random
    if program.function not in known:
        known[program.function] = program.acts_at_random(inputs)
    return known[program.function]


def _of_right_call(violation: ViolationError, program: Program) -> Claim:
    """The claim if an ordinary call on the problem is right, unless it is the first call of a process."""
    trial = violation.trial
    if not _is_right(program, trial.inputs):
        return Claim.of("earlier calls", again="asked again")
    if not is_far(violation.facts(), TOLERANCE[trial.problem.dtype]):
        return NEARLY
    if trial.holds_for(InNewProcesses(trial.implementation)):
        return Claim.of("earlier calls", again=AS_FIRST_CALL)
    if violation.inputs is not None and not _is_right(program, violation.inputs):
        return Claim.of("second call")
    return Claim.of("only in this law", statement=trial.law.statement)


def _is_right(program: Program, inputs: Inputs) -> bool:
    """Whether an ordinary call on these inputs is right as the first call of a process."""
    program.implementation.end_process()
    return wrong_outputs(program.function, program, inputs, program.limits) == NEARLY
