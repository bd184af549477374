"""The equations of one step as text, for the catalogue of mistakes and for locations.

`reference` has the same equations as code. The witnesses, `oracle.propagation` and `oracle.exact`, do not use
the text, so that an error in the text cannot make a wrong answer look right.
"""

from collections.abc import Mapping

from reference.contract import Kind

GATES: Mapping[str, str] = {"f": "ft", "i": "it", "c": "cct", "o": "ot"}
"""The name of each gate's values, by the letter in the names of the gate's weights."""

HEAD: Mapping[str, str] = {"logits": "Wy @ a_next + by", "yt_pred": "softmax(logits)"}

CELL: Mapping[Kind, Mapping[str, str]] = {
    "rnn": {
        "concat": "stack(a_prev, xt)",
        "z": "affine(beside(Waa, Wax), concat, ba)",
        "a_next": "tanh(z)",
        **HEAD,
    },
    "lstm": {
        "concat": "stack(a_prev, xt)",
        "zf": "affine(Wf, concat, bf)",
        "zi": "affine(Wi, concat, bi)",
        "zc": "affine(Wc, concat, bc)",
        "zo": "affine(Wo, concat, bo)",
        "ft": "sigmoid(zf)",
        "it": "sigmoid(zi)",
        "cct": "tanh(zc)",
        "ot": "sigmoid(zo)",
        "c_next": "ft * c_prev + it * cct",
        "a_next": "ot * tanh(c_next)",
        **HEAD,
    },
}
"""The equations of a step in order. `affine(W, u, b)` is W u + b. In an RNN, too, the head's weight is Wy."""
