"""Softmaxes that are right until exponentials overflow, for they are shifted by something else."""

import re

import pytest

from oracle.location.location import EVERYWHERE
from oracle.location.where.shifts import SHIFTS
from oracle.tests.test_location_values import RNN, said_of

SHIFT = "np.max(z, axis=0, keepdims=True)"
HUGE = 'Problem.rnn(n_x=2, n_a=2, n_y=2, m=2, T_x=1, regime="huge", seed=3)'


@pytest.mark.parametrize(
    ("shift", "words"),
    [
        ("np.mean(z, axis=0)", "the mean of the sample"),
        ("(np.max(z[:, 0]) if z.size else 0)", "the largest of the first sample"),
        ("np.max(np.abs(z), axis=0)", "the largest |logit| of the sample"),
    ],
)
def test_a_shift_by_something_else_is_told_and_no_other_condition(shift: str, words: str) -> None:
    assert words in SHIFTS
    said = said_of("rnn_cell_forward", HUGE, SHIFT, shift)
    assert said.endswith(f"how: exp(logit - {words}) / the sum of these")
    assert f"when: {EVERYWHERE}" in said or f"less {words}" in said


def test_by_how_much_the_largest_logit_is_above_a_shift_is_told() -> None:
    said = said_of("rnn_cell_forward", HUGE, SHIFT, "np.min(z, axis=0)")
    found = re.search(r"less the smallest of the sample > some number from (\d+) to (\d+)", said)
    assert found
    assert int(found[1]) <= 710 <= int(found[2]) + 1


def test_a_shift_of_each_class_is_told() -> None:
    said = said_of("rnn_cell_forward", HUGE, SHIFT, "(np.max(z, axis=1, keepdims=True) if z.shape[1] else 0)")
    assert said.endswith("when: n_y > 1  how: exp(logit - the largest of the class) / the sum of these")


def test_classes_far_below_the_largest_that_a_denominator_leaves_out_are_told() -> None:
    old = "np.sum(e_z, axis=0, keepdims=True)"
    said = said_of("rnn_cell_forward", RNN, old, old.replace("e_z", "np.where(e_z > np.exp(-5), e_z, 0)"))
    assert "less the smallest of the sample > 5" in said
    assert said.endswith("exp(logit) / the sum of these over the classes less than 5 below the largest")


def test_a_sum_over_the_samples_below_the_largest_of_each_is_told() -> None:
    old = "    yt_pred = softmax(np.dot(Wya, a_next) + by)\n"
    new = "    s = np.dot(Wya, a_next) + by\n    e = np.exp(s - s.max(axis=0))\n"
    new += "    yt_pred = e / e.sum(axis=1, keepdims=True)\n"
    said = said_of("rnn_cell_forward", RNN, old, new)
    assert said.endswith("how: exp(logit - the largest) / the sum of these over the samples")
