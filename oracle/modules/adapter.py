"""A module under the contract of layers: built for the sizes of a call, filled with its weights, called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from oracle.modules.factory import Factory
from oracle.modules.forms import Form, WrongAnswer
from oracle.modules.interface import Interface, Sizes, flat, numbered
from oracle.modules.places import PlaceOrder, places
from oracle.modules.roles import Extents, Reading
from oracle.modules.torch_framework import TorchFramework
from reference.contract import Array

Parameters = Sequence[Mapping[str, Array]]


@dataclass(frozen=True)
class Single:
    """A module of one layer and direction: the shapes of its weights, and what they are."""

    shapes: Mapping[str, Extents]
    reading: Reading


@dataclass
class Built:
    """A module of some sizes, of every weight the places of its entries in `flat` parameters, and what is
    called in its place.
    """

    module: Any
    entries: Mapping[str, Array]
    called: Any = None


class Adapter:
    """The functions of layers, by the modules of a factory and what was understood of them.

    `singles` has the module of one layer and direction without a projection, and perhaps that with one.
    """

    def __init__(
        self,
        factory: Factory,
        interface: Interface,
        framework: TorchFramework,
        singles: Mapping[bool, Single],
        form: Form,
        order: PlaceOrder,
    ) -> None:
        self._interface = interface
        self._framework = framework
        self._singles = singles
        self._form = form
        self._order = order
        self._factory = factory
        self._built = lru_cache(maxsize=64)(self._make)

    @property
    def takes_states(self) -> bool:
        """Whether initial states are handed over."""
        return self._form.states != "none"

    def has_places(self, sizes: Sizes) -> bool:
        """Whether every weight of a module of these sizes has a place."""
        try:
            self._built(sizes, "float64")
        except WrongAnswer:
            return False
        return True

    def _make(self, sizes: Sizes, dtype: str) -> Built:
        module = self._framework.ready(self._factory(sizes), dtype)
        shapes = {name: tuple(each.shape) for name, each in self._framework.weights(module).items()}
        return Built(module, self._entries(shapes, sizes))

    def _entries(
        self, shapes: Mapping[str, Extents], sizes: Sizes, *, with_second_bias: bool = False
    ) -> dict[str, Array]:
        """Of every weight where its entries are; 0 of a weight that an option should have changed."""
        single = self._singles.get(sizes.n_p > 0, self._singles[False])
        of_each = numbered(self._interface.kind, sizes)
        found = places(shapes, single.shapes, sizes, self._order)
        if found is None and {*shapes} == {*single.shapes}:
            found = {name: (0, 0, name) for name in shapes}
        if found is None:
            raise WrongAnswer(f"the names of its weights ({', '.join(shapes)}) do not tell their places")
        entries = {}
        for name, (layer, direction, own) in found.items():
            p = of_each[layer * sizes.directions + direction]
            role = single.reading[own]
            array = (replace(role, side=role.side or "b") if with_second_bias else role).of(
                self._interface.kind, p
            )
            is_there = array.size == np.prod(shapes[name])
            entries[name] = array.reshape(shapes[name]) if is_there else np.zeros(shapes[name], int)
        return entries

    def sizes_of(self, x: Array, parameters: Parameters, options: Mapping[str, Any]) -> Sizes:
        """The sizes of a call."""
        D = options.get("directions", 1)
        kind = self._interface.kind
        n_a, n_p = len(parameters[0]["ba" if kind == "rnn" else "bf"]), len(parameters[0].get("Wp", ()))
        return Sizes(len(x), n_a, len(parameters) // D, D, n_p, options.get("activation", "tanh"))

    def filled(self, x: Array, parameters: Parameters, options: Mapping[str, Any]) -> tuple[Sizes, Built]:
        """The module of a call with its weights."""
        sizes = self.sizes_of(x, parameters, options)
        built = self._built(sizes, x.dtype.name)
        for own, expected in zip(parameters, numbered(self._interface.kind, sizes)):
            for name, array in expected.items():
                if own[name].shape != array.shape:
                    raise ValueError(f"{name} has shape {own[name].shape}, expected {array.shape}")
        values = flat(parameters)
        weights = self._framework.weights(built.module)
        for name, entries in built.entries.items():
            self._framework.set(weights[name], values[entries])
        return sizes, built

    def parameters(self, sizes: Sizes) -> list[dict[str, Array]]:
        """Those that the module itself has, where two biases are one, their sum."""
        module = self._factory(sizes)
        weights = {
            name: self._framework.array(each) for name, each in self._framework.weights(module).items()
        }
        own = {name: array.shape for name, array in weights.items()}
        of_each = numbered(self._interface.kind, sizes)
        values = np.zeros(len(flat(of_each)), next(iter(weights.values())).dtype)
        for name, entries in self._entries(own, sizes, with_second_bias=True).items():
            values[entries] += weights[name]
        return [{name: values[entries] for name, entries in p.items()} for p in of_each]

    def _called(self, built: Built) -> Any:
        """What is called: a conversion that shares the weights is done once."""
        if built.called is None or not self._factory.shares:
            built.called = self._factory.called(built.module)
        return built.called

    def run(
        self, x: Array, states: Sequence[Any], parameters: Parameters, options: Mapping[str, Any]
    ) -> tuple[Any, ...]:
        """The output and the last states."""
        sizes, built = self.filled(x, parameters, options)
        lengths = options.get("lengths")
        a, *last = self._framework.run(
            self._called(built), self._form, self._interface, sizes, [x, *states], lengths
        )
        if last:
            return (a, *last)
        n_h, ends = sizes.n_h, np.full(x.shape[1], x.shape[2]) if lengths is None else np.asarray(lengths)
        forward = a[:n_h, np.arange(x.shape[1]), ends - 1]
        a_last = np.stack([forward, *([a[n_h:, :, 0]] if sizes.directions == 2 else [])])
        return (a, a_last) if self._interface.kind == "rnn" else (a, a_last, None)

    def differentiated(
        self,
        incoming: Sequence[Array],
        x: Array,
        states: Sequence[Array],
        parameters: Parameters,
        options: Mapping[str, Any],
    ) -> tuple[Any, ...]:
        """The gradients by the input, by each initial state, and by the parameters."""
        sizes, built = self.filled(x, parameters, options)
        (dx, *by_states), by_weights = self._framework.gradients(
            self._called(built),
            built.module,
            self._form,
            self._interface,
            sizes,
            [x, *states],
            options.get("lengths"),
            incoming,
        )
        of_each = numbered(self._interface.kind, sizes)
        by_entry = np.zeros(len(flat(of_each)), x.dtype)
        for name, entries in built.entries.items():
            by_entry[entries.ravel()] = by_weights[name].ravel()
        gradients = [{f"d{name}": by_entry[entries] for name, entries in p.items()} for p in of_each]
        return (dx, *by_states, gradients)

    def functions(self) -> dict[str, Callable[..., Any]]:
        """The forward and the backward pass of its network, under the names of the contract."""

        def rnn_layer(x: Array, a0: Any, parameters: Parameters, options: Mapping[str, Any]) -> Any:
            return self.run(x, [a0], parameters, options)

        def lstm_layer(x: Array, a0: Any, c0: Any, parameters: Parameters, options: Mapping[str, Any]) -> Any:
            return self.run(x, [a0, c0], parameters, options)

        def rnn_layer_backward(
            da: Array, da_last: Array, x: Array, a0: Array, parameters: Any, options: Any
        ) -> Any:
            return self.differentiated([da, da_last], x, [a0], parameters, options)

        def lstm_layer_backward(
            da: Array,
            da_last: Array,
            dc_last: Array,
            x: Array,
            a0: Array,
            c0: Array,
            parameters: Any,
            options: Any,
        ) -> Any:
            return self.differentiated([da, da_last, dc_last], x, [a0, c0], parameters, options)

        own = (
            (rnn_layer, rnn_layer_backward)
            if self._interface.kind == "rnn"
            else (lstm_layer, lstm_layer_backward)
        )
        return {function.__name__: function for function in own}
