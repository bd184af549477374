"""Shows how far fuzzing has come: the time left, the problems, the failures, and the largest errors."""

import shutil
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from properties.failure_database.store import Store
from properties.internals.pytest_internals import ProgressPlugin
from properties.reports.closing_table import messages, short_name
from properties.reports.collected_results import case_in
from properties.reports.results import LawResult, printable
from properties.reports.run import shortened
from properties.turns.records import Records

SECONDS = 30.0
"""The seconds between two lines if the output is no terminal."""

MOST_FAILURES = 3
"""The most failures that the display lists. Their messages are printed above it."""


class FuzzingProgress(ProgressPlugin):
    """The progress of fuzzing in all processes. On a terminal, a display is updated in place."""

    def __init__(
        self, reporter: pytest.TerminalReporter, seconds: float, directory: Path, nodeids: Sequence[str]
    ) -> None:
        """Start to show the progress of these tests, and say what earlier runs have done."""
        super().__init__(reporter)
        self.found: dict[str, LawResult] = {}
        self._seconds = seconds
        self._records = records_of(directory, nodeids)
        self._start = self._shown = time.monotonic()
        self._before = problems, seconds_before = self._done()
        self._printed = 0
        self._bar = Progress(BarColumn(bar_width=None), TextColumn("{task.description}"), expand=True)
        self._time = self._bar.add_task("", total=seconds)
        self._live: Live | None = None
        if problems:
            failed = sum(1 for nodeid in nodeids if [*Store.below(directory, *case_in(nodeid))])
            done = f"{problems:,} problems in {duration(seconds_before)}"
            reporter.write_line(f"continuing: {done}, {failed} failure{'s' * (failed != 1)}")
        if reporter.isatty:
            width = min(shutil.get_terminal_size().columns, 100)
            console = Console(file=reporter._tw._file, width=width, force_terminal=True)
            self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False)
            self._live.start()

    def update(self, records: dict[str, Any]) -> None:
        """Take the new records of some laws, and show the progress."""
        self._records.update(records)
        if self._live:
            self._bar.update(self._time, completed=self._elapsed, description=self._left)
            self._live.update(Group(self._bar, Text("\n".join(self.lines()))), refresh=True)
        elif time.monotonic() >= self._shown + SECONDS:
            self._shown = time.monotonic()
            self._reporter.write_line(f"{self._left}: " + "\n".join(self._summary()))

    def add_failure(self, nodeid: str, result: LawResult, *, is_shown: bool = True) -> None:
        """Print the message of a failure, unless the message of another one shows the same mistake."""
        self.found[nodeid] = result
        if not is_shown:
            return
        count = sum(1 for _ in messages([*self.found.values()]))
        if count > self._printed:
            self._printed = count
            self.say(f"\n{result.message}\n")

    def say(self, text: str) -> None:
        """Print a text, above the display if there is one."""
        if self._live:
            self._live.console.print(Text(text), soft_wrap=True)
        else:
            self._reporter.write_line(text)

    def end(self) -> None:
        """Remove the display, and write the records."""
        if self._live:
            self._live.stop()
            self._live = None
        self._records.write()

    def lines(self) -> list[str]:
        """The lines of the display below the bar of the time."""
        return [*self._summary(), *self._failures()]

    def _done(self) -> tuple[int, float]:
        records = self._records.by_test.values()
        return sum(each.problems for each in records), sum(each.seconds for each in records)

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._start

    @property
    def _left(self) -> str:
        return f"{duration(max(self._seconds - self._elapsed, 0))} left"

    def _summary(self) -> Iterator[str]:
        problems, _ = self._done()
        rate = (problems - self._before[0]) / max(self._elapsed, 1e-9)
        asked = {nodeid: each for nodeid, each in self._records.by_test.items() if each.problems}
        functions = {case_in(nodeid).function for nodeid in asked}
        yield (
            f"{problems:,} problems ({rate:.0f}/s), {len(asked)} laws of {len(functions)} functions, "
            f"{len(self.found)} failed"
        )
        if not asked:
            return
        worst = max(asked, key=lambda nodeid: asked[nodeid].worst_ratio)
        _, law, function = case_in(worst)
        ratio = asked[worst].worst_ratio
        yield f"largest error: {ratio:.2f} of its bound ({law}, {short_name(function)})"
        n_worse = sum(1 for each in asked.values() if not each.idle)
        yield f"laws whose last turn raised their largest error: {n_worse}"

    def _failures(self) -> Iterator[str]:
        for result in [*self.found.values()][-MOST_FAILURES:]:
            where = f"  {result.law}, {short_name(result.function)}: "
            yield printable(where + shortened(result.counterexample, 79 - len(where)))


def duration(seconds: float) -> str:
    """A time in its two largest units: `"1h 02m"`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours:02}h"
    return f"{hours}h {minutes:02}m" if hours else f"{minutes}m {rest:02}s"


def records_of(directory: Path, nodeids: Sequence[str]) -> Records:
    """The stored records of these tests."""
    targets = {nodeid: case_in(nodeid).target for nodeid in nodeids}
    return Records(directory, targets, version("rnn-crosscheck"))
