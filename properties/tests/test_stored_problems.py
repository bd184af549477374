"""The message of a failure says if an earlier run stored the problem."""

from collections.abc import Callable

import pytest

from oracle.problem import Problem
from properties.explanations.failure import Failure
from properties.implementations.implementation import Implementation
from properties.tests.one_law import new_turn
from properties.trials.trial import ViolationError

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
