"""Tests the differences that the page on targets lists for a target's process."""

from collections.abc import Callable

import pytest

from properties.implementations.calls import Returned
from properties.implementations.implementation import Implementation

STRICT = "import numpy, warnings\nnumpy.seterr(all='raise')\nwarnings.simplefilter('error')\n"
BODY = """
def rnn_forward(x, a0, parameters):
    import os, sys, warnings
    import numpy as np
    {}
"""


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("return float(np.exp(1e4 * x[0]))", float("inf")),
        ("warnings.warn('odd')\n    return 3", 3),
        ("x[0] = 7\n    return sys.stdin.read()", ""),
        ("return len(sys.argv)", 1),
        ("return os.environ['OMP_NUM_THREADS'] + os.environ['PYTHONHASHSEED']", "10"),
        ("return sorted({'reference', 'oracle', 'properties'} & {*sys.modules})", []),
    ],
)
def test_a_call_runs_in_the_world_that_the_page_describes(
    implement: Callable[..., Implementation], body: str, value: object
) -> None:
    target = implement(STRICT + BODY.format(body))
    for _ in range(2):
        outcome = target.call("rnn_forward", [[1.0], 0, {}])
        assert isinstance(outcome, Returned), outcome
        assert outcome.value == value


def test_what_a_function_sets_in_its_own_call_counts(implement: Callable[..., Implementation]) -> None:
    target = implement(BODY.format("np.seterr(all='raise')\n    return float(np.exp(np.float64(1e4)))"))
    assert "FloatingPointError" in str(target.call("rnn_forward", [[1.0], 0, {}]))


def test_what_a_function_sets_ends_with_its_call(implement: Callable[..., Implementation]) -> None:
    """Later calls are made before the answer is read."""
    target = implement(
        BODY.format("value = float(np.exp(np.float64(1e4)))\n    np.seterr(all='raise')\n    return value")
    )
    arguments = [[1.0], 0, {}]
    outcome = target.call("rnn_forward", arguments, then=[arguments])
    assert isinstance(outcome, Returned), outcome
