"""Tests of two mistakes at once: both are made, in order, and both are named."""

from itertools import combinations

import pytest

import reference
from oracle.faults import COMMON, FAULTS, mistakes_in
from oracle.faults.equations import TRANSFORMS
from oracle.tests.answers import alike, behaviour, behaviours, leaves, showing
from oracle.tests.selection import chosen
from reference.contract import FUNCTIONS

SWALLOWED = {
    *((f"{gate}_bias_missing", "biases_missing") for gate in ("update", "forget", "candidate", "output")),
    ("forget_bias_plus_one", "biases_missing"),
    ("head_bias_missing", "softmax_over_samples"),  # by is the same for all samples
    ("relu_for_tanh", "candidate_relu"),
    ("relu_for_tanh", "tanh_on_c_left_out"),  # relu does not change a c that only grows from zero
    ("sigmoid_for_tanh", "candidate_sigmoid"),
    ("a0_ignored", "c0_is_a0"),
    ("c0_is_a0", "c_reset_every_step"),
    ("c0_is_a0", "c_is_a"),
    ("c_reset_every_step", "c_view_cached"),
    ("c_is_a", "c_view_cached"),
    ("c_view_cached", "caches_empty"),
    ("c_view_cached", "last_cache_alone"),
}
"""The pairs of common mistakes in lstm_forward of which one hides the other."""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_two_common_mistakes_at_once(function: str) -> None:
    """Takes seconds: a sixth of all pairs of common mistakes are made at once."""
    # With small logits, which other mistakes cause, one maximum for all samples gives right predictions.
    common = [fault for fault in mistakes_in(function) if fault.name in COMMON - {"one_maximum"}]
    problems = showing(function)[:2]
    swallowed = set()
    pairs = chosen(combinations(common, 2), lambda _: "all")
    for one, two in pairs:
        replaced = (one.changes[function].keys() & two.changes[function].keys()) - TRANSFORMS.keys()
        if replaced:
            with pytest.raises(ValueError, match=f"both replace the same equation: {min(replaced)}"):
                one + two
            continue
        both = [behaviour(one + two, function, problem) for problem in problems]
        for alone in (one.name, two.name):
            if all(map(alike, both, behaviours(function, alone))):
                swallowed.add((one.name, two.name))
    assert swallowed <= SWALLOWED
    expected = SWALLOWED & {(one.name, two.name) for one, two in pairs}
    assert swallowed == expected or function != "lstm_forward"


def test_a_pair_makes_the_first_mistake_first() -> None:
    exchanged, missing = FAULTS["update_and_forget_gates_exchanged"], FAULTS["update_bias_missing"]
    problem = showing("lstm_forward")[0]
    _, _, parameters = problem.arguments("lstm_forward")
    moved = {"Wi": parameters["Wf"], "Wf": parameters["Wi"], "bi": parameters["bf"], "bf": parameters["bi"]}
    for both, zero in ((exchanged + missing, "bi"), (missing + exchanged, "bf")):
        x, a0, _ = problem.arguments("lstm_forward")
        ours = both.lstm_forward(x, a0, parameters)[:3]
        theirs = reference.lstm_forward(x, a0, {**parameters, **moved, zero: 0 * parameters["bf"]})[:3]
        assert alike([*leaves(ours)], [*leaves(theirs)])


def test_a_pair_names_both_mistakes_and_has_both_functions() -> None:
    both = FAULTS["output_gate_left_out"] + FAULTS["a0_ignored"]
    assert both.sentence == "the output gate is left out, and a0 is ignored"
    assert both.functions == ("rnn_forward", "lstm_cell_forward", "lstm_forward", "rnn_layer", "lstm_layer")
    assert both.group == "activations and state"
    cell, alone = (
        behaviour(f, "lstm_cell_forward", showing("lstm_cell_forward")[0])
        for f in (both, FAULTS["output_gate_left_out"])
    )
    assert alike(cell, alone)
