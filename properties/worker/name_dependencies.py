"""Finds the names on which other names depend through the statements that bind them. Runs no code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from dis import get_instructions
from types import CodeType

from properties.worker.statements import Statement


@dataclass
class Needs:
    """Global names, and their attributes that are used: `("np", "tanh")`."""

    names: set[str] = field(default_factory=set)
    attributes: set[tuple[str, str]] = field(default_factory=set)


def needs(roots: Iterable[str], statements: Sequence[Statement]) -> Needs:
    """The roots, and all names that they need directly or indirectly."""
    binders: defaultdict[str, list[Statement]] = defaultdict(list)
    for statement in statements:
        for name in statement.binds:
            binders[name].append(statement)
    found, waiting = Needs(), [*roots]
    while waiting:
        name = waiting.pop()
        if name in found.names:
            continue
        found.names.add(name)
        for statement in binders[name]:
            try:
                code = statement.code()
            except SyntaxError:
                continue
            used = _used(code)
            found.attributes |= used.attributes
            waiting += used.names
    return found


def _used(code: CodeType) -> Needs:
    """The global names that code uses, with those of its functions and classes."""
    used = Needs()
    instructions = [each for each in get_instructions(code) if each.opname != "EXTENDED_ARG"]
    for instruction, following in zip(instructions, [*instructions[1:], None]):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            used.names.add(instruction.argval)
            if following and following.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                used.attributes.add((instruction.argval, following.argval))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner = _used(constant)
            used.names |= inner.names
            used.attributes |= inner.attributes
    return used
