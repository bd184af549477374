from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from oracle import pytorch
from oracle.inputs import Inputs
from oracle.layout import to_torch
from oracle.problem import Problem
from oracle.propagation import evaluate
from oracle.rounding import Bounded
from oracle.tests.draws import CELL, FORWARD, problems
from reference.contract import Array

MODULES: list[Any] = [torch.nn.RNN, torch.nn.LSTM]
CELLS: list[Any] = [torch.nn.RNNCell, torch.nn.LSTMCell]
F64 = torch.float64

module_of_each_kind = pytest.mark.parametrize("module", MODULES)
cell_of_each_kind = pytest.mark.parametrize("cell", CELLS)


def assert_within(actual: Array, expected: Bounded, name: str) -> None:
    """No farther apart than two correct programs may be; of `c` torch has the last steps only."""
    late = slice(expected.value.shape[2] - actual.shape[2], None)
    value, bound = expected.value[:, :, late], expected.error[:, :, late]
    finite = np.isfinite(value)
    np.testing.assert_array_equal(actual[~finite], value[~finite], err_msg=name)
    assert (np.abs(actual[finite] - value[finite]) <= 2 * bound[finite]).all(), name


def by_cells(inputs: Inputs) -> dict[str, Array]:
    """The states by torch's cells, step by step."""
    state = {
        name.removesuffix("_l0"): torch.tensor(a)
        for name, a in to_torch(inputs.kind, inputs.parameters).items()
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
    expected = evaluate(inputs)
    for name, array in pytorch.run(inputs).items():
        assert_within(array, expected[name], name)


@given(problems(T_x=st.integers(1, 5), m=st.integers(0, 4)))
def test_modules_agree_with_cells(problem: Problem) -> None:
    inputs = problem.inputs(FORWARD[problem.kind])
    expected = evaluate(inputs)
    answer = pytorch.run(inputs)
    for name, array in by_cells(inputs).items():
        theirs = Bounded(
            answer[name].astype(np.float64), expected[name].error[:, :, -answer[name].shape[2] :]
        )
        assert_within(array, theirs, name)


@given(problems(kind=st.just("lstm"), T_x=st.integers(1, 3)))
def test_gates_are_within_the_bound(problem: Problem) -> None:
    inputs = problem.inputs("lstm_cell_forward")
    expected = evaluate(inputs)
    gates = pytorch.gates(inputs)
    assert list(gates) == ["ft", "it", "cct", "ot"]
    for name, array in gates.items():
        assert array.dtype == problem.dtype
        assert_within(array, expected[name], name)


@given(problems(n_x=st.integers(1, 4), regime=st.just("unit")))
def test_no_answer_depends_on_the_one_before(problem: Problem) -> None:
    inputs = problem.inputs(FORWARD[problem.kind])
    first = pytorch.run(inputs)
    kept = {name: array.copy() for name, array in first.items()}
    other = replace(problem, seed=problem.seed + 1)
    pytorch.run(other.inputs(FORWARD[problem.kind]))
    again = pytorch.run(inputs)
    for name, array in kept.items():
        np.testing.assert_array_equal(first[name], array)
        np.testing.assert_array_equal(again[name], array)


@given(problems(T_x=st.integers(1, 4)))
def test_inputs_are_left_as_they_were(problem: Problem) -> None:
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


# What torch says at the edges; a release that says something else is to be noticed.


@module_of_each_kind
def test_a_sequence_of_no_steps_is_refused(module: Any) -> None:
    with pytest.raises(RuntimeError, match=r"^Expected sequence length to be larger than 0 in RNN$"):
        module(3, 4)(torch.zeros(0, 2, 3))


@module_of_each_kind
def test_no_hidden_units_are_refused(module: Any) -> None:
    with pytest.raises(ValueError, match=r"^hidden_size must be greater than zero$"):
        module(3, 0)


@module_of_each_kind
def test_no_features_are_refused(module: Any) -> None:
    with pytest.raises(ValueError, match=r"^input_size must be greater than zero$"):
        module(0, 4)


@module_of_each_kind
def test_sizes_as_numpy_integers_are_refused(module: Any) -> None:
    with pytest.raises(TypeError, match=r"^input_size should be of type int, got: int64$"):
        module(np.int64(3), 4)
    with pytest.raises(TypeError, match=r"^hidden_size should be of type int, got: int64$"):
        module(3, np.int64(4))


@module_of_each_kind
def test_a_batch_of_no_samples_is_accepted(module: Any) -> None:
    assert module(3, 4)(torch.zeros(5, 0, 3))[0].shape == (5, 0, 4)


@cell_of_each_kind
@pytest.mark.parametrize(("n_x", "n_a", "m"), [(0, 4, 2), (3, 0, 2), (3, 4, 0), (0, 0, 0)])
def test_cells_accept_every_zero(cell: Any, n_x: int, n_a: int, m: int) -> None:
    answer = cell(n_x, n_a)(torch.zeros(m, n_x))
    for state in [answer] if cell is torch.nn.RNNCell else answer:
        assert state.shape == (m, n_a)


@module_of_each_kind
def test_an_input_of_another_dtype_is_refused(module: Any) -> None:
    wanted = r"^RNN input dtype \(torch.float64\) does not match weight dtype \(torch.float32\)"
    with pytest.raises(ValueError, match=wanted):
        module(3, 4)(torch.zeros(5, 2, 3, dtype=F64))


def test_a_hidden_state_of_another_dtype_is_refused() -> None:
    x, a0 = torch.zeros(5, 2, 3, dtype=F64), torch.zeros(1, 2, 4)
    for module, state in ((torch.nn.RNN, a0), (torch.nn.LSTM, (a0, a0.double()))):
        with pytest.raises(
            RuntimeError, match=r"^mat1 and mat2 must have the same dtype, but got Float and Double$"
        ):
            module(3, 4, dtype=F64)(x, state)


def test_a_memory_state_of_another_dtype_is_accepted_in_silence() -> None:
    x, a0 = torch.zeros(5, 2, 3, dtype=F64), torch.zeros(1, 2, 4, dtype=F64)
    a, (_, c) = torch.nn.LSTM(3, 4, dtype=F64)(x, (a0, a0.float()))
    assert a.dtype == c.dtype == F64


@module_of_each_kind
def test_states_of_a_wrong_shape_are_refused(module: Any) -> None:
    wrong = torch.zeros(1, 3, 4)
    with pytest.raises(RuntimeError, match=r"^Expected hidden(\[0\])? size \(1, 2, 4\), got \[1, 3, 4\]$"):
        module(3, 4)(torch.zeros(5, 2, 3), wrong if module is torch.nn.RNN else (wrong, wrong))


def test_an_unbatched_input_with_a_batch_of_states() -> None:
    x, square, deep = torch.zeros(3), torch.zeros(4, 4), torch.zeros(1, 1, 4)
    assert torch.nn.RNNCell(3, 4)(x, square).shape == (4, 4)  # an answer of a wrong shape
    with pytest.raises(RuntimeError, match="must match the size of tensor"):
        torch.nn.LSTMCell(3, 4)(x, (square, square))
    with pytest.raises(ValueError, match=r"^RNNCell: Expected hidden to be 1D or 2D, got 3D instead$"):
        torch.nn.RNNCell(3, 4)(x, deep)
    with pytest.raises(ValueError, match=r"^LSTMCell: Expected hx\[0\] to be 1D or 2D, got 3D instead$"):
        torch.nn.LSTMCell(3, 4)(x, (deep, deep))


Run = Callable[[torch.Tensor], torch.Tensor]


def random_run(module: Any, dtype: torch.dtype, seed: int) -> tuple[Run, torch.Tensor]:
    """A module's output as a function of its initial state, and such a state."""
    torch.manual_seed(seed)
    loaded, x, a0 = (
        module(5, 7, dtype=dtype),
        torch.randn(6, 9, 5, dtype=dtype),
        torch.randn(1, 9, 7, dtype=dtype),
    )

    def run(state: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = loaded(x, state if module is torch.nn.RNN else (state, state))[0]
        return output

    return run, a0


@module_of_each_kind
@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test_a_repeat_without_gradients_and_inference_mode_are_bitwise_equal(
    module: Any, dtype: torch.dtype
) -> None:
    for seed in range(5):
        run, a0 = random_run(module, dtype, seed)
        first = run(a0)
        assert torch.equal(first, run(a0))
        for mode in (torch.no_grad, torch.inference_mode):
            with mode():
                assert torch.equal(first, run(a0))


@pytest.mark.parametrize(
    ("module", "dtype"), [(torch.nn.RNN, torch.float32), (torch.nn.RNN, F64), (torch.nn.LSTM, F64)]
)
def test_a_state_that_is_not_contiguous_takes_another_way(module: Any, dtype: torch.dtype) -> None:
    different = 0
    for seed in range(5):
        run, a0 = random_run(module, dtype, seed)
        strided = a0.transpose(1, 2).contiguous().transpose(1, 2)
        different += not torch.equal(run(a0), run(strided))
        assert torch.allclose(run(a0), run(strided), atol=1e-5)
    assert different > 0
