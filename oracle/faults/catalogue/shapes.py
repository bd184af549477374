"""Shapes: loops over the wrong size, reshaping for transposing, axes and results exchanged.

`v` holds by name what is known so far (see `oracle.faults.equations`), sizes included.
"""

from functools import partial

import numpy as np

from oracle.faults.catalogue.entry import ALL, FORWARDS, LSTM, add, exchanged, series
from oracle.faults.fault import Fault

FAULTS: list[Fault] = []

shapes = partial(add, FAULTS, "shapes", FORWARDS)
shapes("loop_over_features", "the loop over time runs over len(x)", steps=lambda v: range(v.n_x))
shapes("loop_over_samples", "the loop over time runs over m", steps=lambda v: range(v.m))
shapes("y_of_n_a_steps", "y has n_a steps, not T_x", y=lambda v: np.zeros((v.n_y, v.m, v.n_a), v.x.dtype))
shapes("x_indexed_by_sample", "step t reads x[:, t]", xt=lambda v: v.x[:, v.t])
shapes("x_reshaped", "x is reshaped, not transposed", x=lambda v: np.reshape(v.x.T, v.x.shape))
xt_is = series(FAULTS, "shapes", FORWARDS, "xt")
xt_is("x_to_time_first", "x is reshaped to (T_x, n_x, m)", lambda v: v.x.reshape(v.T_x, v.n_x, v.m)[v.t])
xt_is("x_to_samples", "x is reshaped to (T_x, m, n_x)", lambda v: v.x.reshape(v.T_x, v.m, v.n_x)[v.t].T)
shapes("a0_reshaped", "a0 is reshaped, not transposed", a0=lambda v: v.a0.reshape(v.m, v.n_a).T)
answers_are = series(FAULTS, "shapes", FORWARDS, "answer")
answers_are("time_before_samples", "the results have time before samples", lambda out: out.swapaxes(1, 2))
answers_are("time_first", "the results have time on the first axis", lambda out: np.moveaxis(out, 2, 0))
answers_are("reshaped", "the results are reshaped, not transposed", lambda out: np.reshape(out.T, out.shape))
answers_are("last_step_alone", "the last step alone is returned", lambda out: out[:, :, -1])
shapes = partial(add, FAULTS, "shapes", ALL)
shapes("squeezed", "dimensions of 1 are squeezed out of the results", answer=np.squeeze)
shapes("bias_along_samples", "biases are added along the samples", affine=lambda W, u, b: W @ u + b.T)
shapes("by_along_samples", "by is added along the samples", logits=lambda v: v.Wy @ v.a_next + v.by.T)
shapes = partial(add, FAULTS, "shapes", LSTM)
c_last = {"returned": lambda names: [names[0], *names[:0:-1]]}
shapes("c_and_y_exchanged", "c and the prediction are returned in each other's place", **c_last)
c_first = {"returned": lambda names: exchanged("a", "c")(exchanged("a_next", "c_next")(names))}
shapes("a_and_c_returned_exchanged", "a and c are returned in each other's place", **c_first)
