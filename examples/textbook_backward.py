"""The four backward passes as a course would write them, beside the forwards of textbook.py.

rnn-crosscheck examples/textbook_backward.py
"""

from typing import Any

import numpy as np
from textbook import lstm_cell_forward, lstm_forward, rnn_cell_forward, rnn_forward

__all__ = ["lstm_cell_forward", "lstm_forward", "rnn_cell_forward", "rnn_forward"]


def rnn_cell_backward(da_next: Any, cache: Any) -> Any:
    """The gradients of one step of a simple recurrent network."""
    a_next, a_prev, xt, parameters = cache
    dz = (1 - a_next**2) * da_next
    return {
        "dxt": np.dot(parameters["Wax"].T, dz),
        "da_prev": np.dot(parameters["Waa"].T, dz),
        "dWax": np.dot(dz, xt.T),
        "dWaa": np.dot(dz, a_prev.T),
        "dba": np.sum(dz, axis=1, keepdims=True),
    }


def rnn_backward(da: Any, caches: Any) -> Any:
    """The gradients of a simple recurrent network over a sequence."""
    steps, x = caches
    n_a, m, T_x = da.shape
    dx = np.zeros((x.shape[0], m, T_x))
    total = {"dWax": 0, "dWaa": 0, "dba": 0}
    da_prev = np.zeros((n_a, m))
    for t in reversed(range(T_x)):
        gradients = rnn_cell_backward(da[:, :, t] + da_prev, steps[t])
        dx[:, :, t] = gradients["dxt"]
        da_prev = gradients["da_prev"]
        for name in total:
            total[name] = total[name] + gradients[name]
    return {"dx": dx, "da0": da_prev, **total}


def lstm_cell_backward(da_next: Any, dc_next: Any, cache: Any) -> Any:
    """The gradients of one step of an LSTM."""
    _, c_next, a_prev, c_prev, ft, it, cct, ot, xt, parameters = cache
    n_a = len(a_prev)
    h = np.tanh(c_next)
    dc = dc_next + da_next * ot * (1 - h**2)
    gates = {
        "f": dc * c_prev * ft * (1 - ft),
        "i": dc * cct * it * (1 - it),
        "c": dc * it * (1 - cct**2),
        "o": da_next * h * ot * (1 - ot),
    }
    concat = np.concatenate([a_prev, xt])
    d_concat = sum(np.dot(parameters["W" + gate].T, dz) for gate, dz in gates.items())
    gradients = {"da_prev": d_concat[:n_a], "dxt": d_concat[n_a:], "dc_prev": dc * ft}
    for gate, dz in gates.items():
        gradients["dW" + gate] = np.dot(dz, concat.T)
        gradients["db" + gate] = np.sum(dz, axis=1, keepdims=True)
    return gradients


def lstm_backward(da: Any, caches: Any) -> Any:
    """The gradients of an LSTM over a sequence."""
    steps, x = caches
    n_a, m, T_x = da.shape
    dx = np.zeros((x.shape[0], m, T_x))
    total = {part + gate: 0 for part in ("dW", "db") for gate in "fico"}
    da_prev, dc_prev = np.zeros((n_a, m)), np.zeros((n_a, m))
    for t in reversed(range(T_x)):
        gradients = lstm_cell_backward(da[:, :, t] + da_prev, dc_prev, steps[t])
        dx[:, :, t] = gradients["dxt"]
        da_prev, dc_prev = gradients["da_prev"], gradients["dc_prev"]
        for name in total:
            total[name] = total[name] + gradients[name]
    return {"dx": dx, "da0": da_prev, **total}
