"""Mistakes in layers: inputs, parameters and states, directions, and the projection of the hidden state.

The known quantities are those of `oracle.faults.layer_equations`: `below` is the input of a layer, `padded`
the output. `k` is the index of direction `direction` of layer `layer` in the lists of parameters and states.
`a_next` is the hidden state before the projection, `a_out` the hidden state after the projection.
"""

from typing import Any

from oracle.faults.catalogue.table import MASKED_STEPS, mistakes
from oracle.layout import LAYOUTS
from oracle.network.layers import in_order, state_after
from reference.contract import Array


def _mistakes_only(where: str, name: str, restriction: str) -> str:
    """The table of mistakes that people make only above the first layer, or only in one direction.

    `where` ends each sentence, `name` is the format of each name, and `restriction` restricts each change.
    """
    lines = []
    for one, other in (("torch", "onnx"), ("onnx", "torch"), ("torch", "openvino"), ("torch", "haiku")):
        stacked, order = LAYOUTS[one].gates, LAYOUTS[other].gates
        sentence = f"gates stacked as in {one} ({stacked}) are read as in {other} ({order}) {where}"
        change = f"{restriction} p = misread_gates(right, '{order}', '{stacked}')"
        lines.append(f"  {name.format(f'{one}_gates_read_as_{other}')} | {sentence} | {change}")
    of_gates = "\n".join(lines)
    return f"""
LAYERS
  {name.format("biases_missing")} | biases are left out {where}
    | {restriction} p = mapped(right, np.zeros_like, 'ba', 'bi', 'bf', 'bc', 'bo')
  {name.format("biases_doubled")} | biases are added twice {where}
    | {restriction} p = mapped(right, lambda b: 2 * b, 'ba', 'bi', 'bf', 'bc', 'bo')
  {name.format("a_weights_transposed")} | the weights of a_prev are transposed {where}
    | {restriction} p = a_weights_transposed(right)
  {name.format("x_above_a")} | [x; a] is used in place of [a; x] {where}
    | {restriction} concat = np.vstack([xt, a_prev])
lstm_layer
{of_gates}
rnn_layer
  {name.format("tanh_for_relu")} | tanh is used in place of relu {where} | {restriction} activation = 'tanh'
"""


def _at_the_last_step(v: Any, state: str) -> Array:
    """The state `(n, m)` after the last step of each sequence, in the order of time."""
    states: Array = state_after(v.ends, getattr(v, f"{state}0"), in_order(getattr(v, state), v.order))
    return states


MISTAKES = mistakes(
    f"""
[layers]
LAYERS
  every_layer_reads_x | every layer reads x | between = inputs['x']
  one_step_late_between | layers above the first read step t - 1 of the layer below
    | between = np.concatenate([0 * padded[:, :, :1], padded[:, :, :-1]], axis=2)
  relu_between | layers above the first read the relu of the hidden states | between = np.maximum(padded, 0)
  last_step_between | layers above the first read the last step of the layer below at every step
    | between = in_order(padded, np.broadcast_to(lengths[:, None] - 1, (m, T_x)))
  residual | layers above the first add their input to their output
    | above joined = np.concatenate(both) + below
  states_above_ignored | layers above the first start from zero | above ?_begin = np.zeros_like(?_first[0])
  starts_where_the_one_below_ended | a layer starts from the last state of the layer below
    | above ?_begin = ?_ends[k - D]
  first_states_for_all | every layer starts from the initial states of the first layer | begin = direction
  initial_states_from_the_top | the initial states are read from the top layer down
    | begin = (L - 1 - layer) * D + direction
  last_states_from_the_top | the last states are returned from the top layer down
    | ?_last = np.take(?_ends, np.arange(L * D).reshape(L, D)[::-1].ravel(), 0)
  last_states_of_the_top_alone | only the last states of the top layer are returned
    | ?_last = np.stack(?_ends[-D:])
  last_states_of_the_top_for_all | every layer's last states are those of the top layer
    | ?_last = np.stack(?_ends[-D:] * L)
  first_parameters_for_all | every layer has the parameters of the first layer
    | p = call.parameters[direction]
  parameters_from_the_top | the parameters are read from the top layer down
    | p = call.parameters[(L - 1 - layer) * D + direction]
{_mistakes_only("in layers above the first", "{}_above", "above")}
LAYERS
  last_states_of_the_first_for_all | every layer's last states are those of the first layer
    | ?_last = np.stack(?_ends[:D] * L)
[directions]
LAYERS
  directions_exchanged_in_a | the output a has the backward direction above the forward one
    | top = halves(padded, D, lambda f, b: [b, f])
  directions_summed | a is the sum of the directions | top = halves(padded, D, lambda f, b: [f + b])
  directions_averaged | a is the mean of the directions | top = halves(padded, D, lambda f, b: [(f + b) / 2])
  directions_multiplied | a is the product of the directions | top = halves(padded, D, lambda f, b: [f * b])
  directions_by_turns | the rows of a alternate between the directions
    | top = padded.reshape(D, -1, m, T_x).swapaxes(0, 1).reshape(-1, m, T_x)
  forward_alone | a is only the forward direction | top = halves(padded, D, lambda f, b: [f])
  forward_twice | both halves of a are the forward direction | top = halves(padded, D, lambda f, b: [f, f])
  directions_exchanged_between | layers above the first read the backward direction above the forward one
    | between = halves(padded, D, lambda f, b: [b, f])
  forward_alone_between | layers above the first read only the forward half
    | between = halves(padded, D, lambda f, b: [f, 0 * b])
  backward_alone_between | layers above the first read only the backward half
    | between = halves(padded, D, lambda f, b: [0 * f, b])
  directions_exchanged | every layer puts the backward direction above the forward one
    | joined = np.concatenate(both[::-1])
  backward_twice_in_every_layer | every layer has the backward direction in both halves
    | joined = np.concatenate(both[-1:] * D)
  directions_by_turns_in_every_layer | in every layer the units of the directions alternate
    | joined = np.stack(both, 1).reshape(-1, m, T_x)
  last_states_exchanged | the last states have the backward direction before the forward one
    | ?_last = np.take(?_ends, np.arange(L * D) ^ (D - 1), 0)
  last_states_direction_major | the last states are returned direction by direction
    | ?_last = np.take(?_ends, np.arange(L * D).reshape(L, D).T.ravel(), 0)
  last_states_joined | the last states have both directions of a layer in one array
    | ?_last = np.stack(?_ends).reshape(L, -1, m)
  initial_states_exchanged | the initial states are read with the backward direction first
    | begin = k ^ (D - 1)
  initial_states_direction_major | the initial states are read direction by direction
    | begin = direction * L + layer
  states_by_layer | both directions of layer l start from initial state l | begin = layer
  forward_states_for_both | both directions start from the initial state of the forward direction
    | begin = k - direction
  backward_not_reversed_back | backward states are not reversed back | backward hidden = a
  backward_not_reversed_back_between | layers above the first read backward states that are not reversed back
    | backward hidden = a if layer < L - 1 else right
  backward_input_not_reversed | backward input is not reversed | backward read = below
  backward_flips_all_axes | backward input is reversed along all axes
    | backward read = in_order(below[::-1, ::-1], order)
  backward_begins_at_the_first_step | step k of the backward direction reads x[-k], so step 0 reads x[0]
    | {MASKED_STEPS} | order = np.tile((1 - 2 * direction) * np.arange(T_x) % T_x, (m, 1))
  backward_runs_forwards | the backward direction runs forwards | order = forward_steps
  backward_ends_at_the_last_step
    | the last states of the backward direction are those of its first step, at the end of the sequence
    | backward ?_end = at_the_last_step(v, '?')
lstm_layer
  backward_a_last_at_the_last_step
    | a_last of the backward direction is that of its first step; c_last is right
    | backward a_end = at_the_last_step(v, 'a')
LAYERS
  backward_states_ignored | the backward direction starts from zero
    | backward ?_begin = np.zeros_like(?_first[0])
  backward_from_forward_end | the backward direction starts from the last state of the forward direction
    | backward ?_begin = ?_ends[-1]
  forward_parameters_for_both | both directions use the parameters of the forward direction
    | p = call.parameters[k - direction]
  parameters_exchanged | each direction uses the parameters of the other | p = call.parameters[k ^ (D - 1)]
  parameters_direction_major | the parameters are read direction by direction
    | p = call.parameters[direction * L + layer]
  parameters_exchanged_above | above the first layer each direction uses the parameters of the other
    | above p = call.parameters[k ^ (D - 1)]
{_mistakes_only("in the backward direction", "backward_{}", "backward")}
[projection]
lstm_layer
  projection_transposed | the projection is transposed | parameters = mapped(p, np.transpose, 'Wp')
  projection_reshaped | the projection is reshaped, not transposed | parameters = mapped(p, by_columns, 'Wp')
  first_projection_for_all | every layer has the projection of the first layer
    | p = mapped(right, lambda _, v=v: v.call.parameters[v.direction]['Wp'], 'Wp')
  forward_projection_for_both | both directions use the projection of the forward direction
    | p = mapped(right, lambda _, v=v: v.call.parameters[v.k - v.direction]['Wp'], 'Wp')
  projection_left_out | the hidden state is not projected | a_out = a_next
  projection_twice | the hidden state is projected twice | a_out = project(project(a_next))
  projection_through_tanh | the projected state goes through tanh
    | a_out = tanh(project(a_next)) if 'Wp' in p else a_next
  projection_before_gate | tanh(c) is projected, before the output gate | a_out = ot * project(tanh(c_next))
  projection_on_c | c is projected, not the hidden state
    | c_next = project(ft * c_prev + it * cct) | a_out = a_next
  projection_inside_tanh | c is projected inside the tanh, not the hidden state
    | a_next = ot * tanh(project(c_next)) | a_out = a_next
  c_last_projected | c_last is projected too | c_end = project(right)
  a_last_not_projected | a_last is not projected
    | a_end = state_after(ends, entries[0], np.stack(entries, 2)) if 'Wp' in p and entries else right
  projection_not_recurrent | the next step gets the hidden state that is not projected
    | a_prev = a_next if t else a0
  projection_in_first_layer_alone | layers above the first do not project | above a_out = a_next
""",
    at_the_last_step=_at_the_last_step,
)
