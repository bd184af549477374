"""Shows the progress with many targets: a bar on a terminal, or else a line for each target."""

from collections.abc import Generator, Sequence
from typing import Any

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from properties.internals.pytest_internals import drop_passed, show_no_files
from properties.reports.judgement import Judgement
from properties.reports.results import LawResult, printable
from properties.reports.target_names import shown_names


class ProgressPlugin:
    """Replaces the letters that pytest prints for tests."""

    def __init__(self, reporter: pytest.TerminalReporter, implementations: Sequence[str]) -> None:
        self._reporter = reporter
        self._names = shown_names(implementations)
        self._done = 0
        show_no_files(reporter)
        self._display = Progress(
            TextColumn("judged"),
            MofNCompleteColumn(),
            BarColumn(),
            TimeRemainingColumn(),
            TextColumn("now {task.description}", markup=False),
            console=Console(highlight=False),
            auto_refresh=False,  # a thread would print while pytest captures the output
            disable=not reporter.isatty,
            redirect_stderr=False,
            redirect_stdout=False,
            transient=True,
        )
        self._task = self._display.add_task("", total=len(self._names))

    def begin(self) -> None:
        """Show the bar, when the tests have been collected."""
        self._display.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, Any, Any]:
        """Print no letter for a test, but count its category."""
        category, _, _ = yield
        return category, "", ""

    def show(self, results: Sequence[LawResult], done: Sequence[Judgement]) -> None:
        """Show the last result, and the targets that are now complete."""
        for judgement in done:
            self._done += 1
            drop_passed(self._reporter)
            if self._display.disable:
                failed = judgement.laws_failed
                count = f" ({failed} law{'s' if failed > 1 else ''} failed)" if failed else ""
                name = self._names.get(judgement.implementation, judgement.implementation)
                verdict = f"{name}: {judgement.verdict_in_words}{count}"
                self._reporter.write_line(printable(f"{verdict}; {self._done} of {len(self._names)}"))
        for result in results[-1:]:
            name = printable(self._names.get(result.implementation, result.implementation))
            self._display.update(self._task, completed=self._done, description=name, refresh=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Remove the bar."""
        self._display.stop()
