"""Directions: exchanged, merged, not reversed where they should be, with each other's states or parameters.

`v` holds by name what is known so far (see `oracle.faults.layer_equations`): `k` is the place of a direction
of a layer among the parameters and the states, `layer` and `direction` say which it is.
"""

from functools import partial
from typing import Any

import numpy as np

from oracle.faults.catalogue.entry import (
    LSTM_LAYER,
    RECURRENT,
    RNN_LAYER,
    a_weights_transposed,
    add,
    each,
    series,
)
from oracle.faults.catalogue.layer_entry import (
    BIASES,
    ONE_AND_OTHER,
    above,
    backward,
    halves,
    last_of,
    misread,
    parameters,
    states,
)
from oracle.faults.fault import Fault
from oracle.faults.layer_equations import after, forwards, taken
from reference.contract import LAYERS, Array

FAULTS: list[Fault] = []


def _other(v: Any) -> Any:
    """The place of the other direction, if there are two."""
    return v.k ^ (v.D - 1)


def _direction_major(v: Any) -> Any:
    """The place in a list of the forward directions of all layers, then the backward ones."""
    return v.direction * v.L + v.layer


def _at_the_last_step(v: Any, state: str) -> Array:
    """The state that belongs to the last step in the order of time."""
    return after(v.ends, getattr(v, f"{state}0"), taken(getattr(v, state), v.order))


def _by_turns(f: Array, b: Array) -> list[Array]:
    return [unit[None] for pair in zip(f, b, strict=True) for unit in pair]


directions = partial(add, FAULTS, "directions", LAYERS)
top_is = series(FAULTS, "directions", LAYERS, "top")
top_is("directions_exchanged_in_a", "a has backward above forward", halves(lambda f, b: [b, f]))
top_is("directions_summed", "a is the sum of the directions", halves(lambda f, b: [f + b]))
top_is("directions_averaged", "a is the mean of the directions", halves(lambda f, b: [(f + b) / 2]))
top_is("directions_multiplied", "a is the product of the directions", halves(lambda f, b: [f * b]))
top_is("forward_alone", "a is the forward direction alone", halves(lambda f, b: [f]))
top_is("forward_twice", "a has the forward direction in both halves", halves(lambda f, b: [f, f]))
top_is("directions_by_turns", "in a the units of the directions take turns", halves(_by_turns))
between_is = series(FAULTS, "directions", LAYERS, "between")
reads = "layers above the first read"
between_is("directions_exchanged_between", f"{reads} backward above forward", halves(lambda f, b: [b, f]))
between_is("forward_alone_between", f"{reads} only the forward half", halves(lambda f, b: [f, 0 * b]))
between_is("backward_alone_between", f"{reads} only the backward half", halves(lambda f, b: [0 * f, b]))
between_is("forward_twice_between", f"{reads} the forward half twice", halves(lambda f, b: [f, f]))
between_is("sum_between", f"{reads} the sum of the directions twice", halves(lambda f, b: [f + b, f + b]))
between_is(
    "mean_between", f"{reads} the mean of the directions twice", halves(lambda f, b: [(f + b) / 2] * 2)
)
upside_down = {"joined": lambda v: np.concatenate(v.both[::-1])}
directions("directions_exchanged", "every layer leaves backward above forward", **upside_down)

exchanged = last_of(lambda v: np.arange(v.L * v.D) ^ (v.D - 1))
directions("last_states_exchanged", "the last states have backward before forward", **exchanged)
by_direction = last_of(lambda v: np.arange(v.L * v.D).reshape(v.L, v.D).T.ravel())
directions(
    "last_states_direction_major", "the last states are returned direction by direction", **by_direction
)
joined = states("last", lambda v, a: np.stack(getattr(v, f"{a}_ends")).reshape(v.L, -1, v.m))
directions(
    "last_states_joined", "the last states have the directions of a layer one below the other", **joined
)
begin_is = series(FAULTS, "directions", LAYERS, "begin")
begin_is("initial_states_exchanged", "the initial states are read backward before forward", _other)
begin_is(
    "initial_states_direction_major", "the initial states are read direction by direction", _direction_major
)
begin_is(
    "forward_states_for_both", "both directions start from the forward one's", lambda v: v.k - v.direction
)


backwards = partial(add, FAULTS, "directions")
unreversed = backward(hidden=lambda v: v.a)
backwards(LAYERS, "backward_not_reversed_back", "backward states are not reversed back", **unreversed)
unreversed = backward(read=lambda v: v.below)
backwards(LAYERS, "backward_input_not_reversed", "backward input is not reversed", **unreversed)
backwards(LAYERS, "backward_runs_forwards", "the backward direction runs forwards", order=forwards)
at_the_last_step = backward(**states("end", _at_the_last_step))
sentence = "the last states of the backward direction are those at the end of a sequence, where it begins"
backwards(LAYERS, "backward_ends_at_the_last_step", sentence, **at_the_last_step)
at_the_last_step = backward(a_end=lambda v: _at_the_last_step(v, "a"))
sentence = "a_last of the backward direction is that at the end of a sequence, c_last is right"
backwards(LSTM_LAYER, "backward_a_last_at_the_last_step", sentence, **at_the_last_step)
zero = backward(**states("begin", lambda v, state: np.zeros_like(getattr(v, f"{state}_first")[0])))
backwards(LAYERS, "backward_states_ignored", "the backward direction starts from zero", **zero)
where_forward_ended = backward(**states("begin", lambda v, state: getattr(v, f"{state}_ends")[-1]))
sentence = "the backward direction starts from where the forward one ended"
backwards(LAYERS, "backward_from_forward_end", sentence, **where_forward_ended)

p_is = series(FAULTS, "directions", LAYERS, "p")
p_is(
    "forward_parameters_for_both",
    "both directions have the forward one's parameters",
    lambda v: v.asked.parameters[v.k - v.direction],
)
p_is(
    "parameters_exchanged",
    "the directions have each other's parameters",
    lambda v: v.asked.parameters[_other(v)],
)
p_is(
    "parameters_direction_major",
    "the parameters are read direction by direction",
    lambda v: v.asked.parameters[_direction_major(v)],
)
exchanged = above(p=lambda v: v.asked.parameters[_other(v)])
sentence = "above the first layer the directions have each other's parameters"
directions("parameters_exchanged_above", sentence, **exchanged)
missing, doubled = each(np.zeros_like, *BIASES), each(lambda b: 2 * b, *BIASES)
changed = backward(**parameters(missing))
backwards(LAYERS, "backward_biases_missing", "the backward direction has no biases", **changed)
changed = backward(**parameters(doubled))
backwards(LAYERS, "backward_biases_doubled", "biases of the backward direction are added twice", **changed)
changed = backward(**parameters(a_weights_transposed(*RECURRENT)))
sentence = "the weights of a_prev are transposed in the backward direction"
backwards(LAYERS, "backward_a_weights_transposed", sentence, **changed)
changed = backward(concat=lambda v: np.vstack([v.xt, v.a_prev]))
sentence = "[x; a] stands for [a; x] in the backward direction"
backwards(LAYERS, "backward_x_above_a", sentence, **changed)
for one, other in ONE_AND_OTHER:
    sentence, changed = misread(backward, one, other)
    name = f"backward_{one}_gates_read_as_{other}"
    backwards(LSTM_LAYER, name, f"in the backward direction {sentence}", **changed)
changed = backward(activation=lambda v: "tanh")
backwards(RNN_LAYER, "backward_tanh_for_relu", "tanh stands for relu in the backward direction", **changed)
