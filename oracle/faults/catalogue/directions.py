"""Directions: exchanged, merged, not reversed, or with each other's states or parameters.

The attributes of `v` are the known quantities (see `oracle.faults.layer_equations`): `k` is the index of a
direction in the parameters and in the states, for layer `layer` and direction `direction`.
"""

from typing import Any

import numpy as np

from oracle.faults.catalogue.entry import LSTM_LAYER, Entries
from oracle.faults.catalogue.layer_entry import MASKED, above, backward, halves, last_of, only_in, states
from oracle.faults.layer_equations import forward_steps, in_order, state_after
from reference.contract import LAYERS, Array

FAULTS = Entries("directions")


def _at_the_last_step(v: Any, state: str) -> Array:
    """The state `(n, m)` after the last step of each sequence, in the order of time."""
    return state_after(v.ends, getattr(v, f"{state}0"), in_order(getattr(v, state), v.order))


def _from_the_first(v: Any) -> Array:
    """The order of a backward direction that begins at the first step: 0, T_x - 1, T_x - 2, …"""
    return -forward_steps(v) % v.T_x if v.direction else forward_steps(v)


def _by_turns(f: Array, b: Array) -> list[Array]:
    """The units of both directions in turn."""
    return [unit[None] for pair in zip(f, b, strict=True) for unit in pair]


directions = FAULTS.of(LAYERS)
top_is = FAULTS.series(LAYERS, "top")
sentence = "a has the backward direction above the forward one"
top_is("directions_exchanged_in_a", sentence, halves(lambda f, b: [b, f]))
top_is("directions_summed", "a is the sum of the directions", halves(lambda f, b: [f + b]))
top_is("directions_averaged", "a is the mean of the directions", halves(lambda f, b: [(f + b) / 2]))
top_is("directions_multiplied", "a is the product of the directions", halves(lambda f, b: [f * b]))
top_is("directions_by_turns", "in a the units of the directions alternate", halves(_by_turns))
top_is("forward_alone", "a is only the forward direction", halves(lambda f, b: [f]))
top_is("forward_twice", "a has the forward direction in both halves", halves(lambda f, b: [f, f]))
between_is = FAULTS.series(LAYERS, "between")
reads = "layers above the first read"
sentence = f"{reads} the backward direction above the forward one"
between_is("directions_exchanged_between", sentence, halves(lambda f, b: [b, f]))
between_is("forward_alone_between", f"{reads} only the forward half", halves(lambda f, b: [f, 0 * b]))
between_is("backward_alone_between", f"{reads} only the backward half", halves(lambda f, b: [0 * f, b]))
joined_is = FAULTS.series(LAYERS, "joined")
sentence = "every layer puts the backward direction above the forward one"
joined_is("directions_exchanged", sentence, "np.concatenate(both[::-1])")
sentence = "every layer has the backward direction in both halves"
joined_is("backward_twice_in_every_layer", sentence, "np.concatenate(both[-1:] * D)")
sentence = "in every layer the units of the directions alternate"
joined_is("directions_by_turns_in_every_layer", sentence, "np.stack(both, 1).reshape(-1, m, T_x)")

sentence = "the last states have the backward direction before the forward one"
directions("last_states_exchanged", sentence, **last_of("np.arange(L * D) ^ (D - 1)"))
sentence = "the last states are returned direction by direction"
directions("last_states_direction_major", sentence, **last_of("np.arange(L * D).reshape(L, D).T.ravel()"))
joined = states("last", lambda v, a: np.stack(getattr(v, f"{a}_ends")).reshape(v.L, -1, v.m))
directions("last_states_joined", "the last states have both directions of a layer in one array", **joined)
begin_is = FAULTS.series(LAYERS, "begin")
sentence = "the initial states are read with the backward direction first"
begin_is("initial_states_exchanged", sentence, "k ^ (D - 1)")
sentence = "the initial states are read direction by direction"
begin_is("initial_states_direction_major", sentence, "direction * L + layer")
begin_is("states_by_layer", "both directions of layer l start from initial state l", "layer")
sentence = "both directions start from the initial state of the forward direction"
begin_is("forward_states_for_both", sentence, "k - direction")


unreversed = backward(hidden="a")
directions("backward_not_reversed_back", "backward states are not reversed back", **unreversed)
unreversed = backward(read="below")
directions("backward_input_not_reversed", "backward input is not reversed", **unreversed)
unreversed = backward(read=lambda v: in_order(v.below[::-1, ::-1], v.order))
directions("backward_flips_all_axes", "backward input is reversed along all axes", **unreversed)
sentence = "step k of the backward direction reads x[-k], the first step x[0]"
directions("backward_begins_at_the_first_step", sentence, **{**MASKED, "order": _from_the_first})
directions("backward_runs_forwards", "the backward direction runs forwards", order=forward_steps)
at_the_last_step = backward(**states("end", _at_the_last_step))
sentence = "the last states of the backward direction are those of its first step, at the end of the sequence"
directions("backward_ends_at_the_last_step", sentence, **at_the_last_step)
at_the_last_step = backward(a_end=lambda v: _at_the_last_step(v, "a"))
sentence = "a_last of the backward direction is that of its first step; c_last is right"
FAULTS.of(LSTM_LAYER)("backward_a_last_at_the_last_step", sentence, **at_the_last_step)
zero = backward(**states("begin", lambda v, state: np.zeros_like(getattr(v, f"{state}_first")[0])))
directions("backward_states_ignored", "the backward direction starts from zero", **zero)
where_forward_ended = backward(**states("begin", lambda v, state: getattr(v, f"{state}_ends")[-1]))
sentence = "the backward direction starts from the last state of the forward direction"
directions("backward_from_forward_end", sentence, **where_forward_ended)

p_is = FAULTS.series(LAYERS, "p")
sentence = "both directions use the parameters of the forward direction"
p_is("forward_parameters_for_both", sentence, "call.parameters[k - direction]")
sentence = "each direction uses the parameters of the other"
p_is("parameters_exchanged", sentence, "call.parameters[k ^ (D - 1)]")
sentence = "the parameters are read direction by direction"
p_is("parameters_direction_major", sentence, "call.parameters[direction * L + layer]")
exchanged = above(p="call.parameters[k ^ (D - 1)]")
sentence = "above the first layer each direction uses the parameters of the other"
directions("parameters_exchanged_above", sentence, **exchanged)
only_in(FAULTS, "backward_{}", "in the backward direction", backward)
