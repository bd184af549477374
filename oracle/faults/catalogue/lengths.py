"""Mistakes in lengths, such as ignored lengths, and samples that are left sorted by length.

The known quantities are those of `oracle.network.forward`. `call.lengths` is `None` if the call has no
lengths; `lengths` is then T_x for each sample. `ends` are the lengths that a direction uses.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from oracle.faults.entry import MASKED_STEPS, above, altered, backward, forward, mistakes, through_the_padding
from oracle.faults.functions import FORWARDS, LAYERS, LSTM_LAYER
from oracle.network.equations import Equations
from oracle.network.forward import forward_steps, full_lengths, in_order
from reference.contract import Array


def _zero_behind_the_end(v: Any) -> Array:
    """The hidden states `(n_h, m, T_x)` in the order of computation, with 0 after each sequence's end."""
    return np.where(forward_steps(v) < v.ends[:, None], v.a, 0)


def _longest_first(v: Any) -> Array:
    """The order of the samples by decreasing length."""
    return np.argsort(-v.lengths, kind="stable")


def _lengths(by: Callable[[Array, Any], Array]) -> Equations:
    """The lengths `by(lengths, v)`, or T_x for each sample if the call has no lengths."""
    return {"lengths": lambda v: full_lengths(v) if v.call.lengths is None else by(v.call.lengths, v)}


MISTAKES = mistakes(
    "lengths",
    LAYERS("lengths_ignored", "lengths are ignored") | {"lengths": full_lengths},
    LAYERS("lengths_one_short", "lengths are one too short") | _lengths(by=lambda right, v: right - 1),
    LAYERS("lengths_one_long", "lengths are one too long")
    | _lengths(by=lambda right, v: np.minimum(right + 1, v.T_x)),
    LAYERS("longest_for_all", "every sample has the greatest length")
    | _lengths(by=lambda right, v: np.full(v.m, max(right, default=0))),
    LAYERS("shortest_for_all", "every sample has the least length")
    | _lengths(by=lambda right, v: np.full(v.m, min(right, default=0))),
    LAYERS("first_length_for_all", "every sample has the length of the first sample")
    | _lengths(by=lambda right, v: np.repeat(right[:1], v.m)),
    LAYERS("lengths_sorted", "lengths are used as if the samples were sorted by them, the longest first")
    | _lengths(by=lambda right, v: -np.sort(-right)),
    LAYERS(
        "lengths_ignored_backward",
        "the backward direction starts in the padding, not at the end of the sequence",
    )
    | backward({"ends": full_lengths}),
    LAYERS("lengths_ignored_above", "layers above the first ignore lengths") | above({"ends": full_lengths}),
    LAYERS("lengths_for_padding_alone", "lengths are used only for the padding of the output a")
    | {"ends": full_lengths},
    LAYERS("lengths_for_last_states_alone", "lengths are used only for the last states")
    | {"padded": lambda v: v.joined, "order": through_the_padding},
    LAYERS("lengths_for_x_alone", "x is set to 0 in the padding, and lengths are ignored otherwise")
    | {"below": lambda v: np.where(np.arange(v.T_x) < v.right["lengths"](v)[:, None], v.inputs["x"], 0)}
    | {"lengths": full_lengths},
    LAYERS("carried_on", "states are updated in the padding") | {"last": full_lengths},
    LAYERS("forward_carried_on", "in the forward direction states are updated in the padding")
    | forward({"last": full_lengths}),
    LAYERS(
        "last_states_in_padding",
        "the last states of the forward direction are those of the last step of x, or 0 if it is padding",
    )
    | forward(altered("a_end", "c_end", by=lambda right, v: np.where(v.ends == v.T_x, right, 0))),
    LAYERS("lengths_in_the_first_layer_alone", "only the first layer uses the lengths")
    | above({"padded": lambda v: v.joined, "ends": full_lengths}),
    LAYERS("held_state_in_padding", "the padding of a has the held state, not 0")
    | MASKED_STEPS
    | {"padded": lambda v: v.joined},
    LAYERS("held_state_at_first_padding", "the first step of the padding of a has the held state")
    | MASKED_STEPS
    | {"padded": lambda v: np.where(np.arange(v.T_x) <= v.lengths[:, None], v.joined, 0)},
    LAYERS("a_zeroed_in_padding", "the hidden state, and not only a, is set to 0 in the padding")
    | MASKED_STEPS
    | altered("a_out", by=lambda right, v: np.where(v.order[:, v.t] < v.ends, right, 0)),
    LSTM_LAYER("c_alone_carried_on", "c is updated in the padding, while a is held")
    | MASKED_STEPS
    | altered("c_next", by=lambda right, v: right),
    LSTM_LAYER("a_alone_carried_on", "a is updated in the padding, while c is held")
    | MASKED_STEPS
    | altered("a_out", by=lambda right, v: right),
    LAYERS(
        "backward_takes_the_last_steps_of_x",
        "the backward direction takes as many steps as the sequence has, but at the end of x",
    )
    | {"padded": lambda v: v.joined}
    | {"hidden": lambda v: in_order(_zero_behind_the_end(v), v.order)}
    | {"order": through_the_padding},
    LAYERS(
        "backward_flipped_with_its_padding",
        "the states of the backward direction are put back in order over all of x, padding included",
    )
    | {"padded": lambda v: v.joined}
    | {"hidden": lambda v: _zero_behind_the_end(v)[:, :, :: 1 - 2 * v.direction]},
    LAYERS(
        "backward_stops_in_the_padding",
        "the backward direction takes no step if every sequence ends before T_x",
    )
    | backward({"hidden": lambda v: in_order(_zero_behind_the_end(v), v.order)})
    | backward({"ends": lambda v: v.lengths * (v.lengths.max(initial=0) == v.T_x)}),
    LAYERS("padding_not_zeroed", "a is not 0 in the padding") | {"padded": lambda v: v.joined},
    LAYERS("last_state_repeated", "the padding of a repeats the last step")
    | {"padded": lambda v: in_order(v.joined, np.minimum(np.arange(v.T_x), v.lengths[:, None] - 1))},
    LAYERS("a_left_sorted", "the samples of a are left sorted by length, the longest first")
    | altered("top", by=lambda right, v: right[:, _longest_first(v)]),
    LAYERS(
        "last_states_left_sorted",
        "the samples of the last states are left sorted by length, the longest first",
    )
    | altered("a_last", "c_last", by=lambda right, v: right[..., _longest_first(v)]),
    LAYERS("all_left_sorted", "all samples are left sorted by length, the longest first")
    | altered("top", by=lambda right, v: right[:, _longest_first(v)])
    | altered("a_last", "c_last", by=lambda right, v: right[..., _longest_first(v)]),
    LAYERS(
        "sorted_twice", "samples sorted by length are put back by the order of the sort, not by its inverse"
    )
    | altered("top", by=lambda right, v: right[:, _longest_first(v)][:, _longest_first(v)])
    | altered("a_last", "c_last", by=lambda right, v: right[..., _longest_first(v)][..., _longest_first(v)]),
    LAYERS(
        "last_states_sorted_twice",
        "last states sorted by length are put back by the order of the sort, not by its inverse",
    )
    | altered("a_last", "c_last", by=lambda right, v: right[..., _longest_first(v)][..., _longest_first(v)]),
    LAYERS(
        "initial_states_not_sorted",
        "samples are sorted by length, the longest first, except in the initial states",
    )
    | altered("a_first", "c_first", by=lambda right, v: right[..., np.argsort(_longest_first(v))]),
)

RARE = mistakes(
    "lengths",
    LAYERS("zero_steps_masked", "a step whose input is 0 is taken for padding")
    | altered("a_out", by=lambda right, v: np.where(v.xt.any(axis=0), right, v.a_prev))
    | altered("c_next", by=lambda right, v: np.where(v.xt.any(axis=0), right, v.c_prev))
    | altered("hidden", by=lambda right, v: np.where(v.below.any(axis=0), right, 0)),
    FORWARDS("zero_steps_held", "a step whose input is 0 is taken for padding, and holds the states")
    | altered("a_next", by=lambda right, v: np.where(v.xt.any(axis=0), right, v.a_prev))
    | altered("c_next", by=lambda right, v: np.where(v.xt.any(axis=0), right, v.c_prev)),
    LAYERS("equal_lengths_ignored", "lengths are ignored if all are equal")
    | _lengths(by=lambda right, v: full_lengths(v) if np.unique(right).size < 2 else right),
)
"""Mistakes that show on no ordinary problem."""
