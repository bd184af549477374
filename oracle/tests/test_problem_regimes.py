"""The numbers that each regime draws."""

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from oracle.problems.drawing import ZERO_PROBABILITY, ZERO_STATES_PROBABILITY, Regime
from oracle.problems.problem import DType, Problem, siblings
from oracle.tests.problems import CELL, FORWARD, problems
from oracle.tests.test_problem import GOOD, every_array, in_regime
from reference.contract import Array, Kind


@given(in_regime("ternary"))
def test_ternary_entries_are_in_minus_1_0_1(problem: Problem) -> None:
    for name, array in every_array(problem.inputs(CELL[problem.kind])).items():
        allowed = {-1, 0, 1} if name == "x" or name.startswith("W") else {-1, 1}
        assert set(array.ravel().tolist()) <= allowed, name


@given(problems(**{name: st.integers(1, 6) for name in GOOD}))
# A draw of 1e-4 times the smallest scale lies below float16's smallest number.
@example(Problem.lstm(n_x=1, n_a=1, n_y=1, m=1, T_x=1, regime="tiny", seed=1056, dtype="float16"))
def test_no_bias_and_no_state_is_all_zero_except_in_regimes_for_that(problem: Problem) -> None:
    may_be = {"wild": "abc", "counting": "ac"}.get(problem.regime, "")
    for name, array in every_array(problem.inputs(CELL[problem.kind])).items():
        if name[0] in "abc" and name[0] not in may_be and (problem.regime, name) != ("subnormal", "bc"):
            assert array.any() == (array.size > 0), name


@pytest.mark.parametrize(
    ("regime", "name", "probability"),
    [
        *(("wild", name, ZERO_PROBABILITY) for name in ("ba", "bf", "by")),
        *(
            (regime, name, ZERO_STATES_PROBABILITY)
            for regime in ("wild", "counting")
            for name in ("a0", "c0")
        ),
    ],
)
def test_biases_and_states_are_sometimes_all_zero(regime: Regime, name: str, probability: float) -> None:
    kind: Kind = "rnn" if name == "ba" else "lstm"
    drawn = [Problem(kind, n_x=1, n_a=2, n_y=2, m=2, T_x=1, regime=regime, seed=seed) for seed in range(400)]
    unset = sum(not every_array(problem.inputs(CELL[kind]))[name].any() for problem in drawn)
    assert 400 * probability / 2 < unset < 400 * probability * 2


@pytest.mark.parametrize("dtype", get_args(DType))
def test_the_tiny_regime_reaches_down_to_the_smallest_normal_numbers(dtype: DType) -> None:
    limits = np.finfo(dtype)
    sizes = [
        np.abs(array[array != 0]).min(initial=1)
        for seed in range(200)
        for array in every_array(
            Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1, regime="tiny", seed=seed, dtype=dtype).inputs(
                "rnn_forward"
            )
        ).values()
    ]
    assert min(sizes) < limits.tiny * 10


@given(in_regime("huge"))
@example(Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1, regime="huge", seed=249))
def test_huge_stays_within_its_limit_in_any_order_of_summation(problem: Problem) -> None:
    inputs = problem.inputs(CELL[problem.kind])
    assert all(np.isfinite(array).all() for array in every_array(inputs).values())
    assert np.abs(inputs.x).max() <= 1
    assert np.abs(inputs.a0).max() <= 1
    sums: dict[str, Array] = {}
    for (
        name,
        array,
    ) in (
        inputs.parameters.items()
    ):  # the products of Waa and Wax and the bias ba are terms of one sum; so are Wf and bf
        sums[name[1]] = sums.get(name[1], 0) + np.abs(array.astype(np.float64)).sum(axis=1)
    for name, size in sums.items():
        assert size.max() <= 1e4 * (1 + np.finfo(problem.dtype).eps), name


def test_huge_logits_and_pre_activations_come_near_the_limit() -> None:
    reached = [
        np.abs(problem.inputs("rnn_forward").parameters["by"]).max()
        for problem in siblings(Problem.rnn(n_x=3, n_a=4, n_y=5, m=2, T_x=2, regime="huge"), 200)
    ]
    assert max(reached) > 2000


@given(in_regime("nonfinite"), st.booleans())
def test_nonfinite_changes_exactly_one_entry_of_the_arguments(problem: Problem, cell: bool) -> None:
    inputs = problem.inputs((CELL if cell else FORWARD)[problem.kind])
    poisoned = {name: np.count_nonzero(~np.isfinite(array)) for name, array in every_array(inputs).items()}
    assert sum(poisoned.values()) == 1, poisoned
    assert not any(poisoned[name] for name in inputs.parameters)


def test_nonfinite_changes_every_array_to_every_value() -> None:
    met: set[tuple[str, Any]] = set()
    for problem in siblings(Problem.lstm(n_x=2, n_a=2, n_y=2, m=2, T_x=3, regime="nonfinite"), 300):
        for name, array in every_array(problem.inputs("lstm_cell_forward")).items():
            met |= {(name, str(value)) for value in array[~np.isfinite(array)]}
        x = problem.inputs("lstm_forward").x
        met |= {("step", t) for t in range(3) if not np.isfinite(x[:, :, t]).all()}
    assert met == {(name, value) for name in ("x", "a0", "c0") for value in ("nan", "inf", "-inf")} | {
        ("step", t) for t in range(3)
    }


@pytest.mark.parametrize(("n_x", "m", "T_x"), [(0, 1, 1), (1, 0, 1), (1, 1, 0), (0, 0, 0)])
@pytest.mark.parametrize("regime", get_args(Regime))
def test_every_regime_draws_empty_arrays(regime: Regime, n_x: int, m: int, T_x: int) -> None:
    problem = Problem.lstm(n_x=n_x, n_a=1, n_y=1, m=m, T_x=T_x, regime=regime)
    assert problem.inputs("lstm_forward").x.shape == (n_x, m, T_x)


# Samples and steps.


def test_some_counting_inputs_are_whole_numbers_above_one_or_negative_zero() -> None:
    """Every run draws a dozen such problems."""
    drawn = [Problem.lstm(n_x=4, n_a=3, n_y=2, m=3, T_x=3, regime="counting", seed=s) for s in range(12)]
    x = np.concatenate([problem.inputs("lstm_forward").x.ravel() for problem in drawn])
    assert (np.signbit(x) & (x == 0)).any()
    assert ((x > 1) & (x == np.round(x))).any()
    assert (x != np.round(x)).any()


@pytest.mark.parametrize("regime", ["wild", "counting"])
def test_some_incoming_gradients_are_zero_from_a_step_on(regime: Regime) -> None:
    """A program may stop at such a step, and every run draws a dozen such problems."""
    drawn = [Problem.lstm(n_x=1, n_a=2, n_y=1, m=2, T_x=4, regime=regime, seed=s) for s in range(40)]
    steps = [np.abs(each.arguments("lstm_backward")[0]).max(axis=0) > 0 for each in drawn]
    assert all(each[:, 0].all() and (each[:, 1:] <= each[:, :-1]).all() for each in steps)
    assert any(not each[:, -1].any() for each in steps)
    assert any(each[:, -1].any() and not each[:, -1].all() for each in steps)
