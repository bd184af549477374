"""Problems that are drawn once, for all laws and implementations.

Hypothesis draws the same for each, as long as a law holds of what is drawn.
"""

from collections.abc import Sequence
from functools import cache

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from oracle.problem import Problem
from properties.internals import of_hypothesis  # noqa: F401 - a seed draws the same whatever is imported


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
