"""The ways to call a module: the axis of time, the arguments for states and lengths, the returned values."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Optional

from oracle.modules.interface import Interface, Shape, WrongModule

_LENGTHS = re.compile(
    r"(?i)(xs?_?|seq_?|sequence_?|input_?)?(lens?|lengths?)|(padding_?|input_?|attention_?|seq_?)?masks?"
)
_STATES = re.compile(r"(?i)hx|hc|(h|c)(_?0|_?t|_?prev)?|.*(hidden|state).*")


@dataclass(frozen=True)
class CallForm:
    """One way to call a module.

    Sequences are `(T_x, m, n)` if `time` is the `"first"` axis, `(m, T_x, n)` if it is the `"second"`; a cell
    is `"stepped"`. Initial states are a `"tuple"`, `"list"` or `"dict"` of hidden and memory states (for an
    RNN, `"tuple"` stands for one tensor), two `"arguments"`, or `"pairs"`, one for each layer and direction;
    `"none"` if the module takes no states. States that are `flat`, or each state of a `flat` pair, are
    `(m, n)` rather than `(1, m, n)`.

    Lengths are `"packed"` sequences, or an argument that contains `"counts"`, `"fractions"` of T_x, a
    `"mask"` that is true on the steps, or one that is true on the `"padding"`; empty if there are none.
    `always` tells whether lengths are required. `state_names` are the arguments for states; empty if states
    are passed by position. `lengths_name` is the argument for lengths.
    """

    time: str = "first"
    states: str = "tuple"
    flat: bool = False
    needs_states: bool = False
    lengths: str = ""
    always: bool = False
    state_names: tuple[str, ...] = ()
    lengths_name: str = ""

    def call(
        self, module: Any, steps: Any, states: Sequence[Any], shapes: Sequence[Shape], lengths: Any
    ) -> tuple[Any, list[Any]]:
        """Call a module. Returns the output `(T_x, m, n)`, and the last states that the module returns.

        `steps` is `(T_x, m, n_x)`. Initial states, if there are any, and last states have these `shapes`,
        `(L D, m, n)`. `lengths` is a tensor of counts, or `None`. Raises the errors of the module, and
        `WrongModule` if the module returns other tensors.
        """
        torch = sys.modules["torch"]
        if self.time == "stepped":
            outputs, last = [], [*states]
            for step in steps:
                last = self._last_states(self._call(module, step, last)[-len(shapes) :], shapes)
                outputs.append(last[0][0])
            return torch.stack(outputs), last
        value, named = steps if self.time == "first" else steps.transpose(0, 1), {}
        within = torch.arange(len(steps), device=steps.device)
        if lengths is not None and self.lengths != "packed":
            lengths = lengths.to(steps.device)
            ratio, mask = lengths / max(len(steps), 1), within < lengths[:, None]
            values = {"counts": lengths, "fractions": ratio, "mask": mask, "padding": ~mask}
            named[self.lengths_name] = values[self.lengths]
        elif lengths is not None:
            pack = torch.nn.utils.rnn.pack_padded_sequence
            value = pack(value, lengths, batch_first=self.time == "second", enforce_sorted=False)
        output, *last = self._call(module, value, states, **named)
        last = self._last_states(last, shapes) if last else []
        if isinstance(output, torch.nn.utils.rnn.PackedSequence):
            output, _ = torch.nn.utils.rnn.pad_packed_sequence(output, total_length=len(steps))
        elif self.time == "second":
            output = output.transpose(0, 1)
        if any(each.ndim != 3 for each in (output, *last)):
            raise WrongModule(f"it returned shapes {[tuple(each.shape) for each in (output, *last)]}")
        if lengths is not None and len(output) == lengths.max():  # it ends with the longest sample
            output = torch.cat([output, output.new_zeros(len(steps) - len(output), *output.shape[1:])])
        if lengths is not None and self.lengths != "packed":  # outputs beyond the end are not specified
            output = torch.where((within[:, None] < lengths)[:, :, None], output, output.new_zeros(()))
        return output, last

    def _call(self, module: Any, value: Any, states: Sequence[Any], **named: Any) -> list[Any]:
        """Call a module with states `(L D, m, n)`. Returns its tensors in one list."""
        own: Any = [each[0] for each in states] if self.flat else [*states]
        if self.states == "pairs":
            own = [*zip(*(each if self.flat else each.split(1) for each in states))]
        elif self.states == "dict":
            own = _StatesByName(states=own)
        elif self.states == "tuple" and states:
            own = tuple(own) if len(own) > 1 else own[0]
        if not states or self.states == "none":
            return [*_tensors(module(value, **named))]
        given = own if self.states == "arguments" else [own]
        if self.state_names:
            return [*_tensors(module(value, **dict(zip(self.state_names, given)), **named))]
        return [*_tensors(module(value, *given, **named))]

    def _last_states(self, tensors: Sequence[Any], shapes: Sequence[Shape]) -> list[Any]:
        """Return the last states `(L D, m, n)`. `tensors` may have one for each layer and direction.

        Then they are in pairs `h, c` if the module takes initial states in pairs, or takes no states.
        """
        n, count = len(shapes), shapes[0][0]
        if len(tensors) == n * count > n:
            torch = sys.modules["torch"]
            join = torch.stack if tensors[0].ndim == 2 else torch.cat
            in_pairs = self.states in ("pairs", "none")
            each = [tensors[k::n] if in_pairs else tensors[k * count : (k + 1) * count] for k in range(n)]
            tensors = [join([*one]) for one in each]
        if len(tensors) != n:
            raise WrongModule(f"it returned {len(tensors)} tensors, expected {n} last states")
        return [each[None] if each.ndim == 2 else each for each in tensors]


_HIDDEN = re.compile(r"(?i)h|.*hidden|out|(a|y|state)([_\d]|$)")
_MEMORY = re.compile(r"(?i)c([_\dx]|ell|$)|mem|.*_c")


class _StatesByName(dict[str, Any]):
    """Hidden and memory states, under the key `states`, for a module that reads them by names of its own."""

    def __missing__(self, name: str, default: Any = None) -> Any:
        hidden, *memory = self["states"]
        if memory and _MEMORY.match(name):
            return memory[0]
        if memory and not _HIDDEN.match(name):
            raise KeyError(name)
        return hidden

    get = __getattr__ = __missing__


def _tensors(value: Any) -> Iterator[Any]:
    """Yield the tensors and packed sequences of floating-point numbers in a returned value, in order.

    Of a dict, memory states come last.
    """
    torch = sys.modules["torch"]
    if isinstance(value, torch.nn.utils.rnn.PackedSequence) or torch.is_tensor(value):
        yield from [value] if value.data.is_floating_point() else []
    elif isinstance(value, (list, tuple, dict)):
        if isinstance(value, dict):
            value = [value[name] for name in sorted(value, key=lambda name: bool(_MEMORY.match(str(name))))]
        for each in value:
            yield from _tensors(each)


def forms(forward: Any, interface: Interface, batch_first: Optional[bool]) -> list[CallForm]:  # noqa: UP045
    """Return the forms that the signature of `forward` allows: usual first, with required lengths last."""
    times = ["first", "second"] if batch_first is None else ["second" if batch_first else "first"]
    times = ["stepped"] if interface.is_cell else times
    more, found = _arguments(forward), []
    states = [each for each in more if _STATES.fullmatch(each.name)] or more[:1]
    if states and not _LENGTHS.fullmatch(states[0].name):
        state, *others = states
        names = (state.name,) if state is not more[0] or state.kind is state.KEYWORD_ONLY else ()
        memory = [each.name for each in others if _MEMORY.match(each.name)]
        is_required = state.default is state.empty and state.kind is not state.VAR_POSITIONAL
        needs, flats = is_required or interface.is_cell, [interface.is_cell, not interface.is_cell]
        ways = ["tuple", "list", *(["arguments", "pairs"] if interface.kind == "lstm" else []), "dict"]
        both = (state.name, *memory[:1]) if memory else ()
        for way, flat, time in product(ways, flats, times):
            found.append(CallForm(time, way, flat, needs, state_names=both if way == "arguments" else names))
    if interface.is_cell:
        return found
    found += [CallForm(time, "none") for time in times]
    always = [replace(form, always=True) for form in found]
    return found + [each for form in always for each in forms_with_lengths(form, forward)]


def forms_with_lengths(form: CallForm, forward: Any) -> Iterator[CallForm]:
    """Yield this form with each way to pass lengths that the signature of `forward` allows."""
    yield replace(form, lengths="packed")
    for name in (each.name for each in _arguments(forward) if _LENGTHS.fullmatch(each.name)):
        for lengths in ["mask", "padding"] if "mask" in name.lower() else ["counts", "fractions"]:
            yield replace(form, lengths=lengths, lengths_name=name)


_ANY = inspect.Parameter("states", inspect.Parameter.VAR_POSITIONAL)


def _arguments(forward: Any) -> list[inspect.Parameter]:
    """Return the parameters after the input. A compiled function has no signature, and may take states."""
    try:
        first, *others = inspect.signature(forward).parameters.values()
    except (TypeError, ValueError):
        return [_ANY]
    is_any = first.kind is first.VAR_POSITIONAL
    return [_ANY] if is_any else [each for each in others if each.kind is not each.VAR_KEYWORD]
