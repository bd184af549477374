"""The backward passes of the four functions: the gradients of a loss, by the chain rule.

A loss depends on the hidden states. `da` is its gradient by each of them directly, that is without what the
state does to later steps: the backward pass adds this. The prediction head has no part in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from reference.cached import validate_backward, validate_cell_backward
from reference.contract import Array
from reference.memory import time_last


@np.errstate(all="ignore")
def rnn_cell_backward(da_next: Any, cache: Any) -> dict[str, Array]:
    """The gradients of one step `a_next = tanh(Waa a_prev + Wax xt + ba)`.

    Parameters
    ----------
    da_next : (n_a, m)
        The gradient by `a_next`.
    cache : RNNCache
        What `rnn_cell_forward` returned, `(a_next, a_prev, xt, parameters)`.

    Returns
    -------
    dict
        `dxt (n_x, m)`, `da_prev (n_a, m)`, `dWax (n_a, n_x)`, `dWaa (n_a, n_a)`, `dba (n_a, 1)`; the last
        three are sums over the samples.

    The dtype of the results, and the errors raised, are those of `reference.cached.validate_cell_backward`.
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
        The gradient by each hidden state directly.
    caches : (list of at least T_x RNNCache, x)
        What `rnn_forward` returned.

    Returns
    -------
    dict
        `dx (n_x, m, T_x)`, `da0 (n_a, m)`, `dWax (n_a, n_x)`, `dWaa (n_a, n_a)`, `dba (n_a, 1)`; the last
        three are sums over the samples and the steps.

    The dtype of the results, and the errors raised, are those of `reference.cached.validate_backward`.
    """
    v, p = validate_backward("rnn_backward", {"da": da}, caches)
    slope = v["a_next"] ** 2  # in place: to allocate another array takes longer than to compute it
    dz, da0 = rnn_steps_backward(by_state(v["da"]), np.subtract(1, slope, out=slope), p)
    return {
        "dx": by_input(dz, p["Wax"]),
        "da0": da0,
        "dWax": by_weights(dz, v["xt"]),
        "dWaa": by_weights(dz, v["a_prev"]),
        "dba": by_bias(dz),
    }


def rnn_steps_backward(da: Array, slope: Array, p: Mapping[str, Array]) -> tuple[Array, Array]:
    """All steps of a sequence: the gradients by the pre-activations `(n_a, T_x, m)` and the initial state.

    `da (n_a, T_x + 1, m)` is the gradient by each state directly, the initial one first.
    `slope (n_a, T_x, m)` is the derivative of the activation; the first result overwrites it.
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

    With `h = tanh(c_next)`, the gradients by the memory state and by the pre-activations are::

        dc  = dc_next + da_next * ot * (1 - h ** 2)
        dzf = dc * c_prev * ft * (1 - ft)
        dzi = dc * cct * it * (1 - it)
        dzc = dc * it * (1 - cct ** 2)
        dzo = da_next * h * ot * (1 - ot)

    Parameters
    ----------
    da_next, dc_next : (n_a, m)
        The gradients by `a_next` and, directly, by `c_next`.
    cache : LSTMCache
        What `lstm_cell_forward` returned,
        `(a_next, c_next, a_prev, c_prev, ft, it, cct, ot, xt, parameters)`.

    Returns
    -------
    dict
        `dxt (n_x, m)`, `da_prev (n_a, m)`, `dc_prev (n_a, m)`, `dWf`, `dWi`, `dWc`, `dWo`, each
        `(n_a, n_a + n_x)`, and `dbf`, `dbi`, `dbc`, `dbo`, each `(n_a, 1)`; those by weights and biases are
        sums over the samples.

    The dtype of the results, and the errors raised, are those of `reference.cached.validate_cell_backward`.
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
        The gradient by each hidden state directly.
    caches : (list of at least T_x LSTMCache, x)
        What `lstm_forward` returned.

    Returns
    -------
    dict
        `dx (n_x, m, T_x)`, `da0 (n_a, m)`, `dWf`, `dWi`, `dWc`, `dWo`, each `(n_a, n_a + n_x)`, and `dbf`,
        `dbi`, `dbc`, `dbo`, each `(n_a, 1)`; those by weights and biases are sums over samples and steps.

    The dtype of the results, and the errors raised, are those of `reference.cached.validate_backward`.
    """
    v, p = validate_backward("lstm_backward", {"da": da}, caches)
    da = by_state(v["da"])
    gates = np.stack([v["ft"], v["it"], v["ot"], v["cct"]])
    dz, da0, _, _ = lstm_steps_backward(da, np.zeros_like(da), gates, v["c_next"], v["c_prev"], p)
    Wx = np.concatenate([p[f"W{gate}"] for gate in "fioc"])[:, len(da0) :]
    concat = np.concatenate([v["a_prev"], v["xt"]])
    by_parameters = by_gates(by_weights(dz, concat), by_bias(dz))
    return {"dx": by_input(dz, Wx), "da0": da0, **by_parameters}


def lstm_steps_backward(
    da: Array, dc: Array, gates: Array, c_next: Array, c_prev: Array, p: Mapping[str, Array]
) -> tuple[Array, Array, Array, Array]:
    """All steps of a sequence.

    Returns the gradients by the pre-activations `(4 n_a, T_x, m)`, in the order f, i, o, c; by both initial
    states; and by each hidden state `(n_h, T_x, m)`, with what it does to later steps.
    `da (n_h, T_x + 1, m)` and `dc (n_a, T_x + 1, m)` are the gradients by each state directly, the initial
    one first; `gates (4, n_a, T_x, m)` are f, i, o, c. With `Wp` among the parameters the hidden state is
    projected.
    """
    (_, n_a, T_x, m), n_h, Wp = gates.shape, len(da), p.get("Wp")
    WaT = np.concatenate([p[f"W{gate}"][:, :n_h] for gate in "fioc"]).T
    ft, it, ot, cct = gates
    h = np.tanh(c_next)
    # dz / dc of the gates f, i and c, and dz / da of the output gate: they need no later step.
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


def by_state(da: Array) -> Array:
    """The gradient `(n_a, m, T_x)` by the states after each step as `(n_a, T_x + 1, m)`; the first is 0."""
    n_a, m, T_x = da.shape
    every = np.zeros((n_a, T_x + 1, m), da.dtype)
    every[:, 1:] = da.transpose(0, 2, 1)
    return every


def by_input(dz: Array, Wx: Array) -> Array:
    """The gradient by the inputs, `(n_x, m, T_x)`."""
    n, T_x, m = dz.shape
    steps = (Wx.T @ dz.reshape(n, T_x * m)).reshape(Wx.shape[1], T_x, m)
    return time_last(steps.transpose(1, 0, 2))


def by_weights(dz: Array, v: Array) -> Array:
    """The gradient by the weights that act on `v`, `(n, k)`; both are `(·, T_x, m)`."""
    return dz.reshape(len(dz), dz.shape[1] * dz.shape[2]) @ v.reshape(len(v), dz.shape[1] * dz.shape[2]).T


def by_bias(dz: Array) -> Array:
    """The gradient by the bias, `(n, 1)`."""
    return np.asarray(np.sum(dz, axis=(1, 2)))[:, None]


def by_gates(dW: Array, db: Array) -> dict[str, Array]:
    """The gradients by the parameters of each gate, from those that are stacked in the order f, i, o, c."""
    stacked = {"dW": np.split(dW, 4), "db": np.split(db, 4)}
    return {f"{name}{gate}": each[k] for name, each in stacked.items() for k, gate in enumerate("fioc")}
