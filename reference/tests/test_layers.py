"""Layers equal their cells, step by step and layer by layer, for each sample at its own length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from reference.contract import CONTRACTS, LAYERS, Array, Kind, direction_shapes, extent
from reference.rnn import relu

every_layer = pytest.mark.parametrize("function", LAYERS)


@st.composite
def calls(draw: st.DrawFn, /, kind: Kind, projected: bool | None = None, **fixed: int) -> list[Any]:
    """Arguments of a layer: standard normal arrays, the parameters and the options.

    Weights of a third of a standard normal keep a difference in rounding from growing over steps and layers.
    """
    names = {"n_x": 0, "n_a": 1, "n_p": 1, "m": 0, "T_x": 0, "L": 1}
    sizes = {name: fixed.get(name, draw(st.integers(least, 3))) for name, least in names.items()}
    sizes["D"] = fixed.get("D", draw(st.integers(1, 2)))
    if projected is None:
        projected = kind == "lstm" and draw(st.booleans())
    sizes["n_h"] = sizes["n_p" if projected else "n_a"]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def drawn(shapes: Any) -> dict[str, Array]:
        return {
            name: rng.standard_normal([extent(n, sizes) for n in shape]) for name, shape in shapes.items()
        }

    arrays = drawn(CONTRACTS[f"{kind}_layer"].arguments)
    places = range(sizes["L"] * sizes["D"])
    normal = [drawn(direction_shapes(kind, k // sizes["D"], projected)) for k in places]
    parameters = [{name: W / 3 for name, W in p.items()} for p in normal]
    options: dict[str, Any] = {"directions": sizes["D"]}
    if kind == "rnn":
        options["activation"] = draw(st.sampled_from(["tanh", "relu"]))
    if sizes["T_x"] and draw(st.booleans()):
        options["lengths"] = rng.integers(1, sizes["T_x"] + 1, sizes["m"])
    return [*arrays.values(), parameters, options]


any_call = st.one_of(
    st.tuples(st.just("rnn_layer"), calls("rnn")), st.tuples(st.just("lstm_layer"), calls("lstm"))
)


def step(v: Array, states: list[Array], p: dict[str, Array], activation: Any) -> list[Array]:
    """The states after one step, from the cells, which are written as the equations."""
    if len(states) == 1:
        z = p["Waa"] @ states[0] + p["Wax"] @ v + p["ba"]
        return [activation(z)]
    n_a, n_h = len(p["bf"]), len(states[0])
    # A cell has n_h = n_a hidden states, so the product with a_prev becomes a part of the input.
    given = np.concatenate([states[0], v])
    weights = {f"W{g}": np.hstack([np.zeros((n_a, n_a)), p[f"W{g}"]]) for g in "fico"}
    biases = {f"b{g}": p[f"b{g}"] for g in "fico"}
    head = {"Wy": np.zeros((1, n_a)), "by": np.zeros((1, 1))}
    zero = np.zeros((n_a, v.shape[1]))
    a, c, _, _ = reference.lstm_cell_forward(given, zero, states[1], {**weights, **biases, **head})
    assert n_h == len(p.get("Wp", a))
    return [p["Wp"] @ a if "Wp" in p else a, c]


def literally(x: Array, *arguments: Any) -> list[Array]:
    """The answer of layers as in the specification, one sample after the other."""
    *initial, parameters, options = arguments
    D, (_, m, T_x) = options["directions"], x.shape
    activation = relu if options.get("activation") == "relu" else np.tanh
    lengths = options.get("lengths", np.full(m, T_x))
    tops = [np.zeros((D * initial[0].shape[1], T_x)) for _ in range(m)]
    last = [state.copy() for state in initial]
    for j in range(m):
        v = x[:, [j], : lengths[j]]
        for layer in range(len(parameters) // D):
            hidden = []
            for direction in range(D):
                k = layer * D + direction
                states = [state[k][:, [j]] for state in initial]
                steps = []
                for t in range(lengths[j])[:: -1 if direction else 1]:
                    states = step(v[:, :, t], states, parameters[k], activation)
                    steps.append(states[0])
                for kept, state in zip(last, states, strict=True):
                    kept[k][:, [j]] = state
                shape = (*states[0].shape, 0)
                over_time = np.stack(steps[:: -1 if direction else 1], axis=2) if steps else np.zeros(shape)
                hidden.append(over_time)
            v = np.concatenate(hidden)
        tops[j][:, : lengths[j]] = v[:, 0]
    a = np.stack(tops, axis=1) if m else np.zeros((D * initial[0].shape[1], 0, T_x))
    return [a, *last]


@given(any_call)
def test_layers_equal_their_cells_step_by_step(call: Any) -> None:
    function, arguments = call
    for ours, theirs in zip(getattr(reference, function)(*arguments), literally(*arguments), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11)


@given(calls("lstm", projected=False, L=1, D=1))
def test_one_layer_of_an_lstm_equals_lstm_forward_bit_for_bit(call: list[Any]) -> None:
    x, a0, c0, (p,), _ = call
    n_a, T_x = len(p["bf"]), x.shape[2]
    a, _, c, _ = reference.lstm_forward(x, a0[0], {**p, "Wy": np.ones((1, n_a)), "by": np.ones((1, 1))})
    ours, a_last, c_last = reference.lstm_layer(x, a0, np.zeros_like(c0), [p])
    np.testing.assert_array_equal(ours, a)
    np.testing.assert_array_equal(a_last[0], a[:, :, -1] if T_x else a0[0])
    np.testing.assert_array_equal(c_last[0], c[:, :, -1] if T_x else 0)


@given(calls("rnn", projected=False, L=1, D=1))
def test_one_layer_of_an_rnn_equals_rnn_forward_bit_for_bit(call: list[Any]) -> None:
    x, a0, (p,), _ = call
    a, _, _ = reference.rnn_forward(x, a0[0], {**p, "Wya": np.ones((1, len(p["ba"]))), "by": np.ones((1, 1))})
    np.testing.assert_array_equal(reference.rnn_layer(x, a0, [p])[0], a)


@given(any_call, st.sampled_from([(True, True), (True, False), (False, True)]))
def test_absent_states_are_zeros(call: Any, which: tuple[bool, bool]) -> None:
    function, (x, *given_states, parameters, options) = call
    states = [None if absent else state for absent, state in zip(which, given_states, strict=False)]
    zeros = [
        np.zeros_like(state) if absent else state for absent, state in zip(which, given_states, strict=False)
    ]
    absent = getattr(reference, function)(x, *states, parameters, options)
    for ours, theirs in zip(
        absent, getattr(reference, function)(x, *zeros, parameters, options), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


@given(any_call, st.sampled_from(["float16", "float32", "float64"]))
def test_shapes_dtypes_and_memory_are_those_of_the_contract(call: Any, dtype: str) -> None:
    function, (x, *states, parameters, options) = call
    x, *states = (array.astype(dtype) for array in (x, *states))
    parameters = [{name: array.astype(dtype) for name, array in p.items()} for p in parameters]
    answer = getattr(reference, function)(x, *states, parameters, options)
    assert [array.shape[1:] for array in answer] == [x.shape[1:], *(state.shape[1:] for state in states)]
    given = [x, *states, *(array for p in parameters for array in p.values())]
    for array in answer:
        assert array.dtype == dtype
        assert not any(np.shares_memory(array, other) for other in given)
    assert not any(np.shares_memory(answer[0], other) for other in answer[1:])


@given(any_call)
def test_the_padding_has_no_effect(call: Any) -> None:
    function, (x, *states, parameters, options) = call
    if "lengths" not in options:
        options = {**options, "lengths": np.full(x.shape[1], max(x.shape[2] - 1, 1))}
    beyond = np.arange(x.shape[2]) >= np.asarray(options["lengths"])[:, None]
    if not x.shape[2]:
        return
    answers = [
        getattr(reference, function)(np.where(beyond, fill, x), *states, parameters, options)
        for fill in (0.0, np.nan)
    ]
    for ours, theirs in zip(*answers, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert np.isfinite(theirs).all()
    assert not answers[1][0][:, beyond].any()


X, A0 = np.ones((3, 2, 4)), np.ones((2, 5, 2))
P = {"Wax": np.ones((5, 3)), "Waa": np.ones((5, 5)), "ba": np.ones((5, 1))}
TOP = P | {"Wax": np.ones((5, 5))}


@pytest.mark.parametrize(
    ("parameters", "options", "message"),
    [
        ([P], {}, r"a0 has shape \(2, 5, 2\), expected \(L D, n_a, m\) = \(1, 5, 2\)"),
        ([P, P, P], {"directions": 2}, "parameters has 3 dicts, expected D = 2 per layer"),
        ([P, P], {}, r'parameters\[1\]\["Wax"\] has shape \(5, 3\), expected \(n_a, D n_a\) = \(5, 5\)'),
        (
            [P, TOP],
            {"lengths": [4, 5]},
            r'options\["lengths"\]\[1\] is 5, expected a whole number from 1 to T_x = 4',
        ),
        ([P, TOP], {"lengths": [0, 4]}, r'options\["lengths"\]\[0\] is 0'),
        ([P, TOP], {"lengths": [4]}, r'options\["lengths"\] has shape \(1,\), expected \(m,\) = \(2,\)'),
        ([P, TOP], {"directions": 3}, r'options\["directions"\] is 3, expected 1 or 2'),
        ([P, TOP], {"activation": "sigmoid"}, r"is 'sigmoid', expected tanh, or relu of an RNN"),
        (
            [P, TOP],
            {"length": [4, 4]},
            "options has 'length', expected some of directions, lengths, activation",
        ),
        (
            [P | {"Wp": np.ones((2, 5))}, TOP],
            {},
            r"parameters\[0\] has a projection 'Wp', which only an LSTM has",
        ),
        ([P, {}], {}, r"parameters\[1\] has \[\], expected also 'Wax' \(n_a, D n_a\) = \(5, 5\)"),
    ],
)
def test_an_invalid_call_is_refused_in_symbols_and_numbers(
    parameters: Any, options: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^rnn_layer: .*{message}"):
        reference.rnn_layer(X, A0, parameters, options)


def test_parameters_must_be_a_list() -> None:
    with pytest.raises(TypeError, match=r"^rnn_layer: parameters is a dict, expected a list of dicts"):
        reference.rnn_layer(X, A0, P)  # type: ignore[arg-type]
