"""Records what fuzzing has done, and stores it, so that a later run goes on from there."""

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

FILE = ".hypothesis/fuzzing.json"
"""The file, below the current directory."""

MOST_IDLE = 7
"""The most turns without a new largest error that count: such a law gets an eighth of the time of another."""

SECONDS = 10.0
"""The seconds between two writes of the file."""


@dataclass
class Record:
    """The time and the problems of a law in all runs, and its largest error as a fraction of its bound.

    `idle` is the number of turns since the last one that raised the largest error, `worst_ratio`.
    """

    seconds: float = 0.0
    problems: int = 0
    idle: int = 0
    worst_ratio: float = 0.0

    def add(self, ratio: float) -> None:
        """Count a problem on which the law holds, with this error."""
        self.problems += 1
        self.worst_ratio = max(self.worst_ratio, ratio)

    def count_turn(self, is_worse: bool) -> None:
        """Count a turn, which raised the largest error or did not."""
        self.idle = 0 if is_worse else min(self.idle + 1, MOST_IDLE)

    def add_all(self, other: Self) -> None:
        """Add what another process has done in a turn of its own."""
        self.count_turn(other.worst_ratio > self.worst_ratio)
        self.seconds += other.seconds
        self.problems += other.problems
        self.worst_ratio = max(self.worst_ratio, other.worst_ratio)

    def as_dict(self) -> dict[str, Any]:
        """The record in types of JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """The record that `as_dict` wrote. Raises `ValueError` or `TypeError` if the values are no record."""
        record = cls(**values)
        if not all(value >= 0 for value in vars(record).values()):
            raise ValueError(f"{record} has a number below 0")
        return record


class Records:
    """The records of the laws by the ids of their tests. An id has the target, the law and the function.

    After a change of a target's file, its records no longer count. A file that is damaged, or that another
    version wrote, counts as empty.
    """

    def __init__(self, directory: Path, targets: Mapping[str, str], version: str) -> None:
        """`targets` has the target of each test."""
        self._file = directory / FILE
        self._keys = {
            nodeid: f"{nodeid} {_digest(directory / target.partition(':')[0])} {version}"
            for nodeid, target in targets.items()
        }
        self._stored: dict[str, Any] = {}
        self._written = time.monotonic()
        with suppress(OSError, ValueError, RecursionError):
            stored = json.loads(self._file.read_text(encoding="utf-8"))
            self._stored = stored if isinstance(stored, dict) else {}
        self.by_test = {nodeid: self._read(key) for nodeid, key in self._keys.items()}

    def _read(self, key: str) -> Record:
        with suppress(KeyError, TypeError, ValueError):
            return Record.from_dict(self._stored[key])
        return Record()

    def update(self, records: Mapping[str, Any]) -> None:
        """Take new records, in types of JSON, and write the file if the last time is long ago."""
        for nodeid, values in records.items():
            self.by_test[nodeid] = Record.from_dict(values)
        if time.monotonic() >= self._written + SECONDS:
            self.write()

    def write(self) -> None:
        """Write the file. If the process is killed meanwhile, the file is as it was before."""
        self._written = time.monotonic()
        new = {
            self._keys[nodeid]: record.as_dict() for nodeid, record in self.by_test.items() if record.problems
        }
        part = self._file.with_name(f"{self._file.name}.{os.getpid()}.part")
        with suppress(OSError):  # as if the directory were read-only; the run itself goes on
            self._file.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(self._stored | new), encoding="utf-8")
            part.replace(self._file)


def records_in(text: str) -> dict[str, Record]:
    """The records in a file that this version wrote, by the ids of their tests."""
    return {key.rsplit(" ", 2)[0]: Record.from_dict(each) for key, each in json.loads(text).items()}


def _digest(file: Path) -> str:
    """The digest of a file; empty if this is none, but the name of a module."""
    with suppress(OSError, ValueError):
        return sha256(file.read_bytes()).hexdigest()[:16]
    return ""
