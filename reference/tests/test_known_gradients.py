"""The backward passes return the figures of editions of the exercise, which torch.autograd confirms."""

import re

import numpy as np
import pytest

import reference
from reference.contract import Array
from reference.tests.test_known_answers import GENERATOR, LSTM, draw

LSTM_LAYERS = "Wf(5,8) bf(5,1) Wi(5,8) bi(5,1) Wo(5,8) bo(5,1) Wc(5,8) bc(5,1)"


@pytest.fixture(autouse=True)
def _seeded() -> None:
    GENERATOR.seed(1)


def assert_printed(gradients: dict[str, Array], printed: str) -> None:
    """Assert that gradients equal figures such as `dx[1][2] 0.1 0.2, dba[4] 0.3`, to the last digit."""
    for entry in printed.split(", "):
        place, *figures = entry.split()
        value = gradients[place.partition("[")[0]]
        for index in re.findall(r"\[(\d+)\]", place):
            value = value[int(index)]
        exponents = [-len(figure.partition(".")[2]) for figure in figures]
        for ours, figure, exponent in zip(np.ravel(value), figures, exponents, strict=True):
            assert abs(ours - float(figure)) <= 0.51 * 10.0**exponent + 1e-14 * abs(ours), entry


def with_head(parameters: dict[str, Array]) -> dict[str, Array]:
    return {**parameters, "Wy": np.zeros((2, 5)), "by": np.zeros((2, 1))}


def test_rnn_cell_backward() -> None:
    given = draw("xt(3,10) a_prev(5,10)")
    parameters = draw("Wax(5,3) Waa(5,5) Wya(2,5) ba(5,1) by(2,1)")
    _, _, cache = reference.rnn_cell_forward(given["xt"], given["a_prev"], parameters)
    assert_printed(
        reference.rnn_cell_backward(draw("da_next(5,10)")["da_next"], cache),
        "dxt[1][2] -1.3872130506, da_prev[2][3] -0.152399493774, dWax[3][1] 0.410772824935, "
        "dWaa[1][2] 1.15034506685, dba[4] 0.20023491",
    )


def test_rnn_backward() -> None:
    given = draw("x(3,10,4) a0(5,10)")
    parameters = draw("Wax(5,3) Waa(5,5) Wya(2,5) ba(5,1) by(2,1)")
    *_, caches = reference.rnn_forward(given["x"], given["a0"], parameters)
    assert_printed(
        reference.rnn_backward(draw("da(5,10,4)")["da"], caches),
        "dx[1][2] -2.07101689 -0.59255627 0.02466855 0.01483317, da0[2][3] -0.314942375127, "
        "dWax[3][1] 11.2641044965, dWaa[1][2] 2.30333312658, dba[4] -0.74747722",
    )


def test_lstm_cell_backward() -> None:
    given = draw("xt(3,10) a_prev(5,10) c_prev(5,10)")
    *_, cache = reference.lstm_cell_forward(given["xt"], given["a_prev"], given["c_prev"], draw(LSTM))
    by_states = draw("da_next(5,10) dc_next(5,10)")
    assert_printed(
        reference.lstm_cell_backward(by_states["da_next"], by_states["dc_next"], cache),
        "dxt[1][2] 3.23055911511, da_prev[2][3] -0.0639621419711, dc_prev[2][3] 0.797522038797, "
        "dWf[3][1] -0.147954838164, dWi[1][2] 1.05749805523, dWc[3][1] 2.30456216369, "
        "dWo[1][2] 0.331311595289, dbf[4] 0.18864637, dbi[4] -0.40142491, dbc[4] 0.25587763, "
        "dbo[4] 0.13893342",
    )


def test_lstm_backward() -> None:
    """As in the exercise, there are more caches than steps of `da`."""
    given = draw("x(3,10,7) a0(5,10)")
    *_, caches = reference.lstm_forward(given["x"], given["a0"], with_head(draw(LSTM_LAYERS)))
    assert_printed(
        reference.lstm_backward(draw("da(5,10,4)")["da"], caches),
        "dx[1][2] 0.00218254 0.28205375 -0.48292508 -0.43281115, da0[2][3] 0.312770310257, "
        "dWf[3][1] -0.0809802310938, dWi[1][2] 0.40512433093, dWc[3][1] -0.0793746735512, "
        "dWo[1][2] 0.038948775763, dbf[4] -0.15745657, dbi[4] -0.50848333, dbc[4] -0.42510818, "
        "dbo[4] -0.17958196",
    )
