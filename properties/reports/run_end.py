"""Ends a run: the messages of failures, the closing table, the reports, and the exit status."""

import shlex
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from properties.internals import pytest_internals
from properties.laws import all_laws
from properties.reports.closing_table import messages, render
from properties.reports.collected_results import CollectedResults, killed_law_result
from properties.reports.expected_failures import ExpectedFailure, stale_entries
from properties.reports.fuzzing_progress import FuzzingProgress
from properties.reports.judgement import judgements
from properties.reports.report import Reports
from properties.reports.results import LawResult, encodable, printable
from properties.reports.run import FEW_TARGETS, Run
from properties.reports.targets_progress import TargetsProgress
from properties.trials.provided_functions import PROVIDED
from properties.worker.targets import closest
from reference.contract import CONTRACTS

_ERRORS = (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR)
"""The exit statuses of runs that write no reports."""
_NOTHING_RAN = pytest.ExitCode.NO_TESTS_COLLECTED


@dataclass(eq=False)
class RunEnd:
    """Collects the results of all processes, and writes the reports at the end.

    `run` has what the reports need besides the results, and the judgements that are kept from an earlier run.
    After an interrupt, the command `to_go_on` is printed.
    """

    targets: Sequence[str]
    expected: Sequence[ExpectedFailure]
    reports: Reports
    run: Run
    to_go_on: str = ""
    fuzzing_seconds: float = 0.0
    _fuzzing: FuzzingProgress | None = None
    _progress: TargetsProgress | None = None
    _crashed: set[str] = field(default_factory=set)
    _complaints: Sequence[str] = ()
    _written: Sequence[str] = ()
    _is_interrupted: bool = False

    def __post_init__(self) -> None:
        self._has_many_targets = len(self.targets) > FEW_TARGETS
        self._collected = CollectedResults(self.targets)
        self._collected.keep(self.run.judgements)

    def pytest_configure(self, config: pytest.Config) -> None:
        """With many targets, print no failures unless the user sets pytest's options for them."""
        self._config = config
        if self._has_many_targets:
            if config.option.tbstyle == "auto":
                config.option.tbstyle = "no"
            if config.option.reportchars == "fE":
                config.option.reportchars = ""

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """With many targets, show the progress. That of fuzzing is shown when its tests are known."""
        plugins = session.config.pluginmanager
        reporter = plugins.getplugin("terminalreporter")
        shows_other_progress = self.fuzzing_seconds or session.config.get_verbosity() > 0
        if self._has_many_targets and reporter and not shows_other_progress:
            self._progress = TargetsProgress(
                reporter, [*map(encodable, self.targets)], len(self.run.judgements)
            )
            plugins.register(self._progress)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Store which tests will run."""
        self._expect([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Store which tests the workers of pytest-xdist will run."""
        self._expect(ids)

    def _expect(self, nodeids: Sequence[str]) -> None:
        of_laws = [each for each in nodeids if "properties/laws/" in each]  # others may name targets, too
        self._collected.expect(of_laws)
        if not self.fuzzing_seconds or self._fuzzing or not of_laws or self._config.option.collectonly:
            return
        plugins, directory = self._config.pluginmanager, self._config.invocation_params.dir
        if reporter := plugins.getplugin("terminalreporter"):
            self._fuzzing = FuzzingProgress(reporter, self.fuzzing_seconds, directory, of_laws)
            plugins.register(self._fuzzing)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the results in a report, and show the progress."""
        if self._fuzzing:
            self._show_fuzzing(self._fuzzing, report)
        results, judgements = self._collected.add(report.nodeid, report.user_properties)
        if self._progress:
            self._progress.show(results, judgements)
        if results:
            pytest_internals.hide_failure(report)
        pytest_internals.drop_property(report, "law")

    def _show_fuzzing(self, fuzzing: FuzzingProgress, report: pytest.TestReport) -> None:
        """Show the progress in a report, and print a failure at once. With `-x`, end all workers."""
        properties: Sequence[tuple[str, Any]] = report.user_properties
        for name, value in properties:
            if name == "fuzzing":
                fuzzing.update(value)
            elif name == "said":
                fuzzing.say(value)
            elif name == "found":
                nodeid, result = value
                options = self._config.option
                fuzzing.add_failure(nodeid, LawResult.from_dict(result), is_shown=options.tbstyle != "no")
                maxfail = options.maxfail or 0
                if 0 < maxfail <= len(fuzzing.found) and self._config.pluginmanager.hasplugin("dsession"):
                    self._collected.add(nodeid, [("law", result)])
                    pytest_internals.kill_workers(self._config)
                    raise pytest.Session.Failed(f"stopping after {maxfail} failures")

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport, sched: Any) -> None:
        """After a worker was killed, run its law again. If a worker is killed again, the law fails."""
        if crashitem in self._crashed:
            report.user_properties.append(("law", killed_law_result(crashitem).as_dict()))
            return
        self._crashed.add(crashitem)
        report.outcome = "rerun"  # type: ignore[assignment]  # a category that is not counted
        with suppress(NotImplementedError):  # some schedulers run it again by themselves
            sched.mark_test_pending(crashitem)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """End at once, without pytest's message, because the summary says that the run was interrupted."""
        if excinfo.errisinstance(KeyboardInterrupt):
            pytest_internals.kill_workers(self._config)
            excinfo.traceback = excinfo.traceback[-1:]  # pytest would print the arguments of every call
            reporter = self._config.pluginmanager.getplugin("terminalreporter")
            if reporter and self._collected.results:
                pytest_internals.hide_interrupt(reporter)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Set the exit status, and write the reports. An interrupted run has reports, too."""
        if self._fuzzing:
            self._fuzzing.end()
        results = self._collected.results
        self._complaints = complaints(results, self.expected)
        if exitstatus == pytest.ExitCode.OK or (exitstatus == _NOTHING_RAN and results):
            is_wrong = self._complaints or any(_is_unexpected(each) for each in results)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED if is_wrong else pytest.ExitCode.OK
        judged = judgements(results, self._collected.left_targets)
        self._run = replace(self.run, judgements=judged)
        is_empty = exitstatus == pytest.ExitCode.INTERRUPTED and not results
        if exitstatus not in _ERRORS and not is_empty and not session.config.option.collectonly:
            self._written = self.reports.write(self._run)
        self._is_interrupted = exitstatus == pytest.ExitCode.INTERRUPTED

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Print the last line of an interrupted run."""
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter and self.to_go_on and self._is_interrupted and self._written:
            reporter.write_line(f"to go on: {self.to_go_on}")

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
    ) -> None:
        """Print the failures, the closing table, the complaints and the paths of the reports."""
        write, results = terminalreporter.write_line, self._collected.results
        selected = shlex.join(pytest_internals.option_words(config, "-k", "-m"))
        interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
        done = len(self.targets) - len(self._run.left_targets)
        if self._has_many_targets and results:
            pytest_internals.show_total(terminalreporter, f"{done} targets judged")
        if config.option.tbstyle != "no":
            printed = [*self._fuzzing.found.values()] if self._fuzzing else []
            failed = [each for each in results if _is_unexpected(each) and each not in printed]
            for message in messages(failed):
                write(f"\n{message}")
        if interrupted and results:
            written = f"; written: {', '.join(self._written)}" if self._written else ""
            write(f"interrupted: {done} of {len(self.targets)} judged completely{written}", red=True)
            if self._has_many_targets:
                return
        if results:
            write("")
            terminalreporter.section("laws")
            terminalreporter.write(render(self._run, shutil.get_terminal_size().columns))
        elif exitstatus == _NOTHING_RAN:
            write(f"no law ran, because {selected or 'this command'} selects none")
            if keyword := config.option.keyword:
                names = [*CONTRACTS, *(law.name.replace(" ", "_") for law in all_laws())]
                hint = closest(keyword, names)
                write(f"-k takes names of functions and laws, such as lstm_forward or each_step{hint}")
        if selected and results:
            write(f"these verdicts are based only on the laws that {selected} selects")
        for complaint in self._complaints:
            write(printable(complaint), red=True)
        if self._has_many_targets and not self.reports.files:
            write("for each verdict and all mistakes: --report FILE.html; for failures here: --tb=short")
        for path in self._written if not interrupted else ():
            write(f"report: {path}")


def _is_unexpected(result: LawResult) -> bool:
    return result.status == "failed" and not result.excuse


def complaints(results: Sequence[LawResult], expected: Sequence[ExpectedFailure]) -> list[str]:
    """What makes a run fail besides failures: an error of ours, a missing function, a stale expectation."""
    lines = [
        f"the harness broke, please report it: no verdict by {result.law!r} on "
        f"{' of '.join(filter(None, (result.function, result.implementation)))}"
        for result in results
        if result.ours
    ]
    lines += dict.fromkeys(_missing_functions(results, expected))
    return lines + [f"expected to fail: {line}" for line in stale_entries(expected, results)]


def _missing_functions(results: Sequence[LawResult], expected: Sequence[ExpectedFailure]) -> Iterator[str]:
    """Yield a line for each selected function that is missing, unless the law `PROVIDED` ran, and failed."""
    failed = {(each.implementation, each.function) for each in results if each.status == "failed"}
    for result in results:
        target, function = result.implementation, result.function
        is_failed = {(target, ""), (target, function)} & failed
        is_excused = any(entry.covers(target, PROVIDED, function) for entry in expected)
        is_unfinished_backward = result.unfinished and CONTRACTS[function].is_backward
        if result.status == "skipped" and not (
            result.declared or is_failed or is_excused or is_unfinished_backward
        ):
            yield f"{f'{function} was selected, but is ' * result.usable}not judged: {result.message}"
