"""Replaces softmax and sigmoid of a course's helper module that is missing or wrong."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from reference.activations import sigmoid, softmax

STAND_INS: Mapping[str, Callable[..., Any]] = {"sigmoid": sigmoid, "softmax": softmax}


def missing_module(error: BaseException) -> str:
    """The name of the module that an import did not find; empty if the error is another one."""
    name = error.name if type(error) is ModuleNotFoundError else None
    return name if type(name) is str else ""


def stand_ins(node: ast.stmt, error: BaseException) -> Mapping[str, Any]:
    """The names of an import that failed by `error`, as far as there are stand-ins, with these.

    `import module` binds a module that has only the stand-ins.
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
        return {node.names[0].asname or missing: module}  # no code can use the name 'a.b' of `import a.b`
    return {}


def replace_helpers(names: Collection[str], folder: str, target: str) -> list[str]:
    """Put the stand-ins in place of the functions with these names of a folder of helpers, in all modules.

    Functions of the target's own file are not replaced. Returns the replaced functions:
    `"rnn_utils.softmax"`.
    """
    replaced: dict[str, None] = {}
    for module in [*sys.modules.values()]:
        if type(module) is not ModuleType:
            continue
        for name, value in [*vars(module).items()]:
            if type(value) is FunctionType and value.__name__ in names:
                file = Path(value.__code__.co_filename)
                if file.is_relative_to(folder) and file != Path(target):
                    vars(module)[name] = STAND_INS[value.__name__]
                    replaced[f"{file.stem}.{value.__name__}"] = None
    return [*replaced]
