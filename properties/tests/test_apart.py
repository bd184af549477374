"""A search runs in a process of its own, and asks in this one."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from properties.answered.start import FORKS
from properties.explained.apart import apart


def twice(asked: Sequence[Callable[..., Any]], number: int) -> tuple[int, int, int]:
    """What the second that may be asked says, where that is asked and where this runs."""
    double, where = asked
    return double(double(number)), where(), os.getpid()


def failing(asked: Sequence[Callable[..., Any]], reason: str) -> None:
    """Never finds anything."""
    asked[0]()
    raise ValueError(reason)


def killed(asked: Sequence[Callable[..., Any]]) -> None:
    """Ends as one that takes all memory does."""
    os.kill(os.getpid(), signal.SIGKILL)


def interrupted(asked: Sequence[Callable[..., Any]]) -> int:
    """Goes on where the session is interrupted, which ends it."""
    os.kill(os.getpid(), signal.SIGINT)
    return int(asked[0]())


def double(number: int) -> int:
    return 2 * number


@pytest.mark.parametrize("forks", [True, False])
def test_what_a_search_asks_is_asked_here(forks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("properties.explained.apart.FORKS", forks and FORKS)
    doubled, asked_in, ran_in = apart(twice, [double, os.getpid], 3)
    assert (doubled, asked_in) == (12, os.getpid())
    assert (ran_in == os.getpid()) == (not (forks and FORKS))


def test_what_a_search_raises_is_raised_here() -> None:
    with pytest.raises(ValueError, match="nothing found"):
        apart(failing, [os.getpid], "nothing found")


@pytest.mark.skipif(not FORKS, reason="searches have no process of their own here")
def test_a_search_ends_with_what_it_asks_and_not_with_an_interrupt_of_its_own() -> None:
    def broken() -> None:
        raise KeyboardInterrupt

    assert apart(interrupted, [lambda: 5]) == 5
    with pytest.raises(KeyboardInterrupt):
        apart(failing, [broken], "")
    with pytest.raises(RuntimeError, match="was killed"):
        apart(killed, [])
    assert not multiprocessing.active_children()
