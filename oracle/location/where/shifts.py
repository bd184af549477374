"""What the logits may be shifted by before a softmax exponentiates them, other than their largest."""

from collections.abc import Callable, Mapping

import numpy as np

from reference.contract import Array

SHIFTS: Mapping[str, Callable[[Array], Array]] = {
    "the mean of the sample": lambda s: s.mean(axis=0, keepdims=True),
    "the mean of all samples": lambda s: s.mean(axis=(0, 1), keepdims=True),
    "the largest of the first sample": lambda s: s[:, :1].max(axis=0, keepdims=True, initial=-np.inf),
    "the largest of the last sample": lambda s: s[:, -1:].max(axis=0, keepdims=True, initial=-np.inf),
    "the largest or 0": lambda s: s.max(axis=0, keepdims=True, initial=0),
    "the largest |logit| of the sample": lambda s: np.abs(s).max(axis=0, keepdims=True, initial=0),
    "the largest |logit| of all samples": lambda s: np.abs(s).max(axis=(0, 1), keepdims=True, initial=0),
    "the smallest of the sample": lambda s: s.min(axis=0, keepdims=True, initial=np.inf),
    "the first of the sample": lambda s: s[:1],
    "the last of the sample": lambda s: s[-1:],
}
"""Logits `(n_y, m, T_x)` to shifts that broadcast to them: so a softmax is right until exponentials overflow,
or all of a sample are 0.
"""
