"""Inspects the functions of a target: their signatures, similar names, and placeholders in their code.

If a target has none of the functions, a hint says what the user may have meant.
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

from oracle.modules.understanding import is_module
from properties.worker.errors import first_place
from reference.contract import CONTRACTS, Contract

_ARGUMENTS = {name for contract in CONTRACTS.values() for name in contract.arguments}
_RESULTS = {name for each in CONTRACTS.values() for name in (*each.outputs, *each.results, *each.cache)}


def modules_hint(holder: object) -> str:
    """A hint at the classes of torch or Keras modules that a file defines; empty if it defines none."""
    classes = [
        name
        for name, value in getattr(holder, "__dict__", {}).items()
        if is_module(value) and value.__module__ == getattr(holder, "__name__", "")
    ]
    likely = [name for name in classes if re.search("rnn|lstm|cell", name, re.IGNORECASE)] or classes
    return f"has the modules {', '.join(classes)}: name one, as in TARGET:{likely[0]}" if classes else ""


def classes_hint(holder: object) -> str:
    """A hint at the classes that have some of the functions as methods; empty if there are none."""
    classes = [
        name
        for name, value in getattr(holder, "__dict__", {}).items()
        if isinstance(value, type) and any(hasattr(value, function) for function in CONTRACTS)
    ]
    have = f"class {classes[0]} has" if len(classes) == 1 else f"classes {', '.join(classes)} have"
    return f"; its {have} some: judge TARGET:{classes[0]}" if classes else ""


def like_hint(holder: object) -> str:
    """A hint at the option `--like`, for a target that may be a function that makes modules of torch."""
    if isinstance(holder, ModuleType) or not callable(holder):
        return ""
    return "; it is no torch.nn.Module: if it returns one, say what that one replaces by --like torch.nn.LSTM"


def similar_function(name: str, holder: object) -> str:
    """The function with the most similar name and the right signature; empty if no name is similar."""
    contract = CONTRACTS[name]
    alike = [
        other
        for other in dir(holder)
        if other not in CONTRACTS
        and contract.kind in other.lower()
        and contract.is_cell == ("cell" in other.lower())
        and inspect.isroutine(function := inspect.getattr_static(holder, other, None))
        and wrong_signature(contract, function) is None
    ]
    return next(iter(difflib.get_close_matches(name, alike, n=1)), "")


def wrong_signature(contract: Contract, function: object) -> str | None:
    """The signature of a function that does not take the contract's arguments.

    `None` if the function takes these arguments, or its signature cannot be read.
    """
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


def facts_from_like(function: object) -> dict[str, Any]:
    """The facts that `oracle.modules.like` attached to a function that it made; empty for other functions."""
    ours = type(function) is FunctionType and function.__module__.endswith("oracle.modules.adapter")
    return vars(function).get("understood", {}) if ours else {}


def first_placeholder(function: Callable[..., Any], folder: str) -> str:
    """The first placeholder in a function: `"'a_next = None' (my_rnn.py:12 in rnn_forward)"`; or empty.

    Placeholders are `None` or `...` as a value or statement, or as an argument in the head of a loop, such as
    `reversed(range(None))`; `pass`; and `raise NotImplementedError`. In code
    without any computation, the undefined name of a result is a placeholder, too. In code with a computation,
    an undefined name is a mistake, such as a misspelling. Finished functions may contain placeholders, too.
    """
    with suppress(Exception):  # an object of the target may raise anything
        plain = inspect.unwrap(function)
        code = plain.__code__
        for line, text in _placeholders(code, plain.__globals__):
            return f"'{text}' ({first_place([(code.co_filename, line, code.co_name)], folder)})"
    return ""


def _placeholders(code: CodeType, module: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """The line and the text of each placeholder in code whose global names are those of `module`."""
    source, inside = definition(code)
    branches = [each for each in inside if isinstance(each, (ast.If, ast.Try))]
    in_branches = {each for branch in branches for each in ast.walk(branch)}
    for statement in inside:
        if isinstance(statement, ast.Pass) and statement in in_branches:
            continue  # a branch may have nothing to do
        if isinstance(statement, ast.stmt) and _is_placeholder(statement):
            yield statement.lineno, str(ast.get_source_segment(source, statement))
    loops = [each.iter for each in inside if isinstance(each, (ast.For, ast.comprehension))]
    for call in (each for loop in loops for each in ast.walk(loop) if isinstance(each, ast.Call)):
        if any(map(_is_empty_value, call.args)):
            yield call.lineno, str(ast.get_source_segment(source, call))
    if any(isinstance(each, (ast.Call, ast.BinOp)) for each in inside):
        return
    for name in code.co_names:
        if name in _RESULTS and name not in _ARGUMENTS and name not in module:
            yield code.co_firstlineno, f"{name} is never computed"


def definition(code: CodeType) -> tuple[str, list[ast.AST]]:
    """The source of the file that has this code, and the nodes of the definition of the function in it."""
    source = "".join(linecache.getlines(code.co_filename))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            if code.co_firstlineno in (first, node.lineno):
                return source, [*ast.walk(node)]
    return source, []


def _is_placeholder(statement: ast.stmt) -> bool:
    if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Expr, ast.Return)):
        return _is_empty_value(statement.value)
    if isinstance(statement, ast.Raise):
        return statement.exc is not None and "NotImplementedError" in ast.unparse(statement.exc)
    return isinstance(statement, ast.Pass)


def _is_empty_value(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Tuple):
        return bool(value.elts) and all(map(_is_empty_value, value.elts))
    return isinstance(value, ast.Constant) and value.value in (None, ...)
