"""Whole layers: stacked, in one direction or two, over sequences of different lengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from reference.contract import Array
from reference.lstm import lstm_steps
from reference.memory import time_last
from reference.rnn import ACTIVATIONS, rnn_steps
from reference.validation import Layers, validate_layers

Unrolled = Callable[[Array, int], Sequence[Array]]
"""From the input `(T_x, n, m)` and the place of the parameters: the hidden states `(T_x + 1, n_h, m)`,
the initial one first, and perhaps its memory states.
"""


@np.errstate(all="ignore")
def rnn_layer(
    x: Any, a0: Any, parameters: Sequence[Mapping[str, Any]], options: Mapping[str, Any] | None = None
) -> tuple[Array, Array]:
    """`rnn_forward` without head and caches, L layers of it in D directions.

    Parameters
    ----------
    x : (n_x, m, T_x)
        The inputs, time on the last axis.
    a0 : (L D, n_a, m)
        The initial hidden states, layer by layer and in a layer forward before backward; `None` for zeros.
    parameters : list of L D mappings, in this order
        `Wax (n_a, n_in)`, `Waa (n_a, n_a)`, `ba (n_a, 1)`; `n_in` is `n_x` in the first layer, and `D n_a` in
        those above, which take the hidden states of the one below, forward on top.
    options : mapping
        What `reference.contract.OPTIONS` lists: `directions`, `lengths`, `activation`. Where a sample has
        fewer than T_x steps, its last states are those after its own last step, its backward direction
        begins there, and `a` is 0 beyond.

    Returns
    -------
    a : (D n_a, m, T_x)
        The hidden states of the top layer, forward above backward.
    a_last : (L D, n_a, m)
        The last hidden state of each, in the order of `a0`; of a backward direction that at the first step.

    The dtype of the results, and the errors raised, are those of `reference.validation.validate_layers`.
    Nothing that is returned shares memory with the inputs.
    """
    given = validate_layers("rnn_layer", {"x": x, "a0": a0}, parameters, options)
    a0, activation = given.arguments["a0"], ACTIVATIONS[given.activation]
    a, (a_last,) = stacked(given, lambda v, k: rnn_steps(v, a0[k], given.parameters[k], activation)[:1])
    return a, a_last


@np.errstate(all="ignore")
def lstm_layer(
    x: Any,
    a0: Any,
    c0: Any,
    parameters: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any] | None = None,
) -> tuple[Array, Array, Array]:
    """`lstm_forward` without head and caches, L layers of it in D directions.

    With `Wp (n_p, n_a)` in the parameters the hidden state is projected, `a = Wp (o * tanh(c))`, and has
    n_h = n_p units (Sak, Senior and Beaufays, Interspeech 2014); otherwise n_h = n_a.

    Parameters
    ----------
    x : (n_x, m, T_x)
        The inputs, time on the last axis.
    a0 : (L D, n_h, m)
    c0 : (L D, n_a, m)
        The initial states, layer by layer and in a layer forward before backward; `None` for zeros.
    parameters : list of L D mappings, in this order
        `Wf`, `Wi`, `Wc`, `Wo`, each `(n_a, n_h + n_in)`; `bf`, `bi`, `bc`, `bo`, each `(n_a, 1)`; perhaps
        `Wp`. `n_in` is `n_x` in the first layer, and `D n_h` in those above, which take the hidden states of
        the one below, forward on top.
    options : mapping
        As `rnn_layer` takes them, without `activation`.

    Returns
    -------
    a : (D n_h, m, T_x)
        The hidden states of the top layer, forward above backward.
    a_last : (L D, n_h, m)
    c_last : (L D, n_a, m)
        The last states of each, in the order of `a0`; of a backward direction those at the first step.

    The dtype of the results, and the errors raised, are those of `reference.validation.validate_layers`.
    Nothing that is returned shares memory with the inputs.
    """
    given = validate_layers("lstm_layer", {"x": x, "a0": a0, "c0": c0}, parameters, options)
    a0, c0 = given.arguments["a0"], given.arguments["c0"]
    a, (a_last, c_last) = stacked(given, lambda v, k: lstm_steps(v, a0[k], c0[k], given.parameters[k])[:2])
    return a, a_last, c_last


def stacked(given: Layers, unrolled: Unrolled) -> tuple[Array, list[Array]]:
    """The hidden states of the top layer, and the last states of all, each as its initial ones."""
    x, D, lengths = given.arguments["x"].transpose(2, 0, 1), given.directions, given.lengths
    (T_x, _, m), n_h = x.shape, given.arguments["a0"].shape[1]
    last: list[list[Array]] = []
    for k in range(0, len(given.parameters), D):
        hidden = np.empty((T_x, D, n_h, m), x.dtype)
        for direction in range(D):
            # Only copies of the states are kept: so the next direction has the memory of their steps again.
            states = unrolled(ordered(x, direction, lengths), k + direction)
            hidden[:, direction] = ordered(states[0][1:], direction, lengths)
            last.append([_at_the_end(each, lengths) for each in states])
            del states
        x = hidden.reshape(T_x, D * n_h, m)
        if lengths is not None:
            x = np.where(np.arange(T_x)[:, None, None] < lengths, x, 0)
    return time_last(x), [np.stack(states) for states in zip(*last)]


def ordered(steps: Array, direction: int, lengths: Array | None) -> Array:
    """The steps as a direction takes them: backward, those of each sample from its own last one on.

    Those beyond it stay where they are. Twice, it is the order from before.
    """
    if not direction:
        return steps
    if lengths is None:
        return np.asarray(steps[::-1])
    t = np.arange(len(steps))[:, None]
    order = np.where(t < lengths, lengths - 1 - t, t)  # (T_x, m)
    return np.asarray(np.take_along_axis(steps, order[:, None, :], axis=0))


def _at_the_end(states: Array, lengths: Array | None) -> Array:
    """A copy of the states `(n, m)` after the last step of each sample."""
    if lengths is None:
        return np.array(states[-1])
    return np.asarray(np.take_along_axis(states, lengths[None, None, :], axis=0)[0])
