"""Nothing false is said of what fails: an error is its own cause, and an edge names no mistake."""

from dataclasses import replace
from pathlib import Path

import pytest

import properties.explanations.failure
from oracle.explanations.claims import mistake
from oracle.problems.problem import Problem
from properties.explanations.explanation import Explanation, explain
from properties.explanations.failure import Failure
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from properties.tests.one_law import new_turn
from properties.trials.trial import ViolationError

pytestmark = pytest.mark.slow

RNN = """
import numpy as np

def softmax(z):
    e = np.exp(z - np.max(z, axis=0, keepdims=True))
    return e / np.sum(e, axis=0, keepdims=True)

def rnn_cell_forward(xt, a_prev, parameters):
    a_next = np.tanh(parameters["Waa"] @ a_prev + parameters["Wax"] @ xt + parameters["ba"])
    yt_pred = softmax(parameters["Wya"] @ a_next + parameters["by"])
    return a_next, yt_pred, (a_next, a_prev, xt, parameters)

def rnn_forward(x, a0, parameters):
    n_x, m, T_x = x.shape
    n_y, n_a = parameters["Wya"].shape
    a, y = np.zeros((n_a, m, T_x), x.dtype), np.zeros((n_y, m, T_x), x.dtype)
    caches, a_next = [], a0
    for t in range(T_x):
        a_next, yt_pred, cache = rnn_cell_forward(x[:, :, t], a_next, parameters)
        a[:, :, t], y[:, :, t] = a_next, yt_pred
        caches.append(cache)
    return a, y, (caches, x)
"""


@pytest.fixture(autouse=True)
def nothing_is_located(monkeypatch: pytest.MonkeyPatch) -> None:
    """To look for the place of a mistake takes seconds, and is of no use here."""

    def briefly(violation: ViolationError, *, whole: bool, locating: bool) -> Explanation:
        return explain(violation, whole=whole, locating=False)

    monkeypatch.setattr(properties.explanations.failure, "explain", briefly)


def test_a_known_mistake_is_told_with_how_to_mend_it(tmp_path: Path) -> None:
    problem = Problem.rnn(n_x=1, n_a=2, n_y=1, m=1, T_x=1)
    found = failure(tmp_path, "each step", ' + parameters["ba"]', "", problem)
    (line,) = found.claims[0].remedies
    assert f"  to mend it      {line}\n" in found.message


def failure(folder: Path, law: str, old: str, new: str, problem: Problem) -> Failure:
    """How a law of the forward fails on a problem by the program with one thing changed."""
    assert old in RNN
    (folder / "program.py").write_text(RNN.replace(old, new))
    with Implementation("program.py", Settings(directory=folder)) as program:
        with pytest.raises(ViolationError) as caught:
            new_turn(law, "rnn_forward", program, problem=problem).run()
        found = Failure(caught.value)
        assert found.message  # as long as there is a program to ask
        return found


SMALL = Problem.rnn(n_x=1, n_a=2, n_y=2, m=2, T_x=2)
NO_SAMPLES = Problem.rnn(n_x=1, n_a=2, n_y=2, m=0, T_x=2)
NO_STEPS = Problem.rnn(n_x=1, n_a=2, n_y=2, m=2, T_x=0)


@pytest.mark.parametrize(("law", "problem"), [("trajectory", SMALL), ("no samples", NO_SAMPLES)])
def test_what_always_raises_is_told_by_its_error_and_its_line(
    tmp_path: Path, law: str, problem: Problem
) -> None:
    shape = 'parameters["Wya"].shape'
    (found,) = failure(tmp_path, law, shape, shape.replace("Wya", "W"), problem).claims
    assert found.kind == "raised"
    assert found.words == "KeyError: 'W', at program.py:15 in rnn_forward"


@pytest.mark.parametrize(("law", "problem"), [("trajectory", SMALL), ("no samples", NO_SAMPLES)])
def test_what_reads_the_steps_of_a_sample_is_told_so(tmp_path: Path, law: str, problem: Problem) -> None:
    found = failure(tmp_path, law, "x[:, :, t]", "x[:, t]", problem)
    assert found.claims[0] == mistake("x_indexed_by_sample")


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("(caches, x)", "(caches, x) if cache else None", "UnboundLocalError"),
        ("return a, y,", "a.max()\n    return a, y,", "ValueError"),
    ],
)
def test_what_raises_on_no_steps_is_said_to_do_nothing_else(
    tmp_path: Path, old: str, new: str, error: str
) -> None:
    (found,) = failure(tmp_path, "no steps", old, new, NO_STEPS).claims
    assert (found.kind, found.facts["type"]) == ("raised", error)


def test_a_maximum_of_nothing_is_no_maximum_of_all_steps(tmp_path: Path) -> None:
    old = "np.max(z, axis=0, keepdims=True)"
    found = failure(tmp_path, "no samples", old, "np.max(z)", NO_SAMPLES).claims
    assert found[0] == mistake("one_maximum")
    assert mistake("maximum_of_all_steps") not in found


@pytest.mark.parametrize("factor", [-1, 1.08])
def test_what_is_far_off_where_a_law_asks_otherwise_is_not_off_by_too_little(
    tmp_path: Path, factor: float
) -> None:
    problem = Problem.rnn(n_x=1, n_a=2, n_y=2, m=3, T_x=2)
    wrong = f"if m == 1: a = {factor} * a\n    return a, y,"
    found = failure(tmp_path, "samples independent", "return a, y,", wrong, problem).claims
    assert "nearly" not in [each.kind for each in found]


def test_right_digits_are_those_of_the_shown_element_too(tmp_path: Path) -> None:
    problem = Problem.rnn(n_x=1, n_a=2, n_y=2, m=3, T_x=2)
    narrow = "a = a.astype('float32').astype(float)\n    return a, y,"
    shown = failure(
        tmp_path, "samples independent", "return a, y,", f"if m == 1: a = -a\n    {narrow}", problem
    )
    assert "digits" not in [each.kind for each in shown.claims]
    assert failure(tmp_path, "trajectory", "return a, y,", narrow, problem).claims[0].kind == "digits"
    wild = replace(problem, regime="wild")
    saturates = failure(
        tmp_path, "trajectory", "return a, y,", "a = np.clip(a, -0.999, 0.999)\n    return a, y,", wild
    )
    assert "digits" not in [each.kind for each in saturates.claims]


def test_a_forward_inherits_in_the_precision_in_which_it_fails(tmp_path: Path) -> None:
    narrow = Problem.rnn(n_x=1, n_a=2, n_y=2, m=2, T_x=2, regime="unit", dtype="float32")
    of_cell = "xt = xt.astype('float16').astype(xt.dtype) if xt.itemsize == 4 else xt\n    a_next = np.tanh"
    law = "lower precision"
    assert failure(tmp_path, law, "a_next = np.tanh", of_cell, narrow).explanation.inherited
    own = "x = x.astype('float16').astype(x.dtype) if x.itemsize == 4 else x\n    n_x, m, T_x ="
    of_forward = failure(tmp_path, law, "n_x, m, T_x =", own, narrow)
    assert not of_forward.explanation.inherited


@pytest.mark.parametrize(
    ("seed", "told"),
    [(0, "in Fortran order"), (4, "in the other byte order")],
)
def test_the_layout_of_the_arguments_is_told(tmp_path: Path, seed: int, told: str) -> None:
    is_usual = "x.flags.c_contiguous and x.dtype.isnative"
    wrong = f"a = a if {is_usual} else -a\n    return a, y,"
    problem = Problem.rnn(n_x=2, n_a=2, n_y=2, m=2, T_x=2, seed=seed)
    found = failure(tmp_path, "memory layouts", "return a, y,", wrong, problem)
    assert f"  layout           all arguments are {told}\n" in found.message
