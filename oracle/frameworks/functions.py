"""Makes the functions of a target from the layers of a framework: whole layers, and the four functions.

An adapter adds these functions to its module by `globals().update(…)`. The four functions return no
predictions and no caches, and of the memory states only the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from oracle.weights.layout import Layout, plain
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
    """A call of `rnn_layer` or `lstm_layer`, with the arrays or tensors of a framework in its layout."""

    kind: Kind
    sequence: Any  # the input, with the axes of the layout
    states: Sequence[Any]  # the initial states (L D, m, n); None for an absent state
    weights: Sequence[Mapping[str, Any]]  # the result of `Layout.stack` for each direction of each layer
    directions: int  # 1 or 2
    activation: str  # of an RNN: "tanh" or "relu"
    lengths: Array | None  # the number of steps of each sample, if there are lengths

    @staticmethod
    def of(layout: Layout, kind: Kind, x: Array, *arguments: Any) -> Call:
        """Return the call with these arguments of `rnn_layer` or `lstm_layer`, as NumPy arrays.

        Raises `TypeError` for an input of integers, since an adapter makes layers of the dtype of the input.
        """
        if x.dtype.kind != "f":
            raise TypeError(f"the input has dtype {x.dtype}, expected a floating dtype")
        *states, parameters, options = arguments
        lengths = options.get("lengths")
        return Call(
            kind,
            layout.sequence(x),
            [None if state is None else plain(state.transpose(0, 2, 1)) for state in states],
            [layout.stack(kind, p) for p in parameters],
            options["directions"],
            options.get("activation", "tanh"),
            None if lengths is None else plain(np.asarray(lengths)),
        )

    @property
    def units(self) -> int:
        """The number of units, n_a."""
        return int(self.weights[0]["bias"].shape[0]) // (4 if self.kind == "lstm" else 1)

    def layer(self, n_in: int, dtype: str) -> LayerProperties:
        """Return the properties of one layer with `n_in` inputs and this dtype."""
        return LayerProperties(self.kind, n_in, self.units, self.directions, self.activation, dtype)

    def arrays(self) -> list[Any]:
        """Return the sequence, the states and all weights, in this order."""
        return [self.sequence, *self.states, *(array for each in self.weights for array in each.values())]

    def with_arrays(self, arrays: Sequence[Any]) -> Call:
        """Return the same call with other arrays, which have the order of `arrays()`."""
        sequence, *others = arrays
        rest = iter(others[len(self.states) :])
        weights = [{role: next(rest) for role in each} for each in self.weights]
        return replace(self, sequence=sequence, states=others[: len(self.states)], weights=weights)

    def with_all_states(self) -> Call:
        """Return the same call. If only one of two states is absent, that state is zeros."""
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
    """Return the functions of a target by name, computed by the layers of a framework.

    `bind(call)` returns a function and its arguments, `leaves`. `function(*leaves)` returns the hidden states
    of the top layer and the last states `(L D, m, n)` of all layers, as tensors of the framework. `array`
    converts a tensor to an array.

    With `gradients`, there are also backward passes. Then the leaves are the tensors of `Call.arrays`, and
    `gradients(function, leaves, incoming)` returns the gradient with respect to each leaf. `incoming` has the
    gradients with respect to the outputs of the function.

    `fill_states` is for frameworks that take both states or none: if only one state is absent, it becomes
    zeros.
    """

    def call_of(kind: Kind, *arguments: Any) -> Call:
        call = Call.of(layout, kind, *arguments)
        return call.with_all_states() if fill_states else call

    def layers_of(kind: Kind) -> dict[str, Callable[..., Any]]:
        count = 2 if kind == "lstm" else 1

        def forward(*arguments: Any) -> tuple[Array, ...]:
            function, leaves = bind(call_of(kind, *arguments))
            a, *last = map(array, function(*leaves))
            return layout.from_sequence(a), *(state.transpose(0, 2, 1) for state in last)

        def backward(*arguments: Any) -> tuple[Any, ...]:
            assert gradients is not None
            da, *last = arguments[: count + 1]
            call = call_of(kind, *arguments[count + 1 :])
            incoming = [layout.sequence(da), *(plain(d.transpose(0, 2, 1)) for d in last)]
            by = call.with_arrays([*map(array, gradients(*bind(call), incoming))])
            by_parameters = []
            for weights in by.weights:
                if layout.biases == 2:  # unstacking adds two biases, of which each has the whole gradient
                    weights = {**weights, "recurrent_bias": np.zeros_like(weights["bias"])}
                by_parameters.append({f"d{name}": d for name, d in layout.unstack(kind, weights).items()})
            by_states = (d.transpose(0, 2, 1) for d in by.states)
            return layout.from_sequence(by.sequence), *by_states, by_parameters

        name = f"{kind}_layer"
        return {name: forward, **({f"{name}_backward": backward} if gradients else {})}

    return with_four_functions({name: each for kind in kinds for name, each in layers_of(kind).items()})


def with_four_functions(layers: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """Return these functions of layers, and the two of the four functions that each layer can compute."""
    functions = dict(layers)
    for kind in ("rnn", "lstm"):
        if layer := layers.get(f"{kind}_layer"):
            functions.update(_four_functions(kind, layer))
    return functions


def _four_functions(kind: str, layer: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """Return the function of a cell and the function over time, both of which call a function of layers."""

    def run(x: Array, states: Sequence[Array], parameters: Mapping[str, Array]) -> Any:
        recurrent = {name: array for name, array in parameters.items() if name not in ("Wya", "Wy", "by")}
        return layer(x, *(state[None] for state in states), [recurrent], {"directions": 1})

    def forward(x: Array, a0: Array, parameters: Mapping[str, Array]) -> tuple[Array | None, ...]:
        a, _, *c_last = run(x, [a0, np.zeros_like(a0)] if kind == "lstm" else [a0], parameters)
        return a, None, *(c[0][:, :, None] for c in c_last)

    def cell_forward(xt: Array, *arguments: Any) -> tuple[Array | None, ...]:
        *states, parameters = arguments
        a, _, *c_last = run(xt[:, :, None], states, parameters)
        return a[:, :, 0], *(c[0] for c in c_last), None

    return {f"{kind}_cell_forward": cell_forward, f"{kind}_forward": forward}


def binding(
    run: Callable[[Call], Any], tensor: Callable[[Array], Any] = lambda array: array
) -> Callable[..., Any]:
    """Return the argument `bind` of `functions_of`, for layers that take their weights in each call.

    `run(call)` returns the outputs of a call whose arrays are those that `tensor` makes.
    """

    def bind(call: Call) -> tuple[Callable[..., Any], list[Any]]:
        leaves = [None if array is None else tensor(array) for array in call.arrays()]
        return lambda *tensors: run(call.with_arrays(tensors)), leaves

    return bind


# The functions below can be the argument `gradients` of `functions_of`.


def gradients_by_torch(
    function: Callable[..., Sequence[Any]], leaves: Sequence[Any], incoming: Sequence[Array]
) -> list[Array]:
    """Return the gradients by `torch.autograd.grad`: 0 for a leaf that no output depends on."""
    import torch

    from oracle.modules.adapter import torch_gradients

    leaves = [leaf.requires_grad_() for leaf in leaves]
    outputs = function(*leaves)
    by_outputs = [torch.from_numpy(d).to(output.dtype) for d, output in zip(incoming, outputs)]
    return [each.numpy() for each in torch_gradients(outputs, leaves, by_outputs)]


def gradients_by_jax(
    function: Callable[..., Sequence[Any]], leaves: Sequence[Any], incoming: Sequence[Array]
) -> list[Array]:
    """Return the gradients by `jax.vjp`."""
    import jax

    outputs, pull_back = jax.vjp(function, *leaves)
    return [np.asarray(each) for each in pull_back(type(outputs)(map(jax.numpy.asarray, incoming)))]


def gradients_by_tensorflow(
    function: Callable[..., Sequence[Any]], leaves: Sequence[Any], incoming: Sequence[Array]
) -> list[Array]:
    """Return the gradients by `tf.GradientTape`: 0 for a leaf that no output depends on."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(leaves)
        outputs = function(*leaves)
    zero = tf.UnconnectedGradients.ZERO
    gradients = tape.gradient(outputs, leaves, [*map(tf.constant, incoming)], unconnected_gradients=zero)
    return [each.numpy() for each in gradients]
