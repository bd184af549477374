"""Mistakes in the step of a cell: weights and biases, activations, the update of c and a, and the head.

The known quantities are those of `oracle.faults.equations`: `zf` is the pre-activation of the forget gate
`ft`, and `p` has all parameters by name. `Wy` and `by` are the head, even in an RNN.
"""

from collections.abc import Callable, Iterator
from itertools import combinations, permutations
from typing import Any

import numpy as np

from oracle.faults.catalogue.table import FRAMEWORKS_BY_ORDER, GATES, PHRASES, mistakes
from reference.contract import Array

_LINES_FOR_EACH_GATE = """
[weights]
  <gate>_a_weights_transposed | the part of W<g> for a_prev is transposed
    | parameters = a_weights_transposed(p, '<g>')
[biases]
  <gate>_bias_missing | b<g> is left out | parameters = mapped(p, np.zeros_like, 'b<g>')
  <gate>_bias_doubled | b<g> is added twice | parameters = mapped(p, lambda b: 2 * b, 'b<g>')
  forget_bias_plus_one | 1 is added to bf | parameters = mapped(p, lambda b: b + 1, 'bf')
"""


def _gate_lines() -> Iterator[str]:
    """The lines of mistakes in one gate, in a pair of gates, and in the order of all gates."""
    weights, biases = "[weights]\n", "[biases]\n"
    yield "EVERY_LSTM"
    for g, h in combinations(GATES, 2):
        pair, of_both = f"{GATES[g]}_and_{GATES[h]}", f"parameters = misread_gates(p, '{g}{h}', '{h}{g}'"
        yield f"{weights}  {pair}_gates_exchanged | {PHRASES[g]} and {PHRASES[h]} are exchanged | {of_both})"
        exchanged = "are exchanged, the biases not"
        yield f"{weights}  {pair}_weights_exchanged | W{g} and W{h} {exchanged} | {of_both}, 'W')"
        exchanged = "are exchanged, the weights not"
        yield f"{biases}  {pair}_biases_exchanged | b{g} and b{h} {exchanged} | {of_both}, 'b')"
    for g, h in permutations(GATES, 2):
        pair, of_one = f"{GATES[g]}_with_{GATES[h]}", f"parameters = misread_gates(p, '{g}', '{h}'"
        yield f"{biases}  {pair}_bias | {PHRASES[g]} uses b{h} | {of_one}, 'b')"
        yield f"{weights}  {pair}_weights | {PHRASES[g]} uses W{h} | {of_one}, 'W')"
    yield _LINES_FOR_EACH_GATE
    misread = set()
    for stacked, order in permutations(FRAMEWORKS_BY_ORDER, 2):
        gates = frozenset(zip(order, stacked, strict=True))
        if sum(g != h for g, h in gates) > 2 and gates not in misread:  # the lines above exchange two gates
            misread.add(gates)
            one, other = FRAMEWORKS_BY_ORDER[stacked], FRAMEWORKS_BY_ORDER[order]
            sentence = f"gates stacked as in {one} ({stacked}) are read as in {other} ({order})"
            change = f"parameters = misread_gates(p, '{order}', '{stacked}')"
            yield f"{weights}  {one}_gates_read_as_{other} | {sentence} | {change}"


def _softmax_like(z: Array, top: Callable[[Array], Any], axis: int | None = 0, plus: float = 0) -> Array:
    """exp(z - top(z)) / (its sum along `axis` + plus); the axis `None` sums over the whole matrix."""
    powers: Array = np.exp(z - top(z))
    return np.asarray(powers / (powers.sum(axis, keepdims=True) + plus))


MISTAKES = mistakes(
    "\n".join(_gate_lines())
    + """
[weights]
EVERY
  a_weights_transposed | the weights of a_prev are transposed | parameters = a_weights_transposed(p)
  weights_reshaped | weights are reshaped, not transposed
    | parameters = mapped(p, by_columns, 'Wax', 'Waa', 'Wi', 'Wf', 'Wc', 'Wo')
ALL
  head_weights_reshaped | head weights are reshaped, not transposed | parameters = mapped(p, by_columns, 'Wy')
[biases]
  head_bias_missing | by is left out | parameters = mapped(p, np.zeros_like, 'by')
  head_bias_doubled | by is added twice | parameters = mapped(p, lambda b: 2 * b, 'by')
  biases_missing | the biases of the cell are left out | affine = W @ u
  biases_doubled | every bias but by is added twice | affine = W @ u + 2 * b
LAYERS
  every_bias_missing | every bias is left out | affine = W @ u
  every_bias_doubled | every bias is added twice | affine = W @ u + 2 * b
  every_bias_halved | half of every bias is added, as if one of two equal biases were left out
    | affine = W @ u + b / 2
[weights]
EVERY
  x_above_a | [x; a] is used in place of [a; x] | concat = np.vstack([xt, a_prev])
  x_left_out | x does not reach the cell | concat = np.vstack([a_prev, np.zeros_like(xt)])
  a_left_out | a does not reach the cell | concat = np.vstack([np.zeros_like(a_prev), xt])
  concat_never_filled | [a; x] stays zero | concat = np.zeros_like(right)
EVERY_RNN
  x_weights_first | [Wax Waa] is used in place of [Waa Wax] | z = affine(np.hstack([Wax, Waa]), concat, ba)
[activations]
EVERY
  relu_for_tanh | relu is used in place of tanh | tanh = np.maximum(z, 0)
  sigmoid_for_tanh | sigmoid is used in place of tanh | tanh = sigmoid
  hard_tanh | z clipped to [-1, 1] is used in place of tanh | tanh = np.clip(z, -1, 1)
  no_tanh | tanh is left out everywhere | tanh = z
  tanh_overflows | tanh is a quotient of overflowing terms | tanh = np.sinh(z) / np.cosh(z)
  tanh_squared_overflows | tanh is (e^2z - 1) / (e^2z + 1), which overflows
    | tanh = (np.exp(2 * z) - 1) / (np.exp(2 * z) + 1)
EVERY_LSTM
  hard_sigmoid_keras | sigmoid is z / 5 + 1/2, clipped | sigmoid = np.clip(z / 5 + 0.5, 0, 1)
  hard_sigmoid_torch | sigmoid is z / 6 + 1/2, clipped | sigmoid = np.clip(z / 6 + 0.5, 0, 1)
  tanh_for_sigmoid | tanh is used in place of sigmoid | sigmoid = np.tanh(z)
  no_sigmoid | sigmoid is left out | sigmoid = z
  sigmoid_sign | the sign in sigmoid's exp is wrong | sigmoid = sigmoid(-z)
  sigmoid_not_halved | sigmoid is taken of 2 z, as (1 + tanh(z)) / 2 | sigmoid = sigmoid(2 * z)
  sigmoid_overflows | sigmoid is e^z / (1 + e^z) | sigmoid = np.exp(z) / (1 + np.exp(z))
  update_gate_tanh | tanh is used in place of the update gate's sigmoid | it = tanh(zi)
  forget_gate_tanh | tanh is used in place of the forget gate's sigmoid | ft = tanh(zf)
  output_gate_tanh | tanh is used in place of the output gate's sigmoid | ot = tanh(zo)
  candidate_sigmoid | the candidate goes through sigmoid | cct = sigmoid(zc)
  candidate_relu | the candidate goes through relu | cct = np.maximum(zc, 0)
  candidate_linear | the candidate's tanh is left out | cct = zc
  tanh_on_c_left_out | the tanh on c is left out | a_next = ot * c_next
  sigmoid_on_c | sigmoid is used in place of the tanh on c | a_next = ot * sigmoid(c_next)
  relu_on_c | relu is used in place of the tanh on c | a_next = ot * np.maximum(c_next, 0)
  output_gate_left_out | the output gate is left out | a_next = tanh(c_next)
  output_gate_inside_tanh | the output gate is inside the tanh | a_next = tanh(ot * c_next)
rnn_layer
  tanh_for_relu | tanh is used in place of relu | activation = 'tanh'
EVERY
  z_clipped | pre-activations are clipped to [-5, 5] | affine = np.clip(W @ u + b, -5, 5)
[update]
LSTM
  terms_exchanged | c_next is it * c_prev + ft * cct | c_next = it * c_prev + ft * cct
EVERY_LSTM
  update_gate_missing | c_next is ft * c_prev + cct | c_next = ft * c_prev + cct
  forget_gate_missing | c_next is c_prev + it * cct | c_next = c_prev + it * cct
  forget_gate_on_both | c_next is ft * (c_prev + it * cct) | c_next = ft * (c_prev + it * cct)
  c_prev_left_out | c_next is it * cct | c_next = it * cct
  terms_subtracted | c_next is ft * c_prev - it * cct | c_next = ft * c_prev - it * cct
  terms_multiplied | c_next is ft * c_prev * it * cct | c_next = ft * c_prev * it * cct
  c_from_a_prev | c_next is ft * a_prev + it * cct | c_next = ft * a_prev + it * cct
  c_clipped | c is clipped to [-1, 1] | c_next = np.clip(ft * c_prev + it * cct, -1, 1)
  gates_as_matrices | c_next is ft @ c_prev + it @ cct | c_next = ft @ c_prev + it @ cct
  gates_coupled | the update gate is 1 - ft | it = 1 - ft
  peephole | the forget gate sees c_prev too | ft = sigmoid(zf + c_prev)
  a_from_c_prev | a_next is made from c_prev | a_next = ot * tanh(c_prev)
EVERY_RNN
  a_prev_added | a_prev is added to a_next | a_next = a_prev + tanh(z)
[head]
ALL
  softmax_over_samples | the softmax runs over the samples | softmax = softmax(z.T).T
  softmax_over_matrix | the softmax sums over the whole matrix | softmax = quotient(z, np.max, None)
  softmax_sums_over_matrix | the softmax subtracts a maximum for each sample and sums over the whole matrix
    | softmax = quotient(z, lambda z: z.max(axis=0), None)
  one_maximum | the softmax subtracts one maximum of the whole matrix | softmax = quotient(z, np.max)
  softmax_overflows | the softmax subtracts no maximum and overflows | softmax = quotient(z, lambda z: 0)
  softmax_epsilon | 1e-8 is added to the softmax's sum
    | softmax = quotient(z, lambda z: z.max(axis=0), plus=1e-8)
  softmax_sign | the sign in the softmax's exp is wrong | softmax = softmax(-z)
  softmax_without_exp | the softmax's exp is left out | softmax = z / z.sum(axis=0)
  softmax_twice | the softmax is taken twice | softmax = softmax(softmax(z))
  log_softmax | the logarithm of the softmax is returned | softmax = np.log(softmax(z))
  sigmoid_for_softmax | sigmoid is used in place of softmax | softmax = sigmoid
  no_softmax | the softmax is left out | softmax = z
FORWARDS
  softmax_over_time | the softmax runs over time | yt_pred = logits | predictions = softmax(y.T).T
  maximum_of_all_steps | the softmax subtracts the maximum of all steps
    | yt_pred = logits | predictions = quotient(y, np.max)
  y_one_step_early | the prediction of step t is stored at step t - 1 | predictions = np.roll(y, -1, axis=2)
  last_y_everywhere | the last prediction is stored at every step | predictions = y[:, :, [-1] * y.shape[2]]
  last_y_alone | only the last prediction is kept | predictions = y * (np.arange(y.shape[2]) > y.shape[2] - 2)
ALL
  head_from_a_prev | the prediction is made from a_prev | logits = Wy @ a_prev + by
  head_left_out | the prediction is the softmax of a_next itself | yt_pred = softmax(a_next)
LSTM
  head_from_c | the prediction is made from c_next | logits = Wy @ c_next + by
  head_from_ot | the prediction is made from the output gate | logits = Wy @ ot + by
""",
    quotient=_softmax_like,
)
