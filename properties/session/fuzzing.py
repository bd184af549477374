"""Fuzzing: the laws share the time of `--fuzz-for`, each in one long turn."""

import re
import time

import pytest

from properties.session.collection import law_of
from properties.session.law_runs import TURN
from properties.trials.law import FORWARDS

PROFILE = "fuzz"

SHARE = 8
"""The share of a complete law on a sequence: any wrong number breaks such a law. Another law has 1."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def pytest_configure(config: pytest.Config) -> None:
    """Prepare to fuzz if `--fuzz-for` is given. Raises `pytest.UsageError` for options that exclude it."""
    if config.getoption("--fuzz-for") is None:
        return
    if config.getoption("hypothesis_profile") not in (None, PROFILE):
        raise pytest.UsageError(
            f"--fuzz-for uses --hypothesis-profile={PROFILE}; leave out any other profile"
        )
    for option in ("--reproduce", "--hypothesis-seed"):
        if config.getoption(option) is not None:
            raise pytest.UsageError(f"--fuzz-for draws new problems all the time; leave out {option}")
    try:
        seconds = duration(config.getoption("--fuzz-for"))
    except ValueError as error:
        raise pytest.UsageError(f"--fuzz-for {error}") from None
    config.option.hypothesis_profile = PROFILE
    if config.getoption("numprocesses", None):
        config.option.maxschedchunk = 1  # a worker that is free takes the next law
    config.pluginmanager.register(Shares(seconds))


def duration(text: str) -> float:
    """The seconds of a text such as `90s`, `10m`, `4h` or `2d`. Raises `ValueError` for another text."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not match or not float(match[1]):
        raise ValueError(f"{text!r} is not a duration such as 90s, 10m, 4h or 2d")
    return float(match[1]) * _UNITS[match[2]]


class Shares:
    """Limits the turn of each law to its share of the time of all workers."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._unit = 0.0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Divide the time among the laws that are selected."""
        workers = getattr(session.config, "workerinput", {"workercount": 1})["workercount"]
        self._unit = self._seconds * workers / max(sum(map(share, session.items)), 1)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Set the end of the turn."""
        if turn := item.stash.get(TURN, None):
            turn.end = time.monotonic() + self._unit * share(item)


def share(item: pytest.Item) -> int:
    """The share of a test; that of a test without a law is 0."""
    law = law_of(item)
    if not law or not isinstance(item, pytest.Function):
        return 0
    return SHARE if law.complete and item.callspec.params["function"] in FORWARDS else 1
