"""Files that only help others: they have none of the functions, and a neighbour imports them."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path

from properties.worker.notebook import Cell, cells, parsed
from reference.contract import CONTRACTS

_IMPORT = re.compile(r"^\s*(?:from\s+\.*([\w.]+)\s+import\b|import\s+([^#\n]+))", re.MULTILINE)


def only_helping(files: Sequence[str], directory: Path) -> list[str]:
    """Those of some files, relative to `directory`, that only help others of them beside them.

    They are read, and not run: one has a function that a statement of it defines, assigns or imports.
    """
    sources = {file: _cells(directory / file) for file in files}
    imported = {
        (Path(file).parent, module)
        for file, source in sources.items()
        for cell in source
        for module in _imported(cell.source)
    }
    return [
        file
        for file, source in sources.items()
        if (Path(file).parent, Path(file).stem) in imported and not any(map(_has_a_function, source))
    ]


def _imported(source: str) -> set[str]:
    found = set()
    for package, modules in _IMPORT.findall(source):
        found |= {name.strip().partition(" ")[0].partition(".")[0] for name in (package, *modules.split(","))}
    return found - {""}


def _has_a_function(cell: Cell) -> bool:
    """Whether a cell gives one of the functions to anything: by its text, where it is not Python."""
    try:
        _, statements = parsed(cell)
    except (SyntaxError, ValueError):
        return any(name in cell.source for name in CONTRACTS)
    nodes = [node for statement in statements for node in ast.walk(statement)]
    return any(name in CONTRACTS for node in nodes for name in _given(node))


def _given(node: ast.AST) -> Sequence[str]:
    """The names that a node binds, and the attributes that it sets."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return (node.name,)
    if isinstance(node, ast.alias):
        return (node.asname or node.name,)
    if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
        return (node.id if isinstance(node, ast.Name) else node.attr,)
    return ()


def _cells(path: Path) -> Sequence[Cell]:
    """What is in a file, cell by cell; of a Python file that no notebook was exported to, it is one."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        return cells(path) or [Cell(text, str(path))]
    except (OSError, ValueError):
        return []
