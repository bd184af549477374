"""Reads a Python file, or the cells of a Jupyter notebook or of a Python file that was exported from one.

Of a notebook, only definitions are run, and not the experiments around them. This module uses the
standard library, because the worker must start fast: `nbformat` imports a schema validator.
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

_MARK = re.compile(r"^# ?(?:%%|In ?\[[\d *]*\]:)", re.MULTILINE)
"""The mark before a cell in a file that was exported by Jupytext, editors or nbconvert."""
_MAGIC = re.compile(r"^\s*[%!?]|\?\s*$|=\s*[%!]")
"""%magic, !command, ?help, help?, name = !command. Only lines that are not Python are matched."""
_ELSEWHERE = re.compile(
    r"\s*%%(!|(writefile|file|script|bash|sh|cmd|system|sx|python[23]?|pypy|perl|ruby|R"
    r"|html|HTML|javascript|js|latex|markdown|svg|SVG)\b)"
)
"""The magics of cells that run in another process or language, or not at all."""

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
_CONSTANT = (
    *(ast.Constant, ast.Name, ast.Attribute, ast.Lambda, ast.Compare, ast.BoolOp),
    *(ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp),
)


@dataclass(frozen=True)
class Cell:
    """The source of a cell, the file name with which it is compiled, and its name for the user.

    The `name` is empty in a Python file, which has line numbers instead. A file that is not `in_notebook` is
    one cell.
    """

    source: str
    filename: str
    name: str = ""
    in_notebook: bool = True


def cells(path: Path) -> list[Cell]:
    """The code cells of a notebook, or of a file that was exported from one; another file is one cell.

    The name of a cell is the prompt in Jupyter, `In [3]`, or its place among the code cells, `cell 3`, if it
    was never run or its prompt is not unique. A cell of an exported file keeps its line numbers.

    Raises `ValueError` if a file with the suffix of a notebook is not one, and `SyntaxError` if a Python file
    is no text.
    """
    if path.suffix == ".ipynb":
        return _notebook_cells(path)
    try:
        with tokenize.open(path) as file:
            text = file.read()
    except (SyntaxError, UnicodeDecodeError):
        ast.parse(path.read_bytes(), str(path))  # the compiler gives a better message
        raise
    starts = [mark.start() for mark in _MARK.finditer(text)]
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
    except ValueError as error:  # of the encoding, too
        raise ValueError(f"it is not a notebook: not valid JSON ({error}); {_REMEDY}") from None
    except (LookupError, TypeError, RecursionError):
        raise ValueError(f"it is not a notebook of format 4: it has no list of cells; {_REMEDY}") from None
    shown = Counter(counts)
    found = []
    for number, (source, count) in enumerate(zip(sources, counts), start=1):
        name = f"In [{count}]" if count is not None and shown[count] == 1 else f"cell {number}"
        found.append(Cell(source, f"{path} {name}", name))
    return found


def parsed(cell: Cell) -> tuple[str, Sequence[ast.stmt]]:
    """The source of a cell without magics, and its statements; empty for another language.

    Raises `SyntaxError` if it is not Python.
    """
    if not cell.in_notebook:
        return cell.source, ast.parse(cell.source, cell.filename).body
    if _ELSEWHERE.match(cell.source):
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
            # The magic, with its continuation lines, becomes `pass`; all lines keep their numbers.
            last = number
            while lines[last].endswith("\\") and last + 1 < len(lines):
                last += 1
            indent = lines[number][: -len(lines[number].lstrip())]
            lines[number : last + 1] = [f"{indent}pass", *[""] * (last - number)]


def defines(statement: ast.stmt) -> bool:
    """Whether a statement only defines functions, classes, imports or constants.

    This includes an `if` or a `try` that contains only such statements; the handlers of a `try` may do
    anything.
    """
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return _is_constant(statement.value)
    if isinstance(statement, ast.If):
        return _is_constant(statement.test) and all(map(defines, [*statement.body, *statement.orelse]))
    if isinstance(statement, ast.Try):
        return all(map(defines, [*statement.body, *statement.orelse, *statement.finalbody]))
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, (*DEFINITIONS, ast.Pass))


def _is_constant(value: ast.expr | None) -> bool:
    """Whether an expression runs no code of the notebook."""
    if isinstance(value, ast.Lambda):
        return True
    if isinstance(value, ast.Name) and value.id == "__name__":  # if __name__ == "__main__"
        return False
    return isinstance(value, _CONSTANT) and all(
        _is_constant(child) for child in ast.iter_child_nodes(value) if isinstance(child, ast.expr)
    )
