"""Draws problems once for all laws and implementations.

With one seed Hypothesis draws the same examples for every law that holds, and a millisecond for each. A
backward pass has the problems of its forward pass, and an RNN the sizes of an LSTM.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from oracle.problem import Problem
from properties.internals import hypothesis_internals  # noqa: F401 - so that draws do not depend on imports
from properties.strategies.domain import Domain
from properties.strategies.drawn_problems import examples
from properties.strategies.effort import Effort
from reference.contract import CONTRACTS

_SAME_SIZES = {"rnn_cell_forward": "lstm_cell_forward", "rnn_forward": "lstm_forward"}
"""Functions whose problems have the sizes, regimes, dtypes and seeds of those of another function."""


@cache
def drawn(
    function: str, effort: Effort, domain: Domain, number: int, profile: str
) -> list[Sequence[Problem]]:
    """The examples of a domain in a profile, with the seed `number`."""
    if CONTRACTS[function].is_backward:
        return drawn(CONTRACTS[function].forward, effort, domain, number, profile)
    if function in _SAME_SIZES and effort.work == math.inf:  # the work of a kind has no effect
        kind = CONTRACTS[function].kind
        alike = drawn(_SAME_SIZES[function], effort, domain, number, profile)
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
