"""Tests the laws on absent initial states, of one state or of both."""

from collections.abc import Callable

import pytest

from properties.implementations.implementation import Implementation
from properties.laws import all_laws
from properties.tests.one_law import new_turn, violation_facts

Implement = Callable[..., Implementation]

TARGET = """
from reference import lstm_layer as right
def lstm_layer(x, a0, c0, parameters, options):
    if (a0 is None) != (c0 is None):
        {what}
    return right(x, a0, c0, parameters, options)
"""


@pytest.mark.parametrize(
    ("what", "holds"),
    [
        ("pass", True),
        ("raise ValueError('states go as a pair')", True),
        ("a0 = None", False),
        ("c0 = None", False),
        ("a0 = c0 if a0 is None else a0", False),
        ("c0 = a0 if c0 is None else c0", False),
    ],
)
def test_a_state_that_alone_is_absent_is_zeros_or_refused(
    implement: Implement, what: str, holds: bool
) -> None:
    target = implement(TARGET.format(what=what))
    assert (not violation_facts(new_turn("one absent state", "lstm_layer", target))) == holds


GOES_ON = """
from reference import lstm_layer as right
last = {}
def lstm_layer(x, a0, c0, parameters, options):
    shapes = x.shape, len(parameters), options["directions"], parameters[0]["Wf"].shape, *parameters[0]
    if a0 is None:
        a0, c0 = last.get(shapes, (None, None))
    a, *last[shapes] = right(x, a0, c0, parameters, options)
    return a, *last[shapes]
"""
REFUSES = """
from reference import lstm_layer as right
def lstm_layer(x, a0, c0, parameters, options):
    if a0 is None and "lengths" not in options and x.shape[1] > 1 and x.shape[2] > 1:
        raise ValueError("no")
    return right(x, a0, c0, parameters, options)
"""


REQUIRES = """
from reference import lstm_layer as right
def lstm_layer(x, a0, c0, parameters, options):
    return right(x, a0 + 0, c0 + 0, parameters, options)
"""


def test_a_layer_may_require_initial_states(implement: Implement) -> None:
    turn = new_turn("absent states", "lstm_layer", implement(REQUIRES))
    assert not violation_facts(turn)
    assert {*turn.tally.notes} == {"requires initial states"}


@pytest.mark.parametrize("profile", ["quick", "dev"])
@pytest.mark.parametrize("source", [GOES_ON, REFUSES])
def test_absent_states_are_asked_of_batches_and_after_other_calls(
    implement: Implement, source: str, profile: str
) -> None:
    facts = violation_facts(new_turn("absent states", "lstm_layer", implement(source), profile))
    assert source != REFUSES or facts["absent"].startswith("a0 and c0, given as None for zeros")
    assert facts
    (law,) = [law for law in all_laws() if law.name == "absent states"]
    assert law.grade == "spec"
