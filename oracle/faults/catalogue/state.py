"""States over time: wrong initial states, steps that read a wrong state, results that are stored elsewhere.

The attributes of `v` are the known quantities (see `oracle.faults.equations`): in step `t`, the arrays `a`
and `c` have the states of the steps before `t`. `memory` has values that earlier calls have stored.
"""

from typing import Any

import numpy as np

from oracle.faults.catalogue.entry import (
    EVERY_SEQUENCE,
    FORWARDS,
    LSTM_FORWARD,
    LSTM_LAYER,
    RIGHT,
    Entries,
    exchanged,
)
from oracle.faults.layer_equations import full_lengths, state_after
from reference.contract import LAYERS

FAULTS = Entries("state")


def _last_state_of_earlier_call(v: Any, quantity: str) -> Any:
    """The last `quantity` of the earlier call; the right initial state in the first call or another shape."""
    last, v.memory["last"] = v.memory.get("last"), v
    begin = v.a0 if quantity == "a_next" else np.zeros_like(v.a0)
    return getattr(last, quantity) if last and last.a0.shape == v.a0.shape else begin


def _last_state_of_earlier_layer_call(v: Any, state: str) -> Any:
    """The last states of the earlier call of a layer; the right initial states for another shape."""
    begin = v.given.get(f"{state}0", v.given["a0"])
    last, v.memory[state] = getattr(v.memory.get(state), f"{state}_last", begin), v
    return last if last.shape == begin.shape else begin


def _zeros_with_a0_first(v: Any) -> Any:
    """The array `a` before the first step, with a0 in the place of step 0."""
    a = RIGHT["a"](v)
    a[:, :, :1] = v.a0[:, :, None]
    return a


def _a_at_the_last_step_of_x(v: Any) -> Any:
    """The hidden state at step T_x - 1; 0 for a sequence that ends before."""
    return np.where(v.ends == v.T_x, state_after(full_lengths(v), v.a0, v.hidden), 0)


def _caches_after_a_is_shifted(v: Any) -> Any:
    """The caches, after every entry of `a` has been moved one step later."""
    v.a[:, :, 1:] = v.a[:, :, :-1].copy()
    v.a[:, :, :1] = v.a0[:, :, None]
    return v.entries, v.x


def _exchanged_entry(v: Any) -> Any:
    """The entry of a step, after its hidden state and its memory state have been exchanged."""
    v.a_out, v.c_next = v.c_next, v.a_out
    return v.a_next


state, c_state = FAULTS.of(FORWARDS), FAULTS.of(LSTM_FORWARD)
sequence = FAULTS.of(EVERY_SEQUENCE)
sequence("a0_ignored", "a0 is ignored", a0="np.zeros_like(a0)")
sequence("every_step_from_a0", "every step starts from a0", a_prev="a0")
state("every_step_from_zero", "every step starts from zero", a_prev="np.zeros_like(a0)")
state("first_step_reads_last_slot", "the first step reads a[:, :, -1]", a_prev="a[:, :, t - 1]")
state("reads_unwritten_slot", "step t reads a[:, :, t], not yet written", a_prev="a[:, :, t]")
unwritten = {"a_prev": "a[:, :, t]", "c_prev": "c[:, :, t]"}
c_state("reads_unwritten_slots", "step t reads a[:, :, t] and c[:, :, t], not yet written", **unwritten)
c_state("reads_unwritten_c", "step t reads c[:, :, t], not yet written", c_prev=unwritten["c_prev"])
sequence("a_two_steps_old", "a_prev is two steps old", a_prev="a[:, :, t - 2] if t > 1 else a0")
from_earlier = "starts from the last state of the earlier call"
state("a_left_behind", f"a {from_earlier}", a0=lambda v: _last_state_of_earlier_call(v, "a_next"))
c_state("c_left_behind", f"c {from_earlier}", c0=lambda v: _last_state_of_earlier_call(v, "c_next"))
c_state("one_array_for_a_and_c", "a and c are one array", c="a")
c_state("c0_is_a0", "c starts from a0, not zero", c0="a0")
c_state("c_reset_every_step", "c is reset to zero before every step", c_prev="np.zeros_like(a0)")
c_state("c_is_a", "every step uses a_prev for c_prev", c_prev="a_prev")
c_from_a, a_from_c = "a_next if t else c0", "c_next if t else a0"
c_state("a_is_c", "every step but the first uses c_prev for a_prev", a_prev=a_from_c)
c_state("a_and_c_exchanged", "a and c are exchanged from step to step", a_prev=a_from_c, c_prev=c_from_a)
layers, lstm_layers = FAULTS.of(LAYERS), FAULTS.of(LSTM_LAYER)
lstm_layers("c0_ignored", "c0 is ignored", c_first="np.zeros_like(given['c0'])")
lstm_layers("a0_for_c0", "a0 is used for c0", c_first="given['a0']")
lstm_layers("c0_for_a0", "c0 is used for a0", a_first="given['c0']")
initial_exchanged = {"a_first": "given['c0']", "c_first": "given['a0']"}
lstm_layers("a0_and_c0_exchanged", "a0 and c0 are exchanged", **initial_exchanged)
c_taken = {"a_prev": "c_next if t else c0", "c_prev": "a_out if t else a0"}
lstm_layers("steps_take_c_first", "every step takes (c, a) in place of (a, c)", **c_taken)
lstm_layers(
    "steps_return_c_first",
    "every step returns (c, a) in place of (a, c)",
    entry=_exchanged_entry,
)
sentence = "every step takes and returns (c, a) in place of (a, c)"
lstm_layers("steps_with_c_first", sentence, **c_taken, entry=_exchanged_entry)
sentence = "the initial and last states are taken and returned as (c, a) in place of (a, c)"
lstm_layers("states_with_c_first", sentence, **initial_exchanged, returned=exchanged("a_last", "c_last"))
left_behind = {
    "a_first": lambda v: _last_state_of_earlier_layer_call(v, "a"),
    "c_first": lambda v: _last_state_of_earlier_layer_call(v, "c"),
}
layers("states_left_behind", "the states start from the last states of the earlier call", **left_behind)
one_before = {"a_begin": "a_ends[-1] if k else a_first[0]", "c_begin": "c_ends[-1] if k else c_first[0]"}
sentence = "each layer and direction starts from the last state of the one before it"
layers("starts_where_the_one_before_ended", sentence, **one_before)
sentence = "a_last is a at the last step of x, which is 0 for a shorter sequence"
layers("a_last_is_the_last_column", sentence, a_end=_a_at_the_last_step_of_x)
sentence = "the last states are those before the last step"
layers("last_states_one_early", sentence, last="np.maximum(ends - 1, 0)")
layers("initial_states_returned", "the initial states are returned as the last states", last="0 * ends")
state("first_step_skipped", "the loop over time begins at 1", steps="range(1, T_x)")
sentence = "the loop over time begins at 1, and a[:, :, 0] is a0"
state("first_state_is_a0", sentence, a=_zeros_with_a0_first, steps="range(1, T_x)")
sentence = "the loop over time begins at 1, and step t reads a[:, :, t - 1], so a0 is ignored"
state("first_step_skipped_and_a0", sentence, a_prev="a[:, :, t - 1]", steps="range(1, T_x)")
state("last_step_skipped", "the loop over time ends a step early", steps="range(T_x - 1)")
state("time_reversed", "the loop over time runs backwards", steps="range(T_x)[::-1]")
state("x_reversed", "x is read from its last step to its first", xt="x[:, :, -1 - t]")
state("first_x_at_every_step", "every step reads x[:, :, 0]", xt="x[:, :, 0]")
state("next_x", "every step but the last reads the next x", xt="x[:, :, min(t + 1, T_x - 1)]")
state("x_one_step_late", "step t reads x[:, :, t - 1]", xt="x[:, :, t - 1]")
state("a_one_step_late", "a[:, :, t] is the state before step t", caches=_caches_after_a_is_shifted)
state("results_one_step_late", "the results of step t are stored at step t + 1", slot="(t + 1) % T_x")
