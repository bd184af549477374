"""The update of c and a: c_next from other terms than ft * c_prev + it * cct, a_next from another state.

The attributes of `v` are the known quantities (see `oracle.faults.equations`): states, pre-activations and
gates of the step.
"""

from oracle.faults.catalogue.entry import EVERY_LSTM, EVERY_RNN, LSTM, Entries

FAULTS = Entries("update")

terms_exchanged = {"c_next": "it * c_prev + ft * cct"}  # in layers: the two gates exchanged
FAULTS.of(LSTM)("terms_exchanged", "c_next is it * c_prev + ft * cct", **terms_exchanged)
c_next_is = FAULTS.series(EVERY_LSTM, "c_next")
c_next_is("update_gate_missing", "c_next is ft * c_prev + cct", "ft * c_prev + cct")
c_next_is("forget_gate_missing", "c_next is c_prev + it * cct", "c_prev + it * cct")
c_next_is("forget_gate_on_both", "c_next is ft * (c_prev + it * cct)", "ft * (c_prev + it * cct)")
c_next_is("c_prev_left_out", "c_next is it * cct", "it * cct")
c_next_is("terms_subtracted", "c_next is ft * c_prev - it * cct", "ft * c_prev - it * cct")
c_next_is("terms_multiplied", "c_next is ft * c_prev * it * cct", "ft * c_prev * it * cct")
c_next_is("c_from_a_prev", "c_next is ft * a_prev + it * cct", "ft * a_prev + it * cct")
c_next_is("c_clipped", "c is clipped to [-1, 1]", "np.clip(ft * c_prev + it * cct, -1, 1)")
c_next_is("gates_as_matrices", "c_next is ft @ c_prev + it @ cct", "ft @ c_prev + it @ cct")
FAULTS.of(EVERY_LSTM)("gates_coupled", "the update gate is 1 - ft", it="1 - ft")
FAULTS.of(EVERY_LSTM)("peephole", "the forget gate sees c_prev too", ft="sigmoid(zf + c_prev)")
FAULTS.of(EVERY_LSTM)("a_from_c_prev", "a_next is made from c_prev", a_next="ot * tanh(c_prev)")
FAULTS.of(EVERY_RNN)("a_prev_added", "a_prev is added to a_next", a_next="a_prev + tanh(z)")
