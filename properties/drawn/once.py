"""What pytest is told of the problems: that they are drawn once, for all laws and implementations.

Hypothesis draws the same for each, as long as a law holds of what is drawn. So it is asked again, to find the
failure in the same sequence and to make it small, only where one does not.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from oracle.problem import Problem
from properties.law import lacks
from properties.turn import Turn


@cache
def drawn(
    examples: st.SearchStrategy[Sequence[Problem]], number: int, profile: str
) -> list[Sequence[Problem]]:
    """The examples on which a law that holds is checked in a profile, with this seed."""
    tried: list[Sequence[Problem]] = []

    @seed(number)
    @settings(settings.get_profile(profile), database=None)
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        tried.append(data.draw(examples))

    draw()
    return tried


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Check a law on what is drawn once. Where it does not hold, and for statistics, Hypothesis goes on."""
    given: dict[str, Any] = pyfuncitem.funcargs
    option = pyfuncitem.config.option
    turn = given.get("turn")
    if not isinstance(turn, Turn) or option.fuzz_for or option.hypothesis_show_statistics or given["exactly"]:
        return None
    implementation, function, law = given["implementation"], given["function"], pyfuncitem.obj.law
    if lacks(implementation, function):
        return None
    number, profile = int(option.hypothesis_seed), settings.get_current_profile_name()
    try:
        effort = given["effort"]
        examples = drawn(law.examples(function, effort), number, profile)
        law.check_each(implementation, function, [*examples, *law.more_examples(function, effort)], turn)
    except Exception:  # which the turn has kept in mind
        turn.tally.clear()
        return None
    return True
