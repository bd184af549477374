"""A forward inherits its mistake where it is right with a known-right cell in the place of its own."""

from pathlib import Path

import pytest

from oracle.problems.problem import Problem
from properties.explanations.inheritance import is_inherited
from properties.implementations.answers import Answers
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from properties.laws import all_laws
from properties.questions.question import Question
from properties.tests.runs import run
from properties.trials.trial import Trial, ViolationError

pytestmark = pytest.mark.slow

TARGET = """
import numpy as np
from reference import lstm_cell_forward as right

def lstm_cell_forward(xt, a_prev, c_prev, parameters):
    a, c, y, cache = right(xt, a_prev, {memory} * c_prev, parameters)
    return a, c, y, (*cache[:3], c_prev, *cache[4:])

def lstm_forward(x, a0, parameters):
    a_prev, c_prev, steps = a0, np.zeros_like(a0), []
    for t in range(x.shape[2]):
        steps.append(lstm_cell_forward(x[:, :, t], {hidden} * a_prev, c_prev, parameters))
        a_prev, c_prev = steps[-1][:2]
    a, c, y = (np.stack([step[i] for step in steps], axis=2) for i in range(3))
    return a, y, c, ([step[3] for step in steps], x)
"""


def inherits(target: Implementation, function: str, problem: Problem, name: str = "each step") -> bool:
    """Whether a function inherits a mistake, by a law."""
    (law,) = (each for each in all_laws() if each.name == name)
    return is_inherited(Trial(law, Answers(target, Question(function, [problem])), 0))


def test_what_a_forward_does_right_it_does_not_inherit(tmp_path: Path) -> None:
    (tmp_path / "right.py").write_text(TARGET.format(memory=1, hidden=1))
    problem = Problem.lstm(n_x=1, n_a=2, n_y=2, m=2, T_x=2)
    with Implementation("right.py", Settings(directory=tmp_path)) as right:
        assert not inherits(right, "lstm_forward", problem)


@pytest.mark.parametrize(
    ("memory", "hidden", "inherited"), [(0.5, 1, True), (1, 0.5, False), (0.5, 0.5, False)]
)
def test_a_mistake_of_the_cell_is_inherited_and_one_of_the_forward_is_not(
    tmp_path: Path, memory: float, hidden: float, inherited: bool
) -> None:
    (tmp_path / "wrong.py").write_text(TARGET.format(memory=memory, hidden=hidden))
    problem = Problem.lstm(n_x=1, n_a=2, n_y=2, m=2, T_x=2)
    with Implementation("wrong.py", Settings(directory=tmp_path)) as wrong:
        for law in ("each step", "split", "changed argument"):
            assert inherits(wrong, "lstm_forward", problem, law) == inherited


def test_an_inherited_mistake_is_told_in_the_message_and_in_the_closing_table(tmp_path: Path) -> None:
    """Takes a second: a whole run that explains a failure."""
    cell = TARGET.replace("xt, a_prev, {memory} * c_prev", "xt, 0 * a_prev, c_prev")  # a known mistake
    cell = cell.replace("*cache[:3], c_prev, *cache[4:]", "*cache[:2], a_prev, *cache[3:]")
    (tmp_path / "cell.py").write_text(cell.format(hidden=1))
    law = ("--implementation", "cell.py", "-k", "test_trajectory and lstm_forward")
    output = run(*law, directory=tmp_path).output
    told = "from lstm_cell_forward: this function is right if it calls a right cell"
    assert f"  inherited       {told}" in output
    assert output.count("(inherited)") == 1


LARGE = "c = np.clip(c, -10, 10)", 'Problem.lstm(n_x=1, n_a=2, n_y=2, m=2, T_x=16, regime="wild", seed=37)'
SMALL = (
    "c = np.where(np.abs(c) < 1e-6, 0, c)",
    'Problem.lstm(n_x=1, n_a=1, n_y=1, m=2, T_x=1, regime="huge", seed=3)',
)


@pytest.mark.parametrize(
    ("mistake", "problem", "hidden", "inherited"),
    [
        (*LARGE, "1", True),
        (*SMALL, "1", True),
        (*SMALL, "(0.5 if x.shape[1] == 5 else 1)", False),  # a mistake of its own, on other problems
    ],
)
def test_a_mistake_that_only_rare_numbers_show_is_inherited(
    tmp_path: Path, mistake: str, problem: str, hidden: str, inherited: bool
) -> None:
    rare = TARGET.replace("return a, c, y", f"{mistake}\n    return a, c, y", 1)
    (tmp_path / "wrong.py").write_text(rare.format(memory=1, hidden=hidden))
    (law,) = (each for each in all_laws() if each.name == "each step")
    with Implementation("wrong.py", Settings(directory=tmp_path)) as wrong:
        answers = Answers(wrong, Question("lstm_forward", [Problem.parse(problem)]))
        with pytest.raises(ViolationError) as caught:
            law.check(Trial(law, answers, 0))
        assert is_inherited(caught.value.trial) == inherited


BUFFER = """
import numpy as np
from reference import rnn_cell_forward as right

def rnn_cell_forward(xt, a_prev, parameters):
    a, y, _ = right(xt, a_prev, parameters)
    return a, y, (a, a_prev, xt, parameters)

def rnn_forward(x, a0, parameters):
    a_prev, xt, steps = a0, np.empty_like(x[:, :, 0]), []
    for t in range(x.shape[2]):
        xt[...] = x[:, :, t]
        steps.append(rnn_cell_forward(xt, a_prev, parameters))
        a_prev = steps[-1][0]
    a, y = (np.stack([step[i] for step in steps], axis=2) for i in range(2))
    return a, y, ([step[2] for step in steps], x)
"""


def test_a_cell_that_keeps_what_it_is_given_is_not_to_blame(tmp_path: Path) -> None:
    (tmp_path / "buffer.py").write_text(BUFFER)
    problem = Problem.rnn(n_x=1, n_a=2, n_y=2, m=2, T_x=2)
    with Implementation("buffer.py", Settings(directory=tmp_path)) as buffer:
        assert not inherits(buffer, "rnn_forward", problem)


CELLS = {
    "overwrites its answer": (
        "buffer = {}\n"
        "def rnn_cell_forward(xt, a_prev, parameters):\n"
        "    a, y, _ = right(xt, a_prev, parameters)\n"
        "    kept = buffer.setdefault(a.shape, a.copy())\n"
        "    kept[...] = a\n"
        "    return kept, y, (kept, a_prev, xt, parameters)\n"
    ),
    "is not among the functions": (
        "def rnn_cell_forward(xt, a_prev, parameters):\n"
        "    a, y, cache = right(xt, a_prev, parameters)\n"
        "    return 0.5 * a, y, (0.5 * a, *cache[1:])\n"
    ),
}


@pytest.mark.parametrize("cell", CELLS)
def test_a_forward_inherits_from_a_cell_that(tmp_path: Path, cell: str) -> None:
    start = BUFFER.index("def rnn_cell_forward")
    forward = BUFFER[BUFFER.index("def rnn_forward") :].replace(
        "xt, a_prev, parameters", "x[:, :, t], a_prev, parameters"
    )
    holder = "\nclass Net:\n    rnn_forward = staticmethod(rnn_forward)\n"
    (tmp_path / "net.py").write_text(BUFFER[:start] + CELLS[cell] + forward + holder)
    target = "net.py:Net" if cell == "is not among the functions" else "net.py"
    problem = Problem.rnn(n_x=1, n_a=2, n_y=2, m=2, T_x=2)
    with Implementation(target, Settings(directory=tmp_path)) as net:
        assert inherits(net, "rnn_forward", problem)


def test_a_mistake_in_the_caches_is_not_hidden_by_a_cell_that_copies(tmp_path: Path) -> None:
    textbook = (Path(__file__).parents[2] / "examples" / "textbook.py").read_text()
    mine = textbook.replace("c_next = np.zeros((n_a, m))\n", "c_next = c[:, :, 0]\n")
    assert mine != textbook
    (tmp_path / "right.py").write_text(textbook)
    (tmp_path / "mine.py").write_text(mine)
    overflow = Problem.lstm(n_x=2, n_a=2, n_y=3, m=4, T_x=3, regime="huge", seed=7578)
    for name, inherited in (("right.py", True), ("mine.py", False)):
        with Implementation(name, Settings(directory=tmp_path)) as target:
            assert inherits(target, "lstm_forward", overflow) == inherited
