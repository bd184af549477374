"""Tests that locations of other authors' mistakes are right on problems that the search did not use."""

from pathlib import Path

import pytest

from oracle.location.locate import locate
from oracle.location.observer import CALLS, CALLS_OF_LAYERS
from oracle.location.sentences import MOST_CHARACTERS, lines
from oracle.problems.limits import ANYTHING
from oracle.problems.problem import Problem
from oracle.tests.selection import chosen
from oracle.tests.strangers import FOLDER, CountingProgram, Stranger, strangers
from oracle.tests.strangers.predictions import judge_location

LOCATED = chosen(
    (each for each in strangers(Path(FOLDER)) if not each.name.startswith("e/F2")), lambda each: each.function
)

WITHOUT_CONDITION = ["ma/26 first sample taken for the longest", "na/20 absent c0 taken from a0"]
"""Mistakes whose condition is not searched: one compares the lengths of two samples, one is n_h = n_a."""


@pytest.mark.parametrize("stranger", LOCATED, ids=lambda each: each.name)
def test_a_location_predicts_the_answers_to_new_problems(stranger: Stranger) -> None:
    """Takes up to a second: the search makes some 120 calls, and the check 60."""
    asked, problem = CountingProgram(stranger), Problem.parse(stranger.problem)
    location = locate(stranger.function, asked, problem, asked.restart)
    assert location
    assert asked.calls <= (CALLS_OF_LAYERS if stranger.function.endswith("_layer") else CALLS) + 2 * 36
    assert all(len(line) <= MOST_CHARACTERS for line in lines(location))
    asked.restart()
    verdict = judge_location(stranger.function, asked, problem, location, asked.restart, ANYTHING)
    when = "left out" if stranger.name in WITHOUT_CONDITION else "right"
    assert (verdict.where, verdict.when, verdict.how) == ("right", when, "right")
