"""Lines that say how to mend a mistake, for mistakes whose sentences do not say so."""

from collections.abc import Mapping

from oracle.faults.entry import GATES

_BY_REMEDY: Mapping[str, str] = {
    "subtract from each column its own maximum, and divide by its own sum: "
    "e = np.exp(z - np.max(z, axis=0, keepdims=True)), then e / np.sum(e, axis=0, keepdims=True)": """
        softmax_over_samples softmax_over_matrix softmax_sums_over_matrix one_maximum softmax_overflows
        maximum_of_all_steps softmax_without_exp""",
    "divide by the sum alone: it is 1 or more once the maximum is subtracted": "softmax_epsilon",
    "take np.exp of z, not of -z": "softmax_sign",
    "call softmax once": "softmax_twice",
    "call softmax for the prediction": "sigmoid_for_softmax no_softmax",
    "predict from a_next, the state after this step": "head_from_a_prev",
    "predict from a_next": "head_from_c",
    "call np.tanh": "relu_for_tanh sigmoid_for_tanh no_tanh",
    "call np.tanh, which does not overflow": "tanh_overflows tanh_squared_overflows",
    "cct = np.tanh(Wc @ concat + bc)": "candidate_sigmoid candidate_relu candidate_linear",
    "call sigmoid for the three gates": "tanh_for_sigmoid no_sigmoid",
    "sigmoid(z) = 1 / (1 + np.exp(-z))": "sigmoid_sign sigmoid_overflows",
    "a_next = ot * np.tanh(c_next)": """
        tanh_on_c_left_out sigmoid_on_c relu_on_c output_gate_left_out output_gate_inside_tanh
        a_from_c_prev""",
    "c_next = ft * c_prev + it * cct": """
        terms_exchanged update_gate_missing forget_gate_missing forget_gate_on_both c_prev_left_out
        terms_subtracted terms_multiplied c_from_a_prev gates_as_matrices""",
    "put a_prev first: np.concatenate([a_prev, xt])": "x_above_a",
    'read parameters["Wya"]': "head_weights_of_lstm",
    'read parameters["Wy"]': "head_weights_of_rnn",
    "add by to Wya @ a_next, or to Wy @ a_next": "head_bias_missing",
    "a_next = a0 before the loop over time": "a0_ignored",
    "pass a_next of each step to the next step": "every_step_from_a0 every_step_from_zero",
    "pass on a_next and c_next themselves, not slots of a and c that are not written yet": """
        first_step_reads_last_slot reads_unwritten_slot reads_unwritten_slots""",
    "pass on c_next itself, not a slot of c that is not written yet": "reads_unwritten_c",
    "c_next = np.zeros((n_a, m)) before the loop over time": "c0_is_a0",
    "set c_next to zero before the loop over time, not in it": "c_reset_every_step",
    "pass c_next to the next step, beside a_next": "c_is_a",
    "make an array for each of a and c": "one_array_for_a_and_c",
    "start from a new array, np.zeros((n_a, m)) or a copy, not from a slice that is written later": """
        c_view_cached last_c_view_cached second_c_view_cached a_view_cached""",
    "append the cell's cache in every step, caches.append(cache), and return (caches, x)": """
        caches_empty caches_none last_cache_alone caches_in_themselves""",
    "return (caches, x) for the caches": "caches_without_x",
    "pass x[:, :, t] to the cell": "x_cached_for_xt",
    "put the parameters last in the cache": "parameters_not_cached",
    "loop over T_x = x.shape[2]": "loop_over_features loop_over_samples",
    "read x[:, :, t], time is the last axis": "x_indexed_by_sample",
    "leave out the cast: the inputs come in the dtype in which to compute": """
        inputs_cast_to_float32 x_cast_to_float32 inputs_in_float32 x_in_float32""",
    "compute in x.dtype; if only float32 is meant, declare it: "
    'SUPPORTS = {"dtypes": ["float32"]} beside the functions': "computed_in_float32",
    "add ba to the pre-activation of an RNN, and bf, bi, bc and bo to those of an LSTM": "biases_missing",
    "convert the arguments to tensors, and the results to arrays; for modules, "
    "see docs/modules.md": "tensors_expected",
    "make the arrays for results in x.dtype": "stored_in_float32 stored_in_int64",
    **{f"add b{g} to the pre-activation": f"{gate}_bias_missing" for g, gate in GATES.items()},
}

REMEDIES: Mapping[str, str] = {name: remedy for remedy, names in _BY_REMEDY.items() for name in names.split()}
"""The line that says how to mend a mistake, by the name of the mistake."""
