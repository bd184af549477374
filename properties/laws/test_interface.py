"""Laws on the presence of functions: the target can be loaded, and has the functions."""

import pytest

from properties.implementations.implementation import Implementation
from properties.trials.provided_functions import PROVIDED, USABLE, sentence_why_not_judged, why_unusable
from properties.trials.tally import Tally
from reference.contract import FUNCTIONS


@pytest.mark.spec
@pytest.mark.robust
@pytest.mark.law(USABLE, "spec")
def test_can_be_used(implementation: Implementation, tally: Tally) -> None:
    """The target can be loaded, and has at least one of the functions."""
    if reason := why_unusable(implementation):
        pytest.fail(reason, pytrace=False)
    tally.notes.update(implementation.load().notes)


@pytest.mark.spec
@pytest.mark.robust
@pytest.mark.law(PROVIDED, "spec")
@pytest.mark.parametrize("function", FUNCTIONS)
def test_is_provided(implementation: Implementation, function: str, tally: Tally) -> None:
    """The target has the function, and the function takes the arguments of the specification."""
    if reason := why_unusable(implementation):
        pytest.skip(reason)
    if reason := sentence_why_not_judged(implementation, function):
        pytest.fail(reason, pytrace=False)
