"""Tests limits of layers: always two directions, several layers in one direction only, no c_last."""

from pathlib import Path
from typing import Any

import pytest

from oracle.problems.limits import TWO_DIRECTIONS, Limits
from properties.explanations.failure import Failure
from properties.implementations.implementation import Implementation
from properties.laws import all_laws
from properties.tests.one_law import catch
from properties.tests.runs import CLONE
from reference.contract import LAYERS

pytestmark = pytest.mark.slow

BOTH: dict[str, Any] = {"least_directions": 2, "c_last": False}
"""The limits of a target whose layers have two directions and return no last memory states."""

FORWARD: dict[str, Any] = {"stacked_directions": 1}
"""The limit of a target that stacks layers of one direction only."""

TARGET = """
import sys
sys.path.append({here!r})
import reference

SUPPORTS = {supports}

def require_declared(parameters, options):
    D, L = options["directions"], len(parameters) // options["directions"]
    assert D >= SUPPORTS.get("least_directions", 1), "too few directions"
    assert L == 1 or D <= SUPPORTS.get("stacked_directions", 2), "too many directions"

def lstm_layer(x, a0, c0, parameters, options):
    require_declared(parameters, options)
    a, a_last, c_last = reference.lstm_layer(x, a0, c0, parameters, options)
    return {a}, a_last, c_last if SUPPORTS.get("c_last", True) else None

def rnn_layer(x, a0, parameters, options):
    require_declared(parameters, options)
    return reference.rnn_layer(x, a0, parameters, options)
"""


def target(tmp_path: Path, supports: dict[str, Any], a: str = "a") -> Implementation:
    path = tmp_path / "target.py"
    path.write_text(TARGET.format(here=str(CLONE), supports=supports, a=a))
    return Implementation(str(path))


@pytest.mark.parametrize("supports", [BOTH, FORWARD])
def test_no_law_asks_for_more_than_is_declared(tmp_path: Path, supports: dict[str, Any]) -> None:
    """Takes seconds: every law of layers runs, since the calls that a law adds count, too."""
    limits = Limits.parse(supports)
    with target(tmp_path, supports) as implementation:
        for law in all_laws():
            for function in {*law.functions} & {*LAYERS}:
                if not law.domain.excluded_by(function, limits):
                    caught = catch(law.within(limits), implementation, function, 0, profile="quick")
                    assert not caught, (law.name, function, str(caught.violation))


@pytest.mark.parametrize(
    ("supports", "away"),
    [
        (
            BOTH,
            {
                "backward direction": TWO_DIRECTIONS,
                "each step": "no last memory states",
                "split": "no last memory states",
            },
        ),
        (FORWARD, {}),
    ],
)
def test_the_laws_that_ask_for_more_are_declared_away(supports: dict[str, Any], away: dict[str, str]) -> None:
    limits = Limits.parse(supports)
    laws = [law for law in all_laws() if "lstm_layer" in law.functions]
    told = {law.name: law.domain.excluded_by("lstm_layer", limits) for law in laws}
    assert {name: why for name, why in told.items() if why} == away


def test_a_wrong_answer_within_these_limits_is_seen_and_told(tmp_path: Path) -> None:
    (law,) = (law for law in all_laws() if law.name == "trajectory")
    with target(tmp_path, BOTH, a="2 * a") as implementation:
        caught = catch(law.within(Limits.parse(BOTH)), implementation, "lstm_layer", 0)
        assert caught
        assert "harness broke" not in str(Failure(caught.violation))
