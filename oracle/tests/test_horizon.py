"""For how many steps the bound on a trajectory is of use: all, where a network forgets, few where not."""

import pytest

from oracle.checkpoints import RecurrentLayer
from oracle.horizon import STEPS, horizon
from oracle.problem import Problem


def layer(gain: float, directions: int) -> RecurrentLayer:
    sizes = {"n_x": 3, "n_a": 32, "m": 1, "T_x": 1, "directions": directions}
    drawn = Problem.rnn_layer(**sizes, dtype="float32").inputs("rnn_layer").parameters
    parameters = [{**p, "Waa": (gain * p["Waa"]).astype("float32")} for p in drawn]
    return RecurrentLayer("", "rnn", "torch", directions, parameters)


@pytest.mark.parametrize("directions", [1, 2])
def test_a_network_that_forgets_stays_sharp(directions: int) -> None:
    assert horizon(layer(0.1, directions)) == STEPS


@pytest.mark.parametrize("directions", [1, 2])
def test_a_network_that_amplifies_does_not(directions: int) -> None:
    assert 0 <= horizon(layer(4.0, directions)) < 100
