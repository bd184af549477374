"""The backward pass of a sequence equals its cells in turn, and that of layers the derivatives of a loss."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given

import reference
from reference.contract import BACKWARDS, CONTRACTS, Array, extent
from reference.tests.calls import SIZES, arguments
from reference.tests.test_layers import any_call


def forward(kind: str, **sizes: int) -> tuple[Array, Any]:
    """The arguments of a backward pass: an incoming gradient, and the caches of a forward pass."""
    sizes = {**SIZES, **sizes}
    *_, caches = getattr(reference, f"{kind}_forward")(*arguments(f"{kind}_forward", sizes))
    shape = (sizes["n_a"], sizes["m"], sizes["T_x"])
    return np.random.default_rng(1).standard_normal(shape), caches


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_a_sequence_equals_its_cells_from_the_last_to_the_first(kind: str) -> None:
    da, caches = forward(kind)
    whole = getattr(reference, f"{kind}_backward")(da, caches)
    cell = getattr(reference, f"{kind}_cell_backward")
    da_next = dc_next = np.zeros(da.shape[:2])
    sums: dict[str, Any] = {}
    for t in reversed(range(da.shape[2])):
        memory = () if kind == "rnn" else (dc_next,)
        step = cell(da[:, :, t] + da_next, *memory, caches[0][t])
        da_next, dc_next = step["da_prev"], step.get("dc_prev")
        np.testing.assert_allclose(whole["dx"][:, :, t], step["dxt"], rtol=1e-12, atol=1e-12)
        for name in whole:
            if name[1] in "Wb":
                sums[name] = sums.get(name, 0) + step[name]
    np.testing.assert_allclose(whole["da0"], da_next, rtol=1e-12, atol=1e-12)
    for name, total in sums.items():
        np.testing.assert_allclose(whole[name], total, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_one_layer_equals_the_sequence(kind: str) -> None:
    x, a0, parameters = arguments(f"{kind}_forward")
    da, caches = forward(kind)
    states = [a0] if kind == "rnn" else [a0, np.zeros_like(a0)]
    absent = [None] * len(states)
    layer = getattr(reference, f"{kind}_layer_backward")
    dx, da0, *_, [gradients] = layer(da, *absent, x, *(state[None] for state in states), [parameters])
    whole = getattr(reference, f"{kind}_backward")(da, caches)
    for name, ours in {"dx": dx, "da0": da0[0], **gradients}.items():
        np.testing.assert_allclose(ours, whole[name], rtol=1e-12, atol=1e-12)


@given(any_call)
def test_layers_have_the_derivatives_of_the_loss(call: tuple[str, list[Any]]) -> None:
    """Compare the gradients with extrapolated central differences in a random direction of all inputs.

    The drawn weights are small, and so are the higher derivatives of the loss, on which the difference's own
    error depends (Richardson's extrapolation: Press et al., Numerical Recipes, ch. 5.7).
    """
    function, (*arrays, parameters, options) = call
    if function == "rnn_layer":
        options = {**options, "activation": "tanh"}  # relu has no derivative where a difference crosses 0
    outputs = getattr(reference, function)(*arrays, parameters, options)
    rng = np.random.default_rng(2)
    by_outputs = [rng.standard_normal(output.shape) for output in outputs]
    *by_arrays, by_parameters = getattr(reference, f"{function}_backward")(
        *by_outputs, *arrays, parameters, options
    )
    ways = [rng.standard_normal(array.shape) for array in arrays]
    parameter_ways = [{name: rng.standard_normal(W.shape) for name, W in p.items()} for p in parameters]

    def loss(h: float) -> float:
        moved = [array + h * way for array, way in zip(arrays, ways, strict=True)]
        others = [
            {name: p[name] + h * way[name] for name in p}
            for p, way in zip(parameters, parameter_ways, strict=True)
        ]
        ours = getattr(reference, function)(*moved, others, options)
        return float(sum((up * out).sum() for up, out in zip(by_outputs, ours, strict=True)))

    slope = sum((by * way).sum() for by, way in zip(by_arrays, ways, strict=True)) + sum(
        (by[f"d{name}"] * way[name]).sum()
        for by, way in zip(by_parameters, parameter_ways, strict=True)
        for name in way
    )

    def difference(h: float) -> float:
        return (loss(h) - loss(-h)) / (2 * h)

    assert slope == pytest.approx((4 * difference(1e-4) - difference(2e-4)) / 3, rel=1e-7, abs=1e-7)


@given(any_call)
def test_the_padding_has_no_effect_and_a_gradient_of_exactly_0(call: tuple[str, list[Any]]) -> None:
    function, (x, *others) = call
    a, *last = getattr(reference, function)(x, *others)
    lengths = others[-1].get("lengths", np.full(x.shape[1], x.shape[2]))
    beyond = np.arange(x.shape[2]) >= lengths[:, None]
    backward = getattr(reference, f"{function}_backward")
    dx, *rest = backward(np.ones_like(a), *last, x, *others)
    padded = backward(np.where(beyond, np.nan, np.ones_like(a)), *last, np.where(beyond, np.inf, x), *others)
    assert not dx[:, beyond].any()
    np.testing.assert_equal(padded, (dx, *rest))


@pytest.mark.parametrize("function", BACKWARDS)
@pytest.mark.parametrize("empty", ["n_x", "m"])
def test_without_features_or_samples_the_shapes_are_full(function: str, empty: str) -> None:
    contract = CONTRACTS[function]
    da, caches = forward(contract.kind, **{empty: 0})
    sizes = {**SIZES, empty: 0}
    given: list[Any] = [da, caches]
    if contract.is_cell:
        given = [*(da[:, :, -1] for _ in contract.arguments), caches[0][-1]]
    gradients = getattr(reference, function)(*given)
    for name, shape in contract.outputs.items():
        assert gradients[name].shape == tuple(extent(size, sizes) for size in shape)
        assert empty != "m" or not gradients[name].any()


def test_absent_states_and_gradients_are_zeros() -> None:
    x, a0, c0, parameters, options = lstm_call()
    da = np.ones((3, 2, 4))
    absent = reference.lstm_layer_backward(da, None, None, x, None, None, parameters, options)
    zeros = reference.lstm_layer_backward(da, a0, c0, x, a0, c0, parameters, options)
    np.testing.assert_equal(absent, zeros)
    with pytest.raises(
        ValueError, match=r"da has shape \(2, 2, 4\), expected \(D n_a, m, T_x\) = \(3, 2, 4\)"
    ):
        reference.lstm_layer_backward(da[:2], None, None, x, None, None, parameters, options)


def lstm_call() -> tuple[Any, ...]:
    """A call of an LSTM layer whose initial states are zeros."""
    rng, states = np.random.default_rng(1), np.zeros((1, 3, 2))
    weights = {f"W{gate}": rng.standard_normal((3, 5)) for gate in "fico"}
    biases = {f"b{gate}": rng.standard_normal((3, 1)) for gate in "fico"}
    return rng.standard_normal((2, 2, 4)), states, states, [{**weights, **biases}], {}


def test_errors_name_the_wrong_cache() -> None:
    da, caches = forward("lstm")
    steps, x = caches
    with pytest.raises(TypeError, match=r"caches is a list of 6, expected \(list of cell caches, x\)"):
        reference.lstm_backward(da, steps)
    with pytest.raises(ValueError, match=r"caches\[0\] holds 2 caches, da has shape \(5, 4, 6\)"):
        reference.lstm_backward(da, (steps[:2], x))
    with pytest.raises(TypeError, match=r"caches\[0\]\[1\] is a tuple of 9, expected a tuple \(a_next, c_n"):
        reference.lstm_backward(da, ([steps[0], steps[1][:9], *steps[2:]], x))
    with pytest.raises(ValueError, match=r"c_next has the shapes .*, expected \(n_a, m\) in each"):
        reference.lstm_backward(da, ([steps[0]._replace(c_next=x), *steps[1:]], x))
    with pytest.raises(ValueError, match=r"dc_next has shape \(3, 4\), expected \(n_a, m\) = \(5, 4\)"):
        reference.lstm_cell_backward(da[:, :, 0], da[:3, :, 0], steps[0])
    cache = (*steps[0][:-1], {**steps[0].parameters, "Wf": x})
    with pytest.raises(ValueError, match=r'parameters\["Wf"\] has shape'):
        reference.lstm_cell_backward(da[:, :, 0], da[:, :, 1], cache)
