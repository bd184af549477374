"""Runs the top-level statements of a file or a notebook one by one, also after failures.

For each statement it is known which names it binds and uses, so that a name can be traced to the failed
statement that it needs.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import linecache
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from dis import Instruction, get_instructions
from functools import cached_property
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from properties.worker.errors import described, frames
from properties.worker.notebook import DEFINITIONS, cells, defines, parsed
from properties.worker.substitution import STAND_INS, missing_module, stand_ins

PACKAGES = frozenset(
    (
        *("autograd", "cupy", "flax", "h5py", "jax", "keras", "matplotlib", "mxnet", "numba", "onnx"),
        *("onnxruntime", "paddle", "pandas", "scipy", "seaborn", "sklearn", "sympy", "tensorflow", "theano"),
        *("tinygrad", "torch", "torchvision", "tqdm", "transformers"),
    )
)
"""Packages that a folder of helpers does not contain, so that `--helpers` is no remedy if one is missing."""

MOST_NOTES = 5
"""The most skipped statements in the notes."""

_DEFINITION = re.compile(r"^(?:def|class)\s+(\w+)", re.MULTILINE)
_MAYBE_ELSEWHERE = re.compile(r"\s*%%(?!time|capture|prun|memit|debug)")
_NOT_DEFINED = re.compile(r"name '(\w+)' is not defined.*")


@dataclass
class Statement:
    """A statement, and its `place` for the user: `"In [3]"` or `"line 12"`.

    If it fails, `error` says how, and `stand_ins` has what its names are bound to instead. A statement that
    has an error before it is run stands for the definitions of a cell that is not valid Python.
    """

    node: ast.stmt
    filename: str
    place: str
    in_notebook: bool
    flags: int
    error: Any = None
    stand_ins: Mapping[str, Any] = field(default_factory=dict)

    def run(self, namespace: dict[str, Any]) -> None:
        """Run the statement; of a notebook only definitions are run.

        A statement that fails unbinds the names that it would have bound: their earlier values do not count.
        In a notebook, a constant that depends on a statement that was not run is no failure.
        """
        if self.in_notebook and not defines(self.node):
            return
        try:
            if self.error is not None:
                raise self.error
            exec(self._code, namespace)
        except BaseException as error:
            is_constant = self.in_notebook and not isinstance(self.node, DEFINITIONS)
            if is_constant and isinstance(error, (NameError, AttributeError)):
                return
            self.error, self.stand_ins = error, stand_ins(self.node, error)
            for name in self.binds:
                namespace.pop(name, None)
            namespace.update(self.stand_ins)

    @cached_property
    def binds(self) -> frozenset[str]:
        """The names that it binds at the top level, without those of `import *`."""
        try:
            return frozenset(each.argval for each in _instructions(self._code) if each.opname == "STORE_NAME")
        except SyntaxError:  # found by the compiler in a valid syntax tree, such as two arguments of one name
            name = getattr(self.node, "name", None)
            return frozenset([name] if isinstance(name, str) else [])

    @cached_property
    def uses(self) -> frozenset[tuple[str, str]]:
        """The global names in its code, each with the attribute that is read of it, or with an empty text."""
        try:
            return frozenset(_used(self._code))
        except SyntaxError:
            return frozenset()

    @cached_property
    def _code(self) -> CodeType:
        module = ast.Module([self.node], type_ignores=[])
        code: CodeType = compile(module, self.filename, "exec", flags=self.flags, dont_inherit=True)
        return code


class RunStatements:
    """The statements of a file, which are run in a namespace. `failed` are those that fail.

    Raises `ValueError` if a notebook is not valid, `SyntaxError` if another file is not Python.
    """

    def __init__(self, path: Path, namespace: dict[str, Any]) -> None:
        self._statements = [*_statements(path)]
        self._namespace = namespace
        for each in self._statements:
            each.run(namespace)
        self.failed = [each for each in self._statements if each.error is not None]

    @cached_property
    def bound(self) -> frozenset[str]:
        """The names that the statements bind."""
        return frozenset(name for each in self._statements for name in each.binds)

    def why_lacking(self, name: str) -> str:
        """Why a name cannot be used: the failure on which it depends; empty if it can be used."""
        used = self._needs([name])
        found = ((failed, self._missing_names(failed, used)) for failed in self.failed)
        return next((_why(failed, missing) for failed, missing in found if missing), "")

    def notes(self, names: Iterable[str]) -> list[str]:
        """A line for each failed statement that was skipped or has a stand-in."""
        used = self._needs(names)
        replaced: list[str] = []
        skipped: dict[str, str] = {}
        for failed in self.failed:
            here = {name for name, value in failed.stand_ins.items() if self._namespace.get(name) is value}
            ours = {attribute or name for name, attribute in used if name in here}
            if ours:
                functions = " and ".join(sorted(ours))
                replaced.append(f"{missing_module(failed.error)} is missing: replaced by our own {functions}")
            elif not self._is_consequence(failed):
                skipped.setdefault(failed.place, f"skipped {failed.place}: {_error_line(failed)}")
        lines = [*skipped.values()]
        more = [f"and {len(lines) - MOST_NOTES} more"] if len(lines) > MOST_NOTES else []
        return [*replaced, *lines[:MOST_NOTES], *more]

    def _needs(self, names: Iterable[str]) -> set[tuple[str, str]]:
        """The names, and all that they use, directly or indirectly, as in `Statement.uses`."""
        found: set[tuple[str, str]] = set()
        waiting = [(name, "") for name in names]
        while waiting:
            used = waiting.pop()
            if used not in found:
                found.add(used)
                waiting += [pair for each in self._statements if used[0] in each.binds for pair in each.uses]
        return found

    def _missing_names(self, failed: Statement, used: Iterable[tuple[str, str]]) -> set[str]:
        """The used names that this failed statement would have bound."""
        missing = {name for name, _ in used if name not in self._namespace}
        if isinstance(failed.node, ast.ImportFrom) and failed.node.names[0].name == "*":
            return missing - self.bound - vars(builtins).keys()  # it does not name what it binds
        return missing & failed.binds | {
            f"{name}.{attribute}"
            for name, attribute in used
            if isinstance(failed.stand_ins.get(name), ModuleType) and attribute not in {*STAND_INS, ""}
        }

    def _is_consequence(self, failed: Statement) -> bool:
        """Whether it failed because of a name that another failed statement would have bound."""
        found = _NOT_DEFINED.fullmatch(_error_line(failed).partition(": ")[2])
        return found is not None and any(found[1] in each.binds for each in self.failed if each is not failed)


def _why(failed: Statement, wanted: set[str]) -> str:
    missing = missing_module(failed.error)
    if not missing:
        return f"it needs {failed.place}, which fails: {_error_line(failed)}"
    what, where = f"{', '.join(sorted(wanted))} of '{missing}'", failed.place
    file, line, _ = next(frame for frame in frames(failed.error) if not frame[0].startswith("<frozen"))
    if file != failed.filename:  # an imported module imports it
        what, where = f"'{missing}'", f"{Path(file).name}:{line}, imported in {failed.place}"
    top, *below = missing.split(".")
    remedy = "name an environment that has it by --python PATH"
    if not below and top not in PACKAGES:
        remedy = "name a folder that has it by --helpers DIR, or an environment by --python PATH"
    return f"it needs {what} ({where}), a module that is not there: {remedy}"


def _error_line(failed: Statement) -> str:
    """The error of a failed statement in one line."""
    kind, message = described(failed.error)
    return f"{kind}: {' '.join(message.split())[:200]}"


def _statements(path: Path) -> Iterator[Statement]:
    """The statements of a file in their order; `import a, b` counts as two."""
    flags = 0
    for cell in cells(path):
        broken = None
        try:
            source, nodes = parsed(cell)
        except SyntaxError as error:
            if not cell.in_notebook:
                raise
            names = [] if _MAYBE_ELSEWHERE.match(cell.source) else _DEFINITION.findall(cell.source)
            stub = "\n" * ((error.lineno or 1) - 1) + "".join(f"{name} = " for name in names) + "None"
            source, nodes, broken = cell.source, ast.parse(stub).body if names else [], error
        if cell.name:
            linecache.cache[cell.filename] = (len(source), None, source.splitlines(True), cell.filename)
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                for alias in node.names:
                    flags |= getattr(getattr(__future__, alias.name, None), "compiler_flag", 0)
        for node in nodes:
            place = cell.name or f"line {node.lineno}"
            names = node.names if isinstance(node, ast.Import) else []
            parts: list[ast.stmt] = [ast.Import([alias]) for alias in names]
            for each in parts or [node]:
                alone = ast.copy_location(each, node)
                yield Statement(alone, cell.filename, place, cell.in_notebook, flags, broken)


def _instructions(code: CodeType) -> list[Instruction]:
    return [each for each in get_instructions(code) if each.opname != "EXTENDED_ARG"]


def _used(code: CodeType) -> Iterator[tuple[str, str]]:
    """The global names that code uses, with those of its functions and classes."""
    instructions = _instructions(code)
    for each, following in zip(instructions, [*instructions[1:], None]):
        if each.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            reads = following is not None and following.opname in ("LOAD_ATTR", "LOAD_METHOD")
            yield each.argval, following.argval if following and reads else ""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _used(constant)
