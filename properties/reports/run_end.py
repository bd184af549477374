"""Collects the results, and ends the run: the exit status, the closing table, the reports."""

import shlex
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from properties.internals.pytest_internals import drop_property, hide_interrupt, option_words
from properties.internals.xdist_internals import kill_workers
from properties.laws import all_laws
from properties.reports import expected_failures, report, target_pages
from properties.reports.closing_table import IN_FULL, render
from properties.reports.collected_results import CollectedResults
from properties.reports.duplicates import show_once
from properties.reports.expected_failures import ExpectedFailure
from properties.reports.json_report import Run
from properties.reports.judgement import judgements
from properties.reports.progress import ProgressPlugin
from properties.reports.results import LawResult, encodable, printable
from properties.reports.test_ids import function_in, implementation_in, law_in
from properties.trials.provided_functions import PROVIDED
from properties.worker.targets import closest
from reference.contract import CONTRACTS

_COMPLETE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
_WITH_A_REPORT = (*_COMPLETE, pytest.ExitCode.INTERRUPTED)


class Closing:
    """Collects the results in the controlling process. At the end the reports are written, and the pages of
    targets into `folder`.
    """

    def __init__(
        self,
        targets: Sequence[str],
        expected: Sequence[ExpectedFailure],
        reports: Sequence[Path],
        run: Run,
        folder: Path | None = None,
    ) -> None:
        self._targets = targets
        self._expected = expected
        self._reports = reports
        self._run = run
        self._folder = folder
        self._gathered = CollectedResults(targets)
        self._progress: ProgressPlugin | None = None
        self._complaints: list[str] = []
        self._crashed: set[str] = set()
        self._failures: list[tuple[LawResult, pytest.TestReport]] = []
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
        self._gathered.expect(nodeids)
        if self._progress:
            self._progress.begin()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the result of a law, which may complete a target."""
        results, done = self._gathered.add(report.nodeid, report.user_properties)
        self._failures += (
            (each, report) for each in results if each.status == "failed" and not each.is_excused
        )
        if self._progress:
            self._progress.show(results, done)
        drop_property(report, "law")

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport, sched: Any) -> None:
        """If a worker was killed, run its law once more; the second time, the law fails."""
        if crashitem in self._crashed:
            report.user_properties.append(("law", asdict(_killed(crashitem))))
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
            if reporter and self._results:
                hide_interrupt(reporter)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Set the exit status, and write the reports, also of an interrupted run."""
        show_once(self._failures)
        stale = expected_failures.stale(self._expected, self._results)
        self._complaints = [
            *self._broken(),
            *self._not_judged(),
            *(f"expected to fail: {line}" for line in stale),
        ]
        if self._complaints and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if exitstatus == pytest.ExitCode.INTERRUPTED and not self._results:
            return
        if exitstatus in _WITH_A_REPORT and not session.config.option.collectonly:
            judged, run = judgements(self._results, self.left), replace(self._run, left=self.left)
            if self._folder:
                run = replace(run, pages=target_pages.pages(self._folder, judged, run))
            for path in self._reports:
                report.write(path, judged, run)
                self._written.append(str(path))
            if self._folder:
                self._written.append(
                    f"{target_pages.write(self._folder, judged, run)} pages in {self._folder}"
                )

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
    ) -> None:
        """Print the closing table, complaints and the paths of reports."""
        selected = shlex.join(option_words(config, "-k", "-m"))
        interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
        if interrupted and self._results:
            terminalreporter.write_line(self._interrupted, red=True)
            if self._many:
                return
        if self._results:
            terminalreporter.section("laws")
            width = shutil.get_terminal_size().columns
            terminalreporter.write(render(self._results, width, in_full=not self._many, left=self.left))
        elif exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            terminalreporter.write_line(f"no law ran: none is selected by {selected or 'this command'}")
            if keyword := config.option.keyword:
                hint = closest(keyword, [*CONTRACTS, *(law.name.replace(" ", "_") for law in all_laws())])
                terminalreporter.write_line(
                    f"-k takes names of functions and laws, such as lstm_forward or each_step{hint}"
                )
        if selected and self._results:
            terminalreporter.write_line(f"the verdicts are only about the laws that {selected} selects")
        for complaint in self._complaints:
            terminalreporter.write_line(printable(complaint), red=True)
        if self._many and not self._reports:
            terminalreporter.write_line("to see each failure: --report FILE.html, or --tb=short")
        for path in self._written if not interrupted else ():
            terminalreporter.write_line(f"report: {path}")

    @property
    def _interrupted(self) -> str:
        """How many targets an interrupted run has judged, and its reports."""
        done = len(self._targets) - len(self.left)
        told = [f"interrupted: {done} of {len(self._targets)} judged completely"]
        if self._written:
            told.append(f"written: {', '.join(self._written)}")
        return "; ".join(told)

    @property
    def left(self) -> list[str]:
        """The targets that are not judged completely."""
        return self._gathered.left

    @property
    def _results(self) -> list[LawResult]:
        return self._gathered.results

    @property
    def _many(self) -> bool:
        return len(self._targets) > IN_FULL

    def _broken(self) -> list[str]:
        """A line for each law in which the harness broke."""
        return [
            f"the harness broke, please report it: no verdict by {result.law!r} on "
            f"{' of '.join(filter(None, (result.function, result.implementation)))}"
            for result in self._results
            if result.ours
        ]

    def _not_judged(self) -> list[str]:
        """A line for each selected function that is missing, unless a failure says so.

        In a complete run, the law `PROVIDED` fails. A run of some laws would pass, since it skips all of
        them.
        """
        failed = {(r.implementation, r.function) for r in self._results if r.status == "failed"}
        excused = [entry for entry in self._expected if entry.law == PROVIDED]
        lines = [
            f"{result.function} was selected, but is not judged: {result.message}"
            if result.usable
            else f"not judged: {result.message}"
            for result in self._results
            if result.status == "skipped"
            and not result.declared
            and not (result.unfinished and CONTRACTS[result.function].is_backward)
            and not {(result.implementation, ""), (result.implementation, result.function)} & failed
            and not any(entry.covers(result.implementation, PROVIDED, result.function) for entry in excused)
        ]
        return list(dict.fromkeys(lines))


def _killed(nodeid: str) -> LawResult:
    """The failure of a law whose worker was killed twice."""
    name = law_in(nodeid)
    return LawResult(
        implementation=implementation_in(nodeid),
        law=name,
        grade=next((law.grade for law in all_laws() if law.name == name), "spec"),
        function=function_in(nodeid),
        status="failed",
        seconds=0.0,
        message="the process of pytest-xdist that ran this law was killed, and killed again in a second run",
    )
