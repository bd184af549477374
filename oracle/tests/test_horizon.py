"""For how many steps the bound on a trajectory is of use: all, where a network forgets, few where not."""

import pytest

from oracle.checkpoints import RecurrentLayer
from oracle.horizon import STEPS, TRIED, Horizon, horizon, spectral_radius
from oracle.inputs import Inputs
from oracle.problem import Problem
from oracle.propagation import evaluate
from oracle.rounding import Bounded


def layer(gain: float, directions: int) -> RecurrentLayer:
    sizes = {"n_x": 3, "n_a": 32, "m": 1, "T_x": 1, "directions": directions}
    drawn = Problem.rnn_layer(**sizes, dtype="float32").inputs("rnn_layer").parameters
    parameters = [{**p, "Waa": (gain * p["Waa"]).astype("float32")} for p in drawn]
    return RecurrentLayer("", "rnn", "torch", directions, parameters)


@pytest.mark.parametrize("directions", [1, 2])
def test_a_network_that_forgets_stays_sharp(directions: int) -> None:
    assert horizon(layer(0.1, directions)) == Horizon(STEPS)


@pytest.mark.parametrize("directions", [1, 2])
def test_a_network_that_amplifies_does_not(directions: int) -> None:
    assert 0 <= horizon(layer(4.0, directions)).steps < 100


def test_no_longer_trajectory_is_tried_than_is_of_use(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def counted(inputs: Inputs) -> dict[str, Bounded]:
        tried.append(inputs.x.shape[2])
        return evaluate(inputs)

    monkeypatch.setattr("oracle.horizon.evaluate", counted)
    steps = horizon(layer(4.0, 1)).steps
    assert tried == [*TRIED[: len(tried)]]
    assert all(each <= steps for each in tried[:-1])
    assert steps < tried[-1] < STEPS


def test_where_the_effort_ends_it_is_told() -> None:
    size = sum(array.size for array in layer(0.1, 1).parameters[0].values())
    assert str(horizon(layer(0.1, 1), 0)) == "–"
    assert str(horizon(layer(0.1, 1), 21 * (size + 3000))) == "≥ 16 steps"
    assert spectral_radius(layer(0.1, 1), 0) is None
