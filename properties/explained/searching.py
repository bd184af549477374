"""The process that forks searches: it has imported what they need, and neither threads nor foreign code."""

import gc
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from properties.explained import locating  # noqa: F401 - what searches import, here once
from properties.explained.apart import READY


def main() -> None:
    """Serve who is at the other end of a line until it hangs up; the argument is its descriptor.

    A request is a search, how many things it may ask, and what else it is given. The search itself asks and
    answers, `("found", value)` or `("raised", reason)`; of one that was killed nothing is said but `None`.
    """
    line = Connection(int(sys.argv[1]))
    gc.freeze()  # a search that looks for garbage would copy all the memory that it shares with this
    line.send(READY)
    while True:
        try:
            request = line.recv()
        except EOFError:
            return
        process = os.fork()
        if not process:
            _become_a_search(line, *request)
        if os.waitpid(process, 0)[1]:
            line.send(None)


def _become_a_search(line: Connection, search: Callable[..., Any], count: int, given: Sequence[Any]) -> None:
    """Never returns."""
    try:
        asked = [partial(_ask, line, number) for number in range(count)]
        try:
            line.send(("found", search(asked, *given)))
        except Exception as error:
            line.send(("raised", repr(error)))
        os._exit(0)
    finally:
        os._exit(1)


def _ask(line: Connection, number: int, *arguments: Any) -> Any:
    line.send(("ask", number, arguments))
    return line.recv()
