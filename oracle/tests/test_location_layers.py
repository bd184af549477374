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

OF_ALL_KINDS = (
    *("l/05", "k/07", "n/20"),
    *("ab/19", "ad/17", "ad/22", "ah/21", "aj/26"),
    *("al/25", "al/28", "al/29"),
)
LOCATED = [name for name in STRANGERS if name.startswith(OF_ALL_KINDS)]
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
    assert {each.activation for each in settings(problem(), ANYTHING)} == {"tanh"}
    assert {each.activation for each in settings(problem(activation="relu"), ANYTHING)} == {"tanh", "relu"}
    assert not any(each.projected for each in settings(Problem.lstm_layer(**SIZES), ANYTHING))
    some = Problem.lstm_layer(**SIZES, n_p=2)
    assert any(each.projected for each in settings(some, ANYTHING))
    assert not any(each.projected for each in settings(some, Limits(projection="fewer")))


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


def test_relu_that_is_limited_is_told_of_relu_alone() -> None:
    def limited(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        """Of one layer in one direction, step by step."""
        if options["activation"] == "tanh" or len(parameters) > 1 or "lengths" in options:
            return reference.rnn_layer(x, a0, parameters, options)
        a, state = np.zeros((*a0.shape[1:], x.shape[2]), x.dtype), a0
        for t in range(x.shape[2]):
            _, state = reference.rnn_layer(x[:, :, t : t + 1], state, parameters, options)
            state = np.minimum(state, 6)
            a[:, :, t] = state[0]
        return a, state

    found = found_for("rnn_layer", limited, activation="relu")
    assert found
    assert found.setting == Setting(activation="relu")
    assert str(found).startswith("wrong where: with relu, of one direction alone: a_next ≠ max(0, Waa a_prev")
    assert found.when.startswith("z > 6")
    assert found.how == "always 6"
    assert found_for("rnn_layer", limited) is None


def test_a_projection_that_is_left_out_is_told() -> None:
    def unprojected(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        if "Wp" in parameters[0] and len(parameters[0]["Wp"]) == parameters[0]["Wp"].shape[1]:
            parameters = [{name: p[name] for name in p if name != "Wp"} for p in parameters]
        return reference.lstm_layer(x, a0, c0, parameters, options)

    found = found_for("lstm_layer", unprojected, n_p=4)
    assert found
    assert found.setting == Setting(projected=True)
    assert found.where == "a_next ≠ Wp (ot * tanh(c_next))"
    assert (found.when, found.how) == ("always", "the value of ot * tanh(c_next)")


def test_the_initial_state_of_the_other_direction_is_told() -> None:
    def forwards(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        D = options["directions"]
        a0 = np.repeat(a0[::D], D, axis=0) if x.shape[1] > 2 else a0
        return reference.rnn_layer(x, a0, parameters, options)

    found = found_for("rnn_layer", forwards, directions=2)
    assert found
    assert found.setting == Setting(direction="backward")
    assert found.when == "only step 0 and m > 2 (right at 2, wrong at 3)"
    assert found.how == "as if z were made with a0 of the other direction for a_prev"


def test_the_input_of_the_layer_below_is_told() -> None:
    def of_the_first(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        if len(parameters) < 3 or options["directions"] == 2:
            return reference.rnn_layer(x, a0, parameters, options)
        first, a_first = reference.rnn_layer(x, a0[:1], parameters[:1], options)
        a, a_above = reference.rnn_layer(first, a0[2:], parameters[2:], options)
        _, a_second = reference.rnn_layer(first, a0[1:2], parameters[1:2], options)
        return a, np.concatenate([a_first, a_second, a_above])

    found = found_for("rnn_layer", of_the_first, layers=3)
    assert found
    assert found.setting == Setting(above=2)
    assert found.how == "as if z were made with the input of the layer below for xt"


@pytest.mark.parametrize("only_first", [False, True])
@pytest.mark.parametrize("backward", [False, True])
def test_what_is_returned_beyond_an_end_is_told(only_first: bool, backward: bool) -> None:
    def padded(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        a, a_last = reference.rnn_layer(x, a0, parameters, options)
        if "lengths" not in options or options["directions"] != 1 + backward:
            return a, a_last
        rows = slice(len(a) // 2, None) if backward else slice(None)
        for j, n in enumerate(options["lengths"]):
            a[rows, j, n : n + 1 if only_first else None] = a[rows, j, n - 1 : n]
        return a, a_last

    found = found_for("rnn_layer", padded, layers=2, directions=1 + backward, lengths="random")
    assert found
    assert found.where == "with two directions: " * backward + "a beyond the end of a sequence ≠ 0"
    parts = ["in the backward direction"] * backward + ["only the first step beyond it"] * only_first
    assert found.when == (", ".join(parts) or "always")
    assert found.how == "the state of the last step of the sequence"
    assert found_for("rnn_layer", padded, layers=2) is None


def test_the_argument_of_relu_is_told_where_it_is_positive() -> None:
    def unbiased(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        if options["activation"] == "relu":
            parameters = [{**p, "ba": 0 * p["ba"]} for p in parameters]
        return reference.rnn_layer(x, a0, parameters, options)

    found = found_for("rnn_layer", unbiased, activation="relu", regime="huge")
    assert found
    assert found.setting == Setting(activation="relu")
    assert (found.when, found.how) == ("always", "as if z were made with ba replaced by 0")
