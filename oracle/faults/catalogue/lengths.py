"""Lengths: ignored somewhere, off by one, or of other samples; samples sorted by length and not sorted back.

The attributes of `v` are the known quantities (see `oracle.faults.layer_equations`): `call.lengths` may be
`None`, and then `lengths` are all T_x; `ends` are the lengths that a direction uses.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from oracle.faults.catalogue.entry import (
    LSTM_LAYER,
    MASKED,
    RIGHT_LAYER,
    Entries,
    above,
    backward,
    forward,
    is_own_step,
    states,
    through_the_padding,
)
from oracle.faults.equations import Equations
from oracle.faults.layer_equations import forward_steps, full_lengths, in_order
from reference.contract import LAYERS, Array

LENGTHS = Entries("lengths")
RARE = Entries("lengths")
"""Mistakes that do not show on ordinary problems."""


def _state_at_the_last_step_of_x(v: Any, state: str) -> Array:
    """The state at step T_x - 1; 0 for a sequence that ends before."""
    return np.where(v.ends == v.T_x, RIGHT_LAYER[f"{state}_end"](v), 0)


def _longest_first(v: Any) -> Array:
    """The order of the samples by decreasing length."""
    return np.argsort(-v.lengths, kind="stable")


def _samples(order: Callable[[Any], Array], *names: str) -> Equations:
    """The named states, each `(L D, n, m)`, or hidden states `top`, with their samples in another order."""

    def reordered(v: Any, name: str) -> Array:
        return np.take(RIGHT_LAYER[name](v), order(v), axis=1 if name == "top" else 2)

    return {name: partial(reordered, name=name) for name in names}


def _zero_behind_the_end(v: Any) -> Array:
    """The states in the order of the steps, `(n_h, m, T_x)`, with 0 after the end of each sequence."""
    return np.where(forward_steps(v) < v.ends[:, None], v.a, 0)


def _from_the_end(v: Any) -> Array:
    """The hidden states without padding, in the order of the direction."""
    return in_order(_zero_behind_the_end(v), v.order)


def _flipped(v: Any) -> Array:
    """The hidden states; for the backward direction reversed together with the padding."""
    return _zero_behind_the_end(v)[:, :, :: 1 - 2 * v.direction]


lengths = LENGTHS.of(LAYERS)
lengths_are = LENGTHS.of(LAYERS, "lengths")
lengths_are("lengths_ignored", "lengths are ignored", full_lengths)
for name, sentence, other in (
    ("lengths_one_short", "lengths are one too short", "call.lengths - 1"),
    ("lengths_one_long", "lengths are one too long", "np.minimum(call.lengths + 1, T_x)"),
    ("longest_for_all", "every sample has the greatest length", "[max(call.lengths, default=0)] * m"),
    ("shortest_for_all", "every sample has the least length", "[min(call.lengths, default=0)] * m"),
    ("first_length_for_all", "every sample has the length of the first sample", "[*call.lengths[:1]] * m"),
    ("lengths_sorted", "lengths are sorted downwards, the samples are not", "-np.sort(-call.lengths)"),
):
    lengths_are(name, sentence, f"np.full(m, T_x) if call.lengths is None else np.array({other}, int)")
sentence = "the backward direction starts in the padding, not at the end of the sequence"
lengths("lengths_ignored_backward", sentence, **backward(ends=full_lengths))
lengths("lengths_ignored_above", "layers above the first ignore lengths", **above(ends=full_lengths))
lengths("lengths_for_padding_alone", "lengths are used only for the padding of a", ends=full_lengths)
sentence = "lengths are used only for the last states"
lengths("lengths_for_last_states_alone", sentence, padded="joined", order=through_the_padding)
sentence = "x is set to 0 in the padding, and lengths are ignored otherwise"
own_steps = "call.lengths is None or np.arange(T_x) < call.lengths[:, None]"
lengths("lengths_for_x_alone", sentence, below=f"np.where({own_steps}, given['x'], 0)", lengths=full_lengths)
last_is = LENGTHS.of(LAYERS, "last")
last_is("carried_on", "states are updated in the padding", full_lengths)
sentence = "in the forward direction states are updated in the padding"
lengths("forward_carried_on", sentence, **forward(last=full_lengths))
sentence = "the last states of the forward direction are those of the last step of x, 0 in the padding"
lengths("last_states_in_padding", sentence, **forward(**states("end", _state_at_the_last_step_of_x)))
in_first = above(padded="joined", ends=full_lengths)
lengths("lengths_in_the_first_layer_alone", "only the first layer uses the lengths", **in_first)
held_out = {**MASKED, "padded": "joined"}
lengths("held_state_in_padding", "a has the held state in the padding, not 0", **held_out)
padded_late = "np.where(np.arange(T_x) <= lengths[:, None], joined, 0)"
one_late = {**MASKED, "padded": padded_late}
lengths("held_state_at_first_padding", "a has the held state in the first step of the padding", **one_late)
zeroed = {**MASKED, "a_out": lambda v: np.where(is_own_step(v), RIGHT_LAYER["a_out"](v), 0)}
lengths("a_zeroed_in_padding", "the hidden state, and not only a, is set to 0 in the padding", **zeroed)
lstm_lengths = LENGTHS.of(LSTM_LAYER)
c_alone = {name: change for name, change in MASKED.items() if name != "c_next"}
lstm_lengths("c_alone_carried_on", "c is updated in the padding, while a is held", **c_alone)
a_alone = {name: change for name, change in MASKED.items() if name != "a_out"}
lstm_lengths("a_alone_carried_on", "a is updated in the padding, while c is held", **a_alone)
order = through_the_padding
sentence = "the backward direction takes the last steps of x, as many as the sequence has"
lengths("backward_takes_the_last_steps_of_x", sentence, padded="joined", hidden=_from_the_end, order=order)
sentence = "the states of the backward direction are put back in order over all of x, padding included"
lengths("backward_flipped_with_its_padding", sentence, padded="joined", hidden=_flipped)
stops = backward(hidden=_from_the_end, ends="lengths * (lengths.max(initial=0) == T_x)")
sentence = "the backward direction takes no step where every sequence ends before T_x"
lengths("backward_stops_in_the_padding", sentence, **stops)
masked = {
    "c_next": lambda v: np.where(v.xt.any(axis=0), RIGHT_LAYER["c_next"](v), v.c_prev),
    "a_out": lambda v: np.where(v.xt.any(axis=0), RIGHT_LAYER["a_out"](v), v.a_prev),
    "hidden": lambda v: np.where(v.below.any(axis=0), RIGHT_LAYER["hidden"](v), 0),
}
RARE.of(LAYERS)("zero_steps_masked", "a step whose input is 0 is taken for padding", **masked)
full_if_equal = "np.full(m, T_x) if np.unique(call.lengths).size < 2 else call.lengths"
RARE.of(LAYERS)("equal_lengths_ignored", "lengths are ignored if all are equal", lengths=full_if_equal)
padded_is = LENGTHS.of(LAYERS, "padded")
padded_is("padding_not_zeroed", "a is not 0 in the padding", "joined")
repeated = "np.take_along_axis(joined, np.minimum(np.arange(T_x), lengths[:, None] - 1)[None], 2)"
padded_is("last_state_repeated", "a repeats the last step in the padding", repeated)

a_sorted, last_sorted = _samples(_longest_first, "top"), _samples(_longest_first, "a_last", "c_last")
sorted_by = "by length, the longest first"
lengths("a_left_sorted", f"the samples of a are left sorted {sorted_by}", **a_sorted)
sentence = f"the samples of the last states are left sorted {sorted_by}"
lengths("last_states_left_sorted", sentence, **last_sorted)
lengths("all_left_sorted", f"all samples are left sorted {sorted_by}", **a_sorted, **last_sorted)
sorted_twice = _samples(lambda v: _longest_first(v)[_longest_first(v)], "top", "a_last", "c_last")
lengths("sorted_twice", f"samples sorted {sorted_by}, are sorted once more, not put back", **sorted_twice)
unsorted = _samples(lambda v: np.argsort(_longest_first(v)), "a_first", "c_first")
sentence = f"samples are sorted {sorted_by}, except in the initial states"
lengths("initial_states_not_sorted", sentence, **unsorted)
