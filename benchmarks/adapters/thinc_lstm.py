"""thinc: `thinc.api.LSTM` on NumPy, in float32, with its own gradients.

A batch is a `Padded`, whose samples are sorted by falling length. The layer returns the hidden states of the
top layer and no last states, so that only one layer is judged. Its initial states are parameters, one pair
for all samples. So `Layer` takes no initial states, and `WithStates` calls the layer for each sample alone.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from thinc.api import LSTM
from thinc.types import Padded

from oracle.frameworks.functions import COMMON_LIMITS, Call
from oracle.weights.layout import Layout
from reference.contract import Array

LAYOUT = Layout("fioc", biases=2, axes="tbf")
LIMITS = {
    **COMMON_LIMITS,
    "dtypes": ["float32"],
    "layers": 1,
    "projection": False,
    "last_states": False,
    "c_last": False,
    "empty": [],
}
ROLES = ("weight", "bias", "recurrent_weight", "recurrent_bias")


def padded(sequence: Array, lengths: Array) -> tuple[Padded, Array]:
    """Return a batch, and the places of its samples in the sequence."""
    order = np.argsort(-lengths, kind="stable")
    sizes = np.array([(lengths > t).sum() for t in range(len(sequence))], "i")
    kept = np.where(np.arange(len(sequence))[:, None, None] < lengths[:, None], sequence, 0)
    batch = Padded(np.ascontiguousarray(kept[:, order]), sizes, lengths[order].astype("i"), order.astype("i"))
    return batch, order


def layer(call: Call) -> Any:
    """Return the layer of a call, with its weights."""
    n_o = call.units * call.directions
    made = LSTM(n_o, call.sequence.shape[2], bi=call.directions == 2).initialize()
    made.set_param("LSTM", np.concatenate([w[role].ravel() for w in call.weights for role in ROLES]))
    return made


def lengths_of(call: Call) -> Array:
    """Return the number of steps of each sample."""
    T_x, m, _ = call.sequence.shape
    return np.full(m, T_x) if call.lengths is None else call.lengths


def last_hidden_states(a: Array, lengths: Array, units: int) -> Array:
    """Return the states at the ends of the outputs of a layer, which are `(T_x, m, D n_a)`."""
    ends = [a[lengths - 1, np.arange(a.shape[1]), :units], a[0, :, units:]]
    return np.stack([each.T for each in ends if each.size])


class Layer:
    """The layer without initial states, and its gradients."""

    SUPPORTS: ClassVar = {**LIMITS, "initial_state": False}

    @staticmethod
    def lstm_layer(x: Array, *arguments: Any) -> tuple[Any, ...]:
        """Return the hidden states, and the last ones among them."""
        call, made = (each := Call.of(LAYOUT, "lstm", x, *arguments)), layer(each)
        batch, order = padded(call.sequence, lengths_of(call))
        a = np.empty((*call.sequence.shape[:2], call.units * call.directions), np.float32)
        a[:, order] = made.predict(batch).data
        return LAYOUT.from_sequence(a), last_hidden_states(a, lengths_of(call), call.units), None

    @staticmethod
    def lstm_layer_backward(da: Array, da_last: Array, dc_last: Array, *arguments: Any) -> tuple[Any, ...]:
        """Return the gradients. The layer takes none with respect to the last memory states."""
        if dc_last.any():
            raise ValueError("dc_last is not 0, and the layer returns no memory states")
        call = Call.of(LAYOUT, "lstm", *arguments)
        made, lengths, units = layer(call), lengths_of(call), call.units
        incoming, samples = LAYOUT.sequence(da), np.arange(da.shape[1])
        incoming[lengths - 1, samples, :units] += da_last[0].T
        if call.directions == 2:
            incoming[0, :, units:] += da_last[1].T
        batch, order = padded(call.sequence, lengths)
        backward = made(batch, is_train=True)[1]
        dx = np.empty_like(call.sequence)
        dx[:, order] = backward(padded(incoming, lengths)[0]).data
        gradients, parts = made.get_grad("LSTM"), []
        for weights in call.weights:
            shapes = {role: weights[role].shape for role in ROLES}
            counts = np.cumsum([np.prod(shape) for shape in shapes.values()])
            *own, gradients = np.split(gradients, counts)
            stacked = {role: part.reshape(shapes[role]) for role, part in zip(ROLES, own, strict=True)}
            parts.append({f"d{name}": d for name, d in LAYOUT.unstack("lstm", stacked).items()})
        return LAYOUT.from_sequence(dx), None, None, parts


class WithStates:
    """The layer with initial states."""

    SUPPORTS: ClassVar = {**LIMITS, "lengths": False, "absent_states": False, "gradients": False}

    @staticmethod
    def lstm_layer(x: Array, a0: Array, c0: Array, *others: Any) -> tuple[Any, ...]:
        """Return the hidden states, and the last ones among them."""
        call, made = (each := Call.of(LAYOUT, "lstm", x, a0, c0, *others)), layer(each)
        T_x, m, _ = call.sequence.shape
        a = np.empty((T_x, m, call.units * call.directions), np.float32)
        for k in range(m):
            states = np.stack([state[:, k] for state in call.states])  # (2, D, n_a), named HC0
            made.set_param("HC0", np.ascontiguousarray(states[:, None]))
            a[:, k] = made.predict(padded(call.sequence[:, [k]], np.array([T_x]))[0]).data[:, 0]
        return LAYOUT.from_sequence(a), last_hidden_states(a, np.full(m, T_x), call.units), None
