"""The backward passes of the four functions: the gradients of a loss, by the chain rule.

A loss depends on the hidden states. `da` is the direct gradient of the loss with respect to each hidden
state; the backward pass adds the effect of a state on later steps. The prediction head does not contribute.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from reference.cache_validation import validate_backward, validate_cell_backward
from reference.contract import Array
from reference.time_axis import time_last


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
    `reference.cache_validation.validate_cell_backward`.
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

    For the dtype of the results and the errors raised, see `reference.cache_validation.validate_backward`.
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


@np.errstate(all="ignore")
def lstm_cell_backward(da_next: Any, dc_next: Any, cache: Any) -> dict[str, Array]:
    """The gradients of one step of `lstm_cell_forward`.

    With `h = tanh(c_next)`, the gradients with respect to the memory state and the pre-activations are::

        dc  = dc_next + da_next * ot * (1 - h ** 2)
        dzf = dc * c_prev * ft * (1 - ft)
        dzi = dc * cct * it * (1 - it)
        dzc = dc * it * (1 - cct ** 2)
        dzo = da_next * h * ot * (1 - ot)

    Parameters
    ----------
    da_next, dc_next : (n_a, m)
        The gradient with respect to `a_next`, and the direct gradient with respect to `c_next`.
    cache : LSTMCache
        The cache from `lstm_cell_forward`,
        `(a_next, c_next, a_prev, c_prev, ft, it, cct, ot, xt, parameters)`.

    Returns
    -------
    dict
        `dxt (n_x, m)`, `da_prev (n_a, m)`, `dc_prev (n_a, m)`, `dWf`, `dWi`, `dWc`, `dWo`, each
        `(n_a, n_a + n_x)`, and `dbf`, `dbi`, `dbc`, `dbo`, each `(n_a, 1)`; the gradients with respect to
        weights and biases are sums over the samples.

    For the dtype of the results and the errors raised, see
    `reference.cache_validation.validate_cell_backward`.
    """
    given = {"da_next": da_next, "dc_next": dc_next}
    v, p = validate_cell_backward("lstm_cell_backward", given, cache)
    ft, it, cct, ot, h = v["ft"], v["it"], v["cct"], v["ot"], np.tanh(v["c_next"])
    dc = v["dc_next"] + v["da_next"] * ot * (1 - h**2)
    dz = {
        "f": dc * v["c_prev"] * ft * (1 - ft),
        "i": dc * cct * it * (1 - it),
        "c": dc * it * (1 - cct**2),
        "o": v["da_next"] * h * ot * (1 - ot),
    }
    concat, n_a = np.concatenate([v["a_prev"], v["xt"]]), len(h)
    d_concat = p["Wf"].T @ dz["f"] + p["Wi"].T @ dz["i"] + p["Wc"].T @ dz["c"] + p["Wo"].T @ dz["o"]
    return {
        "dxt": d_concat[n_a:],
        "da_prev": d_concat[:n_a],
        "dc_prev": dc * ft,
        **{f"dW{gate}": dz[gate] @ concat.T for gate in "fico"},
        **{f"db{gate}": dz[gate].sum(axis=1, keepdims=True) for gate in "fico"},
    }


@np.errstate(all="ignore")
def lstm_backward(da: Any, caches: Any) -> dict[str, Array]:
    """`lstm_cell_backward` over a sequence, from the last step to the first.

    Parameters
    ----------
    da : (n_a, m, T_x)
        The direct gradient with respect to each hidden state.
    caches : (list of at least T_x LSTMCache, x)
        The caches from `lstm_forward`.

    Returns
    -------
    dict
        `dx (n_x, m, T_x)`, `da0 (n_a, m)`, `dWf`, `dWi`, `dWc`, `dWo`, each `(n_a, n_a + n_x)`, and `dbf`,
        `dbi`, `dbc`, `dbo`, each `(n_a, 1)`; the gradients with respect to weights and biases are sums over
        the samples and the steps.

    For the dtype of the results and the errors raised, see `reference.cache_validation.validate_backward`.
    """
    v, p = validate_backward("lstm_backward", {"da": da}, caches)
    da = state_gradients(v["da"])
    gates = np.stack([v["ft"], v["it"], v["ot"], v["cct"]])
    dz, da0, _, _ = lstm_steps_backward(da, np.zeros_like(da), gates, v["c_next"], v["c_prev"], p)
    Wx = np.concatenate([p[f"W{gate}"] for gate in "fioc"])[:, len(da0) :]
    concat = np.concatenate([v["a_prev"], v["xt"]])
    return {"dx": input_gradient(dz, Wx), "da0": da0, **gate_gradients(dz, concat)}


def lstm_steps_backward(
    da: Array, dc: Array, gates: Array, c_next: Array, c_prev: Array, p: Mapping[str, Array]
) -> tuple[Array, Array, Array, Array]:
    """The gradients with respect to the pre-activations, both initial states, and each hidden state.

    The first result is `(4 n_a, T_x, m)`, in the order f, i, o, c. The last result is `(n_h, T_x, m)`, and
    includes the effect of a state on later steps. `da (n_h, T_x + 1, m)` and `dc (n_a, T_x + 1, m)` are the
    direct gradients with respect to each state, the initial state first; `gates (4, n_a, T_x, m)` has the
    order f, i, o, c. If the parameters include `Wp`, the hidden state is projected.
    """
    (_, n_a, T_x, m), n_h, Wp = gates.shape, len(da), p.get("Wp")
    WaT = np.concatenate([p[f"W{gate}"][:, :n_h] for gate in "fioc"]).T
    ft, it, ot, cct = gates
    h = np.tanh(c_next)
    # The factors from dc to dz of f, i and c, and from da to dz of o. They depend on no later step.
    factors = gates * (1 - gates)
    factors[:3] *= np.stack([c_prev, cct, h])
    factors[3] = it * (1 - cct**2)
    through_h = ot * (1 - h**2)
    d_hidden, dz = np.empty_like(da[:, 1:]), np.empty_like(factors)
    d_a, d_c = da[:, -1], dc[:, -1]
    for t in reversed(range(T_x)):
        d_hidden[:, t] = d_a
        if Wp is not None:
            d_a = Wp.T @ d_a
        d_c = d_c + d_a * through_h[:, t]
        np.multiply(d_c, factors[:, :, t], out=dz[:, :, t])
        np.multiply(d_a, factors[2, :, t], out=dz[2, :, t])
        d_a = da[:, t] + WaT @ dz[:, :, t].reshape(4 * n_a, m)
        d_c = dc[:, t] + d_c * ft[:, t]
    return dz.reshape(4 * n_a, T_x, m), np.array(d_a), np.array(d_c), d_hidden


def state_gradients(da: Array) -> Array:
    """The gradients `da (n_a, m, T_x)` as `(n_a, T_x + 1, m)`, with 0 for the initial state."""
    n_a, m, T_x = da.shape
    with_initial = np.zeros((n_a, T_x + 1, m), da.dtype)
    with_initial[:, 1:] = da.transpose(0, 2, 1)
    return with_initial


def input_gradient(dz: Array, Wx: Array) -> Array:
    """The gradient with respect to the inputs, `(n_x, m, T_x)`, from `dz (n, T_x, m)`."""
    n, T_x, m = dz.shape
    steps = (Wx.T @ dz.reshape(n, T_x * m)).reshape(Wx.shape[1], T_x, m)
    return time_last(steps.transpose(1, 0, 2))


def weight_gradient(dz: Array, v: Array) -> Array:
    """The gradient `(n, k)` with respect to weights that act on `v (k, T_x, m)`, from `dz (n, T_x, m)`."""
    columns = dz.shape[1] * dz.shape[2]
    return dz.reshape(len(dz), columns) @ v.reshape(len(v), columns).T


def bias_gradient(dz: Array) -> Array:
    """The gradient with respect to the bias, `(n, 1)`, from `dz (n, T_x, m)`."""
    return np.asarray(np.sum(dz, axis=(1, 2)))[:, None]


def gate_gradients(dz: Array, concat: Array) -> dict[str, Array]:
    """The gradients with respect to the weights and biases of the gates; `dz` stacks f, i, o, c."""
    stacked = {"dW": np.split(weight_gradient(dz, concat), 4), "db": np.split(bias_gradient(dz), 4)}
    return {f"{name}{gate}": parts[k] for name, parts in stacked.items() for k, gate in enumerate("fioc")}
