"""The lengths of the samples of a problem of layers, and the order of steps in both directions."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.network.forward import backward_steps
from oracle.problems.drawing import Lengths
from oracle.problems.problem import LayerProblem, Problem
from oracle.tests.problems import layer_problems
from oracle.tests.test_layer_problem import some


@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("lengths", get_args(Lengths))
def test_lengths_are_of_their_kind_and_seeds_draw_all_lengths(lengths: Lengths, m: int) -> None:
    problem = Problem.rnn_layer(n_x=1, n_a=1, m=m, T_x=4, lengths=lengths)
    drawn = [replace(problem, seed=seed).inputs("rnn_layer") for seed in range(200)]
    if lengths == "absent":
        assert [inputs.lengths for inputs in drawn] == [None] * 200
        return
    table = np.array([inputs.lengths for inputs in drawn])
    assert table.shape == (200, m)
    if lengths == "equal":
        assert (table == table[:, :1]).all()
    elif lengths == "random":
        assert m == 1 or (table[:, :1] < table[:, 1:]).any(axis=1).all()
    else:
        assert (table == (1 if lengths == "with 1" else 4)).any(axis=1).all()
    if m > 1 or lengths in ("equal", "random"):
        for sample, column in enumerate(table.T):
            shorter = lengths == "equal" or (lengths == "random" and sample == 0)
            assert set(column.tolist()) == ({1, 2, 3} if shorter else {1, 2, 3, 4})


@given(layer_problems(**some))
def test_lengths_are_whole_numbers_of_steps(problem: LayerProblem) -> None:
    inputs = problem.inputs(problem.kind)
    assert (inputs.lengths is None) == (problem.lengths == "absent")
    assert inputs.ends.shape == (problem.m,)
    assert inputs.ends.dtype.kind == "i"
    assert 1 <= inputs.ends.min() <= inputs.ends.max() <= problem.T_x


# Samples and steps.


@given(layer_problems(**some), st.data())
def test_samples_are_selected_with_their_lengths(problem: LayerProblem, data: st.DataObject) -> None:
    inputs = problem.inputs(problem.kind)
    samples = data.draw(st.lists(st.integers(0, problem.m - 1)))
    chosen = inputs.samples(samples)
    np.testing.assert_array_equal(chosen.x, inputs.x[:, samples])
    for name in ("a0", "c0"):
        np.testing.assert_array_equal(getattr(chosen, name), getattr(inputs, name)[:, :, samples])
    np.testing.assert_array_equal(chosen.ends, inputs.ends[samples])
    assert (chosen.lengths is None) == (inputs.lengths is None)


@given(layer_problems(**some))
def test_backward_is_its_own_inverse_and_stays_within_a_sample(problem: LayerProblem) -> None:
    inputs = problem.inputs(problem.kind)
    for order, end in zip(backward_steps(problem.T_x, inputs.ends), inputs.ends, strict=True):
        assert order.tolist() == [*reversed(range(end)), *range(end, problem.T_x)]
    np.testing.assert_array_equal(inputs.within.sum(axis=1), inputs.ends)


@given(layer_problems(**some))
def test_single_steps_are_samples_of_one_step(problem: LayerProblem) -> None:
    inputs, rng = problem.inputs(problem.kind), np.random.default_rng(problem.seed)
    shapes = ((*states.shape, problem.T_x) for states in (inputs.a0, inputs.c0))
    a, c = (rng.standard_normal(shape).astype(problem.dtype) for shape in shapes)
    steps = inputs.single_steps(*(each.reshape(*each.shape[:2], problem.m * problem.T_x) for each in (a, c)))
    assert steps.lengths is None
    for j in range(problem.m):
        for t in range(problem.T_x):
            one = steps.samples([j * problem.T_x + t])
            np.testing.assert_array_equal(one.x[:, 0, 0], inputs.x[:, j, t])
            np.testing.assert_array_equal(one.a0[:, :, 0], a[:, :, j, t])
            np.testing.assert_array_equal(one.c0[:, :, 0], c[:, :, j, t])


def test_a_row_is_named_by_its_layer_direction_and_unit() -> None:
    inputs = Problem.lstm_layer(n_x=1, n_a=3, m=1, T_x=1, layers=2, directions=2, n_p=2).inputs("lstm_layer")
    assert [inputs.row_name("a", unit) for unit in (0, 3)] == [
        "layer 1, forward, unit 0",
        "layer 1, backward, unit 1",
    ]
    assert inputs.row_name("a_last", 3) == "layer 0, backward, unit 1"
    assert inputs.row_name("c_last", 3) == "layer 0, backward, unit 0"
    assert inputs.row_name("c_last", 11) == "layer 1, backward, unit 2"
