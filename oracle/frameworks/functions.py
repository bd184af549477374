"""The functions of a target, made from the layers of a framework: whole layers, and the four functions.

An adapter adds the functions to its module by `globals().update(…)`.

The four functions have no head and no caches, and return only the last memory state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from oracle.layout import Layout, plain
from reference.contract import Array, Kind

COMMON_LIMITS = {"caches": False, "head": False, "bad_shapes": False}
"""The part of `SUPPORTS` that most adapters share: no caches, no predictions, no calls with bad shapes."""


class LayerProperties(NamedTuple):
    """The properties of one layer that a framework needs to build it."""

    kind: Kind
    n_in: int
    units: int
    directions: int
    activation: str
    dtype: str


@dataclass(frozen=True)
class Call:
    """A call of a layer in the layout of a framework, with arrays or with tensors."""

    kind: Kind
    sequence: Any  # the input, with the axes of the layout
    states: Sequence[Any]  # the initial states (L D, m, n); None for an absent state
    weights: Sequence[Mapping[str, Any]]  # the result of `Layout.stack` for each direction of each layer
    options: Mapping[str, Any]  # of the contract

    @staticmethod
    def of(layout: Layout, kind: Kind, x: Array, *given: Any) -> Call:
        """The call with these arguments of `rnn_layer` or `lstm_layer`, with arrays."""
        *states, parameters, options = given
        initial = [None if state is None else plain(state.transpose(0, 2, 1)) for state in states]
        weights = [layout.stack(kind, p) for p in parameters]
        return Call(kind, layout.sequence(x), initial, weights, options)

    @property
    def directions(self) -> int:
        """The number of directions, 1 or 2."""
        return int(self.options.get("directions", 1))

    @property
    def activation(self) -> str:
        """The activation of an RNN, `"tanh"` or `"relu"`."""
        return str(self.options.get("activation", "tanh"))

    @property
    def lengths(self) -> Array | None:
        """The number of steps of each sample, if there are lengths."""
        lengths = self.options.get("lengths")
        return None if lengths is None else plain(np.asarray(lengths))

    @property
    def units(self) -> int:
        """The number of units, n_a."""
        return int(self.weights[0]["bias"].shape[0]) // (4 if self.kind == "lstm" else 1)

    def layer(self, n_in: int, dtype: str) -> LayerProperties:
        """The properties of one layer with `n_in` inputs and this dtype."""
        return LayerProperties(self.kind, n_in, self.units, self.directions, self.activation, dtype)

    def arrays(self) -> list[Any]:
        """The sequence, the states and all weights, in this order."""
        return [self.sequence, *self.states, *(array for each in self.weights for array in each.values())]

    def with_arrays(self, arrays: Sequence[Any]) -> Call:
        """The same call with other arrays, in the order of `arrays`."""
        sequence, *others = arrays
        rest = iter(others[len(self.states) :])
        weights = [{role: next(rest) for role in each} for each in self.weights]
        return replace(self, sequence=sequence, states=others[: len(self.states)], weights=weights)

    def with_all_states(self) -> Call:
        """The same call with zeros for an absent state, if the other state is given."""
        if all(state is None for state in self.states):
            return self
        samples = next(state.shape[1] for state in self.states if state is not None)
        n_h = self.weights[0]["recurrent_weight"].size // len(self.weights[0]["bias"])
        shapes = [(len(self.weights), samples, n) for n in (n_h, self.units)]
        states = [
            np.zeros(shape, self.sequence.dtype) if state is None else state
            for state, shape in zip(self.states, shapes)
        ]
        return replace(self, states=states)


def functions_of(
    layout: Layout,
    bind: Callable[[Call], tuple[Callable[..., Any], list[Any]]],
    gradients: Callable[..., Sequence[Any]] | None = None,
    *,
    array: Callable[[Any], Array] = np.asarray,
    kinds: Sequence[Kind] = ("rnn", "lstm"),
    fill_states: bool = True,
) -> dict[str, Callable[..., Any]]:
    """The functions of a target by name, computed by the layers and the differentiation of a framework.

    `bind(call)` returns `function, leaves`. `function(*leaves)` returns the hidden states of the top layer
    and the last states `(L D, m, n)` of all layers, as tensors of the framework; `array` converts a tensor.
    If the framework has automatic differentiation, the leaves are the tensors of `Call.arrays`, and
    `gradients(function, leaves, incoming)` returns the gradient with respect to each leaf; `incoming` are the
    gradients with respect to the outputs. With `fill_states`, an absent state becomes zeros if the other
    state is given, for frameworks that take both states or none.
    """

    def call_of(kind: Kind, *given: Any) -> Call:
        call = Call.of(layout, kind, *given)
        return call.with_all_states() if fill_states else call

    def layers_of(kind: Kind) -> dict[str, Callable[..., Any]]:
        count = 2 if kind == "lstm" else 1

        def forward(*given: Any) -> tuple[Array, ...]:
            function, leaves = bind(call_of(kind, *given))
            a, *last = map(array, function(*leaves))
            return layout.from_sequence(a), *(state.transpose(0, 2, 1) for state in last)

        def backward(*given: Any) -> tuple[Any, ...]:
            assert gradients is not None
            da, *last = given[: count + 1]
            call = call_of(kind, *given[count + 1 :])
            incoming = [layout.sequence(da), *(plain(d.transpose(0, 2, 1)) for d in last)]
            by = call.with_arrays([*map(array, gradients(*bind(call), incoming))])
            by_parameters = []
            for weights in by.weights:
                if layout.biases == 2:  # each bias has the whole gradient
                    weights = {**weights, "recurrent_bias": np.zeros_like(weights["bias"])}
                by_parameters.append({f"d{name}": d for name, d in layout.unstack(kind, weights).items()})
            by_states = (d.transpose(0, 2, 1) for d in by.states)
            return layout.from_sequence(by.sequence), *by_states, by_parameters

        name = f"{kind}_layer"
        return {name: forward, **({f"{name}_backward": backward} if gradients else {})}

    return with_four_functions({name: each for kind in kinds for name, each in layers_of(kind).items()})


def with_four_functions(layers: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """These functions of layers, and two of the four functions for each network, which call its layer."""
    functions = dict(layers)
    for kind in ("rnn", "lstm"):
        if f"{kind}_layer" in layers:
            functions.update(_four_functions(kind, layers[f"{kind}_layer"]))
    return functions


def _four_functions(kind: str, layer: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """The functions of a cell and of one layer, each by a call of one layer in one direction."""

    def forward(x: Array, a0: Array, parameters: Mapping[str, Array]) -> tuple[Array | None, ...]:
        states = [a0[None], *([np.zeros_like(a0)[None]] if kind == "lstm" else [])]
        a, _, *c_last = layer(x, *states, [_recurrent(parameters)], {"directions": 1})
        return a, None, *(c[0][:, :, None] for c in c_last)

    def cell_forward(xt: Array, *given: Any) -> tuple[Array | None, ...]:
        *states, parameters = given
        initial = [state[None] for state in states]
        a, _, *c_last = layer(xt[:, :, None], *initial, [_recurrent(parameters)], {"directions": 1})
        return a[:, :, 0], *(c[0] for c in c_last), None

    return {f"{kind}_cell_forward": cell_forward, f"{kind}_forward": forward}


def bind_tensors(run: Callable[[Call], Any], tensor: Callable[[Array], Any]) -> Callable[..., Any]:
    """The argument `bind` of `functions_of`, for a framework whose layers take their weights as tensors.

    `run(call)` returns the outputs of a call whose arrays are tensors.
    """

    def bind(call: Call) -> tuple[Callable[..., Any], list[Any]]:
        leaves = [None if array is None else tensor(array) for array in call.arrays()]
        return lambda *given: run(call.with_arrays(given)), leaves

    return bind


def bind_arrays(run: Callable[[Call], Any]) -> Callable[..., Any]:
    """The argument `bind` of `functions_of`, for a framework without automatic differentiation."""
    return lambda call: (lambda: run(call), [])


def _recurrent(parameters: Mapping[str, Array]) -> dict[str, Array]:
    """The parameters without those of the predictions."""
    return {name: array for name, array in parameters.items() if name not in ("Wya", "Wy", "by")}


# Functions for the argument `gradients` of `functions_of`: each uses a framework that several adapters share.


def gradients_by_torch(
    function: Callable[..., Sequence[Any]], leaves: Sequence[Any], incoming: Sequence[Array]
) -> list[Array]:
    """The gradients by `torch.autograd.grad`; 0 for a leaf that no output depends on."""
    import torch

    from oracle.modules import torch_gradients

    leaves = [leaf.requires_grad_() for leaf in leaves]
    outputs = function(*leaves)
    by_outputs = [torch.from_numpy(d).to(output.dtype) for d, output in zip(incoming, outputs)]
    return [each.numpy() for each in torch_gradients(outputs, leaves, by_outputs)]


def gradients_by_jax(
    function: Callable[..., Sequence[Any]], leaves: Sequence[Any], incoming: Sequence[Array]
) -> list[Array]:
    """The gradients by `jax.vjp`."""
    import jax

    outputs, pulled_back = jax.vjp(function, *leaves)
    return [np.asarray(each) for each in pulled_back(type(outputs)(map(jax.numpy.asarray, incoming)))]


def gradients_by_tensorflow(
    function: Callable[..., Sequence[Any]], leaves: Sequence[Any], incoming: Sequence[Array]
) -> list[Array]:
    """The gradients by `tf.GradientTape`; 0 for a leaf that no output depends on."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(leaves)
        outputs = function(*leaves)
    zero = tf.UnconnectedGradients.ZERO
    found = tape.gradient(outputs, leaves, [*map(tf.constant, incoming)], unconnected_gradients=zero)
    return [each.numpy() for each in found]
