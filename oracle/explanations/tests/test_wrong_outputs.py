"""Tests of what is said of wrong outputs on ordinary problems."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import reference
from oracle.explanations.claims import Claim
from oracle.explanations.wrong_outputs import (
    MORE_SEEDS,
    belongs_to,
    deciding_values,
    ordinary_outputs,
    ordinary_problems,
)
from oracle.problems.limits import ANYTHING
from oracle.problems.problem import LayerProblem, Problem
from oracle.tests.answers import program, small, with_everything


def with_lengths(x: Any, *rest: Any) -> bool:
    return "lengths" in rest[-1] and (rest[-1]["lengths"] < x.shape[2]).any()


def in_layers_or_directions(x: Any, *rest: Any) -> bool:
    return len(rest[-2]) > 1


def with_samples(x: Any, *rest: Any) -> bool:
    return bool(x.shape[1] > 1)


def with_relu(x: Any, *rest: Any) -> bool:
    return bool(rest[-1].get("activation") == "relu")


def with_biases(x: Any, *rest: Any) -> bool:
    return any(array.any() for p in rest[-2] for name, array in p.items() if name[0] == "b")


def with_states(x: Any, *rest: Any) -> bool:
    return bool(rest[0].any())


def over_steps(x: Any, *rest: Any) -> bool:
    return bool(x.shape[2] > 1)


def on_large_numbers(x: Any, *rest: Any) -> bool:
    return bool(abs(x).max() > 100)


def always(x: Any, *rest: Any) -> bool:
    return True


@pytest.mark.parametrize("function", ["rnn_layer", "lstm_layer"])
@pytest.mark.parametrize(
    ("is_wrong", "right"),
    [
        (with_lengths, ["lengths", "steps"]),
        (in_layers_or_directions, ["layers and directions"]),
        (with_samples, ["samples"]),
        (over_steps, ["steps"]),
        (with_states, ["states"]),
        (always, []),
    ],
)
def test_the_cases_in_which_a_layer_is_right_are_found(
    function: str, is_wrong: Callable[..., bool], right: list[str]
) -> None:
    claim = ordinary(function, is_wrong)
    assert claim.facts["right"] == right
    assert [name for name, _ in claim.facts["outputs"]] == ["a"]


@pytest.mark.parametrize(("function", "right"), [("rnn_layer", ["ba"]), ("lstm_layer", ["biases"])])
def test_one_bias_is_named_if_it_alone_must_be_0(function: str, right: list[str]) -> None:
    """A layer of an RNN has one bias; that of an LSTM has four, which must all be 0."""
    assert ordinary(function, with_biases).facts["right"] == right


def test_the_activation_of_the_counterexample_is_that_of_the_problems() -> None:
    problem = replace(with_everything("rnn_layer"), activation="relu")
    assert ordinary("rnn_layer", with_relu, problem).facts["right"] == ["relu"]


@pytest.mark.parametrize(("case", "fields"), [("steps", {"T_x": 1}), ("states", {"initial": "zero"})])
def test_a_problem_belongs_to_a_case_if_it_has_what_the_case_has(case: str, fields: dict[str, Any]) -> None:
    problem = with_everything("lstm_layer")
    assert not belongs_to(case, "lstm_layer", problem)
    assert belongs_to(case, "lstm_layer", replace(problem, **fields))


def test_a_program_that_is_right_on_ordinary_problems_has_no_wrong_outputs() -> None:
    assert ordinary("lstm_layer", on_large_numbers).facts["outputs"] == []


@pytest.mark.parametrize(
    ("sizes", "is_wrong"),
    [
        ({"m": 1}, lambda x: x.shape[1] == 1),
        ({"T_x": 0}, lambda x: x.shape[2] == 0),
        ({}, on_large_numbers),
        ({}, lambda x: x.shape == (1, 1, 1)),
    ],
)
def test_a_size_with_which_ordinary_problems_are_wrong_is_found(
    sizes: dict[str, int], is_wrong: Callable[[Any], bool]
) -> None:
    def rnn_layer(x: Any, *rest: Any) -> Any:
        a, a_last = reference.rnn_layer(x, *rest)
        return a, a_last + is_wrong(x)

    ask = program("rnn_layer", SimpleNamespace(rnn_layer=rnn_layer))
    problem = Problem.rnn_layer(**{"n_x": 1, "n_a": 1, "m": 1, "T_x": 1, **sizes})
    assert deciding_values("rnn_layer", ask, problem, ANYTHING) == sizes


@pytest.mark.parametrize(("seed", "values"), [(0, {}), (1, {"c_prev": 0})])
def test_a_state_of_zeros_with_which_ordinary_problems_are_wrong_is_found(
    seed: int, values: dict[str, int]
) -> None:
    def lstm_cell_forward(xt: Any, a_prev: Any, c_prev: Any, parameters: Any) -> Any:
        answer = reference.lstm_cell_forward(xt, a_prev, c_prev, parameters)
        return answer if c_prev.any() else (answer[0] + 1, *answer[1:])

    ask = program("lstm_cell_forward", SimpleNamespace(lstm_cell_forward=lstm_cell_forward))
    problem = Problem.lstm(n_x=4, n_a=5, n_y=4, m=4, T_x=1, regime="wild", seed=seed)
    assert deciding_values("lstm_cell_forward", ask, problem, ANYTHING) == values


def test_ordinary_problems_are_as_large_as_the_counterexample() -> None:
    problem = replace(with_everything("rnn_layer"), m=9)
    claim = ordinary("rnn_layer", lambda x, *rest: x.shape[1] > 8, problem)
    assert claim.words == "wrong on some ordinary problems: a"
    assert claim.facts["right"] == []


def test_some_ordinary_problems_have_the_directions_of_the_counterexample() -> None:
    one_direction = replace(with_everything("rnn_layer"), directions=1)
    claim = ordinary("rnn_layer", lambda x, *rest: rest[-1].get("directions", 1) == 1, one_direction)
    assert claim.words == "wrong on some ordinary problems: a"


def test_outputs_that_are_wrong_on_some_of_the_problems_are_told_apart() -> None:
    def rnn_layer(x: Any, *rest: Any) -> Any:
        a, a_last = reference.rnn_layer(x, *rest)
        return a + 1, a_last + (x.shape[1] > 5)

    ask = program("rnn_layer", SimpleNamespace(rnn_layer=rnn_layer))
    claim = ordinary_outputs(
        "rnn_layer", ask, with_everything("rnn_layer").inputs("rnn_layer"), ANYTHING, None
    )
    assert claim
    assert claim.words == "wrong on ordinary problems: a; on some of these also: a_last"


def test_gradients_of_weights_that_are_wrong_in_one_block_are_told() -> None:
    def lstm_backward(da: Any, caches: Any) -> Any:
        gradients = reference.lstm_backward(da, caches)
        gradients["dWf"][:, : len(da)] *= 2
        gradients["dWo"][:, len(da) :] *= 2
        gradients["dWc"] *= 2
        return gradients

    function = "lstm_backward"
    ask = program(function, SimpleNamespace(lstm_backward=lstm_backward))
    claim = ordinary_outputs(function, ask, small(function), ANYTHING, None)
    assert claim
    outputs = {"dWf": "in the columns for a_prev", "dWo": "in the columns for xt", "dWc": ""}
    assert dict(claim.facts["outputs"]) == outputs
    assert claim.facts["right"] == []


@pytest.mark.parametrize(
    ("function", "number", "right"),
    [
        ("rnn_layer_backward", 0, ["da"]),
        ("rnn_layer_backward", 1, ["da_last"]),
        ("lstm_layer_backward", 2, ["dc_last"]),
        ("lstm_cell_backward", 1, ["dc_next"]),
        ("rnn_backward", 0, []),  # without its only incoming gradient, all gradients are 0
    ],
)
def test_a_gradient_that_must_be_0_is_told(function: str, number: int, right: list[str]) -> None:
    def backward(*arguments: Any) -> Any:
        value = getattr(reference, function)(*arguments)
        if isinstance(value, dict):
            name, *_ = value
            return {**value, name: value[name] + arguments[number].any()}
        return value[0] + arguments[number].any(), *value[1:]

    ask = program(function, SimpleNamespace(**{function: backward}))
    inputs = with_everything(function).inputs(function) if "layer" in function else small(function)
    claim = ordinary_outputs(function, ask, inputs, ANYTHING, None)
    assert claim
    assert claim.facts["right"] == right


def test_no_case_is_told_in_which_the_wrong_gradient_does_not_exist() -> None:
    function = "lstm_layer_backward"

    def backward(*arguments: Any) -> Any:
        *rest, gradients = getattr(reference, function)(*arguments)
        doubled = [
            {name: array * (2 if name == "dWp" else 1) for name, array in p.items()} for p in gradients
        ]
        return (*rest, doubled)

    ask = program(function, SimpleNamespace(**{function: backward}))
    projected = Problem.lstm_layer(n_x=2, n_a=3, n_p=2, m=2, T_x=3, layers=2, directions=2)
    claim = ordinary_outputs(function, ask, projected.inputs(function), ANYTHING, None)
    assert claim
    assert claim.facts == {"outputs": [("dWp", "")], "right": []}


def ordinary(function: str, is_wrong: Callable[..., bool], problem: LayerProblem | None = None) -> Claim:
    """The claim about a layer that adds 1 to the hidden states if `is_wrong`."""

    def layer(*arguments: Any) -> Any:
        a, *last = getattr(reference, function)(*arguments)
        return (a + is_wrong(*arguments), *last)

    ask = program(function, SimpleNamespace(**{function: layer}))
    inputs = (problem or with_everything(function)).inputs(function)
    claim = ordinary_outputs(function, ask, inputs, ANYTHING, None)
    assert claim
    return claim


def test_a_program_that_is_wrong_on_few_ordinary_problems_is_not_said_to_be_right() -> None:
    problem = with_everything("rnn_layer")
    few, more = (
        max(np.abs(each.inputs("rnn_layer").x).max() for each in ordinary_problems("rnn_layer", *given))
        for given in ((problem.inputs("rnn_layer"), None), (problem.inputs("rnn_layer"), None, MORE_SEEDS))
    )
    assert few < more
    claim = ordinary("rnn_layer", lambda x, *rest: bool(np.abs(x).max() > few))
    assert claim.words == "wrong on some ordinary problems: a"
