"""The implementation can be loaded, and has the functions that the specification names."""

import pytest

from properties.implementations.implementation import Implementation
from properties.trials.declared_limits import answers_rightly, beyond
from properties.trials.law import EVERY
from properties.trials.provided_functions import LIMITED, PROVIDED, USABLE, lacks, unusable
from properties.trials.tally import Tally
from reference.contract import FUNCTIONS


@pytest.mark.spec
@pytest.mark.robust
@pytest.mark.law(USABLE, "spec")
def test_can_be_used(implementation: Implementation, tally: Tally) -> None:
    """Loading it brings at least one of the four functions."""
    reason = unusable(implementation)
    if reason:
        pytest.fail(reason, pytrace=False)
    tally.notes.update(implementation.load().notes)


@pytest.mark.spec
@pytest.mark.robust
@pytest.mark.law(PROVIDED, "spec")
@pytest.mark.parametrize("function", FUNCTIONS)
def test_is_provided(implementation: Implementation, function: str, tally: Tally) -> None:
    """The function is there, and takes the arguments of the specification."""
    if unusable(implementation):
        pytest.skip(unusable(implementation))
    reason = lacks(implementation, function)
    if reason:
        pytest.fail(reason, pytrace=False)


@pytest.mark.robust
@pytest.mark.law(LIMITED, "robust")
@pytest.mark.parametrize("function", EVERY)
def test_declared_limits(implementation: Implementation, function: str, tally: Tally) -> None:
    """A declared limit that does not exist is noted, and no failure."""
    if reason := lacks(implementation, function):
        pytest.skip(reason)
    done = [
        limit
        for limit, problem in beyond(implementation.limits, function)
        if answers_rightly(implementation, function, problem)
    ]
    if done:
        tally.notes[f"does what it declares that it does not: {', '.join(done)}"] += 1
