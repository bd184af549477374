"""A problem of layers is rebuilt from its line, and draws the lengths that its field names."""

import pickle
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from oracle.problems.drawing import Lengths, Regime
from oracle.problems.inputs import LayerInputs
from oracle.problems.problem import LayerProblem, Problem, siblings
from oracle.tests.problems import layer_problems
from reference.contract import CONTRACTS, Array, direction_shapes, extent

GOOD: dict[str, Any] = {"n_x": 1, "n_a": 2, "m": 1, "T_x": 2}
some = {"m": st.integers(1, 5), "T_x": st.integers(1, 5)}


def every_array(inputs: LayerInputs) -> Iterator[tuple[str, Array]]:
    yield from (("x", inputs.x), ("a0", inputs.a0), ("c0", inputs.c0))
    yield from ((name, p[name]) for p in inputs.parameters for name in sorted(p))


def assert_same_arrays(ours: LayerInputs, theirs: LayerInputs) -> None:
    for (name, array), (_, other) in zip(every_array(ours), every_array(theirs), strict=True):
        np.testing.assert_array_equal(array, other, err_msg=name)


# The line that rebuilds a problem.


@given(layer_problems())
def test_the_repr_rebuilds_the_problem(problem: LayerProblem) -> None:
    line = repr(problem)
    assert "\n" not in line
    assert "n_y" not in line
    again = Problem.parse(f"  {line}\n")
    assert eval(line, {"Problem": Problem}) == again == problem
    assert_same_arrays(again.inputs(problem.kind), problem.inputs(problem.kind))
    np.testing.assert_array_equal(again.inputs(problem.kind).ends, problem.inputs(problem.kind).ends)


def test_the_repr_has_every_option_of_the_network() -> None:
    assert repr(Problem.lstm_layer(**GOOD, layers=3, directions=2, n_p=1, lengths="with 1", seed=4)) == (
        "Problem.lstm_layer(n_x=1, n_a=2, m=1, T_x=2, layers=3, directions=2, n_p=1, "
        'lengths="with 1", regime="unit", seed=4, dtype="float64")'
    )
    assert repr(Problem.rnn_layer(**GOOD, activation="relu", regime="tiny", dtype="float16")) == (
        'Problem.rnn_layer(n_x=1, n_a=2, m=1, T_x=2, layers=1, directions=1, activation="relu", '
        'lengths="absent", regime="tiny", seed=0, dtype="float16")'
    )


@pytest.mark.parametrize(
    "text",
    [
        "Problem.lstm_layer(",
        "Problem.gru_layer(n_x=1, n_a=2, m=1, T_x=2)",
        "Problem.lstm_layer(n_x=1)",
        "Problem.lstm_layer(n_x=1, n_a=2, n_y=2, m=1, T_x=2)",
        "Problem.lstm_layer(n_x=1, n_a=2, m=1, T_x=2, layers=0)",
        "Problem.lstm_layer(n_x=1, n_a=2, m=1, T_x=2, lengths=[1])",
        'Problem.lstm_layer(n_x=1, n_a=2, m=1, T_x=0, lengths="equal")',
        'Problem.lstm_layer(n_x=1, n_a=2, m=1, T_x=2, activation="relu")',
        "Problem.rnn_layer(n_x=1, n_a=2, m=1, T_x=2, n_p=1)",
        "Problem.rnn_layer(n_x=1, n_a=2, m=1, T_x=2, bias=False)",
        "Problem.rnn_layer(3, n_x=1, n_a=2, m=1, T_x=2)",
        "Problem.rnn(3, n_x=1, n_a=2, n_y=2, m=1, T_x=2)",
        "Problem.rnn(n_x=1, n_a=2, n_y=2, m=1, T_x=2, layers=1)",
        "Problem.rnn_layer(n_x=1, n_a=2, m=1, T_x=2, **{})",
        "LayerProblem('rnn_layer', n_x=1, n_a=2, m=1, T_x=2)",
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no problem \(.*\); one looks like Problem.lstm\(n_x=1, "):
        Problem.parse(text)


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("gru_layer", {}, "kind='gru_layer', expected one of rnn_layer, lstm_layer"),
        ("rnn", {}, "kind='rnn', expected one of rnn_layer, lstm_layer"),
        ("lstm_layer", {"layers": 0}, "layers=0, directions=1, expected 1 up, and 1 or 2"),
        ("lstm_layer", {"directions": 0}, "layers=1, directions=0, expected"),
        ("lstm_layer", {"directions": 3}, "layers=1, directions=3, expected"),
        ("lstm_layer", {"layers": -1}, "layers=-1, expected an integer from 0 up"),
        ("lstm_layer", {"layers": 2.0}, r"layers=2.0, expected an integer"),
        ("lstm_layer", {"n_p": -1}, "n_p=-1, expected an integer from 0 up"),
        ("lstm_layer", {"lengths": "some"}, "lengths='some', expected one of absent, equal, random, "),
        ("lstm_layer", {"lengths": None}, "lengths=None, expected one of absent, "),
        ("lstm_layer", {"lengths": "equal", "T_x": 0}, 'lengths="equal", expected "absent" where T_x=0'),
        ("lstm_layer", {"activation": "relu"}, 'activation="relu", expected "tanh" for an LSTM'),
        ("rnn_layer", {"activation": "sigmoid"}, "activation='sigmoid', expected one of tanh, relu"),
        ("rnn_layer", {"n_p": 1}, "n_p=1, expected 0 for an RNN"),
        ("rnn_layer", {"regime": "big"}, "regime='big', expected one of "),
    ],
)
def test_a_bad_value_is_refused_by_name(kind: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        LayerProblem(kind, **{**GOOD, **given})


def test_a_layer_has_no_n_y_and_the_four_functions_have_no_layers() -> None:
    with pytest.raises(TypeError, match="n_y"):
        Problem.lstm_layer(**GOOD, n_y=2)
    with pytest.raises(ValueError, match=r"^kind='rnn_layer', expected one of rnn, lstm$"):
        Problem("rnn_layer", n_y=1, **GOOD)  # type: ignore[arg-type]


@given(layer_problems())
def test_a_problem_survives_pickling_and_can_be_a_key(problem: LayerProblem) -> None:
    problem.inputs(problem.kind)
    again = pickle.loads(pickle.dumps(problem))
    assert again == problem
    assert hash(again) == hash(problem)


@given(layer_problems(), st.integers(1, 5))
def test_siblings_differ_in_their_seeds_alone(problem: LayerProblem, count: int) -> None:
    found = list(siblings(problem, count))
    assert found[0] == problem
    assert [replace(sibling, seed=problem.seed) for sibling in found] == [problem] * count
    assert len({sibling.seed for sibling in found}) == count


# The arrays.


@given(layer_problems())
def test_arrays_have_the_shapes_of_the_contract(problem: LayerProblem) -> None:
    x, *states, parameters, options = problem.arguments(problem.kind)
    contract, sizes = CONTRACTS[problem.kind], {**problem.sizes, "n_h": problem.n_p or problem.n_a}
    for shape, array in zip(contract.arguments.values(), [x, *states], strict=True):
        assert array.shape == tuple(extent(size, sizes) for size in shape)
        assert array.dtype == problem.dtype
    assert len(parameters) == problem.layers * problem.directions
    for k, p in enumerate(parameters):
        shapes = direction_shapes(contract.kind, k // problem.directions, problem.n_p > 0)
        assert {name: array.shape for name, array in p.items()} == {
            name: tuple(extent(size, sizes) for size in shape) for name, shape in shapes.items()
        }
        assert {array.dtype for array in p.values()} == {np.dtype(problem.dtype)}
    assert options["directions"] == problem.directions
    assert ("activation" in options) == (contract.kind == "rnn")
    assert ("lengths" in options) == (problem.lengths != "absent")


@given(layer_problems())
def test_the_reference_accepts_the_arguments(problem: LayerProblem) -> None:
    for array in getattr(reference, problem.kind)(*problem.arguments(problem.kind)):
        assert array.dtype == problem.dtype


@given(layer_problems(**some, regime=st.sampled_from(["unit", "tiny"])))
def test_the_same_seed_draws_the_same_numbers_and_another_seed_others(problem: LayerProblem) -> None:
    ours, again, other = (
        replace(problem, seed=seed).inputs(problem.kind)
        for seed in (problem.seed, problem.seed, problem.seed + 1)
    )
    assert_same_arrays(ours, again)
    np.testing.assert_array_equal(ours.ends, again.ends)
    drawn, others = (np.concatenate([a.ravel() for _, a in every_array(each)]) for each in (ours, other))
    assert (drawn != others).any()


@given(layer_problems(**some), st.sampled_from(get_args(Lengths)))
def test_other_lengths_leave_the_arrays_as_they_are(problem: LayerProblem, lengths: Lengths) -> None:
    assert_same_arrays(problem.inputs(problem.kind), replace(problem, lengths=lengths).inputs(problem.kind))


def test_no_layer_and_no_direction_has_the_parameters_of_another() -> None:
    inputs = Problem.lstm_layer(n_x=4, n_a=2, m=1, T_x=1, layers=3, directions=2).inputs("lstm_layer")
    assert len({float(p["bf"][0, 0]) for p in inputs.parameters}) == 6
    assert len(np.unique(inputs.a0)) == len(np.unique(inputs.c0)) == 12


def test_parameters_come_in_any_order() -> None:
    problem = Problem.lstm_layer(n_x=1, n_a=1, m=1, T_x=1, layers=20)
    orders = {(*p,) for p in problem.inputs("lstm_layer").parameters}
    assert len(orders) > 10
    assert len({frozenset(order) for order in orders}) == 1


@given(layer_problems(**some, regime=st.just("nonfinite"), n_x=st.integers(1, 3)))
def test_nonfinite_changes_exactly_one_entry_of_the_input_or_a_state(problem: LayerProblem) -> None:
    poisoned = [name for name, a in every_array(problem.inputs(problem.kind)) if not np.isfinite(a).all()]
    assert len(poisoned) == 1
    assert poisoned[0] in ("x", "a0", "c0")


@given(layer_problems(**some, regime=st.just("nonfinite"), n_x=st.integers(1, 3)))
def test_in_a_backward_pass_a_sample_with_padding_is_finite(problem: LayerProblem) -> None:
    inputs: Any = problem.inputs(f"{problem.kind}_backward")
    ends_early = inputs.ends < inputs.x.shape[2]
    for array in (
        inputs.x[:, ends_early],
        inputs.da[:, ends_early],
        *(state[:, :, ends_early] for state in (inputs.a0, inputs.c0)),
    ):
        assert np.isfinite(array).all()


@pytest.mark.parametrize(("n_x", "m", "T_x"), [(0, 1, 1), (1, 0, 1), (1, 1, 0), (0, 0, 0)])
@pytest.mark.parametrize("regime", get_args(Regime))
def test_every_regime_draws_empty_arrays(regime: Regime, n_x: int, m: int, T_x: int) -> None:
    for lengths in get_args(Lengths) if T_x else ("absent",):
        problem = Problem.lstm_layer(n_x=n_x, n_a=1, m=m, T_x=T_x, regime=regime, lengths=lengths)
        assert problem.inputs("lstm_layer").x.shape == (n_x, m, T_x)


# Lengths.
