"""Tests of mistakes in layers: the equations without changes, and problems on which a mistake is right."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from oracle.faults import FAULTS, Fault, mistakes_in
from oracle.faults.catalogue.lengths import MISTAKES
from oracle.problems.problem import LayerProblem, Problem
from oracle.tests.answers import alike, behaviour, call, leaves, with_everything
from oracle.witnesses.bounds import bounds_on
from reference.contract import CONTRACTS, LAYERS

RIGHT = Fault("right", "none", "nothing is changed", {function: {} for function in LAYERS})

WITHOUT: Mapping[str, Mapping[str, Any]] = {
    "layers": {"layers": 1},
    "directions": {"directions": 1},
    "lengths": {"lengths": "absent"},
    "projection": {"n_p": 0},
}
"""For each group of mistakes, fields of a problem on which these mistakes do not show."""


@st.composite
def layer_problems(draw: st.DrawFn) -> LayerProblem:
    function, T_x = draw(st.sampled_from(LAYERS)), draw(st.integers(0, 5))
    kinds = ["absent", "equal", "random", "with 1", "with T_x"] if T_x else ["absent"]
    own: dict[str, st.SearchStrategy[Any]] = {"n_p": st.integers(0, 3)}
    if function == "rnn_layer":
        own = {"activation": st.sampled_from(["tanh", "relu"])}
    fields: dict[str, st.SearchStrategy[Any]] = {
        "n_x": st.integers(0, 3),
        "n_a": st.integers(1, 4),
        "m": st.integers(0, 4),
        "layers": st.integers(1, 3),
        "directions": st.integers(1, 2),
        "lengths": st.sampled_from(kinds),
        "regime": st.sampled_from(["ternary", "unit", "wild"]),
        "seed": st.integers(0, 2**32 - 1),
        "dtype": st.sampled_from(["float32", "float64"]),
        **own,
    }
    return LayerProblem(function, T_x=T_x, **draw(st.fixed_dictionaries(fields)))  # type: ignore[arg-type]


@settings(max_examples=100)
@given(layer_problems())
def test_unchanged_equations_are_the_specification(problem: LayerProblem) -> None:
    arguments = problem.arguments(problem.kind)
    ours = getattr(RIGHT, problem.kind)(*arguments)
    theirs = getattr(reference, problem.kind)(*problem.arguments(problem.kind))
    assert alike([*leaves(arguments)], [*leaves(problem.arguments(problem.kind))])
    bounded = bounds_on(problem.inputs(problem.kind))
    for name, mine, spec in zip(CONTRACTS[problem.kind].outputs, ours, theirs, strict=True):
        assert (mine.shape, mine.dtype) == (spec.shape, spec.dtype)
        bound = bounded[name].error.reshape(spec.shape)
        assert (np.abs(mine.astype(float) - spec) <= 2 * bound).all(), name


def test_invalid_calls_raise_the_errors_of_the_specification() -> None:
    x, a0, c0, parameters, options = with_everything("lstm_layer").arguments("lstm_layer")
    for wrong in ({**options, "directions": 3}, {**options, "lengths": [9, 9, 9]}):
        with pytest.raises(ValueError, match="options") as theirs:
            reference.lstm_layer(x, a0, c0, parameters, wrong)
        with pytest.raises(ValueError, match="options") as ours:
            RIGHT.lstm_layer(x, a0, c0, parameters, wrong)
        assert str(ours.value) == str(theirs.value)


def test_absent_states_are_zeros_and_options_may_be_absent() -> None:
    problem = Problem.lstm_layer(n_x=2, n_a=3, m=4, T_x=3)
    x, a0, c0, parameters, _ = problem.arguments("lstm_layer")
    ours, theirs = (
        RIGHT.lstm_layer(x, None, None, parameters),
        reference.lstm_layer(x, 0 * a0, 0 * c0, parameters),
    )
    assert alike([*leaves(ours)], [*leaves(theirs)])


def test_at_least_forty_five_mistakes_of_layers_alone() -> None:
    alone = [fault for fault in FAULTS.values() if {*fault.functions} <= {*LAYERS}]
    assert len(alone) >= 45
    assert all(sum(fault.group == group for fault in alone) > 10 for group in WITHOUT)


@pytest.mark.parametrize("group", WITHOUT)
def test_a_mistake_leaves_problems_without_its_condition_right(group: str) -> None:
    for function in LAYERS if group != "projection" else ["lstm_layer"]:
        problem = replace(with_everything(function), **WITHOUT[group])
        right = behaviour(reference, function, problem)
        for fault in mistakes_in(function):
            if fault.group == group:
                assert alike(behaviour(fault, function, problem), right), (fault.name, function)


@pytest.mark.parametrize("function", LAYERS)
def test_mistakes_in_lengths_leave_full_sequences_right(function: str) -> None:
    inputs = replace(with_everything(function), lengths="absent").inputs(function)
    inputs = replace(inputs, lengths=np.full(3, 2))
    right = [*leaves(getattr(reference, function)(*inputs.arguments(function)))]
    for fault in MISTAKES:
        answer = [*leaves(getattr(fault, function)(*deepcopy(inputs.arguments(function))))]
        assert alike(answer, right) == (fault.name != "lengths_one_short"), fault.name


def test_tanh_for_relu_leaves_tanh_right_and_hard_tanh_leaves_relu_right() -> None:
    for activation, name in (("tanh", "tanh_for_relu"), ("relu", "hard_tanh")):
        problem = Problem.of("rnn_layer", n_x=2, n_a=3, m=2, T_x=3, activation=activation)
        right = behaviour(reference, "rnn_layer", problem)
        assert alike(behaviour(FAULTS[name], "rnn_layer", problem), right)


@pytest.mark.parametrize("name", ["projection_left_out", "projection_transposed", "projection_not_recurrent"])
def test_a_missing_projection_fits_only_square_projections(name: str) -> None:
    for n_p, raised in ((2, True), (3, False)):
        problem = replace(with_everything("lstm_layer"), n_p=n_p)
        assert (call(FAULTS[name], "lstm_layer", problem.arguments("lstm_layer")) == "raised") == raised


def test_the_answers_of_some_mistakes_are_as_their_sentences_say() -> None:
    """For a few mistakes, the reference gives the answer that the sentence describes."""
    problem = with_everything("lstm_layer")
    inputs = problem.inputs("lstm_layer")
    a, a_last, c_last = reference.lstm_layer(*inputs.arguments("lstm_layer"))
    n_h = a_last.shape[1]

    def answered(name: str) -> Any:
        return FAULTS[name].lstm_layer(*inputs.arguments("lstm_layer"))

    np.testing.assert_allclose(answered("directions_exchanged_in_a")[0], np.vstack([a[n_h:], a[:n_h]]))
    np.testing.assert_allclose(answered("directions_summed")[0], a[:n_h] + a[n_h:])
    np.testing.assert_allclose(answered("last_states_exchanged")[1], a_last[[1, 0, 3, 2]])
    np.testing.assert_allclose(answered("last_states_direction_major")[2], c_last[[0, 2, 1, 3]])
    np.testing.assert_allclose(answered("last_states_of_the_top_alone")[1], a_last[2:])
    exchanged = replace(inputs, a0=inputs.a0[[0, 2, 1, 3]], c0=inputs.c0[[0, 2, 1, 3]])
    theirs = reference.lstm_layer(*exchanged.arguments("lstm_layer"))
    assert alike([*leaves(answered("initial_states_direction_major"))], [*leaves(theirs)])
    theirs = reference.lstm_layer(*replace(inputs, lengths=None).arguments("lstm_layer"))
    assert alike([*leaves(answered("lengths_ignored"))], [*leaves(theirs)])
    order = np.argsort(-inputs.ends, kind="stable")
    assert order.tolist() != [0, 1, 2]
    np.testing.assert_allclose(answered("all_left_sorted")[0], a[:, order])
