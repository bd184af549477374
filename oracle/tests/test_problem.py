"""A problem is rebuilt from its line, refuses invalid fields, and draws numbers of its regime."""

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.problems.drawing import Regime
from oracle.problems.inputs import Inputs
from oracle.problems.problem import Problem, siblings
from oracle.tests.problems import CELL, FORWARD, problems
from reference.contract import CONTRACTS, Array, extent

GOOD: dict[str, Any] = {"n_x": 1, "n_a": 2, "n_y": 2, "m": 1, "T_x": 2}


def every_array(inputs: Inputs) -> dict[str, Array]:
    return {"x": inputs.x, "a0": inputs.a0, "c0": inputs.c0, **inputs.parameters}


def in_regime(regime: Regime) -> st.SearchStrategy[Problem]:
    """Problems of one regime, with all sizes at least 1."""
    return problems(regime=st.just(regime), **{size: st.integers(1, 6) for size in GOOD})


# The line that rebuilds a problem.


@given(problems())
def test_the_repr_rebuilds_the_problem(problem: Problem) -> None:
    line = repr(problem)
    assert "\n" not in line
    assert eval(line, {"Problem": Problem}) == problem
    assert Problem.parse(f"  {line}\n") == problem


def test_the_repr_of_a_problem() -> None:
    problem = Problem.lstm(n_x=1, n_a=2, n_y=2, m=1, T_x=2, regime="ternary", seed=0, dtype="float64")
    assert repr(problem) == (
        'Problem.lstm(n_x=1, n_a=2, n_y=2, m=1, T_x=2, regime="ternary", seed=0, dtype="float64")'
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Problem.lstm(",
        "Problem.gru(n_x=1, n_a=2, n_y=2, m=1, T_x=2)",
        "Problem.lstm(n_x=1)",
        "Problem.lstm(n_x=-1, n_a=2, n_y=2, m=1, T_x=2)",
        "Problem.lstm(n_x=__import__('os').getpid(), n_a=2, n_y=2, m=1, T_x=2)",
        "Problem.lstm(n_x=1, n_a=2, n_y=2, m=1, T_x=2, depth=3)",
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no problem \(.*\); one looks like Problem.lstm\(n_x=1, "):
        Problem.parse(text)


def test_fields_that_are_missing_or_unknown_are_named() -> None:
    with pytest.raises(ValueError, match="unexpected keyword argument 'depth'"):
        Problem.parse("Problem.rnn(n_x=1, n_a=2, depth=3)")
    with pytest.raises(ValueError, match="unexpected keyword argument 'n_y'"):
        Problem.parse("Problem.rnn_layer(n_a=2, m=1, n_y=3)")


@given(problems())
def test_pickling_equality_and_hash(problem: Problem) -> None:
    again = pickle.loads(pickle.dumps(problem))
    assert again == problem
    assert hash(again) == hash(problem)
    function = FORWARD[problem.kind]
    for mine, other in zip(
        every_array(problem.inputs(function)).values(),
        every_array(pickle.loads(pickle.dumps(problem)).inputs(function)).values(),
        strict=True,
    ):
        np.testing.assert_array_equal(mine, other)


@given(problems(), st.integers(1, 5))
def test_siblings_differ_in_their_seeds_alone(problem: Problem, count: int) -> None:
    found = list(siblings(problem, count))
    assert found[0] == problem
    assert len({sibling.seed for sibling in found}) == count
    assert {repr(sibling).replace(f"seed={sibling.seed}", "") for sibling in found} == {
        repr(problem).replace(f"seed={problem.seed}", "")
    }


def test_siblings_take_the_dtypes_in_turn() -> None:
    narrow = Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1, dtype="float16")
    found = siblings(narrow, 3, dtypes=("float32", "float16"))
    assert [each.dtype for each in found] == ["float16", "float32", "float16"]


def test_siblings_take_the_regimes_in_turn() -> None:
    wild = Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1, regime="wild", seed=7)
    found = list(siblings(wild, 4, ("unit", "wild", "tiny")))
    assert [each.regime for each in found] == ["wild", "tiny", "unit", "wild"]
    assert [each.seed for each in found] == [7, 8, 9, 10]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "gru"),
        ("regime", "big"),
        ("dtype", "int64"),
        ("dtype", np.dtype("float64")),
        *((size, -1) for size in GOOD),
        ("n_a", 2.0),
        ("m", "3"),
        ("T_x", None),
        ("seed", -1),
        ("seed", 0.5),
    ],
)
def test_a_bad_value_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{field}=.*, expected "):
        Problem(**{"kind": "rnn", **GOOD, field: value})


# The arrays.


@given(problems(T_x=st.integers(1, 5)), st.booleans())
def test_arrays_have_the_shapes_of_the_contract(problem: Problem, cell: bool) -> None:
    contract = CONTRACTS[(CELL if cell else FORWARD)[problem.kind]]
    *arrays, parameters = problem.arguments(contract.name)
    shapes = {**contract.arguments, **contract.parameters}
    named = [parameters[name] for name in contract.parameters]
    for (name, shape), array in zip(shapes.items(), [*arrays, *named], strict=True):
        assert array.shape == tuple(extent(size, problem.sizes) for size in shape), name
        assert array.dtype == problem.dtype


@given(problems(regime=st.sampled_from(["unit", "ternary"])))  # in other regimes it may be 0
def test_the_memory_state_of_a_forward_starts_at_zero_and_that_of_a_cell_does_not(problem: Problem) -> None:
    assert not problem.inputs(FORWARD[problem.kind]).c0.any()
    c0 = problem.inputs(CELL[problem.kind]).c0
    assert c0.any() == (c0.size > 0)


@given(problems(m=st.integers(1, 4), regime=st.sampled_from(["unit", "wild", "ternary"])))
def test_the_same_seed_draws_the_same_numbers_and_another_seed_others(problem: Problem) -> None:
    function = FORWARD[problem.kind]
    again, sibling = (list(siblings(problem, 2))[i].inputs(function) for i in range(2))
    for name, array in every_array(problem.inputs(function)).items():
        np.testing.assert_array_equal(array, every_array(again)[name])
    drawn = np.concatenate([array.ravel() for array in every_array(problem.inputs(function)).values()])
    other = np.concatenate([array.ravel() for array in every_array(sibling).values()])
    assert (drawn != other).any() or problem.regime == "ternary"


def test_parameters_come_in_any_order() -> None:
    drawn = [Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1, seed=seed) for seed in range(50)]
    orders = {(*problem.arguments("rnn_forward")[-1],) for problem in drawn}
    assert len(orders) > 20
    assert len({frozenset(order) for order in orders}) == 1


@given(problems(m=st.integers(1, 5)), st.data())
def test_samples_are_selected_in_all_arrays(problem: Problem, data: st.DataObject) -> None:
    inputs = problem.inputs(CELL[problem.kind])
    samples = data.draw(st.lists(st.integers(0, problem.m - 1)))
    chosen = inputs.samples(samples)
    for name in ("x", "a0", "c0"):
        np.testing.assert_array_equal(getattr(chosen, name), getattr(inputs, name)[:, samples])
    assert chosen.parameters is inputs.parameters


@given(problems(T_x=st.integers(0, 6)))
def test_single_steps_are_samples_in_the_order_of_a_reshape(problem: Problem) -> None:
    inputs = problem.inputs(CELL[problem.kind] if problem.T_x == 1 else FORWARD[problem.kind])
    rng = np.random.default_rng(problem.seed)
    m, T_x = problem.m, problem.T_x
    a = rng.standard_normal((problem.n_a, m, T_x)).astype(problem.dtype)
    c = rng.standard_normal((len(inputs.c0), m, T_x)).astype(problem.dtype)
    steps = inputs.steps(a, c)
    assert steps.x.shape == (problem.n_x, m * T_x, 1)
    assert steps.dtype == steps.x.dtype == problem.dtype
    np.testing.assert_array_equal(steps.x.reshape(inputs.x.shape), inputs.x)
    for given_states, states, first in ((steps.a0, a, inputs.a0), (steps.c0, c, inputs.c0)):
        in_place = given_states.reshape(states.shape)
        for t in range(T_x):
            np.testing.assert_array_equal(in_place[:, :, t], states[:, :, t - 1] if t else first)


def test_single_steps_have_the_wider_dtype_of_an_answer() -> None:
    inputs = Problem.lstm(n_x=1, n_a=1, n_y=1, m=1, T_x=2, dtype="float32").inputs("lstm_forward")
    a = np.full((1, 1, 2), 0.1)
    steps = inputs.steps(a, a)
    assert steps.a0[0, 1] == steps.c0[0, 1] == 0.1
    assert steps.dtype == np.float32
    assert {array.dtype for array in every_array(steps).values()} == {np.dtype(np.float64)}


def test_single_steps_of_one_step_are_the_inputs_themselves() -> None:
    inputs = Problem.lstm(n_x=1, n_a=1, n_y=1, m=2, T_x=1, dtype="float32").inputs("lstm_cell_forward")
    a = np.ones((1, 2, 1), np.float32)
    assert inputs.steps(a, a) is inputs
    assert inputs.steps(a.astype(np.float64), a).x.dtype == np.float64
