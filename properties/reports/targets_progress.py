"""Shows how far a run with many targets has come."""

import time
from collections import Counter
from collections.abc import Sequence

import pytest

from properties.internals.pytest_internals import ProgressPlugin, drop_passed
from properties.reports.fuzzing_progress import duration
from properties.reports.judgement import Judgement
from properties.reports.results import LawResult, printable
from properties.reports.run import short_names, shortened


class TargetsProgress(ProgressPlugin):
    """Prints a line for each judged target.

    On a terminal, one line is renewed with every result: how many targets have which verdict, and the target
    whose law ran last.
    """

    def __init__(self, reporter: pytest.TerminalReporter, targets: Sequence[str], kept: int = 0) -> None:
        super().__init__(reporter)
        self._names = {target: printable(name) for target, name in short_names(targets).items()}
        self._kept = kept  # the number of targets that an earlier run has judged
        self._verdicts: Counter[str] = Counter()
        self._start = time.monotonic()

    def show(self, results: Sequence[LawResult], judgements: Sequence[Judgement]) -> None:
        """Print the verdicts on targets that are now complete; on a terminal, renew the line."""
        for judgement in judgements:
            self._verdicts[judgement.verdict] += 1
            drop_passed(self._reporter)
            if not self._reporter.isatty:
                failed = judgement.laws_failed
                count = f" ({failed} law{'s' if failed > 1 else ''} failed)" if failed else ""
                name = self._names.get(judgement.implementation, judgement.implementation)
                verdict = f"{name}: {judgement.verdict_in_words}{count}"
                self._reporter.write_line(f"{verdict}; {self._done}{self._time_left()}")
        for result in results[-1:] if self._reporter.isatty else ():
            counts = ", ".join(f"{count} {verdict}" for verdict, count in self._verdicts.most_common())
            line = f"judged: {self._done}{f' ({counts})' if counts else ''}{self._time_left()}, now "
            name = self._names.get(result.implementation, result.implementation)
            self._reporter.rewrite(shortened(line, 70) + shortened(name, max(79 - len(line), 9)), erase=True)

    @property
    def _done(self) -> str:
        return f"{self._kept + self._verdicts.total()} of {len(self._names)}"

    def _time_left(self) -> str:
        """The time left, as far as the targets that are complete tell it, in words."""
        done = self._verdicts.total()
        left = len(self._names) - self._kept - done
        seconds = (time.monotonic() - self._start) / done * left if done else 0.0
        return f", {duration(seconds)} left" if done and left else ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Erase the line on a terminal."""
        if self._reporter.isatty:
            self._reporter.rewrite("", erase=True)
            self._reporter.rewrite("")  # moves the cursor to the beginning of the line
