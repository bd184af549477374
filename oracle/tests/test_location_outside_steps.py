"""Locations of mistakes outside the steps of layers: in absent initial states, and in the returned states."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import reference
from oracle.explanations.behaviour import program_of
from oracle.faults import FAULTS
from oracle.location.facts import Replacement, When, Where
from oracle.location.locate import locate
from oracle.location.networks import locate_absent_states
from oracle.problems.limits import ANYTHING, Limits
from oracle.problems.problem import Problem
from reference import lstm_layer


def a0_for_c0(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
    """An LSTM that takes a0 for an absent c0, if it has the right shape."""
    is_alike = a0 is not None and "Wp" not in parameters[0]
    return lstm_layer(x, a0, a0 if c0 is None and is_alike else c0, parameters, options)


@pytest.mark.parametrize(
    ("limits", "when"), [(ANYTHING, None), (Limits(projection=False), When(has_unchanged=False))]
)
def test_a_mistake_that_a_projection_prevents_is_not_always_wrong(limits: Limits, when: When | None) -> None:
    program = program_of(SimpleNamespace(lstm_layer=a0_for_c0), "lstm_layer", limits)
    problem = Problem.lstm_layer(n_x=1, n_a=1, m=1, T_x=1)
    location = locate_absent_states("lstm_layer", program, problem, limits)
    assert location
    assert location.where.equation == "c0"
    assert location.how == Replacement("c_first", mistake="a0_for_c0")
    assert location.when == when


def from_forward_end(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
    """An RNN whose backward directions start from the last forward states, if a0 is absent."""
    wrong = FAULTS["backward_from_forward_end"] if a0 is None else reference
    return wrong.rnn_layer(x, a0, parameters, options)


def test_absent_states_are_tried_in_several_layers() -> None:
    """In one layer, each direction might start from the last state before it, too."""
    program = program_of(SimpleNamespace(rnn_layer=from_forward_end), "rnn_layer", ANYTHING)
    problem = Problem.rnn_layer(n_x=1, n_a=1, m=1, T_x=1, directions=2)
    location = locate_absent_states("rnn_layer", program, problem, ANYTHING)
    assert location
    assert location.how
    assert location.how.mistake == "backward_from_forward_end"


def scrambled(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
    """An LSTM that mixes samples and steps in what it returns."""
    a, *last = lstm_layer(x, a0, c0, parameters, options)
    return a.reshape(len(a), a.shape[2], a.shape[1]).swapaxes(1, 2), *last


def test_if_the_last_states_are_right_no_equation_of_a_step_is_wrong() -> None:
    program = program_of(SimpleNamespace(lstm_layer=scrambled), "lstm_layer", ANYTHING)
    problem = Problem.lstm_layer(n_x=1, n_a=1, m=2, T_x=2)
    location = locate("lstm_layer", program, problem, lambda: None)
    assert location
    assert location.where == Where("returned a", stage="network")


def moved(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
    """An LSTM without initial states that moves the samples by one if there are lengths."""
    if "lengths" in options:
        x, options = np.roll(x, 1, axis=1), options | {"lengths": np.roll(options["lengths"], 1)}
    return lstm_layer(x, None, None, parameters, options)


def test_a_layer_without_initial_states_is_observed_without_them() -> None:
    limits = Limits(initial_state=False)
    program = program_of(SimpleNamespace(lstm_layer=moved), "lstm_layer", limits)
    problem = Problem.lstm_layer(n_x=1, n_a=1, m=2, T_x=2, lengths="random", initial="zero")
    location = locate("lstm_layer", program, problem, lambda: None, limits)
    assert location
    assert location.where == Where("returned a", setting=("ended",), stage="network")
