"""Reads the list of expected failures, and finds entries that are stale."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from properties.laws import all_laws
from properties.reports.results import LawResult
from properties.trials.provided_functions import PROVIDED, USABLE
from properties.worker.targets import closest
from reference.contract import FUNCTIONS


@dataclass(frozen=True)
class ExpectedFailure:
    """An expected failure of a law on a function, of one target or of any (`""`)."""

    law: str
    function: str
    reason: str
    implementation: str = ""

    def covers(self, implementation: str, law: str, function: str) -> bool:
        """Whether this entry expects a failure of a law on a function of a target."""
        return (self.law, self.function) == (law, function) and self.implementation in ("", implementation)

    def __str__(self) -> str:
        of = f" of {self.implementation}" if self.implementation else ""
        return f"{self.law!r} on {self.function}{of}"


_REQUIRED = ("law", "function", "reason")
_KEYS = (*_REQUIRED, "implementation")


def read(path: Path) -> list[ExpectedFailure]:
    """The entries of a TOML file, each a table `[[failure]]`.

    Raises `ValueError` that names the file, the entry and the key if an entry is wrong.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    for key in content:
        if key != "failure":
            raise ValueError(f"{path}: key {key!r} is unknown; each entry is a table [[failure]]")
    entries = content.get("failure", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"{path}: 'failure' is not an array of tables; each entry begins with [[failure]]")
    return [_entry(f"{path}: [[failure]] {number}", entry) for number, entry in enumerate(entries, 1)]


def _entry(where: str, entry: dict[str, Any]) -> ExpectedFailure:
    for key, value in entry.items():
        if key not in _KEYS:
            raise ValueError(f"{where}: key {key!r} is unknown{closest(key, _KEYS)}")
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{where}: key {key!r} is {value!r}, expected a text")
    for key in _REQUIRED:
        if key not in entry:
            raise ValueError(f"{where}: key {key!r} is missing")
    return ExpectedFailure(**entry)


def reason(expected: Sequence[ExpectedFailure], implementation: str, law: str, function: str) -> str:
    """Why a failure of a law on a function of a target is expected; empty if it is not."""
    return next((entry.reason for entry in expected if entry.covers(implementation, law, function)), "")


def stale(expected: Sequence[ExpectedFailure], results: Sequence[LawResult]) -> list[str]:
    """A line for each entry whose law does not exist, or ran and did not fail."""
    known = laws()
    lines = []
    for entry in expected:
        met = [r for r in results if entry.covers(r.implementation, r.law, r.function)]
        if any(result.status == "failed" for result in met):
            continue
        if met:
            passed = any(result.status == "passed" for result in met)
            lines.append(f"{entry}, but it {'passed' if passed else 'was skipped'}")
        elif (entry.law, entry.function) not in known:
            lines.append(f"{entry}, but {_no_such_law(entry, known)}")
    return lines


def _no_such_law(entry: ExpectedFailure, known: set[tuple[str, str]]) -> str:
    functions = {function for law, function in known if law == entry.law and function}
    if functions:
        return f"the law is not about this function{closest(entry.function, functions)}"
    return f"there is no such law{closest(entry.law, {law for law, _ in known} - {entry.law})}"


def laws() -> set[tuple[str, str]]:
    """Every pair of a law and a function that it concerns."""
    presence = {(USABLE, ""), *((PROVIDED, function) for function in FUNCTIONS)}
    return presence | {(law.name, function) for law in all_laws() for function in law.functions}
