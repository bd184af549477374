"""The definitions in a Jupyter notebook, without the experiments around them.

A notebook is JSON, and its code cells are all that is wanted of it: the standard library reads them in a
process that must start fast, where `nbformat` would bring a JSON schema validator along.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
_CONSTANT = (
    *(ast.Constant, ast.Name, ast.Attribute, ast.Lambda, ast.Compare, ast.BoolOp),
    *(ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp),
)
_MAGIC = re.compile(r"^\s*[%!?]|\?\s*$|=\s*[%!]")
"""%magic, !command, ?help; help?; name = !command. It is asked only of lines that are not Python."""
_ELSEWHERE = re.compile(
    r"\s*%%(!|(writefile|file|script|bash|sh|cmd|system|sx|python[23]?|pypy|perl|ruby|R"
    r"|html|HTML|javascript|js|latex|markdown|svg|SVG)\b)"
)
"""How a cell begins that runs in another process, in another language, or not at all."""
_MAYBE_ELSEWHERE = re.compile(r"\s*%%(?!time|capture|prun|memit|debug)")
_A_DEFINITION = re.compile(r"^\s*(def|class)\s", re.MULTILINE)


def run_definitions(path: Path, namespace: dict[str, Any]) -> None:
    """Run the functions, classes, imports and constants that the code cells define, in their order.

    Also where they are all that an `if` has in it, or a `try`, whose handlers may do anything. Everything
    else is left out: magics, calls, loops, and a constant made of what was left out. The n-th cell is
    compiled as `PATH[n]`, so that a traceback names it.

    Raises `ValueError` if the file is no notebook, `SyntaxError` for a cell that has definitions and is
    not Python, and whatever a definition raises.
    """
    for number, source in enumerate(_code_cells(path), start=1):
        filename = f"{path}[{number}]"
        for statement in filter(_defines, _statements(source, filename)):
            code = compile(ast.Module([statement], type_ignores=[]), filename, "exec", dont_inherit=True)
            try:
                exec(code, namespace)
            except (NameError, AttributeError):
                if isinstance(statement, _DEFINITIONS):
                    raise


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
    if _ELSEWHERE.match(source):
        return []
    lines = source.replace("\r\n", "\n").split("\n")
    while True:
        try:
            return ast.parse("\n".join(lines), filename).body
        except SyntaxError as error:
            number = (error.lineno or 0) - 1
            if number in range(len(lines)) and _MAGIC.search(lines[number]):
                _leave_out(lines, number)
            elif _A_DEFINITION.search(source) and not _MAYBE_ELSEWHERE.match(source):
                raise
            else:
                return []


def _leave_out(lines: list[str], number: int) -> None:
    """Put `pass` in the place of a magic, which ends where no line goes on; the others keep their numbers."""
    indent = lines[number][: -len(lines[number].lstrip())]
    last = number
    while lines[last].endswith("\\") and last + 1 < len(lines):
        last += 1
    lines[number : last + 1] = [f"{indent}pass", *[""] * (last - number)]


def _defines(statement: ast.stmt) -> bool:
    """Whether all that it does is to define something."""
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return _is_constant(statement.value)
    if isinstance(statement, ast.If):
        return _is_constant(statement.test) and all(map(_defines, [*statement.body, *statement.orelse]))
    if isinstance(statement, ast.Try):  # whatever it does where that fails
        return all(map(_defines, [*statement.body, *statement.orelse, *statement.finalbody]))
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, (*_DEFINITIONS, ast.Pass))


def _is_constant(value: ast.expr | None) -> bool:
    """Whether computing a value runs none of the notebook's own code."""
    if isinstance(value, ast.Lambda):
        return True
    if isinstance(value, ast.Name) and value.id == "__name__":  # what a script does, and a module does not
        return False
    return isinstance(value, _CONSTANT) and all(
        _is_constant(child) for child in ast.iter_child_nodes(value) if isinstance(child, ast.expr)
    )
