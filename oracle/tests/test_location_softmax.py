"""Softmaxes that are right until exponentials overflow, for they are shifted by something else."""

import pytest

from oracle.location.location import EVERYWHERE
from oracle.tests.test_location_values import RNN, said_of

SHIFT = "np.max(z, axis=0, keepdims=True)"
HUGE = 'Problem.rnn(n_x=2, n_a=2, n_y=2, m=2, T_x=1, regime="huge", seed=3)'


@pytest.mark.parametrize(
    ("shift", "quotient", "far"),
    [
        ("0", "exp(logit)", "709 above or 708 below 0 (in float32 88 or 87)"),
        (
            "np.mean(z, axis=0)",
            "exp(logit - the mean of the sample)",
            "709 above the mean of the sample (in float32 88)",
        ),
        (
            "np.max(z, initial=-np.inf)",
            "exp(logit - the largest of all samples)",
            "708 below the largest of all samples (in float32 87)",
        ),
        (
            "(np.max(z[:, 0]) if z.size else 0)",
            "exp(logit - the largest of the first sample)",
            "709 above or 708 below the largest of the first sample (in float32 88 or 87)",
        ),
        (
            "np.max(np.abs(z), axis=0)",
            "exp(logit - the largest |logit| of the sample)",
            "708 below the largest |logit| of the sample (in float32 87)",
        ),
    ],
)
def test_a_shift_by_something_else_is_told_and_how_far_exponentials_reach(
    shift: str, quotient: str, far: str
) -> None:
    said = said_of("rnn_cell_forward", HUGE, SHIFT, shift)
    assert said.endswith(
        f"when: the largest logit of the sample is more than some {far}, {EVERYWHERE}"
        f"  how: {quotient} / the sum of these"
    )


def test_how_far_exponentials_reach_in_float32_is_said_of_what_is_wrong_there() -> None:
    quotient = "e_z / np.sum(e_z, axis=0, keepdims=True)"
    old = f"np.exp(z - {SHIFT})\n    return {quotient}"
    new = f"np.exp(z.astype(np.float64))\n    return ({quotient}).astype(z.dtype)"
    assert "is more than some 709 above or 708 below 0, wherever" in said_of(
        "rnn_cell_forward", HUGE, old, new
    )


def test_a_shift_of_each_class_is_told() -> None:
    said = said_of("rnn_cell_forward", HUGE, SHIFT, "(np.max(z, axis=1, keepdims=True) if z.shape[1] else 0)")
    assert said.endswith("when: n_y > 1  how: exp(logit - the largest of the class) / the sum of these")


def test_classes_far_below_the_largest_that_a_denominator_leaves_out_are_told() -> None:
    old = "np.sum(e_z, axis=0, keepdims=True)"
    said = said_of("rnn_cell_forward", RNN, old, old.replace("e_z", "np.where(e_z > np.exp(-5), e_z, 0)"))
    assert "the spread of the logits > 5" in said
    assert said.endswith("exp(logit) / the sum of these over the classes less than 5 below the largest")


def test_a_sum_over_the_samples_below_the_largest_of_each_is_told() -> None:
    old = "    yt_pred = softmax(np.dot(Wya, a_next) + by)\n"
    new = "    s = np.dot(Wya, a_next) + by\n    e = np.exp(s - s.max(axis=0))\n"
    new += "    yt_pred = e / e.sum(axis=1, keepdims=True)\n"
    said = said_of("rnn_cell_forward", RNN, old, new)
    assert said.endswith("how: exp(logit - the largest) / the sum of these over the samples")
