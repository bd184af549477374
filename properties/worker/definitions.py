"""Selects the statements of a notebook that are run: definitions, not the experiments around them."""

from __future__ import annotations

import ast

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
_CONSTANT = (
    *(ast.Constant, ast.Name, ast.Attribute, ast.Lambda, ast.Compare, ast.BoolOp),
    *(ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp),
)


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
