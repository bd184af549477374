"""Problems that are drawn once, for all laws and implementations.

Hypothesis draws the same for each, as long as a law holds of what is drawn. It draws the same problems for a
backward pass as for its forward pass, and the same sizes for an RNN as for an LSTM; an example takes it a
millisecond.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from oracle.problem import Problem
from properties.internals import of_hypothesis  # noqa: F401 - a seed draws the same whatever is imported
from properties.strategies.functions import Domain, Effort, examples
from reference.contract import CONTRACTS

_LIKE = {"rnn_cell_forward": "lstm_cell_forward", "rnn_forward": "lstm_forward"}
"""Functions whose problems have the same sizes, regimes, dtypes and seeds as those of another."""


@cache
def drawn(
    function: str, effort: Effort, domain: Domain, number: int, profile: str
) -> list[Sequence[Problem]]:
    """The examples on which a law of this domain that holds is checked in a profile, with this seed."""
    if CONTRACTS[function].is_backward:
        return drawn(CONTRACTS[function].forward, effort, domain, number, profile)
    if function in _LIKE and effort.work == math.inf:  # where the cost of a network is no matter
        kind = CONTRACTS[function].kind
        alike = drawn(_LIKE[function], effort, domain, number, profile)
        return [[replace(problem, kind=kind) for problem in problems] for problems in alike]
    return _drawn(examples(function, effort, domain.as_drawn(function, effort)), number, profile)


@cache
def _drawn(
    examples: st.SearchStrategy[Sequence[Problem]], number: int, profile: str
) -> list[Sequence[Problem]]:
    tried: list[Sequence[Problem]] = []

    @seed(number)
    @settings(settings.get_profile(profile), database=None)
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        tried.append(data.draw(examples))

    draw()
    return tried
