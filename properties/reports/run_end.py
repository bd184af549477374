"""Collects the results, and ends the run: the exit status, the closing table, the reports."""

import shlex
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

import pytest

from properties.internals.pytest_internals import drop_property, hide_failure, hide_interrupt, option_words
from properties.internals.xdist_internals import kill_workers
from properties.reports.closing_table import IN_FULL, render
from properties.reports.collected_results import CollectedResults, killed
from properties.reports.complaints import complaints, nothing_selected
from properties.reports.expected_failures import ExpectedFailure
from properties.reports.failure_messages import messages
from properties.reports.json_report import Run
from properties.reports.judgement import judgements
from properties.reports.progress import ProgressPlugin
from properties.reports.report import Reports
from properties.reports.results import encodable, printable

_COMPLETE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
_WITH_A_REPORT = (*_COMPLETE, pytest.ExitCode.INTERRUPTED)


class Closing:
    """Collects the results in the controlling process, and writes the reports at the end."""

    def __init__(
        self,
        targets: Sequence[str],
        expected: Sequence[ExpectedFailure],
        reports: Reports,
        run: Run,
    ) -> None:
        self._targets = targets
        self._expected = expected
        self._reports = reports
        self._run = run
        self._many = len(targets) > IN_FULL
        self._collected = CollectedResults(targets)
        self._progress: ProgressPlugin | None = None
        self._complaints: list[str] = []
        self._crashed: set[str] = set()
        self._written: list[str] = []

    def pytest_configure(self, config: pytest.Config) -> None:
        """With many targets, print only the closing table unless the user asks for more."""
        self._config = config
        if self._many:
            if config.option.tbstyle == "auto":
                config.option.tbstyle = "no"
            if config.option.reportchars == "fE":
                config.option.reportchars = ""

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """With many targets, show the progress."""
        plugins = session.config.pluginmanager
        reporter = plugins.getplugin("terminalreporter")
        if self._many and reporter and session.config.get_verbosity() <= 0:
            self._progress = ProgressPlugin(reporter, [*map(encodable, self._targets)])
            plugins.register(self._progress)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Collect which tests will run on each target."""
        self._begin(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Collect which tests a worker of pytest-xdist will run."""
        self._begin(ids)

    def _begin(self, nodeids: Iterable[str]) -> None:
        self._collected.expect(nodeids)
        if self._progress:
            self._progress.begin()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the result of a law, which may complete a target."""
        results, done = self._collected.add(report.nodeid, report.user_properties)
        if self._progress:
            self._progress.show(results, done)
        if results:
            hide_failure(report)
        drop_property(report, "law")

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport, sched: Any) -> None:
        """If a worker was killed, run its law once more; the second time, the law fails."""
        if crashitem in self._crashed:
            report.user_properties.append(("law", asdict(killed(crashitem))))
            return
        self._crashed.add(crashitem)
        report.outcome = "rerun"  # type: ignore[assignment]  # a category that is not counted
        with suppress(NotImplementedError):  # some schedulers run it again by themselves
            sched.mark_test_pending(crashitem)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """End at once, without pytest's message, since the summary has one."""
        if excinfo.errisinstance(KeyboardInterrupt):
            kill_workers(self._config)
            excinfo.traceback = excinfo.traceback[-1:]  # pytest would print the arguments of every call
            reporter = self._config.pluginmanager.getplugin("terminalreporter")
            if reporter and self._collected.results:
                hide_interrupt(reporter)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Set the exit status, and write the reports, also of an interrupted run."""
        results, left = self._collected.results, self._collected.left
        self._complaints = complaints(results, self._expected)
        if self._complaints and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if exitstatus == pytest.ExitCode.INTERRUPTED and not results:
            return
        if exitstatus in _WITH_A_REPORT and not session.config.option.collectonly:
            self._written = self._reports.write(judgements(results, left), replace(self._run, left=left))

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
    ) -> None:
        """Print the failures, the closing table, complaints and the paths of reports."""
        write, results = terminalreporter.write_line, self._collected.results
        selected = shlex.join(option_words(config, "-k", "-m"))
        interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
        if config.option.tbstyle != "no":
            failed = [each for each in results if each.status == "failed" and not each.is_excused]
            for message in messages(failed):
                write(f"\n{message}")
        if interrupted and results:
            done = len(self._targets) - len(self._collected.left)
            written = f"; written: {', '.join(self._written)}" if self._written else ""
            write(f"interrupted: {done} of {len(self._targets)} judged completely{written}", red=True)
            if self._many:
                return
        if results:
            write("")
            terminalreporter.section("laws")
            width = shutil.get_terminal_size().columns
            terminalreporter.write(render(results, width, in_full=not self._many, left=self._collected.left))
        elif exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            for line in nothing_selected(selected, config.option.keyword):
                write(line)
        if selected and results:
            write(f"the verdicts are only about the laws that {selected} selects")
        for complaint in self._complaints:
            write(printable(complaint), red=True)
        if self._many and not self._reports.files:
            write("to see each failure: --report FILE.html, or --tb=short")
        for path in self._written if not interrupted else ():
            write(f"report: {path}")
