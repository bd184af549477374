"""The equations of one step of each kind of network, written once.

Every arithmetic of the oracle runs these equations: balls give the exact value, `Bounded` the bounds on
rounding, NumPy the answers of programs with a mistake, and `oracle.network.derivative` gives the exact
gradients.
"""

from collections.abc import Mapping

from oracle.network.expressions import Expression, operation, quantities
from reference.contract import NETWORKS, Kind

GATES: Mapping[str, str] = {
    letter: gate for network in NETWORKS.values() for letter, gate in network.gates.items()
}
"""The name of each gate's values, by the letter in the names of the gate's weights, of all kinds."""

affine, head, stack, beside = map(operation, ("affine", "head", "stack", "beside"))
tanh, sigmoid, softmax = map(operation, ("tanh", "sigmoid", "softmax"))
xt, a_prev, c_prev, concat, a_next, c_next = quantities("xt a_prev c_prev concat a_next c_next")
Waa, Wax, ba, z = quantities("Waa Wax ba z")
Wf, Wi, Wc, Wo, bf, bi, bc, bo = quantities("Wf Wi Wc Wo bf bi bc bo")
zf, zi, zc, zo, ft, it, cct, ot = quantities("zf zi zc zo ft it cct ot")
Wy, by, logits = quantities("Wy by logits")

HEAD: Mapping[str, Expression] = {"logits": head(Wy, a_next, by), "yt_pred": softmax(logits)}
"""The prediction head; in an RNN, too, the head's weight is Wy."""

CELLS: Mapping[Kind, Mapping[str, Expression]] = {
    "rnn": {
        "concat": stack(a_prev, xt),
        "z": affine(beside(Waa, Wax), concat, ba),
        "a_next": tanh(z),
    },
    "lstm": {
        "concat": stack(a_prev, xt),
        "zf": affine(Wf, concat, bf),
        "zi": affine(Wi, concat, bi),
        "zc": affine(Wc, concat, bc),
        "zo": affine(Wo, concat, bo),
        "ft": sigmoid(zf),
        "it": sigmoid(zi),
        "cct": tanh(zc),
        "ot": sigmoid(zo),
        "c_next": ft * c_prev + it * cct,
        "a_next": ot * tanh(c_next),
    },
}
"""The equations of a step in order. `affine(W, u, b)` is W u + b, and so is `head` for the logits; `stack`
puts rows below each other, and `beside` puts columns beside each other. In place of tanh, an RNN may have
relu."""
