"""Runs the top-level statements of a file or a notebook one by one, and goes on after a statement that fails.

If a function cannot be used, this module finds the failed statement that the function needs, from the names
that each statement binds and uses.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import linecache
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from dis import get_instructions
from functools import cached_property
from pathlib import Path
from traceback import walk_tb
from types import CodeType, ModuleType
from typing import Any

from properties.worker.errors import describe, frames_of, traceback_of
from properties.worker.notebook import DEFINITIONS, cells, only_defines, parse
from properties.worker.substitution import STAND_INS, missing_module, stand_ins_for_import
from reference.contract import NETWORKS

_PUBLISHED = frozenset(
    (
        *("autograd", "cupy", "flax", "h5py", "jax", "keras", "matplotlib", "mxnet", "numba", "onnx"),
        *("onnxruntime", "paddle", "pandas", "scipy", "seaborn", "sklearn", "sympy", "tensorflow", "theano"),
        *("tinygrad", "torch", "torchvision", "tqdm", "transformers"),
    )
)
"""Published packages: if one of these is missing, the message does not suggest `--helpers`."""

MOST_NOTES = 5
"""The largest number of skipped statements that the notes list."""

_DEFINITION = re.compile(r"^(?:def|class)\s+(\w+)", re.MULTILINE)
_ASSIGNMENT = re.compile(r"(?:^|;)[ \t]*(\w+(?:[ \t]*,[ \t]*\w+)*)[ \t]*=(?!=)", re.MULTILINE)
_MAYBE_FOREIGN = re.compile(r"\s*%%(?!time|capture|prun|memit|debug)")
_NOT_DEFINED = re.compile(r"name '(\w+)' is not defined.*")


@dataclass
class Statement:
    """A statement, and its `place` for the user: `"In [3]"` or `"line 12"`.

    `error` is the error that the statement raised, if any. After a failed import, `stand_ins` has the values
    that its names got instead. A cell that is not valid Python becomes one statement that binds the names of
    its definitions, with the `SyntaxError` as `error` from the start, and the names to which it `assigns`.
    `flags` are flags for the compiler.
    """

    node: ast.stmt
    filename: str
    place: str
    in_notebook: bool
    flags: int
    error: Any = None
    assigns: frozenset[str] = frozenset()
    stand_ins: Mapping[str, Any] = field(default_factory=dict)
    was_run: bool = False

    def run(self, namespace: dict[str, Any]) -> None:
        """Run the statement. A statement of a notebook is run only if `only_defines` holds.

        A statement that fails unbinds the names that it would have bound, since their earlier values would be
        wrong. In a notebook, a constant may need a name from a statement that was not run; this is no
        failure.
        """
        if self.in_notebook and not only_defines(self.node):
            return
        try:
            if self.error is not None:
                raise self.error
            exec(self._code, namespace)
            self.was_run = True
        except BaseException as error:
            is_constant = self.in_notebook and not isinstance(self.node, DEFINITIONS)
            if is_constant and isinstance(error, (NameError, AttributeError)):
                return
            self.error, self.stand_ins = error, stand_ins_for_import(self.node, error)
            for name in self.binds:
                namespace.pop(name, None)
            namespace.update(self.stand_ins)

    @cached_property
    def binds(self) -> frozenset[str]:
        """The names that the statement binds at the top level, except those of `import *`."""
        try:
            stored = [each for each in get_instructions(self._code) if each.opname == "STORE_NAME"]
            return frozenset(each.argval for each in stored)
        except SyntaxError:  # the compiler rejects some valid syntax trees, such as two arguments of one name
            name = getattr(self.node, "name", None)
            return frozenset([name] if isinstance(name, str) else [])

    @cached_property
    def uses(self) -> frozenset[tuple[str, str]]:
        """Pairs of a global name that the statement uses and the attribute that is read of it, or ""."""
        try:
            return frozenset(_global_uses(self._code))
        except SyntaxError:
            return frozenset()

    @cached_property
    def _code(self) -> CodeType:
        module = ast.Module([self.node], type_ignores=[])
        code: CodeType = compile(module, self.filename, "exec", flags=self.flags, dont_inherit=True)
        return code


class RunStatements:
    """Runs the statements of a file in a namespace. `failed` has the statements that failed.

    Raises `ValueError` if a notebook is not valid, and `SyntaxError` if a Python file is not Python.
    """

    def __init__(self, path: Path, namespace: dict[str, Any]) -> None:
        self._statements = [*_statements(path)]
        self._namespace = namespace
        for each in self._statements:
            each.run(namespace)
        self.failed = [each for each in self._statements if each.error is not None]

    @cached_property
    def bound_names(self) -> frozenset[str]:
        """The names that the statements bind, or would have bound."""
        return frozenset(name for each in self._statements for name in each.binds | each.assigns)

    def hint(self, error: BaseException) -> str:
        """Which cell that was not run would have defined what a call misses; empty if no cell would."""
        undefined = _NOT_DEFINED.fullmatch(describe(error)[1])
        used = {name for frame, _ in walk_tb(traceback_of(error)) for name in frame.f_code.co_names}
        for each in self._statements if undefined or isinstance(error, KeyError) else ():
            found = {undefined[1]} & each.binds if undefined else used & _filled(each.node)
            if found and each.in_notebook and not each.was_run:
                where = f"only in {each.place}, a cell that is not part of the functions"
                return f"; {min(found)} is defined {where}"
        return ""

    def why_lacking(self, name: str) -> str:
        """Why a name cannot be used: the failed statement that it needs; empty if the name can be used."""
        uses = self._uses_of([name])
        for failed in self.failed:
            if missing := self._missing_names(failed, uses):
                return _why(failed, missing)
        return ""

    def notes(self, names: Iterable[str]) -> list[str]:
        """Lines on failed statements, without consequences of others and imports that no name uses."""
        uses = self._uses_of(names)
        replaced: list[str] = []
        skipped: dict[str, str] = {}
        for failed in self.failed:
            bound = {name for name, value in failed.stand_ins.items() if self._namespace.get(name) is value}
            if functions := {attribute or name for name, attribute in uses if name in bound}:
                module, ours = missing_module(failed.error), " and ".join(sorted(functions))
                replaced.append(f"{module} is missing: replaced by our own {ours}")
            elif (failed.binds or not failed.assigns) and not self._is_consequence(failed):
                skipped.setdefault(failed.place, f"skipped {failed.place}: {_error_line(failed)}")
        lines = [*skipped.values()]
        lines[MOST_NOTES:] = [f"and {len(lines) - MOST_NOTES} more"] if len(lines) > MOST_NOTES else []
        return [*replaced, *lines]

    def _uses_of(self, names: Iterable[str]) -> set[tuple[str, str]]:
        """These names, and all names that they use, directly or indirectly; pairs as in `Statement.uses`."""
        uses: set[tuple[str, str]] = set()
        waiting = [(name, "") for name in names]
        while waiting:
            use = waiting.pop()
            if use not in uses:
                uses.add(use)
                waiting += [pair for each in self._statements if use[0] in each.binds for pair in each.uses]
        return uses

    def _missing_names(self, failed: Statement, uses: Iterable[tuple[str, str]]) -> set[str]:
        """The names among `uses` that this failed statement would have bound."""
        missing = {name for name, _ in uses if name not in self._namespace}
        if isinstance(failed.node, ast.ImportFrom) and failed.node.names[0].name == "*":
            # `import *` would have bound every name that nothing else binds, except those of parameters.
            parameters = (name for network in NETWORKS.values() for name in network.parameters)
            return missing - self.bound_names - {*vars(builtins), *parameters}
        return missing & (failed.binds | failed.assigns) | {
            f"{name}.{attribute}"
            for name, attribute in uses
            if isinstance(failed.stand_ins.get(name), ModuleType) and attribute not in {*STAND_INS, ""}
        }

    def _is_consequence(self, failed: Statement) -> bool:
        """Whether a statement failed because of a name that another failed statement would have bound."""
        name = _NOT_DEFINED.fullmatch(_error_line(failed).partition(": ")[2])
        return name is not None and any(name[1] in each.binds for each in self.failed if each is not failed)


def _filled(node: ast.stmt) -> set[str]:
    """The names of the lists and dicts to whose entries a statement assigns."""
    entries = [each for each in ast.walk(node) if isinstance(each, ast.Subscript)]
    return {getattr(each.value, "id", "") for each in entries if isinstance(each.ctx, ast.Store)}


def _why(failed: Statement, names: set[str]) -> str:
    missing = missing_module(failed.error)
    if not missing:
        return f"it needs {failed.place}, which fails: {_error_line(failed)}"
    what, where = f"{', '.join(sorted(names))} of '{missing}'", failed.place
    file, line, _ = next(frame for frame in frames_of(failed.error) if not frame[0].startswith("<frozen"))
    if file != failed.filename:  # a module that the statement imports needs the missing module
        what, where = f"'{missing}'", f"{Path(file).name}:{line}, imported in {failed.place}"
    remedy = "name an environment that has it by --python PATH"
    if "." not in missing and missing not in _PUBLISHED:
        remedy = "name a folder that has it by --helpers DIR, or an environment by --python PATH"
    return f"it needs {what} ({where}), a module that is not there: {remedy}"


def _error_line(failed: Statement) -> str:
    kind, message = describe(failed.error)
    return f"{kind}: {' '.join(message.split())[:200]}"


def _statements(path: Path) -> Iterator[Statement]:
    """The statements of a file in their order; `import a, b` becomes two statements."""
    flags = 0
    for cell in cells(path):
        syntax_error, assigned = None, frozenset[str]()
        try:
            source, nodes = parse(cell)
        except SyntaxError as error:
            if not cell.in_notebook:
                raise
            names = [] if _MAYBE_FOREIGN.match(cell.source) else _DEFINITION.findall(cell.source)
            stub = "\n" * ((error.lineno or 1) - 1) + "".join(f"{name} = " for name in names) + "None"
            assigned = frozenset(re.findall(r"\w+", " ".join(_ASSIGNMENT.findall(cell.source))))
            nodes = ast.parse(stub).body if names or assigned else []
            source, syntax_error = cell.source, error
        if cell.name:
            linecache.cache[cell.filename] = (len(source), None, source.splitlines(True), cell.filename)
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                for alias in node.names:
                    flags |= getattr(getattr(__future__, alias.name, None), "compiler_flag", 0)
        for node in nodes:
            place = cell.name or f"line {node.lineno}"
            names = node.names if isinstance(node, ast.Import) else []
            imports: list[ast.stmt] = [ast.Import([alias]) for alias in names]
            for each in imports or [node]:
                located = ast.copy_location(each, node)
                yield Statement(
                    located, cell.filename, place, cell.in_notebook, flags, syntax_error, assigned
                )


def _global_uses(code: CodeType) -> Iterator[tuple[str, str]]:
    """The global names that code and the functions and classes in it use, as in `Statement.uses`."""
    instructions = [each for each in get_instructions(code) if each.opname != "EXTENDED_ARG"]
    for each, following in zip(instructions, [*instructions[1:], None]):
        if each.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            reads = following is not None and following.opname in ("LOAD_ATTR", "LOAD_METHOD")
            yield each.argval, following.argval if following and reads else ""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _global_uses(constant)
