"""The backward passes of whole layers: stacked, in both directions, over sequences of different lengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from reference.backward import (
    by_bias,
    by_gates,
    by_input,
    by_weights,
    lstm_steps_backward,
    rnn_steps_backward,
)
from reference.contract import Array
from reference.layers import ordered, stacked
from reference.lstm import lstm_steps
from reference.memory import time_last
from reference.rnn import ACTIVATIONS, rnn_steps
from reference.validation import Layers, validate_layers

Steps = Callable[[int, Array, Array], tuple[Array, tuple[Array, ...], dict[str, Array]]]
"""The backward pass of one direction of a layer.

It takes the place of the direction among the parameters, and the gradients by its hidden states
`(n_h, T_x + 1, m)` and memory states `(n_a, T_x + 1, m)`, the initial ones first. It returns the gradients by
its inputs `(n, m, T_x)`, by its initial states, and by its parameters.
"""


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
        The gradient by `a`. Beyond the length of a sample it has no effect, whatever it holds.
    da_last : (L D, n_a, m)
        The gradient by `a_last`; `None` for zeros.
    x, a0, parameters, options
        As `rnn_layer` takes them. The slope of relu is 1 above 0, and 0 elsewhere.

    Returns
    -------
    dx : (n_x, m, T_x)
        0 beyond the length of a sample.
    da0 : (L D, n_a, m)
    gradients : list of L D dicts
        `dWax`, `dWaa`, `dba`, in the order and the shapes of the parameters.

    The dtype of the results, and the errors raised, are those of `reference.validation.validate_layers`.
    """
    given = _validated(
        "rnn_layer_backward", {"x": x, "a0": a0, "da": da, "da_last": da_last}, parameters, options
    )
    activation, a0 = ACTIVATIONS[given.activation], given.arguments["a0"]
    kept: dict[int, Any] = {}

    def forward(x: Array, k: int) -> Sequence[Array]:
        steps = kept[k] = rnn_steps(x, a0[k], given.parameters[k], activation)
        return steps[:1]

    def backward(k: int, da: Array, _: Array) -> tuple[Array, tuple[Array, ...], dict[str, Array]]:
        p, (a, xs) = given.parameters[k], (steps.swapaxes(0, 1) for steps in kept.pop(k))
        a_prev, a_next = _own(given, a[:, :-1]), _own(given, a[:, 1:])
        slope = 1 - a_next**2 if given.activation == "tanh" else (a_next > 0).astype(a.dtype)
        dz, da0 = rnn_steps_backward(da, slope, p)
        by_parameters = {"dWax": by_weights(dz, xs), "dWaa": by_weights(dz, a_prev), "dba": by_bias(dz)}
        return by_input(dz, p["Wax"]), (da0,), by_parameters

    stacked(given, forward)
    dx, (da0,), gradients = _from_the_top(given, backward)
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
        The gradient by `a`. Beyond the length of a sample it has no effect, whatever it holds.
    da_last : (L D, n_h, m)
    dc_last : (L D, n_a, m)
        The gradients by `a_last` and `c_last`; `None` for zeros.
    x, a0, c0, parameters, options
        As `lstm_layer` takes them.

    Returns
    -------
    dx : (n_x, m, T_x)
        0 beyond the length of a sample.
    da0 : (L D, n_h, m)
    dc0 : (L D, n_a, m)
    gradients : list of L D dicts
        `dWf` … `dbo`, and `dWp` where there is a projection, in the order and the shapes of the parameters.

    The dtype of the results, and the errors raised, are those of `reference.validation.validate_layers`.
    """
    arguments = {"x": x, "a0": a0, "c0": c0, "da": da, "da_last": da_last, "dc_last": dc_last}
    given = _validated("lstm_layer_backward", arguments, parameters, options)
    a0, c0 = given.arguments["a0"], given.arguments["c0"]
    kept: dict[int, Any] = {}

    def forward(x: Array, k: int) -> Sequence[Array]:
        steps = kept[k] = lstm_steps(x, a0[k], c0[k], given.parameters[k])
        return steps[:2]

    def backward(k: int, da: Array, dc: Array) -> tuple[Array, tuple[Array, ...], dict[str, Array]]:
        a, c, gates, xs = (np.moveaxis(steps, 0, -2) for steps in kept.pop(k))
        a_prev, c_prev, c_next, gates = (_own(given, v) for v in (a[:, :-1], c[:, :-1], c[:, 1:], gates))
        p, n_h = given.parameters[k], len(a)
        dz, da0, dc0, d_hidden = lstm_steps_backward(da, dc, gates, c_next, c_prev, p)
        by_parameters = by_gates(by_weights(dz, np.concatenate([a_prev, xs])), by_bias(dz))
        if "Wp" in p:
            by_parameters["dWp"] = by_weights(d_hidden, gates[2] * np.tanh(c_next))
        Wx = np.concatenate([p[f"W{gate}"] for gate in "fioc"])[:, n_h:]
        return by_input(dz, Wx), (da0, dc0), by_parameters

    stacked(given, forward)
    dx, (da0, dc0), gradients = _from_the_top(given, backward)
    return dx, da0, dc0, gradients


def _validated(
    function: str, arguments: Mapping[str, Any], parameters: Any, options: Mapping[str, Any] | None
) -> Layers:
    """The call, checked, with the padding of `x` and `da` set to 0, since it may hold anything."""
    given = validate_layers(function, arguments, parameters, options)
    if given.lengths is None:
        return given
    within = np.arange(given.arguments["x"].shape[2]) < given.lengths[:, None]
    own = {name: np.where(within, given.arguments[name], 0) for name in ("x", "da")}
    return replace(given, arguments={**given.arguments, **own})


def _own(given: Layers, steps: Array) -> Array:
    """The steps `(…, T_x, m)` with 0 beyond the end of each sample, where they may hold NaN."""
    if given.lengths is None:
        return steps
    return np.where(np.arange(steps.shape[-2])[:, None] < given.lengths, steps, 0)


def _from_the_top(given: Layers, backward: Steps) -> tuple[Array, list[Array], list[dict[str, Array]]]:
    """The gradients by the inputs, by the initial states, and by the parameters, from the top layer down."""
    v, D, lengths = given.arguments, given.directions, given.lengths
    da, da_last, dc_last = v["da"].transpose(2, 0, 1), v["da_last"], v.get("dc_last", v["da_last"])
    (T_x, _, m), n_h = da.shape, da_last.shape[1]
    ends = np.full(m, T_x) if lengths is None else lengths
    no_dc = np.zeros((T_x, *dc_last.shape[1:]), da.dtype)
    initial: list[Any] = [None] * len(given.parameters)
    gradients: list[Any] = [None] * len(given.parameters)
    for k in reversed(range(0, len(given.parameters), D)):
        dx: Any = 0
        for place in range(k, k + D):
            direction = place - k
            own = ordered(da[:, direction * n_h : (direction + 1) * n_h], direction, lengths)
            by_a, by_c = _by_state(own, da_last[place], ends), _by_state(no_dc, dc_last[place], ends)
            by_x, initial[place], gradients[place] = backward(place, by_a, by_c)
            dx = dx + ordered(by_x.transpose(2, 0, 1), direction, lengths)
        da = np.where(np.arange(T_x)[:, None, None] < ends, dx, 0)
    return time_last(da), [np.stack(states) for states in zip(*initial)], gradients


def _by_state(steps: Array, last: Array, ends: Array) -> Array:
    """The gradients by the states `(n, T_x + 1, m)`, the initial one first.

    `steps (T_x, n, m)` are those by the states after each step, `last (n, m)` those by the last one.
    """
    every = np.concatenate([np.zeros((1, *last.shape), steps.dtype), steps])
    every[ends, :, np.arange(len(ends))] += last.T
    return every.transpose(1, 0, 2)
