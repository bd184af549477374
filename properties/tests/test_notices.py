"""A notice that a target refuses something is given only where it answers the same call without that."""

from collections.abc import Callable

import pytest

from oracle.problem import Problem
from properties.implementations.implementation import Implementation
from properties.laws.test_robustness import ARRANGEMENTS
from properties.tests.one_law import asked, violated
from properties.trials.declared_limits import answers_rightly, beyond

TARGET = """
from reference import lstm_layer as right
def lstm_layer(x, a0, c0, parameters, options):
    if {condition}:
        raise ValueError("no")
    return right(x, a0, c0, parameters, options)
"""

PROBLEMS = {
    "one absent state": Problem.lstm_layer(n_x=1, n_a=2, m=2, T_x=2, layers=2, seed=0),  # which leaves out c0
    "memory layouts": Problem.lstm_layer(
        n_x=1, n_a=2, m=2, T_x=2, directions=2, seed=ARRANGEMENTS.index("reversed")
    ),
}


@pytest.mark.parametrize(
    ("law", "condition", "notice"),
    [
        ("one absent state", "(a0 is None) != (c0 is None)", "refuses c0 that is absent alone"),
        ("one absent state", "len(parameters) > 1", ""),
        ("memory layouts", "x.strides[-1] < 0", "refuses arrays of negative strides"),
        ("memory layouts", "options['directions'] == 2", ""),
    ],
)
def test_a_notice_is_about_what_it_blames(
    implement: Callable[..., Implementation], law: str, condition: str, notice: str
) -> None:
    target = implement(TARGET.format(condition=condition))
    turn = asked(law, "lstm_layer", target, problem=PROBLEMS[law])
    facts = violated(turn)
    assert any(note.startswith("refuses") for note in turn.tally.notes) == bool(notice)
    assert (notice in turn.tally.notes) == bool(notice)
    assert ("raised" in facts) == (not notice)


NARROW = """
import numpy
from reference import lstm_layer as right
SUPPORTS = {{"dtypes": ["float32"]}}
def lstm_layer(x, a0, c0, parameters, options):
    parameters = [{{name: array.astype({dtype}) for name, array in p.items()}} for p in parameters]
    answer = right(x.astype({dtype}), a0.astype({dtype}), c0.astype({dtype}), parameters, options)
    return [array.astype({returned}) for array in answer]
"""


@pytest.mark.parametrize(
    ("dtype", "returned", "done"),
    [
        ("x.dtype", "x.dtype", ["no float64", "no float16"]),
        ("numpy.float32", "numpy.float32", []),
        ("numpy.float32", "x.dtype", ["no float16"]),  # rounded at the end, which may be wanted
        ("numpy.float64", "numpy.float64", ["no float64"]),
    ],
)
def test_a_dtype_that_is_declared_away_is_answered_in_that_dtype_or_not_at_all(
    implement: Callable[..., Implementation], dtype: str, returned: str, done: list[str]
) -> None:
    target = implement(NARROW.format(dtype=dtype, returned=returned))
    every = beyond(target.limits, "lstm_layer")
    assert [limit for limit, problem in every if answers_rightly(target, "lstm_layer", problem)] == done
