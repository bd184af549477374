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
_MAGIC = re.compile(
    r"""^(\s*)(?:
    [%!?](?:[^\n]*\\\n)*[^\n]*       # %magic, !command, perhaps continued, or ?help
    | [\w.]+\?{1,2}[^\S\n]*$         # help?
    | [\w.,\ \[\]]+=\s*[%!][^\n]*   # name = !command
    )""",
    re.MULTILINE | re.VERBOSE,
)
_ELSEWHERE = re.compile(
    r"\s*%%(!|(writefile|file|script|bash|sh|cmd|system|sx|python[23]?|pypy|perl|ruby|R"
    r"|html|HTML|javascript|js|latex|markdown|svg|SVG)\b)"
)
"""How a cell begins that runs in another process, in another language, or not at all."""
_A_DEFINITION = re.compile(r"^\s*(def|class)\s", re.MULTILINE)


def run_definitions(path: Path, namespace: dict[str, Any]) -> None:
    """Run the functions, classes, imports and constants that the code cells define, in their order.

    Also where they are all that an `if` or a `try` has in it. Everything else is left out: magics, calls,
    loops, and a constant made of what was left out. The n-th cell is compiled as `PATH[n]`, so that a
    traceback names it.

    Raises `ValueError` if the file is no notebook, `SyntaxError` for a cell that has definitions and is
    not Python, and whatever a definition raises.
    """
    for number, source in enumerate(_code_cells(path), start=1):
        filename = f"{path}[{number}]"
        for statement in filter(_defines, _statements(source, filename)):
            code = compile(ast.Module([statement], type_ignores=[]), filename, "exec")
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
    try:
        return ast.parse(source, filename).body
    except SyntaxError:
        pass
    try:
        return ast.parse(_MAGIC.sub(_left_out, source), filename).body
    except SyntaxError:
        if _A_DEFINITION.search(source):
            raise
        return []


def _left_out(magic: re.Match[str]) -> str:
    """A statement as long as the magic, so that the lines after it keep their numbers."""
    return f"{magic[1]}pass" + "\n" * magic[0].lstrip().count("\n")


def _defines(statement: ast.stmt) -> bool:
    """Whether all that it does is to define something."""
    match statement:
        case ast.Assign() | ast.AnnAssign():
            return _is_constant(statement.value)
        case ast.If(test=test, body=body, orelse=orelse):
            return _is_constant(test) and all(map(_defines, [*body, *orelse]))
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
            handled = [inner for handler in handlers for inner in handler.body]
            return all(map(_defines, [*body, *handled, *orelse, *finalbody]))
    return isinstance(statement, (*_DEFINITIONS, ast.Pass))


def _is_constant(value: ast.expr | None) -> bool:
    """Whether computing a value runs none of the notebook's own code."""
    if isinstance(value, ast.Lambda):
        return True
    return isinstance(value, _CONSTANT) and all(
        _is_constant(child) for child in ast.iter_child_nodes(value) if isinstance(child, ast.expr)
    )
