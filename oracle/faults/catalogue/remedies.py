"""Lines that say how to mend a mistake, for mistakes whose sentences do not say so."""

from collections.abc import Mapping

from oracle.faults.entry import GATES, GRADIENTS

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
    "set c_next to zero before the loop over time, and hand it on from step to step": "c_reset_every_step",
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
    "dz = da_next * (1 - a_next**2)": """
        derivative_not_squared derivative_of_tanh_of_a derivative_fourth_power""",
    "dWax = dz @ xt.T; dWaa = dz @ a_prev.T; dba = np.sum(dz, axis=1, keepdims=True)": "weights_from_da_next",
    "da_prev = Waa.T @ dz": "Waa_not_transposed",
    "dc = dc_next + da_next * ot * (1 - np.tanh(c_next) ** 2)": """
        derivative_on_c_fourth_power derivative_on_c_not_squared derivative_on_c_at_a_next
        derivative_on_c_at_c_prev through_h_left_out""",
    "dc = dc_next + da_next * ot * (1 - np.tanh(c_next) ** 2); "
    "dzo = da_next * np.tanh(c_next) * ot * (1 - ot)": "tanh_of_a_next",
    "dzo = da_next * np.tanh(c_next) * ot * (1 - ot)": "dzo_of_tanh_of_a_next",
    "dzc = dc * it * (1 - cct**2)": """
        derivative_of_tanh_of_cct candidate_derivative_not_squared candidate_derivative_of_difference
        candidate_derivative_of_sigmoid""",
    "dzf = dc * c_prev * ft * (1 - ft); dzi = dc * cct * it * (1 - it)": "dzf_and_dzi_exchanged",
    "dzf = dc * c_prev * ft * (1 - ft); dzi = dc * cct * it * (1 - it); dzc = dc * it * (1 - cct**2)": """
        brackets_missing""",
    "dzf = dc * c_prev * ft * (1 - ft); dzi = dc * cct * it * (1 - it); dzc = dc * it * (1 - cct**2); "
    "dzo = da_next * np.tanh(c_next) * ot * (1 - ot)": """
        gate_derivatives_left_out derivative_of_sigmoid_of_gates derivative_of_sigmoid_s
        derivative_of_sigmoid_1_s""",
    "d = Wf.T @ dzf + Wi.T @ dzi + Wc.T @ dzc + Wo.T @ dzo; da_prev = d[:n_a]; dxt = d[n_a:]": """
        update_missing_in_da_prev_alone forget_missing_in_da_prev_alone
        candidate_missing_in_da_prev_alone output_missing_in_da_prev_alone
        dW_for_W da_prev_and_dxt_exchanged""",
    "concat = np.concatenate([a_prev, xt])": "concat_x_above_a",
    "sum dz over the samples, as in dbf = np.sum(dzf, axis=1, keepdims=True)": "db_sums_dW",
    "sum over the samples with axis=1 and keepdims=True, without a division": """
        means_over_samples db_flat db_one_number""",
    "put dz first, as in dWaa = dz @ a_prev.T, or dWf = dzf @ concat.T": "dW_transposed",
    "return the gradients as they are; clip them, if at all, in the training loop": """
        clipped_at_1 clipped_at_5 clipped_at_10
        parameters_clipped_at_1 parameters_clipped_at_5 parameters_clipped_at_10
        weights_clipped_at_1 weights_clipped_at_5 weights_clipped_at_10
        clip_exchanged_1 clip_exchanged_5 clip_exchanged_10""",
    "pass da[:, :, t] + da_prevt to the cell, and after the call write "
    'da_prevt = gradients["da_prev"]': "da_not_carried da_alone_not_carried",
    "pass da[:, :, t] + da_prevt and dc_prevt to the cell, and after the call write "
    'da_prevt = gradients["da_prev"] and dc_prevt = gradients["dc_prev"]': "nothing_carried",
    'pass dc_prevt to the cell, and after the call write dc_prevt = gradients["dc_prev"]': "dc_not_carried",
    "pass da[:, :, t] + da_prevt to the cell in each step; da_prevt starts from zeros": """
        last_da_alone last_da_twice da_one_step_early""",
    'add the gradients of each step, as in dba += gradients["dba"]': "overwritten_by_each_step",
    "loop over all steps from the last to the first: for t in reversed(range(T_x))": """
        first_step_left_out last_step_left_out time_not_reversed""",
    'dx[:, :, t] = gradients["dxt"]': "dx_reversed",
    'da0 = gradients["da_prev"] of step 0, after the loop over time': "da0_left_out da0_is_da_next",
    "begin each call with new arrays of zeros for the sums": "sums_kept",
    "the derivative of relu is 1 where a_next is above 0, and 0 elsewhere": """
        derivative_of_tanh_for_relu derivative_of_relu_left_out""",
    **{
        f"add {added} at the last step that direction k takes of each sample": f"""
        {name}_ignored backward_{name}_ignored forward_{name}_of_shorter_samples_ignored
        backward_{name}_at_the_last_step"""
        for name, added in (
            ("da_last", "da_last[k] to da"),
            ("dc_last", "dc_last[k] to dc"),
            ("da_last_and_dc_last", "da_last[k] to da, and dc_last[k] to dc"),
        )
    },
    "add da_last[k] to da in every layer, at the last step that direction k takes of each sample": """
        da_last_of_lower_layers_ignored""",
    "the forward direction has the first n_h rows of da, and the backward direction the others": """
        halves_of_da_exchanged""",
    "reverse the steps of each sample before a backward direction, and again after it": """
        backward_da_not_reversed backward_dx_not_reversed""",
    "add the gradients of both directions with respect to their common input": "dx_of_forward_alone",
    "end the steps of each sample at its own length": "lengths_ignored_in_gradients",
    **{f'{one} += gradients["{one}"] in each step': f"{one}_overwritten_by_each_step" for one in GRADIENTS},
    **{
        f"{one} is a sum over the samples, without a division": f"mean_over_samples_in_{one}"
        for one in GRADIENTS
    },
    **{f"add b{g} to the pre-activation": f"{gate}_bias_missing" for g, gate in GATES.items()},
}

REMEDIES: Mapping[str, str] = {name: remedy for remedy, names in _BY_REMEDY.items() for name in names.split()}
"""The line that says how to mend a mistake, by the name of the mistake."""
