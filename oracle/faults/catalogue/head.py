"""The head: the softmax, its logits, and the predictions over time.

The attributes of `v` are the known quantities (see `oracle.faults.equations`); `y` has all predictions, with
time on the last axis.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from oracle.faults.catalogue.entry import ALL, FORWARDS, LSTM, Entries
from reference.activations import sigmoid, softmax
from reference.contract import Array

FAULTS = Entries("head")


def _quotient(top: Callable[[Array], Any], axis: int | None = 0, plus: float = 0) -> Callable[[Array], Array]:
    """exp(z - top), divided by its sum along an axis."""
    return lambda z: np.exp(z - top(z)) / (np.exp(z - top(z)).sum(axis, keepdims=True) + plus)


softmax_is = FAULTS.series(ALL, "softmax")
softmax_is("softmax_over_samples", "the softmax runs over the samples", lambda z: softmax(z.T).T)
softmax_is("softmax_over_matrix", "the softmax sums over the whole matrix", _quotient(np.max, axis=None))
sentence = "the softmax subtracts a maximum for each sample and sums over the whole matrix"
softmax_is("softmax_sums_over_matrix", sentence, _quotient(lambda z: z.max(axis=0), axis=None))
softmax_is("one_maximum", "the softmax subtracts one maximum of the whole matrix", _quotient(np.max))
softmax_is("softmax_overflows", "the softmax subtracts no maximum and overflows", _quotient(lambda z: 0))
softmax_is("softmax_epsilon", "1e-8 is added to the softmax's sum", _quotient(lambda z: z.max(0), plus=1e-8))
softmax_is("softmax_sign", "the sign in the softmax's exp is wrong", lambda z: softmax(-z))
softmax_is("softmax_without_exp", "the softmax's exp is left out", lambda z: z / z.sum(axis=0))
softmax_is("softmax_twice", "the softmax is taken twice", lambda z: softmax(softmax(z)))
softmax_is("log_softmax", "the logarithm of the softmax is returned", lambda z: np.log(softmax(z)))
softmax_is("sigmoid_for_softmax", "sigmoid is used in place of softmax", sigmoid)
softmax_is("no_softmax", "the softmax is left out", lambda z: z)
over_time = partial(FAULTS.of(FORWARDS), yt_pred="logits")
over_time("softmax_over_time", "the softmax runs over time", predictions=lambda y: softmax(y.T).T)
sentence = "the softmax subtracts the maximum of all steps"
over_time("maximum_of_all_steps", sentence, predictions=_quotient(np.max))
predictions_are = FAULTS.series(FORWARDS, "predictions")
sentence = "the prediction of step t is stored at step t - 1"
predictions_are("y_one_step_early", sentence, lambda y: np.roll(y, -1, axis=2))
sentence = "the last prediction is stored at every step"
predictions_are("last_y_everywhere", sentence, lambda y: y[:, :, [-1] * y.shape[2]])
sentence = "only the last prediction is kept"
predictions_are("last_y_alone", sentence, lambda y: y * (np.arange(y.shape[2]) > y.shape[2] - 2))
head, lstm_head = FAULTS.of(ALL), FAULTS.of(LSTM)
head("head_from_a_prev", "the prediction is made from a_prev", logits="Wy @ a_prev + by")
head("head_left_out", "the prediction is the softmax of a_next itself", yt_pred="softmax(a_next)")
lstm_head("head_from_c", "the prediction is made from c_next", logits="Wy @ c_next + by")
lstm_head("head_from_ot", "the prediction is made from the output gate", logits="Wy @ ot + by")
