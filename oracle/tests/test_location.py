"""Mistakes of other hands are located, and what is said of them holds of problems that were not asked."""

from pathlib import Path

import pytest

from oracle.limits import ANYTHING
from oracle.location.locate import locate
from oracle.location.observer import CALLS, CALLS_OF_LAYERS
from oracle.location.sentences import MOST_CHARACTERS, lines
from oracle.problem import Problem
from oracle.tests.selection import chosen
from oracle.tests.strangers import FOLDER, Asked, Stranger, strangers
from oracle.tests.strangers.predictions import judged

LOCATED = chosen(
    (each for each in strangers(Path(FOLDER)) if not each.name.startswith("e/F2")), lambda each: each.function
)

WITHOUT_CONDITION = ["ma/26 first sample taken for the longest", "na/20 absent c0 taken from a0"]
"""Mistakes whose condition is not searched: one compares the lengths of two samples, one is n_h = n_a."""


@pytest.mark.parametrize("stranger", LOCATED, ids=lambda each: each.name)
def test_what_is_said_of_a_stranger_is_true_of_fresh_problems(stranger: Stranger) -> None:
    """Takes up to a second: some 120 problems are asked to find it, and 60 to judge it."""
    asked, problem = Asked(stranger), Problem.parse(stranger.problem)
    location = locate(stranger.function, asked, problem, asked.anew)
    assert location
    assert asked.calls <= (CALLS_OF_LAYERS if stranger.function.endswith("_layer") else CALLS) + 2 * 36
    assert all(len(line) <= MOST_CHARACTERS for line in lines(location))
    asked.anew()
    verdict = judged(stranger.function, asked, problem, location, asked.anew, ANYTHING)
    when = "left out" if stranger.name in WITHOUT_CONDITION else "right"
    assert (verdict.where, verdict.when, verdict.how) == ("right", when, "right")
