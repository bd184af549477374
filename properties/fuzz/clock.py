"""The time of a fuzzing run, which also ends at Ctrl-C."""

import math
import re
import signal
import time
from collections.abc import Generator

import pytest

from properties.turns.turn import Turn

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> float:
    """The seconds of a text such as `90s`, `10m`, `4h` or `2d`. Raises `ValueError` for another text."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not match or not float(match[1]):
        raise ValueError(f"{text!r} is not a duration such as 90s, 10m, 4h or 2d")
    return float(match[1]) * _UNITS[match[2]]


class Clock:
    """A timer. The first Ctrl-C stops it, and the second interrupts the run."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.turn: Turn | None = None
        self._start = self._end = time.monotonic()
        self._finish = math.inf
        self._stopped = False

    def start(self) -> None:
        """Restart the timer, unless it was stopped."""
        self._start = time.monotonic()
        self._end = self._start + (0 if self._stopped else self.seconds)

    def extend(self, seconds: float) -> None:
        """Add time, unless the timer was stopped."""
        self._end += 0 if self._stopped else seconds

    def stop(self) -> None:
        """Stop the timer and the current turn."""
        self._stopped = True
        self._end = time.monotonic()
        if self.turn:
            self.turn.stop()

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return max(0.0, self._end - time.monotonic())

    @property
    def elapsed(self) -> float:
        """The seconds since the start, up to the end of the run."""
        return min(time.monotonic(), self._finish) - self._start

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Start the timer, and stop it at Ctrl-C."""
        self.start()
        before = signal.getsignal(signal.SIGINT)

        def interrupt(number: int, frame: object) -> None:
            signal.signal(signal.SIGINT, before)
            self.stop()

        signal.signal(signal.SIGINT, interrupt)
        try:
            return (yield)
        finally:
            signal.signal(signal.SIGINT, before)
            self._finish = time.monotonic()
