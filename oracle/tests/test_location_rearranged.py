"""Places that are exchanged, numbers that go round, and what some inputs or earlier calls alone change."""

import pytest

from oracle.location.history import remembered
from oracle.tests.strangers import Stranger
from oracle.tests.strangers.located import Asked
from oracle.tests.test_location_values import RNN, said_of

HIDDEN_STATE = "np.tanh(np.dot(Waa, a_prev) + np.dot(Wax, xt) + ba)"
STEPS = RNN.replace("T_x=1", "T_x=5")


@pytest.mark.parametrize(
    ("order", "how"),
    [
        (
            "[t ^ 1 if t ^ 1 < T_x else t for t in range(T_x)]",
            "of each 2 steps those in reverse order",
        ),
        (
            "[*range(0, T_x, 2), *range(1, T_x, 2)]",
            "of step k those of the k-th in the order 0, 2, 4, ..., 1, 3, ...",
        ),
    ],
)
def test_places_that_are_exchanged_are_told(order: str, how: str) -> None:
    old = "    return a, y_pred, (caches, x)\n"
    said = said_of("rnn_forward", STEPS, old, f"    y_pred = y_pred[:, :, {order}]\n{old}")
    assert said.endswith(how)


def test_numbers_that_go_round_are_told() -> None:
    wrapped = HIDDEN_STATE.replace("np.tanh(", "np.tanh((5 + ").removesuffix(")") + ") % 10 - 5)"
    said = said_of("rnn_cell_forward", RNN, HIDDEN_STATE, wrapped)
    assert "when: |z| > 5" in said
    assert said.endswith("as if z were the right value wrapped into [-5, 5)")


def test_an_input_of_one_number_is_told() -> None:
    old = "np.dot(Wax, xt)"
    looked_up = f"(Wax[:, np.argmax(xt != 0, axis=0)] if ((xt != 0).sum(axis=0) == 1).all() else {old})"
    said = said_of("rnn_cell_forward", RNN, old, looked_up)
    assert "when: where xt of each sample is one number and zeros" in said
    assert said.endswith("made with xt with 1 for what is not 0")


def test_a_size_at_which_all_saturates_is_no_condition() -> None:
    """Beyond 13 an exact 1 is right, and so it is of one unit by chance."""
    saturating = "(lambda z: np.where(abs(z) > 9, np.sign(z), np.tanh(z)))"
    problem = 'Problem.rnn(n_x=1, n_a=2, n_y=4, m=6, T_x=1, regime="wild", seed=1264)'
    said = said_of("rnn_cell_forward", problem, HIDDEN_STATE, HIDDEN_STATE.replace("np.tanh", saturating))
    assert "n_a" not in said
    assert said.endswith("how: always ±1")


def test_a_result_that_is_kept_by_its_input_alone_is_told() -> None:
    """A later call of the same x with another initial state or other parameters gets it again."""
    start = "def rnn_forward(x, a0, parameters):\n"
    kept = "_KEPT = {}\n\ndef rnn_forward(x, a0, parameters):\n    key = x.tobytes(), x.shape, a0.shape\n"
    kept += "    if key not in _KEPT:\n        _KEPT[key] = _forward(x, a0, parameters)\n"
    kept += "    return _KEPT[key]\n\n\ndef _forward(x, a0, parameters):\n"
    stranger = Stranger("", "rnn_forward", ((start, kept),), "", "", "", STEPS, "")
    asked = Asked("rnn_forward", stranger.program)
    assert remembered("rnn_forward", asked, asked.anew) == (
        "after a call of the same x",
        "as if all arguments were those of the call before",
    )


@pytest.mark.parametrize(
    ("old", "new", "how"),
    [
        (
            "rnn_cell_forward(x[:, :, t], a_next",
            "rnn_cell_forward(x[:, :, t] - (x[:, :, t - 1] if t else 0), a_next",
            "the right value - that of the step before",
        ),
        (
            "        y_pred[:, :, t] = yt_pred\n",
            "        before = y_pred[:, :, t - 1]\n"
            "        y_pred[:, :, t] = before + (yt_pred - before) / (t + 1)\n",
            "the mean of the right ones up to this step",
        ),
    ],
)
def test_what_is_made_of_several_steps_is_told(old: str, new: str, how: str) -> None:
    assert said_of("rnn_forward", STEPS, old, new).endswith(f"how: {how}")


def test_where_sizes_begin_is_asked_in_the_precision_that_is_wrong() -> None:
    of_float32 = HIDDEN_STATE.replace("ba)", "(0 if xt.dtype == 'float32' and len(ba) > 3 else 1) * ba)")
    problem = RNN.replace("n_a=3", "n_a=4").replace(")", ', dtype="float32")')
    said = said_of("rnn_cell_forward", problem, HIDDEN_STATE, of_float32)
    assert "when: in float32 and n_a > 3 (right at 3, wrong at 4)" in said
