"""Activations: another function in place of tanh or sigmoid, or none.

The attributes of `v` are the known quantities (see `oracle.faults.equations`): `zf` is the forget gate's
pre-activation, `ft` its activation.
"""

import numpy as np

from oracle.faults.catalogue.entry import EVERY, EVERY_LSTM, GATES, RNN_LAYER, THE, Entries
from reference.activations import sigmoid

FAULTS = Entries("activations")

tanh_is = FAULTS.series(EVERY, "tanh")
tanh_is("relu_for_tanh", "relu is used in place of tanh", lambda z: np.maximum(z, 0))
tanh_is("sigmoid_for_tanh", "sigmoid is used in place of tanh", sigmoid)
tanh_is("hard_tanh", "z clipped to [-1, 1] is used in place of tanh", lambda z: np.clip(z, -1, 1))
tanh_is("no_tanh", "tanh is left out everywhere", lambda z: z)
tanh_is("tanh_overflows", "tanh is a quotient of overflowing terms", lambda z: np.sinh(z) / np.cosh(z))
sentence = "tanh is (e^2z - 1) / (e^2z + 1), which overflows"
tanh_is("tanh_squared_overflows", sentence, lambda z: (np.exp(2 * z) - 1) / (np.exp(2 * z) + 1))
sigmoid_is = FAULTS.series(EVERY_LSTM, "sigmoid")
sigmoid_is("hard_sigmoid_keras", "sigmoid is z / 5 + 1/2, clipped", lambda z: np.clip(z / 5 + 0.5, 0, 1))
sigmoid_is("hard_sigmoid_torch", "sigmoid is z / 6 + 1/2, clipped", lambda z: np.clip(z / 6 + 0.5, 0, 1))
sigmoid_is("tanh_for_sigmoid", "tanh is used in place of sigmoid", np.tanh)
sigmoid_is("no_sigmoid", "sigmoid is left out", lambda z: z)
sigmoid_is("sigmoid_sign", "the sign in sigmoid's exp is wrong", lambda z: sigmoid(-z))
sigmoid_is("sigmoid_not_halved", "sigmoid is taken of 2 z, as (1 + tanh(z)) / 2", lambda z: sigmoid(2 * z))
sigmoid_is("sigmoid_overflows", "sigmoid is e^z / (1 + e^z)", lambda z: np.exp(z) / (1 + np.exp(z)))
for g in "ifo":
    tanh = {f"{g}t": lambda v, z=f"z{g}": v.tanh(getattr(v, z))}
    sentence = f"tanh is used in place of {THE[g]}'s sigmoid"
    FAULTS.of(EVERY_LSTM)(f"{GATES[g]}_gate_tanh", sentence, **tanh)
cct_is = FAULTS.series(EVERY_LSTM, "cct")
cct_is("candidate_sigmoid", "the candidate goes through sigmoid", "sigmoid(zc)")
cct_is("candidate_relu", "the candidate goes through relu", "np.maximum(zc, 0)")
cct_is("candidate_linear", "the candidate's tanh is left out", "zc")
a_next_is = FAULTS.series(EVERY_LSTM, "a_next")
a_next_is("tanh_on_c_left_out", "the tanh on c is left out", "ot * c_next")
a_next_is("sigmoid_on_c", "sigmoid is used in place of the tanh on c", "ot * sigmoid(c_next)")
a_next_is("relu_on_c", "relu is used in place of the tanh on c", "ot * np.maximum(c_next, 0)")
a_next_is("output_gate_left_out", "the output gate is left out", "tanh(c_next)")
a_next_is("output_gate_inside_tanh", "the output gate is inside the tanh", "tanh(ot * c_next)")
FAULTS.of(RNN_LAYER)(
    "tanh_for_relu",
    "tanh is used in place of relu",
    activation=lambda v: "tanh",
)
affine_is = FAULTS.series(EVERY, "affine")
affine_is("z_clipped", "pre-activations are clipped to [-5, 5]", lambda W, u, b: np.clip(W @ u + b, -5, 5))
