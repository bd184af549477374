"""Whole layers: stacked, in one direction or two, over sequences of different lengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from reference.contract import Array
from reference.lstm import lstm_steps
from reference.rnn import ACTIVATIONS, rnn_steps
from reference.time_axis import time_last
from reference.validation import LayerCall, validate_layers

Steps = Callable[[Array, int], Sequence[Array]]
"""A function that runs one direction. It takes the input `(T_x, n, m)` and the index of the parameters.

It returns the hidden states `(T_x + 1, n_h, m)`, the initial state first, and for an LSTM also the memory
states.
"""


@np.errstate(all="ignore")
def rnn_layer(
    x: Any, a0: Any, parameters: Sequence[Mapping[str, Any]], options: Mapping[str, Any] | None = None
) -> tuple[Array, Array]:
    """L layers of `rnn_forward` in D directions, without head and caches.

    Parameters
    ----------
    x : (n_x, m, T_x)
        The inputs, time on the last axis.
    a0 : (L D, n_a, m)
        The initial hidden states, layer by layer, forward before backward in each; `None` for zeros.
    parameters : list of L D mappings, in this order
        `Wax (n_a, n_in)`, `Waa (n_a, n_a)`, `ba (n_a, 1)`. In the first layer `n_in` is `n_x`. In each other
        layer it is `D n_a`: the layer takes the hidden states of the layer below, forward in the first rows.
    options : mapping
        `directions`, `lengths`, `activation` (see `reference.contract.OPTIONS`). If a sample has fewer than
        T_x steps, its last states are the states after its own last step, its backward direction begins at
        that step, and `a` is 0 after it.

    Returns
    -------
    a : (D n_a, m, T_x)
        The hidden states of the top layer, with the forward direction in the first rows.
    a_last : (L D, n_a, m)
        The last hidden states, in the order of `a0`; a backward direction ends at the first step.

    For the dtype of the results and the errors raised, see `reference.validation.validate_layers`. No result
    shares memory with the inputs.
    """
    call = validate_layers("rnn_layer", {"x": x, "a0": a0}, parameters, options)
    a0, activation = call.arguments["a0"], ACTIVATIONS[call.activation]
    a, (a_last,) = run_layers(call, lambda v, k: rnn_steps(v, a0[k], call.parameters[k], activation)[:1])
    return a, a_last


@np.errstate(all="ignore")
def lstm_layer(
    x: Any,
    a0: Any,
    c0: Any,
    parameters: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any] | None = None,
) -> tuple[Array, Array, Array]:
    """L layers of `lstm_forward` in D directions, without head and caches.

    With `Wp (n_p, n_a)` in the parameters the hidden state is projected, `a = Wp (o * tanh(c))`, and has
    n_h = n_p units (Sak, Senior and Beaufays, Interspeech 2014); otherwise n_h = n_a.

    Parameters
    ----------
    x : (n_x, m, T_x)
        The inputs, time on the last axis.
    a0 : (L D, n_h, m)
    c0 : (L D, n_a, m)
        The initial states, layer by layer, and within a layer forward before backward; `None` for zeros.
    parameters : list of L D mappings, in this order
        `Wf`, `Wi`, `Wc`, `Wo`, each `(n_a, n_h + n_in)`; `bf`, `bi`, `bc`, `bo`, each `(n_a, 1)`; perhaps
        `Wp`. In the first layer `n_in` is `n_x`. In each other layer it is `D n_h`: the layer takes the
        hidden states of the layer below, with the forward direction in the first rows.
    options : mapping
        `directions` and `lengths`, as in `rnn_layer`.

    Returns
    -------
    a : (D n_h, m, T_x)
        The hidden states of the top layer, with the forward direction in the first rows.
    a_last : (L D, n_h, m)
    c_last : (L D, n_a, m)
        The last states, in the order of `a0`; a backward direction ends at the first step.

    For the dtype of the results and the errors raised, see `reference.validation.validate_layers`. No result
    shares memory with the inputs.
    """
    call = validate_layers("lstm_layer", {"x": x, "a0": a0, "c0": c0}, parameters, options)
    a0, c0 = call.arguments["a0"], call.arguments["c0"]
    a, last = run_layers(call, lambda v, k: lstm_steps(v, a0[k], c0[k], call.parameters[k])[:2])
    return a, last[0], last[1]


def run_layers(call: LayerCall, steps: Steps) -> tuple[Array, list[Array]]:
    """The hidden states `(D n_h, m, T_x)` of the top layer, and the last states `(L D, n, m)` of all layers.

    An RNN has one array of last states, an LSTM has two, those of `a` and `c`.
    """
    x, D, lengths = call.arguments["x"].transpose(2, 0, 1), call.directions, call.lengths
    (T_x, _, m), n_h = x.shape, call.arguments["a0"].shape[1]
    last: list[list[Array]] = []
    for k in range(0, len(call.parameters), D):
        hidden = np.empty((T_x, D, n_h, m), x.dtype)
        for direction in range(D):
            # `last` gets copies, so that the next direction can reuse the memory of these steps.
            states = steps(direction_order(x, direction, lengths), k + direction)
            hidden[:, direction] = direction_order(states[0][1:], direction, lengths)
            last.append([_last_state(each, lengths) for each in states])
            del states
        x = hidden.reshape(T_x, D * n_h, m)
        if lengths is not None:
            x = np.where(np.arange(T_x)[:, None, None] < lengths, x, 0)
    return time_last(x), [np.stack(states) for states in zip(*last)]


def direction_order(steps: Array, direction: int, lengths: Array | None) -> Array:
    """The steps `(T_x, n, m)` in the order of a direction; a second call restores the order of time.

    For direction 1, backward, the steps of each sample are reversed. The padding stays in place.
    """
    if not direction:
        return steps
    if lengths is None:
        return np.asarray(steps[::-1])
    t = np.arange(len(steps))[:, None]
    order = np.where(t < lengths, lengths - 1 - t, t)  # (T_x, m)
    return np.asarray(np.take_along_axis(steps, order[:, None, :], axis=0))


def _last_state(states: Array, lengths: Array | None) -> Array:
    """A copy of the states `(n, m)` after the last step of each sample."""
    if lengths is None:
        return np.array(states[-1])
    return np.asarray(np.take_along_axis(states, lengths[None, None, :], axis=0)[0])
