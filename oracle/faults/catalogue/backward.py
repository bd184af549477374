"""Mistakes in backward passes: the chain rule, gradients through time, sums over samples and steps.

The known quantities are those of `oracle.faults.backward_equations`. An equation that takes one quantity in
place of another has no entry, unless its words are plainer: `oracle.explanations.misreadings` finds it.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from oracle.faults.entry import GATES, GRADIENTS, PHRASES, altered, backward, forward, mistakes
from oracle.faults.fault import Fault
from oracle.faults.functions import made_in
from oracle.network.equations import Equations
from oracle.network.forward import full_lengths
from reference.arrays import sigmoid
from reference.contract import BACKWARDS, CONTRACTS, LAYERS_BACKWARD, SEQUENCE_BACKWARDS, Array

EVERY = made_in(*BACKWARDS, *LAYERS_BACKWARD)
RNN = made_in("rnn_cell_backward", "rnn_backward", "rnn_layer_backward")
LSTM = made_in("lstm_cell_backward", "lstm_backward", "lstm_layer_backward")
FUNCTIONS = made_in(*SEQUENCE_BACKWARDS)
SEQUENCES = made_in(*SEQUENCE_BACKWARDS, *LAYERS_BACKWARD)
RNN_SEQUENCE = made_in("rnn_backward", "rnn_layer_backward")
LSTM_SEQUENCE = made_in("lstm_backward", "lstm_layer_backward")
LAYERS = made_in(*LAYERS_BACKWARD)
RNN_LAYER = made_in("rnn_layer_backward")
LSTM_LAYER = made_in("lstm_layer_backward")

CLIP_BOUNDS = (1, 5, 10)
CLIPPED = (
    ("", "Wbxac", "the gradients are"),
    ("parameters_", "Wb", "dW and db alone are"),
    ("weights_", "W", "dW alone is"),
)
"""Prefixes of names, the second letters of the gradients that are clipped, and the words for these."""


def _sums_of_earlier_call(v: Any) -> Any:
    """The sums that the earlier call with weights of this shape has left; empty in the first call."""
    return v.memory.setdefault((v.n_a, len(v.arrays["xt"])), {})


def _slopes(change: Callable[[Array], Array], *gates: str) -> Equations:
    """The derivatives of the activations of these gates, such as `"ft"`, computed from the gates' values."""
    return {f"slope_{gate[0]}": lambda v, gate=gate: change(getattr(v, gate)) for gate in gates}


def _without(gate: str) -> Equations:
    """The gradient `da_prev` without the part of a gate."""

    def without(right: Array, v: Any) -> Array:
        part: Array = getattr(v, f"W{gate}").T @ getattr(v, f"dz{gate}")
        return right - part[: v.n_a]

    return altered("da_prev", by=without)


def _of_one_parameter() -> Iterator[Fault]:
    """The mistakes in the gradient with respect to one parameter, whose other gradients are right."""
    for one in GRADIENTS:
        every = [name for name in (*BACKWARDS, *LAYERS_BACKWARD) if one[1:] in CONTRACTS[name].parameters]
        mean = f"{one} is a mean over the samples, not a sum"
        yield made_in(*every)(f"mean_over_samples_in_{one}", mean) | {
            "gradient": lambda name, array, v, one=one: array / v.m if name == one else array
        }
        sequences = made_in(*(name for name in every if not CONTRACTS[name].is_cell))
        last = f"{one} is that of the last step taken, not a sum"
        yield sequences(f"{one}_overwritten_by_each_step", last) | {
            "added": lambda total, part, name, one=one: part if name == one else total + part
        }


def _of_last_states() -> Iterator[Fault]:
    """The mistakes in how the gradients with respect to the last states of a direction enter."""
    for functions, states in ((LAYERS, "a"), (LSTM_LAYER, "c"), (LSTM_LAYER, "ac")):
        name = "_and_".join(f"d{state}_last" for state in states)
        words = name.replace("_and_", " and ")
        are, enter = ("are", "enter") if len(states) > 1 else ("is", "enters")
        ends, steps = ([f"d{state}_{what}" for state in states] for what in ("end", "steps"))
        ignored = altered(*ends, by=lambda right, v: np.zeros_like(right))
        yield functions(f"{name}_ignored", f"{words} {are} ignored") | ignored
        yield functions(
            f"backward_{name}_ignored", f"{words} of backward directions {are} ignored"
        ) | backward(ignored)
        yield functions(
            f"forward_{name}_of_shorter_samples_ignored",
            f"{words} of forward directions {are} ignored in samples shorter than T_x",
        ) | forward(altered(*ends, by=lambda right, v: np.where(v.lengths == v.T_x, right, 0)))
        yield functions(
            f"backward_{name}_at_the_last_step",
            f"{words} of a backward direction {enter} at the last step of x, which is the direction's first",
        ) | backward(altered(*steps, by=lambda right, v: np.ones_like(right)))


MISTAKES = mistakes(
    "backward",
    RNN("derivative_not_squared", "the derivative of tanh is 1 - a, not 1 - a ** 2")
    | {"slope": lambda v: 1 - v.a_next},
    RNN("derivative_of_tanh_of_a", "the derivative of tanh is taken of a_next, as if that were z")
    | {"slope": lambda v: 1 - np.tanh(v.a_next) ** 2},
    RNN("derivative_fourth_power", "the derivative of tanh is 1 - a ** 4")
    | {"slope": lambda v: 1 - v.a_next**4},
    RNN(
        "weights_from_da_next", "dWax, dWaa and dba are computed with da_next, without the derivative of tanh"
    )
    | {"dWax": lambda v: v.da_next @ v.xt.T}
    | {"dWaa": lambda v: v.da_next @ v.a_prev.T}
    | {"dba": lambda v: v.da_next.sum(axis=1, keepdims=True)},
    RNN("Waa_not_transposed", "da_prev is Waa dz, without the transpose")
    | {"da_prev": lambda v: v.Waa @ v.dz},
    LSTM("derivative_on_c_fourth_power", "the derivative of the tanh on c is 1 - h ** 4")
    | {"slope": lambda v: 1 - v.h**4},
    LSTM("derivative_on_c_not_squared", "the derivative of the tanh on c is 1 - h, not 1 - h ** 2")
    | {"slope": lambda v: 1 - v.h},
    LSTM("tanh_of_a_next", "tanh is taken of a_next, not of c_next") | {"h": lambda v: np.tanh(v.a_next)},
    LSTM("derivative_on_c_at_a_next", "the derivative of the tanh on c is taken at a_next")
    | {"slope": lambda v: 1 - np.tanh(v.a_next) ** 2},
    LSTM("dzo_of_tanh_of_a_next", "dzo uses tanh(a_next) instead of tanh(c_next)")
    | {"dzo": lambda v: v.da_next * np.tanh(v.a_next) * v.slope_o},
    LSTM("gate_derivatives_left_out", "the derivatives of all gates' activations are left out")
    | _slopes(np.ones_like, "it", "ft", "cct", "ot"),
    LSTM(
        "derivative_of_sigmoid_of_gates",
        "the derivatives of the sigmoids are taken of the gates, as if these were their pre-activations",
    )
    | _slopes(lambda s: sigmoid(s) * (1 - sigmoid(s)), "ft", "it", "ot"),
    LSTM("derivative_of_sigmoid_s", "the derivative of the sigmoids is s, not s * (1 - s)")
    | _slopes(lambda s: s, "ft", "it", "ot"),
    LSTM("derivative_of_sigmoid_1_s", "the derivative of the sigmoids is 1 - s, not s * (1 - s)")
    | _slopes(lambda s: 1 - s, "ft", "it", "ot"),
    LSTM(
        "derivative_of_tanh_of_cct",
        "the derivative of the candidate's tanh is taken of cct, as if cct were its pre-activation",
    )
    | {"slope_c": lambda v: 1 - np.tanh(v.cct) ** 2},
    LSTM(
        "candidate_derivative_not_squared",
        "the derivative of the candidate's tanh is 1 - cct, not 1 - cct ** 2",
    )
    | {"slope_c": lambda v: 1 - v.cct},
    LSTM(
        "candidate_derivative_of_difference",
        "the derivative of the candidate's tanh is (1 - cct) ** 2, not 1 - cct ** 2",
    )
    | {"slope_c": lambda v: (1 - v.cct) ** 2},
    LSTM("derivative_on_c_at_c_prev", "the derivative of the tanh on c is taken at c_prev")
    | {"slope": lambda v: 1 - np.tanh(v.c_prev) ** 2},
    LSTM("candidate_derivative_of_sigmoid", "the derivative of the candidate's tanh is that of a sigmoid")
    | {"slope_c": lambda v: v.cct * (1 - v.cct)},
    LSTM("through_h_left_out", "dc is dc_next alone, without what comes through a_next")
    | {"dc": lambda v: v.dc_next},
    LSTM(
        "brackets_missing",
        "brackets are missing: the derivatives of f, i and c multiply only the term from a_next",
    )
    | {"dzf": lambda v: v.dc_next * v.c_prev + v.through_h * v.c_prev * v.slope_f}
    | {"dzi": lambda v: v.dc_next * v.cct + v.through_h * v.cct * v.slope_i}
    | {"dzc": lambda v: v.dc_next * v.it + v.through_h * v.it * v.slope_c},
    LSTM("dzf_and_dzi_exchanged", "dzf uses cct instead of c_prev, and dzi uses c_prev instead of cct")
    | {"dzf": lambda v: v.dc * v.cct * v.slope_f, "dzi": lambda v: v.dc * v.c_prev * v.slope_i},
    *(
        LSTM(f"{gate}_missing_in_da_prev_alone", f"da_prev lacks the part of {PHRASES[g]}, which dxt has")
        | _without(g)
        for g, gate in GATES.items()
    ),
    LSTM("dW_for_W", "da_prev and dxt are computed with dW instead of W")
    | {"back": lambda v: v.dWf.T @ v.dzf + v.dWi.T @ v.dzi + v.dWc.T @ v.dzc + v.dWo.T @ v.dzo},
    LSTM("da_prev_and_dxt_exchanged", "da_prev and dxt are taken from each other's rows")
    | {"da_prev": lambda v: v.back[-v.n_a :], "dxt": lambda v: v.back[: -v.n_a]},
    LSTM("concat_x_above_a", "the weights' gradients are computed with [x; a] instead of [a; x]")
    | {"concat": lambda v: np.concatenate([v.xt, v.a_prev])},
    LSTM("db_sums_dW", "the biases' gradients are sums over dW")
    | {f"db{g}": lambda v, dW=f"dW{g}": getattr(v, dW).sum(axis=1, keepdims=True) for g in "ifco"},
    EVERY(
        "means_over_samples",
        "the gradients with respect to the parameters are means over the samples, not sums",
    )
    | {"gradient": lambda name, array, v: array / v.m if name[1] in "Wb" else array},
    EVERY("db_flat", "the biases' gradients are sums without keepdims")
    | {"gradient": lambda name, array, v: array[:, 0] if name.startswith("db") else array},
    EVERY("db_one_number", "the biases' gradients are sums over the units, too")
    | {"gradient": lambda name, array, v: array.sum(keepdims=True) if name.startswith("db") else array},
    EVERY("dW_transposed", "the weights' gradients are transposed")
    | {"gradient": lambda name, array, v: array.T if name.startswith("dW") else array},
    *(
        EVERY(f"{which}clipped_at_{k}", f"{words} clipped at ±{k}")
        | {"gradient": lambda name, array, v, of=of, k=k: np.clip(array, -k, k) if name[1] in of else array}
        for which, of, words in CLIPPED
        for k in CLIP_BOUNDS
    ),
    *(
        EVERY(f"clip_exchanged_{k}", f"the bounds of np.clip are exchanged, so that every gradient is -{k}")
        | {"gradient": lambda name, array, v, k=k: np.full_like(array, -k)}
        for k in CLIP_BOUNDS
    ),
    RNN_SEQUENCE("da_not_carried", "da_prev is not carried through time")
    | {"d_hidden": lambda v: v.da[:, :, v.t]},
    LSTM_SEQUENCE(
        "nothing_carried", "nothing is carried through time (as the exercise's first edition expected)"
    )
    | {"d_hidden": lambda v: v.da[:, :, v.t], "dc_next": lambda v: v.dc_direct[:, :, v.t]},
    LSTM_SEQUENCE("da_alone_not_carried", "da_prev is not carried through time, but dc_prev is")
    | {"d_hidden": lambda v: v.da[:, :, v.t]},
    LSTM_SEQUENCE(
        "dc_not_carried",
        "dc_prev is not carried through time (or only as dc_next * ft, which stays 0); da_prev is",
    )
    | {"dc_next": lambda v: v.dc_direct[:, :, v.t]},
    SEQUENCES("last_da_alone", "only the last step of da is used")
    | {"d_hidden": lambda v: v.da_carried + (v.da[:, :, v.t] if v.t == v.T_x - 1 else 0)},
    SEQUENCES("last_da_twice", "the last step of da is counted twice")
    | {"da_carried": lambda v: v.da[:, :, -1]},
    SEQUENCES("da_one_step_early", "step t reads da of step t - 1")
    | {"d_hidden": lambda v: v.da[:, :, v.t - 1] + v.da_carried},
    SEQUENCES(
        "overwritten_by_each_step",
        "the gradients with respect to the parameters are those of the last step taken, not sums",
    )
    | {"added": lambda total, part, name: part},
    *_of_one_parameter(),
    SEQUENCES("first_step_left_out", "the loop over time ends before step 0")
    | {"steps": lambda v: reversed(range(1, v.T_x))},
    SEQUENCES("last_step_left_out", "the loop over time begins before the last step")
    | {"steps": lambda v: reversed(range(v.T_x - 1))},
    SEQUENCES("time_not_reversed", "the loop over time runs forwards") | {"steps": lambda v: range(v.T_x)},
    SEQUENCES("dx_reversed", "dx is in the order in which the steps are taken")
    | {"slot": lambda v: v.T_x - 1 - v.t},
    SEQUENCES("da0_left_out", "da0 is 0") | {"da0": lambda v: np.zeros_like(v.da_carried)},
    SEQUENCES("da0_is_da_next", "da0 is the gradient with respect to the state after step 0")
    | {"da0": lambda v: v.d_hidden},
    FUNCTIONS("sums_kept", "the sums over the steps are kept from call to call")
    | {"sums": _sums_of_earlier_call},
    RNN_LAYER("derivative_of_tanh_for_relu", "the derivative of relu is 1 - a ** 2, that of tanh")
    | {"slope_of_relu": lambda v: 1 - v.a_next**2},
    RNN_LAYER("derivative_of_relu_left_out", "the derivative of relu is left out")
    | {"slope_of_relu": lambda v: np.ones_like(v.a_next)},
    *_of_last_states(),
    LAYERS("da_last_of_lower_layers_ignored", "da_last of the layers below the top is ignored")
    | {"da_end": lambda v: v.da_last[v.k] * (v.k >= len(v.da_last) - v.call.directions)},
    LAYERS("halves_of_da_exchanged", "each direction takes the half of da that belongs to the other")
    | {"half": lambda v: np.roll(v.d_above, v.n_a, axis=0)[v.direction * v.n_a :][: v.n_a]},
    LAYERS("backward_da_not_reversed", "a backward direction takes da in the order of x")
    | {"read": lambda v: v.half},
    LAYERS("backward_dx_not_reversed", "dx of a backward direction stays in the direction's own order")
    | {"written": lambda v: v.dx},
    LAYERS("dx_of_forward_alone", "dx of a layer is that of its forward direction alone")
    | {"d_below": lambda v: v.both[0]},
    LAYERS("lengths_ignored_in_gradients", "lengths are ignored") | {"lengths": full_lengths},
)
