"""Stores what a run computes about problems, so that the next run on the same problems is faster.

The answers of the witnesses and the bounds do not depend on the target. To compute them, with the import of
torch, takes half of the time of a run.
"""

import os
import random
import sqlite3
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from properties.worker.codec import CodecError, decode, encode

MOST_BYTES = 2**28
"""The size of the file from which it is deleted at the start of a run."""

PACKAGES = ("numpy", "torch", "python-flint")
SETTINGS = ("ATEN", "DNNL", "MKL", "NPY", "OMP", "ONEDNN", "OPENBLAS", "TORCH")
"""The first words of the environment variables that select kernels of libraries."""

_ROOMS = ("oracle", "reference", "properties/questions", "properties/worker")
"""The packages whose code computes and encodes what is stored."""


class AnswerStore:
    """Values by key in a file of SQLite, which several processes may use. Until `open`, nothing is stored.

    Keys and values have the types of `worker.codec`. If the file cannot be read or written, the values are
    computed.
    """

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None
        self._versions = b""

    def open(self) -> None:
        """Use the file in the user's directory of caches. If the file is too large, delete it first."""
        with suppress(OSError, RuntimeError, sqlite3.Error):  # there may be no home directory
            caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
            file = caches / "rnn-crosscheck" / "answers.sqlite"
            file.parent.mkdir(parents=True, exist_ok=True)
            if file.exists() and file.stat().st_size > MOST_BYTES:
                for each in file.parent.glob(f"{file.name}*"):  # with the log of SQLite
                    each.unlink()
            connection = sqlite3.connect(file, isolation_level=None, timeout=1)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, value BLOB)")
            self._connection, self._versions = connection, encode(_versions())

    def value(self, key: Any, compute: Callable[[], Any]) -> Any:
        """The stored value of a key. If there is none, it is computed and stored."""
        connection = self._connection
        if connection is None:
            return compute()
        digest = sha256(self._versions + encode(key)).digest()
        with suppress(sqlite3.Error, CodecError):
            row = connection.execute("SELECT value FROM answers WHERE key = ?", (digest,)).fetchone()
            if row and row[0][:32] == sha256(row[0][32:]).digest():  # a file may be damaged
                return decode(bytearray(row[0][32:]))
        value = compute()
        with suppress(sqlite3.Error, CodecError):
            body = encode(value)
            row = digest, sha256(body).digest() + body
            connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", row)
        return value

    def seed_of_today(self) -> int:
        """A random seed, which stays the same for a day if it can be stored."""
        seed = self.value(("seed", date.today().isoformat()), lambda: random.SystemRandom().randrange(2**32))
        return int(seed)


ANSWERS = AnswerStore()


def _versions() -> list[Any]:
    """What determines the values besides their keys: the libraries, their kernels, and our code."""
    root = Path(__file__).parents[2]
    files = sorted(file for room in _ROOMS for file in (root / room).rglob("*.py"))
    facts = [(file.stat().st_mtime_ns, file.stat().st_size) for file in files]
    kernels = {name: value for name, value in sorted(os.environ.items()) if name.startswith(SETTINGS)}
    processor = os.uname().machine
    with suppress(OSError):  # not on every system
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next((line for line in lines if line.startswith(("flags", "Features"))), processor)
    return [*map(version, PACKAGES), sys.version, processor, kernels, str(root), facts]
