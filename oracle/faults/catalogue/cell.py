"""Mistakes in the step of a cell: weights and biases, activations, the update of c and a, and the head.

The known quantities are those of `oracle.faults.equations`: `zf` is the pre-activation of the forget gate
`ft`, and `p` has all parameters by name. `Wy` and `by` are the head, even in an RNN.
"""

from collections.abc import Callable, Iterator
from itertools import combinations, permutations
from typing import Any

import numpy as np

from oracle.faults.entry import GATES, PHRASES, altered, mistakes
from oracle.faults.fault import Fault
from oracle.faults.functions import ALL, EVERY, EVERY_LSTM, EVERY_RNN, FORWARDS, LAYERS, LSTM, RNN_LAYER
from oracle.faults.parameters import (
    a_weights_transposed,
    by_columns,
    gates_read_as,
    mapped,
    misread_gates,
    split_by_units,
)
from oracle.weights.layout import LAYOUTS
from reference.arrays import sigmoid, softmax
from reference.contract import Array


def _pairs_misread() -> Iterator[tuple[str, str, str, str, str]]:
    """Names, sentences, and arguments of `misread_gates`."""
    for g, h in combinations(GATES, 2):
        pair, both = f"{GATES[g]}_and_{GATES[h]}", (g + h, h + g)
        yield f"{pair}_gates_exchanged", f"{PHRASES[g]} and {PHRASES[h]} are exchanged", *both, "Wb"
        yield f"{pair}_weights_exchanged", f"W{g} and W{h} are exchanged, the biases not", *both, "W"
        yield f"{pair}_biases_exchanged", f"b{g} and b{h} are exchanged, the weights not", *both, "b"
    for g, h in permutations(GATES, 2):
        pair = f"{GATES[g]}_with_{GATES[h]}"
        yield f"{pair}_bias", f"{PHRASES[g]} uses b{h}", g, h, "b"
        yield f"{pair}_weights", f"{PHRASES[g]} uses W{h}", g, h, "W"


def _of_two_gates() -> Iterator[str | Fault]:
    """The mistakes in a pair of gates."""
    for name, sentence, order, stacked, parts in _pairs_misread():
        yield "biases" if parts == "b" else "weights"
        yield EVERY_LSTM(name, sentence) | misread_gates(order, stacked, parts)


def _of_all_gates() -> Iterator[Fault]:
    """The gates in the order of one framework, read as in another, if more than two gates are misread."""
    known = set()
    for one, other in permutations(LAYOUTS, 2):
        gates = frozenset(zip(LAYOUTS[one].gates, LAYOUTS[other].gates, strict=True))
        if sum(g != h for g, h in gates) > 2 and gates not in known:
            known.add(gates)
            name, sentence, changes = gates_read_as(one, other)
            yield EVERY_LSTM(name, sentence) | changes


def _softmax_like(z: Array, top: Callable[[Array], Any], axis: int | None = 0, plus: float = 0) -> Array:
    """exp(z - top(z)) / (its sum along `axis` + plus); the axis `None` sums over the whole matrix."""
    powers: Array = np.exp(z - top(z))
    return np.asarray(powers / (powers.sum(axis, keepdims=True) + plus))


MISTAKES = mistakes(
    *_of_two_gates(),
    "weights",
    *(
        EVERY_LSTM(f"{gate}_a_weights_transposed", f"the part of W{g} for a_prev is transposed")
        | a_weights_transposed(g)
        for g, gate in GATES.items()
    ),
    "biases",
    *(
        EVERY_LSTM(f"{gate}_bias_missing", f"b{g} is left out") | mapped(np.zeros_like, f"b{g}")
        for g, gate in GATES.items()
    ),
    *(
        EVERY_LSTM(f"{gate}_bias_doubled", f"b{g} is added twice") | mapped(lambda b: 2 * b, f"b{g}")
        for g, gate in GATES.items()
    ),
    EVERY_LSTM("forget_bias_plus_one", "1 is added to bf") | mapped(lambda b: b + 1, "bf"),
    "weights",
    *_of_all_gates(),
    EVERY_LSTM("gates_split_by_units", "gates stacked in the order f, i, c, o are split unit by unit")
    | split_by_units("fico"),
    EVERY("a_weights_transposed", "the weights of a_prev are transposed") | a_weights_transposed(),
    EVERY("weights_reshaped", "weights are reshaped, not transposed")
    | mapped(by_columns, "Wax", "Waa", "Wi", "Wf", "Wc", "Wo"),
    ALL("head_weights_reshaped", "head weights are reshaped, not transposed") | mapped(by_columns, "Wy"),
    "biases",
    ALL("head_bias_missing", "by is left out") | mapped(np.zeros_like, "by"),
    ALL("head_bias_doubled", "by is added twice") | mapped(lambda b: 2 * b, "by"),
    ALL("biases_missing", "the biases of the cell are left out") | {"affine": lambda W, u, b: W @ u},
    ALL("biases_doubled", "every bias but by is added twice") | {"affine": lambda W, u, b: W @ u + 2 * b},
    EVERY_RNN("bias_outside_tanh", "ba is added after the activation")
    | {"a_next": lambda v: v.tanh(v.z - v.ba) + v.ba},
    EVERY_LSTM("candidate_bias_outside_tanh", "bc is added after the tanh")
    | {"cct": lambda v: v.tanh(v.zc - v.bc) + v.bc},
    LAYERS("every_bias_missing", "every bias is left out") | {"affine": lambda W, u, b: W @ u},
    LAYERS("every_bias_doubled", "every bias is added twice") | {"affine": lambda W, u, b: W @ u + 2 * b},
    LAYERS(
        "every_bias_halved",
        "half of every bias is added, as if one of two biases, of half each, were left out",
    )
    | {"affine": lambda W, u, b: W @ u + b / 2},
    "weights",
    EVERY("x_above_a", "[x; a] is used in place of [a; x]")
    | {"concat": lambda v: np.vstack([v.xt, v.a_prev])},
    EVERY("x_left_out", "x does not reach the cell")
    | {"concat": lambda v: np.vstack([v.a_prev, np.zeros_like(v.xt)])},
    EVERY("a_left_out", "a does not reach the cell")
    | {"concat": lambda v: np.vstack([np.zeros_like(v.a_prev), v.xt])},
    EVERY("concat_never_filled", "[a; x] stays zero")
    | altered("concat", by=lambda right, v: np.zeros_like(right)),
    EVERY_RNN("x_weights_first", "[Wax Waa] is used in place of [Waa Wax]")
    | {"z": lambda v: v.affine(np.hstack([v.Wax, v.Waa]), v.concat, v.ba)},
    "activations",
    EVERY("relu_for_tanh", "relu is used in place of tanh") | {"tanh": lambda z: np.maximum(z, 0)},
    EVERY("sigmoid_for_tanh", "sigmoid is used in place of tanh") | {"tanh": sigmoid},
    EVERY("hard_tanh", "z clipped to [-1, 1] is used in place of tanh")
    | {"tanh": lambda z: np.clip(z, -1, 1)},
    EVERY("no_tanh", "tanh is left out everywhere") | {"tanh": lambda z: z},
    EVERY("tanh_overflows", "tanh is a quotient of overflowing terms")
    | {"tanh": lambda z: np.sinh(z) / np.cosh(z)},
    EVERY("tanh_squared_overflows", "tanh is (e^2z - 1) / (e^2z + 1), which overflows")
    | {"tanh": lambda z: (np.exp(2 * z) - 1) / (np.exp(2 * z) + 1)},
    EVERY_LSTM("hard_sigmoid_keras", "sigmoid is z / 5 + 1/2, clipped")
    | {"sigmoid": lambda z: np.clip(z / 5 + 0.5, 0, 1)},
    EVERY_LSTM("hard_sigmoid_torch", "sigmoid is z / 6 + 1/2, clipped")
    | {"sigmoid": lambda z: np.clip(z / 6 + 0.5, 0, 1)},
    EVERY_LSTM("tanh_for_sigmoid", "tanh is used in place of sigmoid") | {"sigmoid": np.tanh},
    EVERY_LSTM("no_sigmoid", "sigmoid is left out") | {"sigmoid": lambda z: z},
    EVERY_LSTM("sigmoid_sign", "the sign in sigmoid's exp is wrong") | {"sigmoid": lambda z: sigmoid(-z)},
    EVERY_LSTM("sigmoid_of_magnitude", "sigmoid is taken of |z|") | {"sigmoid": lambda z: sigmoid(np.abs(z))},
    EVERY_LSTM("sigmoid_not_halved", "sigmoid is taken of 2 z, as (1 + tanh(z)) / 2")
    | {"sigmoid": lambda z: sigmoid(2 * z)},
    EVERY_LSTM("sigmoid_overflows", "sigmoid is e^z / (1 + e^z)")
    | {"sigmoid": lambda z: np.exp(z) / (1 + np.exp(z))},
    EVERY_LSTM("update_gate_tanh", "tanh is used in place of the update gate's sigmoid")
    | {"it": lambda v: v.tanh(v.zi)},
    EVERY_LSTM("forget_gate_tanh", "tanh is used in place of the forget gate's sigmoid")
    | {"ft": lambda v: v.tanh(v.zf)},
    EVERY_LSTM("output_gate_tanh", "tanh is used in place of the output gate's sigmoid")
    | {"ot": lambda v: v.tanh(v.zo)},
    EVERY_LSTM("candidate_sigmoid", "the candidate goes through sigmoid")
    | {"cct": lambda v: v.sigmoid(v.zc)},
    EVERY_LSTM("candidate_relu", "the candidate goes through relu") | {"cct": lambda v: np.maximum(v.zc, 0)},
    EVERY_LSTM("candidate_linear", "the candidate's tanh is left out") | {"cct": lambda v: v.zc},
    EVERY_LSTM("tanh_on_c_left_out", "the tanh on c is left out") | {"a_next": lambda v: v.ot * v.c_next},
    EVERY_LSTM("sigmoid_on_c", "sigmoid is used in place of the tanh on c")
    | {"a_next": lambda v: v.ot * v.sigmoid(v.c_next)},
    EVERY_LSTM("relu_on_c", "relu is used in place of the tanh on c")
    | {"a_next": lambda v: v.ot * np.maximum(v.c_next, 0)},
    EVERY_LSTM("output_gate_left_out", "the output gate is left out")
    | {"a_next": lambda v: v.tanh(v.c_next)},
    EVERY_LSTM("output_gate_inside_tanh", "the output gate is inside the tanh")
    | {"a_next": lambda v: v.tanh(v.ot * v.c_next)},
    RNN_LAYER("tanh_for_relu", "tanh is used in place of relu") | {"activation": lambda v: "tanh"},
    EVERY("z_clipped", "pre-activations are clipped to [-5, 5]")
    | {"affine": lambda W, u, b: np.clip(W @ u + b, -5, 5)},
    "update",
    LSTM("terms_exchanged", "c_next is it * c_prev + ft * cct")
    | {"c_next": lambda v: v.it * v.c_prev + v.ft * v.cct},
    EVERY_LSTM("update_gate_missing", "c_next is ft * c_prev + cct")
    | {"c_next": lambda v: v.ft * v.c_prev + v.cct},
    EVERY_LSTM("forget_gate_missing", "c_next is c_prev + it * cct")
    | {"c_next": lambda v: v.c_prev + v.it * v.cct},
    EVERY_LSTM("forget_gate_on_both", "c_next is ft * (c_prev + it * cct)")
    | {"c_next": lambda v: v.ft * (v.c_prev + v.it * v.cct)},
    EVERY_LSTM("c_prev_left_out", "c_next is it * cct") | {"c_next": lambda v: v.it * v.cct},
    EVERY_LSTM("terms_subtracted", "c_next is ft * c_prev - it * cct")
    | {"c_next": lambda v: v.ft * v.c_prev - v.it * v.cct},
    EVERY_LSTM("terms_multiplied", "c_next is ft * c_prev * it * cct")
    | {"c_next": lambda v: v.ft * v.c_prev * v.it * v.cct},
    EVERY_LSTM("c_from_a_prev", "c_next is ft * a_prev + it * cct")
    | {"c_next": lambda v: v.ft * v.a_prev + v.it * v.cct},
    EVERY_LSTM("c_clipped", "c is clipped to [-1, 1]")
    | {"c_next": lambda v: np.clip(v.ft * v.c_prev + v.it * v.cct, -1, 1)},
    EVERY_LSTM("gates_as_matrices", "c_next is ft @ c_prev + it @ cct")
    | {"c_next": lambda v: v.ft @ v.c_prev + v.it @ v.cct},
    EVERY_LSTM("gates_coupled", "the update gate is 1 - ft") | {"it": lambda v: 1 - v.ft},
    EVERY_LSTM("peephole", "the forget gate sees c_prev too") | {"ft": lambda v: v.sigmoid(v.zf + v.c_prev)},
    EVERY_LSTM("a_from_c_prev", "a_next is made from c_prev") | {"a_next": lambda v: v.ot * v.tanh(v.c_prev)},
    EVERY_RNN("a_prev_added", "a_prev is added to a_next") | {"a_next": lambda v: v.a_prev + v.tanh(v.z)},
    "head",
    ALL("softmax_over_samples", "the softmax runs over the samples") | {"softmax": lambda z: softmax(z.T).T},
    ALL("softmax_over_matrix", "the softmax sums over the whole matrix")
    | {"softmax": lambda z: _softmax_like(z, np.max, None)},
    ALL(
        "softmax_sums_over_matrix",
        "the softmax subtracts a maximum for each sample and sums over the whole matrix",
    )
    | {"softmax": lambda z: _softmax_like(z, lambda z: z.max(axis=0), None)},
    ALL(
        "softmax_sums_over_samples",
        "the softmax subtracts a maximum for each sample and sums over the samples",
    )
    | {"softmax": lambda z: _softmax_like(z, lambda z: z.max(axis=0), 1)},
    ALL("one_maximum", "the softmax subtracts one maximum of the whole matrix")
    | {"softmax": lambda z: _softmax_like(z, np.max)},
    ALL("softmax_overflows", "the softmax subtracts no maximum and overflows")
    | {"softmax": lambda z: _softmax_like(z, lambda z: 0)},
    ALL("softmax_epsilon", "1e-8 is added to the softmax's sum")
    | {"softmax": lambda z: _softmax_like(z, lambda z: z.max(axis=0), plus=1e-8)},
    ALL("softmax_sign", "the sign in the softmax's exp is wrong") | {"softmax": lambda z: softmax(-z)},
    ALL("softmax_without_exp", "the softmax's exp is left out") | {"softmax": lambda z: z / z.sum(axis=0)},
    ALL("softmax_twice", "the softmax is taken twice") | {"softmax": lambda z: softmax(softmax(z))},
    ALL("log_softmax", "the logarithm of the softmax is returned")
    | {"softmax": lambda z: np.log(softmax(z))},
    ALL("sigmoid_for_softmax", "sigmoid is used in place of softmax") | {"softmax": sigmoid},
    ALL("no_softmax", "the softmax is left out") | {"softmax": lambda z: z},
    FORWARDS("softmax_over_time", "the softmax runs over time")
    | {"yt_pred": lambda v: v.logits, "predictions": lambda y: softmax(y.T).T},
    FORWARDS("maximum_of_all_steps", "the softmax subtracts the maximum of all steps")
    | {"yt_pred": lambda v: v.logits, "predictions": lambda y: _softmax_like(y, np.max)},
    FORWARDS("y_one_step_early", "the prediction of step t is stored at step t - 1")
    | {"predictions": lambda y: np.roll(y, -1, axis=2)},
    FORWARDS("last_y_everywhere", "the last prediction is stored at every step")
    | {"predictions": lambda y: y[:, :, [-1] * y.shape[2]]},
    FORWARDS("last_y_alone", "only the last prediction is kept")
    | {"predictions": lambda y: y * (np.arange(y.shape[2]) > y.shape[2] - 2)},
    FORWARDS(
        "y_read_by_step", "the predictions are written by samples and steps, and read by steps and samples"
    )
    | {"predictions": lambda y: y.reshape(len(y), y.shape[2], y.shape[1]).transpose(0, 2, 1)},
    FORWARDS(
        "y_read_by_sample", "the predictions are written by steps and samples, and read by samples and steps"
    )
    | {"predictions": lambda y: y.transpose(0, 2, 1).reshape(y.shape)},
    ALL("head_from_a_prev", "the prediction is made from a_prev")
    | {"logits": lambda v: v.Wy @ v.a_prev + v.by},
    ALL("head_left_out", "the prediction is the softmax of a_next itself")
    | {"yt_pred": lambda v: v.softmax(v.a_next)},
    LSTM("head_from_c", "the prediction is made from c_next") | {"logits": lambda v: v.Wy @ v.c_next + v.by},
    LSTM("head_from_ot", "the prediction is made from the output gate")
    | {"logits": lambda v: v.Wy @ v.ot + v.by},
)
