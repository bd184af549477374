"""Whole layers: stacked, in one direction or two, over sequences of different lengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from reference.arrays import bias_gradient, input_gradient, time_last, weight_gradient
from reference.contract import Array
from reference.lstm import gate_gradients, lstm_steps, lstm_steps_backward
from reference.rnn import ACTIVATIONS, rnn_steps, rnn_steps_backward
from reference.validation import LayerCall, validate_layers


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


Steps = Callable[[Array, int], Sequence[Array]]
"""A function that runs one direction. It takes the input `(T_x, n, m)` and the index of the parameters.

It returns the hidden states `(T_x + 1, n_h, m)`, the initial state first, and for an LSTM also the memory
states.
"""


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


@np.errstate(all="ignore")
def rnn_layer_backward(
    da: Any,
    da_last: Any,
    x: Any,
    a0: Any,
    parameters: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any] | None = None,
) -> tuple[Array, Array, list[dict[str, Array]]]:
    """The gradients of a loss of `a, a_last = rnn_layer(x, a0, parameters, options)`.

    Parameters
    ----------
    da : (D n_a, m, T_x)
        The gradient with respect to `a`. Its values after the end of a sample have no effect.
    da_last : (L D, n_a, m)
        The gradient with respect to `a_last`; `None` for zeros.
    x, a0, parameters, options
        As in `rnn_layer`. The slope of relu is 1 above 0, and 0 elsewhere.

    Returns
    -------
    dx : (n_x, m, T_x)
        0 after the end of a sample.
    da0 : (L D, n_a, m)
    gradients : list of L D dicts
        `dWax`, `dWaa`, `dba`, in the order and the shapes of the parameters.

    For the dtype of the results and the errors raised, see `reference.validation.validate_layers`.
    """
    call = _validated_call(
        "rnn_layer_backward", {"x": x, "a0": a0, "da": da, "da_last": da_last}, parameters, options
    )
    activation, a0 = ACTIVATIONS[call.activation], call.arguments["a0"]
    forward_steps: dict[int, Any] = {}

    def forward(x: Array, k: int) -> Sequence[Array]:
        steps = forward_steps[k] = rnn_steps(x, a0[k], call.parameters[k], activation)
        return steps[:1]

    def backward(k: int, da: Array, _: Array) -> tuple[Array, tuple[Array, ...], dict[str, Array]]:
        p, (a, xs) = call.parameters[k], (steps.swapaxes(0, 1) for steps in forward_steps.pop(k))
        a_prev, a_next = _masked(call, a[:, :-1]), _masked(call, a[:, 1:])
        slope = 1 - a_next**2 if call.activation == "tanh" else (a_next > 0).astype(a.dtype)
        dz, da0 = rnn_steps_backward(da, slope, p)
        gradients = {
            "dWax": weight_gradient(dz, xs),
            "dWaa": weight_gradient(dz, a_prev),
            "dba": bias_gradient(dz),
        }
        return input_gradient(dz, p["Wax"]), (da0,), gradients

    run_layers(call, forward)
    dx, (da0,), gradients = _run_layers_backward(call, backward)
    return dx, da0, gradients


@np.errstate(all="ignore")
def lstm_layer_backward(
    da: Any,
    da_last: Any,
    dc_last: Any,
    x: Any,
    a0: Any,
    c0: Any,
    parameters: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any] | None = None,
) -> tuple[Array, Array, Array, list[dict[str, Array]]]:
    """The gradients of a loss of `a, a_last, c_last = lstm_layer(x, a0, c0, parameters, options)`.

    Parameters
    ----------
    da : (D n_h, m, T_x)
        The gradient with respect to `a`. Its values after the end of a sample have no effect.
    da_last : (L D, n_h, m)
    dc_last : (L D, n_a, m)
        The gradients with respect to `a_last` and `c_last`; `None` for zeros.
    x, a0, c0, parameters, options
        As in `lstm_layer`.

    Returns
    -------
    dx : (n_x, m, T_x)
        0 after the end of a sample.
    da0 : (L D, n_h, m)
    dc0 : (L D, n_a, m)
    gradients : list of L D dicts
        `dWf` … `dbo`, with a projection also `dWp`, in the order and the shapes of the parameters.

    For the dtype of the results and the errors raised, see `reference.validation.validate_layers`.
    """
    arguments = {"x": x, "a0": a0, "c0": c0, "da": da, "da_last": da_last, "dc_last": dc_last}
    call = _validated_call("lstm_layer_backward", arguments, parameters, options)
    a0, c0 = call.arguments["a0"], call.arguments["c0"]
    forward_steps: dict[int, Any] = {}

    def forward(x: Array, k: int) -> Sequence[Array]:
        steps = forward_steps[k] = lstm_steps(x, a0[k], c0[k], call.parameters[k])
        return steps[:2]

    def backward(k: int, da: Array, dc: Array) -> tuple[Array, tuple[Array, ...], dict[str, Array]]:
        a, c, gates, xs = (np.moveaxis(steps, 0, -2) for steps in forward_steps.pop(k))
        a_prev, c_prev, c_next, gates = (_masked(call, v) for v in (a[:, :-1], c[:, :-1], c[:, 1:], gates))
        p, n_h = call.parameters[k], len(a)
        dz, da0, dc0, d_hidden = lstm_steps_backward(da, dc, gates, c_next, c_prev, p)
        gradients = gate_gradients(dz, np.concatenate([a_prev, xs]))
        if "Wp" in p:
            gradients["dWp"] = weight_gradient(d_hidden, gates[2] * np.tanh(c_next))
        Wx = np.concatenate([p[f"W{gate}"] for gate in "fioc"])[:, n_h:]
        return input_gradient(dz, Wx), (da0, dc0), gradients

    run_layers(call, forward)
    dx, (da0, dc0), gradients = _run_layers_backward(call, backward)
    return dx, da0, dc0, gradients


def _validated_call(
    function: str, arguments: Mapping[str, Any], parameters: Any, options: Mapping[str, Any] | None
) -> LayerCall:
    """The validated call, with 0 in the padding of `x` and `da`: the caller may pass any value there."""
    call = validate_layers(function, arguments, parameters, options)
    if call.lengths is None:
        return call
    within = np.arange(call.arguments["x"].shape[2]) < call.lengths[:, None]
    zero_padded = {name: np.where(within, call.arguments[name], 0) for name in ("x", "da")}
    return replace(call, arguments={**call.arguments, **zero_padded})


def _masked(call: LayerCall, steps: Array) -> Array:
    """The steps `(…, T_x, m)`, with 0 in the padding, which may hold NaN."""
    if call.lengths is None:
        return steps
    return np.where(np.arange(steps.shape[-2])[:, None] < call.lengths, steps, 0)


BackwardSteps = Callable[[int, Array, Array], tuple[Array, tuple[Array, ...], dict[str, Array]]]
"""A function that runs one direction backward.

It takes the index of the direction's parameters, and the direct gradients with respect to the hidden states
`(n_h, T_x + 1, m)` and memory states `(n_a, T_x + 1, m)`, the initial state first. It returns the gradients
with respect to the inputs `(n, m, T_x)`, the initial states, and the parameters.
"""


def _run_layers_backward(
    call: LayerCall, backward: BackwardSteps
) -> tuple[Array, list[Array], list[dict[str, Array]]]:
    """The gradients with respect to the inputs, the initial states, and the parameters."""
    v, D, lengths = call.arguments, call.directions, call.lengths
    da, da_last, dc_last = v["da"].transpose(2, 0, 1), v["da_last"], v.get("dc_last", v["da_last"])
    (T_x, _, m), n_h = da.shape, da_last.shape[1]
    ends = np.full(m, T_x) if lengths is None else lengths
    no_dc = np.zeros((T_x, *dc_last.shape[1:]), da.dtype)
    initial: list[Any] = [None] * len(call.parameters)
    gradients: list[Any] = [None] * len(call.parameters)
    for k in reversed(range(0, len(call.parameters), D)):  # from the top layer down
        dx: Any = 0
        for place in range(k, k + D):
            direction = place - k
            steps = direction_order(da[:, direction * n_h : (direction + 1) * n_h], direction, lengths)
            da_states = _state_gradients(steps, da_last[place], ends)
            dc_states = _state_gradients(no_dc, dc_last[place], ends)
            dx_direction, initial[place], gradients[place] = backward(place, da_states, dc_states)
            dx = dx + direction_order(dx_direction.transpose(2, 0, 1), direction, lengths)
        da = np.where(np.arange(T_x)[:, None, None] < ends, dx, 0)
    return time_last(da), [np.stack(states) for states in zip(*initial)], gradients


def _state_gradients(steps: Array, last: Array, ends: Array) -> Array:
    """The direct gradients with respect to the states, `(n, T_x + 1, m)`, with 0 for the initial state.

    `steps (T_x, n, m)` are the gradients with respect to the state after each step. `last (n, m)` is the
    gradient with respect to the last state of each sample, which is the state after `ends` steps.
    """
    with_initial = np.concatenate([np.zeros((1, *last.shape), steps.dtype), steps])
    with_initial[ends, :, np.arange(len(ends))] += last.T
    return with_initial.transpose(1, 0, 2)
