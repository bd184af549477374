"""The four functions return the figures of the specification, which an independent program printed.

Those of 8 decimals are held to every digit, those in full to a few units in the last place.
"""

import re

import numpy as np
import pytest

from reference import lstm_cell_forward, lstm_forward, rnn_cell_forward, rnn_forward
from reference.contract import Array

RNN = "Waa(5,5) Wax(5,3) Wya(2,5) ba(5,1) by(2,1)"
LSTM = "Wf(5,8) bf(5,1) Wi(5,8) bi(5,1) Wo(5,8) bo(5,1) Wc(5,8) bc(5,1) Wy(2,5) by(2,1)"


GENERATOR = np.random.RandomState(1)
"""The generator of the exercise. It is not NumPy's global generator, which plugins of pytest may seed."""


@pytest.fixture(autouse=True)
def _seeded() -> None:
    GENERATOR.seed(1)


def draw(named: str) -> dict[str, Array]:
    """Standard normal arrays with these names and shapes, drawn in this order."""
    return {
        name: GENERATOR.randn(*map(int, shape.split(",")))
        for name, shape in re.findall(r"(\w+)\(([\d,]+)\)", named)
    }


def assert_printed(actual: Array, figures: str) -> None:
    printed = np.array([float(figure) for figure in figures.split()])
    np.testing.assert_array_equal(np.round(actual, 8), printed)


def assert_in_full(actual: float, printed: float) -> None:
    np.testing.assert_array_max_ulp(np.float64(actual), np.float64(printed), maxulp=8)


def test_rnn_cell_forward() -> None:
    given = draw("xt(3,10) a_prev(5,10)")
    a_next, yt_pred, cache = rnn_cell_forward(given["xt"], given["a_prev"], draw(RNN))
    assert_printed(
        a_next[4],
        "0.59584544 0.18141802 0.61311866 0.99808218 0.85016201"
        " 0.99980978 -0.18887155 0.99815551 0.6531151 0.82872037",
    )
    assert_printed(
        yt_pred[1],
        "0.9888161 0.01682021 0.21140899 0.36817467 0.98988387"
        " 0.88945212 0.36920224 0.9966312 0.9982559 0.17746526",
    )
    assert (a_next.shape, yt_pred.shape, len(cache)) == ((5, 10), (2, 10), 4)


def test_rnn_forward() -> None:
    given = draw("x(3,10,4) a0(5,10)")
    a, y_pred, caches = rnn_forward(given["x"], given["a0"], draw(RNN))
    assert_printed(a[4][1], "-0.99999375 0.77911235 -0.99861469 -0.99833267")
    assert_printed(y_pred[1][3], "0.79560373 0.86224861 0.11118257 0.81515947")
    assert_printed(caches[1][1][3], "-1.1425182 -0.34934272 -0.20889423 0.58662319")
    assert (a.shape, y_pred.shape, len(caches)) == ((5, 10, 4), (2, 10, 4), 2)


def test_lstm_cell_forward() -> None:
    given = draw("xt(3,10) a_prev(5,10) c_prev(5,10)")
    a_next, c_next, yt, cache = lstm_cell_forward(given["xt"], given["a_prev"], given["c_prev"], draw(LSTM))
    assert_printed(
        a_next[4],
        "-0.66408471 0.0036921 0.02088357 0.22834167 -0.85575339"
        " 0.00138482 0.76566531 0.34631421 -0.00215674 0.43827275",
    )
    assert_printed(
        c_next[2],
        "0.63267805 1.00570849 0.35504474 0.20690913 -1.64566718"
        " 0.11832942 0.76449811 -0.0981561 -0.74348425 -0.26810932",
    )
    assert_printed(
        yt[1],
        "0.79913913 0.15986619 0.22412122 0.15606108 0.97057211"
        " 0.31146381 0.00943007 0.12666353 0.39380172 0.07828381",
    )
    assert_printed(
        cache[1][3],
        "-0.16263996 1.03729328 0.72938082 -0.54101719 0.02752074"
        " -0.30821874 0.07651101 -1.03752894 1.41219977 -0.37647422",
    )
    assert (a_next.shape, c_next.shape, yt.shape, len(cache)) == ((5, 10), (5, 10), (2, 10), 10)


def test_lstm_forward() -> None:
    given = draw("x(3,10,7) a0(5,10)")
    a, y, c, caches = lstm_forward(given["x"], given["a0"], draw(LSTM))
    assert_in_full(a[4][3][6], 0.17211776753291663)
    assert_in_full(y[1][4][3], 0.9508734618501101)
    assert_in_full(c[1][2][1], -0.8555449167181982)
    assert_printed(
        caches[1][1][1], "0.82797464 0.23009474 0.76201118 -0.22232814 -0.20075807 0.18656139 0.41005165"
    )
    assert (a.shape, y.shape, c.shape, len(caches)) == ((5, 10, 7), (2, 10, 7), (5, 10, 7), 2)
