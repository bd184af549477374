"""The message of a failure says if an earlier run stored the problem."""

from collections.abc import Callable
from pathlib import Path

import pytest

from oracle.problems.problem import Problem
from properties.explanations.failure import Failure
from properties.implementations.implementation import Implementation
from properties.tests.one_law import new_turn
from properties.tests.runs import run
from properties.trials.trial import ViolationError

pytestmark = pytest.mark.slow

PROBLEM = Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1, regime="ternary")


@pytest.mark.parametrize("stored", [True, False])
def test_a_failure_that_was_stored_says_so(implement: Callable[..., Implementation], stored: bool) -> None:
    turn = new_turn("shapes", "rnn_forward", implement("def rnn_forward(x, a0, parameters): return 3"))
    if stored:
        turn.store.add(PROBLEM)
    with pytest.raises(ViolationError) as caught:
        turn.run()
    assert caught.value.trial.is_stored == stored
    assert ("stored" in Failure(caught.value).message) == stored


def test_a_failure_is_found_again_however_the_target_is_written(tmp_path: Path) -> None:
    """Takes a second: two runs that explain a failure."""
    (tmp_path / "mine.py").write_text("def rnn_forward(x, a0, parameters): return 3")
    outputs = [
        run("--implementation", target, "-k", "rnn_forward and shapes", directory=tmp_path).output
        for target in ("./mine.py", str(tmp_path / "mine.py"))
    ]
    assert ["so that this run tried it first" in output for output in outputs] == [False, True]
