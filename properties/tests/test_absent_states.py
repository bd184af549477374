"""A state that alone is absent: what may be done with it, and what may not."""

from pathlib import Path

import pytest
from hypothesis.database import InMemoryExampleDatabase

from properties.answered.implementation import Implementation
from properties.judged.tally import Tally
from properties.laws import all_laws
from properties.stored.store import Store
from properties.turns.turn import Turn

LAW = next(law for law in all_laws() if law.name == "one absent state")
TARGET = """
from reference import lstm_layer as right
def lstm_layer(x, a0, c0, parameters, options):
    if (a0 is None) != (c0 is None):
        {what}
    return right(x, a0, c0, parameters, options)
"""


@pytest.mark.parametrize(
    ("what", "holds"),
    [
        ("pass", True),
        ("raise ValueError('states go as a pair')", True),
        ("a0 = None", False),
        ("c0 = None", False),
        ("a0 = c0 if a0 is None else a0", False),
        ("c0 = a0 if c0 is None else c0", False),
    ],
)
def test_a_state_that_alone_is_absent_is_zeros_or_refused(tmp_path: Path, what: str, holds: bool) -> None:
    (tmp_path / "target.py").write_text(TARGET.format(what=what))
    tally = Tally()
    store = Store(InMemoryExampleDatabase(), "target.py", LAW.name, "lstm_layer")
    with Implementation("target.py", directory=tmp_path) as target:
        turn = Turn(LAW, target, "lstm_layer", store, tally, number=0)
        assert turn.holds_of_what_is_drawn() == holds
