"""Layers: what one reads of the one below, whose parameters it has, where it starts, which are returned.

`v` holds by name what is known so far (see `oracle.faults.layer_equations`): `padded` is what a layer
leaves, `below` what it reads; `k` is the place of a direction of a layer among the parameters and the states.
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
    last_of,
    misread,
    parameters,
    states,
)
from oracle.faults.fault import Fault
from oracle.faults.layer_equations import backwards, forwards, taken
from reference.contract import LAYERS, Array

FAULTS: list[Fault] = []


def _from_the_top(v: Any) -> Any:
    """The place in a list that begins with the top layer."""
    return (v.L - 1 - v.layer) * v.D + v.direction


def _top(v: Any) -> Any:
    """The places of the top layer."""
    return np.arange(v.L * v.D)[-v.D :]


def _normalised(v: Any) -> Array:
    """Over the units of each sample and step."""
    centred = v.padded - v.padded.mean(axis=0)
    return np.asarray(centred / np.sqrt((centred**2).mean(axis=0) + 1e-5))


def _one_step_late(v: Any) -> Array:
    return np.concatenate([np.zeros_like(v.padded[:, :, :1]), v.padded[:, :, :-1]], axis=2)[:, :, : v.T_x]


def _last_step(v: Any) -> Array:
    return taken(v.padded, np.broadcast_to(v.lengths[:, None] - 1, (v.m, v.T_x)))


def _with_first_biases(v: Any) -> dict[str, Array]:
    p, first = v.asked.parameters[v.k], v.asked.parameters[v.direction]
    return {name: first[name] if name in BIASES else array for name, array in p.items()}


layers = partial(add, FAULTS, "layers")
between_is = series(FAULTS, "layers", LAYERS, "between")
reads = "layers above the first read"
between_is("every_layer_reads_x", "every layer reads x", lambda v: v.given["x"])
between_is("normalised_between", f"{reads} what is normalised over its units", _normalised)
between_is("relu_between", f"{reads} what went through a relu", lambda v: np.maximum(v.padded, 0))
between_is("one_step_late_between", f"{reads} the step before of the one below", _one_step_late)
between_is("last_step_between", f"{reads} the last step of the one below at every step", _last_step)
below = {"top": lambda v: v.below if v.L > 1 else v.padded}
layers(LAYERS, "a_of_the_layer_below", "a is that of the layer below the top", **below)
residual = above(joined=lambda v: np.concatenate(v.both) + v.below)
layers(LAYERS, "residual", "layers above the first add what they read to what they leave", **residual)
reversed_again = {"order": lambda v: backwards(v, v.ends) if (v.direction + v.layer) % 2 else forwards(v)}
layers(LAYERS, "every_second_layer_reversed", "every second layer runs the other way round", **reversed_again)

zero = above(**states("begin", lambda v, state: np.zeros_like(getattr(v, f"{state}_first")[0])))
layers(LAYERS, "states_above_ignored", "layers above the first start from zero", **zero)
from_below = above(**states("begin", lambda v, state: getattr(v, f"{state}_ends")[v.k - v.D]))
layers(
    LAYERS, "starts_where_the_one_below_ended", "a layer starts from where the one below ended", **from_below
)
begin_is = series(FAULTS, "layers", LAYERS, "begin")
begin_is("first_states_for_all", "every layer starts from the first one's states", lambda v: v.direction)
begin_is("initial_states_from_the_top", "the initial states are read from the top layer down", _from_the_top)

down = last_of(lambda v: np.arange(v.L * v.D).reshape(v.L, v.D)[::-1].ravel())
layers(LAYERS, "last_states_from_the_top", "the last states are returned from the top layer down", **down)
top = last_of(_top)
layers(LAYERS, "last_states_of_the_top_alone", "the last states of the top layer alone are returned", **top)
top = last_of(lambda v: [*_top(v)] * v.L)
layers(LAYERS, "last_states_of_the_top_for_all", "every layer's last states are those of the top", **top)
first = last_of(lambda v: [*range(v.D)] * v.L)
layers(
    LAYERS, "last_states_of_the_first_for_all", "every layer's last states are those of the first", **first
)

p_is = series(FAULTS, "layers", LAYERS, "p")
p_is("first_biases_for_all", "every layer has the biases of the first", _with_first_biases)
p_is(
    "first_parameters_for_all",
    "every layer has the parameters of the first",
    lambda v: v.asked.parameters[v.direction],
)
p_is(
    "parameters_from_the_top",
    "the parameters are read from the top layer down",
    lambda v: v.asked.parameters[_from_the_top(v)],
)
changed = above(**parameters(each(np.zeros_like, *BIASES)))
layers(LAYERS, "biases_missing_above", "layers above the first have no biases", **changed)
changed = above(**parameters(each(lambda b: 2 * b, *BIASES)))
layers(LAYERS, "biases_doubled_above", "biases of layers above the first are added twice", **changed)
changed = above(**parameters(a_weights_transposed(*RECURRENT)))
sentence = "the weights of a_prev are transposed in layers above the first"
layers(LAYERS, "a_weights_transposed_above", sentence, **changed)
changed = above(concat=lambda v: np.vstack([v.xt, v.a_prev]))
layers(LAYERS, "x_above_a_above", "[x; a] stands for [a; x] in layers above the first", **changed)
for one, other in ONE_AND_OTHER:
    sentence, changed = misread(above, one, other)
    layers(LSTM_LAYER, f"{one}_gates_read_as_{other}_above", f"above the first layer {sentence}", **changed)
changed = above(activation=lambda v: "tanh")
layers(RNN_LAYER, "tanh_for_relu_above", "tanh stands for relu in layers above the first", **changed)
