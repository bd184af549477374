"""The implementation can be loaded, and has the functions that the specification names."""

import pytest

from properties.implementation import Implementation, Unusable
from properties.law import FUNCTIONS, lacks


@pytest.mark.spec
@pytest.mark.robust
def test_can_be_used(implementation: Implementation) -> None:
    """Loading it brings at least one of the four functions."""
    try:
        implementation.load()
    except Unusable as error:
        pytest.fail(f"{implementation.target} cannot be used: {error}", pytrace=False)


@pytest.mark.spec
@pytest.mark.robust
@pytest.mark.parametrize("function", FUNCTIONS)
def test_is_provided(implementation: Implementation, function: str) -> None:
    """The function is there, and takes the arguments of the specification."""
    reason = lacks(implementation, function)
    if reason.startswith("cannot be used"):
        pytest.skip(reason)
    if reason:
        pytest.fail(f"{implementation.target} {reason}", pytrace=False)
