"""Finds a failure that one command shows: that of the first problem of a run, in a new process.

A function that keeps something from call to call perhaps fails only because of the calls for other problems,
or fails in another way without these.
"""

from collections.abc import Sequence
from contextlib import suppress
from itertools import chain, islice

from oracle.problems.problem import Problem
from properties.trials.tally import NotJudgedError
from properties.trials.trial import Trial, ViolationError
from properties.turns.smaller_problems import small_problems

MOST_SMALL, MOST_FAILED = 40, 10
"""The most small problems, and problems that have failed, that are tried in new processes, one in each."""


def standalone_failure(trial: Trial, failed: Sequence[Problem]) -> ViolationError | None:
    """The violation on a trial's problem in a new process, or else on another problem; `None` if all hold.

    The other problems are smaller ones, then those that have `failed`, the last first. `None`, too, if the
    law cannot be judged on the trial's problem in a new process.
    """
    try:
        own = trial.own_violation
    except NotJudgedError:
        return None
    if own:
        own.trial.own_violation, own.trial.is_stored = own, trial.is_stored
        return own
    small = chain.from_iterable(small_problems(trial.problem, trial.law.domain))
    for problem in chain(islice(small, MOST_SMALL), islice(reversed(failed), MOST_FAILED)):
        with suppress(NotJudgedError):
            if violation := trial.violation_in_new_process(problem):
                return violation
    return None
