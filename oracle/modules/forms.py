"""How a module is called: which axis is time, how states and lengths are given, and how answers are read."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional

from oracle.modules.interface import Interface, Sizes

_LENGTHS = re.compile(r"(?i)(x_|seq_?|sequence_?|input_?)?(lens?|lengths?)")
_MASK = re.compile(r"(?i)(padding_?|input_?|attention_?|seq_?)?masks?")
_STATES = re.compile(
    r"(?i)(hx|h_?0|c_?0|(init(ial)?_?|prev_?)?(hidden|states?|hc|hiddens|h|c)(_?(init|0|prev))?|.*state.*)"
)


class WrongAnswer(Exception):  # noqa: N818
    """What a module returned cannot be read as the answer of a recurrent layer."""


@dataclass(frozen=True)
class Form:
    """One way of calling a module.

    Attributes
    ----------
    time_first
        Whether sequences are `(T_x, m, n)`; otherwise they are `(m, T_x, n)`.
    states
        `"tuple"` or `"list"` of hidden and memory states; `"arguments"` of their own; `"pairs"`, one for each
        layer and direction; `"none"` where a module takes no states. Of an RNN, `"tuple"` is the tensor.
    flat
        Whether states are `(m, n)` rather than `(1, m, n)`.
    lengths
        `""` where it takes none, `"packed"`, or `"counts"`, `"fractions"` or `"mask"` of a keyword argument.
    keywords
        The names of the arguments for the states, where they are not the second and third, and for lengths.
    """

    time_first: bool = True
    states: str = "tuple"
    flat: bool = False
    lengths: str = ""
    states_keyword: str = ""
    lengths_keyword: str = ""


def forms(forward: Any, interface: Interface, batch_first: Optional[bool]) -> Iterator[Form]:  # noqa: UP045
    """The forms that the parameters of `forward` leave, the most usual first."""
    parameters = _parameters(forward)[1:]
    first = parameters[0] if parameters else None
    keyword = ""
    if (
        first
        and first.kind not in (first.VAR_POSITIONAL, first.VAR_KEYWORD)
        and not _STATES.fullmatch(first.name)
    ):
        named = [each.name for each in parameters if _STATES.fullmatch(each.name)]
        is_lengths = bool(_LENGTHS.fullmatch(first.name) or _MASK.fullmatch(first.name))
        keyword = named[0] if named else ""
        first = first if named or not is_lengths else None
    axes = [True] if interface.is_cell else [not batch_first] if batch_first is not None else [True, False]
    if first:
        ways = ["tuple", "list", "arguments", "pairs"] if interface.kind == "lstm" else ["tuple", "list"]
        for states in ways:
            for flat in [True] if interface.is_cell else [False, True]:
                for time_first in axes:
                    yield Form(time_first, states, flat, states_keyword=keyword)
    if not interface.is_cell:
        yield from (Form(time_first, "none") for time_first in axes)


def with_lengths(form: Form, forward: Any) -> Iterator[Form]:
    """The ways in which a module that is called in this form may take lengths."""
    yield replace(form, lengths="packed")
    for each in _parameters(forward)[1:]:
        if _LENGTHS.fullmatch(each.name):
            yield replace(form, lengths="counts", lengths_keyword=each.name)
            yield replace(form, lengths="fractions", lengths_keyword=each.name)
        elif _MASK.fullmatch(each.name):
            yield replace(form, lengths="mask", lengths_keyword=each.name)


def _parameters(forward: Any) -> list[inspect.Parameter]:
    try:
        return [*inspect.signature(forward).parameters.values()]
    except (TypeError, ValueError):  # a compiled function tells nothing
        both = inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)
        return [inspect.Parameter("input", inspect.Parameter.POSITIONAL_ONLY), both]


def given_states(form: Form, states: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments in which initial states `(L D, m, n)` are handed over, by position and by name."""
    if form.flat:
        states = [each[0] for each in states]
    if form.states == "none":
        return [], {}
    if form.states == "arguments":
        return [*states], {}
    value: Any
    if form.states == "pairs":
        value = [*zip(*states)]
    elif len(states) == 1:
        value = states[0] if form.states == "tuple" else [states[0]]
    else:
        value = tuple(states) if form.states == "tuple" else [*states]
    return ([], {form.states_keyword: value}) if form.states_keyword else ([value], {})


def read(
    returned: Any,
    form: Form,
    interface: Interface,
    sizes: Sizes,
    is_tensor: Callable[[Any], bool],
    stack: Any,
) -> tuple[Any, list[Any]]:
    """The output, and the last states `(L D, m, n)` as far as a module returns them.

    Raises `WrongAnswer` where there are tensors too few or too many.
    """
    count = 2 if interface.kind == "lstm" else 1
    leaves = [*_leaves(returned, is_tensor)]
    if not leaves:
        raise WrongAnswer(f"it returned {type(returned).__name__}, expected tensors")
    if interface.is_cell:
        if len(leaves) < count:
            raise WrongAnswer(f"it returned {len(leaves)} tensors, expected {count} states")
        last = [each[None] for each in leaves[-count:]]
        return None, last
    output, *last = leaves
    if not hasattr(output, "batch_sizes") and output.ndim != 3:
        raise WrongAnswer(f"its output has shape {tuple(output.shape)}, expected three axes")
    places = len(sizes.places)
    if len(last) == count * places and places > 1:
        pairs = [last[k::count] for k in range(count)]
        last = [stack(each) for each in pairs]
    elif len(last) not in (0, count):
        raise WrongAnswer(f"beside its output it returned {len(last)} tensors, expected {count} states")
    return output, [each[None] if each.ndim == 2 else each for each in last]


def _leaves(value: Any, is_tensor: Callable[[Any], bool]) -> Iterator[Any]:
    if is_tensor(value):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _leaves(each, is_tensor)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _leaves(each, is_tensor)
