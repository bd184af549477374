"""The implementation can be loaded, and has the functions that the specification names."""

import pytest

from properties.implementations.implementation import Implementation
from properties.trials.provided_functions import PROVIDED, USABLE, lacks, unusable
from properties.trials.tally import Tally
from reference.contract import FUNCTIONS


@pytest.mark.spec
@pytest.mark.robust
@pytest.mark.law(USABLE, "spec")
def test_can_be_used(implementation: Implementation, tally: Tally) -> None:
    """The target can be loaded, and has at least one of the functions."""
    reason = unusable(implementation)
    if reason:
        pytest.fail(reason, pytrace=False)
    tally.notes.update(implementation.load().notes)


@pytest.mark.spec
@pytest.mark.robust
@pytest.mark.law(PROVIDED, "spec")
@pytest.mark.parametrize("function", FUNCTIONS)
def test_is_provided(implementation: Implementation, function: str, tally: Tally) -> None:
    """The target has the function, and the function takes the arguments of the specification."""
    if unusable(implementation):
        pytest.skip(unusable(implementation))
    reason = lacks(implementation, function)
    if reason:
        pytest.fail(reason, pytrace=False)
