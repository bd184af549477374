"""A fuzzing campaign: adds up the results of all turns, and schedules the next turns."""

import shutil
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import pairwise
from typing import Any

import pytest

from oracle.problem import Problem
from properties.fuzz.clock import Clock
from properties.internals.of_pytest import drop_uncategorized
from properties.internals.of_xdist import round_scheduler
from properties.reports.results import LawResult, printable
from properties.trials.retries import too_slow
from properties.turns.coverage_map import render

PERIOD = 30.0
"""Seconds between two lines of progress, if the output is not a terminal."""


class Campaign:
    """Adds up the turns, shows the progress, and schedules the next turns."""

    def __init__(self, config: pytest.Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._reports: dict[str, pytest.TestReport] = {}
        self._results: dict[str, LawResult] = {}
        self._done: set[str] = set()
        self._failed: set[str] = set()
        self._visited: Counter[str] = Counter()
        self._shown_at = 0.0
        self._left_out = 0
        self._over = False

    def due(self, nodeids: Sequence[str], before: Sequence[int] = ()) -> list[int]:
        """The tests to run next: the rest of a round, or all that have not failed; none if the time is up."""
        if not self._clock.left:
            return []
        return [*before] or [i for i, nodeid in enumerate(nodeids) if nodeid not in self._done]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run the tests in rounds; pytest itself would run each test once."""
        if session.config.option.collectonly or session.testsfailed or not session.items:
            return None  # with pytest-xdist, the workers have the items
        for item, nextitem in pairwise(self._in_rounds(session.items)):
            if item and item.nodeid not in self._done:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
        return True

    def _in_rounds(self, items: Sequence[pytest.Item]) -> Iterator[pytest.Item | None]:
        nodeids = [item.nodeid for item in items]
        while due := self.due(nodeids):
            yield from (items[i] for i in due)
        yield None

    def begin(self) -> None:
        """Restart the clock when the workers are ready."""
        self._clock.start()

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Schedule the rounds of the workers of pytest-xdist."""
        return round_scheduler(config, log, self.begin, self.due)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None]:
        """Add up a turn. Other plugins see one report for each law, with the sum of its turns."""
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        self._erase(reporter)
        if report.failed and report.nodeid in self._failed:  # another worker has found it, too
            report.outcome, report.longrepr, report.user_properties = "passed", None, [("turn", {})]
        self._add(report)
        line = _one_line(report) if report.failed else ""
        yield
        drop_uncategorized(reporter)
        if line:
            self._failed.add(report.nodeid)
            reporter.write_line(printable(line), red=True)
        self._show(reporter)

    def _add(self, report: pytest.TestReport) -> None:
        given: dict[str, Any] = dict(report.user_properties)
        self._visited.update(given.get("visited", {}))
        if report.nodeid in self._done:
            return
        if came := given.get("turn", given.get("law")):
            result, earlier = LawResult.read(came), self._results.get(report.nodeid)
            self._results[report.nodeid] = _summed(earlier, result) if earlier else result
        if "turn" in given:
            self._reports[report.nodeid] = report
        elif report.when == "call" or not report.passed:
            self._end(report)

    def _end(self, report: pytest.TestReport) -> None:
        """Make this the only report of a test, with the sum of its turns."""
        self._done.add(report.nodeid)
        if report.nodeid in self._results:
            law = ("law", asdict(self._results[report.nodeid]))
            kept = [(name, value) for name, value in report.user_properties if name == "warnings"]
            report.user_properties = [law, *kept]

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport | pytest.CollectReport
    ) -> Generator[None, Any, Any]:
        """Print nothing for a test before the end, and do not count turns."""
        category, _, word = yield
        is_turn = isinstance(report, pytest.TestReport) and "turn" in dict(report.user_properties)
        return "" if is_turn else category, "", word if self._over else ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Report the laws that have not failed."""
        for nodeid, report in self._reports.items():
            result = self._results[nodeid]
            if nodeid not in self._done and (result.problems or result.says_nothing):
                if result.says_nothing:
                    self._results[nodeid] = _skipped(result, report)
                self._end(report)
                self._config.hook.pytest_runtest_logreport(report=report)
        self._left_out = session.testscollected - len(self._done)
        self._over = True

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the totals and the map of problems."""
        if self._visited:
            terminalreporter.section("fuzzing")
            terminalreporter.write_line(self._state())
            terminalreporter.write(render(self._visited, width=shutil.get_terminal_size().columns))
        if self._left_out > 0:
            short = "the run was too short; the verdicts do not include them"
            terminalreporter.write_line(f"{self._left_out} tests had no turn: {short}", red=True)

    def _erase(self, reporter: pytest.TerminalReporter) -> None:
        if reporter.isatty:
            reporter.rewrite("", erase=True)
            reporter.rewrite("")

    def _show(self, reporter: pytest.TerminalReporter) -> None:
        if not self._clock.left:
            return
        if reporter.isatty:
            reporter.rewrite(self._state()[: shutil.get_terminal_size().columns - 1])
        elif self._clock.elapsed >= self._shown_at + PERIOD:
            reporter.write_line(self._state())
            self._shown_at = self._clock.elapsed
        reporter.flush()

    def _state(self) -> str:
        """The time, the numbers of failed laws and of problems, and the worst error, in one line."""
        elapsed = self._clock.elapsed
        results = self._results.values()
        problems = sum(result.problems for result in results)
        worst = max(results, key=lambda result: result.worst_ratio, default=None)
        facts = [
            f"{len(self._failed)} failed",
            f"{problems:,} problems",
            f"{problems / max(elapsed, 1e-9):.0f}/s",
        ]
        if worst and worst.worst_ratio:
            facts.append(f"worst error {worst.worst_ratio:.2f} of its bound ({worst.law}, {worst.function})")
        return f"{_clock_time(elapsed)}: {', '.join(facts)}"


def _skipped(result: LawResult, report: pytest.TestReport) -> LawResult:
    """The result of a law whose problems were all left out; its report becomes that of a skipped test."""
    why = str(too_slow(Problem.parse(result.late))) if result.late else ", ".join(result.notes)
    report.outcome, report.longrepr = "skipped", (report.nodeid, 0, f"Skipped: {why}")
    return replace(result, status="skipped", message=why)


def _summed(earlier: LawResult, later: LawResult) -> LawResult:
    """The sum of the results of a law in several turns."""
    worst = max(earlier, later, key=lambda result: result.worst_ratio)
    counts = ("problems", "not_meaningful", "too_slow", "not_asked")
    return replace(
        later,
        **{name: getattr(earlier, name) + getattr(later, name) for name in counts},
        seconds=round(earlier.seconds + later.seconds, 3),
        late=later.late or earlier.late,
        worst_ratio=worst.worst_ratio,
        worst_problem=worst.worst_problem,
        notes=dict(Counter(earlier.notes) + Counter(later.notes)),
    )


def _one_line(report: pytest.TestReport) -> str:
    """A failure in one line. Pytest prints the whole message at the end."""
    for result in LawResult.reported(report.user_properties):
        what = f"{result.function} of {result.implementation}" if result.function else result.implementation
        return f"failed: {result.law}, {what}, {result.counterexample or result.message.split(chr(10))[0]}"
    return f"failed: {report.nodeid}, in its {report.when}"


def _clock_time(seconds: float) -> str:
    """A time such as `1h 02m 03s`."""
    hours, minutes = divmod(int(seconds) // 60, 60)
    return (f"{hours}h " if hours else "") + f"{minutes:02}m {int(seconds) % 60:02}s"
