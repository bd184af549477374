"""The mistakes people make, a line or a few each.

To add one: the functions it concerns, a name, a sentence that completes "looks like: ...", and what stands
in place of one or more equations of `oracle.faults.equations`. An entry answers whatever the specification
lets one ask, or raises as the mistake itself would.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations, count, permutations
from typing import Any

import numpy as np

from oracle.faults.equations import SPECIFICATION
from oracle.faults.fault import Fault
from oracle.layout import GATE_ORDERS
from reference.activations import sigmoid, softmax
from reference.contract import CONTRACTS, Array

ALL = tuple(CONTRACTS)
RNN = ("rnn_cell_forward", "rnn_forward")
LSTM = ("lstm_cell_forward", "lstm_forward")
FORWARDS = ("rnn_forward", "lstm_forward")
LSTM_FORWARD = ("lstm_forward",)

RIGHT = SPECIFICATION["rnn"]
concat, cache = RIGHT["concat"], RIGHT["cache"]

FAULTS: dict[str, Fault] = {}
"""The catalogue by name."""


def _add(
    group: str, functions: Sequence[str], name: str, sentence: str, **changes: Callable[..., Any]
) -> None:
    if name in FAULTS:
        raise ValueError(f"the catalogue has two entries {name!r}")
    FAULTS[name] = Fault(name, group, sentence, dict.fromkeys(functions, changes))


def _series(group: str, functions: Sequence[str], equation: str) -> Callable[..., None]:
    """To add entries that replace the same equation."""
    return lambda name, sentence, by: _add(group, functions, name, sentence, **{equation: by})


# Weights and biases.

GATES = {"i": "update", "f": "forget", "c": "candidate", "o": "output"}
THE = {"i": "the update gate", "f": "the forget gate", "c": "the candidate", "o": "the output gate"}
ORDERS = {order.replace("g", "c"): framework for framework, order in reversed([*GATE_ORDERS.items()])}
"""Gate orders in this specification's letters; one that two frameworks have goes by the first."""

Transform = Callable[[dict[str, Array]], dict[str, Array]]


def _read(*sources: tuple[str, str]) -> Transform:
    """Parameters read from where others are: the first of each pair from the second."""
    return lambda p: p | {name: p[source] for name, source in sources}


def _each(transform: Callable[[Array], Array], *names: str) -> Transform:
    """The named parameters transformed, of those that there are; without names all."""
    return lambda p: p | {name: transform(p[name]) for name in names or p if name in p}


def _by_columns(W: Array) -> Array:
    """What a reshape makes of W where it should be transposed."""
    return W.reshape(W.shape[::-1]).T


def _squares(W: Array) -> Array:
    """The part of W that acts on a_prev transposed."""
    return np.hstack([W[:, : len(W)].T, W[:, len(W) :]])


def _dealt_out(p: dict[str, Array]) -> dict[str, Array]:
    """Every fourth row of the stacked gates for a gate, where it should be every fourth part."""
    stacked = {part: np.concatenate([p[part + gate] for gate in GATES]) for part in "Wb"}
    return p | {part + g: rows[k::4] for part, rows in stacked.items() for k, g in enumerate(GATES)}


weights_are, biases_are = _series("weights", LSTM, "parameters"), _series("biases", LSTM, "parameters")
for g, h in combinations(GATES, 2):
    pair = f"{GATES[g]}_and_{GATES[h]}"
    W, b = [(f"W{g}", f"W{h}"), (f"W{h}", f"W{g}")], [(f"b{g}", f"b{h}"), (f"b{h}", f"b{g}")]
    weights_are(f"{pair}_gates_exchanged", f"{THE[g]} and {THE[h]} are exchanged", _read(*W, *b))
    weights_are(f"{pair}_weights_exchanged", f"W{g} and W{h} are exchanged, the biases not", _read(*W))
    biases_are(f"{pair}_biases_exchanged", f"b{g} and b{h} are exchanged, the weights not", _read(*b))
for g, h in permutations(GATES, 2):
    biases_are(f"{GATES[g]}_with_{GATES[h]}_bias", f"{THE[g]} uses b{h}", _read((f"b{g}", f"b{h}")))
    weights_are(f"{GATES[g]}_with_{GATES[h]}_weights", f"{THE[g]} uses W{h}", _read((f"W{g}", f"W{h}")))
for g in GATES:
    transposed = f"{GATES[g]}_a_weights_transposed", f"the part of W{g} for a_prev is transposed"
    weights_are(*transposed, _each(_squares, f"W{g}"))
    biases_are(f"{GATES[g]}_bias_missing", f"b{g} is left out", _each(np.zeros_like, f"b{g}"))
    biases_are(f"{GATES[g]}_bias_doubled", f"b{g} is added twice", _each(lambda b: 2 * b, f"b{g}"))
biases_are("forget_bias_plus_one", "1 is added to bf", _each(lambda b: b + 1, "bf"))
for stacked, read in permutations(ORDERS, 2):
    moved = [(part + g, part + h) for g, h in zip(read, stacked, strict=True) for part in "Wb" if g != h]
    if len(moved) > 4:  # otherwise two gates are exchanged, as above
        one, other = ORDERS[stacked], ORDERS[read]
        sentence = f"gates stacked as in {one} ({stacked}) are read as in {other} ({read})"
        weights_are(f"{one}_gates_read_as_{other}", sentence, _read(*moved))
weights_are("gate_rows_dealt_out", "the rows of stacked gates are dealt out one by one", _dealt_out)

weights_are, biases_are = _series("weights", ALL, "parameters"), _series("biases", ALL, "parameters")
RECURRENT = ("Waa", "Wi", "Wf", "Wc", "Wo")
weights_are("a_weights_transposed", "the weights of a_prev are transposed", _each(_squares, *RECURRENT))
weights_are("weights_reshaped", "weights are reshaped, not transposed", _each(_by_columns, "Wax", *RECURRENT))
weights_are("head_weights_reshaped", "head weights are reshaped, not transposed", _each(_by_columns, "Wy"))
biases_are("head_bias_missing", "by is left out", _each(np.zeros_like, "by"))
biases_are("head_bias_doubled", "by is added twice", _each(lambda b: 2 * b, "by"))
affine_is = _series("biases", ALL, "affine")
affine_is("biases_missing", "every bias but by is left out", lambda W, u, b: W @ u)
affine_is("biases_doubled", "every bias but by is added twice", lambda W, u, b: W @ u + 2 * b)
concat_is = _series("weights", ALL, "concat")
concat_is("x_above_a", "[x; a] stands for [a; x]", lambda v: np.vstack([v.xt, v.a_prev]))
concat_is("x_left_out", "x does not reach the cell", lambda v: np.vstack([v.a_prev, np.zeros_like(v.xt)]))
concat_is("a_left_out", "a does not reach the cell", lambda v: np.vstack([np.zeros_like(v.a_prev), v.xt]))
concat_is("concat_never_filled", "[a; x] stays zero", lambda v: np.zeros((v.n_a + v.n_x, v.m), v.xt.dtype))
x_weights_first = {"z": lambda v: v.affine(np.hstack([v.Wax, v.Waa]), v.concat, v.ba)}
_add("weights", RNN, "x_weights_first", "[Wax Waa] stands for [Waa Wax]", **x_weights_first)

# Activations.

tanh_is = _series("activations", ALL, "tanh")
tanh_is("relu_for_tanh", "relu stands for tanh", lambda z: np.maximum(z, 0))
tanh_is("sigmoid_for_tanh", "sigmoid stands for tanh", sigmoid)
tanh_is("hard_tanh", "z clipped to [-1, 1] stands for tanh", lambda z: np.clip(z, -1, 1))
tanh_is("no_tanh", "tanh is left out everywhere", lambda z: z)
tanh_is("tanh_overflows", "tanh is a quotient of overflowing terms", lambda z: np.sinh(z) / np.cosh(z))
tanh_is(
    "tanh_squared_overflows",
    "tanh is (e^2z - 1) / (e^2z + 1), which overflows",
    lambda z: (np.exp(2 * z) - 1) / (np.exp(2 * z) + 1),
)
sigmoid_is = _series("activations", LSTM, "sigmoid")
sigmoid_is("hard_sigmoid_keras", "sigmoid is z / 5 + 1/2, clipped", lambda z: np.clip(z / 5 + 0.5, 0, 1))
sigmoid_is("hard_sigmoid_torch", "sigmoid is z / 6 + 1/2, clipped", lambda z: np.clip(z / 6 + 0.5, 0, 1))
sigmoid_is("tanh_for_sigmoid", "tanh stands for sigmoid", np.tanh)
sigmoid_is("no_sigmoid", "sigmoid is left out", lambda z: z)
sigmoid_is("sigmoid_sign", "the sign in sigmoid's exp is wrong", lambda z: sigmoid(-z))
sigmoid_is("sigmoid_not_halved", "sigmoid is taken of 2 z, as (1 + tanh(z)) / 2", lambda z: sigmoid(2 * z))
sigmoid_is("sigmoid_overflows", "sigmoid is e^z / (1 + e^z)", lambda z: np.exp(z) / (1 + np.exp(z)))
for g in "ifo":
    tanh = {f"{g}t": lambda v, z=f"z{g}": v.tanh(getattr(v, z))}
    _add("activations", LSTM, f"{GATES[g]}_gate_tanh", f"tanh stands for {THE[g]}'s sigmoid", **tanh)
cct_is = _series("activations", LSTM, "cct")
cct_is("candidate_sigmoid", "the candidate goes through sigmoid", lambda v: sigmoid(v.zc))
cct_is("candidate_relu", "the candidate goes through relu", lambda v: np.maximum(v.zc, 0))
cct_is("candidate_linear", "the candidate's tanh is left out", lambda v: v.zc)
a_next_is = _series("activations", LSTM, "a_next")
a_next_is("tanh_on_c_left_out", "the tanh on c is left out", lambda v: v.ot * v.c_next)
a_next_is("sigmoid_on_c", "sigmoid stands for the tanh on c", lambda v: v.ot * sigmoid(v.c_next))
a_next_is("relu_on_c", "relu stands for the tanh on c", lambda v: v.ot * np.maximum(v.c_next, 0))
a_next_is("output_gate_left_out", "the output gate is left out", lambda v: v.tanh(v.c_next))
a_next_is("output_gate_inside_tanh", "the output gate is inside the tanh", lambda v: v.tanh(v.ot * v.c_next))
affine_is = _series("activations", ALL, "affine")
affine_is("z_clipped", "pre-activations are clipped to [-5, 5]", lambda W, u, b: np.clip(W @ u + b, -5, 5))

# The update of c and a.

c_next_is = _series("update", LSTM, "c_next")
c_next_is("terms_exchanged", "c_next is it * c_prev + ft * cct", lambda v: v.it * v.c_prev + v.ft * v.cct)
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
update = partial(_add, "update")
update(LSTM, "gates_coupled", "the update gate is 1 - ft", it=lambda v: 1 - v.ft)
update(LSTM, "peephole", "the forget gate sees c_prev too", ft=lambda v: v.sigmoid(v.zf + v.c_prev))
update(LSTM, "a_from_c_prev", "a_next is made from c_prev", a_next=lambda v: v.ot * v.tanh(v.c_prev))
update(RNN, "a_prev_added", "a_prev is added to a_next", a_next=lambda v: v.a_prev + v.tanh(v.z))

# The states from step to step.


def _left_behind(v: Any, quantity: str) -> Any:
    """What the last call ended with, if that has the shape of what this one begins with."""
    last, v.memory["last"] = v.memory.get("last"), v
    begin = v.a0 if quantity == "a_next" else np.zeros_like(v.a0)
    return getattr(last, quantity) if last and last.a0.shape == v.a0.shape else begin


def _a_of_the_step_before(v: Any) -> Any:
    """The caches; each state is stored before the step, and not after it."""
    v.a[:, :, 1:] = v.a[:, :, :-1].copy()
    v.a[:, :, :1] = v.a0[:, :, None]
    return v.kept, v.x


state, c_state = partial(_add, "state", FORWARDS), partial(_add, "state", LSTM_FORWARD)
state("a0_ignored", "a0 is ignored", a0=lambda v: np.zeros_like(v.a0))
state("every_step_from_a0", "every step starts from a0", a_prev=lambda v: v.a0)
state("every_step_from_zero", "every step starts from zero", a_prev=lambda v: np.zeros_like(v.a0))
state("first_step_reads_last_slot", "the first step reads a[:, :, -1]", a_prev=lambda v: v.a[:, :, v.t - 1])
state("reads_unwritten_slot", "step t reads a[:, :, t], not yet written", a_prev=lambda v: v.a[:, :, v.t])
state("a_two_steps_old", "a_prev is two steps old", a_prev=lambda v: v.a[:, :, v.t - 2] if v.t > 1 else v.a0)
state("a_left_behind", "a starts from where the last call ended", a0=lambda v: _left_behind(v, "a_next"))
c_state("c_left_behind", "c starts from where the last call ended", c0=lambda v: _left_behind(v, "c_next"))
c_state("one_array_for_a_and_c", "a and c are one array", c=lambda v: v.a)
c_state("c0_is_a0", "c starts from a0, not zero", c0=lambda v: v.a0)
c_state("c_reset_every_step", "c is reset to zero before every step", c_prev=lambda v: np.zeros_like(v.a0))
c_state("c_is_a", "every step takes a_prev for c_prev", c_prev=lambda v: v.a_prev)
c_from_a, a_from_c = lambda v: v.a_next if v.t else v.c0, lambda v: v.c_next if v.t else v.a0
c_state("a_is_c", "every step but the first takes c_prev for a_prev", a_prev=a_from_c)
c_state("a_and_c_exchanged", "a and c are exchanged from step to step", a_prev=a_from_c, c_prev=c_from_a)
state("first_step_skipped", "the loop over time begins at 1", steps=lambda v: range(1, v.T_x))
state("last_step_skipped", "the loop over time ends a step early", steps=lambda v: range(v.T_x - 1))
state("time_reversed", "the loop over time runs backwards", steps=lambda v: range(v.T_x)[::-1])
state("x_reversed", "x is read from its end", xt=lambda v: v.x[:, :, -1 - v.t])
state("first_x_at_every_step", "every step reads x[:, :, 0]", xt=lambda v: v.x[:, :, 0])
state("next_x", "every step but the last reads the next x", xt=lambda v: v.x[:, :, min(v.t + 1, v.T_x - 1)])
state("x_one_step_late", "every step reads the x before, the first the last", xt=lambda v: v.x[:, :, v.t - 1])
state("a_one_step_late", "a[:, :, t] is the state before step t", caches=_a_of_the_step_before)
state("results_one_step_late", "the results of step t stand at step t + 1", slot=lambda v: (v.t + 1) % v.T_x)

# The prediction.


def _quotient(top: Callable[[Array], Any], axis: int | None = 0, plus: float = 0) -> Callable[[Array], Array]:
    """exp(z - top) over its sum along an axis."""
    return lambda z: np.exp(z - top(z)) / (np.exp(z - top(z)).sum(axis, keepdims=True) + plus)


softmax_is = _series("head", ALL, "softmax")
softmax_is("softmax_over_samples", "the softmax runs over the samples", lambda z: softmax(z.T).T)
softmax_is("softmax_over_matrix", "the softmax sums over the whole matrix", _quotient(np.max, axis=None))
softmax_is(
    "softmax_sums_over_matrix",
    "the softmax subtracts a maximum for each sample and sums over the whole matrix",
    _quotient(lambda z: z.max(axis=0), axis=None),
)
softmax_is("one_maximum", "the softmax subtracts one maximum of the whole matrix", _quotient(np.max))
softmax_is("softmax_overflows", "the softmax subtracts no maximum and overflows", _quotient(lambda z: 0))
softmax_is("softmax_epsilon", "1e-8 is added to the softmax's sum", _quotient(lambda z: z.max(0), plus=1e-8))
softmax_is("softmax_sign", "the sign in the softmax's exp is wrong", lambda z: softmax(-z))
softmax_is("softmax_without_exp", "the softmax's exp is left out", lambda z: z / z.sum(axis=0))
softmax_is("softmax_twice", "the softmax is taken twice", lambda z: softmax(softmax(z)))
softmax_is("log_softmax", "the logarithm of the softmax is returned", lambda z: np.log(softmax(z)))
softmax_is("sigmoid_for_softmax", "sigmoid stands for softmax", sigmoid)
softmax_is("no_softmax", "the softmax is left out", lambda z: z)
over_time = partial(_add, "head", FORWARDS, yt_pred=lambda v: v.logits)
over_time("softmax_over_time", "the softmax runs over time", predictions=lambda y: softmax(y.T).T)
over_time(
    "maximum_of_all_steps", "the softmax subtracts the maximum of all steps", predictions=_quotient(np.max)
)
predictions_are = _series("head", FORWARDS, "predictions")
predictions_are(
    "y_one_step_early", "the prediction of step t stands at step t - 1", lambda y: np.roll(y, -1, axis=2)
)
predictions_are(
    "last_y_everywhere", "the last prediction stands at every step", lambda y: y[:, :, [-1] * y.shape[2]]
)
predictions_are(
    "last_y_alone",
    "the last prediction alone is kept",
    lambda y: y * (np.arange(y.shape[2]) > y.shape[2] - 2),
)
head, lstm_head = partial(_add, "head", ALL), partial(_add, "head", LSTM)
head("head_from_a_prev", "the prediction is made from a_prev", logits=lambda v: v.Wy @ v.a_prev + v.by)
head("head_left_out", "the prediction is the softmax of a_next itself", yt_pred=lambda v: v.softmax(v.a_next))
lstm_head("head_from_c", "the prediction is made from c_next", logits=lambda v: v.Wy @ v.c_next + v.by)
lstm_head("head_from_ot", "the prediction is made from the output gate", logits=lambda v: v.Wy @ v.ot + v.by)

# Precision.


def _narrowed(z: Array, dtype: str) -> Array:
    return z.astype(min(np.dtype(dtype), z.dtype, key=lambda each: each.itemsize))


def _float32(z: Array) -> Array:
    """Rounded to float32 and given back in its own dtype."""
    return z.astype(np.float32).astype(z.dtype)


def _bfloat16(z: Array) -> Array:
    """Rounded to eight significant bits."""
    mantissa, exponent = np.frexp(z)
    return np.ldexp(np.round(256 * mantissa) / 256, exponent)


precision = partial(_add, "precision")
for dtype in ("float32", "float16"):
    narrow = partial(_narrowed, dtype=dtype)
    precision(
        ALL,
        f"computed_in_{dtype}",
        f"everything is computed in {dtype}",
        given=narrow,
        parameters=_each(narrow),
    )
for dtype in ("float32", "int64"):
    stored = {
        over: lambda v, over=over, dtype=dtype: RIGHT[over](v).astype(dtype) for over in ("a", "c", "y")
    }
    precision(FORWARDS, f"stored_in_{dtype}", f"the results are stored in arrays of {dtype}", **stored)
precision(ALL, "parameters_in_float32", "the parameters are rounded to float32", parameters=_each(_float32))
precision(ALL, "y_in_float32", "predictions are rounded to float32", softmax=lambda z: _float32(softmax(z)))
precision(FORWARDS, "a_in_float32", "a_prev is rounded to float32", a_prev=lambda v: _float32(v.a_next))
precision(LSTM_FORWARD, "c_in_float32", "c_prev is rounded to float32", c_prev=lambda v: _float32(v.c_next))
affine_is = _series("precision", ALL, "affine")
affine_is("z_in_float32", "pre-activations are rounded to float32", lambda W, u, b: _float32(W @ u + b))
affine_is("bfloat16", "products are taken in bfloat16", lambda W, u, b: _bfloat16(W) @ _bfloat16(u) + b)

# Shapes.


def _exchanged(one: str, other: str) -> Callable[[Sequence[str]], list[str]]:
    return lambda names: [{one: other, other: one}.get(name, name) for name in names]


shapes = partial(_add, "shapes", FORWARDS)
shapes("loop_over_features", "the loop over time runs over len(x)", steps=lambda v: range(v.n_x))
shapes("loop_over_samples", "the loop over time runs over m", steps=lambda v: range(v.m))
shapes("y_of_n_a_steps", "y has n_a steps, not T_x", y=lambda v: np.zeros((v.n_y, v.m, v.n_a), v.x.dtype))
shapes("x_indexed_by_sample", "step t reads x[:, t]", xt=lambda v: v.x[:, v.t])
shapes("x_reshaped", "x is reshaped, not transposed", x=lambda v: np.reshape(v.x.T, v.x.shape))
xt_is = _series("shapes", FORWARDS, "xt")
xt_is("x_to_time_first", "x is reshaped to (T_x, n_x, m)", lambda v: v.x.reshape(v.T_x, v.n_x, v.m)[v.t])
xt_is("x_to_samples", "x is reshaped to (T_x, m, n_x)", lambda v: v.x.reshape(v.T_x, v.m, v.n_x)[v.t].T)
shapes("a0_reshaped", "a0 is reshaped, not transposed", a0=lambda v: v.a0.reshape(v.m, v.n_a).T)
answers_are = _series("shapes", FORWARDS, "answer")
answers_are("time_before_samples", "the results have time before samples", lambda out: out.swapaxes(1, 2))
answers_are("time_first", "the results have time on the first axis", lambda out: np.moveaxis(out, 2, 0))
answers_are("reshaped", "the results are reshaped, not transposed", lambda out: np.reshape(out.T, out.shape))
answers_are("last_step_alone", "the last step alone is returned", lambda out: out[:, :, -1])
shapes = partial(_add, "shapes", ALL)
shapes("squeezed", "dimensions of 1 are squeezed out of the results", answer=np.squeeze)
shapes("bias_along_samples", "biases are added along the samples", affine=lambda W, u, b: W @ u + b.T)
shapes("by_along_samples", "by is added along the samples", logits=lambda v: v.Wy @ v.a_next + v.by.T)
c_last = {"returned": lambda names: [names[0], *names[:0:-1]]}
_add("shapes", LSTM, "c_and_y_exchanged", "c and the prediction are returned in each other's place", **c_last)
c_first = {"returned": lambda names: _exchanged("a", "c")(_exchanged("a_next", "c_next")(names))}
_add("shapes", LSTM, "a_and_c_returned_exchanged", "a and c are returned in each other's place", **c_first)


# The batch.


def _mean(u: Array) -> Any:
    return u.sum(axis=1, keepdims=True) / max(u.shape[1], 1)


def _without_last(out: Array) -> Array:
    out = out.copy()
    out[:, -1:] = 0
    return out


affine_is = _series("batch", ALL, "affine")
affine_is("bias_summed", "a bias is summed over the units", lambda W, u, b: W @ u + b.sum())
affine_is("first_bias_for_all", "every unit has the bias of the first", lambda W, u, b: W @ u + b[0])
affine_is("mean_subtracted", "[a; x] is centred over the batch", lambda W, u, b: W @ (u - _mean(u)) + b)
affine_is("mean_added", "the mean over the batch is added to [a; x]", lambda W, u, b: W @ (u + _mean(u)) + b)
concat_is = _series("batch", ALL, "concat")
concat_is("first_sample_for_all", "every sample is taken for the first", lambda v: concat(v)[:, [0] * v.m])
concat_is("a_of_neighbour", "a_prev is a neighbour's", lambda v: np.vstack([np.roll(v.a_prev, 1, 1), v.xt]))
answers_are = _series("batch", ALL, "answer")
answers_are("samples_reversed", "the samples are returned in reversed order", lambda out: out[:, ::-1])
answers_are("last_sample_skipped", "the last sample is left zero", _without_last)

# Caches.


EXCHANGED = {"a_next": "a_prev", "c_next": "c_prev", "ft": "it", "cct": "ot", "a_prev": "c_prev"}
for one, other in EXCHANGED.items():
    functions = ALL if (one, other) == ("a_next", "a_prev") else LSTM
    cached = {"cached": _exchanged(one, other)}
    _add(
        "caches",
        functions,
        f"cached_{one}_and_{other}_exchanged",
        f"{one} and {other} are exchanged in the cache",
        **cached,
    )
caches = partial(_add, "caches", ALL)
caches("parameters_not_cached", "the parameters are not cached", cache=lambda v: cache(v)[:-1])
caches = partial(_add, "caches", LSTM_FORWARD)
caches("c_view_cached", "the first cached c_prev is overwritten by c_next", c0=lambda v: v.c[:, :, 0])
caches("second_c_view_cached", "the first c_prev is a view of c[:, :, 1]", c0=lambda v: v.c[:, :, 1])
caches = partial(_add, "caches", FORWARDS)
with_a0 = {"a": lambda v: RIGHT["a"](v) + v.a0[:, :, None], "a0": lambda v: v.a[:, :, 0]}
caches("a_view_cached", "the first cached a_prev is a view of a[:, :, 0], overwritten later", **with_a0)
caches("x_cached_for_xt", "all of x is cached for every xt", cached=lambda names: [*names[:-1], "x"])
caches("caches_none", "None is kept for every step", entry=lambda v: None)


def _one_array_for_a_state(v: Any) -> Any:
    """Where the cell writes each state to the same array at every step."""

    def kept(name: str, entry: Any, t: int) -> Any:
        is_state = name.endswith("_next") or (name.endswith("_prev") and t)
        return getattr(v, f"{name[0]}_next") if is_state else entry

    steps = [[*map(kept, v.cached, step, [t] * len(step))] for t, step in enumerate(v.kept)]
    return [(*step, v.parameters) for step in steps], v.x


last_state = {"caches": _one_array_for_a_state}
caches("last_state_cached", "every cached state is that of the last step", **last_state)
last_xt = {"caches": lambda v: ([(*kept[:-2], v.xt, kept[-1]) for kept in v.kept], v.x)}
caches("last_xt_cached", "every cached xt is that of the last step", **last_xt)
caches("caches_in_themselves", "the list of caches is appended to itself", entry=lambda v: v.kept)
caches("caches_empty", "no cell's cache is kept", caches=lambda v: ([], v.x))
caches("last_cache_alone", "the last cell's cache alone is kept", caches=lambda v: (v.kept[-1:], v.x))
caches("last_cache_everywhere", "every cache is the last cell's", caches=lambda v: (v.kept[-1:] * v.T_x, v.x))
caches("caches_reversed", "the caches are kept in reversed order", caches=lambda v: (v.kept[::-1], v.x))
caches("caches_without_x", "x is not returned with the caches", caches=lambda v: v.kept)

# Purity.

CHANCE = np.random.default_rng()


def _written(v: Any, which: int) -> Any:
    v.arguments[which].fill(0)
    return cache(v)


def _extended(v: Any, **entries: Any) -> Any:
    v.parameters.update(entries)
    return v.arguments


def _remembered(v: Any) -> Any:
    shapes = tuple(np.shape(argument) for argument in v.arguments)
    return v.memory.setdefault(shapes, [np.array(argument) for argument in v.arguments])


def _reused(v: Any) -> Any:
    return v.memory.setdefault((v.n_a, v.m, v.T_x, v.x.dtype), RIGHT["a"](v))


purity = partial(_add, "purity", ALL)
purity("x_overwritten", "the input is overwritten with zeros", cache=partial(_written, which=0))
purity("state_overwritten", "the state given is overwritten with zeros", cache=partial(_written, which=1))
purity("parameters_extended", "an entry is added to the parameters", arguments=lambda v: _extended(v, m=0))
purity("arguments_remembered", "arguments of a known shape are taken for earlier ones", arguments=_remembered)
purity = partial(_add, "purity", FORWARDS)
purity("a_reused", "a is the array that the last call returned", a=_reused)
purity("old_caches_kept", "earlier caches are returned too", kept=lambda v: v.memory.setdefault("kept", []))
bf_raised = {"arguments": lambda v: _extended(v, bf=v.parameters["bf"] + 1)}
_add("purity", LSTM, "bf_raised", "every call adds 1 to the caller's bf", **bf_raised)
concat_is = _series("purity", ALL, "concat")
concat_is("noise", "random noise is added to [a; x]", lambda v: CHANCE.normal(concat(v), 1e-3))
concat_is("dropout", "dropout is left on", lambda v: concat(v) * CHANCE.integers(2, size=concat(v).shape))
steps_made = {"concat": lambda v: concat(v) / next(v.memory.setdefault("steps", count(1)))}
_add("purity", ALL, "steps_counted", "[a; x] is divided by the number of steps made so far", **steps_made)

COMMON = frozenset(
    {f"{GATES[g]}_and_{GATES[h]}_gates_exchanged" for g, h in combinations(GATES, 2)}
    | {f"{gate}_bias_missing" for gate in (*GATES.values(), "head")}
    | {"x_above_a", "a_weights_transposed", "biases_missing", "biases_doubled", "head_from_a_prev"}
    | {"relu_for_tanh", "sigmoid_for_tanh", "candidate_sigmoid", "candidate_relu", "tanh_on_c_left_out"}
    | {"a0_ignored", "every_step_from_a0", "c0_is_a0", "c_reset_every_step", "c_is_a", "time_reversed"}
    | {"softmax_over_samples", "one_maximum", "softmax_sign", "sigmoid_for_softmax", "no_softmax"}
    | {"forget_bias_plus_one", "update_gate_missing", "forget_gate_on_both", "output_gate_left_out"}
    | {"c_view_cached", "caches_empty", "last_cache_alone"}
)
"""The mistakes most often made, by name: those of which two at once are worth a look."""
