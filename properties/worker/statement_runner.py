"""Runs the statements of a file one by one, also after failures, and finds the names that need these."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from properties.worker.definitions import DEFINITIONS
from properties.worker.errors import described
from properties.worker.name_dependencies import Needs, needs
from properties.worker.source_lines import frames
from properties.worker.stand_ins import STAND_INS, missing_module, stand_in
from properties.worker.statements import Statement

_BY_HELPERS = "name a folder that has it by --helpers DIR, or an environment by --python PATH"
_BY_ENVIRONMENT = "name an environment that has it by --python PATH"

PACKAGES = frozenset(
    (
        *("autograd", "cupy", "flax", "h5py", "jax", "keras", "matplotlib", "mxnet", "numba", "onnx"),
        *("onnxruntime", "paddle", "pandas", "scipy", "seaborn", "sklearn", "sympy", "tensorflow", "theano"),
        *("tinygrad", "torch", "torchvision", "tqdm", "transformers"),
    )
)
"""Packages that a folder of helpers does not contain, so that `--helpers` is no remedy if one is missing."""

_NOT_DEFINED = re.compile(r"name '(\w+)' is not defined.*")

MOST_NOTES = 5
"""The most skipped statements in the notes."""


@dataclass(frozen=True)
class Failed:
    """A statement that failed; `stood_in` are its names that have stand-ins."""

    statement: Statement
    error: BaseException
    stood_in: frozenset[str]

    @property
    def modules(self) -> frozenset[str]:
        """The names with stand-ins that are modules."""
        return self.stood_in if isinstance(self.statement.node, ast.Import) else frozenset()

    @property
    def imports_all(self) -> bool:
        """Whether the statement is `from … import *`, which does not name what it binds."""
        node = self.statement.node
        return isinstance(node, ast.ImportFrom) and node.names[0].name == "*"


def run(statements: Sequence[Statement], namespace: dict[str, Any]) -> RunStatements:
    """Run the statements in a namespace, and collect the failures.

    In a notebook, a constant that depends on a statement that was not run is no failure.
    """
    failed = []
    for statement in statements:
        if not statement.runs:
            continue
        try:
            exec(statement.code(), namespace)
        except BaseException as error:
            if isinstance(error, (NameError, AttributeError)) and _may_be_missing(statement):
                continue
            failed.append(Failed(statement, error, stand_in(statement.node, error, namespace)))
    return RunStatements(statements, namespace, failed)


def _may_be_missing(statement: Statement) -> bool:
    return statement.in_notebook and not isinstance(statement.node, DEFINITIONS)


class RunStatements:
    """The statements of a file after the run: the failures, and the names that the statements bind."""

    def __init__(
        self, statements: Sequence[Statement], namespace: dict[str, Any], failed: Sequence[Failed]
    ) -> None:
        self.failed = failed
        self._statements = statements
        self._namespace = namespace
        self._last = {name: each for each in statements if each.runs for name in each.binds}
        self.bound = {name for statement in statements for name in statement.binds}

    def why_lacking(self, name: str) -> str:
        """Why a name cannot be used: the failure on which it depends; empty if it can be used."""
        if not self.failed:
            return ""
        needed = needs([name], self._statements)
        for failed in self.failed:
            missing = self._missing_names(failed, needed)
            if missing:
                return _why(failed, missing)
        return ""

    def notes(self, names: Iterable[str]) -> list[str]:
        """A line for each failed statement that was skipped or has a stand-in."""
        if not self.failed:
            return []
        needed = needs(names, self._statements)
        given: list[str] = []
        skipped: dict[str, str] = {}
        for failed in self.failed:
            used = sorted(self._stand_ins(failed, needed))
            if used:
                missing = missing_module(failed.error)
                given.append(f"{missing} is missing: replaced by our own {' and '.join(used)}")
            elif not self._is_consequence(failed):
                place = failed.statement.place
                skipped.setdefault(place, f"skipped {place}: {_error_line(failed.error)}")
        lines = [*skipped.values()]
        more = [f"and {len(lines) - MOST_NOTES} more"] if len(lines) > MOST_NOTES else []
        return [*given, *lines[:MOST_NOTES], *more]

    def _missing_names(self, failed: Failed, needed: Needs) -> set[str]:
        """The needed names that only this failed statement would have bound."""
        if failed.imports_all:
            there = self.bound | self._namespace.keys()
            return {name for name in needed.names - there if not hasattr(builtins, name)}
        lacking = {
            f"{name}.{attribute}"
            for name, attribute in needed.attributes
            if name in failed.modules and attribute not in STAND_INS
        }
        return lacking | (self._names_bound_by(failed) & needed.names) - failed.stood_in

    def _stand_ins(self, failed: Failed, needed: Needs) -> set[str]:
        """The needed names that a failed statement has bound to stand-ins."""
        given = self._names_bound_by(failed) & failed.stood_in & needed.names
        return {name for name in given if name not in failed.modules} | {
            attribute for name, attribute in needed.attributes if name in given & failed.modules
        }

    def _names_bound_by(self, failed: Failed) -> set[str]:
        """The names that no later statement binds instead of this one."""
        if failed.imports_all:
            return {name for name in failed.stood_in if name not in self.bound}
        return {name for name in failed.statement.binds if self._last[name] is failed.statement}

    def _is_consequence(self, failed: Failed) -> bool:
        """Whether it failed because of a name that another failed statement would have bound."""
        found = _NOT_DEFINED.fullmatch(described(failed.error)[1])
        return found is not None and any(
            found[1] in each.statement.binds for each in self.failed if each is not failed
        )


def _why(failed: Failed, wanted: set[str]) -> str:
    place, missing = failed.statement.place, missing_module(failed.error)
    if not missing:
        return f"it needs {place}, which fails: {_error_line(failed.error)}"
    what, where = f"{', '.join(sorted(wanted))} of '{missing}'", place
    if missing not in _imported(failed.statement.node):  # an imported module imports it
        by = next((file, line) for file, line, _ in frames(failed.error) if not file.startswith("<frozen"))
        what, where = f"'{missing}'", f"{Path(by[0]).name}:{by[1]}, imported in {place}"
    top, *below = missing.split(".")
    remedy = _BY_ENVIRONMENT if below or top in PACKAGES else _BY_HELPERS
    return f"it needs {what} ({where}), a module that is not there: {remedy}"


def _imported(node: ast.stmt | None) -> Iterator[str]:
    """The modules that an import statement names, and their packages."""
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    if isinstance(node, ast.ImportFrom) and node.module:
        names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    for name in names:
        parts = name.split(".")
        yield from (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _error_line(error: BaseException) -> str:
    """An error in one line."""
    kind, message = described(error)
    return f"{kind}: {' '.join(message.split())[:200]}"
