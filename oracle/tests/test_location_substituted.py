"""What stands in the place of something else: other columns, rows, weights, steps and classes."""

import pytest

from oracle.tests.test_location_values import LSTM, RNN, said_of

RNN_STEP = "np.dot(Waa, a_prev) + np.dot(Wax, xt) + ba"
LOGITS = "softmax(np.dot(Wya, a_next) + by)"


@pytest.mark.parametrize(
    ("new", "how"),
    [
        (
            RNN_STEP.replace(
                "np.dot(Wax, xt)", "np.dot(Wax, xt) + sum(np.dot(Wax[:, k:k+1], xt[k:k+1]) for k in WHICH)"
            ).replace("WHICH", "range(32, len(xt), 32)"),
            "xt with the first row of each block of 32 but the first twice",
        ),
        (
            RNN_STEP.replace("a_prev)", "np.where(np.arange(len(a_prev))[:, None] % 8 == 7, 0, a_prev))"),
            "a_prev with 0 for the last row of each block of 8",
        ),
        (
            RNN_STEP.replace(
                "Waa", "(Waa * np.equal.outer(np.arange(len(Waa)) // 8, np.arange(len(Waa)) // 8))"
            ),
            "Waa with 0 outside of each block of 8",
        ),
        (
            RNN_STEP.replace("Wax, xt)", "Wax, xt) + (Wax[:, -1:] * xt[-1:] if len(xt) % 2 else 0)"),
            "xt with its last row twice",
        ),
        (
            RNN_STEP.replace(
                "np.dot(Waa",
                "np.dot((lambda u, s, v: (u[:, :8] * s[:8]) @ v[:8])(*np.linalg.svd(Waa))",
            ),
            "Waa with its 8 largest singular values alone",
        ),
    ],
)
def test_blocks_that_overlap_or_leave_rows_are_told(new: str, how: str) -> None:
    problem = 'Problem.rnn(n_x=33, n_a=9, n_y=3, m=2, T_x=1, regime="unit", seed=1)'
    assert said_of("rnn_cell_forward", problem, RNN_STEP, new).endswith(f"as if z were made with {how}")


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (
            "softmax(np.dot(Wax.T if Wax.shape[1] == len(by) else Wya, a_next) + by)",
            "but not where n_x = n_y = 1  how: as if the logits were made with Wax transposed for Wya",
        ),
        (
            "softmax(30 * np.tanh((np.dot(Wya, a_next) + by) / 30))",
            "when: n_y > 1  how: as if the logits were made with 30 tanh(z / 30) for z",
        ),
    ],
)
def test_logits_of_other_weights_or_softly_capped_are_told(new: str, said: str) -> None:
    problem = RNN.replace("n_x=2", "n_x=3")
    assert said_of("rnn_cell_forward", problem, LOGITS, new).endswith(said)


def test_which_classes_a_denominator_leaves_out_is_told() -> None:
    """As a tree sum does that drops an odd leftover at each of its levels."""
    tree = (
        "    s = e_z.copy()\n    while len(s) > 1:\n        h = len(s) // 2\n"
        "        s = s[:h] + s[h:2 * h]\n    return e_z / s\n"
    )
    said = said_of("rnn_cell_forward", RNN, "    return e_z / np.sum(e_z, axis=0, keepdims=True)\n", tree)
    assert "when: n_y is no power of 2" in said
    assert "of 3 without 2; of 5 without 4; of 6 without 2, 5; of 7 without 2, 5, 6" in said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "np.dot(Waa, a_prev)",
            "(Waa * a_prev if Waa.shape == a_prev.shape else np.dot(Waa, a_prev))",
            "but not where n_a = m = 1  how: as if z were made with Waa * a_prev for Waa a_prev",
        ),
        (
            "np.dot(Wax, xt)",
            "np.dot(Wax[:, :len(a_prev)], xt[:len(a_prev)])",
            "when: n_x > n_a  how: as if z were made with xt with 0 for its rows from n_a on",
        ),
    ],
)
def test_products_of_other_shapes_are_told(old: str, new: str, said: str) -> None:
    problem = RNN.replace("m=2", "m=3").replace("n_x=2", "n_x=4")
    assert said_of("rnn_cell_forward", problem, old, new).endswith(said)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "np.tanh(np.dot(Wc, concat) + bc)",
            "np.tanh(np.dot(Wc[:, :len(a_prev)], a_prev) + np.dot(Wc[:, :len(xt)], xt) + bc)",
            "when: always  how: as if z were made with the first n_x columns of its W for xt",
        ),
        ("it * cct", "(1 - ft) * cct", "when: always  how: made with 1 - ft for it"),
    ],
)
def test_what_is_taken_for_something_else_in_an_lstm_is_told(old: str, new: str, said: str) -> None:
    assert said_of("lstm_cell_forward", LSTM, old, new).endswith(said)


CALL = (
    "    for t in range(T_x):\n"
    "        a_next, yt_pred, cache = rnn_cell_forward(x[:, :, t], a_next, parameters)\n"
)


@pytest.mark.parametrize(
    ("new", "T_x", "said"),
    [
        (
            "    for _ in range(-T_x % 4):\n"
            "        a_next = rnn_cell_forward(np.zeros((n_x, m)), a_next, parameters)[0]\n" + CALL,
            3,
            "T_x mod 4 ≠ 0  how: the state after (-T_x) mod 4 steps with xt = 0",
        ),
        (CALL.replace("x[:, :, t]", "x[:, :, t % 256]"), 261, "how: of step k those of step k mod 256"),
        (
            CALL.replace("x[:, :, t]", "x[:, :, sorted(range(T_x), key=str)[t]]"),
            12,
            "how: of step k those of the k-th in the alphabetical order of numbers",
        ),
    ],
)
def test_steps_of_another_order_or_before_the_first_are_told(new: str, T_x: int, said: str) -> None:
    problem = RNN.replace("T_x=1", f"T_x={T_x}")
    assert said_of("rnn_forward", problem, CALL, new).endswith(said)


def test_the_dtype_of_fewer_digits_that_values_are_of_is_told() -> None:
    narrow = "(lambda z: softmax(z.astype('float16') if z.dtype == 'float32' else z).astype(z.dtype))"
    new = LOGITS.replace("softmax", narrow)
    said = said_of("rnn_cell_forward", RNN.replace(")", ', dtype="float32")'), LOGITS, new)
    assert "how: a number of float16, seen off by up to" in said


def test_where_exponentials_overflow_in_float32_is_told() -> None:
    old = "np.tanh(np.dot(Waa, a_prev) + np.dot(Wax, xt) + ba)"
    by_exponentials = (
        f"np.nan_to_num(1 - 2 / (np.exp(2 * ({RNN_STEP})) + 1)) * np.isfinite(np.exp(2 * ({RNN_STEP})))"
    )
    said = said_of("rnn_cell_forward", RNN.replace('"wild"', '"huge"'), old, by_exponentials)
    assert "when: z > some number from 35" in said
    assert "(in float32 z > some number from 44" in said


def test_what_is_added_to_a_denominator_up_to_a_multiple_of_classes_is_told() -> None:
    old = "    e_z = np.exp(z - np.max(z, axis=0, keepdims=True))\n"
    padded = "    n_y, z = len(z), np.concatenate([z, np.zeros((-len(z) % 4, *z.shape[1:]))])\n"
    padded += (
        f"{old}    e_z, rest = e_z[:n_y], e_z[n_y:].sum(axis=0)\n    return e_z / (e_z.sum(axis=0) + rest)\n"
    )
    said = said_of("rnn_cell_forward", RNN, old, padded)
    assert said.endswith(
        "n_y mod 4 ≠ 0  how: the right value / (1 + 1 / the sum of exp(logit) times ((-n_y) mod 4))"
    )


@pytest.mark.parametrize(
    ("old", "new", "how"),
    [
        (
            "np.dot(Wya, a_next) + by",
            "np.dot(Wya, a_next) + np.trunc(by)",
            "as if the logits were made with by cut to whole numbers",
        ),
        (
            RNN_STEP,
            "np.dot(Waa, a_prev) + np.tanh(np.dot(Wax, xt) + ba)",
            "made with tanh(Wax xt + ba) for Wax xt + ba",
        ),
        (
            RNN_STEP,
            f"{RNN_STEP} + ((len(xt) + len(a_prev) - 1) // 8) * ba",
            "each bias counted once for each 8 columns, and for the rest",
        ),
    ],
)
def test_parts_of_an_argument_that_are_changed_are_told(old: str, new: str, how: str) -> None:
    assert said_of("rnn_cell_forward", RNN, old, new).endswith(how)


def test_the_input_that_makes_all_of_it_wrong_is_told() -> None:
    old = '    caches = []\n    n_x, m, T_x = x.shape\n    n_y, n_a = parameters["Wya"].shape\n'
    said = said_of(
        "rnn_forward", RNN.replace("T_x=1", "T_x=4"), old, old + "    x = x / 255 if x.max() > 1 else x\n"
    )
    assert "when: the largest entry of x > 1" in said


def test_a_cache_that_another_stands_in_leaves_no_step_out() -> None:
    old = "        caches.append(cache)\n\n    return a, y_pred"
    said = said_of(
        "rnn_forward",
        RNN.replace("T_x=1", "T_x=6"),
        old,
        old.replace("(cache)", "(cache if t % 4 == 0 else caches[-1])"),
    )
    assert "the cached xt ≠ x of this step (and all other arrays)  when: step mod 4 ≠ 0" in said
