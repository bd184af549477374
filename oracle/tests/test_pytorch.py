"""Torch's answers have the properties that the oracle relies on, in every release and on every processor.

docs/edges.md has the differences between releases, and docs/machines.md those between processors.
"""

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from oracle.problems.inputs import Inputs
from oracle.problems.problem import DType, Problem
from oracle.tests.problems import CELL, FORWARD, problems
from oracle.weights.conversion import to_torch
from oracle.witnesses import pytorch
from oracle.witnesses.bounds import bounds_on
from oracle.witnesses.rounding import Bounded
from reference.contract import Array, Kind


def assert_within(actual: Array, expected: Bounded, name: str) -> None:
    """Assert that an answer is within twice the bound; of `c`, torch has only the last step."""
    late = slice(expected.value.shape[2] - actual.shape[2], None)
    value, bound = expected.value[:, :, late], expected.error[:, :, late]
    finite = np.isfinite(value)
    np.testing.assert_array_equal(actual[~finite], value[~finite], err_msg=name)
    assert (np.abs(actual[finite] - value[finite]) <= 2 * bound[finite]).all(), name


def by_cells(inputs: Inputs) -> dict[str, Array]:
    """The states from torch's cells, step by step."""
    state = {
        name.removesuffix("_l0"): torch.tensor(a)
        for name, a in to_torch(inputs.kind, [inputs.parameters]).items()
    }
    n_x, n_a = len(inputs.x), len(inputs.a0)
    cell: Any = (torch.nn.RNNCell if inputs.kind == "rnn" else torch.nn.LSTMCell)(
        n_x, n_a, dtype=state["bias_ih"].dtype
    )
    cell.load_state_dict(state)
    a, c = (torch.tensor(np.ascontiguousarray(array.T)) for array in (inputs.a0, inputs.c0))
    states = []
    with torch.no_grad():
        for xt in np.moveaxis(inputs.x, 2, 0):
            x = torch.tensor(np.ascontiguousarray(xt.T))
            if inputs.kind == "rnn":
                a = cell(x, a)
            else:
                a, c = cell(x, (a, c))
            states.append(a.numpy().T)
    return {
        "a": np.stack(states, axis=2),
        **({"c": c.numpy().T[:, :, None]} if inputs.kind == "lstm" else {}),
    }


# Its answers.


@given(problems())
def test_an_answer_has_the_layout_and_the_dtype_of_the_reference(problem: Problem) -> None:
    answer = pytorch.run(problem.inputs(FORWARD[problem.kind]))
    m, T_x = problem.m, problem.T_x
    shapes = {"a": (problem.n_a, m, T_x), "y": (problem.n_y, m, T_x)}
    if problem.kind == "lstm":
        shapes["c"] = (problem.n_a, m, min(T_x, 1))
    assert {name: array.shape for name, array in answer.items()} == shapes
    assert {array.dtype for array in answer.values()} == {np.dtype(problem.dtype)}


@given(problems(), st.booleans())
def test_answers_are_within_the_bound(problem: Problem, cell: bool) -> None:
    inputs = problem.inputs((CELL if cell else FORWARD)[problem.kind])
    expected = bounds_on(inputs)
    for name, array in pytorch.run(inputs).items():
        assert_within(array, expected[name], name)


@given(problems(T_x=st.integers(1, 5), m=st.integers(0, 4)))
def test_modules_agree_with_cells(problem: Problem) -> None:
    inputs = problem.inputs(FORWARD[problem.kind])
    expected = bounds_on(inputs)
    answer = pytorch.run(inputs)
    for name, array in by_cells(inputs).items():
        theirs = Bounded(
            answer[name].astype(np.float64), expected[name].error[:, :, -answer[name].shape[2] :]
        )
        assert_within(array, theirs, name)


@given(problems(kind=st.just("lstm"), T_x=st.integers(1, 3)))
def test_gates_are_within_the_bound(problem: Problem) -> None:
    inputs = problem.inputs("lstm_cell_forward")
    expected = bounds_on(inputs)
    gates = pytorch.gates(inputs)
    assert list(gates) == ["ft", "it", "cct", "ot"]
    for name, array in gates.items():
        assert array.dtype == problem.dtype
        assert_within(array, expected[name], name)


@given(problems(n_x=st.integers(1, 4), regime=st.just("unit")))
def test_no_answer_depends_on_the_previous_answer(problem: Problem) -> None:
    """An answer does not change later, either. In a second call, torch may sum in another order."""
    inputs = problem.inputs(FORWARD[problem.kind])
    first = pytorch.run(inputs)
    kept = {name: array.copy() for name, array in first.items()}
    other = replace(problem, seed=problem.seed + 1)
    pytorch.run(other.inputs(FORWARD[problem.kind]))
    again, expected = pytorch.run(inputs), bounds_on(inputs)
    for name, array in kept.items():
        np.testing.assert_array_equal(first[name], array)
        assert_within(again[name], expected[name], name)


@given(problems(T_x=st.integers(1, 4)))
def test_inputs_are_not_changed(problem: Problem) -> None:
    inputs = problem.inputs(CELL[problem.kind])
    arrays = [inputs.x, inputs.a0, inputs.c0, *inputs.parameters.values()]
    before = [array.copy() for array in arrays]
    answers = [
        *pytorch.run(inputs).values(),
        *(pytorch.gates(inputs).values() if problem.kind == "lstm" else ()),
    ]
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)
        assert not any(np.shares_memory(array, answer) for answer in answers)


# What the oracle counts on at the edges, and does not ask of torch where it does not.


@pytest.mark.parametrize(("n_x", "m", "T_x"), [(0, 2, 3), (3, 0, 3), (3, 2, 0), (0, 0, 3), (0, 0, 0)])
@pytest.mark.parametrize("dtype", get_args(DType))
@pytest.mark.parametrize("kind", get_args(Kind))
def test_no_features_no_samples_and_no_steps_have_an_answer(
    kind: Any, dtype: Any, n_x: int, m: int, T_x: int
) -> None:
    inputs = Problem(kind, n_x, n_a=4, n_y=2, m=m, T_x=T_x, dtype=dtype).inputs(FORWARD[kind])
    answer, expected = pytorch.run(inputs), bounds_on(inputs)
    assert answer["a"].shape == (4, m, T_x)
    for name, array in answer.items():
        assert_within(array, expected[name], name)


@given(problems(n_x=st.integers(1, 5), m=st.integers(1, 5), T_x=st.integers(1, 6)))
def test_every_kernel_stays_within_the_bound(problem: Problem) -> None:
    """On some processors, torch uses another kernel for gradients, and for states that are not contiguous."""
    inputs = problem.inputs(FORWARD[problem.kind])
    module: Any = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM}[problem.kind]
    module = module(problem.n_x, problem.n_a, dtype=getattr(torch, problem.dtype))
    state = to_torch(problem.kind, [inputs.parameters])
    module.load_state_dict({name: torch.tensor(array) for name, array in state.items()})
    x, a0, c0 = (torch.tensor(array.T.copy()) for array in (inputs.x, inputs.a0, inputs.c0))
    expected = bounds_on(inputs)["a"]
    for gradients in (True, False):
        for lay_out in (torch.Tensor.contiguous, strided):
            states = [lay_out(each)[None] for each in (a0, c0)]
            with torch.set_grad_enabled(gradients):
                a, _ = module(x, states[0] if problem.kind == "rnn" else tuple(states))
            assert_within(a.detach().numpy().T, expected, "a")


def strided(state: torch.Tensor) -> torch.Tensor:
    """The tensor, with the samples next to each other in memory."""
    return state.T.contiguous().T
