"""The memory layout of the steps of a sequence."""

import numpy as np
import pytest

from reference.arrays import STEPS_AT_A_TIME, time_last


@pytest.mark.parametrize("T_x", [0, 1, STEPS_AT_A_TIME, 2 * STEPS_AT_A_TIME + 3])
def test_time_last_returns_a_contiguous_transposed_copy(T_x: int) -> None:
    steps = np.arange(T_x * 6.0).reshape(T_x, 2, 3)
    copy = time_last(steps)
    np.testing.assert_array_equal(copy, steps.transpose(1, 2, 0), strict=True)
    assert copy.flags.c_contiguous
    assert not np.shares_memory(copy, steps)
