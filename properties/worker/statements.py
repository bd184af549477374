"""The top-level statements of a file or a notebook, with the names that each binds and uses."""

from __future__ import annotations
import __future__

import ast
import linecache
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from dis import Instruction, get_instructions
from functools import cached_property
from pathlib import Path
from types import CodeType
from typing import Any

from properties.worker.definitions import defines
from properties.worker.notebook import cells, parsed

_A_DEFINITION = re.compile(r"^(?:def|class)\s+(\w+)", re.MULTILINE)
_MAYBE_ELSEWHERE = re.compile(r"\s*%%(?!time|capture|prun|memit|debug)")


@dataclass(frozen=True)
class Statement:
    """A statement, and its `place` for the user: `"In [3]"` or `"line 12"`.

    A statement with an `error` stands for the definitions of a cell that is not valid Python.
    """

    node: ast.stmt
    filename: str
    place: str
    in_notebook: bool
    flags: int
    error: SyntaxError | None = None

    @property
    def runs(self) -> bool:
        """Whether the statement is run: in a notebook, only definitions are."""
        return not self.in_notebook or defines(self.node)

    def run(self, namespace: dict[str, Any]) -> None:
        """Run the statement; raises what its code raises, and `SyntaxError`."""
        if self.error:
            raise self.error
        exec(self._code, namespace)

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


def statements(path: Path) -> list[Statement]:
    """The statements of a file in their order; `import a, b` counts as two.

    Raises `ValueError` if a notebook is not valid, `SyntaxError` if another file is not Python.
    """
    found: list[Statement] = []
    flags = 0
    for cell in cells(path):
        broken = None
        try:
            source, nodes = parsed(cell)
        except SyntaxError as error:
            if not cell.in_notebook:
                raise
            names = [] if _MAYBE_ELSEWHERE.match(cell.source) else _A_DEFINITION.findall(cell.source)
            stub = "\n" * ((error.lineno or 1) - 1) + "".join(f"{name} = " for name in names) + "None"
            source, nodes, broken = cell.source, ast.parse(stub).body if names else [], error
        if cell.name:
            linecache.cache[cell.filename] = (len(source), None, source.splitlines(True), cell.filename)
        flags |= _future(nodes)
        for node in _one_import_each(nodes):
            place = cell.name or f"line {node.lineno}"
            found.append(Statement(node, cell.filename, place, cell.in_notebook, flags, broken))
    return found


def needs(roots: Iterable[str], statements: Sequence[Statement]) -> set[tuple[str, str]]:
    """The roots and all names that they use, directly or indirectly, as in `Statement.uses`. Runs no code."""
    found: set[tuple[str, str]] = set()
    waiting = [(root, "") for root in roots]
    while waiting:
        used = waiting.pop()
        if used not in found:
            found.add(used)
            waiting += [pair for each in statements if used[0] in each.binds for pair in each.uses]
    return found


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


def _one_import_each(nodes: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (ast.copy_location(ast.Import([alias]), node) for alias in node.names)
        else:
            yield node


def _future(nodes: Sequence[ast.stmt]) -> int:
    """The compiler flags of `from __future__ import …` among some statements."""
    flags = 0
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                flags |= getattr(getattr(__future__, alias.name, None), "compiler_flag", 0)
    return flags
