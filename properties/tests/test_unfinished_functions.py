"""The starter of an exercise is unfinished; a finished function that is wrong is not."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from properties.implementations.implementation import Implementation
from properties.tests.hostile_targets import notebook
from properties.tests.runs import run
from properties.trials.provided_functions import placeholder_if_unfinished, sentence_why_not_judged

Implement = Callable[..., Implementation]

CELL = '''
def rnn_cell_forward(xt, a_prev, parameters):
    """A step."""
    Wax = parameters["Wax"]
    ### START CODE HERE ###
    {}
    ### END CODE HERE ###
    cache = (a_next, a_prev, xt, parameters)
    return a_next, yt_pred, cache
'''
FORWARD = """
import numpy as np

def rnn_forward(x, a0, parameters):
    caches = []
    n_x, m, T_x = {shape}
    a = {a}
    y_pred = np.zeros((2, 3, 4))
    for t in range({steps}):
        a[:, :, t] = {state}
    return a, y_pred, (caches, x)
"""


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ("a_next = None\n    yt_pred = None", "'a_next = None' (rnn.py:6 in rnn_cell_forward)"),
        ("a_next, yt_pred = None, None", "'a_next, yt_pred = None, None' (rnn.py:6 in rnn_cell_forward)"),
        ("a_next = ...\n    yt_pred = ...\n    a_next + 1", "'a_next = ...' (rnn.py:6 in rnn_cell_forward)"),
        ("raise NotImplementedError", "'raise NotImplementedError' (rnn.py:6 in rnn_cell_forward)"),
        ("pass", "'pass' (rnn.py:6 in rnn_cell_forward)"),
        ("", "'a_next is never computed' (rnn.py:2 in rnn_cell_forward)"),
        ("a_next = a_prev\n    yt_pred = a_prev", ""),
        ("a_next = yt_pred = Wax.no_such", ""),
        ("a_next = yt_pred = no_such", ""),
        ("a_next = np.tanh(a + prev)\n    yt_pred = a_next", ""),
        ("a_next = a_prev + a_prev\n    yt = a_next", ""),
        ("if Wax is None: pass\n    a_next = a_prev + a_prev\n    yt = a_next", ""),
        ("mask = None\n    a_next = yt_pred = a + prev", ""),
        ("yt_pred = None\n    a_next = yt_pred = a_prev", ""),
        ("mask = None\n    a_next = yt_pred = a_prev @ a_prev @ xt", ""),
    ],
)
def test_a_cell_is_unfinished_that_has_a_placeholder_and_shows_it(
    implement: Implement, body: str, where: str
) -> None:
    cell = implement(CELL.format(body), "rnn.py")
    assert placeholder_if_unfinished(cell, "rnn_cell_forward") == where
    said = sentence_why_not_judged(cell, "rnn_cell_forward")
    assert said == (f"rnn_cell_forward of rnn.py is not finished: {where}" if where else "")


@pytest.mark.parametrize(
    ("parts", "is_unfinished"),
    [
        ({"shape": "None", "a": "None", "steps": "None", "state": "None"}, True),
        ({"shape": "x.shape", "a": "np.zeros((3, m, T_x))", "steps": "None", "state": "None"}, True),
        ({"shape": "x.shape", "a": "np.zeros((3, m, T_x))", "steps": "T_x", "state": "None"}, True),
        ({"shape": "x.shape", "a": "None", "steps": "T_x", "state": "a0"}, True),
        ({"shape": "x.shape", "a": "np.zeros((3, m, T_x))", "steps": "T_x", "state": "0"}, False),
    ],
)
def test_a_forward_is_unfinished(implement: Implement, parts: dict[str, str], is_unfinished: bool) -> None:
    for name, source in (
        ("rnn.py", FORWARD.format(**parts)),
        ("rnn.ipynb", notebook(FORWARD.format(**parts))),
    ):
        assert bool(placeholder_if_unfinished(implement(source, name), "rnn_forward")) == is_unfinished


@pytest.mark.parametrize(
    "loop",
    ["for t in range(None): a = x", "for t in reversed(range(None)): a = x", "a = [x for t in range(None)]"],
)
def test_the_head_of_a_loop_may_have_a_placeholder(implement: Implement, loop: str) -> None:
    forward = implement(
        f"def rnn_forward(x, a0, parameters):\n    {loop}\n    return a + x, a, a\n", "rnn.py"
    )
    assert placeholder_if_unfinished(forward, "rnn_forward") == "'range(None)' (rnn.py:2 in rnn_forward)"


def test_methods_and_decorated_functions_are_looked_into(implement: Implement) -> None:
    source = """
    import functools
    def twice(f): return functools.wraps(f)(lambda *a: f(*a))
    class Net:
        @twice
        def rnn_forward(self, x, a0, parameters):
            return None
    """
    net = implement(source, "net.py:Net")
    assert placeholder_if_unfinished(net, "rnn_forward") == "'return None' (net.py:7 in rnn_forward)"


def test_a_function_that_dies_is_not_called_unfinished(implement: Implement) -> None:
    dies = implement("import os\ndef rnn_forward(x, a0, parameters):\n    y = None\n    os._exit(3)\n")
    assert placeholder_if_unfinished(dies, "rnn_forward") == ""


def test_an_untouched_starter_gets_the_verdict(tmp_path: Path) -> None:
    """Takes a second: a whole run."""
    (tmp_path / "starter.py").write_text(CELL.format("a_next = None\n    yt_pred = None"))
    given = ("--implementation", "starter.py", "-k", "rnn_cell", "--report", "it.json", "-m", "spec")
    status, output = run(*given, directory=tmp_path)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "mistakes, by number: 1. rnn_cell_forward is not finished" in " ".join(output.split())
    assert output.count("FAILED") == 1
    (judged,) = json.loads((tmp_path / "it.json").read_text())["implementations"]
    assert judged["verdict"] == judged["functions"]["rnn_cell_forward"]["verdict"] == "unfinished"
