"""Weights and biases: exchanged, transposed, left out, added twice, read in another order.

Both groups are in one file, since the diagnosis ranks mistakes by the order of the entries. `p` has all
parameters by name; the head has the names `Wy` and `by`. The attributes of `v` are the known quantities (see
`oracle.faults.equations`).
"""

from itertools import combinations, permutations

import numpy as np

from oracle.faults.catalogue.entry import (
    ALL,
    EVERY,
    EVERY_LSTM,
    EVERY_RNN,
    GATES,
    ORDERS,
    RECURRENT,
    THE,
    Entries,
    a_weights_transposed,
    by_columns,
    concat,
    each,
    gates_read,
    read,
)
from reference.contract import LAYERS

FAULTS = Entries("weights")


weights_are = FAULTS.series(EVERY_LSTM, "parameters")
biases_are = FAULTS.series(EVERY_LSTM, "parameters", "biases")
for g, h in combinations(GATES, 2):
    pair = f"{GATES[g]}_and_{GATES[h]}"
    W, b = [(f"W{g}", f"W{h}"), (f"W{h}", f"W{g}")], [(f"b{g}", f"b{h}"), (f"b{h}", f"b{g}")]
    weights_are(f"{pair}_gates_exchanged", f"{THE[g]} and {THE[h]} are exchanged", read(*W, *b))
    weights_are(f"{pair}_weights_exchanged", f"W{g} and W{h} are exchanged, the biases not", read(*W))
    biases_are(f"{pair}_biases_exchanged", f"b{g} and b{h} are exchanged, the weights not", read(*b))
for g, h in permutations(GATES, 2):
    biases_are(f"{GATES[g]}_with_{GATES[h]}_bias", f"{THE[g]} uses b{h}", read((f"b{g}", f"b{h}")))
    weights_are(f"{GATES[g]}_with_{GATES[h]}_weights", f"{THE[g]} uses W{h}", read((f"W{g}", f"W{h}")))
for g in GATES:
    transposed = f"{GATES[g]}_a_weights_transposed", f"the part of W{g} for a_prev is transposed"
    weights_are(*transposed, a_weights_transposed(f"W{g}"))
    biases_are(f"{GATES[g]}_bias_missing", f"b{g} is left out", each(np.zeros_like, f"b{g}"))
    biases_are(f"{GATES[g]}_bias_doubled", f"b{g} is added twice", each(lambda b: 2 * b, f"b{g}"))
biases_are("forget_bias_plus_one", "1 is added to bf", each(lambda b: b + 1, "bf"))
misread: set[frozenset[tuple[str, str]]] = set()
for stacked, order in permutations(ORDERS, 2):
    gates = frozenset(zip(order, stacked, strict=True))
    if sum(g != h for g, h in gates) > 2 and gates not in misread:  # entries exchange two gates already
        misread.add(gates)
        one, other = ORDERS[stacked], ORDERS[order]
        sentence = f"gates stacked as in {one} ({stacked}) are read as in {other} ({order})"
        weights_are(f"{one}_gates_read_as_{other}", sentence, gates_read(stacked, order))

weights_are = FAULTS.series(EVERY, "parameters")
head_weights_are = FAULTS.series(ALL, "parameters")
head_biases_are = FAULTS.series(ALL, "parameters", "biases")
weights_are("a_weights_transposed", "the weights of a_prev are transposed", a_weights_transposed(*RECURRENT))
weights_are("weights_reshaped", "weights are reshaped, not transposed", each(by_columns, "Wax", *RECURRENT))
head_weights_are("head_weights_reshaped", "head weights are reshaped, not transposed", each(by_columns, "Wy"))
head_biases_are("head_bias_missing", "by is left out", each(np.zeros_like, "by"))
head_biases_are("head_bias_doubled", "by is added twice", each(lambda b: 2 * b, "by"))
affine_is = FAULTS.series(ALL, "affine", "biases")
affine_is("biases_missing", "the biases of the cell are left out", lambda W, u, b: W @ u)
affine_is("biases_doubled", "every bias but by is added twice", lambda W, u, b: W @ u + 2 * b)
layer_biases_are = FAULTS.series(LAYERS, "affine", "biases")
layer_biases_are("every_bias_missing", "every bias is left out", lambda W, u, b: W @ u)
layer_biases_are("every_bias_doubled", "every bias is added twice", lambda W, u, b: W @ u + 2 * b)
concat_is = FAULTS.series(EVERY, "concat")
concat_is("x_above_a", "[x; a] is used in place of [a; x]", "np.vstack([xt, a_prev])")
concat_is("x_left_out", "x does not reach the cell", "np.vstack([a_prev, np.zeros_like(xt)])")
concat_is("a_left_out", "a does not reach the cell", "np.vstack([np.zeros_like(a_prev), xt])")
concat_is("concat_never_filled", "[a; x] stays zero", lambda v: np.zeros_like(concat(v)))
x_weights_first = {"z": "affine(np.hstack([Wax, Waa]), concat, ba)"}
FAULTS.of(EVERY_RNN)(
    "x_weights_first",
    "[Wax Waa] is used in place of [Waa Wax]",
    **x_weights_first,
)
