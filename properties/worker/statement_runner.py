"""Runs the statements of a file one by one, also after failures, and finds the names that need these."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from properties.worker.definitions import DEFINITIONS
from properties.worker.errors import described
from properties.worker.source_lines import frames
from properties.worker.stand_ins import STAND_INS, missing_module, stand_ins
from properties.worker.statements import Statement, needs

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
    """A statement that failed, and what its names are bound to instead."""

    statement: Statement
    error: BaseException
    stand_ins: Mapping[str, Any]


def run(statements: Sequence[Statement], namespace: dict[str, Any]) -> RunStatements:
    """Run the statements in a namespace, and collect the failures.

    A statement that fails unbinds the names that it would have bound: their earlier values do not count. In a
    notebook, a constant that depends on a statement that was not run is no failure.
    """
    failed = []
    for statement in statements:
        if not statement.runs:
            continue
        try:
            statement.run(namespace)
        except BaseException as error:
            if isinstance(error, (NameError, AttributeError)) and _may_be_missing(statement):
                continue
            failed.append(Failed(statement, error, stand_ins(statement.node, error)))
            for name in statement.binds:
                namespace.pop(name, None)
            namespace.update(failed[-1].stand_ins)
    return RunStatements(statements, namespace, failed)


def _may_be_missing(statement: Statement) -> bool:
    return statement.in_notebook and not isinstance(statement.node, DEFINITIONS)


class RunStatements:
    """The statements of a file after the run: the failures, and the names that the statements bind."""

    def __init__(
        self, statements: Sequence[Statement], namespace: Mapping[str, Any], failed: Sequence[Failed]
    ) -> None:
        self.failed = failed
        self._statements = statements
        self._namespace = namespace

    @cached_property
    def bound(self) -> frozenset[str]:
        """The names that the statements bind."""
        return frozenset(name for each in self._statements for name in each.binds)

    def why_lacking(self, name: str) -> str:
        """Why a name cannot be used: the failure on which it depends; empty if it can be used."""
        used = needs([name], self._statements) if self.failed else set()
        for failed in self.failed:
            if missing := self._missing_names(failed, used):
                return _why(failed, missing)
        return ""

    def notes(self, names: Iterable[str]) -> list[str]:
        """A line for each failed statement that was skipped or has a stand-in."""
        used = needs(names, self._statements) if self.failed else set()
        replaced: list[str] = []
        skipped: dict[str, str] = {}
        for failed in self.failed:
            here = {name for name, value in failed.stand_ins.items() if self._namespace.get(name) is value}
            ours = {attribute or name for name, attribute in used if name in here}
            if ours:
                module, functions = missing_module(failed.error), " and ".join(sorted(ours))
                replaced.append(f"{module} is missing: replaced by our own {functions}")
            elif not self._is_consequence(failed):
                place = failed.statement.place
                skipped.setdefault(place, f"skipped {place}: {_error_line(failed.error)}")
        lines = [*skipped.values()]
        more = [f"and {len(lines) - MOST_NOTES} more"] if len(lines) > MOST_NOTES else []
        return [*replaced, *lines[:MOST_NOTES], *more]

    def _missing_names(self, failed: Failed, used: Iterable[tuple[str, str]]) -> set[str]:
        """The used names that this failed statement would have bound."""
        node = failed.statement.node
        missing = {name for name, _ in used if name not in self._namespace}
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":  # it does not name what it binds
            return missing - self.bound - vars(builtins).keys()
        return missing & failed.statement.binds | {
            f"{name}.{attribute}"
            for name, attribute in used
            if isinstance(failed.stand_ins.get(name), ModuleType) and attribute not in {*STAND_INS, ""}
        }

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
    file, line, _ = next(frame for frame in frames(failed.error) if not frame[0].startswith("<frozen"))
    if file != failed.statement.filename:  # an imported module imports it
        what, where = f"'{missing}'", f"{Path(file).name}:{line}, imported in {place}"
    top, *below = missing.split(".")
    remedy = _BY_ENVIRONMENT if below or top in PACKAGES else _BY_HELPERS
    return f"it needs {what} ({where}), a module that is not there: {remedy}"


def _error_line(error: BaseException) -> str:
    """An error in one line."""
    kind, message = described(error)
    return f"{kind}: {' '.join(message.split())[:200]}"
