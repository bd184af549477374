"""A long short-term memory network: one step and a sequence, forward and backward.

`reference.arrays` says of which loss the gradients are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from reference.arrays import (
    bias_gradient,
    input_gradient,
    sigmoid,
    softmax,
    state_gradients,
    time_last,
    weight_gradient,
)
from reference.contract import Array
from reference.validation import validate, validate_backward, validate_cell_backward


class LSTMCache(NamedTuple):
    """The values of one step that a backward pass needs."""

    a_next: Array
    c_next: Array
    a_prev: Array
    c_prev: Array
    ft: Array
    it: Array
    cct: Array
    ot: Array
    xt: Array
    parameters: Mapping[str, Array]


@np.errstate(all="ignore")
def lstm_cell_forward(
    xt: Any, a_prev: Any, c_prev: Any, parameters: Mapping[str, Any]
) -> tuple[Array, Array, Array, LSTMCache]:
    """One step (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000).

    With `concat = [a_prev; xt]`::

        ft  = sigmoid(Wf concat + bf)       forget gate
        it  = sigmoid(Wi concat + bi)       update gate
        cct = tanh(Wc concat + bc)          candidate memory
        ot  = sigmoid(Wo concat + bo)       output gate
        c_next = ft * c_prev + it * cct
        a_next = ot * tanh(c_next)
        yt_pred = softmax(Wy a_next + by)

    Parameters
    ----------
    xt : (n_x, m)
        The input, one column for each sample.
    a_prev, c_prev : (n_a, m)
        The hidden state and the memory state.
    parameters : mapping
        `Wf`, `Wi`, `Wc`, `Wo`, each `(n_a, n_a + n_x)`; `bf`, `bi`, `bc`, `bo`, each `(n_a, 1)`;
        `Wy (n_y, n_a)`, `by (n_y, 1)`.

    Returns
    -------
    a_next, c_next : (n_a, m)
    yt_pred : (n_y, m)
    cache : LSTMCache
        `(a_next, c_next, a_prev, c_prev, ft, it, cct, ot, xt, parameters)`.

    For the dtype of the results and the errors raised, see `reference.validation.validate`. No result shares
    memory with the inputs: the caches hold copies, of the parameters too.
    """
    (xt, a_prev, c_prev), p, _ = validate("lstm_cell_forward", (xt, a_prev, c_prev), parameters)
    concat = np.concatenate([a_prev, xt])
    ft = sigmoid(p["Wf"] @ concat + p["bf"])
    it = sigmoid(p["Wi"] @ concat + p["bi"])
    cct = np.tanh(p["Wc"] @ concat + p["bc"])
    ot = sigmoid(p["Wo"] @ concat + p["bo"])
    c_next = ft * c_prev + it * cct
    a_next = ot * np.tanh(c_next)
    yt_pred = softmax(p["Wy"] @ a_next + p["by"])
    cache = LSTMCache(a_next.copy(), c_next.copy(), a_prev, c_prev, ft, it, cct, ot, xt, p)
    return a_next, c_next, yt_pred, cache


@np.errstate(all="ignore")
def lstm_forward(
    x: Any, a0: Any, parameters: Mapping[str, Any]
) -> tuple[Array, Array, Array, tuple[list[LSTMCache], Array]]:
    """`lstm_cell_forward` over a sequence, from `a0` and a memory state of zeros.

    Parameters
    ----------
    x : (n_x, m, T_x)
        The inputs, time on the last axis.
    a0 : (n_a, m)
        The initial hidden state.
    parameters : mapping
        As in `lstm_cell_forward`.

    Returns
    -------
    a : (n_a, m, T_x)
    y : (n_y, m, T_x)
    c : (n_a, m, T_x)
    caches : (list of T_x LSTMCache, x)

    For the dtype of the results and the errors raised, see `reference.validation.validate`. No result shares
    memory with the inputs: the caches hold copies, of the parameters too. The cached states and gates are
    views of arrays that no output shares.
    """
    (x, a0), p, size = validate("lstm_forward", (x, a0), parameters)
    n_a, n_y, m, T_x = (size[symbol] for symbol in ("n_a", "n_y", "m", "T_x"))
    a, c, gates, xs = lstm_steps(x.transpose(2, 0, 1), a0, np.zeros_like(a0), p)
    caches = [
        LSTMCache(a_next, c_next, a_prev, c_prev, ft, it, cct, ot, xt, p)
        for a_next, c_next, a_prev, c_prev, (ft, it, ot, cct), xt in zip(
            a[1:], c[1:], a[:-1], c[:-1], gates, xs
        )
    ]
    a, c = time_last(a[1:]), time_last(c[1:])
    y = softmax(p["Wy"] @ a.reshape(n_a, m * T_x) + p["by"]).reshape(n_y, m, T_x)
    return a, y, c, (caches, x)


def lstm_steps(x: Array, a0: Array, c0: Array, p: Mapping[str, Array]) -> tuple[Array, Array, Array, Array]:
    """The states `a` and `c`, the gates, and a copy of the inputs `x (T_x, n_x, m)`, for all steps.

    `a (T_x + 1, n_h, m)` and `c (T_x + 1, n_a, m)` begin with the initial state. The gates are `(T_x, 4, n_a,
    m)` in the order f, i, o, c. The hidden states and the inputs are views of one array. If the parameters
    include `Wp`, the hidden state is projected.
    """
    (T_x, n_x, m), n_a, n_h, Wp = x.shape, len(c0), len(a0), p.get("Wp")
    # The four gates share one product, biases included: [W b] (4, n_a, n_h + n_x + 1) times [a_prev; xt; 1].
    W, b = (np.concatenate([p[f"{letter}{gate}"] for gate in "fioc"]).reshape(4, n_a, -1) for letter in "Wb")
    W = np.concatenate([W, b], axis=2)
    # To allocate an array for all steps is faster than one for each. Step t writes its hidden state into the
    # [a_prev; xt; 1] of step t + 1.
    concat = np.empty((T_x + 1, n_h + n_x + 1, m), x.dtype)
    gates, c = np.empty((T_x, 4, n_a, m), x.dtype), np.empty((T_x + 1, n_a, m), x.dtype)
    a, xs = concat[:, :n_h], concat[:-1, n_h:-1]
    a[0], c[0], xs[:], concat[:, -1] = a0, c0, x, 1
    for v, z, c_prev, a_next, c_next in zip(concat, gates, c, a[1:], c[1:]):
        ft, it, ot, cct = np.matmul(W, v, out=z)
        sigmoid(z[:3], out=z[:3])
        np.tanh(cct, out=cct)
        c_next[:] = ft * c_prev + it * cct
        h = ot * np.tanh(c_next)
        a_next[:] = h if Wp is None else Wp @ h
    return a, c, gates, xs


def lstm_cached(x: Array, a0: Array, c0: Array, p: Mapping[str, Array]) -> dict[str, Array]:
    """The states and gates that the caches of all steps hold, each `(T_x, n, m)`."""
    a, c, gates, _ = lstm_steps(x, a0, c0, p)
    return {"a": a[1:], "c": c[1:], **dict(zip(("ft", "it", "ot", "cct"), gates.swapaxes(0, 1)))}


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
    `reference.validation.validate_cell_backward`.
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

    For the dtype of the results and the errors raised, see `reference.validation.validate_backward`.
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


def gate_gradients(dz: Array, concat: Array) -> dict[str, Array]:
    """The gradients with respect to the weights and biases of the gates; `dz` stacks f, i, o, c."""
    stacked = {"dW": np.split(weight_gradient(dz, concat), 4), "db": np.split(bias_gradient(dz), 4)}
    return {f"{name}{gate}": parts[k] for name, parts in stacked.items() for k, gate in enumerate("fioc")}
