"""The bounds allow a program to flush subnormal numbers to zero, unless underflow must be gradual."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.problems.inputs import Inputs
from oracle.problems.problem import DType, Problem
from oracle.tests.problems import FORWARD, problems
from oracle.witnesses.bounds import bounds_on
from oracle.witnesses.rounding import Arithmetic, Bounded
from reference.arrays import sigmoid, softmax
from reference.contract import Array

some: Any = {
    "m": st.integers(1, 3),
    "T_x": st.integers(1, 4),
    "n_x": st.integers(1, 5),
    "n_a": st.integers(1, 5),
    "regime": st.sampled_from(["subnormal", "tiny", "unit", "ternary"]),
}


def flushed(array: Array) -> Array:
    """The array with 0 in place of subnormal numbers, as on a processor that flushes."""
    return np.where(np.abs(array) < np.finfo(array.dtype).tiny, array.dtype.type(0), array)


def product(W: Array, v: Array) -> Array:
    """The product of two matrices, with every factor, product and partial sum flushed."""
    total = np.zeros((len(W), v.shape[1]), W.dtype)
    for k in range(W.shape[1]):
        total = flushed(total + flushed(flushed(W[:, k : k + 1]) * flushed(v[k : k + 1])))
    return total


def forward(inputs: Inputs) -> dict[str, Array]:
    """The states and predictions of a program that flushes in every operation."""
    p, a, c = inputs.parameters, flushed(inputs.a0), flushed(inputs.c0)
    steps = []
    for t in range(inputs.x.shape[2]):
        u = np.concatenate([a, inputs.x[:, :, t]])

        def affine(W: Array, b: Array, u: Array = u) -> Array:
            return flushed(product(W, u) + flushed(b))

        if inputs.kind == "rnn":
            a = flushed(np.tanh(affine(np.concatenate([p["Waa"], p["Wax"]], axis=1), p["ba"])))
        else:
            ft, it, ot = (flushed(sigmoid(affine(p[f"W{gate}"], p[f"b{gate}"]))) for gate in "fio")
            cct = flushed(np.tanh(affine(p["Wc"], p["bc"])))
            c = flushed(flushed(ft * c) + flushed(it * cct))
            a = flushed(ot * flushed(np.tanh(c)))
        head = p["Wya" if inputs.kind == "rnn" else "Wy"]
        y = flushed(softmax(flushed(product(head, a) + flushed(p["by"]))))
        steps.append({"a": a, "y": y} | ({"c": c} if inputs.kind == "lstm" else {}))
    return {name: np.stack([step[name] for step in steps], axis=2) for name in steps[0]}


@given(problems(**some))
def test_a_program_that_flushes_everything_is_within_the_bound(problem: Problem) -> None:
    inputs = problem.inputs(FORWARD[problem.kind])
    bounds = bounds_on(inputs)
    for name, shown in forward(inputs).items():
        off = np.abs(shown.astype(np.float64) - bounds[name].value)
        assert (off <= 2 * bounds[name].error).all(), name


@given(problems(**some))
def test_gradual_underflow_has_the_smaller_bound(problem: Problem) -> None:
    inputs = problem.inputs(FORWARD[problem.kind])
    bounds, gradual = bounds_on(inputs), bounds_on(inputs, gradual=True)
    for name in bounds:
        assert (gradual[name].error <= bounds[name].error).all(), name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_flushed_memory_state_is_beyond_the_bound_of_gradual_underflow(dtype: DType) -> None:
    problem = Problem.lstm(n_x=2, n_a=3, n_y=2, m=2, T_x=1, regime="subnormal", seed=3, dtype=dtype)
    inputs = problem.inputs("lstm_cell_forward")
    gradual = bounds_on(inputs, gradual=True)["c"]
    off = np.abs(forward(inputs)["c"].astype(np.float64) - gradual.value)
    assert (off > 2 * gradual.error).all()


def test_zero_is_exact_only_where_underflow_is_gradual() -> None:
    zero = Bounded.exact(np.zeros((1, 1)))
    assert Arithmetic(np.float32, gradual=True).tanh(zero).error == 0
    assert Arithmetic(np.float32).tanh(zero).error > 0
