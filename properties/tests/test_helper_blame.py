"""A failure that a helper module causes is reported as the helper module's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from properties.implementations.implementation import Implementation
from properties.tests.one_law import new_turn
from properties.trials.provided_functions import helpers_to_blame
from properties.trials.trial import ViolationError

UTILS = """
import numpy as np
def softmax(z):
    e = np.exp(z - np.max(z))
    return e / e.sum(axis=0)
def sigmoid(z):
    return {sigmoid}
"""
RIGHT, WRONG = "1 / (1 + np.exp(-z))", "np.exp(-z) / (1 + np.exp(-z))"
CELL = """
import numpy as np
{imports}
{own}
def lstm_cell_forward(xt, a_prev, c_prev, p):
    v = np.concatenate([a_prev, xt])
    ft, it, ot = ({sigmoid}(p["W" + gate] @ v + p["b" + gate]) for gate in "fio")
    cct = np.tanh(p["Wc"] @ v + p["bc"])
    c = ft * c_prev + it * cct
    a = ot * np.tanh(c) {wrong}
    return a, c, {softmax}(p["Wy"] @ a + p["by"]), (a, c, a_prev, c_prev, ft, it, cct, ot, xt, p)
"""
STAR = {
    "imports": "from rnn_utils import *",
    "sigmoid": "sigmoid",
    "softmax": "softmax",
    "own": "",
    "wrong": "",
}
DOTTED = {"imports": "import rnn_utils as u", "sigmoid": "u.sigmoid", "softmax": "u.softmax"}
OWN = UTILS.format(sigmoid=RIGHT)


@pytest.mark.parametrize(
    ("law", "sigmoid", "written", "blamed"),
    [
        ("extreme magnitudes", RIGHT, {}, ["rnn_utils.softmax"]),
        ("extreme magnitudes", RIGHT, DOTTED, ["rnn_utils.softmax"]),
        ("extreme magnitudes", RIGHT, {"imports": "", "own": OWN}, []),
        ("extreme magnitudes", RIGHT, {"wrong": "+ 1"}, []),
        ("each step", WRONG, {}, ["rnn_utils.sigmoid"]),
        ("extreme magnitudes", WRONG, {}, ["rnn_utils.sigmoid"]),  # a right sigmoid is enough
    ],
)
def test_a_failure_of_a_helper_is_told_from_one_of_the_target(
    implement: Callable[..., Implementation],
    tmp_path: Path,
    law: str,
    sigmoid: str,
    written: dict[str, str],
    blamed: list[str],
) -> None:
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "rnn_utils.py").write_text(UTILS.format(sigmoid=sigmoid))
    target = implement(CELL.format(**{**STAR, **written}), helpers=str(tmp_path / "course"))
    turn = new_turn(law, "lstm_cell_forward", target)
    assert not turn.holds_on_drawn_problems()
    with pytest.raises(ViolationError) as caught:
        turn.raise_failure()
    assert sorted(helpers_to_blame(caught.value.trial)) == sorted(blamed)
