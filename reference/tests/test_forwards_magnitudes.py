"""Numbers of any magnitude cause no warning and no NaN, and are not flushed to zero."""

from typing import Any

import numpy as np
import pytest

from reference import lstm_cell_forward, lstm_forward, rnn_cell_forward, rnn_forward
from reference.contract import CONTRACTS
from reference.tests.calls import SIZES, arguments, by_name, call, every_function, replaced


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_logits_of_1e4_cause_no_warning_and_no_nan(dtype: Any) -> None:
    """The logits of one sample are far below those of the other."""
    x, a0 = np.array([[[1], [-1]]], dtype), np.zeros((1, 2), dtype)
    parameters = {
        name: np.array(value, dtype)
        for name, value in {
            "Wax": [[1e4]],
            "Waa": [[1]],
            "Wya": [[1e4], [1e4], [0]],
            "ba": [[0]],
            "by": [[0], [0], [0]],
        }.items()
    }
    expected = [[0.5, 0], [0.5, 0], [0, 1]]
    with np.errstate(all="raise"):
        a_next, yt_pred, _ = rnn_cell_forward(x[:, :, 0], a0, parameters)
        a, y_pred, _ = rnn_forward(x, a0, parameters)
    for states, predictions in ((a_next, yt_pred), (a[:, :, 0], y_pred[:, :, 0])):
        np.testing.assert_array_equal(states, [[1, -1]])
        np.testing.assert_array_equal(predictions, expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("f", [-1, 1])
@pytest.mark.parametrize("i", [-1, 1])
@pytest.mark.parametrize("c", [-1, 1])
@pytest.mark.parametrize("o", [-1, 1])
def test_gates_of_1e4_are_open_or_shut(dtype: Any, f: int, i: int, c: int, o: int) -> None:
    signs = {"f": f, "i": i, "c": c, "o": o}
    parameters = {
        **{f"W{gate}": np.array([[0, sign * 1e4]], dtype) for gate, sign in signs.items()},
        **{f"b{gate}": np.zeros((1, 1), dtype) for gate in signs},
        "Wy": np.array([[1e4], [0]], dtype),
        "by": np.zeros((2, 1), dtype),
    }
    x, state = np.ones((1, 1, 2), dtype), np.full((1, 1), 0.5, dtype)
    with np.errstate(all="raise"):
        a_next, c_next, yt_pred, cache = lstm_cell_forward(x[:, :, 0], state, state, parameters)
        a, y, memory, _ = lstm_forward(x, state, parameters)
    gates = [cache.ft, cache.it, cache.cct, cache.ot]
    np.testing.assert_array_equal(np.ravel(gates), [f > 0, i > 0, c, o > 0])
    expected = [(f > 0) * 0.5 + (i > 0) * c]
    first = (i > 0) * c
    for actual, true in ((c_next, expected), (memory, [first, (f > 0) * first + first])):
        np.testing.assert_array_equal(np.ravel(actual), true)
    for hidden, cell in ((a_next, c_next), (a, memory)):
        np.testing.assert_array_equal(hidden, (o > 0) * np.tanh(cell))
    for predictions, hidden in ((yt_pred, a_next), (y, a)):
        np.testing.assert_array_equal(predictions[:1], (np.sign(hidden) + 1) / 2)


@every_function
def test_subnormal_inputs_are_not_flushed(function: str) -> None:
    """A hidden unit with tanh(z) = z returns its input; if the input were flushed, it would return 0."""
    sizes = {**dict.fromkeys(SIZES, 1), "n_y": 2}
    zeros = {name: 0 * array for name, array in by_name(function, arguments(function, sizes)).items()}
    tiny = np.finfo(np.float64).tiny / 8
    one_way = {"rnn": {"Wax": [[1.0]]}, "lstm": {"Wc": [[0.0, 1.0]], "bi": [[40.0]], "bo": [[40.0]]}}
    x = next(iter(CONTRACTS[function].arguments))
    new = {
        f'parameters["{name}"]': np.array(value) for name, value in one_way[CONTRACTS[function].kind].items()
    }
    with np.errstate(all="raise"):
        states, *_ = call(
            function,
            replaced(function, arguments(function, sizes), {**zeros, **new, x: zeros[x] + tiny}),
        )
    np.testing.assert_array_equal(states.ravel(), [tiny])


@every_function
@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_no_magnitude_causes_a_warning(function: str, scale: float) -> None:
    """With these scales, products underflow or overflow."""
    fitting = arguments(function)
    scaled = {name: scale * array for name, array in by_name(function, fitting).items()}
    with np.errstate(all="raise"):
        call(function, replaced(function, fitting, scaled))
