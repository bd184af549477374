"""Layers: their inputs, parameters and states; their directions; the projection of an LSTM's hidden state.

The attributes of `v` are the known quantities (see `oracle.faults.layer_equations`): `padded` is the output
of a layer, `below` its input; `k` is the index of a direction in the parameters and in the states, for layer
`layer` and direction `direction`. `a_next` is the hidden state before the projection, `a_out` after it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oracle.faults.catalogue.entry import (
    GATES,
    LSTM_LAYER,
    MASKED,
    RECURRENT,
    RIGHT_LAYER,
    RNN_LAYER,
    Change,
    Entries,
    Transform,
    a_weights_transposed,
    above,
    backward,
    by_columns,
    each,
    gates_read,
    halves,
    last_of,
    states,
)
from oracle.faults.equations import Equations
from oracle.faults.layer_equations import forward_steps, in_order, state_after
from oracle.layout import LAYOUTS
from reference.contract import LAYERS, Array

STACKING = Entries("layers")


def only_in(faults: Entries, name: str, where: str, here: Callable[..., Equations]) -> None:
    """Add the mistakes that people also make only in some layers or directions.

    `name` is a format for the name of the mistake, `where` ends each sentence, and `here` limits the changes.
    """

    def enter(functions: Sequence[str], mistake: str, sentence: str, **changes: Change) -> None:
        faults.of(functions)(name.format(mistake), f"{sentence} {where}", **here(**changes))

    def parameters(transform: Transform) -> Callable[[Any], Any]:
        return lambda v: transform(RIGHT_LAYER["p"](v))

    biases = ("ba", *(f"b{gate}" for gate in GATES))
    enter(LAYERS, "biases_missing", "biases are left out", p=parameters(each(np.zeros_like, *biases)))
    enter(LAYERS, "biases_doubled", "biases are added twice", p=parameters(each(lambda b: 2 * b, *biases)))
    transposed = parameters(a_weights_transposed(*RECURRENT))
    enter(LAYERS, "a_weights_transposed", "the weights of a_prev are transposed", p=transposed)
    enter(LAYERS, "x_above_a", "[x; a] is used in place of [a; x]", concat="np.vstack([xt, a_prev])")
    for one, other in (("torch", "onnx"), ("onnx", "torch"), ("torch", "openvino"), ("torch", "haiku")):
        stacked, order = (LAYOUTS[framework].gates.replace("g", "c") for framework in (one, other))
        sentence = f"gates stacked as in {one} ({stacked}) are read as in {other} ({order})"
        enter(LSTM_LAYER, f"{one}_gates_read_as_{other}", sentence, p=parameters(gates_read(stacked, order)))
    enter(RNN_LAYER, "tanh_for_relu", "tanh is used in place of relu", activation="'tanh'")


layers = STACKING.of(LAYERS)
between_is = STACKING.of(LAYERS, "between")
reads = "layers above the first read"
between_is("every_layer_reads_x", "every layer reads x", "given['x']")
late = "np.concatenate([0 * padded[:, :, :1], padded[:, :, :-1]], axis=2)"
between_is("one_step_late_between", f"{reads} step t - 1 of the layer below", late)
between_is("relu_between", f"{reads} the relu of the hidden states", "np.maximum(padded, 0)")
last = "np.take_along_axis(padded, np.broadcast_to(lengths[:, None] - 1, (m, T_x))[None], 2)"
between_is("last_step_between", f"{reads} the last step of the layer below at every step", last)
residual = above(joined="np.concatenate(both) + below")
layers("residual", "layers above the first add their input to their output", **residual)

zero = above(**states("begin", lambda v, state: np.zeros_like(getattr(v, f"{state}_first")[0])))
layers("states_above_ignored", "layers above the first start from zero", **zero)
from_below = above(**states("begin", lambda v, state: getattr(v, f"{state}_ends")[v.k - v.D]))
sentence = "a layer starts from the last state of the layer below"
layers("starts_where_the_one_below_ended", sentence, **from_below)
begin_is = STACKING.of(LAYERS, "begin")
begin_is("first_states_for_all", "every layer starts from the initial states of the first layer", "direction")
from_the_top = "(L - 1 - layer) * D + direction"
begin_is("initial_states_from_the_top", "the initial states are read from the top layer down", from_the_top)

sentence = "the last states are returned from the top layer down"
layers("last_states_from_the_top", sentence, **last_of("np.arange(L * D).reshape(L, D)[::-1].ravel()"))
sentence = "only the last states of the top layer are returned"
layers("last_states_of_the_top_alone", sentence, **last_of("range(L * D)[-D:]"))
sentence = "every layer's last states are those of the top layer"
layers("last_states_of_the_top_for_all", sentence, **last_of("[*range(L * D)[-D:]] * L"))

p_is = STACKING.of(LAYERS, "p")
sentence = "every layer has the parameters of the first layer"
p_is("first_parameters_for_all", sentence, "call.parameters[direction]")
sentence = "the parameters are read from the top layer down"
p_is("parameters_from_the_top", sentence, f"call.parameters[{from_the_top}]")
only_in(STACKING, "{}_above", "in layers above the first", above)
sentence = "every layer's last states are those of the first layer"
layers("last_states_of_the_first_for_all", sentence, **last_of("[*range(D)] * L"))

DIRECTIONS = Entries("directions")


def _at_the_last_step(v: Any, state: str) -> Array:
    """The state `(n, m)` after the last step of each sequence, in the order of time."""
    return state_after(v.ends, getattr(v, f"{state}0"), in_order(getattr(v, state), v.order))


directions = DIRECTIONS.of(LAYERS)
top_is = DIRECTIONS.of(LAYERS, "top")
sentence = "a has the backward direction above the forward one"
top_is("directions_exchanged_in_a", sentence, halves(lambda f, b: [b, f]))
top_is("directions_summed", "a is the sum of the directions", halves(lambda f, b: [f + b]))
top_is("directions_averaged", "a is the mean of the directions", halves(lambda f, b: [(f + b) / 2]))
top_is("directions_multiplied", "a is the product of the directions", halves(lambda f, b: [f * b]))
by_turns = "padded.reshape(D, -1, m, T_x).swapaxes(0, 1).reshape(-1, m, T_x)"
top_is("directions_by_turns", "in a the units of the directions alternate", by_turns)
top_is("forward_alone", "a is only the forward direction", halves(lambda f, b: [f]))
top_is("forward_twice", "a has the forward direction in both halves", halves(lambda f, b: [f, f]))
between_is = DIRECTIONS.of(LAYERS, "between")
reads = "layers above the first read"
sentence = f"{reads} the backward direction above the forward one"
between_is("directions_exchanged_between", sentence, halves(lambda f, b: [b, f]))
between_is("forward_alone_between", f"{reads} only the forward half", halves(lambda f, b: [f, 0 * b]))
between_is("backward_alone_between", f"{reads} only the backward half", halves(lambda f, b: [0 * f, b]))
joined_is = DIRECTIONS.of(LAYERS, "joined")
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
begin_is = DIRECTIONS.of(LAYERS, "begin")
sentence = "the initial states are read with the backward direction first"
begin_is("initial_states_exchanged", sentence, "k ^ (D - 1)")
sentence = "the initial states are read direction by direction"
begin_is("initial_states_direction_major", sentence, "direction * L + layer")
begin_is("states_by_layer", "both directions of layer l start from initial state l", "layer")
sentence = "both directions start from the initial state of the forward direction"
begin_is("forward_states_for_both", sentence, "k - direction")

directions("backward_not_reversed_back", "backward states are not reversed back", **backward(hidden="a"))
directions("backward_input_not_reversed", "backward input is not reversed", **backward(read="below"))
unreversed = backward(read=lambda v: in_order(v.below[::-1, ::-1], v.order))
directions("backward_flips_all_axes", "backward input is reversed along all axes", **unreversed)
sentence = "step k of the backward direction reads x[-k], the first step x[0]"
from_the_first = "np.tile((1 - 2 * direction) * np.arange(T_x) % T_x, (m, 1))"
directions("backward_begins_at_the_first_step", sentence, **{**MASKED, "order": from_the_first})
directions("backward_runs_forwards", "the backward direction runs forwards", order=forward_steps)
sentence = "the last states of the backward direction are those of its first step, at the end of the sequence"
directions("backward_ends_at_the_last_step", sentence, **backward(**states("end", _at_the_last_step)))
at_the_last_step = backward(a_end=lambda v: _at_the_last_step(v, "a"))
sentence = "a_last of the backward direction is that of its first step; c_last is right"
DIRECTIONS.of(LSTM_LAYER)("backward_a_last_at_the_last_step", sentence, **at_the_last_step)
zero = backward(**states("begin", lambda v, state: np.zeros_like(getattr(v, f"{state}_first")[0])))
directions("backward_states_ignored", "the backward direction starts from zero", **zero)
where_forward_ended = backward(**states("begin", lambda v, state: getattr(v, f"{state}_ends")[-1]))
sentence = "the backward direction starts from the last state of the forward direction"
directions("backward_from_forward_end", sentence, **where_forward_ended)

p_is = DIRECTIONS.of(LAYERS, "p")
sentence = "both directions use the parameters of the forward direction"
p_is("forward_parameters_for_both", sentence, "call.parameters[k - direction]")
sentence = "each direction uses the parameters of the other"
p_is("parameters_exchanged", sentence, "call.parameters[k ^ (D - 1)]")
sentence = "the parameters are read direction by direction"
p_is("parameters_direction_major", sentence, "call.parameters[direction * L + layer]")
sentence = "above the first layer each direction uses the parameters of the other"
directions("parameters_exchanged_above", sentence, **above(p="call.parameters[k ^ (D - 1)]"))
only_in(DIRECTIONS, "backward_{}", "in the backward direction", backward)

PROJECTION = Entries("projection")


def _with_projection_of(v: Any, place: int) -> dict[str, Array]:
    p, other = v.call.parameters[v.k], v.call.parameters[place]
    return {**p, "Wp": other["Wp"]} if "Wp" in p else p


def _unprojected(v: Any) -> Array:
    """The last hidden states, not projected."""
    if not ("Wp" in v.p and v.entries):
        return np.asarray(RIGHT_LAYER["a_end"](v))
    return state_after(v.ends, v.entries[0], np.stack(v.entries, axis=2))


projection = PROJECTION.of(LSTM_LAYER)
p_is = PROJECTION.of(LSTM_LAYER, "parameters")
p_is("projection_transposed", "the projection is transposed", each(np.transpose, "Wp"))
p_is("projection_reshaped", "the projection is reshaped, not transposed", each(by_columns, "Wp"))
p_is = PROJECTION.of(LSTM_LAYER, "p")
sentence = "every layer has the projection of the first layer"
p_is("first_projection_for_all", sentence, lambda v: _with_projection_of(v, v.direction))
sentence = "both directions use the projection of the forward direction"
p_is("forward_projection_for_both", sentence, lambda v: _with_projection_of(v, v.k - v.direction))
a_out_is = PROJECTION.of(LSTM_LAYER, "a_out")
a_out_is("projection_left_out", "the hidden state is not projected", "a_next")
a_out_is("projection_twice", "the hidden state is projected twice", "project(project(a_next))")
through_tanh = "tanh(project(a_next)) if 'Wp' in p else a_next"
a_out_is("projection_through_tanh", "the projected state goes through tanh", through_tanh)
before_gate = "ot * project(tanh(c_next))"
a_out_is("projection_before_gate", "tanh(c) is projected, before the output gate", before_gate)
on_c = {"c_next": "project(ft * c_prev + it * cct)", "a_out": "a_next"}
projection("projection_on_c", "c is projected, not the hidden state", **on_c)
inside_tanh = {"a_next": "ot * tanh(project(c_next))", "a_out": "a_next"}
projection("projection_inside_tanh", "c is projected inside the tanh, not the hidden state", **inside_tanh)
projection("c_last_projected", "c_last is projected too", c_end=lambda v: v.project(RIGHT_LAYER["c_end"](v)))
projection("a_last_not_projected", "a_last is not projected", a_end=_unprojected)
sentence = "the next step gets the hidden state that is not projected"
projection("projection_not_recurrent", sentence, a_prev="a_next if t else a0")
sentence = "layers above the first do not project"
projection("projection_in_first_layer_alone", sentence, **above(a_out="a_next"))
