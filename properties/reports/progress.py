"""Shows how many of many targets are judged, in place of the letters that pytest prints for tests."""

from collections.abc import Generator, Sequence
from typing import Any

import pytest

from properties.internals.pytest_internals import drop_passed, show_no_files
from properties.reports.judgement import Judgement
from properties.reports.results import LawResult, printable
from properties.reports.run import shortened, shown_names


class ProgressPlugin:
    """Prints a line for each target when it is judged; on a terminal, one line that is overwritten."""

    def __init__(self, reporter: pytest.TerminalReporter, targets: Sequence[str]) -> None:
        self._reporter = reporter
        self._names = shown_names(targets)
        self._done = 0
        show_no_files(reporter)

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, Any, Any]:
        """Print no letter for a test, but count its category."""
        category, _, _ = yield
        return category, "", ""

    def show(self, results: Sequence[LawResult], done: Sequence[Judgement]) -> None:
        """Show the targets that are now complete, or on a terminal the number of them and the last target."""
        for judgement in done:
            self._done += 1
            drop_passed(self._reporter)
            if not self._reporter.isatty:
                failed = judgement.laws_failed
                count = f" ({failed} law{'s' if failed > 1 else ''} failed)" if failed else ""
                verdict = f"{self._name(judgement.implementation)}: {judgement.verdict_in_words}{count}"
                self._reporter.write_line(f"{verdict}; {self._done} of {len(self._names)}")
        for result in results[-1:] if self._reporter.isatty else ():
            name = shortened(self._name(result.implementation), 50)
            self._reporter.rewrite(f"judged: {self._done} of {len(self._names)}, now {name}", erase=True)

    def _name(self, target: str) -> str:
        return printable(self._names.get(target, target))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Erase the line on a terminal."""
        if self._reporter.isatty:
            self._reporter.rewrite("", erase=True)
            self._reporter.rewrite("")  # to its beginning
