"""Stores what a run computes about problems, so that the next run on the same problems is faster.

The answers of the witnesses do not depend on the target. To compute them, with the import of torch, takes a
third of the time of a run. A target runs as the user, and may write to the file, so nothing in it is trusted:
the caller checks each value, and some values are computed again.
"""

import os
import random
import sqlite3
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from oracle.processes.codec import CodecError, decode, encode

Value = TypeVar("Value")

MOST_BYTES = 2**28
"""The size of the file from which it is deleted at the start of a run."""
MOST_BYTES_OF_VALUE = 2**24
"""The size of a value from which it is not stored."""
COMPUTED_AGAIN = 10
"""Of n values that were read, this many are computed again at least, each with equal probability."""
SECONDS = 1.0
"""How long a run waits for other processes to release the file, and how long SQLite may take to open it."""

PACKAGES = ("numpy", "torch", "python-flint")
SETTINGS = ("ATEN", "DNNL", "MKL", "NPY", "OMP", "ONEDNN", "OPENBLAS", "TORCH")
"""The first words of the environment variables that select kernels of libraries."""

_ROOMS = ("oracle", "reference", "properties/questions", "properties/worker")
"""The packages whose code computes and encodes what is stored."""
_SCHEMA = "CREATE TABLE answers (key BLOB PRIMARY KEY, value BLOB)"
_FAULTS = (sqlite3.Error, ValueError, MemoryError)
"""The errors of a broken file. A `ValueError` is of text that is not UTF-8, also in messages of SQLite."""
_DIGEST_BYTES = 32
_RANDOM = random.SystemRandom()


class AnswerStore:
    """Values by key in a file of SQLite, which several processes may use. Until `open`, nothing is stored.

    Keys and values have the types of `codec`. If the file cannot be read or written, the run uses the
    file no more, and computes the values. `fault` says what was wrong with the file; empty if nothing was.
    """

    def __init__(self) -> None:
        self.fault = ""
        self._connection: sqlite3.Connection | None = None
        self._versions = b""
        self._file = Path()
        self._values_read = 0

    def open(self) -> None:
        """Use the file in the user's directory of caches. If the file is too large, delete it first.

        A file that another user can change is not used. A database that is not ours is left as it is.
        """
        with suppress(OSError, RuntimeError):  # there may be no home directory
            caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").resolve()
            self._file = caches / "rnn-crosscheck" / "answers.sqlite"
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_private(self._file):
                return
            self._connect()
            if self._connection and self._file.stat().st_size > MOST_BYTES:
                self._delete()
                self._connect()
            self._versions = encode(_versions())

    def close(self) -> None:
        """Use the file no more."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def value(
        self,
        key: Any,
        compute: Callable[[], Value],
        is_valid: Callable[[Any], bool],
        *,
        is_sampled: bool = False,
    ) -> Value:
        """The stored value of a key. If there is none, or it is not valid, it is computed and stored.

        `is_valid` gets a value of any of the types of `processes.codec`. A value that `is_sampled` may be
        computed again. If it then differs from the stored one, the file is deleted.
        """
        if not self._connection:
            return compute()
        digest = sha256(self._versions + encode(key)).digest()
        stored: Any = None
        with suppress(CodecError):
            if body := self._body(digest):
                stored = decode(bytearray(body))
        if stored is None or not is_valid(stored):
            value = compute()
            self._store(digest, value)
            return value
        if is_sampled:
            self._values_read += 1
            if _RANDOM.random() * self._values_read < COMPUTED_AGAIN:
                value = compute()
                if encode(value) != body:
                    self.fault = f"{self._file} had a wrong answer and was deleted; run again"
                    self._delete()
                return value
        return stored  # type: ignore[no-any-return]

    def seed_of_today(self) -> int:
        """A random seed, which stays the same for a day if it can be stored."""
        return self.value(
            ("seed", date.today().isoformat()),
            lambda: _RANDOM.randrange(2**32),
            lambda seed: type(seed) is int and 0 <= seed < 2**32,
        )

    def _connect(self) -> None:
        """Connect to the file, which is made if there is none. Not if it is no database of ours."""
        try:
            self._connection = sqlite3.connect(self._file, isolation_level=None, timeout=SECONDS)
            self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_BYTES_OF_VALUE)
            self._connection.execute("BEGIN IMMEDIATE")
            end = time.monotonic() + SECONDS
            # SQLite now parses the whole schema, which may have millions of tables.
            self._connection.set_progress_handler(lambda: time.monotonic() > end, 1000)
            schema = [sql for (sql,) in self._connection.execute("SELECT sql FROM sqlite_master")]
            if not schema:
                self._connection.execute(_SCHEMA)
            elif schema != [_SCHEMA, None]:  # the table, and the index of its keys
                self.close()
                return
            self._connection.execute("COMMIT")
            # A log that is mapped into memory would end the process if a target truncates it.
            self._connection.execute("PRAGMA journal_mode = TRUNCATE")
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.set_progress_handler(None, 0)
        except _FAULTS as error:
            self.close()
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
                self.fault = (
                    f"{self._file} takes more than {SECONDS:g} s to open, and was not used: delete it"
                )

    def _body(self, digest: bytes) -> bytes:
        """The encoded value with this digest of its key; empty if there is none, or it is damaged."""
        rows = self._execute("SELECT value FROM answers WHERE key = ?", digest)
        body = rows[0][0] if rows else None
        if type(body) is not bytes or body[:_DIGEST_BYTES] != sha256(digest + body[_DIGEST_BYTES:]).digest():
            return b""  # damaged, or the value of another key
        return body[_DIGEST_BYTES:]

    def _store(self, digest: bytes, value: Any) -> None:
        with suppress(CodecError):
            body = encode(value)
            if len(body) < MOST_BYTES_OF_VALUE // 2:
                row = sha256(digest + body).digest() + body
                self._execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", digest, row)

    def _execute(self, statement: str, *values: bytes) -> list[Any]:
        """The rows of a statement. After an error, the file is used no more, so a lock costs time once."""
        try:
            return self._connection.execute(statement, values).fetchall() if self._connection else []
        except _FAULTS:
            self.close()
            return []

    def _delete(self) -> None:
        self.close()
        for each in _files(self._file):
            with suppress(OSError):  # others have put it there, such as a directory
                each.unlink()


ANSWERS = AnswerStore()


def _files(file: Path) -> list[Path]:
    """The file, and the logs of SQLite beside it."""
    return [*file.parent.glob(f"{file.name}*")]


def _is_private(file: Path) -> bool:
    """Whether only the user and root can change a file, its logs and its folder. None may be a link."""
    user, others = os.getuid(), stat.S_IWGRP | stat.S_IWOTH
    ours = [each.lstat() for each in (file.parent, *_files(file))]
    above = [each.lstat() for each in file.parent.parents]
    return all(
        each.st_uid == user
        and not each.st_mode & others
        and (stat.S_ISREG(each.st_mode) or stat.S_ISDIR(each.st_mode))
        for each in ours
    ) and all(
        each.st_uid in (user, 0) and (not each.st_mode & others or each.st_mode & stat.S_ISVTX)
        for each in above
    )


def _versions() -> list[Any]:
    """What determines the values besides their keys: the libraries, their kernels, and our code."""
    root = Path(__file__).parents[2]
    code = sha256()
    for file in sorted(file for room in _ROOMS for file in (root / room).rglob("*.py")):
        code.update(sha256(file.read_bytes()).digest())
    kernels = {name: value for name, value in sorted(os.environ.items()) if name.startswith(SETTINGS)}
    processor = os.uname().machine
    with suppress(OSError):  # not on every system
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next((line for line in lines if line.startswith(("flags", "Features"))), processor)
    return [*map(version, PACKAGES), sys.version, processor, kernels, code.hexdigest()]
