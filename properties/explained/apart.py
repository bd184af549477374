"""A search in a process of its own, with which its memory goes; what it asks is asked in this one."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import Any

from properties.answered.start import ENVIRONMENT, FORKS
from properties.worker.ours import PREFIX

Asked = Callable[..., Any]
Search = Callable[..., Any]
"""Is called with what it may ask, and with what else it is given."""

IMPORTED = [f"{PREFIX}properties.explained.locating", "pytest"]
"""Once, by the process of which those of all searches are forked: it has no threads, and no torch."""


def apart(search: Search, asked: Sequence[Asked], *given: Any) -> Any:
    """What `search(asked, *given)` returns, or raises; `search`, `given` and all that passes can be pickled.

    What the search asks is called in this process, and what that raises ends the search. Where processes
    cannot be forked, nor be spoken to, all of it is done here. Raises `RuntimeError` where somebody has
    killed the process.
    """
    if not FORKS:
        return search(asked, *given)
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    process = context.Process(target=_search, args=(theirs, search, len(asked), given), daemon=True)
    with ours, theirs:
        try:
            with _environment():
                forkserver.set_forkserver_preload(IMPORTED)
                process.start()
        except OSError:
            return search(asked, *given)
        theirs.close()
        try:
            return _answer(ours, asked)
        except (EOFError, ConnectionError):
            raise RuntimeError("the process that looked for it was killed") from None
        finally:
            process.kill()
            process.join()


def _answer(line: Connection, asked: Sequence[Asked]) -> Any:
    """What is found by who asks at the other end of a line."""
    while True:
        match line.recv():
            case ("ask", number, arguments):
                line.send(asked[number](*arguments))
            case ("found", found):
                return found
            case ("raised", error):
                raise error


def _search(line: Connection, search: Search, count: int, given: Sequence[Any]) -> None:
    """In the other process: who interrupts the session ends it from there."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def ask(number: int, *arguments: Any) -> Any:
        line.send(("ask", number, arguments))
        return line.recv()

    try:
        found = search([partial(ask, number) for number in range(count)], *given)
    except EOFError:  # nobody is there any more
        return
    except Exception as error:
        line.send(("raised", error))
    else:
        line.send(("found", found))


@contextmanager
def _environment() -> Iterator[None]:
    """That of workers, with one thread each: who has more cannot be forked safely."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
