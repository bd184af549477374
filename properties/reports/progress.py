"""How far the judging of many has come: a display on a terminal, otherwise a line for each that is done."""

import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from properties.internals.of_pytest import forget_unshown, keep_one_that_passed, show_no_files
from properties.reports.results import Judgement, LawResult, printable
from properties.reports.target_names import shown_names

ENOUGH = 5
"""Of how many targets one must know how long they took to tell how long the others will take."""


class ProgressPlugin:
    """Stands in for pytest's dots, in the process in which the results come together.

    Of the implementations some may have been judged `before`; `clock` tells the time.
    """

    def __init__(
        self,
        reporter: pytest.TerminalReporter,
        implementations: Sequence[str],
        before: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reporter = reporter
        self._names = shown_names(implementations)
        self._before = self._done = before
        self._clock = clock
        self._began = clock()
        show_no_files(reporter)  # which file a law is in matters little here
        self._display = Progress(
            TextColumn("judged"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("{task.fields[left]}"),
            TextColumn("now {task.description}", markup=False),
            console=Console(highlight=False),
            auto_refresh=False,  # a thread would write while pytest captures the output
            disable=not reporter.isatty,
            redirect_stderr=False,
            redirect_stdout=False,
            transient=True,
        )
        self._task = self._display.add_task("", total=len(self._names), completed=before, left="")

    def begin(self) -> None:
        """The tests are known, and run from now on."""
        self._began = self._clock()
        self._display.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, Any, Any]:
        """No letter for a test; its category counts as ever."""
        category, _, _ = yield
        return category, "", ""

    def show(self, results: Sequence[LawResult], done: Sequence[Judgement]) -> None:
        """Tell which laws have run, and which implementations are done by them."""
        for judgement in done:
            self._done += 1
            forget_unshown(self._reporter)
            keep_one_that_passed(self._reporter)
            if self._display.disable:
                failed = judgement.laws_failed
                count = f" ({failed} law{'s' if failed > 1 else ''} failed)" if failed else ""
                how_far = ", ".join(filter(None, [f"{self._done} of {len(self._names)}", self._left]))
                line = (
                    f"{self._name(judgement.implementation)}: {judgement.verdict_in_words}{count}; {how_far}"
                )
                self._reporter.write_line(printable(line))
        for result in results[-1:]:
            self._display.update(
                self._task,
                completed=self._done,
                description=printable(self._name(result.implementation)),
                left=self._left,
                refresh=True,
            )

    @property
    def _left(self) -> str:
        """The time that the others will take if they take as long as those that are done."""
        here, others = self._done - self._before, len(self._names) - self._done
        if here < ENOUGH or not others:
            return ""
        return about((self._clock() - self._began) / here * others)

    def _name(self, implementation: str) -> str:
        return self._names.get(implementation, implementation)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Leave the terminal as it was."""
        self._display.stop()


def about(seconds: float) -> str:
    """How much time is left, in words, no more exactly than one can know."""
    if seconds < 100:
        return f"about {max(10 * round(seconds / 10), 10)} s left"
    if seconds < 100 * 60:
        return f"about {round(seconds / 60)} min left"
    return f"about {round(seconds / 3600)} h left"
