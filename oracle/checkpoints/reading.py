"""What the readers of all kinds of files share: tensors, errors, and the process in which they run.

Rules about the content of files cannot bound what the libraries that read them allocate and compute; the
limits of a process can. Only plain values and arrays come back, by the codec of targets.
"""

import importlib
import math
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np

from oracle.processes.codec import MAX_BYTES, CodecError, decode, encode
from oracle.processes.posix import SIGKILL, SIGXCPU, killpg, resource
from oracle.processes.program import PROGRAM
from reference.contract import Array

FLOATS_16 = ("float16", "bfloat16")
"""The dtypes whose numbers become float32, which is exact."""
FLOATS = (*FLOATS_16, "float32", "float64")


@dataclass(frozen=True)
class Tensor:
    """A tensor in a file.

    If its dtype is not in `FLOATS`, only the shape of the array is used: its numbers may be placeholders.
    """

    array: Array
    dtype: str  # in the file


@dataclass
class Contents:
    """What a reader finds in a file."""

    tensors: dict[str, Tensor] = field(default_factory=dict)  # by name
    activations: dict[str, str] = field(default_factory=dict)  # by the prefix of the layer
    remarks: dict[str, list[str]] = field(default_factory=dict)  # by the prefix of the layer
    skipped: list[str] = field(default_factory=list)  # sentences about recurrent data that is not read


def tensor(array: Array) -> Tensor:
    """Return the tensor of a NumPy array, with native byte order; 16-bit numbers become float32."""
    wide = np.dtype(np.float32) if array.dtype.name in FLOATS_16 else array.dtype.newbyteorder("=")
    return Tensor(np.asarray(array, dtype=wide), array.dtype.name)


class CheckpointError(ValueError):
    """A file cannot be read, or has no layers that can be found, judged or compared.

    The message is one line. Unprintable characters are escaped, since names in the file may have some.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


def printable(text: str, length: int = 5000) -> str:
    """Return the text in one line, with unprintable characters escaped, and cut to about this length."""
    end = "…" if len(text) > length else ""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text[:length]) + end


def shorten(text: object, length: int = 200) -> str:
    """Return the first paragraph of a message in one line, cut to a length."""
    line = " ".join(str(text).split("\n\n")[0].split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def import_optional(package: str) -> Any:
    """Import a package. If it is missing, raise a `CheckpointError` that says how to install it."""
    try:
        return importlib.import_module(package)
    except ImportError:
        name = package.partition(".")[0]
        raise CheckpointError(f"this kind of file needs the package {name}: pip install {name}") from None


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
        [sys.executable, "-c", PROGRAM % ("oracle.checkpoints.reading", "main")],
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
