"""A forward pass can be called with the reference's cell in place of its own."""

from typing import Any

import numpy as np
import pytest

import reference
from properties.implementations.calls import Returned
from properties.tests.test_implementation import Implement, returned

WRONG_CELL = "def rnn_cell_forward(xt, a_prev, parameters): return a_prev + 1, None, None"
FORWARDS = {
    "a module": f"""
{WRONG_CELL}
def rnn_forward(x, a0, parameters):
    return rnn_cell_forward(x[:, :, 0], a0, parameters)
""",
    "methods": f"""
class Net:
    {WRONG_CELL.replace("(xt", "(self, xt")}
    def rnn_forward(self, x, a0, parameters):
        return self.rnn_cell_forward(x[:, :, 0], a0, parameters)
""",
    "static methods": f"""
class Net:
    @staticmethod
    {WRONG_CELL}
    @staticmethod
    def rnn_forward(x, a0, parameters):
        return Net.rnn_cell_forward(x[:, :, 0], a0, parameters)
""",
    "methods over functions": f"""
{WRONG_CELL}
class Net:
    def rnn_forward(self, x, a0, parameters):
        return rnn_cell_forward(x[:, :, 0], a0, parameters)
""",
    "an instance": f"""
class Cell:
    {WRONG_CELL.replace("(xt", "(self, xt")}
class Net(Cell):
    def rnn_forward(self, x, a0, parameters):
        return self.rnn_cell_forward(x[:, :, 0], a0, parameters)
net = Net()
""",
}


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("a module", "target.py"),
        ("methods", "target.py:Net"),
        ("static methods", "target.py:Net"),
        ("methods over functions", "target.py:Net"),
        ("an instance", "target.py:net"),
    ],
)
def test_a_forward_can_be_given_the_references_cell(
    implement: Implement, arguments: list[Any], source: str, name: str
) -> None:
    implementation = implement(FORWARDS[source], name)
    xt, a0, parameters = arguments
    right = reference.rnn_cell_forward(*arguments)[0]
    assert implementation.load().functions["rnn_forward"] is None
    for borrowed in (False, True, False):
        call = [xt[:, :, None], a0, parameters]
        outcome = returned(implementation.call("rnn_forward", call, with_right_cell=borrowed))
        assert np.allclose(outcome.value[0], right if borrowed else a0 + 1)
        assert outcome.used_right_cell == borrowed


def test_a_forward_that_calls_no_cell_does_not_use_the_references(implement: Implement) -> None:
    implementation = implement("def rnn_forward(x, a0, parameters): return 1")
    assert implementation.call("rnn_forward", [0, 0, 0], with_right_cell=True) == Returned(
        1, [0, 0, 0], False
    )


def test_later_calls_use_the_references_cell_too(implement: Implement, arguments: list[Any]) -> None:
    """A cell that raises must not make the forward pass look wrong that calls it."""
    raising = "def rnn_cell_forward(xt, a_prev, parameters): return None + 1\n"
    forward = "def rnn_forward(x, a0, parameters): return rnn_cell_forward(x[:, :, 0], a0, parameters)\n"
    implementation = implement(raising + forward)
    xt, a0, parameters = arguments
    call = [xt[:, :, None], a0, parameters]
    outcome = returned(implementation.call("rnn_forward", call, then=[call], with_right_cell=True))
    assert outcome.used_right_cell
