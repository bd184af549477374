"""Layers: the input, the parameters and the initial states of a layer, and the returned states.

The attributes of `v` are the known quantities (see `oracle.faults.layer_equations`): `padded` is the output
of a layer, `below` its input; `k` is the index of a direction in the parameters and in the states.
"""

from typing import Any

import numpy as np

from oracle.faults.catalogue.entry import Entries
from oracle.faults.catalogue.layer_entry import above, last_of, only_in, states
from oracle.faults.layer_equations import in_order
from reference.contract import LAYERS, Array

FAULTS = Entries("layers")


def _last_step(v: Any) -> Array:
    return in_order(v.padded, np.broadcast_to(v.lengths[:, None] - 1, (v.m, v.T_x)))


def _one_step_late(v: Any) -> Array:
    return np.concatenate([np.zeros_like(v.padded[:, :, :1]), v.padded[:, :, :-1]], axis=2)[:, :, : v.T_x]


layers = FAULTS.of(LAYERS)
between_is = FAULTS.series(LAYERS, "between")
reads = "layers above the first read"
between_is("every_layer_reads_x", "every layer reads x", lambda v: v.given["x"])
between_is("one_step_late_between", f"{reads} step t - 1 of the layer below", _one_step_late)
between_is("relu_between", f"{reads} the relu of the hidden states", "np.maximum(padded, 0)")
between_is("last_step_between", f"{reads} the last step of the layer below at every step", _last_step)
residual = above(joined="np.concatenate(both) + below")
layers("residual", "layers above the first add their input to their output", **residual)

zero = above(**states("begin", lambda v, state: np.zeros_like(getattr(v, f"{state}_first")[0])))
layers("states_above_ignored", "layers above the first start from zero", **zero)
from_below = above(**states("begin", lambda v, state: getattr(v, f"{state}_ends")[v.k - v.D]))
sentence = "a layer starts from the last state of the layer below"
layers("starts_where_the_one_below_ended", sentence, **from_below)
begin_is = FAULTS.series(LAYERS, "begin")
begin_is("first_states_for_all", "every layer starts from the initial states of the first layer", "direction")
from_the_top = "(L - 1 - layer) * D + direction"
begin_is("initial_states_from_the_top", "the initial states are read from the top layer down", from_the_top)

from_the_top_down = last_of("np.arange(L * D).reshape(L, D)[::-1].ravel()")
sentence = "the last states are returned from the top layer down"
layers("last_states_from_the_top", sentence, **from_the_top_down)
sentence = "only the last states of the top layer are returned"
layers("last_states_of_the_top_alone", sentence, **last_of("range(L * D)[-D:]"))
sentence = "every layer's last states are those of the top layer"
layers("last_states_of_the_top_for_all", sentence, **last_of("[*range(L * D)[-D:]] * L"))

p_is = FAULTS.series(LAYERS, "p")
sentence = "every layer has the parameters of the first layer"
p_is("first_parameters_for_all", sentence, "call.parameters[direction]")
sentence = "the parameters are read from the top layer down"
p_is("parameters_from_the_top", sentence, f"call.parameters[{from_the_top}]")
only_in(FAULTS, "{}_above", "in layers above the first", above)
sentence = "every layer's last states are those of the first layer"
layers("last_states_of_the_first_for_all", sentence, **last_of("[*range(D)] * L"))
