"""The mistakes that people make, with a module for each theme."""

from itertools import combinations

from oracle.faults.catalogue import arrays, backward, cell, layers, lengths, states
from oracle.faults.entry import GATES
from oracle.faults.fault import Fault

_GROUPS = (
    *("weights", "activations", "update", "state", "head", "precision", "shapes", "batch"),
    *("caches", "purity", "layers", "directions", "lengths", "projection", "backward"),
)
_MISTAKES: list[Fault] = [
    fault for module in (cell, states, arrays, layers, lengths, backward) for fault in module.MISTAKES
]
# Mistakes in biases keep their places among those in weights.
_MISTAKES.sort(key=lambda fault: _GROUPS.index(fault.group.replace("biases", "weights")))
FAULTS = {fault.name: fault for fault in _MISTAKES}
"""The catalogue by name. If mistakes fit equally well, the diagnosis names them in this order."""

RARE = {fault.name: fault for fault in lengths.RARE}
"""Mistakes that show on no ordinary problem. Only locations name these mistakes."""

COMMON = frozenset(
    {f"{GATES[g]}_and_{GATES[h]}_gates_exchanged" for g, h in combinations(GATES, 2)}
    | {f"{gate}_bias_missing" for gate in (*GATES.values(), "head")}
    | {"x_above_a", "a_weights_transposed", "biases_missing", "biases_doubled", "head_from_a_prev"}
    | {"relu_for_tanh", "sigmoid_for_tanh", "candidate_sigmoid", "candidate_relu", "tanh_on_c_left_out"}
    | {"a0_ignored", "every_step_from_a0", "c0_is_a0", "c_reset_every_step", "c_is_a", "time_reversed"}
    | {"softmax_over_samples", "one_maximum", "softmax_sign", "sigmoid_for_softmax", "no_softmax"}
    | {"forget_bias_plus_one", "update_gate_missing", "forget_gate_on_both", "output_gate_left_out"}
    | {"c_view_cached", "caches_empty", "last_cache_alone"}
)
"""The names of the most common mistakes, which the diagnosis also tries in pairs."""

COMMON_IN_LAYERS = frozenset(
    {"directions_exchanged_in_a", "last_states_exchanged", "last_states_direction_major"}
    | {"initial_states_exchanged", "initial_states_direction_major", "states_above_ignored"}
    | {"backward_ends_at_the_last_step", "backward_states_ignored", "forward_alone_between"}
    | {"lengths_ignored_backward", "padding_not_zeroed", "carried_on", "last_states_of_the_top_alone"}
    | {"biases_missing_above", "backward_biases_missing", "a0_ignored", "c0_ignored"}
)
"""The names of the most common mistakes in whole layers, which the diagnosis also tries in pairs."""
