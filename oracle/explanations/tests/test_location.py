"""Tests that a location explains the counterexample, and that several answers confirm its conditions."""

from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np
import pytest

import reference
from oracle.explanations.behaviour import Behaviour, Program, mistaken_program
from oracle.explanations.problems import problem
from oracle.faults import FAULTS
from oracle.faults.fault import Fault
from oracle.location import step_location
from oracle.location.facts import Condition, Feature, Replacement, When
from oracle.location.locate import locate
from oracle.problems.inputs import Inputs
from oracle.problems.problem import Problem


def program_of(function: str, call: Callable[..., Any]) -> Program:
    """A program that answers as `call` does."""

    def program(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        given = inputs.arguments(function)
        return Behaviour.of(function, call(*given), given)

    return program


def with_two_buffers(x: Any, a0: Any, parameters: Any) -> Any:
    """The states are right, but the caches hold two buffers, which later steps overwrite."""
    a, y, (caches, _) = reference.rnn_forward(x, a0, parameters)
    now, before = a0.copy(), np.empty_like(a0)
    kept = []
    for t, (_, _, xt, p) in enumerate(caches):
        now, before = before, now
        now[...] = a[:, :, t]
        kept.append((now, before, xt, p))
    return a, y, (kept, x)


def with_memory_from_a0(x: Any, a0: Any, parameters: Any) -> Any:
    """The memory states before the first step are 0 times a0, which is NaN where a0 is infinite."""
    with np.errstate(invalid="ignore"):
        nothing = 0 * a0
    if np.isfinite(nothing).all():
        return reference.lstm_forward(x, a0, parameters)
    steps = [np.full((len(a0), *x.shape[1:]), np.nan) for _ in "ac"]
    _, y, _, caches = reference.lstm_forward(x, a0, parameters)
    return steps[0], y, steps[1], caches


def test_the_equation_is_wrong_on_the_counterexample() -> None:
    """On longer problems the cached a_next is wrong, too."""
    shown = Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=2, regime="ternary", seed=0)
    location = locate("rnn_forward", program_of("rnn_forward", with_two_buffers), shown, lambda: None)
    assert location
    assert location.where.equation == "cached a_prev"


def test_conditions_that_one_answer_meets_are_left_out() -> None:
    shown = Problem.lstm(n_x=1, n_a=1, n_y=1, m=1, T_x=1, regime="nonfinite", seed=0)
    location = locate("lstm_forward", program_of("lstm_forward", with_memory_from_a0), shown, lambda: None)
    assert location
    assert location.when is None


def with_the_top_parameters_in_the_middle(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
    """In a network of three layers, the middle layer uses the parameters of the top layer."""
    bottom, *others = parameters
    return reference.rnn_layer(x, a0, [bottom, *others[-1:] * len(others)], options)


def test_a_layer_is_not_blamed_for_a_layer_below_it() -> None:
    """In smaller networks all layers are right, so no layer of them shows the mistake."""
    shown = Problem.rnn_layer(n_x=1, n_a=1, m=1, T_x=1, layers=3, directions=1, regime="unit", seed=0)
    program = program_of("rnn_layer", with_the_top_parameters_in_the_middle)
    location = locate("rnn_layer", program, shown, lambda: None)
    assert location
    assert location.where.equation == "returned a"


@pytest.mark.parametrize("directions", [1, 2])
def test_a_layer_is_not_blamed_for_what_it_is_given(directions: int) -> None:
    """Layers above the first read the states below times one number, or two, which no replacement gives."""

    def between(v: Any) -> Any:
        return v.padded * np.where(np.arange(len(v.padded)) % 2, 0.6, 0.9)[:, None, None]

    fault = Fault("scaled", "layers", "layers read scaled states", {"lstm_layer": {"between": between}})
    shown = Problem.lstm_layer(n_x=2, n_a=3, m=2, T_x=3, layers=2, directions=directions, regime="unit")
    location = locate("lstm_layer", mistaken_program("lstm_layer", fault), shown, lambda: None)
    assert location
    assert location.where.stage == "network"


def test_random_answers_of_layers_are_not_located() -> None:
    rng = np.random.default_rng(0)

    def with_dropout(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        return reference.rnn_layer(x * (rng.random(x.shape) < 0.9), a0, parameters, options)

    shown = Problem.rnn_layer(n_x=2, n_a=3, m=2, T_x=5, layers=2, directions=1, regime="unit", seed=0)
    assert locate("rnn_layer", program_of("rnn_layer", with_dropout), shown, lambda: None) is None


def test_weights_of_an_earlier_call_are_not_located_as_a_wrong_equation() -> None:
    known: list[Any] = []

    def with_old_weights(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        known.append(parameters)
        fits = [[array.shape for array in p.values()] for p in (known[0][0], parameters[0])]
        return reference.rnn_layer(x, a0, known[0] if fits[0] == fits[1] else parameters, options)

    shown = Problem.rnn_layer(n_x=1, n_a=1, m=1, T_x=1, layers=1, directions=1, regime="unit", seed=0)
    program = program_of("rnn_layer", with_old_weights)
    location = locate("rnn_layer", program, shown, known.clear)
    assert location
    assert location.where.stage == "calls"


def test_a_location_is_checked_also_if_each_round_finds_another_equation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    targets = cycle(["yt_pred", "a_next"])
    monkeypatch.setattr(step_location, "first_wrong_equation", lambda observations: next(targets))
    program = mistaken_program("rnn_cell_forward", FAULTS["biases_missing"] + FAULTS["no_softmax"])
    shown = Problem.rnn(n_x=2, n_a=3, n_y=2, m=2, T_x=1)
    location = locate("rnn_cell_forward", program, shown, lambda: None)
    assert location
    assert location.how is None


@pytest.mark.parametrize(
    ("function", "equation", "z", "end"),
    [
        ("lstm_cell_forward", "cct", "zc", 4),
        ("rnn_cell_forward", "a_next", "z", 8),
        ("lstm_layer", "cct", "zc", 4),  # the gates of layers are not shown
    ],
)
def test_the_end_of_a_table_is_not_taken_for_rounding_to_a_dtype(
    function: str, equation: str, z: str, end: int
) -> None:
    """Where |z| is large, tanh(z) rounded to bfloat16 or float32 is 1 or -1, too."""

    def ends(v: Any) -> Any:
        argument = getattr(v, z)
        return np.where(np.abs(argument) > end, np.sign(argument), np.tanh(argument))

    fault = Fault("table_end", "update", "the table of tanh ends", {function: {equation: ends}})
    shown = problem(function, n_x=2, n_a=3, n_y=1, m=3, T_x=1, regime="wild", seed=4)
    location = locate(function, mistaken_program(function, fault), shown, lambda: None)
    assert location
    name = z if function == "lstm_layer" else "z"
    assert location.when == When((Condition(Feature("magnitude", name), ">", end),))
    assert location.how == Replacement(equation, function="integer")
