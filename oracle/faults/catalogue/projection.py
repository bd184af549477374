"""The projection of an LSTM's hidden state: on something else, with other weights, or not everywhere.

The attributes of `v` are the known quantities (see `oracle.faults.layer_equations`): `a_next` is the hidden
state before the projection, `a_out` the hidden state after the projection, and `entries` the list of `a_next`
of all steps. A mistake that leaves out the projection raises, except if n_p = n_a.
"""

from typing import Any

import numpy as np

from oracle.faults.catalogue.entry import LSTM_LAYER, Entries, by_columns, each
from oracle.faults.catalogue.layer_entry import RIGHT, above
from oracle.faults.layer_equations import state_after
from reference.contract import Array

FAULTS = Entries("projection")


def _with_projection_of(v: Any, place: int) -> dict[str, Array]:
    p, other = v.call.parameters[v.k], v.call.parameters[place]
    return {**p, "Wp": other["Wp"]} if "Wp" in p else p


def _unprojected(v: Any) -> Array:
    """The last hidden states, not projected."""
    if not ("Wp" in v.p and v.entries):
        return np.asarray(RIGHT["a_end"](v))
    return state_after(v.ends, v.entries[0], np.stack(v.entries, axis=2))


projection = FAULTS.of(LSTM_LAYER)
p_is = FAULTS.series(LSTM_LAYER, "parameters")
p_is("projection_transposed", "the projection is transposed", each(np.transpose, "Wp"))
p_is("projection_reshaped", "the projection is reshaped, not transposed", each(by_columns, "Wp"))
p_is = FAULTS.series(LSTM_LAYER, "p")
sentence = "every layer has the projection of the first layer"
p_is("first_projection_for_all", sentence, lambda v: _with_projection_of(v, v.direction))
sentence = "both directions use the projection of the forward direction"
p_is("forward_projection_for_both", sentence, lambda v: _with_projection_of(v, v.k - v.direction))
a_out_is = FAULTS.series(LSTM_LAYER, "a_out")
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
projection("c_last_projected", "c_last is projected too", c_end=lambda v: v.project(RIGHT["c_end"](v)))
projection("a_last_not_projected", "a_last is not projected", a_end=_unprojected)
sentence = "the next step gets the hidden state that is not projected"
projection("projection_not_recurrent", sentence, a_prev="a_next if t else a0")
sentence = "layers above the first do not project"
projection("projection_in_first_layer_alone", sentence, **above(a_out="a_next"))
