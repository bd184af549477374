"""A note that a target refuses an argument occurs only if the target answers the same call without it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from oracle.problems.problem import Problem
from properties.implementations.implementation import Implementation
from properties.laws.test_robustness import ARRANGEMENTS
from properties.tests.one_law import new_turn, violation_facts

TARGET = """
from reference import lstm_layer as right, rnn_cell_forward as cell
def rnn_cell_forward(x, a0, parameters):
    if {condition}:
        raise ValueError("no")
    return cell(x, a0, parameters)
def lstm_layer(x, a0, c0, parameters, options):
    if {condition}:
        raise ValueError("no")
    return right(x, a0, c0, parameters, options)
"""

PROBLEMS = {
    "one absent state": Problem.lstm_layer(n_x=1, n_a=2, m=2, T_x=2, layers=2, seed=0),  # c0 is absent
    "memory layouts": Problem.lstm_layer(
        n_x=1, n_a=2, m=2, T_x=2, directions=2, seed=ARRANGEMENTS.index("reversed")
    ),
    "whole numbers": Problem.rnn(n_x=1, n_a=2, n_y=2, m=2, T_x=1),
}


@pytest.mark.parametrize(
    ("law", "condition", "notice"),
    [
        ("one absent state", "(a0 is None) != (c0 is None)", "refuses c0 that is absent alone"),
        ("one absent state", "len(parameters) > 1", ""),
        ("memory layouts", "x.strides[-1] < 0", "refuses arrays of negative strides"),
        ("memory layouts", "options['directions'] == 2", ""),
        ("whole numbers", "x.dtype.kind == 'i'", "refuses an input of integers"),
        ("whole numbers", "len(a0) == 2", ""),
    ],
)
def test_a_notice_is_about_what_it_blames(
    implement: Callable[..., Implementation], law: str, condition: str, notice: str
) -> None:
    target = implement(TARGET.format(condition=condition))
    function = "rnn_cell_forward" if law == "whole numbers" else "lstm_layer"
    turn = new_turn(law, function, target, problem=PROBLEMS[law])
    facts = violation_facts(turn)
    assert any(note.startswith("refuses") for note in turn.tally.notes) == bool(notice)
    assert (notice in turn.tally.notes) == bool(notice)
    assert ("raised" in facts) == (not notice)


def test_an_error_that_is_not_raised_again_is_no_refusal(
    implement: Callable[..., Implementation],
) -> None:
    target = implement("""
from reference import rnn_cell_forward as right
def rnn_cell_forward(xt, a_prev, parameters, calls=[]):
    calls += ["of integers"] * (xt.dtype.kind == "i")
    if len(calls) == 1:
        raise ValueError("not yet")
    return right(xt, a_prev, parameters)
""")
    problem = Problem.rnn(n_x=2, n_a=3, n_y=2, m=1, T_x=1, regime="ternary")
    turn = new_turn("whole numbers", "rnn_cell_forward", target, problem=problem)
    assert "not yet" in str(violation_facts(turn)["raised"])
    assert not turn.tally.notes


@pytest.mark.parametrize(
    ("dtype", "notes"), [("xt.dtype", ["truncates results to integers if x is of integers"]), ("float", [])]
)
def test_an_output_in_the_dtype_of_an_input_of_integers_is_noticed(
    implement: Callable[..., Implementation], dtype: str, notes: list[str]
) -> None:
    target = implement(f"""
from reference import rnn_cell_forward as right
def rnn_cell_forward(xt, a_prev, parameters):
    a, y, cache = right(xt, a_prev, parameters)
    return a.astype({dtype}), y, cache
""")
    problem = replace(PROBLEMS["whole numbers"], regime="ternary")
    turn = new_turn("whole numbers", "rnn_cell_forward", target, problem=problem)
    assert not violation_facts(turn)
    assert [*turn.tally.notes] == notes


def test_an_input_that_was_halved_since_it_has_many_features_is_not_made_whole(
    implement: Callable[..., Implementation],
) -> None:
    """Half of a feature is 0 in a dtype of integers, so the answer to that is another one."""
    target = implement("from reference import lstm_cell_forward")
    problem = Problem.lstm(n_x=256, n_a=9, n_y=1, m=5, T_x=1, regime="ternary")
    assert not violation_facts(new_turn("whole numbers", "lstm_cell_forward", target, problem=problem))
