"""Tests that the equations without changes are the specification."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from oracle.faults import FAULTS, Fault
from oracle.faults.entry import above, altered
from oracle.problems.inputs import Inputs
from oracle.problems.problem import Problem
from oracle.tests.answers import alike, behaviour, leaves, showing, with_everything
from oracle.tests.problems import problems
from oracle.witnesses.bounds import bounds_on
from reference.contract import CONTRACTS, FUNCTIONS, LAYERS, Array, Kind

RIGHT = Fault("right", "none", "nothing is changed", {function: {} for function in FUNCTIONS})


@settings(max_examples=100)
@given(problems(), st.data())
def test_unchanged_equations_are_the_specification(problem: Problem, data: st.DataObject) -> None:
    function = data.draw(st.sampled_from([f for f in FUNCTIONS if CONTRACTS[f].kind == problem.kind]))
    if CONTRACTS[function].is_cell:
        problem = replace(problem, T_x=max(problem.T_x, 1))
    inputs = problem.inputs(function)
    answer, arguments = unpacked(function, RIGHT, inputs)
    theirs, _ = unpacked(function, reference, inputs)
    assert answer.keys() == theirs.keys()
    assert all(answer[name].shape == theirs[name].shape for name in answer)
    assert all(answer[name].dtype == theirs[name].dtype for name in answer)
    for after, before in zip(leaves(arguments), leaves(inputs.arguments(function)), strict=True):
        np.testing.assert_array_equal(after, before)

    a, c = answer["a"], answer.get("c", np.zeros((0, *answer["a"].shape[1:])))
    steps = inputs.steps(a, c)
    for name, bounded in bounds_on(steps).items():
        ours = answer[name].reshape(bounded.value.shape).astype(np.float64)
        with np.errstate(invalid="ignore"):
            close = np.abs(ours - bounded.value) <= 2 * bounded.error
        assert np.all(close | (ours == bounded.value) | (np.isnan(ours) & np.isnan(bounded.value))), name
    cached = {"a_next": a, "c_next": c, "a_prev": steps.a0, "c_prev": steps.c0, "xt": inputs.x, "x": inputs.x}
    for name in answer.keys() & cached.keys():
        np.testing.assert_array_equal(answer[name], cached[name].reshape(answer[name].shape))


def unpacked(function: str, implementation: Any, inputs: Inputs) -> tuple[dict[str, Array], list[Any]]:
    """The returned values of a call as arrays over time, by name, and its arguments after the call."""
    contract = CONTRACTS[function]
    arguments = deepcopy(inputs.arguments(function))
    *outputs, caches = getattr(implementation, function)(*arguments)
    cells, x = ([caches], None) if contract.is_cell else caches
    outputs = [out[:, :, None] for out in outputs] if contract.is_cell else outputs
    assert isinstance(cells, list)
    assert all(isinstance(cell, tuple) and len(cell) == len(contract.cache) + 1 for cell in cells)
    for cell in cells:
        assert alike(*([*leaves(dict(sorted(each.items())))] for each in (cell[-1], arguments[-1])))
    entries = {name: [cell[i] for cell in cells] for i, name in enumerate(contract.cache)}
    over_time = {name: np.stack(steps, axis=2) for name, steps in entries.items() if steps}
    empty = {name: outputs[0][:, :, :0] for name in entries if not over_time and name != "xt"}
    named = dict(zip((name[0] for name in contract.outputs), outputs, strict=True))
    return {**named, **over_time, **empty, **({} if x is None else {"x": x})}, arguments


@pytest.mark.parametrize("function", [*FUNCTIONS, *LAYERS])
def test_a_right_value_is_that_of_the_kind_of_the_function(function: str) -> None:
    """The equation of `a_next` in an RNN is not that in an LSTM."""
    unaltered = Fault("unaltered", "none", "", {function: altered("a_next", by=lambda right, v: right)})
    nothing_changed = Fault("right", "none", "", {function: {}})
    problem = showing(function)[0]
    assert alike(behaviour(unaltered, function, problem), behaviour(nothing_changed, function, problem))


def test_a_restricted_change_leaves_the_other_layers_right() -> None:
    """With zeros above the first layer, the last states of the first layer stay right, and are not zero."""
    zeros = Fault("zeros", "none", "", {"rnn_layer": above({"a_out": lambda v: 0 * v.a_next})})
    problem = replace(with_everything("rnn_layer"), lengths="absent")
    right, wrong = (each.rnn_layer(*problem.arguments("rnn_layer"))[1] for each in (reference, zeros))
    first = slice(problem.directions)
    np.testing.assert_allclose(wrong[first], right[first], rtol=1e-12)
    assert right.all()
    assert not wrong[problem.directions :].any()


@pytest.mark.parametrize("mistake", ["first_step_left_out", "last_step_left_out"])
@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_a_backward_loop_that_leaves_out_the_only_step_gives_zeros(kind: Kind, mistake: str) -> None:
    function = f"{kind}_backward"
    dimensions: dict[str, Any] = {"n_x": 2, "n_a": 3, "n_y": 1, "m": 2, "T_x": 1, "regime": "unit"}
    inputs = Problem(kind, **dimensions, seed=0, dtype="float64").inputs(function)
    wrong = getattr(FAULTS[mistake], function)(*inputs.arguments(function))
    right = getattr(reference, function)(*inputs.arguments(function))
    assert {name: array.shape for name, array in wrong.items()} == {
        name: array.shape for name, array in right.items()
    }
    assert not any(array.any() for array in wrong.values())
    assert any(array.any() for array in right.values())
