"""Finds a problem that fails without the calls before it, so that one command shows the failure."""

from collections.abc import Sequence
from contextlib import suppress
from itertools import chain, islice

from oracle.problems.problem import Problem
from properties.strategies.domain import Domain
from properties.trials.tally import NotJudgedError
from properties.trials.trial import Trial, ViolationError
from properties.turns.smaller_problems import small_problems

SMALL, FAILED = 40, 10
"""The largest numbers of small problems and of problems that have failed; each needs a new process."""


def violation_in_new_process(
    trial: Trial, failed: Sequence[Problem], domain: Domain
) -> ViolationError | None:
    """The violation of a law on a problem that fails as the first of a run; `None` if there is none.

    `failed` are the problems that have failed, at last that of the trial. A function that keeps something
    from call to call fails on this one perhaps only because of the calls for the others.
    """
    small = chain.from_iterable(small_problems(trial.problem, domain))
    for problem in chain(islice(small, SMALL), islice(reversed(failed), FAILED)):
        with suppress(NotJudgedError):
            if violation := trial.violation_in_new_process(problem):
                return violation
    return None
