"""Fuzzing: all laws take turns until the time is up, or until Ctrl-C.

Each process that runs laws makes every run of a test a turn (`Turns`). In one turn of three Hypothesis
searches, in the others it draws every problem independently. In the controlling process, a `Campaign` adds up
the turns and schedules the next ones. Other plugins of pytest see one report for each law.
"""

import time
from collections import Counter
from typing import cast

import pytest

from properties.fuzz.campaign import Campaign
from properties.fuzz.clock import Clock, duration
from properties.internals.of_pytest import run_quietly
from properties.reports.test_ids import function_in
from properties.session.fixtures import TURN
from properties.trials.law import FORWARDS

PROFILE = "fuzz"

LONGEST = 4.0
SHORTER = LONGEST / 8
SHORTEST = LONGEST / 32
"""Seconds of a turn. Complete laws on sequences, which find most mistakes, have the longest turns; other laws
that measure errors of sequences have shorter turns; all others, and the first turn of each law, have the
shortest.
"""


def pytest_configure(config: pytest.Config) -> None:
    """Prepare to fuzz if `--fuzz-for` is given. Raises `pytest.UsageError` for options that exclude it."""
    if config.getoption("--fuzz-for") is None:
        return
    if config.getoption("hypothesis_profile") not in (None, PROFILE):
        raise pytest.UsageError(
            f"--fuzz-for uses --hypothesis-profile={PROFILE}; leave out any other profile"
        )
    for option in ("--reproduce", "--hypothesis-seed", "--resume"):
        if config.getoption(option) is not None:
            raise pytest.UsageError(f"--fuzz-for draws new problems all the time; leave out {option}")
    try:
        clock = Clock(duration(config.getoption("--fuzz-for")))
    except ValueError as error:
        raise pytest.UsageError(f"--fuzz-for {error}") from None
    config.option.hypothesis_profile = PROFILE
    config.pluginmanager.register(clock)
    config.pluginmanager.register(Turns(clock))
    if not hasattr(config, "workerinput"):  # not in a worker of pytest-xdist
        config.pluginmanager.register(Campaign(config, clock))


class Turns:
    """Makes each run of a test a turn, with a report of this turn alone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._taken: Counter[str] = Counter()
        self._measuring: set[str] = set()
        self._allowed = SHORTEST

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Function) -> None:
        """Set the time limit of the turn."""
        turn = self._clock.turn = item.stash.get(TURN, None)
        if turn:
            turn.independent = self._taken[item.nodeid] % 3 > 0
            self._taken[item.nodeid] += 1
            seconds = SHORTEST
            if item.nodeid in self._measuring and function_in(item.nodeid) in FORWARDS:
                seconds = LONGEST if turn.law.complete else SHORTER
            self._allowed = min(seconds, self._clock.left)
            turn.end = time.monotonic() + self._allowed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Function, nextitem: pytest.Item | None) -> bool:
        """Run a test if there is time left. The report of a law that holds says `"turn"`: more may follow.

        The time to shrink and explain a failure does not count, so that it leaves turns to the other laws.
        """
        if not self._clock.left:
            return True
        # pytest keeps shared fixtures for the next test, which must be another one: its parent stands for it.
        after = cast(pytest.Item, item.parent) if nextitem is item else nextitem
        start = time.monotonic()
        reports = run_quietly(item, after)
        if any(report.failed for report in reports):
            self._clock.extend(max(0.0, time.monotonic() - start - self._allowed))
        turn = item.stash.get(TURN, None)
        if turn:
            call = next((report for report in reports if report.when == "call"), reports[0])
            call.user_properties.append(("visited", dict(turn.visited)))
            if turn.tally.worst_ratio:
                self._measuring.add(item.nodeid)
            if all(report.passed for report in reports):
                properties = call.user_properties
                call.user_properties = [
                    ("turn" if name == "law" else name, value) for name, value in properties
                ]
                reports = [call]
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        return True
