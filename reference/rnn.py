"""A simple (Elman) recurrent network: one step and a sequence, forward and backward.

`reference.arrays` says of which loss the gradients are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from reference.arrays import (
    bias_gradient,
    input_gradient,
    softmax,
    state_gradients,
    time_last,
    weight_gradient,
)
from reference.contract import Array
from reference.validation import validate, validate_backward, validate_cell_backward


class RNNCache(NamedTuple):
    """The values of one step that a backward pass needs."""

    a_next: Array
    a_prev: Array
    xt: Array
    parameters: Mapping[str, Array]


@np.errstate(all="ignore")
def rnn_cell_forward(xt: Any, a_prev: Any, parameters: Mapping[str, Any]) -> tuple[Array, Array, RNNCache]:
    """One step: `a_next = tanh(Waa a_prev + Wax xt + ba)`, `yt_pred = softmax(Wya a_next + by)`.

    Parameters
    ----------
    xt : (n_x, m)
        The input, one column for each sample.
    a_prev : (n_a, m)
        The hidden state.
    parameters : mapping
        `Wax (n_a, n_x)`, `Waa (n_a, n_a)`, `Wya (n_y, n_a)`, `ba (n_a, 1)`, `by (n_y, 1)`.

    Returns
    -------
    a_next : (n_a, m)
    yt_pred : (n_y, m)
    cache : RNNCache
        `(a_next, a_prev, xt, parameters)`.

    For the dtype of the results and the errors raised, see `reference.validation.validate`. No result shares
    memory with the inputs: the caches hold copies, of the parameters too.
    """
    (xt, a_prev), p, _ = validate("rnn_cell_forward", (xt, a_prev), parameters)
    a_next = np.tanh(p["Waa"] @ a_prev + p["Wax"] @ xt + p["ba"])
    yt_pred = softmax(p["Wya"] @ a_next + p["by"])
    return a_next, yt_pred, RNNCache(a_next.copy(), a_prev, xt, p)


@np.errstate(all="ignore")
def rnn_forward(
    x: Any, a0: Any, parameters: Mapping[str, Any]
) -> tuple[Array, Array, tuple[list[RNNCache], Array]]:
    """`rnn_cell_forward` over a sequence: each step starts from the state of the step before.

    Parameters
    ----------
    x : (n_x, m, T_x)
        The inputs, time on the last axis.
    a0 : (n_a, m)
        The initial hidden state.
    parameters : mapping
        As in `rnn_cell_forward`.

    Returns
    -------
    a : (n_a, m, T_x)
    y_pred : (n_y, m, T_x)
    caches : (list of T_x RNNCache, x)

    For the dtype of the results and the errors raised, see `reference.validation.validate`. No result shares
    memory with the inputs: the caches hold copies, of the parameters too. The cached states are views of one
    array, which no output shares.
    """
    (x, a0), p, size = validate("rnn_forward", (x, a0), parameters)
    n_a, n_y, m, T_x = (size[symbol] for symbol in ("n_a", "n_y", "m", "T_x"))
    a, xs = rnn_steps(x.transpose(2, 0, 1), a0, p)
    caches = [RNNCache(a_next, a_prev, xt, p) for a_next, a_prev, xt in zip(a[1:], a[:-1], xs)]
    a = time_last(a[1:])
    y_pred = softmax(p["Wya"] @ a.reshape(n_a, m * T_x) + p["by"]).reshape(n_y, m, T_x)
    return a, y_pred, (caches, x)


def rnn_steps(x: Array, a0: Array, p: Mapping[str, Array], activation: Any = np.tanh) -> tuple[Array, Array]:
    """The states `a (T_x + 1, n_a, m)`, which begin with the initial state, and a copy of `x (T_x, n_x, m)`.

    Both results are views of one array. `activation` must take an argument `out`, as NumPy's functions do.
    """
    (T_x, _, m), n_a = x.shape, len(a0)
    # One product a step, the bias included: [Waa Wax ba] times [a_prev; xt; 1].
    W = np.concatenate([p["Waa"], p["Wax"], p["ba"]], axis=1)
    # To allocate one large array is faster than many small ones. Each step has a block [a_prev; xt; 1] of
    # this array. Step t writes its state into the block of step t + 1.
    steps = np.empty((T_x + 1, W.shape[1], m), x.dtype)
    a, xs = steps[:, :n_a], steps[:-1, n_a:-1]
    a[0], xs[:], steps[:, -1] = a0, x, 1
    for v, a_next in zip(steps[:-1], a[1:]):
        activation(W @ v, out=a_next)
    return a, xs


def rnn_cached(x: Array, a0: Array, p: Mapping[str, Array]) -> dict[str, Array]:
    """The states that the caches of all steps hold, `(T_x, n_a, m)`."""
    return {"a": rnn_steps(x, a0, p)[0][1:]}


def relu(z: Array, out: Any = None) -> Array:
    """max(z, 0), elementwise; NaN stays NaN."""
    return np.asarray(np.maximum(z, 0, out=out))


ACTIVATIONS: Mapping[str, Any] = {"tanh": np.tanh, "relu": relu}
"""The activations of an RNN."""


@np.errstate(all="ignore")
def rnn_cell_backward(da_next: Any, cache: Any) -> dict[str, Array]:
    """The gradients of one step `a_next = tanh(Waa a_prev + Wax xt + ba)`.

    Parameters
    ----------
    da_next : (n_a, m)
        The gradient with respect to `a_next`.
    cache : RNNCache
        The cache from `rnn_cell_forward`, `(a_next, a_prev, xt, parameters)`.

    Returns
    -------
    dict
        `dxt (n_x, m)`, `da_prev (n_a, m)`, `dWax (n_a, n_x)`, `dWaa (n_a, n_a)`, `dba (n_a, 1)`; the last
        three are sums over the samples.

    For the dtype of the results and the errors raised, see
    `reference.validation.validate_cell_backward`.
    """
    v, p = validate_cell_backward("rnn_cell_backward", {"da_next": da_next}, cache)
    dz = v["da_next"] * (1 - v["a_next"] ** 2)
    return {
        "dxt": p["Wax"].T @ dz,
        "da_prev": p["Waa"].T @ dz,
        "dWax": dz @ v["xt"].T,
        "dWaa": dz @ v["a_prev"].T,
        "dba": dz.sum(axis=1, keepdims=True),
    }


@np.errstate(all="ignore")
def rnn_backward(da: Any, caches: Any) -> dict[str, Array]:
    """`rnn_cell_backward` over a sequence, from the last step to the first.

    Parameters
    ----------
    da : (n_a, m, T_x)
        The direct gradient with respect to each hidden state.
    caches : (list of at least T_x RNNCache, x)
        The caches from `rnn_forward`.

    Returns
    -------
    dict
        `dx (n_x, m, T_x)`, `da0 (n_a, m)`, `dWax (n_a, n_x)`, `dWaa (n_a, n_a)`, `dba (n_a, 1)`; the last
        three are sums over the samples and the steps.

    For the dtype of the results and the errors raised, see `reference.validation.validate_backward`.
    """
    v, p = validate_backward("rnn_backward", {"da": da}, caches)
    slope = v["a_next"] ** 2  # the next line overwrites this array, since a new one costs time
    dz, da0 = rnn_steps_backward(state_gradients(v["da"]), np.subtract(1, slope, out=slope), p)
    return {
        "dx": input_gradient(dz, p["Wax"]),
        "da0": da0,
        "dWax": weight_gradient(dz, v["xt"]),
        "dWaa": weight_gradient(dz, v["a_prev"]),
        "dba": bias_gradient(dz),
    }


def rnn_steps_backward(da: Array, slope: Array, p: Mapping[str, Array]) -> tuple[Array, Array]:
    """The gradients with respect to all pre-activations `(n_a, T_x, m)` and the initial state `(n_a, m)`.

    `da (n_a, T_x + 1, m)` is the direct gradient with respect to each state, the initial state first.
    `slope (n_a, T_x, m)` is the derivative of the activation; the function writes its first result there.
    """
    WaaT = np.ascontiguousarray(p["Waa"].T)
    dz, d = slope, da[:, -1]
    for t in reversed(range(slope.shape[1])):
        np.multiply(d, slope[:, t], out=dz[:, t])
        d = da[:, t] + WaaT @ dz[:, t]
    return dz, np.array(d)
