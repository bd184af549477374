"""Mistakes in layers: inputs, parameters and states, directions, and the projection of the hidden state.

The known quantities are those of `oracle.network.forward`: `below` is the input of a layer, `padded`
the output. `k` is the index of direction `direction` of layer `layer` in the lists of parameters and states.
`a_next` is the hidden state before the projection, `a_out` the hidden state after the projection.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from oracle.faults.entry import MASKED_STEPS, above, altered, backward, mistakes
from oracle.faults.fault import Fault
from oracle.faults.functions import LAYERS, LSTM_LAYER, RNN_LAYER
from oracle.faults.parameters import Parameters, a_weights_transposed, by_columns, gates_read_as, mapped
from oracle.network.equations import Equations
from oracle.network.forward import forward_steps, in_order, state_after
from reference.contract import BIAS, NETWORKS, Array

_X_ABOVE_A: Equations = {"concat": lambda v: np.vstack([v.xt, v.a_prev])}
_BIASES = {name for each in NETWORKS.values() for name, shape in each.parameters.items() if shape == BIAS}
_IN_PART: Sequence[tuple[Callable[[str, str], Fault], str, str, Equations]] = [
    (LAYERS, "biases_missing", "biases are left out", mapped(np.zeros_like, *_BIASES)),
    (LAYERS, "biases_doubled", "biases are added twice", mapped(lambda b: 2 * b, *_BIASES)),
    (LAYERS, "a_weights_transposed", "the weights of a_prev are transposed", a_weights_transposed()),
    (LAYERS, "x_above_a", "[x; a] is used in place of [a; x]", _X_ABOVE_A),
    (LSTM_LAYER, *gates_read_as("torch", "onnx")),
    (LSTM_LAYER, *gates_read_as("onnx", "torch")),
    (LSTM_LAYER, *gates_read_as("torch", "openvino")),
    (LSTM_LAYER, *gates_read_as("torch", "haiku")),
    (RNN_LAYER, "tanh_for_relu", "tanh is used in place of relu", {"activation": lambda v: "tanh"}),
]
"""Mistakes that people make only above the first layer, or only in one direction."""


def _of_p(changes: Equations) -> Equations:
    """The changes of the parameters as changes of `p`, which can be restricted to layers or directions."""
    return altered("p", by=lambda right, v: changes["parameters"](right))


def _only(where: str, name: str, restricted: Callable[[Equations], Equations]) -> Iterator[Fault]:
    """The mistakes of `_IN_PART`, restricted. `where` ends each sentence, `name` is the format of a name."""
    for made_in, mistake, sentence, changes in _IN_PART:
        in_part = restricted(_of_p(changes) if "parameters" in changes else changes)
        yield made_in(name.format(mistake), f"{sentence} {where}") | in_part


def _at_the_last_step(v: Any, state: str) -> Array:
    """The state `(n, m)` after the last step of each sequence, in the order of time."""
    return np.asarray(state_after(v.ends, getattr(v, f"{state}0"), in_order(getattr(v, state), v.order)))


def _last_before_projection(right: Array, v: Any) -> Array:
    """The last hidden state before the projection, which has another shape; `right` without a projection."""
    has_projection = "Wp" in v.p and v.entries
    return state_after(v.ends, v.entries[0], np.stack(v.entries, 2)) if has_projection else right


def _with_projection(p: Parameters, other: Parameters) -> Parameters:
    """The parameters `p` with the projection of other parameters."""
    return {**p, "Wp": other["Wp"]} if "Wp" in p else p


def _of_halves(name: str, change: Callable[[Array, Array], Sequence[Array]]) -> Equations:
    """The output of a layer, with its halves replaced by `change(forward, backward)` if D is 2."""
    return {name: lambda v: np.concatenate(change(*np.split(v.padded, 2))) if v.D == 2 else v.padded}


def _by_turns(rows: Array, D: int) -> Array:
    """The rows of D equal parts in turns."""
    return np.asarray(rows[np.arange(len(rows)).reshape(D, -1).T.ravel()])


def _places(v: Any) -> Array:
    """The indices `(L, D)` of the directions in the lists of parameters and states."""
    return np.arange(v.L * v.D).reshape(v.L, v.D)


MISTAKES = mistakes(
    "layers",
    LAYERS("every_layer_reads_x", "every layer reads x") | {"between": lambda v: v.inputs["x"]},
    LAYERS("one_step_late_between", "layers above the first read step t - 1 of the layer below")
    | {"between": lambda v: np.concatenate([0 * v.padded[:, :, :1], v.padded[:, :, :-1]], axis=2)},
    LAYERS("relu_between", "layers above the first read the relu of the hidden states")
    | {"between": lambda v: np.maximum(v.padded, 0)},
    LAYERS("last_step_between", "layers above the first read the last step of the layer below at every step")
    | {"between": lambda v: in_order(v.padded, np.broadcast_to(v.lengths[:, None] - 1, (v.m, v.T_x)))},
    LAYERS("residual", "layers above the first add their input to their output")
    | above({"joined": lambda v: np.concatenate(v.both) + v.below}),
    LAYERS("states_above_ignored", "layers above the first start from zero")
    | above(altered("a_begin", "c_begin", by=lambda right, v: np.zeros_like(right))),
    LAYERS("starts_where_the_one_below_ended", "a layer starts from the last state of the layer below")
    | above({"a_begin": lambda v: v.a_ends[v.k - v.D], "c_begin": lambda v: v.c_ends[v.k - v.D]}),
    LAYERS("first_states_for_all", "every layer starts from the initial states of the first layer")
    | {"begin": lambda v: v.direction},
    LAYERS("initial_states_from_the_top", "the initial states are read from the top layer down")
    | {"begin": lambda v: (v.L - 1 - v.layer) * v.D + v.direction},
    LAYERS("last_states_from_the_top", "the last states are returned from the top layer down")
    | altered("a_last", "c_last", by=lambda right, v: right[_places(v)[::-1].ravel()]),
    LAYERS("last_states_of_the_top_alone", "only the last states of the top layer are returned")
    | altered("a_last", "c_last", by=lambda right, v: right[-v.D :]),
    LAYERS("last_states_of_the_top_for_all", "every layer's last states are those of the top layer")
    | altered("a_last", "c_last", by=lambda right, v: np.tile(right[-v.D :], (v.L, 1, 1))),
    LAYERS("first_parameters_for_all", "every layer has the parameters of the first layer")
    | {"p": lambda v: v.call.parameters[v.direction]},
    LAYERS("parameters_from_the_top", "the parameters are read from the top layer down")
    | {"p": lambda v: v.call.parameters[(v.L - 1 - v.layer) * v.D + v.direction]},
    *_only("in layers above the first", "{}_above", above),
    LAYERS("last_states_of_the_first_for_all", "every layer's last states are those of the first layer")
    | altered("a_last", "c_last", by=lambda right, v: np.tile(right[: v.D], (v.L, 1, 1))),
    "directions",
    LAYERS("directions_exchanged_in_a", "the output a has the backward direction above the forward one")
    | _of_halves("top", lambda f, b: [b, f]),
    LAYERS("directions_summed", "a is the sum of the directions") | _of_halves("top", lambda f, b: [f + b]),
    LAYERS("directions_averaged", "a is the mean of the directions")
    | _of_halves("top", lambda f, b: [(f + b) / 2]),
    LAYERS("directions_multiplied", "a is the product of the directions")
    | _of_halves("top", lambda f, b: [f * b]),
    LAYERS("directions_by_turns", "the rows of a alternate between the directions")
    | {"top": lambda v: _by_turns(v.padded, v.D)},
    LAYERS("forward_alone", "a is only the forward direction") | _of_halves("top", lambda f, b: [f]),
    LAYERS("forward_twice", "both halves of a are the forward direction")
    | _of_halves("top", lambda f, b: [f, f]),
    LAYERS(
        "directions_exchanged_between",
        "layers above the first read the backward direction above the forward one",
    )
    | _of_halves("between", lambda f, b: [b, f]),
    LAYERS("forward_alone_between", "layers above the first read only the forward half")
    | _of_halves("between", lambda f, b: [f, 0 * b]),
    LAYERS("backward_alone_between", "layers above the first read only the backward half")
    | _of_halves("between", lambda f, b: [0 * f, b]),
    LAYERS("directions_exchanged", "every layer puts the backward direction above the forward one")
    | {"joined": lambda v: np.concatenate(v.both[::-1])},
    LAYERS("backward_twice_in_every_layer", "every layer has the backward direction in both halves")
    | {"joined": lambda v: np.concatenate(v.both[-1:] * v.D)},
    LAYERS("directions_by_turns_in_every_layer", "in every layer the units of the directions alternate")
    | {"joined": lambda v: _by_turns(np.concatenate(v.both), v.D)},
    LAYERS("last_states_exchanged", "the last states have the backward direction before the forward one")
    | altered("a_last", "c_last", by=lambda right, v: right[_places(v)[:, ::-1].ravel()]),
    LAYERS("last_states_direction_major", "the last states are returned direction by direction")
    | altered("a_last", "c_last", by=lambda right, v: right[_places(v).T.ravel()]),
    LAYERS("last_states_joined", "the last states have both directions of a layer in one array")
    | altered("a_last", "c_last", by=lambda right, v: right.reshape(v.L, v.D * right.shape[1], v.m)),
    LAYERS("initial_states_exchanged", "the initial states are read with the backward direction first")
    | {"begin": lambda v: v.k ^ (v.D - 1)},
    LAYERS("initial_states_direction_major", "the initial states are read direction by direction")
    | {"begin": lambda v: v.direction * v.L + v.layer},
    LAYERS("states_by_layer", "both directions of layer l start from initial state l")
    | {"begin": lambda v: v.layer},
    LAYERS("forward_states_for_both", "both directions start from the initial state of the forward direction")
    | {"begin": lambda v: v.k - v.direction},
    LAYERS("backward_not_reversed_back", "backward states are not reversed back")
    | backward({"hidden": lambda v: v.a}),
    LAYERS(
        "backward_not_reversed_back_between",
        "layers above the first read backward states that are not reversed back",
    )
    | backward(altered("hidden", by=lambda right, v: v.a if v.layer < v.L - 1 else right)),
    LAYERS(
        "backward_not_reversed_back_with_its_padding",
        "backward states are not reversed back, so that the padding comes before them",
    )
    | MASKED_STEPS
    | {"padded": lambda v: v.joined, "hidden": lambda v: np.where(v.order < v.ends[:, None], v.a, 0)},
    LAYERS("backward_input_not_reversed", "backward input is not reversed")
    | backward({"read": lambda v: v.below}),
    LAYERS("backward_flips_all_axes", "backward input is reversed along all axes")
    | backward({"read": lambda v: in_order(v.below[::-1, ::-1], v.order)}),
    LAYERS(
        "backward_begins_at_the_first_step",
        "step k of the backward direction reads x[-k], so step 0 reads x[0]",
    )
    | MASKED_STEPS
    | {"order": lambda v: np.tile((1 - 2 * v.direction) * np.arange(v.T_x) % v.T_x, (v.m, 1))},
    LAYERS("backward_runs_forwards", "the backward direction runs forwards") | {"order": forward_steps},
    LAYERS(
        "backward_ends_at_the_last_step",
        "the last states of the backward direction are those of its first step, at the end of the sequence",
    )
    | backward({"a_end": lambda v: _at_the_last_step(v, "a"), "c_end": lambda v: _at_the_last_step(v, "c")}),
    LSTM_LAYER(
        "backward_a_last_at_the_last_step",
        "a_last of the backward direction is that of its first step; c_last is right",
    )
    | backward({"a_end": lambda v: _at_the_last_step(v, "a")}),
    LAYERS("backward_states_ignored", "the backward direction starts from zero")
    | backward(altered("a_begin", "c_begin", by=lambda right, v: np.zeros_like(right))),
    LAYERS(
        "backward_from_forward_end",
        "the backward direction starts from the last state of the forward direction",
    )
    | backward({"a_begin": lambda v: v.a_ends[-1], "c_begin": lambda v: v.c_ends[-1]}),
    LAYERS("forward_parameters_for_both", "both directions use the parameters of the forward direction")
    | {"p": lambda v: v.call.parameters[v.k - v.direction]},
    LAYERS("parameters_exchanged", "each direction uses the parameters of the other")
    | {"p": lambda v: v.call.parameters[v.k ^ (v.D - 1)]},
    LAYERS("parameters_direction_major", "the parameters are read direction by direction")
    | {"p": lambda v: v.call.parameters[v.direction * v.L + v.layer]},
    LAYERS(
        "parameters_exchanged_above", "above the first layer each direction uses the parameters of the other"
    )
    | above({"p": lambda v: v.call.parameters[v.k ^ (v.D - 1)]}),
    *_only("in the backward direction", "backward_{}", backward),
    "projection",
    LSTM_LAYER("projection_transposed", "the projection is transposed") | mapped(np.transpose, "Wp"),
    LSTM_LAYER("projection_reshaped", "the projection is reshaped, not transposed")
    | mapped(by_columns, "Wp"),
    LSTM_LAYER("first_projection_for_all", "every layer has the projection of the first layer")
    | altered("p", by=lambda right, v: _with_projection(right, v.call.parameters[v.direction])),
    LSTM_LAYER("one_projection", "both directions of every layer have the first projection")
    | altered("p", by=lambda right, v: _with_projection(right, v.call.parameters[0])),
    LSTM_LAYER("forward_projection_for_both", "both directions use the projection of the forward direction")
    | altered("p", by=lambda right, v: _with_projection(right, v.call.parameters[v.k - v.direction])),
    LSTM_LAYER("projection_left_out", "the hidden state is not projected") | {"a_out": lambda v: v.a_next},
    LSTM_LAYER("projection_twice", "the hidden state is projected twice")
    | {"a_out": lambda v: v.project(v.project(v.a_next))},
    LSTM_LAYER("projection_through_tanh", "the projected state goes through tanh")
    | {"a_out": lambda v: v.tanh(v.project(v.a_next)) if "Wp" in v.p else v.a_next},
    LSTM_LAYER("projection_before_gate", "tanh(c) is projected, before the output gate")
    | {"a_out": lambda v: v.ot * v.project(v.tanh(v.c_next))},
    LSTM_LAYER("projection_on_c", "c is projected, not the hidden state")
    | {"c_next": lambda v: v.project(v.ft * v.c_prev + v.it * v.cct), "a_out": lambda v: v.a_next},
    LSTM_LAYER("projection_inside_tanh", "c is projected inside the tanh, not the hidden state")
    | {"a_next": lambda v: v.ot * v.tanh(v.project(v.c_next)), "a_out": lambda v: v.a_next},
    LSTM_LAYER("c_last_projected", "c_last is projected too")
    | altered("c_end", by=lambda right, v: v.project(right)),
    LSTM_LAYER("a_last_not_projected", "a_last is not projected")
    | altered("a_end", by=_last_before_projection),
    LSTM_LAYER("projection_not_recurrent", "the next step gets the hidden state that is not projected")
    | {"a_prev": lambda v: v.a_next if v.t else v.a0},
    LSTM_LAYER("projection_in_first_layer_alone", "layers above the first do not project")
    | above({"a_out": lambda v: v.a_next}),
)
