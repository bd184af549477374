"""Inspects the functions of a target: their signatures, similar names, and placeholders in their code.

The hints say what the user may mean by a target without functions.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import linecache
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import CodeType, FunctionType, ModuleType
from typing import Any

from oracle.modules import is_module
from properties.worker.errors import place
from reference.contract import CONTRACTS, Contract

_GIVEN = {name for contract in CONTRACTS.values() for name in contract.arguments}
_COMPUTED = {
    name
    for contract in CONTRACTS.values()
    for name in (*contract.outputs, *contract.cache, "cache", "caches")
} - _GIVEN


def modules_hint(holder: object) -> str:
    """The classes of modules that a file defines, and how to name one; empty if there are none."""
    found = [
        name
        for name, value in getattr(holder, "__dict__", {}).items()
        if is_module(value) and value.__module__ == getattr(holder, "__name__", "")
    ]
    likely = [name for name in found if re.search("rnn|lstm|cell", name, re.IGNORECASE)] or found
    return f"has the modules {', '.join(found)}: name one, as in TARGET:{likely[0]}" if found else ""


def classes_hint(holder: object) -> str:
    """A hint at the classes that have some of the functions as methods; empty if there are none."""
    classes = [
        name
        for name, value in getattr(holder, "__dict__", {}).items()
        if isinstance(value, type) and any(hasattr(value, function) for function in CONTRACTS)
    ]
    have = "its class {} has" if len(classes) == 1 else "its classes {} have"
    named = have.format(", ".join(classes))
    return f"; {named} some: judge TARGET:{classes[0]}" if classes else ""


def like_hint(holder: object) -> str:
    """A hint at how to name a function that makes modules of torch; empty if there is none."""
    if isinstance(holder, ModuleType) or not callable(holder):
        return ""
    return "; it is no torch.nn.Module: if calling it makes one, state of which kind by --like torch.nn.LSTM"


def similar_function(name: str, holder: object) -> str:
    """The function with a similar name and the right signature that may be meant; empty if there is none."""
    contract = CONTRACTS[name]
    alike = [
        other
        for other in dir(holder)
        if other not in CONTRACTS
        and contract.kind in other.lower()
        and contract.is_cell == ("cell" in other.lower())
        and inspect.isroutine(function := inspect.getattr_static(holder, other, None))
        and other_signature(contract, function) is None
    ]
    return next(iter(difflib.get_close_matches(name, alike, n=1)), "")


def other_signature(contract: Contract, function: object) -> str | None:
    """The signature of a function if it is not the specification's; `None` if it is, or is not known."""
    if not callable(function):
        return f"{contract.name} of type {type(function).__name__}"
    try:
        signature = inspect.signature(function)
        text = f"{contract.name}{signature}"
    except Exception:  # built-in functions have no signature, and printing a default runs code of the target
        return None
    try:
        signature.bind(*contract.arguments, *contract.last_arguments)
    except TypeError:
        return text if len(text) <= 200 else f"{text[:200]}…"
    return None


def understood_by_like(function: object) -> dict[str, Any]:
    """The facts of a function that `like` of `oracle.modules` made; empty for another function."""
    ours = type(function) is FunctionType and function.__module__.endswith("oracle.modules.adapter")
    return vars(function).get("understood", {}) if ours else {}


def placeholder(function: Callable[..., Any], folder: str) -> str:
    """The first placeholder: `"'a_next = None' (my_rnn.py:12 in rnn_forward)"`; empty if there is none.

    Placeholders are `None` or `...` as a value or statement, `pass`, `raise NotImplementedError`, and, in
    code without any computation, the name of a result that is not defined. In code with a computation, an
    undefined name is a mistake, such as a misspelling. Finished functions may contain placeholders, too.
    """
    with suppress(Exception):  # an object of the target may raise anything
        plain = inspect.unwrap(function)
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
