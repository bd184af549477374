"""Each law fails for a mistake of its theme, and would not if the law had lost its check."""

from collections.abc import Callable

import pytest

from oracle.faults import FAULTS
from properties.implementations.implementation import Implementation
from properties.laws import all_laws
from properties.tests.one_law import InProcess, catch
from properties.worker.own_modules import REFERENCE

BREAKS = {
    "trajectory": ("lstm_forward", "update_and_forget_gates_exchanged"),
    "each step": ("lstm_forward", "c_reset_every_step"),
    "exact value": ("lstm_forward", "forget_bias_missing"),
    "samples independent": ("lstm_forward", "softmax_over_samples"),
    "cache entries": ("lstm_forward", "cached_ft_and_it_exchanged"),
    "cached inputs": ("lstm_forward", "x_cached_for_xt"),
    "backward direction": ("lstm_layer", "backward_runs_forwards"),
    "composition": ("lstm_layer", "residual"),
    "each length alone": ("lstm_layer", "lengths_ignored"),
    "padding": ("lstm_layer", "carried_on"),
    "last states": ("lstm_layer", "last_states_one_early"),
    "identity projection": ("lstm_layer", "projection_through_tanh"),
    "absent states": ("lstm_layer", "states_left_behind"),
    "one absent state": ("lstm_layer", "a0_for_c0"),
    "inputs untouched": ("lstm_forward", "x_overwritten"),
    "same answer twice": ("lstm_forward", "a_left_behind"),
    "softmax columns": ("lstm_forward", "sigmoid_for_softmax"),
    "hidden state range": ("rnn_forward", "relu_for_tanh"),
    "gate ranges": ("lstm_forward", "tanh_for_sigmoid"),
    "memory growth": ("lstm_forward", "no_tanh"),
    "extreme magnitudes": ("lstm_forward", "softmax_overflows"),
    "lower precision": ("lstm_forward", "tanh_overflows"),
    "no features": ("lstm_forward", "bias_summed"),
    "no samples": ("lstm_forward", "softmax_over_matrix"),
    "no steps": ("lstm_forward", "softmax_over_time"),
    "subnormals": ("lstm_forward", "update_and_candidate_gates_exchanged"),
    "memory layouts": ("lstm_forward", "c_left_behind"),
    "changed argument": ("lstm_backward", "sums_kept"),
    "nonfinite": ("lstm_forward", "one_maximum"),
    "shapes": ("lstm_forward", "time_first"),
    "split": ("lstm_forward", "time_reversed"),
    "tail": ("lstm_backward", "time_not_reversed"),
}
"""For each law a function, and a mistake in it. Two laws on what no mistake accepts have tests below."""


def test_every_law_stands_here() -> None:
    assert {law.name for law in all_laws()} == {*BREAKS, "refuses bad shapes", "whole numbers"}


@pytest.mark.parametrize("name", BREAKS)
def test_a_mistake_breaks_the_law(name: str) -> None:
    (law,) = (law for law in all_laws() if law.name == name)
    function, fault = BREAKS[name]
    assert catch(law, InProcess(FAULTS[fault]), function, 0)


def test_a_function_that_takes_any_shape_breaks_the_law(implement: Callable[..., Implementation]) -> None:
    (law,) = (law for law in all_laws() if law.name == "refuses bad shapes")
    takes_any = implement("def rnn_cell_forward(xt, a_prev, parameters): return a_prev, a_prev, ()")
    takes_any.load()
    takes_any.target = REFERENCE  # for any other target, this is a note
    assert catch(law, takes_any, "rnn_cell_forward", 0)


def test_every_law_says_what_it_states() -> None:
    for law in all_laws():
        assert law.statement.endswith("."), law.name
        assert "\n" not in law.statement, law.name


@pytest.mark.parametrize(
    ("states", "is_caught"),
    [
        ("a.astype(xt.dtype).astype(a.dtype), y", True),
        ("a.astype(xt.dtype), y", False),  # this is noted
        ("a.astype(xt.dtype), y + (a.astype(xt.dtype) != a).any() / 8", False),  # y may be computed from a
        ("a.astype(np.result_type(xt, a_prev)), y", False),
    ],
)
def test_states_truncated_to_the_dtype_of_x_break_the_law_on_whole_numbers(
    implement: Callable[..., Implementation], states: str, is_caught: bool
) -> None:
    (law,) = (law for law in all_laws() if law.name == "whole numbers")
    target = implement(f"""
import numpy as np
from reference import rnn_cell_forward as right
def rnn_cell_forward(xt, a_prev, parameters):
    a, y, cache = right(xt, a_prev, parameters)
    return {states}, cache
""")
    assert bool(catch(law, target, "rnn_cell_forward", 0)) == is_caught
