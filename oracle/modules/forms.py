"""The ways to call a module: the axis of time, the arguments for states and lengths, the returned values."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional

from oracle.modules.interface import Interface

_LENGTHS = re.compile(r"(?i)(xs?_?|seq_?|sequence_?|input_?)?(lens?|lengths?)")
_MASK = re.compile(r"(?i)(padding_?|input_?|attention_?|seq_?)?masks?")
_STATES = re.compile(r"(?i)hx|hc|(h|c)(_?0|_?t|_?prev)?|.*(hidden|state).*")


class WrongAnswer(Exception):  # noqa: N818
    """The values that a module returned are not those of a recurrent layer."""


class WrongWeights(Exception):  # noqa: N818
    """The weights of a module have other shapes than its layers and directions need."""


@dataclass(frozen=True)
class Form:
    """One way to call a module.

    Attributes
    ----------
    time_first
        Whether sequences are `(T_x, m, n)`; otherwise they are `(m, T_x, n)`.
    states
        Initial states are a `"tuple"` or `"list"` of hidden and memory states (for an RNN, `"tuple"` stands
        for one tensor), two `"arguments"`, or a list of `"pairs"`, one for each layer and direction.
        `"none"` if the module takes no states.
    flat
        Whether states are `(m, n)` rather than `(1, m, n)`.
    needs_states
        Whether states are required.
    lengths
        `"packed"` for packed sequences. An argument for lengths contains `"counts"`, `"fractions"` of T_x, a
        `"mask"` that is true on the steps, or one that is true on the `"padding"`. Empty if there are none.
    always
        Whether lengths are required.
    names
        The names of the arguments for states and for lengths. The name for states is empty if they are the
        second argument.
    """

    time_first: bool = True
    states: str = "tuple"
    flat: bool = False
    needs_states: bool = False
    lengths: str = ""
    always: bool = False
    names: tuple[str, str] = ("", "")

    def given(self, states: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """The positional and the named arguments for initial states `(L D, m, n)`."""
        own = [each[0] for each in states] if self.flat else [*states]
        if self.states in ("none", "arguments"):
            return (own if self.states == "arguments" else []), {}
        value: Any = [*zip(*states)] if self.states == "pairs" else own
        if self.states == "tuple":
            value = tuple(own) if len(own) > 1 else own[0]
        return ([], {self.names[0]: value}) if self.names[0] else ([value], {})

    def lengths_given(self, counts: Any, steps: Any) -> Any:
        """The value of the argument for lengths `(m,)`; `steps` are the numbers from 0 to T_x - 1."""
        if self.lengths in ("mask", "padding"):
            return (steps < counts[:, None]) == (self.lengths == "mask")
        return counts / len(steps) if self.lengths == "fractions" else counts


def forms(forward: Any, interface: Interface, batch_first: Optional[bool]) -> Iterator[Form]:  # noqa: UP045
    """The forms that the signature of `forward` allows, the most usual first."""
    axes = [True] if interface.is_cell else [True, False] if batch_first is None else [not batch_first]
    more = _more(forward)
    named = [name for name in more if _STATES.fullmatch(name)] or [*more][:1]
    if named and not _is_of_lengths(named[0]):
        keyword = "" if named[0] == next(iter(more)) else named[0]
        needs = more[named[0]] or interface.is_cell
        for states in (
            ["tuple", "list", "arguments", "pairs"] if interface.kind == "lstm" else ["tuple", "list"]
        ):
            for flat in [interface.is_cell, not interface.is_cell]:
                yield from (Form(each, states, flat, needs, names=(keyword, "")) for each in axes)
    if not interface.is_cell:
        yield from (Form(each, "none") for each in axes)


def forms_of_lengths(forward: Any, interface: Interface, batch_first: Optional[bool]) -> Iterator[Form]:  # noqa: UP045
    """The forms that the signature of `forward` allows, for a module that requires lengths."""
    for form in () if interface.is_cell else forms(forward, interface, batch_first):
        yield from (replace(each, always=True) for each in with_lengths(form, forward))


def with_lengths(form: Form, forward: Any) -> Iterator[Form]:
    """This form with each way to pass lengths that the signature of `forward` allows."""
    yield replace(form, lengths="packed")
    for name in filter(_is_of_lengths, _more(forward)):
        for lengths in ["mask", "padding"] if _MASK.fullmatch(name) else ["counts", "fractions"]:
            yield replace(form, lengths=lengths, names=(form.names[0], name))


def _is_of_lengths(name: str) -> bool:
    return bool(_LENGTHS.fullmatch(name) or _MASK.fullmatch(name))


def _more(forward: Any) -> dict[str, bool]:
    """The parameters after the input, and whether each is required; a compiled function has no signature."""
    try:
        parameters = [*inspect.signature(forward).parameters.values()]
    except (TypeError, ValueError):
        return {"states": False}
    if parameters and parameters[0].kind is inspect.Parameter.VAR_POSITIONAL:
        return {"states": False}
    return {each.name: each.default is each.empty and each.kind in _ORDINARY for each in parameters[1:]}


_ORDINARY = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def read(leaves: Sequence[Any], interface: Interface, places: int, stack: Any) -> tuple[Any, list[Any]]:
    """The output (`None` for a cell), and the last states `(L D, m, n)`, if the module returns them.

    Raises `WrongAnswer` for too few or too many tensors.
    """
    count = 2 if interface.kind == "lstm" else 1
    output, last = (None, leaves[-count:]) if interface.is_cell else (leaves[0], leaves[1:])
    if len(last) == count * places > count:
        last = [stack([*last[k::count]]) for k in range(count)]
    if len(last) != count and (last or output is None):
        raise WrongAnswer(f"it returned {len(leaves)} tensors, expected an output and {count} states")
    return output, [each[None] if each.ndim == 2 else each for each in last]
