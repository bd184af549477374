"""What wrong values are like: scaled weights, other rows, and what is off beside rounding."""

import pytest

from oracle.tests.strangers import Stranger
from oracle.tests.strangers.located import located

RNN = 'Problem.rnn(n_x=2, n_a=3, n_y=3, m=2, T_x=1, regime="wild", seed=1)'
LSTM = 'Problem.lstm(n_x=2, n_a=3, n_y=3, m=2, T_x=1, regime="wild", seed=1)'


def said_of(function: str, problem: str, old: str, new: str) -> str:
    """What is said of the textbook's program with one edit."""
    return located(Stranger("", function, ((old, new),), "", "", "", problem, ""))[0]


@pytest.mark.parametrize(
    ("norm", "words"),
    [
        ("np.abs(np.linalg.eigvals(Waa)).max()", "spectral radius"),
        ("np.abs(Waa).sum(axis=1).max()", "largest row sum of sizes"),
    ],
)
def test_weights_that_are_divided_by_a_norm_are_told(norm: str, words: str) -> None:
    scaled = f"np.dot(Waa / max(1.0, {norm}), a_prev)"
    said = said_of("rnn_cell_forward", RNN, "np.dot(Waa, a_prev)", scaled)
    assert f"as if a_prev counted (1 / the {words} of its weights) times" in said


def test_rows_of_weights_that_are_held_to_a_norm_are_told() -> None:
    held = "np.dot(Wi * np.minimum(1, 2 / np.linalg.norm(Wi, axis=1, keepdims=True)), concat)"
    said = said_of("lstm_cell_forward", LSTM, "np.dot(Wi, concat)", held)
    assert "the norm of the unit's weights > 2" in said
    assert "as if the weights of a_prev and xt were scaled to norm 2 in each row" in said


@pytest.mark.parametrize(
    ("new", "how"),
    [
        (
            "    s = np.dot(Wya, a_next) + by\n    s[-1] = 0\n    yt_pred = softmax(s)\n",
            "a softmax with 0 for the logit of the last class",
        ),
        (
            "    s = np.dot(Wya, a_next) + by\n    k = np.argsort(s, axis=0)\n"
            "    yt_pred = np.take_along_axis(softmax(np.take_along_axis(s, k, axis=0)), k, axis=0)\n",
            "that of class order[order[k]], order = argsort(logits)",
        ),
        (
            "    yt_pred = softmax(np.dot(Wya, a_next) + by)\n    yt_pred = np.sort(yt_pred, axis=0)[::-1]\n",
            "the right values of its sample, in other classes",
        ),
    ],
)
def test_what_becomes_of_classes_is_told(new: str, how: str) -> None:
    said = said_of("rnn_cell_forward", RNN, "    yt_pred = softmax(np.dot(Wya, a_next) + by)\n", new)
    assert said.endswith(how)


def test_what_is_off_by_little_elsewhere_does_not_hide_where_it_is_wrong() -> None:
    """A logarithm of a product is less exact than the product, of all signs."""
    by_logarithms = (
        "    with np.errstate(divide='ignore'):\n"
        "        c_next = np.exp(np.log(ft) + np.log(np.abs(c_prev))) + it * cct\n"
    )
    said = said_of("lstm_cell_forward", LSTM, "    c_next = ft * c_prev + it * cct\n", by_logarithms)
    assert "when: c_prev < 0" in said
    assert said.endswith("made with c_prev without its sign")


def test_vectors_are_told_from_small_states() -> None:
    in_place = (
        "    c_next = ft * c_prev + it * cct\n    a_next = ot * np.tanh(c_next)\n    if 1 in c_next.shape:\n"
    )
    in_place += "        np.tanh(c_next, out=c_next)\n"
    old = "    c_next = ft * c_prev + it * cct\n    a_next = ot * np.tanh(c_next)\n"
    said = said_of("lstm_cell_forward", LSTM.replace("m=2", "m=1"), old, in_place)
    assert "when: n_a = 1 or m = 1" in said


def test_a_place_is_not_said_twice() -> None:
    """That there are more than two samples, and not that the first is not among the last two."""
    old = "        a[:, :, t] = a_next\n        y_pred"
    new = (
        "        if x.shape[1] % 2 and x.shape[1] > 2:\n            a_next[:, 0] /= 2\n"
        "        a[:, :, t] = a_next\n        y_pred"
    )
    said = said_of("rnn_forward", RNN.replace("m=2", "m=3"), old, new)
    assert "from the last" not in said
    assert "all but the last" not in said


def test_what_is_subtracted_from_an_argument_is_told() -> None:
    shifted = "    z = np.dot(Wi, concat) + bi\n    it = sigmoid(z - np.maximum(z.max(axis=0), 0))\n"
    said = said_of("lstm_cell_forward", LSTM, "    it = sigmoid(np.dot(Wi, concat) + bi)\n", shifted)
    assert said.endswith("as if z were the right value - the largest of its sample, where that is above 0")


def test_a_sum_in_the_place_of_a_factor_is_told() -> None:
    old, new = "it * cct", 'np.einsum("im,jm->im", it, cct)'
    said = said_of("lstm_cell_forward", LSTM, f"ft * c_prev + {old}", f"ft * c_prev + {new}")
    assert said.endswith("when: n_a > 1  how: as if cct were its sum over the units")


@pytest.mark.parametrize(
    ("rounding", "how"),
    [
        ("np.floor({} * 256) / 256", "rounded down to multiples of 2^-8"),
        ("(np.round({} * 256) + 3) / 256", "a multiple of 2^-8, seen off by up to 0.01"),
    ],
)
def test_values_on_a_grid_are_not_taken_for_those_of_another_dtype(rounding: str, how: str) -> None:
    right = "ft * c_prev + it * cct"
    said = said_of("lstm_cell_forward", LSTM, right, rounding.format(f"({right})"))
    assert how in said
    assert "float" not in said


def test_numbers_of_float16_are_not_said_to_be_on_a_grid() -> None:
    """Of those above 0.5 all are multiples of 2^-11, be they right or wrong."""
    right = "    c_next = ft * c_prev + it * cct\n"
    off = "c_next * (1.04 + 0.03 * np.sin(37 * c_next.astype(float)))"
    off = f"np.where(np.abs(c_next) > 0.5, {off}, c_next).astype('float16')"
    new = f"{right}    if c_next.dtype == 'float16':\n        c_next = {off}\n"
    said = said_of("lstm_cell_forward", LSTM[:-1] + ', dtype="float16")', right, new)
    assert "in float16 and |c_next| > 0.5" in said
    assert "multiple" not in said
