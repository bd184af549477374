"""No correct program exceeds its bound."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.problems.inputs import Inputs
from oracle.problems.problem import DType, Problem
from oracle.tests.problems import CELL, FORWARD, problems
from oracle.tests.programs import PROGRAMS, answer_in_float64, assert_exactly_within, assert_within
from oracle.witnesses import pytorch
from oracle.witnesses.bounds import bounds_on

some = {"m": st.integers(1, 4), "T_x": st.integers(1, 6)}


@pytest.mark.parametrize("name", PROGRAMS)
@given(problem=problems(**some), cell=st.booleans())
def test_every_correct_program_stays_within_the_bound(name: str, problem: Problem, cell: bool) -> None:
    inputs = problem.inputs((CELL if cell else FORWARD)[problem.kind])
    answer = PROGRAMS[name](inputs)
    assert_within(answer, bounds_on(inputs))
    assert_exactly_within({name: array[:, :1] for name, array in answer.items()}, inputs.samples([0]))


@pytest.mark.parametrize("name", PROGRAMS)
@given(problem=problems(**some))
def test_every_step_of_a_correct_program_stays_within_the_bound(name: str, problem: Problem) -> None:
    inputs = problem.inputs(FORWARD[problem.kind])
    answer = PROGRAMS[name](inputs)
    steps = inputs.steps(answer["a"], answer.get("c", answer["a"][:0]))
    answer = {name: array.reshape(len(array), -1, 1) for name, array in answer.items()}
    assert_within(answer, bounds_on(steps))
    assert_exactly_within({name: array[:, -1:] for name, array in answer.items()}, steps.samples([-1]))


@given(problems(**some, dtype=st.sampled_from(["float16", "float32"])))
def test_a_wider_dtype_than_that_of_the_problem_stays_within_the_bound(problem: Problem) -> None:
    inputs = problem.inputs(FORWARD[problem.kind])
    answer = answer_in_float64(inputs)
    assert_within(answer, bounds_on(inputs))
    assert_exactly_within(
        {name: array.astype(problem.dtype)[:, :1] for name, array in answer.items()}, inputs.samples([0])
    )


@given(problems(**some), st.booleans())
def test_torch_stays_within_the_bound(problem: Problem, cell: bool) -> None:
    inputs = problem.inputs((CELL if cell else FORWARD)[problem.kind])
    answer = pytorch.run(inputs)
    assert_within(answer, bounds_on(inputs))
    assert_exactly_within({name: array[:, :1] for name, array in answer.items()}, inputs.samples([0]))


@given(problems(**some))
def test_the_evaluation_itself_stays_within_the_bound(problem: Problem) -> None:
    inputs = problem.inputs(FORWARD[problem.kind]).samples([0])
    assert_exactly_within({name: quantity.value for name, quantity in bounds_on(inputs).items()}, inputs)


@settings(max_examples=5)
@given(
    problems(
        n_x=st.integers(20, 48),
        n_a=st.integers(20, 48),
        n_y=st.integers(20, 48),
        m=st.just(3),
        T_x=st.just(4),
    )
)
def test_large_dimensions_stay_within_the_bound(problem: Problem) -> None:
    inputs = problem.inputs(FORWARD[problem.kind])
    for program in (PROGRAMS["plain"], PROGRAMS["all at once"]):
        assert_within(program(inputs), bounds_on(inputs))


@given(problems())
def test_a_bound_is_not_nan_and_is_zero_only_without_rounding(problem: Problem) -> None:
    for quantity in bounds_on(problem.inputs(FORWARD[problem.kind])).values():
        finite = np.isfinite(quantity.value)
        assert (quantity.error[finite] > 0)[quantity.value[finite] != 0].all()
        assert (quantity.error[~finite] == 0).all()


@given(problems(**some, dtype=st.just("float64"), regime=st.sampled_from(["ternary", "unit", "wild"])))
def test_less_precision_has_a_larger_bound(problem: Problem) -> None:
    inputs = problem.inputs(CELL[problem.kind]) if problem.T_x == 1 else problem.inputs(FORWARD[problem.kind])
    half, single, double = (
        bounds_on(Inputs(inputs.kind, inputs.x, inputs.a0, inputs.c0, inputs.parameters, np.dtype(dtype)))
        for dtype in get_args(DType)
    )
    for name, quantity in double.items():
        assert (quantity.error < single[name].error).all()
        assert (single[name].error < half[name].error).all()


def test_a_chaotic_bound_grows_without_becoming_nan() -> None:
    inputs = Problem.lstm(n_x=2, n_a=5, n_y=2, m=2, T_x=1000, regime="wild", seed=5).inputs("lstm_forward")
    for quantity in bounds_on(inputs).values():
        assert (quantity.error > 0).all()
    assert bounds_on(inputs)["c"].error.max() > 1e100
