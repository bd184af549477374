"""One turn of a law on one function: tries problems, and shrinks and stores one that fails."""

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import pytest
from hypothesis import given, seed, settings, target
from hypothesis import strategies as st

from oracle.problem import Problem
from properties.failure_database.store import Store
from properties.implementations.answers import answers_to
from properties.implementations.implementation import Implementation
from properties.internals.hypothesis_internals import INDEPENDENT
from properties.strategies.drawn_problems import drawn, examples
from properties.strategies.effort import EFFORTS
from properties.trials.law import Law
from properties.trials.law_cache import LAW_CACHE, Held
from properties.trials.provided_functions import lacks
from properties.trials.tally import NotJudgedError, Tally
from properties.trials.trial import Trial, ViolationError
from properties.turns.smaller_problems import is_smallest, reductions, smaller

UNLIMITED = 2**30
"""More problems than any turn has time for."""


@dataclass(frozen=True)
class Draws:
    """The problems that a turn tries: with a seed, those of a profile; without one, new ones until it ends.

    With `only_problem` the turn tries that one alone.
    """

    profile: str = "dev"
    seed: int | None = None
    only_problem: Problem | None = None


class TimeUpError(BaseException):
    """The time of the turn is up. A `BaseException`, which Hypothesis does not catch."""


class Turn:
    """Tries problems until `end` (by the monotonic clock), and stores one on which the law does not hold.

    While the problem is shrunk, the store holds the last one that failed, so it is not lost if the program
    ends. `declared` is the declared limit that excludes the law, if any.
    """

    SHRINKING = 60.0
    """The extra seconds to shrink a counterexample."""

    def __init__(
        self, law: Law, implementation: Implementation, function: str, store: Store, draws: Draws
    ) -> None:
        self.law = law
        self.store = store
        self.tally = Tally()
        self.draws = draws
        self.end = math.inf
        self.declared = ""
        self._implementation = implementation
        self._function = function
        self._effort = EFFORTS.get(draws.profile, EFFORTS["dev"])
        self._left_out: NotJudgedError | None = None
        self._found: tuple[Trial, Exception] | None = None

    def run(self) -> None:
        """Try stored problems, then drawn ones; raise the shrunk failure, if any.

        With a seed, the problems are drawn once for all laws. If a drawn problem fails, small problems
        are tried; if no small problem fails, Hypothesis draws the problems again, and shrinks the failure.
        """
        if reason := lacks(self._implementation, self._function):
            pytest.skip(reason)
        limits = self._implementation.limits
        self.declared = self.law.domain.declared_away(self._function, limits)
        if self.declared:
            pytest.skip(f"declared: {self.declared}")
        self.law = self.law.within(limits)
        if self._effort.work < math.inf:
            history = self._implementation.histories[self._function]
            tenth = self._implementation.settings.time_limit / 10
            self._effort = self._effort.within(history.affordable_work(tenth))
        try:
            if self.draws.only_problem:
                self._check_each([[self.draws.only_problem]])
            else:
                self._replay()
                if self.draws.seed is None:
                    self.fuzz()
                elif not self.holds_on_drawn_problems():
                    self.shrink()
        except TimeUpError:
            pass
        except Exception:
            if not self._found:
                raise
        self.conclude()
        if self._left_out and not self.tally.problems:
            pytest.skip(str(self._left_out))

    def holds_on_drawn_problems(self) -> bool:
        """Whether the law holds on the problems that are drawn with the seed, and on the fixed ones."""
        assert self.draws.seed is not None
        asked = self._function, self._effort
        each_drawn = drawn(*asked, self.law.domain, self.draws.seed, self.draws.profile)
        try:
            self._check_each([*each_drawn, *self.law.fixed_examples(*asked)])
        except Exception:
            if not self._found:
                raise
            return False
        return True

    def shrink(self) -> None:
        """Shrink the failure: try the smallest shapes, and if none fails, let Hypothesis shrink.

        Raises what `search` raises. If Hypothesis finds no failure, the failing problem is a fixed one; then
        its sizes are reduced.
        """
        assert self._found
        problem = self._found[0].problem
        if any(map(self._fails_on, smaller(problem, self.law.domain))) or is_smallest(problem):
            return
        self.tally.clear()  # Hypothesis tries the same problems again
        self.search()
        while any(self._fails_on([less]) for less in reductions(self._found[0].problem)):
            pass

    def _fails_on(self, problems: Sequence[Problem]) -> bool:
        """Whether the law does not hold on one of these problems, which is then the failure."""
        found = self._found
        try:
            self._check_each([[each for each in problems if self.law.concerns(self._function, each)]])
        except Exception:
            if self._found is found:
                raise
        return self._found is not found

    def fuzz(self) -> None:
        """Search until the time is up. In two searches of three, every problem is drawn independently."""
        for backend in cycle(("hypothesis", INDEPENDENT, INDEPENDENT)):
            self.search(backend)

    def search(self, backend: str = "hypothesis") -> None:
        """Let Hypothesis draw problems, and shrink and raise a failure."""

        strategy = examples(self._function, self._effort, self.law.domain)

        @settings(settings.get_profile(self.draws.profile), backend=backend)
        @given(st.data())
        def look(data: st.DataObject) -> None:
            ratio = self._check_each([data.draw(strategy)])
            if self._effort.steered and ratio:
                target(ratio, label="error as a fraction of its bound")

        (look if self.draws.seed is None else seed(self.draws.seed)(look))()

    def attempt(self, trial: Trial, held: Held | None = None) -> None:
        """Check one problem, unless its replies `held` before. A problem that cannot be judged is left out.

        Raises the failure, and `TimeUpError` when the time is up. The first problem of a turn is checked even
        if the time is up, because a process takes time to start.
        """
        if time.monotonic() >= self.end and self.tally.tried:
            raise TimeUpError
        not_meaningful = self.tally.not_meaningful
        self.tally.problems += 1
        try:
            if held:
                held.repeat(trial)
            else:
                self.law.check(trial)
                if self.draws.seed is not None:
                    LAW_CACHE.keep(trial, self.tally.not_meaningful - not_meaningful)
        except NotJudgedError as reason:
            self._left_out = reason
            self.tally.leave_out(reason)
            return
        except Exception as error:
            if self._found:
                self.store.discard(self._found[0].problem)
            elif math.isfinite(self.end):
                self.end = time.monotonic() + self.SHRINKING
            if not isinstance(error, ViolationError):
                error.add_note(f"on {trial.problem!r}")
            self.store.add(trial.problem)
            self._found = trial, error
            raise

    def conclude(self) -> None:
        """Raise the shrunk failure, if any."""
        if self._found:
            raise self._found[1].with_traceback(None)  # the message says where

    def _replay(self) -> None:
        """Try the stored problems. Those on which the law holds now are deleted."""
        for problem in self.store:
            left_out = self._left_out
            if self.law.concerns(self._function, problem):  # limits may have changed since it was stored
                self._check_each([[problem]], stored=True)
            if self._left_out is left_out:
                self.store.discard(problem)

    def _check_each(self, examples: Iterable[Sequence[Problem]], *, stored: bool = False) -> float:
        """Check the law on these examples. Returns the largest error as a fraction of its bound."""
        ratio, left, size = 0.0, iter(examples), 1
        while batch := [*islice(left, size)]:
            asked = [answers_to(self._implementation, self._function, problems) for problems in batch]
            trials = [
                Trial(self.law, answers, number, self.tally)
                for answers in asked
                for number in range(len(answers.question.problems))
            ]
            known = LAW_CACHE.known(trials) if self.draws.seed is not None else {}
            for trial in trials:
                trial.stored = stored
                self.attempt(trial, known.get(trial))
                ratio = max(ratio, trial.worst_ratio)
            # Batches grow, since many wrong functions fail on the first problem. If all replies equal those
            # of an implementation on which the law held, the rest is one batch.
            size = UNLIMITED if trials and len(known) == len(trials) else 2 * size
        return ratio
