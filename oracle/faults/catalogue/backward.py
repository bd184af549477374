"""Mistakes in backward passes: the chain rule, gradients through time, sums over samples and steps.

The known quantities are those of `oracle.faults.backward_equations`.
"""

from typing import Any

from oracle.faults.catalogue.table import mistakes


def _sums_of_earlier_call(v: Any) -> Any:
    """The sums that the earlier call with weights of this shape has left; empty in the first call."""
    shape = v.Waa.shape if hasattr(v, "Waa") else v.Wf.shape
    return v.memory.setdefault(shape, {})


MISTAKES = mistakes(
    """
[backward]
RNN_BACKWARDS
  derivative_of_tanh_left_out | dz is da_next: the derivative of tanh is left out | dz = da_next
  derivative_not_squared | the derivative of tanh is 1 - a, not 1 - a ** 2 | slope = 1 - a_next
  derivative_of_tanh_of_a | the derivative of tanh is taken of a_next, as if that were z
    | slope = 1 - np.tanh(a_next) ** 2
  derivative_fourth_power | the derivative of tanh is 1 - a ** 4 | slope = 1 - a_next ** 4
  derivative_at_a_prev | the derivative of tanh is 1 - a_prev ** 2 | slope = 1 - a_prev ** 2
  weights_from_da_next | dWax, dWaa and dba are computed with da_next, without the derivative of tanh
    | dWax = da_next @ xt.T | dWaa = da_next @ a_prev.T | dba = da_next.sum(axis=1, keepdims=True)
  da_prev_from_da_next | da_prev is computed with da_next, without the derivative of tanh
    | da_prev = Waa.T @ da_next
  Waa_not_transposed | da_prev is Waa dz, without the transpose | da_prev = Waa @ dz
  dWaa_from_a_next | dWaa is dz a_next.T, not dz a_prev.T | dWaa = dz @ a_next.T
LSTM_BACKWARDS
  derivative_on_c_left_out | the derivative of the tanh on c is left out | slope = np.ones_like(h)
  derivative_on_c_fourth_power | the derivative of the tanh on c is 1 - h ** 4 | slope = 1 - h ** 4
  derivative_on_c_not_squared | the derivative of the tanh on c is 1 - h, not 1 - h ** 2 | slope = 1 - h
  tanh_of_a_next | tanh is taken of a_next, not of c_next | h = np.tanh(a_next)
  derivative_on_c_at_a_next | the derivative of the tanh on c is taken at a_next
    | slope = 1 - np.tanh(a_next) ** 2
  dzo_without_tanh | dzo uses c_next instead of tanh(c_next) | dzo = da_next * c_next * slope_o
  dzo_of_tanh_of_a_next | dzo uses tanh(a_next) instead of tanh(c_next)
    | dzo = da_next * np.tanh(a_next) * slope_o
  <gate>_derivative_left_out | the derivative of <the gate>'s activation is left out
    | slope_<g> = np.ones_like(ft)
  gate_derivatives_left_out | the derivatives of all gates' activations are left out
    | slope_i = np.ones_like(ft) | slope_f = np.ones_like(ft)
    | slope_c = np.ones_like(ft) | slope_o = np.ones_like(ft)
  derivative_of_sigmoid_of_gates
    | the derivatives of the sigmoids are taken of the gates, as if these were their pre-activations
    | slope_f = sigmoid(ft) * (1 - sigmoid(ft)) | slope_i = sigmoid(it) * (1 - sigmoid(it))
    | slope_o = sigmoid(ot) * (1 - sigmoid(ot))
  derivative_of_sigmoid_s | the derivative of the sigmoids is s, not s * (1 - s)
    | slope_f = ft | slope_i = it | slope_o = ot
  derivative_of_sigmoid_1_s | the derivative of the sigmoids is 1 - s, not s * (1 - s)
    | slope_f = 1 - ft | slope_i = 1 - it | slope_o = 1 - ot
  derivative_of_tanh_of_cct
    | the derivative of the candidate's tanh is taken of cct, as if cct were its pre-activation
    | slope_c = 1 - np.tanh(cct) ** 2
  candidate_derivative_not_squared | the derivative of the candidate's tanh is 1 - cct, not 1 - cct ** 2
    | slope_c = 1 - cct
  candidate_derivative_of_difference
    | the derivative of the candidate's tanh is (1 - cct) ** 2, not 1 - cct ** 2 | slope_c = (1 - cct) ** 2
  derivative_on_c_at_c_prev | the derivative of the tanh on c is taken at c_prev
    | slope = 1 - np.tanh(c_prev) ** 2
  candidate_derivative_of_sigmoid | the derivative of the candidate's tanh is that of a sigmoid
    | slope_c = cct * (1 - cct)
  through_h_left_out | dc is dc_next alone, without what comes through a_next | dc = dc_next
  through_h_without_ot | the term of dc from a_next lacks the factor ot | through_h = da_next * slope
lstm_cell_backward
  dc_next_left_out | dc is only what comes through a_next, without dc_next | dc = through_h
  dc_prev_without_through_h | dc_prev is dc_next * ft, without what comes through a_next
    | dc_prev = dc_next * ft
LSTM_BACKWARDS
  dc_prev_without_ft | dc_prev lacks the forget gate | dc_prev = dc
  dc_prev_by_it | dc_prev is dc * it, not dc * ft | dc_prev = dc * it
  brackets_missing
    | brackets are missing: the derivatives of f, i and c multiply only the term from a_next
    | dzf = dc_next * c_prev + through_h * c_prev * slope_f
    | dzi = dc_next * cct + through_h * cct * slope_i | dzc = dc_next * it + through_h * it * slope_c
  dzf_of_c_next | dzf uses c_next instead of c_prev | dzf = dc * c_next * slope_f
  dzf_and_dzi_exchanged | dzf uses cct instead of c_prev, and dzi uses c_prev instead of cct
    | dzf = dc * cct * slope_f | dzi = dc * c_prev * slope_i
  dzo_from_dc | dzo uses dc instead of da_next | dzo = dc * h * slope_o
  <gate>_missing_in_da_prev | da_prev and dxt lack the part of <the gate>
    | da_prev = (back - W<g>.T @ dz<g>)[:n_a] | dxt = (back - W<g>.T @ dz<g>)[n_a:]
  dW_for_W | da_prev and dxt are computed with dW instead of W
    | back = dWf.T @ dzf + dWi.T @ dzi + dWc.T @ dzc + dWo.T @ dzo
  da_prev_and_dxt_exchanged | da_prev and dxt are taken from each other's rows
    | da_prev = back[-n_a:] | dxt = back[:-n_a]
  concat_x_above_a | the weights' gradients are computed with [x; a] instead of [a; x]
    | concat = np.concatenate([xt, a_prev])
  concat_of_a_next | the weights' gradients are computed with a_next instead of a_prev
    | concat = np.concatenate([a_next, xt])
  db_sums_dW | the biases' gradients are sums over dW
    | dbi = dWi.sum(axis=1, keepdims=True) | dbf = dWf.sum(axis=1, keepdims=True)
    | dbc = dWc.sum(axis=1, keepdims=True) | dbo = dWo.sum(axis=1, keepdims=True)
BACKWARDS
  means_over_samples
    | the gradients with respect to the parameters are means over the samples, not sums
    | gradient = array / v.m if name[1] in 'Wb' else array
  db_flat | the biases' gradients are sums without keepdims
    | gradient = array[:, 0] if name.startswith('db') else array
  db_one_number | the biases' gradients are sums over the units, too
    | gradient = array.sum(keepdims=True) if name.startswith('db') else array
  dW_transposed | the weights' gradients are transposed
    | gradient = array.T if name.startswith('dW') else array
  clipped_at_1 | the gradients are clipped at ±1 | gradient = np.clip(array, -1, 1)
  clipped_at_5 | the gradients are clipped at ±5 | gradient = np.clip(array, -5, 5)
  clipped_at_10 | the gradients are clipped at ±10 | gradient = np.clip(array, -10, 10)
rnn_backward
  da_not_carried | da_prev is not carried through time | da_next = da[:, :, t]
lstm_backward
  nothing_carried | nothing is carried through time (as the exercise's first edition expected)
    | da_next = da[:, :, t] | dc_next = np.zeros_like(dc_carried)
  da_alone_not_carried | da_prev is not carried through time, but dc_prev is | da_next = da[:, :, t]
  dc_not_carried
    | dc_prev is not carried through time (or only as dc_next * ft, which stays 0); da_prev is
    | dc_next = np.zeros_like(dc_carried)
SEQUENCE_BACKWARDS
  last_da_alone | only the last step of da is used
    | da_next = da_carried + (da[:, :, t] if t == T_x - 1 else 0)
  last_da_twice | the last step of da is counted twice | da_carried = da[:, :, -1]
  da_one_step_early | step t reads da of step t - 1 | da_next = da[:, :, t - 1] + da_carried
  overwritten_by_each_step
    | the gradients with respect to the parameters are those of the last step taken, not sums
    | added = part
  first_step_left_out | the loop over time ends before step 0 | steps = reversed(range(1, T_x))
  last_step_left_out | the loop over time begins before the last step | steps = reversed(range(T_x - 1))
  time_not_reversed | the loop over time runs forwards | steps = range(T_x)
  dx_reversed | dx is in the order in which the steps are taken | slot = T_x - 1 - t
  da0_left_out | da0 is 0 | da0 = np.zeros_like(da_carried)
  da0_is_da_next | da0 is the gradient with respect to the state after step 0 | da0 = da_next
  sums_kept | the sums over the steps are kept from call to call | sums = sums_of_earlier_call
""",
    sums_of_earlier_call=_sums_of_earlier_call,
)
