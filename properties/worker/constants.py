"""Finds the integers in the source of functions, which may be wrong only at or beyond such a size."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import FunctionType

from properties.worker.functions import definition

LEAST = 5
"""The least integer that counts. All problems have smaller sizes."""

MOST = 4096
"""The largest integer that counts. No problem has larger sizes."""

_MOST_OBJECTS = 1000
"""The number of functions, classes and global values that are searched."""


def constants(functions: Iterable[Callable[..., object]], folder: str) -> list[int]:
    """The integers from `LEAST` to `MOST` in functions, and in what these use by global names; sorted.

    Only the source of files in `folder` and of cells of notebooks is read. No code is run.
    """
    found: set[int] = set()
    waiting: list[object] = [*functions]
    seen: dict[int, object] = {}  # keeps the objects, so that no identity is used again
    while waiting and len(seen) < _MOST_OBJECTS:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen[id(value)] = value
        with suppress(Exception):  # an object of the target may raise anything
            if type(value) is int:
                found.add(value)
            elif isinstance(value, type):
                waiting += (each for name, each in vars(value).items() if name != "__firstlineno__")
            else:
                waiting += _used(value, folder)
    return sorted(each for each in found if LEAST <= each <= MOST)


def _used(function: object, folder: str) -> list[object]:
    """The integers in a function, and the values of its global names; for a method, also its class."""
    owner = getattr(function, "__self__", None)
    plain = inspect.unwrap(function)  # type: ignore[arg-type]
    plain = getattr(plain, "__func__", plain)
    assert isinstance(plain, FunctionType)
    code = plain.__code__
    file = Path(code.co_filename)
    if file.is_absolute() and (not file.is_relative_to(folder) or "site-packages" in file.parts):
        return []
    _, inside = definition(code)
    names = {each.id for each in inside if isinstance(each, ast.Name)}
    values = [plain.__globals__[name] for name in names if name in plain.__globals__]
    integers = [each.value for each in inside if isinstance(each, ast.Constant) and type(each.value) is int]
    return [*integers, *values, *([type(owner)] if owner is not None else [])]
