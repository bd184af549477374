"""Calls a function that reads a foreign file in a process of its own, with limits of the system.

Rules about the content of files cannot bound what the libraries that read them allocate and compute; the
system can. Only plain values and arrays come back, by the codec of targets.
"""

import math
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NoReturn

from oracle.checkpoints.contents import CheckpointError, shorten
from oracle.processes.codec import MAX_BYTES, CodecError, decode, encode
from oracle.processes.posix import SIGKILL, SIGXCPU, killpg, resource
from oracle.processes.program import PROGRAM

MEMORY_LIMIT = 2 * 2**30
"""The most bytes of address space beyond what the process takes when it begins to read."""
CPU_SECONDS, WALL_SECONDS = 30, 60
"""The most seconds of processor time from then on, and the most seconds in all."""


def call(
    file: str,
    function: Callable[..., Any],
    *arguments: Any,
    library: str = "",
    memory_limit: int | None = None,
) -> Any:
    """Return what a function of a module returns, which is called in a process that reads `file`.

    Arguments and the returned value have the types of `oracle.processes.codec`. Raises `CheckpointError`,
    whose message begins with the file, if the function raises an error or exceeds a limit. It names the
    option of a `memory_limit` that is given (default: `MEMORY_LIMIT`). If the library is installed, it is
    imported before the limits begin. The process and those that it started are ended.
    """
    most, option = (memory_limit, ": --memory-limit") if memory_limit else (MEMORY_LIMIT, "")
    request = library, function.__module__, function.__name__, arguments, CPU_SECONDS, most, option
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM % ("oracle.checkpoints.reading_process", "main")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # every thread takes address space
    )
    is_value = False
    with process:
        assert process.stdin
        assert process.stdout
        try:
            with suppress(BrokenPipeError), process.stdin:  # the process reads it all, or has ended
                process.stdin.write(encode(request))
            is_value, answer = decode(_reply(process.stdout, most + MAX_BYTES))
        except TimeoutError:
            answer = f" takes more than {WALL_SECONDS} s to read"
        except CodecError:  # there is no reply
            answer = f" takes more than {CPU_SECONDS} s to read"
            if process.wait() != -SIGXCPU:
                answer = f": a library crashed while it was read (status {process.returncode})"
        finally:
            with suppress(ProcessLookupError, PermissionError):  # no process of the group is left
                killpg(process.pid, SIGKILL)
    if not is_value:
        raise CheckpointError(f"{file}{answer}")
    return answer


def _reply(pipe: IO[bytes], most: int) -> bytearray:
    """Return all bytes of a pipe, or somewhat more than `most`. Closes the pipe. Raises `TimeoutError`."""
    reply, end = bytearray(), time.monotonic() + WALL_SECONDS
    with pipe:
        while select.select([pipe], [], [], max(0, end - time.monotonic()))[0]:
            data = os.read(pipe.fileno(), 2**20)
            reply += data
            if not data or len(reply) > most:
                return reply
    raise TimeoutError


def main() -> NoReturn:
    """Call the function that the standard input names, and write the outcome to the standard output."""
    reply = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no reply
    library, module, name, arguments, seconds, most, option = decode(bytearray(sys.stdin.buffer.read()))
    function = getattr(import_module(module), name)
    if library:
        with suppress(ImportError):  # the function says what is missing
            import_module(library)
    seconds += math.ceil(time.process_time())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    with suppress(OSError):  # macOS has no such file, and does not enforce the limit
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + most
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    try:
        answer = encode((True, function(*arguments)), sys.maxsize)  # the system limits it
    except MemoryError:
        answer = encode((False, f" takes more than {most / 2**30:g} GB to read{option}"))
    except CheckpointError as error:
        answer = encode((False, f": {error}"))
    except CodecError as error:
        answer = encode((False, f": it {error}"))
    except Exception as error:  # a file that no function expects
        answer = encode((False, f": it cannot be read: {type(error).__name__}: {shorten(error, 120)}"))
    with open(reply, "wb") as pipe:
        pipe.write(answer)
    os._exit(0)  # to free what was read takes time
