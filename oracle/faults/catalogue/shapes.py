"""Shapes: loops over the wrong size, reshaping in place of transposing, exchanged axes and results.

The attributes of `v` are the known quantities, with the sizes (see `oracle.faults.equations`).
"""

import numpy as np

from oracle.faults.catalogue.entry import ALL, EVERY, FORWARDS, LSTM, LSTM_LAYER, Entries, exchanged
from oracle.faults.fault import Fault
from reference.contract import LAYERS

FAULTS = Entries("shapes")

shapes = FAULTS.of(FORWARDS)
shapes("loop_over_features", "the loop over time runs over len(x)", steps="range(n_x)")
shapes("loop_over_samples", "the loop over time runs over m", steps="range(m)")
shapes("y_of_n_a_steps", "y has n_a steps, not T_x", y="np.zeros((n_y, m, n_a), x.dtype)")
read_by_sample = {
    "rnn_forward": {"xt": lambda v: np.broadcast_to(v.x[:, v.t], (v.n_x, v.m if v.T_x == 1 else v.T_x))},
    "lstm_forward": {"xt": lambda v: v.x[:, v.t]},  # if m differs from T_x, xt does not fit below a_prev
}
FAULTS.append(Fault("x_indexed_by_sample", "shapes", "step t reads x[:, t]", read_by_sample))
shapes("x_reshaped", "x is reshaped, not transposed", x="np.reshape(x.T, x.shape)")
xt_is = FAULTS.series(FORWARDS, "xt")
xt_is("x_to_time_first", "x is reshaped to (T_x, n_x, m)", "x.reshape(T_x, n_x, m)[t]")
xt_is("x_to_samples", "x is reshaped to (T_x, m, n_x)", "x.reshape(T_x, m, n_x)[t].T")
shapes("a0_reshaped", "a0 is reshaped, not transposed", a0="a0.reshape(m, n_a).T")
answers_are = FAULTS.series(FORWARDS, "answer")
answers_are("time_before_samples", "the results have time before samples", lambda out: out.swapaxes(1, 2))
answers_are("time_first", "the results have time on the first axis", lambda out: np.moveaxis(out, 2, 0))
answers_are("reshaped", "the results are reshaped, not transposed", lambda out: np.reshape(out.T, out.shape))
answers_are("last_step_alone", "only the last step is returned", lambda out: out[:, :, -1])
shapes = FAULTS.of(EVERY)
shapes("squeezed", "dimensions of 1 are squeezed out of the results", answer=np.squeeze)
shapes("bias_along_samples", "biases are added along the samples", affine=lambda W, u, b: W @ u + b.T)
shapes = FAULTS.of(ALL)
shapes("by_along_samples", "by is added along the samples", logits="Wy @ a_next + by.T")
shapes = FAULTS.of(LSTM)
c_last = {"returned": lambda names: [names[0], *names[:0:-1]]}
shapes("c_and_y_exchanged", "c and the prediction are returned in each other's place", **c_last)
c_first = {"returned": lambda names: exchanged("a", "c")(exchanged("a_next", "c_next")(names))}
shapes("a_and_c_returned_exchanged", "a and c are returned in each other's place", **c_first)

top_is = FAULTS.series(LAYERS, "top")
top_is("a_time_before_samples", "a has time before samples", "padded.swapaxes(1, 2)")
top_is("a_time_first", "a has time on the first axis", "np.moveaxis(padded, 2, 0)")
top_is("a_samples_first", "a has samples on the first axis", "np.moveaxis(padded, 1, 0)")
top_is("a_reshaped", "a is reshaped, not transposed", "np.reshape(padded.T, padded.shape)")
top_is("a_at_the_last_step", "only the last step of a is returned", "padded[:, :, -1]")
shapes = FAULTS.of(LAYERS)
x_misread = {"below": "given['x'].reshape(-1, T_x, m).swapaxes(1, 2)"}
shapes("x_written_by_sample", "x is written as (samples, steps) and read as (steps, samples)", **x_misread)
exchanged_axes = {"below": "given['x'].swapaxes(1, 2)", "top": "padded.swapaxes(1, 2)"}
shapes("samples_taken_for_time", "the axes of samples and of time are exchanged", **exchanged_axes)
samples_first = {"a_last": "np.stack(a_ends).swapaxes(1, 2)", "c_last": "np.stack(c_ends).swapaxes(1, 2)"}
shapes("last_states_samples_first", "the last states have samples before units", **samples_first)
shapes("a_alone", "only a is returned", returned=lambda names: names[:1])
shapes = FAULTS.of(LSTM_LAYER)
sentence = "a_last and c_last are returned in each other's place"
shapes("a_last_and_c_last_exchanged", sentence, returned=exchanged("a_last", "c_last"))
shapes("c_last_is_a_last", "a_last is returned for c_last", c_last="a_last")
