"""A worker process, seen from the judge: spoken to with a deadline, ended with everything it started."""

import math
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import ClassVar

from properties.implementations.process_start import Started, start
from properties.implementations.stderr_tail import LastWords
from properties.worker.codec import CodecError
from properties.worker.messages import (
    LOST_CONNECTION,
    OUT_OF_MEMORY,
    WHERE_ARE_YOU,
    Message,
    Receiver,
    numbered,
)
from properties.worker.source_lines import Frame, lasting, place

UNREADABLE = "sent an answer that cannot be read"

_CLOSING = 1.0
"""Seconds in which a process that has hung up should have ended."""
_TELLING = 0.5
"""Seconds in which a process that hangs should say where it is, so many times."""
SAMPLES = 3
_SIGNALS = {number.value: number.name for number in signal.Signals}
_FRAME = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.MULTILINE)
_STACK = "(most recent call first):"
"""How the line before the frames of a stack ends."""
_FRAMES_SHOWN = 100
"""Where a crash report ends; who is deeper than that has recursed until the stack overflowed."""


@dataclass(frozen=True)
class Died:
    """A request ended the process; `reason` is what the process did: `"exited with status 3"`.

    Its `last_words` are the last lines that it wrote to its standard error. One that `hung` was `at` that
    place of the target when time was over.
    """

    reason: str
    hung: bool = field(default=False, compare=False)
    last_words: str = field(default="", compare=False)
    at: str = field(default="", compare=False)
    digest: ClassVar[bytes] = b""


class Process:
    """A running worker.

    Everything that it holds (the process, those that it has forked into its group, three file descriptors)
    goes with `end`, at the latest when the object does. None of the last answers `took` more seconds.
    """

    def __init__(self, directory: Path, memory_limit: int, python: str = sys.executable) -> None:
        self._memory_limit = memory_limit
        self._serial = 0
        self.took = 0.0
        with ExitStack() as held:
            self._crash_report = held.enter_context(TemporaryFile())
            self._socket, theirs = socket.socketpair()
            held.enter_context(self._socket)
            reader, writer = os.pipe()
            self._last_words = LastWords(held.enter_context(open(reader, "rb", buffering=0)))
            with theirs, open(writer, "wb", buffering=0) as errors:
                self._process = start(
                    python,
                    directory,
                    memory_limit,
                    theirs.fileno(),
                    self._crash_report.fileno(),
                    errors.fileno(),
                )
            held.callback(self._process.wait)
            held.callback(kill_all, self._process)
            self._socket.setblocking(False)
            self._poll = select.poll()
            self._poll.register(self._last_words, select.POLLIN)
            self.end = weakref.finalize(self, held.pop_all().close)

    @property
    def is_alive(self) -> bool:
        """Whether `end` has not been called, by whom ever; a worker that has just died counts as alive."""
        return bool(self.end.alive)

    def ask(self, bodies: Sequence[bytes], *, time_limit: float, folder: str) -> list[Message | Died]:
        """The answers to requests, each with a time limit; they are sent on while the first are answered.

        Where the process ends, the last is why. `folder` is where the target's own code is.
        """
        first = self._serial + 1
        self._serial += len(bodies)
        patience = math.ceil(2 * time_limit + 1)
        messages = [numbered(number, body, patience) for number, body in enumerate(bodies, first)]
        unsent = memoryview(b"".join(messages))
        received: list[Message | Died] = []
        self.took = 0.0
        self._last_words.forget()

        def read(size: int) -> bytes:
            nonlocal unsent
            while self._wait(deadline, to_send=bool(unsent)) == select.POLLOUT:
                with suppress(BlockingIOError):
                    unsent = unsent[self._socket.send(unsent) :]
            return self._socket.recv(size)

        receiver = Receiver(read)
        start = time.monotonic()
        try:
            while len(received) < len(bodies):
                deadline = start + time_limit
                message = receiver.receive()
                if message.serial != first + len(received):
                    raise CodecError("the answer to another request")
                received.append(message)
                end = time.monotonic()
                self.took, start = max(self.took, end - start), end
            if receiver.is_ahead:
                received.pop()
                raise CodecError("more answers than requests")
            return received
        except TimeoutError:
            at = lasting(self._where_it_is(), folder)
            death = Died(f"did not answer within {time_limit:g} s", hung=True, at=at)
        except (EOFError, OSError):
            death = Died(self._cause_of_death(folder))
        except CodecError:
            death = Died(UNREADABLE)
        except BaseException:  # whatever interrupts us, the worker would be out of step
            self.end()
            raise
        self._last_words.listen()
        self.end()
        return [*received, replace(death, last_words=str(self._last_words))]

    def _wait(self, deadline: float, *, to_send: bool) -> int:
        """What `poll` says of the socket when there is something to receive, or room for what is to be sent.

        Raises `TimeoutError` at the deadline.
        """
        self._poll.register(self._socket, select.POLLIN | (select.POLLOUT if to_send else 0))
        while True:
            left = max(deadline - time.monotonic(), 0)
            ready = dict(self._poll.poll(1000 * left))
            if self._last_words.fileno() in ready and not self._last_words.listen():
                self._poll.unregister(self._last_words)
            if self._socket.fileno() in ready:
                return ready[self._socket.fileno()]
            if not left:
                raise TimeoutError

    def _cause_of_death(self, folder: str) -> str:
        try:
            status = self._process.wait(_CLOSING)
        except subprocess.TimeoutExpired:
            status = LOST_CONNECTION
        if status == LOST_CONNECTION:
            return "closed the connection that its answer goes through"
        if status == OUT_OF_MEMORY:
            return f"used more than {self._memory_limit / 2**30:.3g} GiB of memory"
        if status >= 0:
            return f"exited with status {status}"
        frames = [frame for stack in self._stacks() for frame in stack]
        if len(frames) >= _FRAMES_SHOWN:
            return "recursed until the stack overflowed"
        where = place(frames, folder)
        return f"was killed by {_SIGNALS.get(-status, f'signal {-status}')}" + (
            f" ({where})" if where else ""
        )

    def _where_it_is(self) -> list[list[Frame]]:
        """The stacks of a process that does not answer, innermost frames first, of those that it tells."""
        for number in range(1, SAMPLES + 1):
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, WHERE_ARE_YOU)
            end = time.monotonic() + _TELLING / SAMPLES
            while time.monotonic() < end and len(self._stacks()) < number:
                time.sleep(_TELLING / 50)
            time.sleep(_TELLING / 10)  # for the whole of a stack, and to come to another place
        return self._stacks()

    def _stacks(self) -> list[list[Frame]]:
        """What the process has written of where it was, each time when it was asked, or when it died."""
        # Which is read without a move: the process writes on from where the file stands.
        report = os.pread(self._crash_report.fileno(), 2**16, 0).decode(errors="replace")
        return [
            [(file, int(line), function) for file, line, function in _FRAME.findall(stack)]
            for stack in report.split(_STACK)[1:]
        ]


def kill_all(process: Started) -> None:
    """Kill a process and those that it has forked into its group, of which it may not be the leader yet."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except PermissionError:  # all of it has ended
        pass
    except ProcessLookupError:
        try:
            process.wait(0)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
