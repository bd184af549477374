"""Torch's answers to layers, also with packed sequences, agree with torch's cells within the bounds."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from oracle.problems.drawing import Lengths
from oracle.problems.inputs import LayerInputs
from oracle.problems.problem import DType, LayerKind, LayerProblem, Problem
from oracle.tests.problems import layer_problems
from oracle.tests.programs import Answer, assert_within
from oracle.weights.conversion import to_torch
from oracle.witnesses import pytorch
from oracle.witnesses.bounds import bounds_on
from oracle.witnesses.rounding import Bounded
from reference.contract import Array

some = {"m": st.integers(1, 3), "T_x": st.integers(1, 4)}


def tensor(array: Array) -> torch.Tensor:
    return torch.tensor(np.ascontiguousarray(array))


def cell(inputs: LayerInputs, place: int) -> Any:
    """A step of torch's cells, from `a` and `c` `(1, n)`; with a projection, the cell's input is `[a; x]`."""
    p = inputs.parameters[place]
    state = {n.removesuffix("_l0"): tensor(array) for n, array in to_torch(inputs.kind, [p]).items()}
    n_in, n_a = state["weight_ih"].shape[1], len(p["ba" if inputs.kind == "rnn" else "bf"])
    projection = state.pop("weight_hr", None)
    if projection is not None:
        state["weight_ih"] = torch.cat([state["weight_hh"], state["weight_ih"]], dim=1)
        state["weight_hh"] = torch.zeros(4 * n_a, n_a, dtype=projection.dtype)
        n_in += len(projection)
    how: Any = {"dtype": state["weight_ih"].dtype}
    if inputs.kind == "rnn":
        module: Any = torch.nn.RNNCell(n_in, n_a, nonlinearity=inputs.activation, **how)
    else:
        module = torch.nn.LSTMCell(n_in, n_a, **how)
    module.load_state_dict(state)

    def step(x: torch.Tensor, a: torch.Tensor, c: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if inputs.kind == "rnn":
            return module(x, a), c
        if projection is None:
            return module(x, (a, c))  # type: ignore[no-any-return]
        h, c = module(torch.cat([a, x], dim=1), (torch.zeros_like(c), c))
        return h @ projection.T, c

    return step


@torch.no_grad()
def by_cells(inputs: LayerInputs) -> Answer:
    """The answer from torch's cells, one sample after the other, each at its own length."""
    (_, m, T_x), D = inputs.x.shape, inputs.directions
    a_last, c_last = inputs.a0.copy(), inputs.c0.copy()
    top = np.zeros((D * inputs.a0.shape[1], m, T_x), inputs.x.dtype)
    for j, end in enumerate(inputs.ends):
        steps = [tensor(inputs.x[:, j, t][None]) for t in range(end)]
        for k in range(0, len(inputs.parameters), D):
            hidden = []
            for place in range(k, k + D):
                step = cell(inputs, place)
                a, c = (tensor(state[place, :, j][None]) for state in (inputs.a0, inputs.c0))
                states = []
                for xt in steps[:: -1 if place > k else 1]:
                    a, c = step(xt, a, c)
                    states.append(a)
                a_last[place, :, j], c_last[place, :, j] = a[0].numpy(), c[0].numpy()
                hidden.append(states[:: -1 if place > k else 1])
            steps = [torch.cat(both, dim=1) for both in zip(*hidden, strict=True)]
        for t, a in enumerate(steps):
            top[:, j, t] = a[0].numpy()
    last = {"a_last": a_last, "c_last": c_last} if inputs.kind == "lstm" else {"a_last": a_last}
    return {"a": top} | {
        name: states.reshape(states.shape[0] * states.shape[1], m, 1) for name, states in last.items()
    }


@given(layer_problems())
def test_answers_are_within_the_bound_in_the_dtype_of_the_reference(problem: LayerProblem) -> None:
    inputs = problem.inputs(problem.kind)
    answer, expected = pytorch.run(inputs), bounds_on(inputs)
    assert {name: array.shape for name, array in answer.items()} == {
        name: bounded.value.shape for name, bounded in expected.items()
    }
    assert {array.dtype for array in answer.values()} == {np.dtype(problem.dtype)}
    assert_within(answer, expected)


@given(layer_problems(T_x=st.integers(1, 4)))
def test_modules_agree_with_cells(problem: LayerProblem) -> None:
    inputs = problem.inputs(problem.kind)
    answer, bounds = pytorch.run(inputs), bounds_on(inputs)
    theirs = {name: Bounded(a.astype(np.float64), bounds[name].error) for name, a in answer.items()}
    assert_within(by_cells(inputs), theirs)


# Where the modules are not asked, or not as they are.


@pytest.mark.parametrize("dtype", get_args(DType))
@pytest.mark.parametrize(("n_x", "m", "T_x"), [(0, 2, 3), (3, 0, 3), (3, 2, 0), (0, 0, 3), (0, 0, 0)])
@pytest.mark.parametrize("kind", get_args(LayerKind))
def test_no_features_no_samples_and_no_steps_have_an_answer(
    kind: Any, n_x: int, m: int, T_x: int, dtype: Any
) -> None:
    for lengths in get_args(Lengths) if T_x else ("absent",):
        problem = LayerProblem(
            kind, n_x, n_a=4, m=m, T_x=T_x, layers=2, directions=2, lengths=lengths, dtype=dtype
        )
        inputs = problem.inputs(kind)
        answer = pytorch.run(inputs)
        assert answer["a"].shape == (8, m, T_x)
        assert_within(answer, bounds_on(inputs))
        if not T_x:
            np.testing.assert_array_equal(answer["a_last"][:, :, 0], inputs.a0.reshape(16, m))


@given(layer_problems(**some, kind=st.just("lstm_layer"), n_a=st.integers(1, 3), n_p=st.integers(3, 5)))
# An infinite input times a weight that is 0 would be NaN.
@example(Problem.lstm_layer(n_x=9, n_a=2, m=1, T_x=1, layers=2, n_p=2, regime="nonfinite", seed=2122952387))
def test_a_projection_that_keeps_all_units_or_makes_more_has_an_answer(problem: LayerProblem) -> None:
    inputs = problem.inputs("lstm_layer")
    answer = pytorch.run(inputs)
    assert len(answer["c_last"]) == problem.layers * problem.directions * problem.n_a
    assert_within(answer, bounds_on(inputs))


@pytest.mark.parametrize("lengths", get_args(Lengths))
@pytest.mark.parametrize("kind", get_args(LayerKind))
def test_the_answer_of_a_sample_is_that_of_the_sample_alone(kind: Any, lengths: Any) -> None:
    for seed in range(5):
        problem = LayerProblem(
            kind, n_x=3, n_a=2, m=4, T_x=5, layers=2, directions=2, lengths=lengths, seed=seed
        )
        inputs = problem.inputs(kind)
        together = pytorch.run(inputs)
        for j, end in enumerate(inputs.ends):
            alone = replace(inputs.samples([j]), x=inputs.x[:, [j], :end], lengths=None)
            bounds = bounds_on(alone)
            for name, array in pytorch.run(alone).items():
                ours = together[name][:, [j], : end if name == "a" else 1]
                assert_within({name: ours}, {name: Bounded(array, bounds[name].error)})
            assert not together["a"][:, j, end:].any()


# What it leaves behind.


@pytest.fixture
def every_warning() -> Iterator[None]:
    """Let torch show the warnings again that it shows only once in a process."""
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(False)


@pytest.mark.usefixtures("every_warning")
@pytest.mark.parametrize("dtype", get_args(DType))
def test_no_warning_escapes(dtype: Any) -> None:
    with warnings.catch_warnings(record=True) as escaped:
        warnings.simplefilter("always")
        for n_p, lengths in ((0, "absent"), (2, "absent"), (2, "random"), (4, "with 1")):
            problem = Problem.lstm_layer(
                n_x=2, n_a=4, m=3, T_x=4, layers=2, directions=2, n_p=n_p, lengths=lengths, dtype=dtype
            )
            pytorch.run(problem.inputs("lstm_layer"))
        filters = list(warnings.filters)
    assert [str(each.message) for each in escaped] == []
    assert filters[0][0] == "always"


@given(layer_problems())
def test_inputs_are_not_changed(problem: LayerProblem) -> None:
    inputs = problem.inputs(problem.kind)
    arrays = [inputs.x, inputs.a0, inputs.c0, *(array for p in inputs.parameters for array in p.values())]
    arrays += [] if inputs.lengths is None else [inputs.lengths]
    before, names = [array.copy() for array in arrays], [[*p] for p in inputs.parameters]
    answer = pytorch.run(inputs)
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)
        if problem.T_x and problem.m:
            assert not any(np.shares_memory(array, other) for other in answer.values())
    assert [[*p] for p in inputs.parameters] == names


@given(layer_problems(**some, regime=st.just("unit")))
def test_no_answer_depends_on_the_previous_answer(problem: LayerProblem) -> None:
    """An answer does not change later, either, although its module is used again."""
    inputs = problem.inputs(problem.kind)
    first = pytorch.run(inputs)
    kept = {name: array.copy() for name, array in first.items()}
    pytorch.run(replace(problem, seed=problem.seed + 1).inputs(problem.kind))
    for name, array in kept.items():
        np.testing.assert_array_equal(first[name], array)
    assert_within(pytorch.run(inputs), bounds_on(inputs))
