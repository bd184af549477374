"""The gradients of a wrong layer are inherited where they are the derivatives of what the layer computes."""

from pathlib import Path

import pytest

from oracle.problems.problem import LayerProblem, Problem
from properties.explanations.inheritance import follows_wrong_forward
from properties.explanations.program import Program
from properties.implementations.implementation import Implementation
from properties.tests.runs import run

TARGET = """
import reference

SUPPORTS = {{"layers": 1, "directions": 1}}


def rnn_layer(x, a0, parameters, options):
    return reference.rnn_layer({forward} * x, a0, parameters, options)


def rnn_layer_backward(da, da_last, x, a0, parameters, options):
    given = ({backward} * x, a0, parameters, options)
    dx, da0, gradients = reference.rnn_layer_backward(da, da_last, *given)
    for each in gradients:
        each["dWax"] = {error} * each["dWax"]
    return {backward} * dx, da0, gradients

"""


@pytest.fixture
def problem() -> LayerProblem:
    made = Problem.rnn_layer(n_x=2, n_a=3, m=2, T_x=3, lengths="random")
    assert isinstance(made, LayerProblem)
    return made


@pytest.mark.parametrize(
    ("forward", "backward", "error", "inherited"),
    [
        (2, 2, 1, True),
        (2, 2, 2, False),  # a second mistake, in one gradient
        (2, 1, 1, False),  # the gradients are right
        (1, 2, 1, False),  # the layer is right
        (1, 1, 1.002, False),  # the layer is right, and the gradients are off by less than differences show
    ],
)
def test_derivatives_of_a_wrong_layer_are_inherited(
    tmp_path: Path, problem: LayerProblem, forward: int, backward: int, error: float, inherited: bool
) -> None:
    """Takes a second: some hundred calls of a process."""
    file = tmp_path / "mine.py"
    file.write_text(TARGET.format(forward=forward, backward=backward, error=error))
    with Implementation(str(file)) as mine:
        mine.call("rnn_layer", problem.arguments("rnn_layer"))  # a target without an answer is not asked
        assert follows_wrong_forward(Program(mine, "rnn_layer_backward"), problem) == inherited


@pytest.mark.parametrize(("error", "inherited"), [(1, True), (1.00001, False)])
def test_derivatives_that_only_rare_numbers_show_to_be_wrong_are_inherited(
    tmp_path: Path, error: float, inherited: bool
) -> None:
    """Takes a second: some hundred calls of a process. `error` is a mistake of the gradients alone."""
    factor = "np.where(np.abs(x) > 4, 1.001, 1)"
    error_there = f"(1 if np.abs(x).max() < 4 else {error})"
    source = TARGET.format(forward=factor, backward=factor, error=error_there)
    file = tmp_path / "mine.py"
    file.write_text(f"import numpy as np\n{source}")
    problem = Problem.rnn_layer(n_x=2, n_a=3, m=2, T_x=3, layers=1, directions=1, regime="counting", seed=16)
    assert isinstance(problem, LayerProblem)
    with Implementation(str(file)) as mine:
        mine.call("rnn_layer", problem.arguments("rnn_layer"))  # a target without an answer is not asked
        assert follows_wrong_forward(Program(mine, "rnn_layer_backward"), problem) == inherited


def test_the_message_says_from_which_layer_gradients_inherit_their_mistake(tmp_path: Path) -> None:
    """Takes seconds: a whole run that explains a failure."""
    (tmp_path / "mine.py").write_text(TARGET.format(forward=2, backward=2, error=1))
    law = "test_trajectory and rnn_layer_backward"
    done = run("--implementation", "mine.py", "-k", law, "--hypothesis-profile=quick", directory=tmp_path)
    said = "inherited from rnn_layer: the gradients are those of the wrong rnn_layer of this target"
    assert said in " ".join(done.output.split())
