"""The step of a cell: weights and biases, activations, the update of c and a, and the head.

The attributes of `v` are the known quantities (see `oracle.faults.equations`): `zf` is the forget gate's
pre-activation, `ft` its activation; `p` has all parameters by name, those of the head as `Wy` and `by`.
"""

from collections.abc import Callable
from functools import partial
from itertools import combinations, permutations
from typing import Any

import numpy as np

from oracle.faults.catalogue.entry import (
    ALL,
    EVERY,
    EVERY_LSTM,
    EVERY_RNN,
    FORWARDS,
    GATES,
    LSTM,
    ORDERS,
    RECURRENT,
    RNN_LAYER,
    THE,
    Entries,
    a_weights_transposed,
    by_columns,
    concat,
    each,
    gates_read,
    read,
)
from reference.activations import sigmoid, softmax
from reference.contract import LAYERS, Array

WEIGHTS = Entries("weights")
"""Mistakes of weights and of biases, in the order in which the diagnosis names them."""

weights_are = WEIGHTS.of(EVERY_LSTM, "parameters")
biases_are = WEIGHTS.of(EVERY_LSTM, "parameters", "biases")
for g, h in combinations(GATES, 2):
    pair = f"{GATES[g]}_and_{GATES[h]}"
    W, b = [(f"W{g}", f"W{h}"), (f"W{h}", f"W{g}")], [(f"b{g}", f"b{h}"), (f"b{h}", f"b{g}")]
    weights_are(f"{pair}_gates_exchanged", f"{THE[g]} and {THE[h]} are exchanged", read(*W, *b))
    weights_are(f"{pair}_weights_exchanged", f"W{g} and W{h} are exchanged, the biases not", read(*W))
    biases_are(f"{pair}_biases_exchanged", f"b{g} and b{h} are exchanged, the weights not", read(*b))
for g, h in permutations(GATES, 2):
    biases_are(f"{GATES[g]}_with_{GATES[h]}_bias", f"{THE[g]} uses b{h}", read((f"b{g}", f"b{h}")))
    weights_are(f"{GATES[g]}_with_{GATES[h]}_weights", f"{THE[g]} uses W{h}", read((f"W{g}", f"W{h}")))
for g in GATES:
    transposed = f"{GATES[g]}_a_weights_transposed", f"the part of W{g} for a_prev is transposed"
    weights_are(*transposed, a_weights_transposed(f"W{g}"))
    biases_are(f"{GATES[g]}_bias_missing", f"b{g} is left out", each(np.zeros_like, f"b{g}"))
    biases_are(f"{GATES[g]}_bias_doubled", f"b{g} is added twice", each(lambda b: 2 * b, f"b{g}"))
biases_are("forget_bias_plus_one", "1 is added to bf", each(lambda b: b + 1, "bf"))
misread: set[frozenset[tuple[str, str]]] = set()
for stacked, order in permutations(ORDERS, 2):
    gates = frozenset(zip(order, stacked, strict=True))
    if sum(g != h for g, h in gates) > 2 and gates not in misread:  # entries exchange two gates already
        misread.add(gates)
        one, other = ORDERS[stacked], ORDERS[order]
        sentence = f"gates stacked as in {one} ({stacked}) are read as in {other} ({order})"
        weights_are(f"{one}_gates_read_as_{other}", sentence, gates_read(stacked, order))

weights_are = WEIGHTS.of(EVERY, "parameters")
head_weights_are = WEIGHTS.of(ALL, "parameters")
head_biases_are = WEIGHTS.of(ALL, "parameters", "biases")
weights_are("a_weights_transposed", "the weights of a_prev are transposed", a_weights_transposed(*RECURRENT))
weights_are("weights_reshaped", "weights are reshaped, not transposed", each(by_columns, "Wax", *RECURRENT))
head_weights_are("head_weights_reshaped", "head weights are reshaped, not transposed", each(by_columns, "Wy"))
head_biases_are("head_bias_missing", "by is left out", each(np.zeros_like, "by"))
head_biases_are("head_bias_doubled", "by is added twice", each(lambda b: 2 * b, "by"))
affine_is = WEIGHTS.of(ALL, "affine", "biases")
affine_is("biases_missing", "the biases of the cell are left out", lambda W, u, b: W @ u)
affine_is("biases_doubled", "every bias but by is added twice", lambda W, u, b: W @ u + 2 * b)
layer_biases_are = WEIGHTS.of(LAYERS, "affine", "biases")
layer_biases_are("every_bias_missing", "every bias is left out", lambda W, u, b: W @ u)
layer_biases_are("every_bias_doubled", "every bias is added twice", lambda W, u, b: W @ u + 2 * b)
layer_biases_are(
    "every_bias_halved",
    "half of every bias is added, as where one of two biases is left out",
    lambda W, u, b: W @ u + b / 2,
)
concat_is = WEIGHTS.of(EVERY, "concat")
concat_is("x_above_a", "[x; a] is used in place of [a; x]", "np.vstack([xt, a_prev])")
concat_is("x_left_out", "x does not reach the cell", "np.vstack([a_prev, np.zeros_like(xt)])")
concat_is("a_left_out", "a does not reach the cell", "np.vstack([np.zeros_like(a_prev), xt])")
concat_is("concat_never_filled", "[a; x] stays zero", lambda v: np.zeros_like(concat(v)))
z_is = WEIGHTS.of(EVERY_RNN, "z")
x_first = "affine(np.hstack([Wax, Waa]), concat, ba)"
z_is("x_weights_first", "[Wax Waa] is used in place of [Waa Wax]", x_first)

ACTIVATIONS = Entries("activations")

tanh_is = ACTIVATIONS.of(EVERY, "tanh")
tanh_is("relu_for_tanh", "relu is used in place of tanh", lambda z: np.maximum(z, 0))
tanh_is("sigmoid_for_tanh", "sigmoid is used in place of tanh", sigmoid)
tanh_is("hard_tanh", "z clipped to [-1, 1] is used in place of tanh", lambda z: np.clip(z, -1, 1))
tanh_is("no_tanh", "tanh is left out everywhere", lambda z: z)
tanh_is("tanh_overflows", "tanh is a quotient of overflowing terms", lambda z: np.sinh(z) / np.cosh(z))
sentence = "tanh is (e^2z - 1) / (e^2z + 1), which overflows"
tanh_is("tanh_squared_overflows", sentence, lambda z: (np.exp(2 * z) - 1) / (np.exp(2 * z) + 1))
sigmoid_is = ACTIVATIONS.of(EVERY_LSTM, "sigmoid")
sigmoid_is("hard_sigmoid_keras", "sigmoid is z / 5 + 1/2, clipped", lambda z: np.clip(z / 5 + 0.5, 0, 1))
sigmoid_is("hard_sigmoid_torch", "sigmoid is z / 6 + 1/2, clipped", lambda z: np.clip(z / 6 + 0.5, 0, 1))
sigmoid_is("tanh_for_sigmoid", "tanh is used in place of sigmoid", np.tanh)
sigmoid_is("no_sigmoid", "sigmoid is left out", lambda z: z)
sigmoid_is("sigmoid_sign", "the sign in sigmoid's exp is wrong", lambda z: sigmoid(-z))
sigmoid_is("sigmoid_not_halved", "sigmoid is taken of 2 z, as (1 + tanh(z)) / 2", lambda z: sigmoid(2 * z))
sigmoid_is("sigmoid_overflows", "sigmoid is e^z / (1 + e^z)", lambda z: np.exp(z) / (1 + np.exp(z)))
for g in "ifo":
    gate_is = ACTIVATIONS.of(EVERY_LSTM, f"{g}t")
    gate_is(f"{GATES[g]}_gate_tanh", f"tanh is used in place of {THE[g]}'s sigmoid", f"tanh(z{g})")
cct_is = ACTIVATIONS.of(EVERY_LSTM, "cct")
cct_is("candidate_sigmoid", "the candidate goes through sigmoid", "sigmoid(zc)")
cct_is("candidate_relu", "the candidate goes through relu", "np.maximum(zc, 0)")
cct_is("candidate_linear", "the candidate's tanh is left out", "zc")
a_next_is = ACTIVATIONS.of(EVERY_LSTM, "a_next")
a_next_is("tanh_on_c_left_out", "the tanh on c is left out", "ot * c_next")
a_next_is("sigmoid_on_c", "sigmoid is used in place of the tanh on c", "ot * sigmoid(c_next)")
a_next_is("relu_on_c", "relu is used in place of the tanh on c", "ot * np.maximum(c_next, 0)")
a_next_is("output_gate_left_out", "the output gate is left out", "tanh(c_next)")
a_next_is("output_gate_inside_tanh", "the output gate is inside the tanh", "tanh(ot * c_next)")
ACTIVATIONS.of(RNN_LAYER)("tanh_for_relu", "tanh is used in place of relu", activation="'tanh'")
affine_is = ACTIVATIONS.of(EVERY, "affine")
affine_is("z_clipped", "pre-activations are clipped to [-5, 5]", lambda W, u, b: np.clip(W @ u + b, -5, 5))

UPDATE = Entries("update")

c_next_is = UPDATE.of(LSTM, "c_next")
c_next_is("terms_exchanged", "c_next is it * c_prev + ft * cct", "it * c_prev + ft * cct")
c_next_is = UPDATE.of(EVERY_LSTM, "c_next")  # in layers, the mistake above is that two gates are exchanged
c_next_is("update_gate_missing", "c_next is ft * c_prev + cct", "ft * c_prev + cct")
c_next_is("forget_gate_missing", "c_next is c_prev + it * cct", "c_prev + it * cct")
c_next_is("forget_gate_on_both", "c_next is ft * (c_prev + it * cct)", "ft * (c_prev + it * cct)")
c_next_is("c_prev_left_out", "c_next is it * cct", "it * cct")
c_next_is("terms_subtracted", "c_next is ft * c_prev - it * cct", "ft * c_prev - it * cct")
c_next_is("terms_multiplied", "c_next is ft * c_prev * it * cct", "ft * c_prev * it * cct")
c_next_is("c_from_a_prev", "c_next is ft * a_prev + it * cct", "ft * a_prev + it * cct")
c_next_is("c_clipped", "c is clipped to [-1, 1]", "np.clip(ft * c_prev + it * cct, -1, 1)")
c_next_is("gates_as_matrices", "c_next is ft @ c_prev + it @ cct", "ft @ c_prev + it @ cct")
UPDATE.of(EVERY_LSTM)("gates_coupled", "the update gate is 1 - ft", it="1 - ft")
UPDATE.of(EVERY_LSTM)("peephole", "the forget gate sees c_prev too", ft="sigmoid(zf + c_prev)")
UPDATE.of(EVERY_LSTM)("a_from_c_prev", "a_next is made from c_prev", a_next="ot * tanh(c_prev)")
UPDATE.of(EVERY_RNN)("a_prev_added", "a_prev is added to a_next", a_next="a_prev + tanh(z)")

HEAD = Entries("head")


def _quotient(top: Callable[[Array], Any], axis: int | None = 0, plus: float = 0) -> Callable[[Array], Array]:
    """exp(z - top), divided by its sum along an axis."""
    return lambda z: np.exp(z - top(z)) / (np.exp(z - top(z)).sum(axis, keepdims=True) + plus)


softmax_is = HEAD.of(ALL, "softmax")
softmax_is("softmax_over_samples", "the softmax runs over the samples", lambda z: softmax(z.T).T)
softmax_is("softmax_over_matrix", "the softmax sums over the whole matrix", _quotient(np.max, axis=None))
sentence = "the softmax subtracts a maximum for each sample and sums over the whole matrix"
softmax_is("softmax_sums_over_matrix", sentence, _quotient(lambda z: z.max(axis=0), axis=None))
softmax_is("one_maximum", "the softmax subtracts one maximum of the whole matrix", _quotient(np.max))
softmax_is("softmax_overflows", "the softmax subtracts no maximum and overflows", _quotient(lambda z: 0))
softmax_is("softmax_epsilon", "1e-8 is added to the softmax's sum", _quotient(lambda z: z.max(0), plus=1e-8))
softmax_is("softmax_sign", "the sign in the softmax's exp is wrong", lambda z: softmax(-z))
softmax_is("softmax_without_exp", "the softmax's exp is left out", lambda z: z / z.sum(axis=0))
softmax_is("softmax_twice", "the softmax is taken twice", lambda z: softmax(softmax(z)))
softmax_is("log_softmax", "the logarithm of the softmax is returned", lambda z: np.log(softmax(z)))
softmax_is("sigmoid_for_softmax", "sigmoid is used in place of softmax", sigmoid)
softmax_is("no_softmax", "the softmax is left out", lambda z: z)
over_time = partial(HEAD.of(FORWARDS), yt_pred="logits")
over_time("softmax_over_time", "the softmax runs over time", predictions=lambda y: softmax(y.T).T)
sentence = "the softmax subtracts the maximum of all steps"
over_time("maximum_of_all_steps", sentence, predictions=_quotient(np.max))
predictions_are = HEAD.of(FORWARDS, "predictions")
sentence = "the prediction of step t is stored at step t - 1"
predictions_are("y_one_step_early", sentence, lambda y: np.roll(y, -1, axis=2))
sentence = "the last prediction is stored at every step"
predictions_are("last_y_everywhere", sentence, lambda y: y[:, :, [-1] * y.shape[2]])
sentence = "only the last prediction is kept"
predictions_are("last_y_alone", sentence, lambda y: y * (np.arange(y.shape[2]) > y.shape[2] - 2))
head, lstm_head = HEAD.of(ALL), HEAD.of(LSTM)
head("head_from_a_prev", "the prediction is made from a_prev", logits="Wy @ a_prev + by")
head("head_left_out", "the prediction is the softmax of a_next itself", yt_pred="softmax(a_next)")
lstm_head("head_from_c", "the prediction is made from c_next", logits="Wy @ c_next + by")
lstm_head("head_from_ot", "the prediction is made from the output gate", logits="Wy @ ot + by")
