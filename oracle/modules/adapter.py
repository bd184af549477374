"""Calls modules as functions of layers: builds a module for the sizes of a call, and sets its weights."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from oracle.layout import plain
from oracle.modules.factory import Built, Factory
from oracle.modules.forms import Form, WrongAnswer, WrongWeights, read
from oracle.modules.interface import Sizes, UnusableModule, flat, numbered
from oracle.modules.places import places
from oracle.modules.roles import Extents, Reading
from reference.contract import Array

Parameters = Sequence[Mapping[str, Array]]
Options = Mapping[str, Any]


class Single(NamedTuple):
    """A module of one layer and direction: the shapes of its weights, and their reading."""

    shapes: Mapping[str, Extents]
    reading: Reading


class Source(NamedTuple):
    """The source of a weight's numbers: for each of its entries, an index of `flat` parameters.

    If two biases are added, each gets one half of the numbers.
    """

    entries: Array
    half: str  # "first", "second", or "" of any other weight

    def fill(self, values: Array) -> Array:
        """The numbers of the weight, from `flat` parameters. The sum of two halves is exact."""
        whole = values[self.entries]
        if not self.half:
            return whole
        half = np.where(np.isfinite(whole), whole / 2, whole)
        return half if self.half == "first" else np.where(np.isfinite(whole), whole - half, 0)


class Adapter:
    """The functions of layers, computed by the modules of a factory, which are called in one form.

    `singles` has a module of one layer and direction without a projection (key `False`), and perhaps one with
    a projection (key `True`).
    """

    def __init__(self, factory: Factory, singles: Mapping[bool, Single], form: Form) -> None:
        self.takes_states = form.states != "none"
        self.returns_states = True  # as far as calls have shown
        self._interface = factory.interface
        self._factory, self._singles, self._form = factory, singles, form
        self._sources_of: dict[Sizes, dict[str, Source]] = {}

    def _sources(self, weights: Mapping[str, Any], sizes: Sizes) -> dict[str, Source]:
        """The source of each weight, by name. The indices are 0 for a weight that ignores the projection.

        Raises `UnusableModule` if the names do not tell layers and directions, and `WrongWeights` if no order
        of layers and directions explains the shapes.
        """
        single = self._singles.get(sizes.n_p > 0, self._singles[False])
        shapes = {name: tuple(each.shape) for name, each in weights.items()}
        found = places(shapes, single.shapes, sizes)
        if found is None and {*shapes} == {*single.shapes}:
            found = {name: (0, name) for name in shapes}
        if found is None:
            raise UnusableModule(
                f"names such as {max(shapes, key=len)} do not tell the places of its weights"
            )
        of_each, entries = numbered(self._interface.kind, sizes), {}
        for name, (k, own) in found.items():
            role = single.reading[own]
            entries[name] = role.of(self._interface.kind, of_each[k])
        extents = {name: int(np.prod(shape)) for name, shape in shapes.items()}
        wrong = [name for name, array in entries.items() if array.size != extents[name]]
        if wrong and sizes.n_p and True not in self._singles:
            entries.update({name: np.zeros(shapes[name], int) for name in wrong})
        elif wrong and sorted(array.size for array in entries.values()) == sorted(extents.values()):
            raise UnusableModule(
                f"its weights stand in another order: {wrong[0]} has shape {shapes[wrong[0]]}"
            )
        elif wrong:
            expected, made = (
                entries[wrong[0]].shape,
                f"{sizes.layers} layers and {sizes.directions} directions",
            )
            raise WrongWeights(f"{wrong[0]} has shape {shapes[wrong[0]]}, expected {expected} of {made}")
        sides = {name: single.reading[own].side for name, (_, own) in found.items()}
        halves = {"b": "first", "": "second"} if "" in sides.values() else {}
        return {
            name: Source(array.reshape(shapes[name]), halves.get(sides[name], ""))
            for name, array in entries.items()
        }

    def _filled(self, x: Array, parameters: Parameters, options: Options) -> tuple[Sizes, Built]:
        """The sizes of a call, and a module with its weights."""
        kind, D = self._interface.kind, options.get("directions", 1)
        n_a, n_p = len(parameters[0]["ba" if kind == "rnn" else "bf"]), len(parameters[0].get("Wp", ()))
        activation = options.get("activation", "tanh")
        sizes = Sizes(len(x), n_a, len(parameters) // D, D, n_p, activation)
        for p, expected in zip(parameters, numbered(kind, sizes)):
            for name, array in expected.items():
                if p[name].shape != array.shape:
                    raise ValueError(f"{name} has shape {p[name].shape}, expected {array.shape}")
        built, values = self._factory.built(sizes, x.dtype.name), flat(parameters)
        if sizes not in self._sources_of:
            self._sources_of[sizes] = self._sources(built.weights, sizes)
        with sys.modules["torch"].no_grad():
            for name, source in self._sources_of[sizes].items():
                built.weights[name].copy_(self._tensor(source.fill(values)))
        if built.called is None or not self._factory.shares:
            built.called = self._factory.called(built.module)
        return sizes, built

    def parameters(self) -> list[dict[str, Array]]:
        """The parameters of a trained module; two biases are added."""
        sizes = self._factory.tried
        trained = self._factory.weights(self._factory.made(sizes))
        weights = {name: _array(each) for name, each in trained.items()}
        of_each = numbered(self._interface.kind, sizes)
        values = np.zeros(len(flat(of_each)), next(iter(weights.values())).dtype)
        for name, source in self._sources(weights, sizes).items():
            values[source.entries] += weights[name]
        return [{name: values[entries] for name, entries in p.items()} for p in of_each]

    def run(
        self, x: Array, states: Sequence[Any], parameters: Parameters, options: Options
    ) -> tuple[Any, ...]:
        """The output and the last states."""
        sizes, built = self._filled(x, parameters, options)
        with sys.modules["torch"].no_grad():
            answer = self._answer(built.called, sizes, self._leaves(x, states), options.get("lengths"))
        found = [_array(each).transpose(axes) for each, axes in zip(answer, _AXES)]
        return (*found, *([None] if self._interface.kind == "lstm" and len(found) == 2 else []))

    def gradients(
        self,
        incoming: Sequence[Array],
        x: Array,
        states: Sequence[Array],
        parameters: Parameters,
        options: Options,
    ) -> tuple[Any, ...]:
        """The gradients with respect to the input, each initial state, and the parameters, by autograd."""
        sizes, built = self._filled(x, parameters, options)
        leaves = [leaf.requires_grad_() for leaf in self._leaves(x, states)]
        answer = self._answer(built.called, sizes, leaves, options.get("lengths"))
        by_answer = [
            self._tensor(d.transpose(axes)).to(each.dtype) for d, axes, each in zip(incoming, _AXES, answer)
        ]
        found = torch_gradients(answer, [*leaves, *built.weights.values()], by_answer)
        by_leaves = [_array(each).transpose(axes) for each, axes in zip(found[: len(leaves)], _AXES)]
        of_each = numbered(self._interface.kind, sizes)
        by_entry = np.zeros(len(flat(of_each)), x.dtype)
        of_weights = {name: _array(each) for name, each in zip(built.weights, found[len(leaves) :])}
        for name, source in sorted(self._sources_of[sizes].items(), key=lambda item: item[1].half):
            values = of_weights[name]
            if source.half == "second":  # the bias has the mean gradient of its halves
                first = by_entry[source.entries]
                values = np.where(first == values, values, first / 2 + values / 2)
            by_entry[source.entries] = values
        return (*by_leaves, [{f"d{name}": by_entry[entries] for name, entries in p.items()} for p in of_each])

    def _answer(self, called: Any, sizes: Sizes, leaves: Sequence[Any], lengths: Any) -> list[Any]:
        """The output `(T_x, m, n)`, and the last states `(L D, m, n)` that the module returns."""
        torch, form = sys.modules["torch"], self._form
        steps, *initial = leaves
        if any(each is not None and len(each) != sizes.places for each in initial):
            raise ValueError(f"there are initial states for more or fewer than {sizes.places} layers")
        arguments: list[Any] = []
        named: dict[str, Any] = {}
        if form.needs_states or any(each is not None for each in initial):
            shapes = [(sizes.places, steps.shape[1], n) for n in (sizes.n_h, sizes.n_a)]
            initial = [steps.new_zeros(n) if each is None else each for each, n in zip(initial, shapes)]
            arguments, named = form.given(initial)
        if self._interface.is_cell:
            return self._stepped(called, steps, initial)
        value = steps if form.time_first else steps.transpose(0, 1)
        if lengths is None and form.always:
            lengths = np.full(steps.shape[1], len(steps))
        if lengths is not None:
            counts = torch.as_tensor(np.array(lengths, np.int64))
            within = torch.arange(len(steps), device=steps.device)
            if form.lengths != "packed":
                counts = counts.to(steps.device)
                named[form.names[1]] = form.lengths_given(counts, within)
            elif len(counts):  # torch packs no empty batch
                pack = torch.nn.utils.rnn.pack_padded_sequence
                value = pack(value, counts, batch_first=not form.time_first, enforce_sorted=False)
        returned = [*_tensors(called(value, *arguments, **named))]
        output, last = read(returned, self._interface, sizes.places, torch.stack)
        if isinstance(output, torch.nn.utils.rnn.PackedSequence):
            output, _ = torch.nn.utils.rnn.pad_packed_sequence(output, total_length=len(steps))
        elif not form.time_first:
            output = output.transpose(0, 1)
        if lengths is not None and len(output) == max(lengths, default=0):  # as `pad_packed_sequence` ends
            output = torch.cat([output, output.new_zeros(len(steps) - len(output), *output.shape[1:])])
        if output.ndim != 3 or any(each.ndim != 3 for each in last):
            raise WrongAnswer(f"it returned shapes {[tuple(each.shape) for each in returned]}")
        if lengths is not None and form.lengths != "packed":  # outputs beyond the end are not specified
            output = torch.where((within[:, None] < counts)[:, :, None], output, output.new_zeros(()))
        if not last:  # the last hidden states of a layer are in its output
            self.returns_states = False
            ends = torch.as_tensor(np.full(output.shape[1], len(steps)) if lengths is None else lengths)
            forward = output[ends - 1, torch.arange(output.shape[1]), : sizes.n_h]
            last = [torch.stack([forward, output[0, :, sizes.n_h :]][: sizes.directions])]
        return [output, *last]

    def _stepped(self, cell: Any, steps: Any, states: list[Any]) -> list[Any]:
        every = []
        for step in steps:
            arguments, named = self._form.given(states)
            returned = [*_tensors(cell(step, *arguments, **named))]
            _, states = read(returned, self._interface, 1, sys.modules["torch"].stack)
            every.append(states[0][0])
        return [sys.modules["torch"].stack(every), *states]

    def _leaves(self, x: Array, states: Sequence[Any]) -> list[Any]:
        return [
            None if each is None else self._tensor(each.transpose(axes))
            for each, axes in zip([x, *states], _AXES)
        ]

    def _tensor(self, array: Array) -> Any:
        return sys.modules["torch"].from_numpy(plain(array)).to(self._factory.device)

    def functions(self) -> dict[str, Callable[..., Any]]:
        """The forward and the backward pass, by the names of the contract."""
        n = 2 if self._interface.kind == "lstm" else 1

        def forward(x: Array, *given: Any) -> tuple[Any, ...]:
            return self.run(x, given[:n], *given[n:])

        def backward(*given: Any) -> tuple[Any, ...]:
            x, *rest = given[n + 1 :]
            return self.gradients(given[: n + 1], x, rest[:n], *rest[n:])

        name = f"{self._interface.kind}_layer"
        return {name: forward, f"{name}_backward": backward}


_AXES = ((2, 1, 0), (0, 2, 1), (0, 2, 1))
"""The transpositions of a sequence and of states between the contract and torch; each is its own inverse."""


def _tensors(value: Any) -> Iterator[Any]:
    """The tensors and packed sequences in a returned value, in their order."""
    torch = sys.modules["torch"]
    if isinstance(value, torch.nn.utils.rnn.PackedSequence) or torch.is_tensor(value):
        yield from [value] if value.data.is_floating_point() else []
    elif isinstance(value, (list, tuple, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _tensors(each)


def _array(tensor: Any) -> Array:
    """A tensor as an array; bfloat16, which NumPy does not have, becomes float32 with the same values."""
    tensor = tensor.detach().cpu()
    return np.asarray((tensor.float() if tensor.dtype == sys.modules["torch"].bfloat16 else tensor).numpy())


def torch_gradients(outputs: Sequence[Any], leaves: Sequence[Any], by_outputs: Sequence[Any]) -> Any:
    """A tuple of the gradients with respect to each leaf, as tensors; 0 for a leaf that no output depends on.

    An output that depends on no leaf is left out, since torch raises an error for it: the output of no steps,
    for example. If no output depends on a leaf, that error is raised.
    """
    pairs = [(each, d) for each, d in zip(outputs, by_outputs) if each.requires_grad]
    outputs, by_outputs = zip(*pairs) if pairs else (outputs, by_outputs)
    return sys.modules["torch"].autograd.grad(
        outputs, leaves, by_outputs, allow_unused=True, materialize_grads=True
    )
