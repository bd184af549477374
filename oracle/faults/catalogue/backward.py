"""Backward passes: the chain rule, the gradients carried through time, and the sums over samples and steps.

The attributes of `v` are the known quantities (see `oracle.faults.backward_equations`).
"""

from typing import Any

import numpy as np

from oracle.faults.catalogue.entry import GATES, THE, Entries
from reference.contract import BACKWARDS

BACKWARD = Entries("backward")

RNN = ("rnn_cell_backward", "rnn_backward")
LSTM = ("lstm_cell_backward", "lstm_backward")
SEQUENCES = ("rnn_backward", "lstm_backward")

rnn, lstm = BACKWARD.of(RNN), BACKWARD.of(LSTM)
every, sequence = BACKWARD.of(BACKWARDS), BACKWARD.of(SEQUENCES)
rnn_sequence = BACKWARD.of(("rnn_backward",))
cell = BACKWARD.of(("lstm_cell_backward",))
lstm_sequence = BACKWARD.of(("lstm_backward",))


def _sums_of_earlier_call(v: Any) -> Any:
    """The sums of the earlier call with weights of the same shapes."""
    shape = v.Waa.shape if hasattr(v, "Waa") else v.Wf.shape
    return v.memory.setdefault(shape, {})


# The derivatives of the activations.
rnn("derivative_of_tanh_left_out", "dz is da_next: the derivative of tanh is left out", dz="da_next")
rnn("derivative_not_squared", "the derivative of tanh is 1 - a, not 1 - a ** 2", slope="1 - a_next")
again = {"slope": "1 - np.tanh(a_next) ** 2"}
rnn("derivative_of_tanh_of_a", "the derivative of tanh is taken of a_next, as if that were z", **again)
rnn("derivative_fourth_power", "the derivative of tanh is 1 - a ** 4", slope="1 - a_next ** 4")
rnn("derivative_at_a_prev", "the derivative of tanh is 1 - a_prev ** 2", slope="1 - a_prev ** 2")
rnn(
    "weights_from_da_next",
    "dWax, dWaa and dba are computed with da_next, without the derivative of tanh",
    dWax="da_next @ xt.T",
    dWaa="da_next @ a_prev.T",
    dba="da_next.sum(axis=1, keepdims=True)",
)
sentence = "da_prev is computed with da_next, without the derivative of tanh"
rnn("da_prev_from_da_next", sentence, da_prev="Waa.T @ da_next")
rnn("Waa_not_transposed", "da_prev is Waa dz, without the transpose", da_prev="Waa @ dz")
rnn("dWaa_from_a_next", "dWaa is dz a_next.T, not dz a_prev.T", dWaa="dz @ a_next.T")
lstm("derivative_on_c_left_out", "the derivative of the tanh on c is left out", slope="np.ones_like(h)")
lstm("derivative_on_c_fourth_power", "the derivative of the tanh on c is 1 - h ** 4", slope="1 - h ** 4")
lstm("derivative_on_c_not_squared", "the derivative of the tanh on c is 1 - h, not 1 - h ** 2", slope="1 - h")
lstm("tanh_of_a_next", "tanh is taken of a_next, not of c_next", h="np.tanh(a_next)")
at_a = {"slope": "1 - np.tanh(a_next) ** 2"}
lstm("derivative_on_c_at_a_next", "the derivative of the tanh on c is taken at a_next", **at_a)
lstm("dzo_without_tanh", "dzo uses c_next instead of tanh(c_next)", dzo="da_next * c_next * slope_o")
sentence = "dzo uses tanh(a_next) instead of tanh(c_next)"
lstm("dzo_of_tanh_of_a_next", sentence, dzo="da_next * np.tanh(a_next) * slope_o")
for gate, name in GATES.items():
    left_out = {f"slope_{gate}": "np.ones_like(ft)"}
    lstm(f"{name}_derivative_left_out", f"the derivative of {THE[gate]}'s activation is left out", **left_out)
all_left_out = {f"slope_{gate}": "np.ones_like(ft)" for gate in GATES}
lstm("gate_derivatives_left_out", "the derivatives of all gates' activations are left out", **all_left_out)
again = {
    f"slope_{gate}": f"(1 / (1 + np.exp(-{gate}t))) * (1 - 1 / (1 + np.exp(-{gate}t)))" for gate in "fio"
}
sentence = "the derivatives of the sigmoids are taken of the gates, as if these were their pre-activations"
lstm("derivative_of_sigmoid_of_gates", sentence, **again)
alone = {f"slope_{gate}": f"{gate}t" for gate in "fio"}
lstm("derivative_of_sigmoid_s", "the derivative of the sigmoids is s, not s * (1 - s)", **alone)
alone = {f"slope_{gate}": f"1 - {gate}t" for gate in "fio"}
lstm("derivative_of_sigmoid_1_s", "the derivative of the sigmoids is 1 - s, not s * (1 - s)", **alone)
sentence = "the derivative of the candidate's tanh is taken of cct, as if cct were its pre-activation"
lstm("derivative_of_tanh_of_cct", sentence, slope_c="1 - np.tanh(cct) ** 2")
sentence = "the derivative of the candidate's tanh is 1 - cct, not 1 - cct ** 2"
lstm("candidate_derivative_not_squared", sentence, slope_c="1 - cct")
sentence = "the derivative of the candidate's tanh is (1 - cct) ** 2, not 1 - cct ** 2"
lstm("candidate_derivative_of_difference", sentence, slope_c="(1 - cct) ** 2")
sentence = "the derivative of the tanh on c is taken at c_prev"
lstm("derivative_on_c_at_c_prev", sentence, slope="1 - np.tanh(c_prev) ** 2")
sentence = "the derivative of the candidate's tanh is that of a sigmoid"
lstm("candidate_derivative_of_sigmoid", sentence, slope_c="cct * (1 - cct)")

# The gradient with respect to the memory state.
lstm("through_h_left_out", "dc is dc_next alone, without what comes through a_next", dc="dc_next")
lstm("through_h_without_ot", "the term of dc from a_next lacks the factor ot", through_h="da_next * slope")
cell("dc_next_left_out", "dc is only what comes through a_next, without dc_next", dc="through_h")
sentence = "dc_prev is dc_next * ft, without what comes through a_next"
cell("dc_prev_without_through_h", sentence, dc_prev="dc_next * ft")
lstm("dc_prev_without_ft", "dc_prev lacks the forget gate", dc_prev="dc")
lstm("dc_prev_by_it", "dc_prev is dc * it, not dc * ft", dc_prev="dc * it")
lstm(
    "brackets_missing",
    "brackets are missing: the derivatives of f, i and c multiply only the term from a_next",
    dzf="dc_next * c_prev + through_h * c_prev * slope_f",
    dzi="dc_next * cct + through_h * cct * slope_i",
    dzc="dc_next * it + through_h * it * slope_c",
)
lstm("dzf_of_c_next", "dzf uses c_next instead of c_prev", dzf="dc * c_next * slope_f")
sentence = "dzf uses cct instead of c_prev, and dzi uses c_prev instead of cct"
lstm("dzf_and_dzi_exchanged", sentence, dzf="dc * cct * slope_f", dzi="dc * c_prev * slope_i")
lstm("dzo_from_dc", "dzo uses dc instead of da_next", dzo="dc * h * slope_o")

# Back through the weights.
for gate, name in GATES.items():
    back = f"(back - W{gate}.T @ dz{gate})"
    missing = {"da_prev": f"{back}[:n_a]", "dxt": f"{back}[n_a:]"}
    lstm(f"{name}_missing_in_da_prev", f"da_prev and dxt lack the part of {THE[gate]}", **missing)
by_gradients = " + ".join(f"dW{gate}.T @ dz{gate}" for gate in "fico")
lstm("dW_for_W", "da_prev and dxt are computed with dW instead of W", back=by_gradients)
exchanged = {"da_prev": "back[-n_a:]", "dxt": "back[:-n_a]"}
lstm("da_prev_and_dxt_exchanged", "da_prev and dxt are taken from each other's rows", **exchanged)
sentence = "the weights' gradients are computed with [x; a] instead of [a; x]"
lstm("concat_x_above_a", sentence, concat="np.concatenate([xt, a_prev])")
sentence = "the weights' gradients are computed with a_next instead of a_prev"
lstm("concat_of_a_next", sentence, concat="np.concatenate([a_next, xt])")
summed = {f"db{gate}": f"dW{gate}.sum(axis=1, keepdims=True)" for gate in GATES}
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


sentence = "the gradients with respect to the parameters are means over the samples, not sums"
every("means_over_samples", sentence, gradient=_mean)
every("db_flat", "the biases' gradients are sums without keepdims", gradient=_flat)
every("db_one_number", "the biases' gradients are sums over the units, too", gradient=_one_number)
every("dW_transposed", "the weights' gradients are transposed", gradient=_transposed)
for most in (1, 5, 10):
    clipped = {"gradient": lambda name, array, v, most=most: np.clip(array, -most, most)}
    every(f"clipped_at_{most}", f"the gradients are clipped at ±{most}", **clipped)

# Through time.
not_carried = {"da_next": "da[:, :, t]"}
rnn_sequence("da_not_carried", "da_prev is not carried through time", **not_carried)
sentence = "nothing is carried through time (as the exercise's first edition expected)"
lstm_sequence("nothing_carried", sentence, **not_carried, dc_next="np.zeros_like(dc_carried)")
lstm_sequence("da_alone_not_carried", "da_prev is not carried through time, but dc_prev is", **not_carried)
sentence = "dc_prev is not carried through time (or only as dc_next * ft, which stays 0); da_prev is"
lstm_sequence("dc_not_carried", sentence, dc_next="np.zeros_like(dc_carried)")
last_alone = {"da_next": "da_carried + (da[:, :, t] if t == T_x - 1 else 0)"}
sequence("last_da_alone", "only the last step of da is used", **last_alone)
sequence("last_da_twice", "the last step of da is counted twice", da_carried="da[:, :, -1]")
sequence("da_one_step_early", "step t reads da of step t - 1", da_next="da[:, :, t - 1] + da_carried")
sentence = "the gradients with respect to the parameters are those of the last step taken, not sums"
sequence("overwritten_by_each_step", sentence, added=lambda total, part: part)
sequence("first_step_left_out", "the loop over time ends before step 0", steps="reversed(range(1, T_x))")
sentence = "the loop over time begins before the last step"
sequence("last_step_left_out", sentence, steps="reversed(range(T_x - 1))")
sequence("time_not_reversed", "the loop over time runs forwards", steps="range(T_x)")
sequence("dx_reversed", "dx is in the order in which the steps are taken", slot="T_x - 1 - t")
sequence("da0_left_out", "da0 is 0", da0="np.zeros_like(da_carried)")
sequence("da0_is_da_next", "da0 is the gradient with respect to the state after step 0", da0="da_next")
sequence("sums_kept", "the sums over the steps are kept from call to call", sums=_sums_of_earlier_call)
