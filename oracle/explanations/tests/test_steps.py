"""Tests of equations, observations, conditions, replacements, and mistakes outside the steps."""

from dataclasses import replace
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import reference
from oracle.explanations.behaviour import Behaviour, mistaken_program, program_of, specification
from oracle.faults import FAULTS
from oracle.location.equations import bounded_value, equations, evaluate
from oracle.location.facts import Feature, Replacement, Where
from oracle.location.layer_observations import Setting, observe_layer
from oracle.location.locate import explains, locate
from oracle.location.networks import network_answer, network_mistakes
from oracle.location.observations import Observation, observe_function
from oracle.location.observer import Budget, BudgetSpentError
from oracle.location.replacements import INDEX_MAPS, result_with
from oracle.location.when import FeatureTable, cheapest_conditions
from oracle.problems.inputs import Inputs
from oracle.problems.limits import ANYTHING, Limits
from oracle.problems.problem import Problem
from oracle.witnesses.rounding import Arithmetic
from reference.activations import softmax
from reference.contract import FUNCTIONS, Array

SIZES = {"n_x": 3, "n_a": 4, "n_y": 2, "m": 5, "T_x": 6}


def seen(function: str) -> Observation:
    """The observation of an answer of the reference."""
    kind = "rnn" if function.startswith("rnn") else "lstm"
    inputs = getattr(Problem, kind)(**SIZES).inputs(function)
    found = observe_function(function, inputs, specification(function)(inputs), ANYTHING)
    assert found
    return found


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_equation_holds_of_the_reference(function: str) -> None:
    assert seen(function).checks
    assert seen(function).wrong == []


@pytest.mark.parametrize("projected", ["", "fewer", "as many"])
@pytest.mark.parametrize(
    "setting", [Setting(), Setting(directions=2, backward=True, ended=True), Setting(layers=2)]
)
def test_every_equation_holds_of_a_layer(setting: Setting, projected: str) -> None:
    for function in ("rnn_layer", "lstm_layer"):
        chosen = replace(setting, projected=projected if function == "lstm_layer" else "")
        given = chosen.inputs(function, n_x=3, n_a=4, m=5, T_x=6, seed=1)
        found = observe_layer(chosen, given, specification(function))
        assert found
        assert found.checks
        assert found.wrong == []


def test_a_value_is_within_the_bound_of_its_equation() -> None:
    found = seen("lstm_forward")
    for name in ("ft", "c_next", "a_next", "yt_pred"):
        value = evaluate(equations("lstm", True), found.known, name, {})
        b = bounded_value(found.nodes, found.known, name, Arithmetic("float64"))
        assert (np.abs(value - b.value) <= b.error).all()
        assert (b.error > 0).all()


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
    seen = observe_function("lstm_forward", inputs, program(inputs), limits)
    assert seen
    assert seen.sizes["T_x"] == SIZES["T_x"]
    without_steps = inputs.span(0, 0)
    nothing = observe_function("lstm_forward", without_steps, program(without_steps), limits)
    assert nothing
    assert nothing.wrong == []
    assert seen.wrong == [] if scale == 1 else seen.wrong == ["a_next"]
    found = locate("lstm_forward", program, problem, lambda: None, limits)
    assert found is None if scale == 1 else found and found.where.equation == "a_next"


def test_a_replacement_changes_the_result_of_an_equation() -> None:
    found = seen("rnn_cell_forward")
    p = found.known
    without = result_with(Replacement("Waa a_prev", function="zero"), found, "a_next")
    assert without is not None
    right = np.tanh(np.einsum("ij,jkl->ikl", p["Wax"], p["xt"]) + p["ba"])
    assert np.allclose(without, right, rtol=1e-14)


@pytest.mark.parametrize("name", INDEX_MAPS)
def test_a_map_keeps_the_shape_or_does_not_apply(name: str) -> None:
    arrays: list[Array] = [
        np.arange(24.0).reshape(2, 3, 4),
        np.arange(8.0).reshape(2, 2, 2),
        np.ones((3, 1, 1)),
    ]
    mapped = [(array, INDEX_MAPS[name][0](array, by)) for array in arrays for by in INDEX_MAPS[name][1]]
    assert any(found is not None for _, found in mapped)
    assert all(found is None or found.size == array.size for array, found in mapped)


def table(values: Array, wrong: Array, kind: str = "size") -> FeatureTable:
    """A table of elements with one feature."""
    return FeatureTable([Feature(kind, "m")], np.array([values], float), np.array(wrong, bool), ())


def test_a_condition_separates_wrong_from_right() -> None:
    found = cheapest_conditions(table(np.arange(20.0), np.arange(20) >= 12), True)
    assert found
    assert [(each.relation, each.value) for each in found.conditions] == [("≥", 12)]


def test_no_condition_is_found_if_none_separates_wrong_from_right() -> None:
    values = np.tile(np.arange(10.0), 4)
    assert cheapest_conditions(table(values, np.arange(40) % 4 == 0), True) is None


def test_without_right_elements_there_is_no_condition() -> None:
    found = cheapest_conditions(table(np.arange(20.0), np.ones(20)), True)
    assert found
    assert found.conditions == ()


def test_a_threshold_lies_between_right_and_wrong_values() -> None:
    values = np.concatenate([np.linspace(1, 2.99, 50), np.linspace(3.01, 5, 50)])
    found = cheapest_conditions(table(values, values > 3, "magnitude"), True)
    assert found
    assert [(each.relation, each.value) for each in found.conditions] == [(">", 3)]


@pytest.mark.parametrize("function", ["rnn_layer", "lstm_layer"])
def test_most_mistakes_outside_the_steps_change_the_answer(function: str) -> None:
    problem = getattr(Problem, function)(
        n_x=3, n_a=3, m=4, T_x=5, layers=2, directions=2, lengths="random", seed=3
    )
    seen = network_answer(function, specification(function), problem.inputs(function))
    assert seen
    assert not seen.is_wrong
    every = network_mistakes(function)
    assert len(every) > 80
    assert sum(map(seen.is_changed_by, every)) > 0.75 * len(every)


def test_a_mistake_outside_the_steps_is_located_as_an_entry_of_the_catalogue() -> None:
    """Takes half a second: the answers to some sixty networks are compared with the catalogue."""
    problem = Problem.rnn_layer(n_x=3, n_a=3, m=4, T_x=5, lengths="random", seed=3)
    program = mistaken_program("rnn_layer", FAULTS["held_state_in_padding"])
    found = locate("rnn_layer", program, problem, lambda: None)
    assert found
    assert found.how == Replacement("padded", mistake="held_state_in_padding")
    assert found.when
    assert (found.when.conditions, found.when.has_unchanged) == ((), True)


def test_no_equation_of_a_step_is_blamed_if_only_lengths_go_wrong() -> None:
    """Takes half a second, too."""

    def program(inputs: Any, then: Any = None) -> Behaviour:
        shown = specification("lstm_layer")(inputs)
        ends_early = 0 if inputs.lengths is None else inputs.x.shape[2] - inputs.lengths
        later = {**shown.outputs, ".2": np.asarray(shown.outputs[".2"], float) + 0.3 * ends_early}
        return replace(shown, outputs=later)

    problem = Problem.lstm_layer(n_x=3, n_a=3, m=4, T_x=5, lengths="random", seed=3)
    found = locate("lstm_layer", program, problem, lambda: None)
    assert found
    assert found.where == Where("returned c_last", setting=("ended",), stage="network")
    assert explains(found, "lstm_layer", program, problem, ANYTHING)


def test_the_budget_limits_the_calls() -> None:
    inputs = Problem.rnn(**SIZES).inputs("rnn_forward")
    budget = Budget(specification("rnn_forward"), 2)
    budget(inputs)
    budget(inputs)
    with pytest.raises(BudgetSpentError):
        budget(inputs)


def test_an_answer_that_is_right_in_a_second_call_is_not_located() -> None:
    """As if only the first calls were disturbed: the mistake does not depend on the arguments."""
    calls = count()

    def program(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        a, y, cache = reference.rnn_cell_forward(*inputs.arguments("rnn_cell_forward"))
        a = a + (next(calls) < 5)
        return Behaviour.of("rnn_cell_forward", (a, y, (a, *cache[1:])), [])

    problem = Problem.rnn(**{**SIZES, "T_x": 1})
    assert locate("rnn_cell_forward", program, problem, lambda: None) is None


def test_a_number_in_place_of_nan_is_not_located() -> None:
    def program(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        a, _, cache = reference.rnn_cell_forward(*inputs.arguments("rnn_cell_forward"))
        a, p = np.nan_to_num(a), inputs.parameters
        y = softmax(p["Wya"] @ a + p["by"])
        return Behaviour.of("rnn_cell_forward", (a, y, (a, *cache[1:])), [])

    for seed in range(4):
        problem = Problem.rnn(**{**SIZES, "T_x": 1}, regime="nonfinite", seed=seed)
        assert locate("rnn_cell_forward", program, problem, lambda: None) is None


def test_a_condition_that_excludes_few_right_elements_is_left_out() -> None:
    """All wrong elements have m = 6, and only three right elements have another m."""
    values, wrong = np.full(200, 6.0), np.ones(200)
    values[:3], wrong[:3] = 5, 0
    assert cheapest_conditions(table(values, wrong), True) is None


@pytest.mark.parametrize("function", ["lstm_forward", "lstm_layer"])
def test_a_mistake_is_located_from_a_problem_without_steps(function: str) -> None:
    """Takes a second: a search makes many calls."""
    sizes = {name: size for name, size in SIZES.items() if name != "n_y" or function == "lstm_forward"}
    make = Problem.lstm if function == "lstm_forward" else Problem.lstm_layer
    problem = make(**{**sizes, "T_x": 0})
    program = mistaken_program(function, FAULTS["gates_coupled"])
    found = locate(function, program, problem, lambda: None)
    assert found
    assert found.where.equation == "it"  # it is 1 - ft


def test_a_block_is_told_from_blocks_of_its_divisors() -> None:
    def rnn_cell_forward(xt: Array, a_prev: Array, parameters: Any) -> Any:
        whole = len(a_prev) - len(a_prev) % 16 if len(a_prev) > 16 else len(a_prev)
        kept = a_prev * (np.arange(len(a_prev)) < whole)[:, None]
        return reference.rnn_cell_forward(xt, kept, parameters)

    program = program_of(SimpleNamespace(rnn_cell_forward=rnn_cell_forward), "rnn_cell_forward", ANYTHING)
    problem = Problem.rnn(n_x=1, n_a=17, n_y=1, m=1, T_x=1, regime="unit")
    location = locate("rnn_cell_forward", program, problem, lambda: None, Limits(caches=False))
    assert location
    assert location.how
    assert location.how.by == 16
