"""The bounds of gradients: no correct program exceeds them, and a small mistake does."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.faults import Fault
from oracle.problems.drawing import Lengths, Regime
from oracle.problems.inputs import AnyBackward, BackwardInputs, LayerBackwardInputs
from oracle.problems.problem import DType, Problem
from oracle.tests.gradients import by_reference, multiplied_out, recomputed
from oracle.witnesses import exact, own_steps, pytorch
from oracle.witnesses.bounds import backward_operations, bounds_on
from oracle.witnesses.rounding import Bounded
from reference.contract import BACKWARDS, CONTRACTS, LAYERS_BACKWARD, Array

sizes = {name: st.integers(1, 5) for name in ("n_x", "n_a", "m")}
numbers = {
    "seed": st.integers(0, 2**20),
    "regime": st.sampled_from([each for each in get_args(Regime) if each != "subnormal"]),
    "dtype": st.sampled_from(get_args(DType)),
}


@st.composite
def posed(draw: st.DrawFn, /, functions: Any = (*BACKWARDS, *LAYERS_BACKWARD), **given: Any) -> AnyBackward:
    """Inputs of backward passes."""
    contract = CONTRACTS[draw(st.sampled_from(functions))]
    T_x = st.just(1) if contract.is_cell else st.integers(1, 6)
    fields = {**sizes, "T_x": T_x, **numbers, **given}
    if contract.is_layer:
        fields |= {"layers": st.integers(1, 3), "directions": st.integers(1, 2)}
        fields["lengths"] = st.sampled_from(get_args(Lengths))
        own = (
            {"n_p": st.integers(0, 3)}
            if contract.kind == "lstm"
            else {"activation": st.sampled_from(["tanh", "relu"])}
        )
        fields |= own
    else:
        fields["n_y"] = st.just(1)
    problem: Problem = getattr(Problem, contract.problem_kind)(
        **{n: draw(field) for n, field in fields.items()}
    )
    inputs: Any = problem.inputs(contract.name)
    return inputs  # type: ignore[no-any-return]


def assert_within(answer: Mapping[str, Array], bounds: Mapping[str, Bounded]) -> None:
    """Assert that an answer is within twice the bound, the allowed difference of two correct programs."""
    for name in answer.keys() & bounds.keys():
        ours, value, error = answer[name], bounds[name].value, bounds[name].error
        assert ours.shape == value.shape, name
        with np.errstate(invalid="ignore"):
            off = np.abs(ours - value) > 2 * error
        differs = np.isfinite(ours) != np.isfinite(value)
        wrong = np.where(np.isfinite(value) & np.isfinite(ours), off, differs) & (error < np.inf)
        assert not wrong.any(), f"{name}: {ours[wrong]} for {value[wrong]} ± {error[wrong]}"


def assert_exactly_within(answer: Mapping[str, Array], inputs: AnyBackward) -> None:
    bounds, exactly = bounds_on(inputs), exact.evaluate(inputs, 1e-40)
    for name, ours in answer.items():
        for at in np.ndindex(ours.shape):
            enclosure: Any = exactly[name][at]
            far, allowed = enclosure.distance_at_most(ours[at]), bounds[name].error[at]
            assert far <= allowed or allowed == np.inf, (
                f"{name}{list(at)} is {far / allowed if allowed else far}"
            )


@given(posed())
def test_the_reference_stays_within_the_bound(inputs: AnyBackward) -> None:
    assert_within(by_reference(inputs), bounds_on(inputs))


@given(posed())
def test_equations_of_mistakes_without_a_change_stay_within_the_bound(inputs: AnyBackward) -> None:
    unchanged = Fault("", "", "", {function: {} for function in (*BACKWARDS, *LAYERS_BACKWARD)})
    answer, right = by_reference(inputs, unchanged), by_reference(inputs)
    assert {name: each.dtype for name, each in answer.items()} == {
        name: each.dtype for name, each in right.items()
    }
    assert_within(answer, bounds_on(inputs))


@given(posed([name for name in (*BACKWARDS, *LAYERS_BACKWARD) if "cell" in name or "layer" in name]))
def test_torch_stays_within_the_bound(inputs: AnyBackward) -> None:
    assert_within(pytorch.run(inputs), bounds_on(inputs))


@given(posed(BACKWARDS))
def test_programs_that_multiply_out_or_compute_the_gates_again_stay_within_the_bound(
    inputs: BackwardInputs,
) -> None:
    bounds = bounds_on(inputs)
    assert_within(multiplied_out(inputs), bounds)
    assert_within(recomputed(inputs), bounds)


def opposed(scale: float, dtype: DType) -> BackwardInputs:
    """A step in which the incoming gradient of the memory state cancels the gradient through h."""
    problem = Problem.lstm(n_x=1, n_a=4, n_y=1, m=500, T_x=1, dtype=dtype)
    forward, given = problem.inputs("lstm_cell_forward"), problem.inputs("lstm_cell_backward")
    assert isinstance(given, BackwardInputs)
    large = replace(forward, c0=8 * forward.c0)
    inputs = BackwardInputs.of(large, given.da * np.asarray(scale, dtype), given.dc)
    h = np.tanh(inputs.cached["c"])
    return replace(inputs, dc=-(inputs.da * inputs.cached["ot"] * (1 - h * h))[:, :, 0])


@pytest.mark.parametrize(
    ("scale", "dtype"), [(1, "float64"), (1, "float32"), (1, "float16"), (15000, "float16")]
)
def test_sums_that_cancel_may_be_multiplied_out(scale: float, dtype: DType) -> None:
    """Each term of such a sum is rounded, and may overflow, although the sum is near 0."""
    inputs = opposed(scale, dtype)
    answer = multiplied_out(inputs)
    assert np.isfinite(answer["dx"]).all() == (scale == 1)
    assert_within(answer, bounds_on(inputs))


@pytest.mark.parametrize(
    "problem",
    [
        Problem.rnn(n_x=3, n_a=4, n_y=1, m=3, T_x=2, regime="wild", seed=64),
        Problem.lstm(n_x=3, n_a=4, n_y=1, m=3, T_x=2, regime="wild", seed=107),
    ],
    ids=repr,
)
def test_gates_of_saturated_units_may_be_computed_again(problem: Problem) -> None:
    """The digits that are lost in 1 - a² and s(1 - s) exceed the rounding of the chain rule itself."""
    inputs: Any = problem.inputs(f"{problem.kind}_backward")
    assert_within(recomputed(inputs), bounds_on(inputs))


few = {"n_x": st.integers(1, 2), "n_a": st.integers(1, 3), "m": st.integers(1, 2), "T_x": st.integers(1, 3)}


@given(posed(**few, regime=st.sampled_from(["ternary", "unit", "wild", "tiny", "counting"])))
def test_all_programs_are_within_the_bound_of_the_exact_gradient(inputs: AnyBackward) -> None:
    """This test takes a second, since ball arithmetic encloses every gradient."""
    assert_exactly_within(by_reference(inputs), inputs)
    evaluation = {name: bounded.value for name, bounded in bounds_on(inputs).items()}
    assert_exactly_within(evaluation, inputs)


@given(
    posed(
        ["rnn_backward", "lstm_backward"],
        regime=st.sampled_from(["ternary", "unit", "wild", "counting", "huge"]),
    )
)
def test_each_step_stays_within_its_own_bound(inputs: BackwardInputs) -> None:
    n = len(inputs.a0) * (4 if inputs.kind == "lstm" else 1)
    x = np.random.default_rng(0).standard_normal((n, *inputs.x.shape[1:])).astype(inputs.dtype)
    shown = inputs.with_pre_activations_as_inputs(x)
    for answer in (by_reference(shown), multiplied_out(shown), recomputed(shown)):
        assert_within(answer, own_steps.evaluate(shown, answer["dx"]))


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_each_step_is_sharp_where_the_sequence_is_not(kind: str) -> None:
    """One of forty steps ignores the later steps, which the bound of the whole sequence allows."""
    problem = getattr(Problem, kind)(n_x=3, n_a=24, n_y=1, m=2, T_x=40, regime="unit", dtype="float32")
    forward = problem.inputs(f"{kind}_forward")
    p = {name: 3 * W if name.startswith("W") else W for name, W in forward.parameters.items()}
    da = np.random.default_rng(1).standard_normal((24, 2, 40)).astype("float32")
    inputs = BackwardInputs.of(replace(forward, parameters=p), da, np.zeros_like(forward.c0))
    x = np.random.default_rng(0).standard_normal((24 if kind == "rnn" else 96, 2, 40)).astype("float32")
    shown = inputs.with_pre_activations_as_inputs(x)
    whole, cut = by_reference(shown)["dx"], by_reference(shown.span(0, 6))["dx"][:, :, 5]
    dz = np.concatenate([whole[:, :, :5], cut[:, :, None], whole[:, :, 6:]], axis=2)
    each, every = own_steps.evaluate(shown, dz)["dx"], bounds_on(shown)["dx"]
    off = np.abs(dz - each.value)[:, :, 5] / each.error[:, :, 5]
    assert np.nanmedian(off) > 1e2
    assert np.all(np.abs(dz - every.value)[:, :, 5] <= every.error[:, :, 5])


@pytest.mark.parametrize("function", [*BACKWARDS, *LAYERS_BACKWARD])
def test_a_relative_mistake_of_1e_10_in_any_gradient_is_found(function: str) -> None:
    problem = getattr(Problem, CONTRACTS[function].problem_kind)(
        n_x=3,
        n_a=4,
        m=3,
        T_x=1 if CONTRACTS[function].is_cell else 4,
        **({} if "layer" in function else {"n_y": 1}),
    )
    inputs: Any = problem.inputs(function)
    bounds = bounds_on(inputs)
    for name, ours in by_reference(inputs).items():
        assert np.max(np.abs(1e-10 * ours) / bounds[name].error) > 2, name


@pytest.mark.parametrize("function", [*BACKWARDS, *LAYERS_BACKWARD])
def test_without_incoming_gradients_all_gradients_are_zero(function: str) -> None:
    """If all incoming gradients are 0, all gradients and all bounds are 0."""
    problem = getattr(Problem, CONTRACTS[function].problem_kind)(
        n_x=3, n_a=4, m=3, T_x=1 if CONTRACTS[function].is_cell else 4, regime="tiny",
        **({} if "layer" in function else {"n_y": 1}),
    )  # fmt: skip
    inputs: Any = problem.inputs(function)
    nothing = {
        n: np.zeros_like(getattr(inputs, n)) for n in ("da", "dc", "da_last", "dc_last") if hasattr(inputs, n)
    }
    for name, bounded in bounds_on(replace(inputs, **nothing)).items():
        assert bounded.is_zero.all(), name


@given(
    posed(LAYERS_BACKWARD, lengths=st.sampled_from(["equal", "random", "with 1", "with T_x"])),
    st.sampled_from([np.nan, np.inf, -np.inf]),
)
def test_the_padding_has_no_effect_on_any_gradient(posed: LayerBackwardInputs, padding: float) -> None:
    x, da = (np.where(posed.within, each, padding).astype(each.dtype) for each in (posed.x, posed.da))
    inputs = replace(posed, x=x, da=da)
    bounds = bounds_on(inputs)
    assert_within(by_reference(inputs), bounds)
    assert_within(pytorch.run(inputs), bounds)


def test_each_step_is_unknown_where_another_unit_may_have_overflowed() -> None:
    problem = Problem.lstm(n_x=2, n_a=4, n_y=6, m=7, T_x=11, regime="wild", seed=10, dtype="float16")
    inputs: Any = problem.inputs("lstm_backward")
    for seed in (0, 1):
        x = np.random.default_rng(seed).standard_normal((16, 7, 11)).astype("float16")
        shown = inputs.with_pre_activations_as_inputs(x)
        answer = by_reference(shown)
        assert np.isnan(answer["dx"]).any()
        assert_within(answer, own_steps.evaluate(shown, answer["dx"]))


def test_shapes_of_layers_without_steps() -> None:
    inputs: Any = Problem.lstm_layer(n_x=2, n_a=3, m=2, T_x=0, layers=2).inputs("lstm_layer_backward")
    assert isinstance(inputs, LayerBackwardInputs)
    bounds, torch, ours = bounds_on(inputs), pytorch.run(inputs), by_reference(inputs)
    assert {n: b.value.shape for n, b in bounds.items()} == {n: a.shape for n, a in torch.items()}
    assert_within(torch, bounds)
    assert_within(ours, bounds)
    np.testing.assert_array_equal(ours["dc0"][:, :, 0], inputs.dc_last.reshape(6, 2))


def test_every_call_has_the_same_operations() -> None:
    """The operations are cached, so that fuzzing takes no more memory with every problem."""
    inputs: Any = Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=2).inputs("rnn_backward")
    shown, numbers_of_operations = inputs.showing_each_step(0), set()
    for _ in range(2):
        own_steps.evaluate(shown, by_reference(shown)["dx"])
        numbers_of_operations.add(backward_operations.cache_info().currsize)
    assert len(numbers_of_operations) == 1
