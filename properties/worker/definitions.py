"""What of a notebook is run: what only defines something, without the experiments around it."""

from __future__ import annotations

import ast

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
_CONSTANT = (
    *(ast.Constant, ast.Name, ast.Attribute, ast.Lambda, ast.Compare, ast.BoolOp),
    *(ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp),
)


def defines(statement: ast.stmt) -> bool:
    """Whether all that a statement does is to define something: functions, classes, imports, constants.

    Also where they are all that an `if` has in it, or a `try`, whose handlers may do anything.
    """
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return _is_constant(statement.value)
    if isinstance(statement, ast.If):
        return _is_constant(statement.test) and all(map(defines, [*statement.body, *statement.orelse]))
    if isinstance(statement, ast.Try):  # whatever it does where that fails
        return all(map(defines, [*statement.body, *statement.orelse, *statement.finalbody]))
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, (*DEFINITIONS, ast.Pass))


def _is_constant(value: ast.expr | None) -> bool:
    """Whether computing a value runs none of the notebook's own code."""
    if isinstance(value, ast.Lambda):
        return True
    if isinstance(value, ast.Name) and value.id == "__name__":  # what a script does, and a module does not
        return False
    return isinstance(value, _CONSTANT) and all(
        _is_constant(child) for child in ast.iter_child_nodes(value) if isinstance(child, ast.expr)
    )
