"""The judge's side of a worker process: sends requests, enforces time limits, and ends the process."""

import math
import os
import re
import signal
import socket
import subprocess
import time
import weakref
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from hashlib import sha256
from tempfile import TemporaryFile
from typing import IO

from oracle.processes.codec import CodecError, encode
from oracle.processes.posix import POLLIN, POLLOUT, poll, pread
from properties.implementations.calls import MOST_HELD, UNREADABLE, Died
from properties.implementations.process_end import WORKERS, end_with_descendants
from properties.implementations.process_start import ForkServer, Settings, start_worker
from properties.worker.errors import Frame, first_place, place_of_hang
from properties.worker.messages import (
    DUMP_STACK,
    INTERRUPT,
    LOST_CONNECTION,
    OUT_OF_MEMORY,
    Receiver,
    message,
)

STDERR_LINES = 5
STDERR_BYTES = 2**11
"""The most lines and bytes that are kept of the standard error of a process."""
_PIPE_BYTES = 2**16
"""The most bytes of one read from a pipe, because a process may write without end."""
_EXIT_SECONDS = 1.0
"""The time that a process has to exit after it has closed its connection."""
MOST_INTERRUPTS = 5
"""How many statements of a target are interrupted in an import, before the process is killed."""
_INTERRUPT_SECONDS = 0.5
"""The time that a process has after an interrupt."""
_STACK_SAMPLES = 3
"""The number of stacks that are read from a process that hangs."""
_SAMPLING_SECONDS = 0.5
"""The time that a process has to write all these stacks."""
_SIGNALS = {number.value: number.name for number in signal.Signals}
_FRAME = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.MULTILINE)
_STACK_HEADER = "(most recent call first):"
"""The end of the line before the frames of a stack."""
_MOST_FRAMES = 100
"""The most frames that `faulthandler` writes. A stack with so many frames has overflowed by recursion."""


class StderrTail:
    """The last lines that a process wrote to its standard error.

    The pipe is read while the process runs, because a process that writes to a full pipe blocks.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        os.set_blocking(pipe.fileno(), False)
        self._pipe = pipe
        self._tail = b""

    def fileno(self) -> int:
        """The file descriptor to poll."""
        return self._pipe.fileno()

    def read(self) -> bool:
        """Read what is available. Returns false at the end of the pipe."""
        chunk = self._pipe.read(_PIPE_BYTES)
        self._tail = (self._tail + (chunk or b""))[-STDERR_BYTES:]
        return chunk != b""

    def clear(self) -> None:
        """Drop what was written so far."""
        self.read()
        self._tail = b""

    def __str__(self) -> str:
        lines = [line.rstrip() for line in self._tail.decode(errors="replace").splitlines()]
        return "\n".join([line for line in lines if line][-STDERR_LINES:])


class Process:
    """A running worker. With a `template`, it is a fork of a process that has loaded the target.

    `end` kills the process and its process group, and closes the file descriptors. It is also called when
    this object is deleted. `seconds` has the time of each of the last answers. Raises `OSError` if the
    template has ended.
    """

    def __init__(self, settings: Settings, template: ForkServer | None = None) -> None:
        self._memory_limit = settings.memory_limit
        self._serial = 0
        self.seconds: list[float] = []
        with ExitStack() as resources:
            self._crash_report = resources.enter_context(TemporaryFile())
            self._socket, other_end = socket.socketpair()
            resources.enter_context(self._socket)
            reader, writer = os.pipe()
            self._stderr = StderrTail(resources.enter_context(open(reader, "rb", buffering=0)))
            with other_end, open(writer, "wb", buffering=0) as errors:
                descriptors = other_end.fileno(), self._crash_report.fileno(), errors.fileno()
                self._process = start_worker(settings, template, *descriptors)
            WORKERS.add(self._process.pid)
            resources.callback(end_with_descendants, self._process)
            self._socket.setblocking(False)
            self._poll = poll()
            self._poll.register(self._stderr, POLLIN)
            self.end = weakref.finalize(self, resources.pop_all().close)

    def as_fork_server(self, time_limit: float) -> ForkServer | None:
        """Turn the worker into a fork server, which answers no other requests. `None` if forks are unsafe."""
        (answer,) = self.ask([encode(("fork",))], time_limit=time_limit, folder="")
        if isinstance(answer, Died) or bytes(answer) != encode(("forks",)):
            return None
        return ForkServer(self._socket, self._process)

    def ask(
        self, bodies: Sequence[bytes], *, time_limit: float, folder: str, interrupts: int = 0, why: str = ""
    ) -> list[bytearray | bytes | Died]:
        """Send all encoded requests at once, and return the encoded answers.

        Each answer may take `time_limit` seconds. Then the process is interrupted as often as `interrupts`
        says, and killed; `why` says why it had this limit. If the process ends, the last answer is a `Died`.
        Of the answers beyond `MOST_HELD` bytes there are only the digests, as bytes. `folder` is the folder
        of the target's code.
        """
        first = self._serial + 1
        self._serial += len(bodies)
        most_seconds = time_limit + interrupts * _INTERRUPT_SECONDS
        worker_limit = math.ceil(2 * most_seconds + 1)  # then the worker ends itself, if the judge was killed
        messages = [message(number, body, worker_limit) for number, body in enumerate(bodies, first)]
        unsent = memoryview(b"".join(messages))
        received: list[bytearray | bytes | Died] = []
        size = 0
        self.seconds = []
        self._stderr.clear()

        def read(size: int) -> bytes:
            nonlocal unsent
            while self._wait(deadline, to_send=bool(unsent)) == POLLOUT:
                with suppress(BlockingIOError):
                    unsent = unsent[self._socket.send(unsent) :]
            return self._socket.recv(size)

        receiver = Receiver(read)
        start = time.monotonic()
        try:
            deadline = start + time_limit
            while len(received) < len(bodies):
                try:
                    serial, _, body = receiver.receive()
                except TimeoutError:
                    if not interrupts:
                        raise
                    interrupts -= 1
                    deadline += _INTERRUPT_SECONDS
                    os.kill(self._process.pid, INTERRUPT)
                    continue
                if serial != first + len(received):
                    raise CodecError("the answer to another request")
                size += len(body)
                received.append(body if size <= MOST_HELD or not received else sha256(body).digest())
                end = time.monotonic()
                self.seconds.append(end - start)
                start = end
                deadline = end + time_limit
            return received
        except TimeoutError:
            at = place_of_hang(self._sampled_stacks(), folder)
            death = Died(f"did not answer within {time_limit:g} s{why}", hung=True, at=at)
        except (EOFError, OSError):
            try:
                death = Died(self._cause_of_death(folder))
            except TimeoutError:
                death = Died("stopped the process that has forked it", hung=True)
        except CodecError:
            death = Died(UNREADABLE)
        except BaseException:  # an interrupt: later requests would read the answers to these
            self.end()
            raise
        self._stderr.read()
        self.end()
        return [*received, replace(death, stderr=str(self._stderr))]

    def _wait(self, deadline: float, *, to_send: bool) -> int:
        """Wait until the socket can be read, or with `to_send` also written, and return the poll event.

        Raises `TimeoutError` at the deadline.
        """
        self._poll.register(self._socket, POLLIN | (POLLOUT if to_send else 0))
        while True:
            left = max(deadline - time.monotonic(), 0)
            ready = dict(self._poll.poll(1000 * left))
            if self._stderr.fileno() in ready and not self._stderr.read():
                self._poll.unregister(self._stderr)
            if self._socket.fileno() in ready:
                return ready[self._socket.fileno()]
            if not left:
                raise TimeoutError

    def _cause_of_death(self, folder: str) -> str:
        """Say why the process has ended. Raises `TimeoutError` if nobody can say it."""
        try:
            status = self._process.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            status = LOST_CONNECTION
        if status == LOST_CONNECTION:
            return "closed the connection that its answer goes through"
        if status == OUT_OF_MEMORY:
            return f"used more than {self._memory_limit / 2**30:.3g} GiB of memory"
        if status >= 0:
            return f"exited with status {status}"
        frames = [frame for stack in self._stacks() for frame in stack]
        if len(frames) >= _MOST_FRAMES:
            return "recursed until the stack overflowed"
        where = first_place(frames, folder)
        name = _SIGNALS.get(-status, f"signal {-status}")
        return f"was killed by {name} ({where})" if where else f"was killed by {name}"

    def _sampled_stacks(self) -> list[list[Frame]]:
        """Let a process that does not answer write its stack several times, and return the stacks."""
        for number in range(1, _STACK_SAMPLES + 1):
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, DUMP_STACK)
            end = time.monotonic() + _SAMPLING_SECONDS / _STACK_SAMPLES
            while time.monotonic() < end and len(self._stacks()) < number:
                time.sleep(_SAMPLING_SECONDS / 50)
            time.sleep(_SAMPLING_SECONDS / 10)  # until the stack is complete, and the process has moved on
        return self._stacks()

    def _stacks(self) -> list[list[Frame]]:
        """The stacks that the process has written, on a signal or in a crash; innermost frames first."""
        # `pread` does not move the position in the file, which the process shares.
        report = pread(self._crash_report.fileno(), 2**16, 0).decode(errors="replace")
        return [
            [(file, int(line), function) for file, line, function in _FRAME.findall(stack)]
            for stack in report.split(_STACK_HEADER)[1:]
        ]
