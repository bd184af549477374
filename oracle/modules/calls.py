"""The ways to call a module: the axis of time, the arguments for states and lengths, the returned values."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from typing import Any

from oracle.modules.interface import Interface, Shape, WrongModule
from reference.contract import NETWORKS

_LENGTHS = re.compile(
    r"(?i)(xs?_?|seq_?|sequence_?|input_?)?(lens?|lengths?)|(padding_?|input_?|attention_?|seq_?)?masks?"
)
_STATES = re.compile(r"(?i)hx|hc|(h|c)(_?0|_?t|_?prev)?|.*(hidden|state).*")


@dataclass(frozen=True)
class CallForm:
    """One way to call a module.

    Sequences are `(T_x, m, n)` if `time` is the `"first"` axis, `(m, T_x, n)` if it is the `"second"`; a cell
    is `"stepped"`. Initial states are a `"tuple"`, `"list"` or `"dict"` of hidden and memory states (for an
    RNN, `"tuple"` stands for one tensor), two `"arguments"`, a list with one such `"pair"`, `"pairs"`, one
    for each layer and direction, or a `"chain"`, the list of the states of all pairs; `"none"` if the module
    takes no states. States that are `flat` are `(m, n)` rather than `(1, m, n)`. Last states are `in_pairs`
    if each layer and direction returns its own states together.

    Lengths are `"packed"` sequences, or an argument that contains `"counts"`, `"fractions"` of T_x, a
    `"mask"` `(m, T_x)` that is true on the steps, one that is true on the `"padding"`, or the transpose of
    one, `"mask by step"` or `"padding by step"`; empty if there are none. `is_sorted` tells whether lengths
    must be in descending order. `state_names` are the arguments for states; empty if states are passed by
    position. `lengths_name` is the argument for lengths.
    """

    time: str = "first"
    states: str = "tuple"
    flat: bool = False
    in_pairs: bool = False
    lengths: str = ""
    is_sorted: bool = False
    state_names: tuple[str, ...] = ()
    lengths_name: str = ""

    def deeper(self) -> list[CallForm]:
        """Return this form and those that equal it if there is one layer and direction."""
        ways = {"pairs": ["pairs", "pair"], "tuple": ["tuple", "chain"], "list": ["list", "chain"]}
        every = product(ways.get(self.states, [self.states]), (False, True))
        return [replace(self, states=states, in_pairs=in_pairs) for states, in_pairs in every]

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
        if lengths is not None and self.is_sorted:
            order = torch.argsort(lengths, descending=True, stable=True)
            given = steps[:, order], [each[:, order] for each in states], shapes, lengths[order]
            output, last = replace(self, is_sorted=False).call(module, *given)
            back = torch.argsort(order)
            return output[:, back], [each[:, back] for each in last]
        value, named = self._with_lengths(steps, lengths)
        tensors = self._call(module, value, states, **named)
        first = tensors[: len(steps)]
        if first and all(torch.is_tensor(each) and each.ndim == 2 for each in first):  # a list of steps
            tensors[: len(steps)] = [torch.stack(first, int(self.time == "second"))]
        output, *last = tensors
        last = self._last_states(last, shapes) if last else []
        if isinstance(output, torch.nn.utils.rnn.PackedSequence):
            output, _ = torch.nn.utils.rnn.pad_packed_sequence(output, total_length=len(steps))
        elif self.time == "second":
            output = output.transpose(0, 1)
        if any(each.ndim != 3 for each in (output, *last)):
            shapes = [tuple(each.shape) for each in (output, *last)]
            raise WrongModule(f"it returned shapes {shapes}, expected three axes in each")
        if lengths is not None and len(output) == lengths.max():  # it ends with the longest sample
            output = torch.cat([output, output.new_zeros(len(steps) - len(output), *output.shape[1:])])
        if named:  # outputs beyond the end are not specified
            within = torch.arange(len(steps))[:, None] < lengths
            output = torch.where(within.to(output.device)[:, :, None], output, output.new_zeros(()))
        return output, last

    def _with_lengths(self, steps: Any, lengths: Any) -> tuple[Any, dict[str, Any]]:
        """Return the sequence to pass, and the argument for lengths by its name."""
        torch = sys.modules["torch"]
        value = steps if self.time == "first" else steps.transpose(0, 1)
        if lengths is None:
            return value, {}
        if self.lengths == "packed":
            wider = torch.nn.functional.pad(value, (0, 1))  # torch does not pack samples without features
            batch_first = self.time == "second"
            packed = torch.nn.utils.rnn.pack_padded_sequence(wider, lengths, batch_first, False)
            return packed._replace(data=packed.data[:, :-1].contiguous()), {}
        lengths = lengths.to(steps.device)
        mask = torch.arange(len(steps), device=steps.device) < lengths[:, None]
        values = {"counts": lengths, "fractions": lengths / max(len(steps), 1)}
        values.update({"mask": mask, "padding": ~mask, "mask by step": mask.T, "padding by step": ~mask.T})
        return value, {self.lengths_name: values[self.lengths]}

    def _call(self, module: Any, value: Any, states: Sequence[Any], **named: Any) -> list[Any]:
        """Call a module with states `(L D, m, n)`. Returns its tensors in one list."""
        if not states or self.states == "none":
            return read_answer(module(value, **named))
        whole: Any = [each[0] if self.flat and len(each) == 1 else each for each in states]
        pairs = [*zip(*(each if self.flat else each.split(1) for each in states))]
        given = {
            "tuple": [tuple(whole) if len(whole) > 1 else whole[0]],
            "list": [whole],
            "dict": [_StatesByName(states=whole)],
            "arguments": whole,
            "pair": [[tuple(whole)]],
            "pairs": [pairs],
            "chain": [[*chain.from_iterable(pairs)]],
        }[self.states]
        by_name = dict(zip(self.state_names, given))
        return read_answer(module(value, *([] if by_name else given), **by_name, **named))

    def _last_states(self, tensors: Sequence[Any], shapes: Sequence[Shape]) -> list[Any]:
        """Return the last states `(L D, m, n)`. `tensors` may have one for each layer and direction."""
        n, count = len(shapes), shapes[0][0]
        tensors = [each[None] if each.ndim == 2 else each for each in tensors]
        if len(tensors) == n * count > n:  # otherwise not copied, so that a later call may overwrite them
            starts = [
                slice(k, None, n) if self.in_pairs else slice(k * count, (k + 1) * count) for k in range(n)
            ]
            tensors = [sys.modules["torch"].cat(tensors[each]) for each in starts]
        if len(tensors) != n:
            raise WrongModule(f"it returned {len(tensors)} tensors, expected {n} last states")
        return tensors


_HIDDEN = re.compile(r"(?i)(?!.*gate)(h|.*hidden|.*out|(a|y|state)([_\d]|$))")
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


def read_answer(value: Any) -> list[Any]:
    """Return the tensors and packed sequences of floating-point numbers in what a module returned, in order.

    Of a dict, outputs come first and memory states last. Values whose names are not those of outputs or
    states, such as gates, are left out.
    """
    torch = sys.modules["torch"]
    if isinstance(value, torch.nn.utils.rnn.PackedSequence) or torch.is_tensor(value):
        return [value] if value.data.is_floating_point() else []
    if isinstance(value, dict):
        memory = [name for name in value if _MEMORY.match(str(name))]
        others = [name for name in value if name not in memory]
        hidden = [name for name in others if _HIDDEN.match(str(name))]
        hidden.sort(key=lambda name: "out" not in str(name).lower())
        value = [value[name] for name in (*(hidden or others), *memory)]
    if not isinstance(value, (list, tuple)):
        return []
    return [*chain.from_iterable(map(read_answer, value))]


def forms(forward: Any, interface: Interface) -> list[CallForm]:
    """Return the forms that the signature of `forward` allows: usual first, with required lengths last."""
    is_cell = interface.is_cell
    times = ["stepped"] if is_cell else ["first", "second"]
    more, found = _arguments(forward), []
    states = [each for each in more if _STATES.fullmatch(each.name)] or more[:1]
    if states and not _LENGTHS.fullmatch(states[0].name):
        state, *others = states
        names = (state.name,) if state is not more[0] or state.kind is state.KEYWORD_ONLY else ()
        memory = [each.name for each in others if _MEMORY.match(each.name)]
        flats = [is_cell, not is_cell]
        of_two = ["arguments", "pairs"] if NETWORKS[interface.kind].has_memory else []
        ways = ["tuple", "list", *of_two, "dict"]
        both = (state.name, *memory[:1]) if memory else ()
        for way, flat, time in product(ways, flats, times):
            found.append(CallForm(time, way, flat, state_names=both if way == "arguments" else names))
    if is_cell:
        return found
    found += [CallForm(time, "none") for time in times]
    return found + [each for form in found for each in forms_with_lengths(form, forward)]


def forms_with_lengths(form: CallForm, forward: Any) -> Iterator[CallForm]:
    """Yield this form with each way to pass lengths that the signature of `forward` allows."""
    yield replace(form, lengths="packed", lengths_name="")
    masks = ("mask", "padding", "mask by step", "padding by step")
    for name in (each.name for each in _arguments(forward) if _LENGTHS.fullmatch(each.name)):
        for lengths in masks if "mask" in name.lower() else ("counts", "fractions"):
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
