"""How mistakes are mended, of those where a line says it: for who made them."""

from collections.abc import Mapping

from oracle.faults.catalogue.entry import GATES

_EACH_COLUMN = (
    "subtract from each column its own maximum, and divide by its own sum: "
    "e = np.exp(z - np.max(z, axis=0, keepdims=True)), then e / np.sum(e, axis=0, keepdims=True)"
)
_COPY = "start from an array of its own, np.zeros((n_a, m)) or a copy, not from a slice that is written later"
_APPEND = "append the cell's cache in every step, caches.append(cache), and return (caches, x)"
_UPDATE = "c_next = ft * c_prev + it * cct"

REMEDIES: Mapping[str, str] = {
    **dict.fromkeys(
        ("softmax_over_samples", "softmax_over_matrix", "softmax_sums_over_matrix", "one_maximum"),
        _EACH_COLUMN,
    ),
    **dict.fromkeys(("softmax_overflows", "maximum_of_all_steps", "softmax_without_exp"), _EACH_COLUMN),
    "softmax_epsilon": "divide by the sum alone: it is 1 or more once the maximum is subtracted",
    "softmax_sign": "take np.exp of z, not of -z",
    "softmax_twice": "call softmax once",
    "sigmoid_for_softmax": "call softmax for the prediction",
    "no_softmax": "call softmax for the prediction",
    "head_from_a_prev": "take a_next for the prediction, which is the state after this step",
    "head_from_c": "take a_next for the prediction",
    **dict.fromkeys(("relu_for_tanh", "sigmoid_for_tanh", "no_tanh"), "call np.tanh"),
    **dict.fromkeys(("tanh_overflows", "tanh_squared_overflows"), "call np.tanh, which does not overflow"),
    **dict.fromkeys(
        ("candidate_sigmoid", "candidate_relu", "candidate_linear"), "cct = np.tanh(Wc @ concat + bc)"
    ),
    **dict.fromkeys(("tanh_for_sigmoid", "no_sigmoid"), "call sigmoid for the three gates"),
    "sigmoid_sign": "sigmoid(z) = 1 / (1 + np.exp(-z))",
    "sigmoid_overflows": "sigmoid(z) = 1 / (1 + np.exp(-z))",
    **dict.fromkeys(
        (
            "tanh_on_c_left_out",
            "sigmoid_on_c",
            "relu_on_c",
            "output_gate_left_out",
            "output_gate_inside_tanh",
        ),
        "a_next = ot * np.tanh(c_next)",
    ),
    "a_from_c_prev": "a_next = ot * np.tanh(c_next)",
    **dict.fromkeys(
        ("terms_exchanged", "update_gate_missing", "forget_gate_missing", "forget_gate_on_both"), _UPDATE
    ),
    **dict.fromkeys(
        ("c_prev_left_out", "terms_subtracted", "terms_multiplied", "c_from_a_prev", "gates_as_matrices"),
        _UPDATE,
    ),
    "x_above_a": "put a_prev first: np.concatenate([a_prev, xt])",
    "head_weights_of_lstm": 'read parameters["Wya"]',
    "head_weights_of_rnn": 'read parameters["Wy"]',
    "head_bias_missing": "add by to Wya @ a_next, or to Wy @ a_next",
    "a0_ignored": "a_next = a0 before the loop over time",
    **dict.fromkeys(
        ("every_step_from_a0", "every_step_from_zero"), "hand a_next of a step on to the next one"
    ),
    **dict.fromkeys(
        ("first_step_reads_last_slot", "reads_unwritten_slot", "reads_unwritten_slots"),
        "hand on a_next and c_next themselves, not slots of a and c that are not written yet",
    ),
    "reads_unwritten_c": "hand on c_next itself, not a slot of c that is not written yet",
    "c0_is_a0": "c_next = np.zeros((n_a, m)) before the loop over time",
    "c_reset_every_step": "set c_next to zero before the loop over time, not in it",
    "c_is_a": "hand c_next on to the next step, beside a_next",
    "one_array_for_a_and_c": "make an array for each of a and c",
    **dict.fromkeys(("c_view_cached", "last_c_view_cached", "second_c_view_cached", "a_view_cached"), _COPY),
    **dict.fromkeys(("caches_empty", "caches_none", "last_cache_alone", "caches_in_themselves"), _APPEND),
    "caches_without_x": "return (caches, x) for the caches",
    "x_cached_for_xt": "hand x[:, :, t] to the cell",
    "parameters_not_cached": "put the parameters last in the cache",
    "loop_over_features": "loop over T_x = x.shape[2]",
    "loop_over_samples": "loop over T_x = x.shape[2]",
    "x_indexed_by_sample": "read x[:, :, t], time is the last axis",
    **dict.fromkeys(
        ("inputs_cast_to_float32", "x_cast_to_float32", "inputs_in_float32", "x_in_float32"),
        "leave out the cast: the inputs come in the dtype in which to compute",
    ),
    "computed_in_float32": (
        "compute in x.dtype; if float32 alone is meant, declare it: "
        'SUPPORTS = {"dtypes": ["float32"]} beside the functions'
    ),
    "biases_missing": "add ba to the pre-activation of an RNN, and bf, bi, bc and bo to those of an LSTM",
    **{f"{gate}_bias_missing": f"add b{g} to the pre-activation" for g, gate in GATES.items()},
    "stored_in_float32": "make the arrays for results in x.dtype",
    "stored_in_int64": "make the arrays for results in x.dtype",
}
"""By the name of a mistake, what to do instead; where there is no line, its sentence says it."""
