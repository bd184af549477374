"""The definitions in a Jupyter notebook, without the experiments around them.

A notebook is JSON, and its code cells are all that is wanted of it: the standard library reads them in a
process that must start fast, where `nbformat` would bring a JSON schema validator along.
"""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
_CONSTANT = (
    *(ast.Constant, ast.Name, ast.Attribute, ast.Lambda),
    *(ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp),
)
_MAGIC = re.compile(r"^(\s*)[%!?].*", re.MULTILINE)
_A_DEFINITION = re.compile(r"^\s*(def|class)\s", re.MULTILINE)


def run_definitions(path: Path, namespace: dict[str, Any]) -> None:
    """Run the functions, classes, imports and constants that the code cells define, in their order.

    Everything else is left out: magics, calls, loops, and a constant made of what was left out. The n-th
    cell is compiled as `PATH[n]`, so that a traceback names it.

    Raises `ValueError` if the file is no notebook, `SyntaxError` for a cell that has definitions and is
    not Python, and whatever a definition raises.
    """
    for number, source in enumerate(_code_cells(path), start=1):
        filename = f"{path}[{number}]"
        for statement in _statements(source, filename):
            code = compile(ast.Module([statement], type_ignores=[]), filename, "exec")
            if isinstance(statement, _DEFINITIONS):
                exec(code, namespace)
            elif isinstance(statement, (ast.Assign, ast.AnnAssign)) and _is_constant(statement.value):
                try:
                    exec(code, namespace)
                except (NameError, AttributeError):
                    continue


def _code_cells(path: Path) -> Iterator[str]:
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for cell in cells:
            if cell["cell_type"] == "code":
                yield "".join(cell["source"])  # a text or a list of lines
    except (ValueError, LookupError, TypeError, RecursionError):
        raise ValueError("it is not a notebook of format 4") from None


def _statements(source: str, filename: str) -> list[ast.stmt]:
    """The statements of a cell, none where it is written in another language."""
    try:
        return ast.parse(source, filename).body
    except SyntaxError:
        pass
    try:
        return ast.parse(_MAGIC.sub(r"\1pass", source), filename).body
    except SyntaxError:
        if _A_DEFINITION.search(source):
            raise
        return []


def _is_constant(value: ast.expr | None) -> bool:
    """Whether computing a value runs none of the notebook's own code."""
    if isinstance(value, ast.Lambda):
        return True
    return isinstance(value, _CONSTANT) and all(
        _is_constant(child) for child in ast.iter_child_nodes(value) if isinstance(child, ast.expr)
    )
