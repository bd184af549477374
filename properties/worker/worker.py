"""The worker, which loads a target and calls its functions; and the fork server, which forks workers.

A target may change any module. So all names from other modules are bound before the target is imported.
"""

import faulthandler
import gc
import os
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial
from os import _exit, close, read, write
from pathlib import Path
from signal import signal
from socket import socket
from typing import Any, NoReturn, Optional

from numpy import errstate, random  # many targets use random: a forked worker has it imported already

from oracle.modules.understanding import understand
from oracle.processes import posix
from oracle.processes.codec import CodecError, Foreign, decode, encode
from properties.worker.arguments import misses_an_alias
from properties.worker.constants import constants
from properties.worker.errors import describe, first_place, frames_of
from properties.worker.functions import first_placeholder
from properties.worker.loading import LoadedTarget, load
from properties.worker.manner import Manner, make_calls
from properties.worker.messages import (
    DUMP_STACK,
    INTERRUPT,
    LOST_CONNECTION,
    MAX_REQUEST,
    OUT_OF_MEMORY,
    Receiver,
    message,
)
from properties.worker.own_modules import is_ours, own_import
from properties.worker.substitution import right_cell
from properties.worker.targets import Target, TargetMissing, Unusable

# By default, catch_warnings takes the module from sys.modules, which a target may change.
_catch_warnings = partial(warnings.catch_warnings, module=warnings)
_simplefilter = warnings.simplefilter
_NO_CELL = nullcontext()
_TRIALS = understand.__code__.co_filename, understand.__name__  # the function that makes all trial calls
_chdir, _dup2, _seed = os.chdir, os.dup2, random.seed
_prctl: Any = None
with suppress(ImportError, AttributeError):  # some interpreters lack ctypes, and only Linux has prctl
    from ctypes import CDLL

    _prctl = CDLL(None).prctl

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def main() -> NoReturn:
    """Run a worker until the judge at the other end of the socket closes it.

    The arguments of the command are the file descriptors of the socket and of the crash report, and the
    memory limit in bytes.
    """
    Worker().run(*map(int, sys.argv[1:]))


def main_of_fork_server() -> NoReturn:
    """Run the fork server, and in each forked process a worker, until the judge closes the socket.

    Forking is ten times as fast as starting a worker, because the fork server has the worker's imports. The
    fork server runs no code of targets. The argument of the command is the file descriptor of the socket.
    """
    gc.freeze()  # so that garbage collection in workers does not copy shared memory
    Worker().run(*fork_workers(int(sys.argv[1])))


class Worker:
    """Answers requests, one after the other."""

    def __init__(self) -> None:
        self._connection: int
        self._needs_aliases: set[str] = set()  # the functions that use aliases of parameters
        self._loaded: LoadedTarget
        self._folder: str

    def run(self, connection: int, crash_report: int, memory_limit: int) -> NoReturn:
        """Answer the judge's requests. At the end, the process exits."""
        # A child that the target forks must not answer, nor keep the socket open after the worker has died.
        posix.register_at_fork(after_in_child=lambda: close(self._connection))
        try:
            self._begin(connection, crash_report, memory_limit)
            self._serve()
        except EOFError:
            status = 0
        except MemoryError:
            status = OUT_OF_MEMORY
        except OSError:
            status = LOST_CONNECTION
        _exit(status)  # `sys.exit` would wait for threads of the target

    def _begin(self, connection: int, crash_report: int, memory_limit: int) -> None:
        self._connection = connection
        adopt_orphans()
        faulthandler.enable(crash_report, all_threads=False)
        faulthandler.register(DUMP_STACK, crash_report, all_threads=False)
        # Limit data, not address space: some libraries reserve far more address space than they use.
        for limit, size in ((posix.resource.RLIMIT_CORE, 0), (posix.resource.RLIMIT_DATA, memory_limit)):
            with suppress(ValueError, OSError):  # some systems lack a limit
                posix.resource.setrlimit(limit, (size, size))

    def _serve(self) -> NoReturn:
        """Answer requests. Raises `EOFError` if the judge closes the socket, `OSError` if it fails."""
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
            posix.setitimer(posix.ITIMER_REAL, seconds)
            reply = answers[kind](*request)
            self._send(serial, reply)
            posix.setitimer(posix.ITIMER_REAL, 0)
            if reply == ("forks",):  # this process becomes a fork server; each fork has the target loaded
                self._begin(*fork_workers(self._connection))

    def _can_fork(self) -> tuple[str]:
        """Reply whether this process can become a fork server: a fork of several threads may hang."""
        return ("forks" if len(os.listdir("/proc/self/task")) == 1 else "does not fork",)

    def _send(self, serial: int, reply: tuple[Any, ...]) -> None:
        try:
            body = _encoded(reply)
        except MemoryError:
            raise
        except BaseException as error:  # encoding runs code of the objects that the target returned
            body = encode(self._raised(error))
        unsent = memoryview(message(serial, body))
        while unsent:
            unsent = unsent[write(self._connection, unsent) :]

    def _load(
        self, source: str, attribute: str, directory: str, options: dict[str, Any], again: bool
    ) -> tuple[Any, ...]:
        """Load a target; `options` are those of `load`. If loaded `again`, do not search for placeholders."""
        target = Target(source, attribute)
        self._folder = str(Path(source).parent) if target.is_file else directory
        sys.argv[:] = [source]
        before = signal(INTERRUPT, _interrupt)
        try:
            with errstate(all="warn"), _catch_warnings():
                _simplefilter("ignore")
                loaded = self._loaded = load(target, Path(directory), **options)
        except TargetMissing as error:
            return "missing", str(error)
        except Unusable as error:
            return "unusable", str(error)
        except BaseException as error:
            _, kind, text, where = self._raised(error)
            is_trial = any((file, name) == _TRIALS for file, _, name in frames_of(error))
            what = "cannot be judged: a trial call raised" if is_trial else "cannot be imported:"
            return "unusable", f"{what} {kind}: {text}" + (f" ({where})" if where else "")
        finally:
            signal(INTERRUPT, before)
        facts = {**vars(loaded.facts)}
        self._folder = loaded.facts.folder
        if not again and not is_ours(source):
            texts = {name: first_placeholder(each, self._folder) for name, each in loaded.functions.items()}
            facts["unfinished"] = {name: text for name, text in texts.items() if text}
            facts["constants"] = constants(loaded.functions.values(), self._folder)
            facts["notes"] = [*facts["notes"], *filter(None, [own_import(self._folder)])]
        return "loaded", facts

    def _call(self, name: str, arguments: list[Any], *manner: Any) -> tuple[Any, ...]:
        """Call a function as `properties.implementations.calls.Request` says."""
        how, function = Manner(*manner), self._loaded.functions[name]
        with_aliases = name in self._needs_aliases
        call = partial(_call_quietly, function)
        try:
            with right_cell(name, function, self._loaded.holder) if how.with_right_cell else _NO_CELL as cell:
                value, given = make_calls(call, arguments, how, with_aliases=with_aliases)
        except BaseException as error:
            if with_aliases or not misses_an_alias(error):
                return self._raised(error, self._loaded.hint(error))
            self._needs_aliases.add(name)
            return self._call(name, arguments, *manner)
        return "returned", given, value, cell is not None and cell.is_used

    def _raised(self, error: BaseException, hint: str = "") -> tuple[str, str, str, str]:
        kind, message = describe(error)
        return "raised", kind, "".join((message, hint)), first_place(frames_of(error), self._folder)


def _interrupt(*_: Any) -> NoReturn:
    """Do as Ctrl-C: programs that train, and most loops, leave this exception alone."""
    raise KeyboardInterrupt("did not end within --import-time-limit")


def _call_quietly(function: Callable[..., Any], arguments: list[Any]) -> Any:
    """Call a function without warnings and floating-point errors, and restore their settings afterwards."""
    with errstate(all="ignore"), _catch_warnings():
        _simplefilter("ignore")
        return function(*arguments)


def _encoded(reply: tuple[Any, ...]) -> bytes:
    """The encoded reply. If it is too large, a `Foreign` replaces the value, the arguments, or both."""
    try:
        return encode(reply)
    except CodecError as error:
        kind, arguments, value, *rest = reply
        leaf = Foreign(f"value that {error}")
        leaves = [leaf] * len(arguments)
        for pair in ((arguments, leaf), (leaves, value)):
            with suppress(CodecError):
                return encode((kind, *pair, *rest))
        return encode((kind, leaves, leaf, *rest))


def fork_workers(socket_descriptor: int) -> tuple[int, int, int]:
    """Fork workers for the judge at the other end of a socket, until the judge closes the socket.

    Returns in each worker, with the arguments of `Worker.run`. Each worker has a session, a standard error, a
    working directory and a seed of its own.
    """
    server = socket(fileno=socket_descriptor)
    while True:
        request, descriptors, _, _ = posix.recv_fds(server, MAX_REQUEST, 3)
        if not request:
            _exit(0)  # nothing is left to clean up
        kind, *words = decode(bytearray(request))
        if kind == "wait":
            answer: Any = _wait(*words)
        else:
            answer = posix.fork()
            if not answer:
                break
            for descriptor in descriptors:
                close(descriptor)
        server.send(encode(answer))
    try:
        (connection, crash_report, errors), (directory, memory_limit) = descriptors, words
        with suppress(OSError):  # the hook of `Worker.run` may have closed the socket
            close(server.detach())
        if _prctl:  # so that a target that kills each parent that it has does not kill the judge next
            _prctl(PR_SET_PDEATHSIG, posix.SIGKILL, 0, 0, 0)
        posix.setsid()
        _dup2(errors, 2)
        close(errors)
        _chdir(directory)
        _seed()  # every fork has a copy of the global generator
        return connection, crash_report, memory_limit
    except BaseException:
        _exit(1)


def adopt_orphans() -> None:
    """Become the parent of descendants whose parent ends, so that the judge finds them."""
    if _prctl:
        _prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _wait(process: int, seconds: float) -> Optional[int]:
    """The exit status of a child; `None` if the process is still running after this time."""
    end = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(process, posix.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            return None
        time.sleep(0.001)
