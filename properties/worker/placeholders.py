"""Finds placeholders in the code of a function, as in the starter of an exercise."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Iterator
from contextlib import suppress
from inspect import unwrap
from types import CodeType
from typing import Any

from properties.worker.source_lines import place
from reference.contract import CONTRACTS

_GIVEN = {name for contract in CONTRACTS.values() for name in contract.arguments}
_COMPUTED = {
    name
    for contract in CONTRACTS.values()
    for name in (*contract.outputs, *contract.cache, "cache", "caches")
} - _GIVEN


def placeholder(function: Callable[..., Any], folder: str) -> str:
    """The first placeholder: `"'a_next = None' (my_rnn.py:12 in rnn_forward)"`; empty if there is none.

    Placeholders are `None` or `...` as a value or statement, `pass`, `raise NotImplementedError`, and, in
    code without any computation, the name of a result that is not defined. In code with a computation, an
    undefined name is a mistake, such as a misspelling. Finished functions may contain placeholders, too.
    """
    with suppress(Exception):  # an object of the target may raise anything
        plain = unwrap(function)
        code = plain.__code__
        for line, text in _found(code, plain.__globals__):
            return f"'{text}' ({place([(code.co_filename, line, code.co_name)], folder)})"
    return ""


def _found(code: CodeType, known: dict[str, Any]) -> Iterator[tuple[int, str]]:
    source = "".join(linecache.getlines(code.co_filename))
    node = _definition(code, ast.parse(source))
    inside = [each for each in ast.walk(node) if isinstance(each, ast.stmt)] if node else []
    branches = [each for each in inside if isinstance(each, (ast.If, ast.Try))]
    in_branches = {each for branch in branches for each in ast.walk(branch)}
    for statement in filter(_is_placeholder, inside):
        if isinstance(statement, ast.Pass) and statement in in_branches:
            continue  # a branch may have nothing to do
        yield statement.lineno, str(ast.get_source_segment(source, statement))
    if any(isinstance(each, (ast.Call, ast.BinOp)) for statement in inside for each in ast.walk(statement)):
        return
    for name in code.co_names:
        if name in _COMPUTED and name not in known:
            yield code.co_firstlineno, f"{name} is never computed"


def _definition(code: CodeType, tree: ast.AST) -> ast.FunctionDef | None:
    """The definition in a syntax tree from which the code was compiled."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            if code.co_firstlineno in (first, node.lineno):
                return node
    return None


def _is_placeholder(statement: ast.stmt) -> bool:
    if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Expr, ast.Return)):
        return _is_nothing(statement.value)
    if isinstance(statement, ast.For):
        return isinstance(statement.iter, ast.Call) and any(map(_is_nothing, statement.iter.args))
    if isinstance(statement, ast.Raise):
        return statement.exc is not None and "NotImplementedError" in ast.unparse(statement.exc)
    return isinstance(statement, ast.Pass)


def _is_nothing(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Tuple):
        return bool(value.elts) and all(map(_is_nothing, value.elts))
    return isinstance(value, ast.Constant) and value.value in (None, ...)
