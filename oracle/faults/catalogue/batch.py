"""The batch: samples that depend on each other, and units that share a bias.

The attributes of `v` are the known quantities (see `oracle.faults.equations`); `u` is [a; x], and columns are
samples.
"""

from oracle.faults.catalogue.entry import ALL, EVERY, Entries, concat
from reference.contract import Array

FAULTS = Entries("batch")


def _without_last(out: Array) -> Array:
    out = out.copy()
    out[:, -1:] = 0
    return out


affine_is = FAULTS.series(EVERY, "affine")
affine_is("bias_summed", "a bias is summed over the units", lambda W, u, b: W @ u + b.sum())
affine_is("first_bias_for_all", "every unit has the bias of the first", lambda W, u, b: W @ u + b[0])
concat_is = FAULTS.series(EVERY, "concat")
sentence = "every sample has the values of the first sample"
concat_is("first_sample_for_all", sentence, lambda v: concat(v)[:, [0] * v.m])
concat_is("a_of_neighbour", "a_prev is that of another sample", "np.vstack([np.roll(a_prev, 1, 1), xt])")
answers_are = FAULTS.series(ALL, "answer")
answers_are("samples_reversed", "the samples are returned in reversed order", lambda out: out[:, ::-1])
answers_are("last_sample_skipped", "the last sample is left zero", _without_last)
