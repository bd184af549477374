"""The bounds of layers: no correct program exceeds them, and a small mistake does."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.problems.drawing import Lengths
from oracle.problems.inputs import Inputs, LayerInputs
from oracle.problems.problem import LayerProblem, Problem
from oracle.tests.problems import layer_problems
from oracle.tests.programs import (
    PROGRAMS,
    Answer,
    answer_in_float64,
    assert_exactly_within,
    assert_within,
    forward_by_reference,
)
from oracle.witnesses import pytorch
from oracle.witnesses.bounds import bounds_on, bounds_on_each
from oracle.witnesses.rounding import Bounded

some = {"m": st.integers(1, 3), "T_x": st.integers(1, 4)}
one_layer = {"layers": st.just(1), "directions": st.just(1), "lengths": st.just("absent")}


def by_reference(problem: LayerProblem) -> Answer:
    """The outputs of the reference, without empty arrays."""
    answer = forward_by_reference(problem.kind, problem.inputs(problem.kind))
    return {name: array for name, array in answer.items() if array.size}


def with_head(inputs: LayerInputs) -> Inputs:
    """The inputs of the sequence function that equals one layer in one direction."""
    a0, c0, (p,) = inputs.a0[0], inputs.c0[0], inputs.parameters
    head = {"Wya" if inputs.kind == "rnn" else "Wy": np.ones((1, len(a0))), "by": np.ones((1, 1))}
    return Inputs(inputs.kind, inputs.x, a0, c0, {**p, **head}, inputs.dtype)


# No correct program is accused.


@pytest.mark.parametrize("name", PROGRAMS)
@given(problem=layer_problems(**some))
def test_every_correct_program_stays_within_the_bound(name: str, problem: LayerProblem) -> None:
    inputs = problem.inputs(problem.kind)
    answer = PROGRAMS[name](inputs)
    assert_within(answer, bounds_on(inputs))
    assert_exactly_within({name: array[:, :1] for name, array in answer.items()}, inputs.samples([0]))


@given(layer_problems())
def test_the_reference_stays_within_the_bound(problem: LayerProblem) -> None:
    inputs, answer = problem.inputs(problem.kind), by_reference(problem)
    assert_within(answer, bounds_on(inputs))
    assert_exactly_within(answer, inputs)


@given(layer_problems(**some))
def test_torch_and_the_evaluation_itself_stay_within_the_bound(problem: LayerProblem) -> None:
    inputs = problem.inputs(problem.kind).samples([0])
    assert_exactly_within(pytorch.run(inputs), inputs)
    assert_exactly_within({name: quantity.value for name, quantity in bounds_on(inputs).items()}, inputs)


@given(layer_problems(**some, dtype=st.sampled_from(["float16", "float32"])))
def test_a_wider_dtype_than_that_of_the_problem_stays_within_the_bound(problem: LayerProblem) -> None:
    inputs = problem.inputs(problem.kind)
    answer = answer_in_float64(inputs)
    assert_within(answer, bounds_on(inputs))


@given(layer_problems(**some), st.integers(0, 2**32 - 1))
def test_single_steps_from_any_states_stay_within_the_bound(problem: LayerProblem, seed: int) -> None:
    inputs, rng = problem.inputs(problem.kind), np.random.default_rng(seed)
    a, c = (
        rng.uniform(-1, 1, (*states.shape[:2], problem.m * problem.T_x)).astype(problem.dtype)
        for states in (inputs.a0, inputs.c0)
    )
    steps = inputs.single_steps(a, c)
    assert_within(PROGRAMS["all at once"](steps), bounds_on(steps))
    assert_within(pytorch.run(steps), bounds_on(steps))


@pytest.mark.parametrize("lengths", ["absent", "random"])
@pytest.mark.parametrize(("dtype", "T_x"), [("float16", 12), ("float64", 400)])
def test_the_bound_is_infinite_after_a_possible_overflow(dtype: Any, T_x: int, lengths: Any) -> None:
    unknown = 0
    for seed in range(6):
        problem = Problem.rnn_layer(
            n_x=2, n_a=6, m=2, T_x=T_x, layers=2, activation="relu", lengths=lengths, regime="wild",
            seed=seed, dtype=dtype,
        )  # fmt: skip
        inputs = problem.inputs("rnn_layer")
        bounded = bounds_on(inputs)
        for answer in (by_reference(problem), pytorch.run(inputs), PROGRAMS["largest terms first"](inputs)):
            assert_within(answer, bounded)
        assert all(np.isfinite(quantity.value).all() for quantity in bounded.values())
        unknown += np.isinf(bounded["a"].error).sum()
    assert unknown


# What the bounds are.


@given(layer_problems())
def test_each_quantity_has_the_shape_of_torch_s_answer(problem: LayerProblem) -> None:
    inputs = problem.inputs(problem.kind)
    n_h, places = problem.n_p or problem.n_a, problem.layers * problem.directions
    shapes = {"a": (problem.directions * n_h, problem.m, problem.T_x), "a_last": (places * n_h, problem.m, 1)}
    if problem.kind == "lstm_layer":
        shapes["c_last"] = (places * problem.n_a, problem.m, 1)
    for answer in ({n: b.value for n, b in bounds_on(inputs).items()}, pytorch.run(inputs)):
        assert {name: array.shape for name, array in answer.items()} == shapes


@given(layer_problems(**one_layer, n_p=st.just(0), kind=st.just("lstm_layer")))
def test_one_layer_of_an_lstm_has_the_bounds_of_its_forward_bit_for_bit(problem: LayerProblem) -> None:
    assert_bounds_of_the_forward(problem.inputs("lstm_layer"))


@given(layer_problems(**one_layer, kind=st.just("rnn_layer"), activation=st.just("tanh")))
def test_one_layer_of_an_rnn_has_the_bounds_of_its_forward_bit_for_bit(problem: LayerProblem) -> None:
    assert_bounds_of_the_forward(problem.inputs("rnn_layer"))


def assert_bounds_of_the_forward(inputs: LayerInputs) -> None:
    ours, theirs = bounds_on(inputs), bounds_on(with_head(inputs))
    assert_same(ours["a"], theirs["a"])
    for name, initial in (("a", inputs.a0[0]), ("c", inputs.c0[0])):
        if f"{name}_last" in ours:
            last = theirs[name][:, :, -1:] if inputs.x.shape[2] else Bounded.exact(initial[:, :, None])
            assert_same(ours[f"{name}_last"], last)


def assert_same(ours: Bounded, theirs: Bounded) -> None:
    np.testing.assert_array_equal(ours.value, theirs.value)
    np.testing.assert_array_equal(ours.error, theirs.error)


@given(
    layer_problems(m=st.integers(1, 4), T_x=st.integers(1, 5), regime=st.sampled_from(["unit", "ternary"]))
)
def test_a_sample_has_the_bounds_that_it_has_alone_over_its_own_steps(problem: LayerProblem) -> None:
    inputs = problem.inputs(problem.kind)
    together = bounds_on(inputs)
    for j, end in enumerate(inputs.ends):
        alone = bounds_on(replace(inputs.samples([j]), x=inputs.x[:, [j], :end], lengths=None))
        for name, bounded in together.items():
            ours, theirs = bounded[:, [j], :end], alone[name]
            assert (np.abs(ours.value - theirs.value) <= theirs.error).all(), name
            np.testing.assert_allclose(ours.error, theirs.error, rtol=1e-6, err_msg=name)
        assert not together["a"].value[:, j, end:].any()
        assert not together["a"].error[:, j, end:].any()


@given(layer_problems(), st.integers(1, 3))
def test_several_inputs_have_the_bounds_that_each_has_alone(problem: LayerProblem, count: int) -> None:
    alike = [replace(problem, seed=problem.seed + i).inputs(problem.kind) for i in range(count)]
    for together, inputs in zip(bounds_on_each(alike), alike, strict=True):
        for name, bounded in bounds_on(inputs).items():
            assert_same(together[name], bounded)


# The bounds are sharp.


def nudged(inputs: LayerInputs, place: int, name: str, rng: np.random.Generator) -> LayerInputs:
    """The inputs, with a relative error of 1e-11 in one weight, the largest of its row."""
    parameters = [dict(p) for p in inputs.parameters]
    weight = parameters[place][name] = parameters[place][name].copy()
    row = int(rng.integers(len(weight)))
    weight[row, np.argmax(np.abs(weight[row]))] *= 1 + 1e-11
    return replace(inputs, parameters=parameters)


def off(answer: Answer, expected: Mapping[str, Bounded]) -> bool:
    return any((np.abs(answer[n] - each.value) > 2 * each.error).any() for n, each in expected.items())


@pytest.mark.parametrize("name", ["Wf", "Wi", "Wc", "Wo", "bc", "Wp"])
def test_an_error_in_one_weight_of_the_second_layer_s_backward_direction_is_found(name: str) -> None:
    rng, seen = np.random.default_rng(0), 0
    for seed in range(20):
        lengths: Lengths = "with 1" if seed % 2 else "absent"
        problem = Problem.lstm_layer(
            n_x=3, n_a=5, m=4, T_x=6, layers=2, directions=2, n_p=3, lengths=lengths, seed=seed
        )
        inputs = problem.inputs("lstm_layer")
        bounds = bounds_on(inputs)
        seen += off(PROGRAMS["plain"](nudged(inputs, 3, name, rng)), bounds)
        assert not off(PROGRAMS["plain"](inputs), bounds)
    assert seen >= 17


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_an_error_in_one_weight_of_the_first_layer_is_found(activation: Any) -> None:
    rng, seen = np.random.default_rng(0), 0
    for seed in range(20):
        problem = Problem.rnn_layer(
            n_x=3, n_a=8, m=4, T_x=3, layers=3, directions=2, activation=activation, seed=seed
        )
        inputs = problem.inputs("rnn_layer")
        bounds = {"a": bounds_on(inputs)["a"]}
        seen += off(PROGRAMS["plain"](nudged(inputs, 0, "Waa", rng)), bounds)
    assert seen >= 15


def test_a_value_in_the_padding_that_is_not_zero_is_found() -> None:
    problem = Problem.lstm_layer(n_x=2, n_a=3, m=3, T_x=4, lengths="with 1", seed=2)
    inputs = problem.inputs("lstm_layer")
    answer = PROGRAMS["plain"](inputs)
    answer["a"][0, np.argmin(inputs.ends), -1] = np.finfo(float).smallest_subnormal
    assert off(answer, bounds_on(inputs))


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_inputs_that_are_evaluated_together_keep_the_bounds_of_their_precisions(kind: str) -> None:
    shape = {"n_x": 2, "n_a": 3, "n_y": 4, "m": 2, "T_x": 3}
    dtypes = ("float32", "float16", "float64", "float16")
    every = [
        getattr(Problem, kind)(**shape, seed=seed, dtype=dtype).inputs(f"{kind}_forward")
        for seed, dtype in enumerate(dtypes)
    ]
    for together, inputs in zip(bounds_on_each(every), every, strict=True):
        alone = bounds_on(inputs)
        for name, bounded in together.items():
            np.testing.assert_allclose(bounded.error, alone[name].error, rtol=1e-9, err_msg=name)


def test_no_inputs_have_no_bounds() -> None:
    assert bounds_on_each([]) == []
