"""Backward passes: the chain rule, what is carried through time, and the sums over samples and steps.

`v` holds by name what is known so far (see `oracle.faults.backward_equations`).
"""

from functools import partial
from typing import Any

import numpy as np

from oracle.faults.backward_equations import SPECIFICATION
from oracle.faults.catalogue.entry import GATES, THE, add
from oracle.faults.fault import Fault
from reference.contract import BACKWARDS

FAULTS: list[Fault] = []

RNN = ("rnn_cell_backward", "rnn_backward")
LSTM = ("lstm_cell_backward", "lstm_backward")
SEQUENCES = ("rnn_backward", "lstm_backward")

rnn, lstm = partial(add, FAULTS, "backward", RNN), partial(add, FAULTS, "backward", LSTM)
every, sequence = partial(add, FAULTS, "backward", BACKWARDS), partial(add, FAULTS, "backward", SEQUENCES)
rnn_sequence = partial(add, FAULTS, "backward", ("rnn_backward",))
cell = partial(add, FAULTS, "backward", ("lstm_cell_backward",))
lstm_sequence = partial(add, FAULTS, "backward", ("lstm_backward",))
RIGHT = SPECIFICATION["lstm"]

# The derivatives of the activations.
rnn(
    "derivative_of_tanh_left_out", "dz is da_next: the derivative of tanh is left out", dz=lambda v: v.da_next
)
rnn("derivative_not_squared", "the derivative of tanh is 1 - a, not 1 - a ** 2", slope=lambda v: 1 - v.a_next)
again = {"slope": lambda v: 1 - np.tanh(v.a_next) ** 2}
rnn("derivative_of_tanh_of_a", "the derivative of tanh is taken of a_next, as if that were z", **again)
rnn("derivative_fourth_power", "the derivative of tanh is 1 - a ** 4", slope=lambda v: 1 - v.a_next**4)
rnn("derivative_at_a_prev", "the derivative of tanh is 1 - a_prev ** 2", slope=lambda v: 1 - v.a_prev**2)
rnn(
    "weights_from_da_next",
    "dWax, dWaa and dba are of da_next, without the derivative of tanh",
    dWax=lambda v: v.da_next @ v.xt.T,
    dWaa=lambda v: v.da_next @ v.a_prev.T,
    dba=lambda v: v.da_next.sum(axis=1, keepdims=True),
)
rnn(
    "da_prev_from_da_next",
    "da_prev is of da_next, without the derivative of tanh",
    da_prev=lambda v: v.Waa.T @ v.da_next,
)
rnn("Waa_not_transposed", "da_prev is Waa dz, without the transpose", da_prev=lambda v: v.Waa @ v.dz)
rnn("dWaa_from_a_next", "dWaa is dz a_next.T, not dz a_prev.T", dWaa=lambda v: v.dz @ v.a_next.T)
lstm(
    "derivative_on_c_left_out",
    "the derivative of the tanh on c is left out",
    slope=lambda v: np.ones_like(v.h),
)
lstm(
    "derivative_on_c_fourth_power",
    "the derivative of the tanh on c is 1 - h ** 4",
    slope=lambda v: 1 - v.h**4,
)
lstm(
    "derivative_on_c_not_squared",
    "the derivative of the tanh on c is 1 - h, not 1 - h ** 2",
    slope=lambda v: 1 - v.h,
)
lstm("tanh_of_a_next", "tanh is taken of a_next, not of c_next", h=lambda v: np.tanh(v.a_next))
at_a = {"slope": lambda v: 1 - np.tanh(v.a_next) ** 2}
lstm("derivative_on_c_at_a_next", "the derivative of the tanh on c is taken at a_next", **at_a)
lstm(
    "dzo_without_tanh",
    "the output gate's part is of c_next, not of tanh(c_next)",
    dzo=lambda v: v.da_next * v.c_next * v.slope_o,
)
lstm(
    "dzo_of_tanh_of_a_next",
    "the output gate's part is of tanh(a_next)",
    dzo=lambda v: v.da_next * np.tanh(v.a_next) * v.slope_o,
)
for gate, name in GATES.items():
    left_out = {f"slope_{gate}": lambda v: np.ones_like(v.ft)}
    lstm(f"{name}_derivative_left_out", f"the derivative of {THE[gate]}'s activation is left out", **left_out)
all_left_out = {f"slope_{gate}": (lambda v: np.ones_like(v.ft)) for gate in GATES}
lstm("gate_derivatives_left_out", "the derivatives of all gates' activations are left out", **all_left_out)
lstm(
    "candidate_derivative_of_sigmoid",
    "the candidate has the derivative of a sigmoid",
    slope_c=lambda v: v.cct * (1 - v.cct),
)

# What comes to the memory state, and goes on from it.
lstm("through_h_left_out", "dc is dc_next alone, without what comes through a_next", dc=lambda v: v.dc_next)
lstm(
    "through_h_without_ot",
    "what comes to dc through a_next lacks ot",
    through_h=lambda v: v.da_next * v.slope,
)
cell("dc_next_left_out", "dc is only what comes through a_next, without dc_next", dc=lambda v: v.through_h)
cell(
    "dc_prev_without_through_h",
    "dc_prev is dc_next * ft, without what comes through a_next",
    dc_prev=lambda v: v.dc_next * v.ft,
)
lstm("dc_prev_without_ft", "dc_prev lacks the forget gate", dc_prev=lambda v: v.dc)
lstm("dc_prev_by_it", "dc_prev is dc * it, not dc * ft", dc_prev=lambda v: v.dc * v.it)
lstm(
    "brackets_missing",
    "the gates' parts lack their brackets: only what comes through a_next has their derivatives",
    dzf=lambda v: v.dc_next * v.c_prev + v.through_h * v.c_prev * v.slope_f,
    dzi=lambda v: v.dc_next * v.cct + v.through_h * v.cct * v.slope_i,
    dzc=lambda v: v.dc_next * v.it + v.through_h * v.it * v.slope_c,
)
lstm(
    "dzf_of_c_next",
    "the forget gate's part is of c_next, not of c_prev",
    dzf=lambda v: v.dc * v.c_next * v.slope_f,
)
lstm(
    "dzf_and_dzi_exchanged",
    "the forget gate's part is of cct, and the update gate's of c_prev",
    dzf=lambda v: v.dc * v.cct * v.slope_f,
    dzi=lambda v: v.dc * v.c_prev * v.slope_i,
)
lstm("dzo_from_dc", "the output gate's part is of dc, not of da_next", dzo=lambda v: v.dc * v.h * v.slope_o)

# Back through the weights.
for gate, name in GATES.items():

    def _without(v: Any, gate: str = gate) -> Any:
        return v.back - getattr(v, f"W{gate}").T @ getattr(v, f"dz{gate}")

    missing = {"da_prev": lambda v, f=_without: f(v)[: v.n_a], "dxt": lambda v, f=_without: f(v)[v.n_a :]}
    lstm(f"{name}_missing_in_da_prev", f"da_prev and dxt lack the part of {THE[gate]}", **missing)


def _by_gradients(v: Any) -> Any:
    return sum(getattr(v, f"dW{gate}").T @ getattr(v, f"dz{gate}") for gate in "fico")


lstm("dW_for_W", "da_prev and dxt are of dW, not of W", back=_by_gradients)
exchanged = {"da_prev": lambda v: v.back[-v.n_a :], "dxt": lambda v: v.back[: -v.n_a]}
lstm("da_prev_and_dxt_exchanged", "da_prev is read where dxt stands, and dxt where da_prev does", **exchanged)
lstm(
    "concat_x_above_a",
    "the weights' gradients are of [x; a], not of [a; x]",
    concat=lambda v: np.concatenate([v.xt, v.a_prev]),
)
lstm(
    "concat_of_a_next",
    "the weights' gradients are of a_next, not of a_prev",
    concat=lambda v: np.concatenate([v.a_next, v.xt]),
)
summed = {f"db{gate}": (lambda v, g=gate: getattr(v, f"dW{g}").sum(axis=1, keepdims=True)) for gate in GATES}
lstm("db_sums_dW", "the biases' gradients are sums over dW", **summed)

# Sums over the samples.


def _mean(name: str, array: Any, v: Any) -> Any:
    return array / v.m if name[1] in "Wb" else array


def _flat(name: str, array: Any, v: Any) -> Any:
    return array[:, 0] if name.startswith("db") else array


def _one_number(name: str, array: Any, v: Any) -> Any:
    return array.sum(keepdims=True) if name.startswith("db") else array


def _transposed(name: str, array: Any, v: Any) -> Any:
    return array.T if name.startswith("dW") else array


every(
    "means_over_samples", "the gradients by parameters are means over the samples, not sums", gradient=_mean
)
every("db_flat", "the biases' gradients are sums without keepdims", gradient=_flat)
every("db_one_number", "the biases' gradients are sums over the units, too", gradient=_one_number)
every("dW_transposed", "the weights' gradients are transposed", gradient=_transposed)
for most in (1, 5, 10):
    clipped = {"gradient": lambda name, array, v, most=most: np.clip(array, -most, most)}
    every(f"clipped_at_{most}", f"the gradients are clipped at ±{most}", **clipped)

# Through time.
not_carried = {"da_next": lambda v: v.da[:, :, v.t]}
rnn_sequence("da_not_carried", "da_prev is not carried through time", **not_carried)
lstm_sequence(
    "nothing_carried",
    "nothing is carried through time (as the exercise's first edition expected)",
    **not_carried,
    dc_next=lambda v: np.zeros_like(v.dc_carried),
)
lstm_sequence("da_alone_not_carried", "da_prev is not carried through time, and dc_prev is", **not_carried)
dc_not_carried = {"dc_next": lambda v: np.zeros_like(v.dc_carried)}
lstm_sequence(
    "dc_not_carried",
    "dc_prev is not carried through time, or as dc_next * ft alone, which is 0; da_prev is carried",
    **dc_not_carried,
)
last_alone = {"da_next": lambda v: v.da_carried + (v.da[:, :, v.t] if v.t == v.T_x - 1 else 0)}
sequence("last_da_alone", "only the last step of da is used", **last_alone)
sequence("last_da_twice", "the last step of da is counted twice", da_carried=lambda v: v.da[:, :, -1])
sequence(
    "da_one_step_early", "step t reads da of step t - 1", da_next=lambda v: v.da[:, :, v.t - 1] + v.da_carried
)
sequence(
    "overwritten_by_each_step",
    "the gradients by parameters are those of the last step taken, not sums",
    added=lambda total, part: part,
)
sequence(
    "first_step_left_out",
    "the loop over time ends before step 0",
    steps=lambda v: reversed(range(min(1, v.T_x - 1), v.T_x)),
)
sequence(
    "last_step_left_out",
    "the loop over time begins before the last step",
    steps=lambda v: reversed(range(max(1, v.T_x - 1))),
)
sequence("time_not_reversed", "the loop over time runs forwards", steps=lambda v: range(v.T_x))
sequence("dx_reversed", "dx is in the order in which the steps are taken", slot=lambda v: v.T_x - 1 - v.t)
sequence("da0_left_out", "da0 is 0", da0=lambda v: np.zeros_like(v.da_prev))
sequence("da0_is_da_next", "da0 is the gradient by the state after step 0", da0=lambda v: v.da_next)
sequence("sums_kept", "the sums over the steps are kept from call to call", begun=lambda v: _kept(v))


def _kept(v: Any) -> Any:
    """The sums of the last call, if they have the shapes of this one's."""
    shape = v.Waa.shape if hasattr(v, "Waa") else v.Wf.shape
    return v.memory.setdefault(shape, {})
