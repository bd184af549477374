"""Searches that `test_apart` has run in another process, which finds our modules alone."""

import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

Asked = Sequence[Callable[..., Any]]


def twice(asked: Asked, number: int) -> tuple[int, int, int]:
    """What the first that may be asked makes of a number, where the second runs, and where this does."""
    double, where = asked
    return double(double(number)), where(), os.getpid()


def failing(asked: Asked, reason: str) -> None:
    """Never finds anything."""
    asked[0]()
    raise ValueError(reason)


def killed(asked: Asked) -> None:
    """Ends as one that takes all memory does."""
    os.kill(os.getpid(), signal.SIGKILL)


def finding(asked: Asked) -> Any:
    """Finds what cannot be sent."""
    return lambda: asked
