"""Mistakes in lengths, such as ignored lengths, and samples that are left sorted by length.

The known quantities are those of `oracle.faults.layer_equations`. `call.lengths` is `None` if the call has no
lengths; `lengths` is then T_x for each sample. `ends` are the lengths that a direction uses.
"""

from typing import Any

import numpy as np

from oracle.faults.catalogue.table import MASKED_STEPS, mistakes
from oracle.network.layers import forward_steps
from reference.contract import Array


def _zero_behind_the_end(v: Any) -> Array:
    """The hidden states `(n_h, m, T_x)` in the order of computation, with 0 after each sequence's end."""
    return np.where(forward_steps(v) < v.ends[:, None], v.a, 0)


def _longest_first(lengths: Array) -> Array:
    """The order of the samples by decreasing length."""
    return np.argsort(-lengths, kind="stable")


_T_X_IF_ABSENT = "np.full(m, T_x) if call.lengths is None else"

MISTAKES = mistakes(
    f"""
[lengths]
LAYERS
  lengths_ignored | lengths are ignored | lengths = full_lengths
  lengths_one_short | lengths are one too short | lengths = {_T_X_IF_ABSENT} call.lengths - 1
  lengths_one_long | lengths are one too long | lengths = {_T_X_IF_ABSENT} np.minimum(call.lengths + 1, T_x)
  longest_for_all | every sample has the greatest length
    | lengths = {_T_X_IF_ABSENT} np.full(m, max(call.lengths, default=0))
  shortest_for_all | every sample has the least length
    | lengths = {_T_X_IF_ABSENT} np.full(m, min(call.lengths, default=0))
  first_length_for_all | every sample has the length of the first sample
    | lengths = {_T_X_IF_ABSENT} np.repeat(call.lengths[:1], m)
  lengths_sorted | lengths are sorted, the longest first, but the samples are not
    | lengths = {_T_X_IF_ABSENT} -np.sort(-call.lengths)
  lengths_ignored_backward | the backward direction starts in the padding, not at the end of the sequence
    | backward ends = full_lengths
  lengths_ignored_above | layers above the first ignore lengths | above ends = full_lengths
  lengths_for_padding_alone | lengths are used only for the padding of the output a | ends = full_lengths
  lengths_for_last_states_alone | lengths are used only for the last states
    | padded = joined | order = through_the_padding
  lengths_for_x_alone | x is set to 0 in the padding, and lengths are ignored otherwise
    | below = np.where(call.lengths is None or np.arange(T_x) < call.lengths[:, None], inputs['x'], 0)
    | lengths = full_lengths
  carried_on | states are updated in the padding | last = full_lengths
  forward_carried_on | in the forward direction states are updated in the padding
    | forward last = full_lengths
  last_states_in_padding
    | the last states of the forward direction are those of the last step of x, or 0 if it is padding
    | forward ?_end = np.where(ends == T_x, right, 0)
  lengths_in_the_first_layer_alone | only the first layer uses the lengths
    | above padded = joined | above ends = full_lengths
  held_state_in_padding | the padding of a has the held state, not 0 | {MASKED_STEPS} | padded = joined
  held_state_at_first_padding | the first step of the padding of a has the held state
    | {MASKED_STEPS} | padded = np.where(np.arange(T_x) <= lengths[:, None], joined, 0)
  a_zeroed_in_padding | the hidden state, and not only a, is set to 0 in the padding
    | {MASKED_STEPS} | a_out = np.where(order[:, t] < ends, right, 0)
lstm_layer
  c_alone_carried_on | c is updated in the padding, while a is held | {MASKED_STEPS} | c_next = right
  a_alone_carried_on | a is updated in the padding, while c is held | {MASKED_STEPS} | a_out = right
LAYERS
  backward_takes_the_last_steps_of_x
    | the backward direction takes as many steps as the sequence has, but at the end of x
    | padded = joined | hidden = in_order(zero_behind_the_end(v), order) | order = through_the_padding
  backward_flipped_with_its_padding
    | the states of the backward direction are put back in order over all of x, padding included
    | padded = joined | hidden = zero_behind_the_end(v)[:, :, :: 1 - 2 * direction]
  backward_stops_in_the_padding
    | the backward direction takes no step if every sequence ends before T_x
    | backward hidden = in_order(zero_behind_the_end(v), order)
    | backward ends = lengths * (lengths.max(initial=0) == T_x)
  padding_not_zeroed | a is not 0 in the padding | padded = joined
  last_state_repeated | the padding of a repeats the last step
    | padded = in_order(joined, np.minimum(np.arange(T_x), lengths[:, None] - 1))
  a_left_sorted | the samples of a are left sorted by length, the longest first
    | top = right[:, longest_first(lengths)]
  last_states_left_sorted | the samples of the last states are left sorted by length, the longest first
    | ?_last = right[..., longest_first(lengths)]
  all_left_sorted | all samples are left sorted by length, the longest first
    | top = right[:, longest_first(lengths)] | ?_last = right[..., longest_first(lengths)]
  sorted_twice | samples sorted by length, the longest first, are sorted once more, not put back
    | top = right[:, longest_first(lengths)][:, longest_first(lengths)]
    | ?_last = right[..., longest_first(lengths)][..., longest_first(lengths)]
  initial_states_not_sorted
    | samples are sorted by length, the longest first, except in the initial states
    | ?_first = right[..., np.argsort(longest_first(lengths))]
""",
    zero_behind_the_end=_zero_behind_the_end,
    longest_first=_longest_first,
)

RARE = mistakes(
    """
[lengths]
LAYERS
  zero_steps_masked | a step whose input is 0 is taken for padding
    | a_out = np.where(xt.any(axis=0), right, a_prev) | c_next = np.where(xt.any(axis=0), right, c_prev)
    | hidden = np.where(below.any(axis=0), right, 0)
  equal_lengths_ignored | lengths are ignored if all are equal
    | lengths = np.full(m, T_x) if np.unique(call.lengths).size < 2 else call.lengths
""",
)
"""Mistakes that show on no ordinary problem."""
