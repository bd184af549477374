"""Mistakes of layers that have no name are located, truly; what is right is not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import reference
from oracle.limits import ANYTHING, Limits
from oracle.location.in_layers import locate_in_layers
from oracle.location.layers.setting import Setting, settings
from oracle.location.location import Location
from oracle.problem import LayerProblem, Problem
from oracle.tests.strangers import STRANGERS
from oracle.tests.strangers.located import Asked, is_as_said, located

LOCATED = [name for name in STRANGERS if name.startswith(("l/05", "l/06", "l/13", "k/07"))]
"""Some of every kind, for it takes some five seconds each; `benchmarks.strangers` locates all."""
MOST_CALLS = 6000
"""Of a layer that is located: those of a function, in several settings, with shorter sequences and gates."""

SIZES = {"n_x": 3, "n_a": 4, "m": 5, "T_x": 6}


@pytest.mark.parametrize("name", LOCATED)
def test_a_mistake_of_other_hands_is_located(name: str) -> None:
    said, calls = located(STRANGERS[name])
    assert is_as_said(said, STRANGERS[name]), f"{said!r} was {STRANGERS[name].said!r}"
    assert calls <= MOST_CALLS


def found_for(function: str, change: Callable[..., Any], **fields: Any) -> Location | None:
    """Where a layer is wrong that answers `change(*arguments)`."""
    made = type("Program", (), {function: staticmethod(change)})
    asked = Asked(function, lambda: made)
    problem: Any = getattr(Problem, function)(**{**SIZES, **fields})
    return locate_in_layers(function, asked, problem, asked.anew)


def flushed(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
    outputs = reference.lstm_layer(x, a0, c0, parameters, options)
    return tuple(np.where(np.abs(each) < np.finfo(each.dtype).tiny, 0, each) for each in outputs)


def test_what_is_right_is_not_located() -> None:
    assert found_for("lstm_layer", flushed, lengths="random") is None


def test_the_reference_is_not_located_in_any_setting() -> None:
    everything: Any = {"layers": 3, "directions": 2, "lengths": "random"}
    assert found_for("rnn_layer", reference.rnn_layer, **everything) is None


def backward_clipped(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
    a, a_last = reference.rnn_layer(x, a0, parameters, options)
    if options["directions"] == 1:
        return a, a_last
    n_a = a.shape[0] // 2
    a[n_a:] = np.clip(a[n_a:], -0.5, 0.5)
    return a, a_last


def test_a_direction_is_told_and_how_it_is_wrong() -> None:
    found = found_for("rnn_layer", backward_clipped, directions=2)
    assert found
    assert found.setting == Setting(direction="backward")
    assert str(found).startswith("wrong where: in a backward direction: the returned a ≠ a_next of each step")
    assert found.how == "clipped at ±0.5"


def test_what_the_counterexample_has_not_is_not_asked_for() -> None:
    assert found_for("rnn_layer", backward_clipped, directions=1) is None
    assert {each.ended for each in settings(problem(layers=2), ANYTHING)} == {""}
    assert not settings(problem(layers=2), Limits(initial_state=False))
    assert not settings(problem(activation="relu"), ANYTHING)
    assert not settings(Problem.lstm_layer(**SIZES, n_p=2), ANYTHING)


@pytest.mark.parametrize("backward", [False, True])
def test_of_two_mistakes_the_one_that_the_counterexample_shows_is_told(backward: bool) -> None:
    """One direction is wrong for many samples, and the backward one of two always."""

    def wrong(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        a, a_last = reference.rnn_layer(x, a0, parameters, options)
        if options["directions"] == 2:
            a[len(a) // 2 :] *= 0.9
        elif x.shape[1] > 8:
            a = np.clip(a, -0.5, 0.5)
        return a, a_last

    found = found_for("rnn_layer", wrong, directions=1 + backward, m=2 if backward else 9)
    assert found
    assert found.where == "the returned a ≠ a_next of each step"
    if backward:
        assert found.setting == Setting(direction="backward")
        assert (found.when, found.how) == ("always", "0.9 times the right value")
    else:
        assert found.setting == Setting()
        assert "m > 8" in found.when
        assert found.how == "clipped at ±0.5"


def test_a_size_of_the_network_is_told_of_a_layer_above_another() -> None:
    def wrong(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        a, a_last = reference.rnn_layer(x, a0, parameters, options)
        return (0.9 * a if len(parameters) == 2 and len(a) > 8 else a), a_last

    found = found_for("rnn_layer", wrong, layers=2, n_a=9)
    assert found
    assert found.setting == Setting(above=1)
    assert (found.when, found.how) == ("n_a > 8 (right at 8, wrong at 9)", "0.9 times the right value")


def test_rounded_states_are_not_said_to_be_0() -> None:
    def wrong(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        return [np.rint(each).astype(int) for each in reference.rnn_layer(x, a0, parameters, options)]

    found = found_for("rnn_layer", wrong)
    assert found
    assert "always 0" not in found.how


def problem(**fields: Any) -> LayerProblem:
    return Problem.rnn_layer(**SIZES, **fields)


def test_last_states_alone_are_told_from_those_of_steps() -> None:
    def halved(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        a, a_last, c_last = reference.lstm_layer(x, a0, c0, parameters, options)
        return a, a_last, 0.5 * c_last

    found = found_for("lstm_layer", halved)
    assert found
    assert found.setting == Setting(last=True)
    assert found.where.startswith("c_next")
    assert (found.when, found.how) == ("always", "0.5 times the right value")


@pytest.mark.parametrize("empty", ["n_x", "m", "T_x"])
def test_a_counterexample_without_numbers_breaks_nothing(empty: str) -> None:
    found = found_for("rnn_layer", backward_clipped, directions=2, **{empty: 0})
    assert found
    assert found.how == "clipped at ±0.5"


@pytest.mark.parametrize("form", ["nothing", "one array", "other shapes", "NaN"])
def test_an_answer_of_another_form_breaks_nothing(form: str) -> None:
    def broken(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        a, a_last, c_last = reference.lstm_layer(x, a0, c0, parameters, options)
        return {
            "nothing": None,
            "one array": a,
            "other shapes": (a[:, :1], a_last, c_last),
            "NaN": (np.nan * a, a_last, np.nan * c_last),
        }[form]

    found = found_for("lstm_layer", broken, layers=2)
    assert bool(found) == (form == "NaN")
