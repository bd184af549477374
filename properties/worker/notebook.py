"""Reads the cells of a Jupyter notebook or of a Python file exported from a notebook, and plain Python files.

Only the definitions in a notebook are run, and not its experiments. This module does not use
`nbformat`, because the worker must start fast, and `nbformat` imports a schema validator.
"""

from __future__ import annotations

import ast
import json
import re
import tokenize
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_CELL_MARK = re.compile(r"^# ?(?:%%|In ?\[[\d *]*\]:)", re.MULTILINE)
"""The mark before a cell in a file that was exported by Jupytext, an editor or nbconvert."""
_MAGIC = re.compile(r"^\s*[%!?]|\?\s*$|=\s*[%!]")
"""%magic, !command, ?help, help?, name = !command. Only lines that are not Python are searched for magics."""
_FOREIGN_CELL = re.compile(
    r"\s*%%(!|(writefile|file|script|bash|sh|cmd|system|sx|python[23]?|pypy|perl|ruby|R"
    r"|html|HTML|javascript|js|latex|markdown|svg|SVG)\b)"
)
"""The magics of cells that run in another process or language, or do not run."""

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
_CONSTANT_NODES = (
    *(ast.Constant, ast.Name, ast.Attribute, ast.Lambda, ast.Compare, ast.BoolOp),
    *(ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp),
)


@dataclass(frozen=True)
class Cell:
    """The source of a cell, the file name for the compiler, and the name of the cell for the user.

    The `name` is empty for a cell of a Python file: the user sees line numbers instead. `in_notebook` is
    false for a plain Python file, which is one cell.
    """

    source: str
    filename: str
    name: str = ""
    in_notebook: bool = True


def cells(path: Path) -> list[Cell]:
    """Read the code cells of a notebook or of an exported file. A plain Python file is one cell.

    The name of a cell is its prompt in Jupyter, `In [3]`. A cell that was never run, or whose prompt is not
    unique, is named by its position among the code cells, `cell 3`. A cell of an exported file has no name,
    and keeps its line numbers.

    Raises `ValueError` if an `.ipynb` file is no notebook, and `SyntaxError` if a Python file is no text.
    """
    if path.suffix == ".ipynb":
        return _notebook_cells(path)
    try:
        with tokenize.open(path) as file:
            text = file.read()
    except (SyntaxError, UnicodeDecodeError):
        ast.parse(path.read_bytes(), str(path))  # the compiler gives a better message
        raise
    starts = [mark.start() for mark in _CELL_MARK.finditer(text)]
    if not starts:
        return [Cell(text, str(path), in_notebook=False)]
    ends = [*starts, len(text)]
    return [
        Cell("\n" * text.count("\n", 0, start) + text[start:end], str(path))
        for start, end in zip([0, *starts], ends)
    ]


_REMEDY = "save it in Jupyter again"


def _notebook_cells(path: Path) -> list[Cell]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        code = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
        sources = ["".join(cell["source"]) for cell in code]  # a text or a list of lines
        counts = [count if type(count := cell.get("execution_count")) is int else None for cell in code]
    except ValueError as error:  # of JSON, or of UTF-8
        raise ValueError(f"it is not a notebook: not valid JSON ({error}); {_REMEDY}") from None
    except (LookupError, TypeError, RecursionError):
        raise ValueError(f"it is not a notebook of format 4: it has no list of cells; {_REMEDY}") from None
    occurrences = Counter(counts)
    names = [
        f"In [{count}]" if count is not None and occurrences[count] == 1 else f"cell {number}"
        for number, count in enumerate(counts, start=1)
    ]
    return [Cell(source, f"{path} {name}", name) for source, name in zip(sources, names)]


def parse(cell: Cell) -> tuple[str, Sequence[ast.stmt]]:
    """Return the source of a cell without magics, and its statements; both are empty for a `_FOREIGN_CELL`.

    Raises `SyntaxError` if the source is not Python.
    """
    if not cell.in_notebook:
        return cell.source, ast.parse(cell.source, cell.filename).body
    if _FOREIGN_CELL.match(cell.source):
        return "", []
    lines = cell.source.replace("\r\n", "\n").split("\n")
    while True:
        source = "\n".join(lines)
        try:
            return source, ast.parse(source, cell.filename).body
        except SyntaxError as error:
            number = (error.lineno or 0) - 1
            if number not in range(len(lines)) or not _MAGIC.search(lines[number]):
                raise
            # `pass` replaces the magic, and empty lines its continuation lines: lines keep their numbers.
            last = number
            while lines[last].endswith("\\") and last + 1 < len(lines):
                last += 1
            indent = lines[number][: -len(lines[number].lstrip())]
            lines[number : last + 1] = [f"{indent}pass", *[""] * (last - number)]


def only_defines(statement: ast.stmt) -> bool:
    """Whether a statement does nothing but define functions, classes, imports or constants.

    This holds for an `if` or a `try` whose statements only define; the handlers of a `try` may do anything.
    """
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return _is_constant(statement.value)
    if isinstance(statement, ast.If):
        return _is_constant(statement.test) and all(map(only_defines, [*statement.body, *statement.orelse]))
    if isinstance(statement, ast.Try):
        return all(map(only_defines, [*statement.body, *statement.orelse, *statement.finalbody]))
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, (*DEFINITIONS, ast.Pass))


def _is_constant(value: ast.expr | None) -> bool:
    """Whether an expression contains no call, and does not use `__name__`."""
    if isinstance(value, ast.Lambda):
        return True
    if isinstance(value, ast.Name) and value.id == "__name__":  # in if __name__ == "__main__"
        return False
    return isinstance(value, _CONSTANT_NODES) and all(
        _is_constant(child) for child in ast.iter_child_nodes(value) if isinstance(child, ast.expr)
    )
