"""One turn of a law: the problems that it tries, and what it finds."""

import math
import time
from collections import Counter
from collections.abc import Callable

from properties.fuzz.visited import places
from properties.reporting.results import Tally
from properties.store import Store
from properties.trial import Trial
from properties.violation import ViolationError


class TimeUpError(BaseException):
    """A turn has lasted long enough; as little an error as an interrupt, so Hypothesis lets it pass."""


class Turn:
    """Tries problems until `end`, by the monotonic clock, and stores one on which the law does not hold.

    While that is shrunk, the store always holds the last one that was seen to fail; so whatever ends the
    program, it is not lost.
    """

    SHRINKING = 60.0
    """Seconds for which the time is prolonged to make a counterexample smaller."""

    def __init__(self, store: Store, tally: Tally, end: float = math.inf) -> None:
        self.store = store
        self.tally = tally
        self.end = end
        self.visited: Counter[str] = Counter()
        self._found: tuple[Trial, Exception] | None = None

    def attempt(self, check: Callable[[Trial], None], trial: Trial) -> None:
        """Check one problem; what is raised is kept in mind. Raises `TimeUpError` instead when it is late.

        For the first problem it is only if the turn was stopped: a process takes its time to start.
        """
        if time.monotonic() >= self.end and (self.tally.problems or self.end == -math.inf):
            raise TimeUpError
        self.tally.problems += 1
        try:
            check(trial)
        except Exception as error:
            self._keep(trial, error)
            raise
        finally:
            self.visited.update(places(trial))

    def stop(self) -> None:
        """Let it be late from now on, whatever is found."""
        self.end = -math.inf

    def conclude(self) -> None:
        """At the end, raise what was found, as small as it has become."""
        if self._found:
            raise self._found[1]

    def _keep(self, trial: Trial, error: Exception) -> None:
        if self._found:
            self.store.discard(self._found[0].problem)
        elif math.isfinite(self.end):
            self.end = time.monotonic() + self.SHRINKING
        if not isinstance(error, ViolationError):
            error.add_note(f"on {trial.problem!r}")
        self.store.add(trial.problem)
        self._found = trial, error
