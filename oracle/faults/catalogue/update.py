"""The update of c and a: c_next from other terms than ft * c_prev + it * cct, a_next from another state.

`v` holds by name what is known so far (see `oracle.faults.equations`): states, pre-activations and gates of
the step.
"""

from functools import partial

import numpy as np

from oracle.faults.catalogue.entry import EVERY_LSTM, EVERY_RNN, LSTM, add, series
from oracle.faults.fault import Fault

FAULTS: list[Fault] = []

update = partial(add, FAULTS, "update")
terms_exchanged = {"c_next": lambda v: v.it * v.c_prev + v.ft * v.cct}  # in layers as if gates were
update(LSTM, "terms_exchanged", "c_next is it * c_prev + ft * cct", **terms_exchanged)
c_next_is = series(FAULTS, "update", EVERY_LSTM, "c_next")
c_next_is("update_gate_missing", "c_next is ft * c_prev + cct", lambda v: v.ft * v.c_prev + v.cct)
c_next_is("forget_gate_missing", "c_next is c_prev + it * cct", lambda v: v.c_prev + v.it * v.cct)
c_next_is(
    "forget_gate_on_both", "c_next is ft * (c_prev + it * cct)", lambda v: v.ft * (v.c_prev + v.it * v.cct)
)
c_next_is("c_prev_left_out", "c_next is it * cct", lambda v: v.it * v.cct)
c_next_is("terms_subtracted", "c_next is ft * c_prev - it * cct", lambda v: v.ft * v.c_prev - v.it * v.cct)
c_next_is("terms_multiplied", "c_next is ft * c_prev * it * cct", lambda v: v.ft * v.c_prev * v.it * v.cct)
c_next_is("c_from_a_prev", "c_next is ft * a_prev + it * cct", lambda v: v.ft * v.a_prev + v.it * v.cct)
c_next_is("c_clipped", "c is clipped to [-1, 1]", lambda v: np.clip(v.ft * v.c_prev + v.it * v.cct, -1, 1))
c_next_is("gates_as_matrices", "c_next is ft @ c_prev + it @ cct", lambda v: v.ft @ v.c_prev + v.it @ v.cct)
update(EVERY_LSTM, "gates_coupled", "the update gate is 1 - ft", it=lambda v: 1 - v.ft)
update(EVERY_LSTM, "peephole", "the forget gate sees c_prev too", ft=lambda v: v.sigmoid(v.zf + v.c_prev))
update(EVERY_LSTM, "a_from_c_prev", "a_next is made from c_prev", a_next=lambda v: v.ot * v.tanh(v.c_prev))
update(EVERY_RNN, "a_prev_added", "a_prev is added to a_next", a_next=lambda v: v.a_prev + v.tanh(v.z))
