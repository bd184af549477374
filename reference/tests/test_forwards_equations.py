"""A cell computes its equations, and a forward pass equals the loop over its cell."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference.lstm
import reference.rnn
from reference import lstm_cell_forward, lstm_forward, rnn_cell_forward, rnn_forward
from reference.contract import CONTRACTS, Array
from reference.tests.calls import (
    SIZES,
    arguments,
    by_name,
    call,
    every_forward,
    every_function,
    replaced,
    seeds,
    sizes,
    some,
)

U = 2.0**-53
"""The unit roundoff of float64."""
ETA = 2.0**-1074
"""The smallest subnormal number of float64."""


def affine(W: Array, v: Array, b: Array) -> tuple[Array, Array]:
    """The exact value of `W v + b`, and the largest error of a floating-point sum."""
    value = [
        [math.fsum([*(W[i] * v[:, j]).tolist(), b[i, 0]]) for j in range(v.shape[1])] for i in range(len(W))
    ]
    size = np.abs(W) @ np.abs(v) + np.abs(b)
    return np.array(value).reshape(size.shape), (W.shape[1] + 3) * (U * size + ETA)


def logistic(z: float) -> float:
    return math.exp(min(z, 0)) / (1 + math.exp(-abs(z)))


def elementwise(function: Callable[[float], float], z: Array) -> Array:
    return np.array([function(term) for term in z.ravel().tolist()]).reshape(z.shape)


def assert_predictions(yt_pred: Array, a_next: Array, Wy: Array, by: Array) -> None:
    """Assert that `yt_pred` is the softmax of the logits of a state."""
    z, error = affine(Wy, a_next, by)
    for actual, logits, allowed in zip(yt_pred.T, z.T, error.max(axis=0, initial=0), strict=True):
        true = [1 / math.fsum(math.exp(min(other - term, 700)) for other in logits) for term in logits]
        np.testing.assert_allclose(actual, true, rtol=math.expm1(2 * allowed) + 2000 * U, atol=1e-300)


@st.composite
def scaled(draw: st.DrawFn, function: str) -> list[Any]:
    """Arguments of every magnitude: subnormal, ordinary, and up to pre-activations of 1e4."""
    drawn = arguments(function, draw(some), draw(seeds))
    powers = st.sampled_from([-320, -310, -160, -8, 0, 0, 0, 1, 2])
    return replaced(
        function,
        drawn,
        {name: array * 10.0 ** draw(powers) for name, array in by_name(function, drawn).items()},
    )


def assert_within(allowed: Array, actual: Array, true: Array) -> None:
    assert (np.abs(actual - true) <= allowed + 12 * U * np.abs(true) + 3 * ETA).all()


@given(fitting=scaled("rnn_cell_forward"))
def test_the_rnn_cell_computes_its_equations(fitting: list[Any]) -> None:
    with np.errstate(all="raise"):
        a_next, yt_pred, _ = rnn_cell_forward(*fitting)
    xt, a_prev, p = fitting
    z, error = affine(np.hstack([p["Waa"], p["Wax"]]), np.vstack([a_prev, xt]), p["ba"])
    assert_within(error, a_next, elementwise(math.tanh, z))
    assert_predictions(yt_pred, a_next, p["Wya"], p["by"])


@given(fitting=scaled("lstm_cell_forward"))
def test_the_lstm_cell_computes_its_equations(fitting: list[Any]) -> None:
    """Each value is computed from the function's own values, so that every bound is that of one operation."""
    with np.errstate(all="raise"):
        a_next, c_next, yt_pred, (*_, ft, it, cct, ot, _, _) = lstm_cell_forward(*fitting)
    xt, a_prev, c_prev, p = fitting
    concat = np.vstack([a_prev, xt])
    for gate, computed in (("f", ft), ("i", it), ("o", ot)):
        z, error = affine(p[f"W{gate}"], concat, p[f"b{gate}"])
        true = elementwise(logistic, z)
        assert_within(2 * true * error, computed, true)  # the slope of the sigmoid is at most itself
    z, error = affine(p["Wc"], concat, p["bc"])
    assert_within(error, cct, elementwise(math.tanh, z))
    kept, new = ft * c_prev, it * cct
    assert_within(3 * U * (np.abs(kept) + np.abs(new)), c_next, kept + new)
    assert_within(0 * ot, a_next, ot * elementwise(math.tanh, c_next))
    assert_predictions(yt_pred, a_next, p["Wy"], p["by"])


def assert_near(actual: Array, expected: Array) -> None:
    """Assert that two arrays are equal, except for rounding in another order of summation."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)


@given(sizes=sizes, seed=seeds)
def test_rnn_forward_equals_the_loop_over_the_cell(sizes: dict[str, int], seed: int) -> None:
    """Each step starts from a state that the forward pass returned, so that no difference grows."""
    x, a0, parameters = arguments("rnn_forward", sizes, seed)
    a, y_pred, (caches, _) = rnn_forward(x, a0, parameters)
    a_prev = a0
    for t in range(sizes["T_x"]):
        a_next, yt_pred, cache = rnn_cell_forward(x[:, :, t], a_prev, parameters)
        a_prev = a[:, :, t]
        assert_near(a_prev, a_next)
        assert_near(y_pred[:, :, t], yt_pred)
        for ours, theirs in zip(caches[t][:-1], cache[:-1], strict=True):
            assert_near(ours, theirs)


@given(sizes=sizes, seed=seeds)
def test_lstm_forward_equals_the_loop_over_the_cell(sizes: dict[str, int], seed: int) -> None:
    """The first memory state is zero; each later step starts from states that the forward pass returned."""
    x, a0, parameters = arguments("lstm_forward", sizes, seed)
    a, y, c, (caches, _) = lstm_forward(x, a0, parameters)
    a_prev, c_prev = a0, np.zeros_like(a0)
    for t in range(sizes["T_x"]):
        a_next, c_next, yt_pred, cache = lstm_cell_forward(x[:, :, t], a_prev, c_prev, parameters)
        a_prev, c_prev = a[:, :, t], c[:, :, t]
        assert_near(a_prev, a_next)
        assert_near(c_prev, c_next)
        assert_near(y[:, :, t], yt_pred)
        for ours, theirs in zip(caches[t][:-1], cache[:-1], strict=True):
            assert_near(ours, theirs)


@every_forward
def test_inputs_are_validated_once_for_all_steps(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = reference.lstm if function.startswith("lstm") else reference.rnn
    validate: Callable[..., Any] = module.validate
    calls = []

    def counting(*args: Any) -> Any:
        calls.append(args[0])
        return validate(*args)

    monkeypatch.setattr(module, "validate", counting)
    call(function, arguments(function, {**SIZES, "T_x": 20}))
    assert calls == [function]


@every_function
@given(sizes=some, seed=seeds)
def test_without_features_the_input_has_no_effect(function: str, sizes: dict[str, int], seed: int) -> None:
    """The answer for `n_x = 0` equals that for one feature that is always 0."""
    one = arguments(function, {**sizes, "n_x": 1}, seed)
    x, *_ = CONTRACTS[function].arguments
    one = replaced(function, one, {x: 0 * one[0]})
    *arrays, parameters = one
    none = {
        name: array[:, :-1] if name in ("Wax", "Wf", "Wi", "Wc", "Wo") else array
        for name, array in parameters.items()
    }
    outputs = call(function, one)[:-1]
    for output, other in zip(outputs, call(function, [arrays[0][:0], *arrays[1:], none])[:-1], strict=True):
        assert_near(output, other)
