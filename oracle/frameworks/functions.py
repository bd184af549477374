"""The functions of a target, made of a framework's own layers: those of layers, and the four.

The four have neither head nor caches, and of an LSTM the last memory states alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from oracle.layout import Layout, plain
from reference.contract import Array, Kind

Parameters = Sequence[Mapping[str, Array]]
States = Sequence[Any]
"""The initial states, `None` where one is absent."""
Weights = Sequence[Mapping[str, Any]]
"""What `Layout.stack` makes of the parameters, perhaps as tensors."""
Options = Mapping[str, Any]
Functions = tuple[Callable[..., Any], Callable[..., Any]]

_HEAD = ("Wya", "Wy", "by")


def of_rnn_layer(rnn_layer: Callable[..., Any]) -> Functions:
    """`rnn_cell_forward` and `rnn_forward`, made of one layer in one direction."""

    def rnn_forward(x: Array, a0: Array, parameters: Mapping[str, Array]) -> tuple[Array, None]:
        a, _ = rnn_layer(x, a0[None], [_recurrent(parameters)], {"directions": 1})
        return a, None

    def rnn_cell_forward(xt: Array, a_prev: Array, parameters: Mapping[str, Array]) -> tuple[Array, None]:
        a, _ = rnn_forward(xt[:, :, None], a_prev, parameters)
        return a[:, :, 0], None

    return rnn_cell_forward, rnn_forward


def of_lstm_layer(lstm_layer: Callable[..., Any]) -> Functions:
    """`lstm_cell_forward` and `lstm_forward`, made of one layer in one direction."""

    def lstm_forward(x: Array, a0: Array, parameters: Mapping[str, Array]) -> tuple[Array, None, Array]:
        a, _, c_last = lstm_layer(
            x, a0[None], np.zeros_like(a0)[None], [_recurrent(parameters)], {"directions": 1}
        )
        return a, None, c_last[0][:, :, None]

    def lstm_cell_forward(
        xt: Array, a_prev: Array, c_prev: Array, parameters: Mapping[str, Array]
    ) -> tuple[Array, Array, None]:
        parameters = _recurrent(parameters)
        a, _, c_last = lstm_layer(xt[:, :, None], a_prev[None], c_prev[None], [parameters], {"directions": 1})
        return a[:, :, 0], c_last[0], None

    return lstm_cell_forward, lstm_forward


class Layers(NamedTuple):
    """The functions of whole layers, forward and backward."""

    rnn_layer: Callable[..., Any]
    lstm_layer: Callable[..., Any]
    rnn_layer_backward: Callable[..., Any]
    lstm_layer_backward: Callable[..., Any]


def layers_of(
    layout: Layout,
    pose: Callable[..., tuple[Callable[..., Any], list[Any]]],
    values: Callable[..., list[Array]],
    gradients: Callable[..., list[Array]] | None,
    *,
    fill_states: bool = True,
) -> Layers:
    """The functions of layers, by a framework's own layers and its own differentiation.

    Parameters
    ----------
    layout
        How the framework lays out weights and sequences.
    pose
        `pose(kind, sequence, states, weights, options)` is given arrays in that layout: the sequence, a list
        of the initial states `(L D, m, n)`, `None` where one is absent, and what `layout.stack` makes of
        each dict of parameters. It returns `function, leaves`: `function(*leaves)` returns the hidden states
        of the top layer and the last states `(L D, m, n)` of all, as tensors of the framework. The leaves
        are the sequence, the states and every weight, in this order.
    values
        `values(function, leaves)` returns what `function` does, as arrays.
    gradients
        `gradients(function, leaves, incoming)` returns the gradient by each leaf, where `incoming` are those
        by each output, all as arrays. `None` where the framework has no differentiation: the functions that
        compute gradients are then not to be used.
    fill_states
        Whether a state that is absent alone is given as zeros, for the framework takes a pair or none.
    """

    def posed(
        kind: Kind, x: Array, states: States, stacked: Weights, options: Options
    ) -> tuple[Callable[..., Any], list[Any]]:
        if fill_states and any(state is not None for state in states):
            rows = len(stacked[0]["bias"])
            n_h, n_a = stacked[0]["recurrent_weight"].size // rows, rows // (4 if kind == "lstm" else 1)
            states = [
                np.zeros((len(stacked), n, x.shape[1]), x.dtype) if state is None else state
                for state, n in zip(states, (n_h, n_a))
            ]
        initial = [None if state is None else plain(state.transpose(0, 2, 1)) for state in states]
        return pose(kind, layout.sequence(x), initial, stacked, options)

    def forward(
        kind: Kind, x: Array, states: States, parameters: Parameters, options: Options
    ) -> tuple[Array, ...]:
        stacked = [layout.stack(kind, p) for p in parameters]
        a, *last = values(*posed(kind, x, states, stacked, options))
        return layout.from_sequence(a), *(state.transpose(0, 2, 1) for state in last)

    def backward(
        kind: Kind,
        incoming: Sequence[Array],
        x: Array,
        states: States,
        parameters: Parameters,
        options: Options,
    ) -> tuple[Any, ...]:
        assert gradients is not None
        stacked = [layout.stack(kind, p) for p in parameters]
        da, *last = incoming
        given = [layout.sequence(da), *(plain(d.transpose(0, 2, 1)) for d in last)]
        dx, *found = gradients(*posed(kind, x, states, stacked, options), given)
        by_states, by_weights = found[: len(states)], iter(found[len(states) :])
        by_parameters = []
        for weights in stacked:
            by = {role: next(by_weights) for role in weights}
            if layout.biases == 2:
                by["recurrent_bias"] = np.zeros_like(by["bias"])  # both have the whole gradient
            by_parameters.append({f"d{name}": d for name, d in layout.unstack(kind, by).items()})
        return layout.from_sequence(dx), *(d.transpose(0, 2, 1) for d in by_states), by_parameters

    def rnn_layer(x: Array, a0: Any, parameters: Parameters, options: Options) -> tuple[Array, ...]:
        return forward("rnn", x, [a0], parameters, options)

    def lstm_layer(x: Array, a0: Any, c0: Any, parameters: Parameters, options: Options) -> tuple[Array, ...]:
        return forward("lstm", x, [a0, c0], parameters, options)

    def rnn_layer_backward(
        da: Array, da_last: Array, x: Array, a0: Array, parameters: Parameters, options: Options
    ) -> tuple[Any, ...]:
        return backward("rnn", [da, da_last], x, [a0], parameters, options)

    def lstm_layer_backward(
        da: Array,
        da_last: Array,
        dc_last: Array,
        x: Array,
        a0: Array,
        c0: Array,
        parameters: Parameters,
        options: Options,
    ) -> tuple[Any, ...]:
        return backward("lstm", [da, da_last, dc_last], x, [a0, c0], parameters, options)

    return Layers(rnn_layer, lstm_layer, rnn_layer_backward, lstm_layer_backward)


def of_tensors(run: Callable[..., Any], tensor: Callable[[Array], Any]) -> Callable[..., Any]:
    """`pose` of `layers_of`, for a framework whose layers can be given their weights as tensors.

    `run` is called as `pose` is, with a tensor in the place of each array, and returns the outputs.
    """

    def pose(
        kind: Kind,
        sequence: Array,
        states: States,
        stacked: Weights,
        options: Options,
    ) -> tuple[Callable[..., Any], list[Any]]:
        def function(sequence: Any, *given: Any) -> Any:
            others = iter(given[len(states) :])
            weights = [{role: next(others) for role in each} for each in stacked]
            return run(kind, sequence, given[: len(states)], weights, options)

        arrays = [sequence, *states, *(array for each in stacked for array in each.values())]
        return function, [None if array is None else tensor(array) for array in arrays]

    return pose


def _recurrent(parameters: Mapping[str, Array]) -> dict[str, Array]:
    return {name: array for name, array in parameters.items() if name not in _HEAD}
