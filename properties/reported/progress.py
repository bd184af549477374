"""How far the judging of many has come: a display on a terminal, otherwise a line for each that is done."""

from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Sequence
from typing import Any

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from properties.internals.of_pytest import show_no_files
from properties.reported.results import Judgement, LawResult, printable
from properties.reported.scheduling import implementation_in


class ProgressPlugin:
    """Stands in for pytest's dots, in the process in which the results come together."""

    def __init__(self, reporter: pytest.TerminalReporter, implementations: int) -> None:
        self._reporter = reporter
        self._left: Counter[str] = Counter()
        self._results: defaultdict[str, list[LawResult]] = defaultdict(list)
        self._failures = 0
        show_no_files(reporter)  # which file a law is in matters little here
        self._display = Progress(
            TextColumn("judged"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("{task.fields[failures]} failed, now {task.description}", markup=False),
            console=Console(highlight=False),
            auto_refresh=False,  # a thread would write while pytest captures the output
            disable=not reporter.isatty,
            redirect_stderr=False,
            redirect_stdout=False,
            transient=True,
        )
        self._task = self._display.add_task("", total=implementations, failures=0)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the laws that each implementation has before it."""
        self._begin(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """The same, as a worker tells it; all of them tell the same."""
        self._begin(ids)

    def _begin(self, nodeids: Iterable[str]) -> None:
        self._left = Counter(map(implementation_in, nodeids))
        self._display.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, Any, Any]:
        """No letter for a test; its category counts as ever."""
        category, _, _ = yield
        return category, "", ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Tell that a law has run, and perhaps that an implementation is done."""
        for result in LawResult.reported(report.user_properties):
            judged, name = implementation_in(report.nodeid), result.implementation
            self._results[name].append(result)
            self._left[judged] -= 1
            self._failures += result.status == "failed"
            if not self._left[judged]:
                self._done(Judgement(name, self._results.pop(name)))
            self._display.update(
                self._task, description=printable(name), failures=self._failures, refresh=True
            )

    def _done(self, judgement: Judgement) -> None:
        self._display.advance(self._task)
        if self._display.disable:
            failed = sum(result.status == "failed" for result in judgement.results)
            count = f" ({failed} failed)" if failed else ""
            self._reporter.write_line(printable(f"{judgement.implementation}: {judgement.verdict}{count}"))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Leave the terminal as it was."""
        self._display.stop()
