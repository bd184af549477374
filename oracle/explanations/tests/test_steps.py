"""Tests of the steps of an answer: their right values, their bounds, and what is wrong in them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import reference
from oracle.explanations.behaviour import Behaviour, mistaken_program, specification
from oracle.explanations.changes import MAPS, Replacement
from oracle.explanations.location_search import locate
from oracle.explanations.observer import OtherStatesError, Setting, observe, observe_layer
from oracle.explanations.steps import RESULTS, Steps
from oracle.faults.fault import Fault
from oracle.problems.inputs import Inputs
from oracle.problems.limits import ANYTHING, Limits
from oracle.problems.problem import Problem
from reference.contract import FUNCTIONS

SIZES = {"n_x": 3, "n_a": 4, "n_y": 2, "m": 5, "T_x": 6}


def seen(function: str) -> Steps:
    """The steps of an answer of the reference."""
    kind = "rnn" if function.startswith("rnn") else "lstm"
    inputs = getattr(Problem, kind)(**SIZES).inputs(function)
    found = observe(function, inputs, specification(function), ANYTHING)
    assert found
    return found


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_result_of_the_reference_is_right(function: str) -> None:
    steps = seen(function)
    assert len(steps.shown) == (2 if function.startswith("rnn") else 7)
    assert {*steps.shown} <= {*RESULTS}
    assert steps.first_wrong == ""


@pytest.mark.parametrize(
    "name", ["", "forward of two", "backward", "above", "forward of two above", "backward above", "relu"]
)
@pytest.mark.parametrize("function", ["rnn_layer", "lstm_layer"])
def test_every_result_of_a_layer_is_right(function: str, name: str) -> None:
    if name == "relu" and function == "lstm_layer":
        return
    layers, directions = 1 + ("above" in name), 1 + (name not in ("", "above", "relu"))
    setting = Setting(name, layers=layers, directions=directions)
    given = setting.inputs(function, n_x=3, n_a=4, m=5, T_x=6, seed=1)
    found = observe_layer(given, specification(function), backward="backward" in name)
    assert found
    assert found.shown
    assert found.first_wrong == ""


@pytest.mark.parametrize("name", ["projected", "projected to n_a"])
def test_every_result_of_a_layer_with_a_projection_is_right(name: str) -> None:
    given = Setting(name).inputs("lstm_layer", n_x=3, n_a=4, m=5, T_x=6, seed=1)
    found = observe_layer(given, specification("lstm_layer"))
    assert found
    assert {*found.shown} == {"c_next", "a_out"}
    assert found.first_wrong == ""


@pytest.mark.parametrize("name", ["ft", "c_next", "a_next", "yt_pred"])
def test_a_change_beyond_the_bound_is_wrong_and_blames_no_later_result(name: str) -> None:
    steps = seen("lstm_forward")
    assert (steps.allowed[name] > 0).all()
    for factor, first in ((0.5, ""), (10, name)):
        changed = steps.shown[name] + factor * 4 * steps.allowed[name]
        moved = replace(steps, shown={**steps.shown, name: changed})
        assert moved.first_wrong == first
        assert moved.wrong(name).all() == bool(first)


@pytest.mark.parametrize("scale", [1.0, 1.01])
def test_without_memory_states_only_the_first_step_is_checked(scale: float) -> None:
    """The adapters of frameworks return only the last memory state."""
    limits = Limits(caches=False, head=False)

    def program(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        x, a0, p = inputs.arguments("lstm_forward")
        a, _, c, _ = reference.lstm_forward(x, a0, {**p, "bo": scale * p["bo"]})
        return Behaviour.of("lstm_forward", (a, None, c[:, :, -1:]), [], limits)

    problem = Problem.lstm(**SIZES)
    inputs = problem.inputs("lstm_forward")
    steps = observe("lstm_forward", inputs, program, limits)
    assert steps
    nothing = observe("lstm_forward", inputs.span(0, 0), program, limits)
    assert nothing
    assert nothing.first_wrong == ""
    assert steps.first_wrong == ("" if scale == 1 else "a_next")
    found = locate("lstm_forward", program, problem, limits)
    assert found is None if scale == 1 else found and [*found.targets] == ["a_next"]


def test_a_cached_gate_that_is_only_a_copy_is_not_blamed() -> None:
    def program(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        a, c, y, cache = reference.lstm_cell_forward(*inputs.arguments("lstm_cell_forward"))
        wrong = (*cache[:4], 2 * np.asarray(cache[4]), *cache[5:])
        return Behaviour.of("lstm_cell_forward", (a, c, y, wrong), [])

    inputs = Problem.lstm(**SIZES).inputs("lstm_cell_forward")
    steps = observe("lstm_cell_forward", inputs, program, ANYTHING)
    assert steps
    assert "ft" not in steps.shown
    assert steps.first_wrong == ""


def test_gates_that_are_nan_are_blamed_and_not_the_states_that_follow() -> None:
    def program(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        a, _, y, cache = reference.lstm_cell_forward(*inputs.arguments("lstm_cell_forward"))
        nan = np.full_like(a, np.nan)
        caches = (nan, nan, *cache[2:4], nan, nan, nan, nan, *cache[8:])
        return Behaviour.of("lstm_cell_forward", (nan, nan, np.full_like(y, np.nan), caches), [])

    inputs = Problem.lstm(**SIZES).inputs("lstm_cell_forward")
    steps = observe("lstm_cell_forward", inputs, program, ANYTHING)
    assert steps
    assert steps.first_wrong == "ft"


@pytest.mark.parametrize("value", [None, (np.zeros((4, 5)), np.zeros(3), None), "nothing"])
def test_an_answer_of_another_form_has_no_steps(value: Any) -> None:
    def program(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        return Behaviour.of("rnn_cell_forward", value, [])

    inputs = Problem.rnn(**SIZES).inputs("rnn_cell_forward")
    assert observe("rnn_cell_forward", inputs, program, ANYTHING) is None


def test_a_replacement_changes_a_result() -> None:
    place = seen("rnn_cell_forward").place_of("a_next")
    without = Replacement("Waa a_prev", function="zero").result(place, "a_next")
    assert without is not None
    right = np.tanh(place.look("Wax") @ place.look("xt") + place.look("ba"))
    assert np.allclose(without, right, rtol=1e-14)


@pytest.mark.parametrize("node", ["no such quantity", "Wp"])
def test_a_replacement_of_an_unknown_quantity_does_not_apply(node: str) -> None:
    assert Replacement(node, function="zero").result(seen("rnn_forward").place_of("a_next"), "a_next") is None


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("node", ["Waa", "ba", "xt", "a_prev"])
def test_a_replacement_keeps_the_size_or_does_not_apply(name: str, node: str) -> None:
    steps = seen("rnn_forward")
    for by in MAPS[name][1]:
        found = Replacement(node, map=name, by=by).result(steps.place_of("a_next"), "a_next")
        assert found is None or found.shape == steps.shown["a_next"].shape


@pytest.mark.parametrize(("by", "first"), [(1, 0.0), (2, 0.0)])
def test_an_earlier_step_is_0_before_the_first(by: int, first: float) -> None:
    place = seen("rnn_forward").place_of("a_next")
    values = place.look("xt").reshape(3, 5, 6)
    earlier = MAPS["step back"][0](place, "xt", by).reshape(3, 5, 6)
    assert (earlier[:, :, :by] == first).all()
    assert (earlier[:, :, by:] == values[:, :, :-by]).all()
    held = MAPS["step back, at least the first"][0](place, "xt", by).reshape(3, 5, 6)
    assert (held[:, :, :by] == values[:, :, :1]).all()


def test_a_shorter_sequence_with_other_states_shows_no_memory_states() -> None:
    """The memory states of a shorter sequence would be those of another computation."""

    def from_last_block(v: Any) -> Any:
        return v.it * v.cct if v.t >= max(v.T_x - v.T_x % 4, 4) else v.right["c_next"](v)

    fault = Fault("", "", "", {"lstm_layer": {"c_next": from_last_block}})
    program = mistaken_program("lstm_layer", fault)
    shorter, longer = (Setting().inputs("lstm_layer", n_x=2, n_a=3, m=2, T_x=T_x) for T_x in (5, 8))
    assert observe_layer(shorter, program)
    with pytest.raises(OtherStatesError):
        observe_layer(longer, program)
    shown = Problem.lstm_layer(n_x=1, n_a=2, m=1, T_x=5, regime="unit")
    assert locate("lstm_layer", program, shown) is None


def test_a_place_has_the_values_of_any_numbers() -> None:
    """Infinity times 0 is NaN, without a warning, wherever a quantity is asked for."""
    inputs = Problem.lstm(**SIZES).inputs("lstm_forward")
    inputs = replace(inputs, x=np.full_like(inputs.x, np.inf))
    steps = observe("lstm_forward", inputs, specification("lstm_forward"), ANYTHING)
    assert steps
    place = steps.place
    assert np.isnan(place.look("c_next")).any()
    assert np.isnan(place.changed("zf", {"Wf": 0 * place.look("Wf")})).any()
    assert place.along("unit", "c_next")[1] == SIZES["n_a"]
