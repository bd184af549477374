"""Reads the file of expected failures, and finds entries that are stale."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from properties.laws import all_laws
from properties.reports.results import LawResult
from properties.reports.toml_file import read_toml
from properties.trials.provided_functions import PROVIDED, USABLE
from properties.worker.targets import canonical, closest
from reference.contract import FUNCTIONS


@dataclass(frozen=True)
class ExpectedFailure:
    """An expected failure of a law on a function; `implementation` is `""` for every target."""

    law: str
    function: str
    reason: str
    implementation: str = ""

    def covers(self, implementation: str, law: str, function: str) -> bool:
        """Whether this entry expects a failure of a law on a function of a target."""
        is_law = (self.law, self.function) == (law, function)
        if not (is_law and self.implementation):
            return is_law
        return canonical(self.implementation, Path()) == canonical(implementation, Path())

    def __str__(self) -> str:
        of = f" of {self.implementation}" if self.implementation else ""
        return f"{self.law!r} on {self.function}{of}"


_KEYS = [each.name for each in fields(ExpectedFailure)]
_REQUIRED = [each.name for each in fields(ExpectedFailure) if each.default is MISSING]


def read(path: Path) -> list[ExpectedFailure]:
    """Read the tables `[[failure]]` of a TOML file. Raises `ValueError` that names a wrong table and key."""
    content = read_toml(path)
    for key in content:
        if key != "failure":
            raise ValueError(f"{path}: key {key!r} is unknown; each entry is a table [[failure]]")
    entries = content.get("failure", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"{path}: 'failure' is not an array of tables; each entry begins with [[failure]]")
    for number, entry in enumerate(entries, 1):
        if wrong := _what_is_wrong(entry):
            raise ValueError(f"{path}: [[failure]] {number}: key {wrong}")
    return [ExpectedFailure(**entry) for entry in entries]


def _what_is_wrong(entry: Mapping[str, Any]) -> str:
    """Describe what is wrong with a key of an entry; empty if the entry is right."""
    for key, value in entry.items():
        if key not in _KEYS:
            return f"{key!r} is unknown{closest(key, _KEYS)}"
        if not isinstance(value, str) or not value.strip():
            return f"{key!r} is {value!r}, expected a text that is not empty"
    return next((f"{key!r} is missing" for key in _REQUIRED if key not in entry), "")


def stale_entries(expected: Sequence[ExpectedFailure], results: Sequence[LawResult]) -> list[str]:
    """Describe each entry whose law does not exist or is not about its function, or did not fail."""
    known, lines = law_function_pairs(), []
    for entry in expected:
        covered = [each for each in results if entry.covers(each.implementation, each.law, each.function)]
        statuses = {result.status for result in covered}
        if covered:
            if "failed" not in statuses:
                lines.append(f"{entry}, but it {'passed' if 'passed' in statuses else 'was skipped'}")
        elif (entry.law, entry.function) not in known:
            functions = {function for law, function in known if law == entry.law and function}
            why = f"the law is not about this function{closest(entry.function, functions)}"
            if not functions:
                why = f"there is no such law{closest(entry.law, {law for law, _ in known} - {entry.law})}"
            lines.append(f"{entry}, but {why}")
    return lines


def law_function_pairs() -> set[tuple[str, str]]:
    """Return every law with every function that the law is about."""
    presence = {(USABLE, ""), *((PROVIDED, function) for function in FUNCTIONS)}
    return presence | {(law.name, function) for law in all_laws() for function in law.functions}
