"""NaN and infinity enter the values that depend on them, and no others."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reference import lstm_cell_forward, rnn_cell_forward
from reference.contract import CONTRACTS
from reference.tests.calls import arguments, by_name, call, every_function, replaced, returned, seeds, some


@every_function
@given(sizes=some, seed=seeds, poison=st.sampled_from([np.nan, np.inf, -np.inf]), data=st.data())
def test_a_sample_that_is_not_finite_affects_no_other_sample_and_no_earlier_step(
    function: str, sizes: dict[str, int], seed: int, poison: float, data: st.DataObject
) -> None:
    clean = arguments(function, {**sizes, "m": sizes["m"] + 1}, seed)
    name = data.draw(st.sampled_from(list(CONTRACTS[function].arguments)))
    array = by_name(function, clean)[name].copy()
    sample = data.draw(st.integers(0, sizes["m"]))
    step = data.draw(st.integers(0, sizes["T_x"] - 1)) if name == "x" else 0
    if name == "x":
        array[data.draw(st.integers(0, sizes["n_x"] - 1)), sample, step] = poison
    else:
        array[data.draw(st.integers(0, len(array) - 1)), sample] = poison
    with np.errstate(all="raise"):
        answer = returned(function, call(function, replaced(function, clean, {name: array})))
    for key, expected in returned(function, call(function, clean)).items():
        if "parameters" in key:
            continue
        others = np.delete(answer[key], sample, axis=1)
        np.testing.assert_array_equal(others, np.delete(expected, sample, axis=1), err_msg=key)
        if expected.ndim == 3:
            np.testing.assert_array_equal(answer[key][..., :step], expected[..., :step], err_msg=key)


@every_function
def test_a_nan_input_makes_all_later_values_of_its_sample_nan(function: str) -> None:
    fitting = arguments(function)
    fitting[0][1, 2] = np.nan
    for output in call(function, fitting)[:-1]:
        assert np.isnan(output[:, 2]).all()
        assert np.isfinite(np.delete(output, 2, axis=1)).all()


def test_an_infinite_input_saturates() -> None:
    xt, a_prev, c_prev, p = arguments("lstm_cell_forward")
    xt[1, 2] = np.inf
    a_next, c_next, yt_pred, cache = lstm_cell_forward(xt, a_prev, c_prev, p)
    column = 5 + 1  # the column of a weight; the hidden units come before the features
    for gate, computed in (("f", cache.ft), ("i", cache.it), ("o", cache.ot)):
        np.testing.assert_array_equal(computed[:, 2], p[f"W{gate}"][:, column] > 0)
    np.testing.assert_array_equal(cache.cct[:, 2], np.sign(p["Wc"][:, column]))
    for array in (a_next, c_next, yt_pred):
        assert np.isfinite(array).all()
    xt, a_prev, p = arguments("rnn_cell_forward")
    xt[1, 2] = -np.inf
    a_next, yt_pred, _ = rnn_cell_forward(xt, a_prev, p)
    np.testing.assert_array_equal(a_next[:, 2], -np.sign(p["Wax"][:, 1]))
    assert np.isfinite(yt_pred).all()
