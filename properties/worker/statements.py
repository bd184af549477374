"""The top-level statements of a file or a notebook."""

from __future__ import annotations
import __future__

import ast
import linecache
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

from properties.worker.definitions import defines
from properties.worker.notebook import Cell, cells, parsed

_A_DEFINITION = re.compile(r"^(?:def|class)\s+(\w+)", re.MULTILINE)
_MAYBE_ELSEWHERE = re.compile(r"\s*%%(?!time|capture|prun|memit|debug)")


@dataclass(frozen=True)
class Statement:
    """A statement, and its `place` for the user: `"In [3]"` or `"line 12"`.

    `binds` are the names that it binds at the top level. A `broken` statement stands for a cell with
    definitions that is not valid Python.
    """

    node: ast.stmt | None
    filename: str
    place: str
    binds: frozenset[str]
    in_notebook: bool = False
    flags: int = 0
    broken: SyntaxError | None = None

    @property
    def runs(self) -> bool:
        """Whether the statement is run: in a notebook, only definitions are."""
        return not self.in_notebook or self.node is None or defines(self.node)

    def code(self) -> CodeType:
        """The compiled statement. Raises `SyntaxError`."""
        if self.node is None:
            raise self.broken or SyntaxError("invalid syntax")
        module = ast.Module([self.node], type_ignores=[])
        code: CodeType = compile(module, self.filename, "exec", flags=self.flags, dont_inherit=True)
        return code


def statements(path: Path) -> list[Statement]:
    """The statements of a file in their order; `import a, b` counts as two.

    Raises `ValueError` if a notebook is not valid, `SyntaxError` if another file is not Python.
    """
    from_cells = cells(path)
    if not from_cells and path.suffix != ".ipynb":
        nodes: Sequence[ast.stmt] = ast.parse(path.read_bytes(), str(path)).body
        flags = _future(nodes)
        return [
            Statement(node, str(path), f"line {node.lineno}", frozenset(_bound(node)), flags=flags)
            for node in _one_import_each(nodes)
        ]
    found: list[Statement] = []
    flags = 0
    for cell in from_cells:
        try:
            source, nodes = parsed(cell)
        except SyntaxError as error:
            found += _broken(cell, error)
            continue
        if cell.name:
            linecache.cache[cell.filename] = (len(source), None, source.splitlines(True), cell.filename)
        flags |= _future(nodes)
        found += [
            Statement(
                node,
                cell.filename,
                cell.name or f"line {node.lineno}",
                frozenset(_bound(node)),
                in_notebook=True,
                flags=flags,
            )
            for node in _one_import_each(nodes)
        ]
    return found


def _broken(cell: Cell, error: SyntaxError) -> Iterator[Statement]:
    """A statement for a cell that is not Python and defines something."""
    names = _A_DEFINITION.findall(cell.source)
    if names and not _MAYBE_ELSEWHERE.match(cell.source):
        place = cell.name or f"line {error.lineno}"
        yield Statement(None, cell.filename, place, frozenset(names), in_notebook=True, broken=error)


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


def _bound(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement binds at the top level, without those of `import *`."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
            continue
        if isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            continue
        if isinstance(node, ast.alias) and node.name != "*":
            yield node.asname or node.name.partition(".")[0]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        waiting += ast.iter_child_nodes(node)
