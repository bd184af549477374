"""How long to fuzz: durations, the clock, and interrupts."""

import os
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties.fuzz.clock import Clock, duration


@given(st.integers(1, 999), st.sampled_from(["s", "m", "h", "d"]))
def test_a_duration_is_a_number_and_a_unit(number: int, unit: str) -> None:
    assert duration(f"{number}{unit}") == number * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
    assert duration(f"0.5{unit}") == duration(f"1{unit}") / 2


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "0s", "5 m", "1h30m", "nanm", "1e3s", "5M"])
def test_what_is_no_duration_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as 90s, 10m, 4h or 2d"):
        duration(text)


def test_a_clock_that_was_stopped_does_not_start() -> None:
    clock = Clock(3600)
    clock.stop()
    clock.start()  # when the workers of pytest-xdist are ready
    assert clock.left == 0


def test_time_is_added_unless_the_clock_was_stopped() -> None:
    clock = Clock(0)
    clock.start()
    clock.extend(3600)
    assert clock.left > 3000
    clock.stop()
    clock.extend(3600)
    assert clock.left == 0


def test_the_first_interrupt_ends_the_time_and_leaves_the_second_to_others() -> None:
    interrupts = list[int]()
    before = signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))
    try:
        clock = Clock(3600)
        loop = clock.pytest_runtestloop()
        next(loop)
        assert 0 < clock.left <= 3600
        os.kill(os.getpid(), signal.SIGINT)
        assert clock.left == 0
        assert not interrupts
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupts == [signal.SIGINT]
        with pytest.raises(StopIteration):
            loop.send(True)
    finally:
        signal.signal(signal.SIGINT, before)
