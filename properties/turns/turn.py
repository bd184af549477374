"""One turn of a law: the problems that it tries, and what it finds."""

import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

import pytest
from hypothesis import given, seed, settings, target
from hypothesis import strategies as st

from oracle.problem import Problem
from properties.failure_database.store import Store
from properties.implementations.implementation import Implementation
from properties.implementations.timeouts import affordable
from properties.internals.of_hypothesis import ANEW
from properties.strategies.functions import EFFORTS
from properties.strategies.problem_cache import drawn
from properties.trials.law import Law
from properties.trials.law_cache import SETTLED, Held
from properties.trials.provided_functions import lacks
from properties.trials.retries import NotJudgedError
from properties.trials.tally import Tally
from properties.trials.trial import Trial, ViolationError
from properties.turns.coverage_map import places
from properties.turns.smaller_problems import is_among, smaller

ENDLESS = 2**30
"""More problems than any turn has time for."""


class TimeUpError(BaseException):
    """A turn has lasted long enough; as little an error as an interrupt, so Hypothesis lets it pass."""


class Turn:
    """Tries problems until `end`, by the monotonic clock, and stores one on which the law does not hold.

    While that is shrunk, the store always holds the last one that was seen to fail; so whatever ends the
    program, it is not lost. Without a `number` for a seed each turn draws other problems; if they are to be
    drawn `anew`, each by itself, as long as there is time. Then `declared` is the limit by which the law
    says nothing of the function, if there is one.
    """

    SHRINKING = 60.0
    """Seconds for which the time is prolonged to make a counterexample smaller."""

    def __init__(
        self,
        law: Law,
        implementation: Implementation,
        function: str,
        store: Store,
        tally: Tally,
        *,
        profile: str = "dev",
        number: int | None = None,
        exactly: Problem | None = None,
    ) -> None:
        self.law = law
        self.store = store
        self.tally = tally
        self.end = math.inf
        self.anew = False
        self.visited: Counter[str] = Counter()
        self.declared = ""
        self._implementation = implementation
        self._function = function
        self._profile = profile
        self._number = number
        self.exactly = exactly
        self._effort = EFFORTS.get(profile, EFFORTS["dev"])
        self._left_out: NotJudgedError | None = None
        self._found: tuple[Trial, Exception] | None = None

    def run(self) -> None:
        """Try what failed before, then what is drawn; what failed at any time is raised.

        Only where the law fails on what is drawn once for all, and on nothing that is small from the start,
        does Hypothesis go on, to make that small.
        """
        if reason := lacks(self._implementation, self._function):
            pytest.skip(reason)
        limits = self._implementation.limits
        self.declared = self.law.declared_away(self._function, limits)
        if self.declared:
            pytest.skip(f"declared: {self.declared}")
        self.law = self.law.within(limits)
        self._go_no_further_than_it_can()
        try:
            if self.exactly:
                self._check_each([[self.exactly]])
            else:
                self._replay()
                if self._number is None:
                    self.search()
                elif not self.holds_of_what_is_drawn():
                    self.make_small()
        except TimeUpError:
            pass
        except Exception:
            if not self._found:
                raise
        self.conclude()
        if self._left_out and not self.tally.problems and self._number is not None:
            pytest.skip(str(self._left_out))

    def holds_of_what_is_drawn(self) -> bool:
        """Whether the law holds of what is drawn once for all with the seed, and of what it always tries."""
        assert self._number is not None
        examples = drawn(self._function, self._effort, self.law.domain, self._number, self._profile)
        try:
            self._check_each([*examples, *self.law.more_examples(self._function, self._effort)])
        except Exception:
            if not self._found:
                raise
            return False
        return True

    def make_small(self) -> None:
        """Make what was found small: the smallest shapes first, and then by Hypothesis.

        Raises as `search` does, or nothing, where something small fails.
        """
        found = self._found
        assert found
        trial, _ = found
        for problems in smaller(trial.problem, self.law.domain):
            try:
                self._check_each([problems])
            except Exception:
                if self._found is found:
                    raise
                return
        if not is_among(trial.problem):
            self.tally.clear()  # for Hypothesis finds it in the same sequence
            self.search()

    def search(self) -> None:
        """Let Hypothesis draw problems; where one fails it is made small, and raised."""

        profile = settings.get_profile(self._profile)
        anew = settings(profile, backend=ANEW, max_examples=ENDLESS)

        @(anew if self.anew else profile)
        @given(st.data())
        def look(data: st.DataObject) -> None:
            ratio = self._check_each([data.draw(self._strategy)])
            if self._effort.steered and ratio:
                target(ratio, label="error as a fraction of its bound")

        (look if self._number is None else seed(self._number)(look))()

    def attempt(self, trial: Trial, held: Held | None = None) -> None:
        """Check one problem, unless it `held`; what is raised is kept in mind.

        One that cannot be judged is left out.

        Raises `TimeUpError` instead when the time is up. For the first problem it is only if the turn was
        stopped: a process takes its time to start.
        """
        if time.monotonic() >= self.end and (self.tally.tried or self.end == -math.inf):
            raise TimeUpError
        judged, not_meaningful = self.tally.problems, self.tally.not_meaningful
        self.tally.problems += 1
        try:
            if held:
                held.repeat(trial)
            else:
                self.law.check(trial)
                if self._number is not None:
                    SETTLED.keep(trial, self.tally.not_meaningful - not_meaningful)
        except NotJudgedError as reason:
            self._left_out = reason
            self.tally.leave_out(reason.late, str(reason))
            return
        except Exception as error:
            self._keep(trial, error)
            raise
        finally:
            if self._number is None and self.tally.problems > judged:
                self.visited.update(places(trial))

    def stop(self) -> None:
        """Let it be late from now on, whatever is found."""
        self.end = -math.inf

    def conclude(self) -> None:
        """At the end, raise what was found, as small as it has become."""
        if self._found:
            raise self._found[1].with_traceback(None)  # where that was is in the message

    @property
    def _strategy(self) -> st.SearchStrategy[Sequence[Problem]]:
        return self.law.examples(self._function, self._effort)

    def _replay(self) -> None:
        """Try what the law did not hold of before; what it holds of again is forgotten."""
        for problem in self.store:
            left_out = self._left_out
            if self.law.concerns(self._function, problem):  # as it did when that was stored
                self._check_each([[problem]], stored=True)
            if self._left_out is left_out:
                self.store.discard(problem)

    def _check_each(self, examples: Iterable[Sequence[Problem]], *, stored: bool = False) -> float:
        """Check the law on these examples; the largest error as a fraction of its bound."""
        ratio, left, size = 0.0, iter(examples), 1
        while some := [*islice(left, size)]:
            trials = [
                trial
                for problems in some
                for trial in self.law.trials(self._implementation, self._function, problems, self.tally)
            ]
            known = SETTLED.known(trials) if self._number is not None else {}
            for trial in trials:
                trial.stored = stored
                self.attempt(trial, known.get(trial))
                ratio = max(ratio, trial.worst_ratio)
            # Many a wrong function fails on the first; who answers them as a right one did, all the others.
            size = ENDLESS if trials and len(known) == len(trials) else 2 * size
        return ratio

    def _go_no_further_than_it_can(self) -> None:
        """Where the effort has a limit, let it be one that the function can keep."""
        if self._effort.work < math.inf:
            self._effort = self._effort.within(affordable(self._implementation, self._function))

    def _keep(self, trial: Trial, error: Exception) -> None:
        if self._found:
            self.store.discard(self._found[0].problem)
        elif math.isfinite(self.end):
            self.end = time.monotonic() + self.SHRINKING
        if not isinstance(error, ViolationError):
            error.add_note(f"on {trial.problem!r}")
        self.store.add(trial.problem)
        self._found = trial, error
