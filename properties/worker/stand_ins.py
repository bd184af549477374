"""Stand-ins for what the course's helper module has, where that is not there: `softmax` and `sigmoid`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from reference.activations import sigmoid, softmax

STAND_INS: Mapping[str, Callable[..., Any]] = {"sigmoid": sigmoid, "softmax": softmax}


def missing_module(error: BaseException) -> str:
    """The module that is not there, by an error of an import; nothing where it is another error."""
    name = error.name if type(error) is ModuleNotFoundError else None
    return name if type(name) is str else ""


def stand_in(node: ast.stmt | None, error: BaseException, namespace: dict[str, Any]) -> frozenset[str]:
    """Bind what an import of a module that is not there would have bound of the stand-ins.

    Returns the names that are bound; one of them may hold a module that has nothing but the stand-ins.
    """
    missing = missing_module(error)
    bound: dict[str, Any] = {}
    if missing and isinstance(node, ast.ImportFrom) and node.module == missing and not node.level:
        for alias in node.names:
            if alias.name == "*":
                bound.update(STAND_INS)
            elif alias.name in STAND_INS:
                bound[alias.asname or alias.name] = STAND_INS[alias.name]
    elif missing and isinstance(node, ast.Import) and node.names[0].name == missing:
        module = ModuleType(missing)
        vars(module).update(STAND_INS)
        bound[node.names[0].asname or missing] = module  # of `a.b` that is a name which nothing looks up
    namespace.update(bound)
    return frozenset(bound)
