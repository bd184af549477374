"""Replaces a target's cell, and softmax and sigmoid of its helper modules, by right functions."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from inspect import signature, unwrap
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import reference
from reference.arrays import sigmoid, softmax
from reference.contract import CONTRACTS

STAND_INS: Mapping[str, Callable[..., Any]] = {"sigmoid": sigmoid, "softmax": softmax}
"""The right functions that may replace functions of helper modules, by name."""


class RightCell:
    """A right cell. Its cache holds the same array objects that it takes as arguments and returns.

    If a forward pass later writes to one of these arrays, the cache changes, too, as with the target's cell.
    `is_used` says whether the cell was called.
    """

    def __init__(self, name: str) -> None:
        self._cell = getattr(reference, name)
        self._contract, self._signature = CONTRACTS[name], signature(self._cell)
        self.is_used = False

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Return the next state, the prediction and the cache, or the gradients of a backward pass."""
        self.is_used = True
        answer = self._cell(*arguments, **named)
        if self._contract.is_backward:
            return answer
        *outputs, cache = answer
        objects = self._signature.bind(*arguments, **named).arguments
        objects.update(zip(self._contract.outputs, outputs))
        names = (*self._contract.cache, "parameters")
        return (*outputs, tuple(objects.get(name, entry) for name, entry in zip(names, cache)))


@contextmanager
def right_cell(name: str, function: Callable[..., Any], holder: object) -> Iterator[RightCell]:
    """Replace the cell that `function` calls. `holder` has the function as its attribute `name`.

    The cell is replaced in the module of the function and in `holder`: a module, class or instance.
    """
    cell_name = CONTRACTS[name].cell
    cell = RightCell(cell_name)
    module = getattr(unwrap(function), "__globals__", {})
    with ExitStack() as restore:
        if cell_name in module:
            restore.callback(module.__setitem__, cell_name, module[cell_name])
            module[cell_name] = cell
        if hasattr(holder, cell_name):
            with suppress(AttributeError, TypeError):  # the holder may be immutable
                own = dict(vars(holder))
                setattr(holder, cell_name, cell)
                if cell_name in own:
                    restore.callback(setattr, holder, cell_name, own[cell_name])
                else:
                    restore.callback(delattr, holder, cell_name)
        yield cell


def missing_module(error: BaseException) -> str:
    """The name of the module that an import did not find; empty if the error is another one."""
    name = error.name if type(error) is ModuleNotFoundError else None
    return name if type(name) is str else ""


def stand_ins_for_import(node: ast.stmt, error: BaseException) -> Mapping[str, Any]:
    """The stand-ins for the names that a failed import would have bound; empty for any other statement.

    For `import module`, the stand-in is a module that has only the functions in `STAND_INS`. A statement
    imports one module: `statements` splits `import a, b`.
    """
    missing = missing_module(error)
    if missing and isinstance(node, ast.ImportFrom) and node.module == missing and not node.level:
        if node.names[0].name == "*":
            return STAND_INS
        named = ((alias.asname or alias.name, alias.name) for alias in node.names)
        return {bound: STAND_INS[name] for bound, name in named if name in STAND_INS}
    if missing and isinstance(node, ast.Import) and node.names[0].name == missing:
        module = ModuleType(missing)
        vars(module).update(STAND_INS)
        # For `import a.b` this binds 'a.b', a name that no code can use.
        return {node.names[0].asname or missing: module}
    return {}


def replace_helpers(names: Collection[str], folder: str, target: str) -> list[str]:
    """In every module, put stand-ins in place of the functions with these names from a folder of helpers.

    Functions of the target's own file stay. Returns the replaced functions, such as `"rnn_utils.softmax"`.
    """
    replaced: dict[str, None] = {}
    for module in [*sys.modules.values()]:
        for name, value in [*vars(module).items()] if type(module) is ModuleType else ():
            if type(value) is FunctionType and value.__name__ in names:
                file = Path(value.__code__.co_filename)
                if file.is_relative_to(folder) and file != Path(target):
                    vars(module)[name] = STAND_INS[value.__name__]
                    replaced[f"{file.stem}.{value.__name__}"] = None
    return [*replaced]
