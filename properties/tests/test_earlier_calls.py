"""A mistake that only earlier calls cause is not taken for a mistake in an equation."""

from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from oracle.problems.problem import LayerProblem, Problem
from properties.explanations.failure import Failure
from properties.implementations.answers import Answers
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from properties.laws.test_layers import test_absent_states as absent_states
from properties.laws.test_layers import test_one_absent_state as one_absent_state
from properties.laws.test_purity import test_changed_argument as changed_argument
from properties.laws.test_robustness import test_extreme_magnitudes as extreme_magnitudes
from properties.questions.question import Question
from properties.tests.one_law import new_turn
from properties.trials.trial import Trial, ViolationError

pytestmark = pytest.mark.slow

REMEMBERED = """
    import numpy as np

    SUPPORTS = {"projection": False, "layers": 1, "directions": 1, "lengths": False}
    first = {}

    def sigmoid(z):
        return np.exp(-np.logaddexp(0, -z))

    def lstm_layer(x, a0, c0, parameters, options):
        (p,) = parameters
        h, c = a0[0], first.setdefault(c0.shape, c0[0].copy())
        a = []
        for t in range(x.shape[2]):
            v = np.concatenate([h, x[:, :, t]])
            f, i, o = (sigmoid(p["W" + k] @ v + p["b" + k]) for k in "fio")
            c = f * c + i * np.tanh(p["Wc"] @ v + p["bc"])
            h = o * np.tanh(c)
            a.append(h)
        return np.stack(a, axis=2), h[None], c[None]
"""
"""A layer that remembers the first initial memory state of each shape."""


def test_a_state_of_an_earlier_call_is_no_wrong_equation(tmp_path: Path) -> None:
    """Takes seconds: it looks for the place of a mistake."""
    (tmp_path / "remembered.py").write_text(dedent(REMEMBERED))
    problem = LayerProblem("lstm_layer", n_x=1, n_a=1, m=1, T_x=1, regime="huge")
    with Implementation("remembered.py", Settings(directory=tmp_path)) as target:
        target.call("lstm_layer", replace(problem, seed=1).arguments("lstm_layer"))
        trial = Trial(extreme_magnitudes.law, Answers(target, Question("lstm_layer", [problem])), 0)
        with pytest.raises(ViolationError) as caught:
            trial.law.check(trial)
        message = Failure(caught.value).message
    assert "depends on earlier calls" in message
    assert "With this command, the law held" in message
    assert " -k 'lstm_layer and extreme_magnitudes' --reproduce " in message, "other laws make earlier calls"
    assert "does not hold" not in message


@pytest.mark.parametrize(
    ("other", "is_memory"),
    [("first.setdefault(xt.shape, parameters['Wax'])", True), ("Wax[::-1] ** 2", False)],
)
def test_a_parameter_of_an_earlier_call_is_no_wrong_equation_in_a_law_of_two_calls(
    tmp_path: Path, other: str, is_memory: bool
) -> None:
    """The law fails in a new process, too, for its first call leaves the parameter."""
    (tmp_path / "mixed.py").write_text(MIXED.format(other=other))
    problem = Problem.rnn(n_x=1, n_a=2, n_y=2, m=1, T_x=1, regime="unit", seed=1)
    with Implementation("mixed.py", Settings(directory=tmp_path)) as target:
        trial = Trial(changed_argument.law, Answers(target, Question("rnn_cell_forward", [problem])), 0)
        with pytest.raises(ViolationError) as caught:
            trial.law.check(trial)
        message = Failure(caught.value).message
    assert (
        "as the first call of a process it is right: the answer depends on earlier calls" in message
    ) == is_memory
    assert ("does not hold" in message) != is_memory
    assert "With this command, the law held" not in message


MIXED = """
from reference import rnn_cell_forward as right
first = {{}}
def rnn_cell_forward(xt, a_prev, parameters):
    Wax = parameters["Wax"]
    return right(xt, a_prev, {{**parameters, "Wax": 0.7 * Wax + 0.3 * {other}}})
"""
"""A cell whose input weights are mixed with others, in a way that the catalogue does not list."""


CARRIED = """
from reference import lstm_layer as right
last = {}
def lstm_layer(x, a0, c0, parameters, options):
    if a0 is None:
        a0, c0 = last.get(x.shape, (None, None))
    a, a_last, c_last = right(x, a0, c0, parameters, options)
    last[x.shape] = a_last, c_last
    return a, a_last, c_last
"""
"""A layer that goes on from the states of the call before if it gets none, as a stream does."""


def test_a_state_that_is_carried_over_is_not_said_to_be_a_wrong_call(tmp_path: Path) -> None:
    (tmp_path / "carried.py").write_text(CARRIED)
    problem = LayerProblem("lstm_layer", n_x=2, n_a=2, m=2, T_x=2, regime="unit")
    with Implementation("carried.py", Settings(directory=tmp_path)) as target:
        trial = Trial(absent_states.law, Answers(target, Question("lstm_layer", [problem])), 0)
        with pytest.raises(ViolationError) as caught:
            trial.law.check(trial)
        assert [each.kind for each in Failure(caught.value).claims] == ["earlier calls"]


COUNTING = """
from reference import lstm_layer as right
calls = []
def lstm_layer(x, a0, c0, parameters, options):
    calls.append(x)
    a, a_last, c_last = right(x, a0, c0, parameters, options)
    return a + (len(calls) == 3), a_last, c_last
"""
"""A layer that is wrong in the third call."""


def test_a_law_is_tried_in_a_new_process_with_the_calls_of_a_run(tmp_path: Path) -> None:
    """A run asks for the plain answer first, although this law makes two other calls."""
    (tmp_path / "counting.py").write_text(COUNTING)
    problem = LayerProblem("lstm_layer", n_x=1, n_a=1, m=1, T_x=1)
    with Implementation("counting.py", Settings(directory=tmp_path)) as target:
        trial = Trial(one_absent_state.law, Answers(target, Question("lstm_layer", [problem])), 0)
        assert trial.holds_for(target)
        assert not trial.holds_in_new_process


MEMO = """
from reference import rnn_cell_forward as right
known = {}
def rnn_cell_forward(xt, a_prev, parameters):
    key = xt.shape, xt.tobytes()
    if key not in known:
        known[key] = right(xt, a_prev, parameters)
    a_next, yt, _ = known[key]
    return a_next, yt, (a_next, a_prev, xt, parameters)
"""
"""A cell that gives what it has once computed for this input, with whichever state and parameters."""


def test_the_shown_problem_fails_without_the_calls_for_larger_problems(tmp_path: Path) -> None:
    """Laws and shrinking call the function on many problems, and the memo knows all of these."""
    (tmp_path / "memo.py").write_text(MEMO)
    with Implementation("memo.py", Settings(directory=tmp_path)) as target:
        for seed in range(100, 110):
            smallest = Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1, regime="ternary", seed=seed)
            target.call("rnn_cell_forward", smallest.arguments("rnn_cell_forward"))
        with pytest.raises(ViolationError) as caught:
            new_turn("changed argument", "rnn_cell_forward", target).run()
        failure = Failure(caught.value)
        assert failure.explanation.is_reproducible
        assert "\n  then with " in failure.message
        assert max(failure.problem.sizes.values()) == 1


GROWING = """
from reference import rnn_cell_forward as right
calls = []
def rnn_cell_forward(xt, a_prev, parameters):
    calls.append(xt)
    a_next, *rest = right(xt, a_prev, parameters)
    return a_next + len(calls), *rest
"""
"""A cell that adds the number of its calls."""


def test_the_shown_numbers_are_those_of_the_printed_command_in_the_order_of_the_calls(tmp_path: Path) -> None:
    (tmp_path / "growing.py").write_text(GROWING)
    with Implementation("growing.py", Settings(directory=tmp_path)) as target:
        with pytest.raises(ViolationError) as caught:
            new_turn("same answer twice", "rnn_cell_forward", target).run()
        facts, problem = caught.value.facts(), caught.value.trial.problem
        with pytest.raises(ViolationError) as reproduced:
            new_turn("same answer twice", "rnn_cell_forward", target, problem=problem).run()
    first, again = facts["implementation"], facts["again"]["value"]
    assert round(again - first) == 1
    assert 1 > first - 1 > -1, "the first call of a process adds 1"
    assert reproduced.value.facts()["extent"] == facts["extent"]


ZERO_SUM = """
import numpy as np
from reference import rnn_cell_forward as right
def rnn_cell_forward(xt, a_prev, parameters):
    if a_prev.size == 2 and a_prev.sum() == 0:
        a_prev = 0.3 + a_prev
    return right(xt, a_prev, parameters)
"""
"""A cell that is wrong where two hidden states cancel."""


def test_a_second_call_that_is_wrong_alone_is_not_said_to_need_the_first_call(tmp_path: Path) -> None:
    (tmp_path / "zero.py").write_text(ZERO_SUM)
    problem = Problem.rnn(n_x=1, n_a=1, n_y=1, m=2, T_x=1, regime="ternary")
    pairs = [replace(problem, seed=seed) for seed in range(200)]
    cancels = [float(each.inputs("rnn_cell_forward").a0.sum()) == 0 for each in pairs]
    # With seeds that are multiples of 4, the law changes a_prev, to that of the next seed.
    seed = next(s for s in range(0, 199, 4) if cancels[s + 1] and not cancels[s])
    with Implementation("zero.py", Settings(directory=tmp_path)) as target:
        with pytest.raises(ViolationError) as caught:
            new_turn("changed argument", "rnn_cell_forward", target, problem=pairs[seed]).run()
        kinds = [each.kind for each in Failure(caught.value).claims]
    assert kinds == ["second call"]
