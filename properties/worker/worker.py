"""The process of a target: loads the target, and answers calls; and the process that forks workers.

All names are bound before the target is imported, because a target may change any module.
"""

import faulthandler
import gc
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from os import _exit, close, read, register_at_fork, write
from pathlib import Path
from signal import ITIMER_REAL, setitimer
from socket import recv_fds, socket
from typing import Any, NoReturn, Optional

from numpy import errstate, random  # random is imported once here, as many targets import it

from properties.worker.arguments import Arrangement, arranged, earlier_numbers, misses_an_alias
from properties.worker.codec import CodecError, Foreign, decode, encode
from properties.worker.errors import described, frames, place
from properties.worker.functions import placeholder
from properties.worker.loading import Loaded, load
from properties.worker.messages import (
    DUMP_STACK,
    LOST_CONNECTION,
    MAX_REQUEST,
    OUT_OF_MEMORY,
    Receiver,
    message,
)
from properties.worker.own_modules import is_ours
from properties.worker.substitution import right_cell
from properties.worker.targets import Target, TargetMissing, Unusable

# By default, catch_warnings takes the module from sys.modules, which a target may change.
_catch_warnings = partial(warnings.catch_warnings, module=warnings)
_simplefilter = warnings.simplefilter
_chdir, _dup2, _seed, _setsid = os.chdir, os.dup2, random.seed, os.setsid


def main() -> NoReturn:
    """Serve the judge at the other end of a socket until the judge closes it.

    The arguments of the command are the file descriptors of the socket and of a file for the traceback of a
    crash, and the limit of memory in bytes.
    """
    Worker().run(*map(int, sys.argv[1:]))


def main_of_fork_server() -> NoReturn:
    """Fork workers, which is ten times as fast as to start them, until the judge closes the socket.

    This process has the imports of a worker, and runs no code of targets. The argument of the command is the
    descriptor of the socket.
    """
    gc.freeze()  # so that garbage collection in workers does not copy shared memory
    Worker().run(*forked(int(sys.argv[1])))


class Worker:
    """Answers requests, one after the other."""

    def __init__(self) -> None:
        self._connection: int
        self._aliased: set[str] = set()
        self._loaded: Loaded
        self._folder: str

    def run(self, connection: int, faults: int, memory_limit: int) -> NoReturn:
        """Serve the judge in this process, which then exits."""
        # A child that the target forks must not answer, nor keep the socket open after the worker has died.
        register_at_fork(after_in_child=lambda: close(self._connection))
        try:
            self._begin(connection, faults, memory_limit)
            self._serve()
        except EOFError:
            status = 0
        except MemoryError:
            status = OUT_OF_MEMORY
        except OSError:
            status = LOST_CONNECTION
        _exit(status)  # even if threads of the target are running

    def _begin(self, connection: int, faults: int, memory_limit: int) -> None:
        self._connection = connection
        faulthandler.enable(faults, all_threads=False)
        faulthandler.register(DUMP_STACK, faults, all_threads=False)
        # Limit data, not address space: some libraries reserve far more address space than they use.
        for limit, size in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_DATA, memory_limit)):
            with suppress(ValueError, OSError):  # some systems lack a limit
                resource.setrlimit(limit, (size, size))

    def _serve(self) -> None:
        """Answer until `EOFError`, when the judge closes the socket, or `OSError`, when it is lost."""
        receiver = Receiver(lambda size: read(self._connection, size))
        answers: dict[str, Callable[..., tuple[Any, ...]]] = {
            "load": self._load,
            "call": self._call,
            "fork": self._can_fork,
        }
        while True:
            serial, seconds, body = receiver.receive()
            kind, *request = decode(body)
            # The timer ends a hanging call if the judge was killed.
            setitimer(ITIMER_REAL, seconds)
            answer = answers[kind](*request)
            self._send(serial, answer)
            setitimer(ITIMER_REAL, 0)
            if answer == ("forks",):  # from here on in a fork, in which the target is loaded
                self._begin(*forked(self._connection))

    def _can_fork(self) -> tuple[str]:
        """Whether this process becomes a fork server. A fork of a process with several threads may hang."""
        return ("forks" if len(os.listdir("/proc/self/task")) == 1 else "does not fork",)

    def _send(self, serial: int, reply: tuple[Any, ...]) -> None:
        try:
            body = _encoded(reply)
        except MemoryError:
            raise
        except BaseException as error:  # encoding runs code of the objects that the target returned
            body = encode(self._raised(error))
        rest = memoryview(message(serial, body))
        while rest:
            rest = rest[write(self._connection, rest) :]

    def _load(
        self,
        source: str,
        attribute: str,
        directory: str,
        helpers: str,
        replaced: list[str],
        module: dict[str, Any],
        again: bool,
    ) -> tuple[Any, ...]:
        """Load a target. When it is loaded `again`, the slow search for placeholders is left out."""
        target = Target(source, attribute)
        self._folder = str(Path(source).parent) if target.is_file else directory
        sys.argv[:] = [source]
        try:
            with errstate(all="warn"), _catch_warnings():
                _simplefilter("ignore")
                loaded = self._loaded = load(target, Path(directory), helpers, replaced, module)
        except TargetMissing as error:
            return "missing", str(error)
        except Unusable as error:
            return "unusable", str(error)
        except BaseException as error:
            _, kind, text, where = self._raised(error)
            return "unusable", f"cannot be imported: {kind}: {text}" + (f" ({where})" if where else "")
        facts = {**vars(loaded.facts)}
        self._folder = loaded.facts.folder
        if not again and not is_ours(source):
            found = {name: placeholder(each, self._folder) for name, each in loaded.functions.items()}
            facts["unfinished"] = {name: where for name, where in found.items() if where}
        return "loaded", facts

    def _call(
        self,
        name: str,
        arguments: list[Any],
        arrangement: Arrangement,
        then: list[list[Any]],
        with_reference_cell: bool,
    ) -> tuple[Any, ...]:
        aliased = name in self._aliased
        given = arranged(arguments, arrangement, aliased=aliased)
        function = self._loaded.functions[name]
        used = False
        try:
            if arrangement in ("updated", "retrained"):
                with earlier_numbers(given, arrangement):
                    _quietly(function, given)
            if with_reference_cell:
                with right_cell(name, function, self._loaded.holder) as cell:
                    value = _quietly(function, given)
                used = cell.used
            else:
                value = _quietly(function, given)
            for later in then:
                _quietly(function, arranged(later, arrangement, aliased=aliased))
        except BaseException as error:
            if aliased or not misses_an_alias(error):
                return self._raised(error)
            self._aliased.add(name)
            return self._call(name, arguments, arrangement, then, with_reference_cell)
        return "returned", given, value, used

    def _raised(self, error: BaseException) -> tuple[str, str, str, str]:
        return ("raised", *described(error), place(frames(error), self._folder))


def _quietly(function: Callable[..., Any], arguments: list[Any]) -> Any:
    """Call a function without errors and warnings of floating point; its own settings end with the call."""
    with errstate(all="ignore"), _catch_warnings():
        _simplefilter("ignore")
        return function(*arguments)


def _encoded(reply: tuple[Any, ...]) -> bytes:
    """The encoded reply; a value, arguments, or both that are too large are each replaced by a `Foreign`."""
    try:
        return encode(reply)
    except CodecError as error:
        kind, given, value, *rest = reply
        leaf = Foreign(f"value that {error}")
        leaves = [leaf] * len(given)
        for after, shown in ((given, leaf), (leaves, value)):
            with suppress(CodecError):
                return encode((kind, after, shown, *rest))
        return encode((kind, leaves, leaf, *rest))


def forked(line: int) -> tuple[int, int, int]:
    """Fork workers for the judge at the other end of a socket, until the judge closes it.

    Returns in each worker, with the arguments of `Worker.run`. Each worker has its own session, standard
    error, directory and random numbers.
    """
    served = socket(fileno=line)
    while True:
        request, descriptors, _, _ = recv_fds(served, MAX_REQUEST, 3)
        if not request:
            _exit(0)  # nothing is left to clean up
        kind, *words = decode(bytearray(request))
        if kind == "wait":
            answer: Any = _wait(*words)
        else:
            answer = os.fork()
            if not answer:
                break
            for descriptor in descriptors:
                close(descriptor)
        served.send(encode(answer))
    try:
        (connection, faults, errors), (directory, memory_limit) = descriptors, words
        with suppress(OSError):  # the hook of `Worker.run` has closed it
            close(served.detach())
        _setsid()
        _dup2(errors, 2)
        close(errors)
        _chdir(directory)
        _seed()  # every fork has a copy of the global generator
        return connection, faults, memory_limit
    except BaseException:
        _exit(1)


def _wait(process: int, seconds: Optional[float]) -> Optional[int]:
    """The exit status of a forked process; `None` if it is still running after so many seconds."""
    end = time.monotonic() + (seconds or 0)
    while True:
        ended, status = os.waitpid(process, 0 if seconds is None else os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            return None
        time.sleep(0.001)
