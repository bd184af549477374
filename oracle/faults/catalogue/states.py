"""What a program keeps: states from step to step, caches, and values from call to call.

The attributes of `v` are the known quantities (see `oracle.faults.equations`): in step `t`, the arrays `a`
and `c` have the states of the steps before `t`. `cached` has the names in a cell's cache, `entries` the
caches of the steps. `arguments` has the arrays of the caller. Earlier calls have stored values in `memory`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from oracle.faults.catalogue.entry import (
    ALL,
    EVERY,
    EVERY_SEQUENCE,
    FORWARDS,
    LSTM,
    LSTM_FORWARD,
    LSTM_LAYER,
    Entries,
    cache,
    concat,
    exchanged,
)
from oracle.faults.layer_equations import full_lengths, state_after
from reference.contract import LAYERS, Array

STATE = Entries("state")


def _left_behind(v: Any, quantity: str, begin: Array) -> Any:
    """The last state of the earlier call; `begin` in the first call, and for another shape."""
    earlier, v.memory[quantity] = getattr(v.memory.get(quantity), quantity, begin), v
    return earlier if earlier.shape == begin.shape else begin


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


state, c_state = STATE.of(FORWARDS), STATE.of(LSTM_FORWARD)
sequence = STATE.of(EVERY_SEQUENCE)
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
state("a_left_behind", f"a {from_earlier}", a0=lambda v: _left_behind(v, "a_next", v.a0))
c_state("c_left_behind", f"c {from_earlier}", c0=lambda v: _left_behind(v, "c_next", np.zeros_like(v.a0)))
c_state("one_array_for_a_and_c", "a and c are one array", c="a")
c_state("c0_is_a0", "c starts from a0, not zero", c0="a0")
c_state("c_reset_every_step", "c is reset to zero before every step", c_prev="np.zeros_like(a0)")
c_state("c_is_a", "every step uses a_prev for c_prev", c_prev="a_prev")
c_from_a, a_from_c = "a_next if t else c0", "c_next if t else a0"
c_state("a_is_c", "every step but the first uses c_prev for a_prev", a_prev=a_from_c)
c_state("a_and_c_exchanged", "a and c are exchanged from step to step", a_prev=a_from_c, c_prev=c_from_a)
layers, lstm_layers = STATE.of(LAYERS), STATE.of(LSTM_LAYER)
lstm_layers("c0_ignored", "c0 is ignored", c_first="np.zeros_like(given['c0'])")
lstm_layers("a0_for_c0", "a0 is used for c0", c_first="given['a0']")
lstm_layers("c0_for_a0", "c0 is used for a0", a_first="given['c0']")
initial_exchanged = {"a_first": "given['c0']", "c_first": "given['a0']"}
lstm_layers("a0_and_c0_exchanged", "a0 and c0 are exchanged", **initial_exchanged)
c_taken = {"a_prev": "c_next if t else c0", "c_prev": "a_out if t else a0"}
lstm_layers("steps_take_c_first", "every step takes (c, a) in place of (a, c)", **c_taken)
c_returned = {"entry": _exchanged_entry}
lstm_layers("steps_return_c_first", "every step returns (c, a) in place of (a, c)", **c_returned)
sentence = "every step takes and returns (c, a) in place of (a, c)"
lstm_layers("steps_with_c_first", sentence, **c_taken, **c_returned)
sentence = "the initial and last states are taken and returned as (c, a) in place of (a, c)"
lstm_layers("states_with_c_first", sentence, **initial_exchanged, returned=exchanged("a_last", "c_last"))
left_behind = {
    "a_first": lambda v: _left_behind(v, "a_last", v.given["a0"]),
    "c_first": lambda v: _left_behind(v, "c_last", v.given.get("c0", v.given["a0"])),
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
a0_first = "np.where(np.arange(T_x) == 0, a0[:, :, None], 0)"
state("first_state_is_a0", sentence, a=a0_first, steps="range(1, T_x)")
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

CACHES = Entries("caches")


EXCHANGED = {"a_next": "a_prev", "c_next": "c_prev", "ft": "it", "cct": "ot", "a_prev": "c_prev"}
for one, other in EXCHANGED.items():
    cached_is = CACHES.of(ALL if (one, other) == ("a_next", "a_prev") else LSTM, "cached")
    sentence = f"{one} and {other} are exchanged in the cache"
    cached_is(f"cached_{one}_and_{other}_exchanged", sentence, exchanged(one, other))
cache_is = CACHES.of(ALL, "cache")
cache_is("parameters_not_cached", "the parameters are not cached", lambda v: cache(v)[:-1])
c0_is = CACHES.of(LSTM_FORWARD, "c0")
c0_is("c_view_cached", "the first cached c_prev is overwritten by c_next", "c[:, :, 0]")
c0_is("last_c_view_cached", "the first cached c_prev is a view of c[:, :, -1]", "c[:, :, -1]")
c0_is("second_c_view_cached", "the first c_prev is a view of c[:, :, 1]", "c[:, :, 1]")
caches = CACHES.of(FORWARDS)
with_a0 = {"a": "np.repeat(a0[:, :, None], T_x, axis=2)", "a0": "a[:, :, 0]"}
caches("a_view_cached", "the first cached a_prev is a view of a[:, :, 0], overwritten later", **with_a0)
sentence = "the first cached a_prev is a view of a[:, :, -1], which later holds the last hidden state"
a0_last = "np.where(np.arange(T_x) == T_x - 1, a0[:, :, None], 0)"
caches("a0_in_the_last_slot", sentence, a=a0_last, a_prev="a[:, :, t - 1]")
caches("x_cached_for_xt", "all of x is cached for every xt", cached=lambda names: [*names[:-1], "x"])
caches("caches_none", "None is kept for every step", entry="None")


def _one_array_for_a_state(v: Any) -> Any:
    """The caches of a cell that writes the state of every step to the same array."""

    def overwritten(name: str, entry: Any, t: int) -> Any:
        is_state = name.endswith("_next") or (name.endswith("_prev") and t)
        return getattr(v, f"{name[0]}_next") if is_state else entry

    steps = [[*map(overwritten, v.cached, step, [t] * len(step))] for t, step in enumerate(v.entries)]
    return [(*step, v.parameters) for step in steps], v.x


caches_are = CACHES.of(FORWARDS, "caches")
caches_are("last_state_cached", "every cached state is that of the last step", _one_array_for_a_state)
sentence = "every cached xt is that of the last step"
caches_are("last_xt_cached", sentence, lambda v: ([(*e[:-2], v.xt, e[-1]) for e in v.entries], v.x))
caches("caches_in_themselves", "the list of caches is appended to itself", entry="entries")
caches_are("caches_empty", "no cell's cache is kept", "([], x)")
caches_are("last_cache_alone", "only the last cell's cache is kept", "(entries[-1:], x)")
caches_are("last_cache_everywhere", "every cache is the last cell's", "(entries[-1:] * T_x, x)")
caches_are("caches_reversed", "the caches are kept in reversed order", "(entries[::-1], x)")
caches_are("caches_without_x", "x is not returned with the caches", "entries")

PURITY = Entries("purity")

UNSEEDED = np.random.default_rng()


def _argument_overwritten(index: int) -> Callable[[Any], Any]:
    """The cache, after the caller's array has been overwritten with zeros."""
    return lambda v: v.arguments[index].fill(0) or cache(v)


cache_is = PURITY.of(ALL, "cache")
cache_is("x_overwritten", "the input is overwritten with zeros", _argument_overwritten(0))
cache_is("state_overwritten", "the initial state is overwritten with zeros", _argument_overwritten(1))
arguments_are, entry_added = PURITY.of(ALL, "arguments"), "parameters.update(m=0) or arguments"
arguments_are("parameters_extended", "an entry is added to the parameters", entry_added)
earlier = "memory.setdefault((*map(np.shape, arguments),), [*map(np.array, arguments)])"
arguments_are("arguments_remembered", "earlier arguments are used for arguments of the same shapes", earlier)
purity = PURITY.of(FORWARDS)
earlier = "memory.setdefault((n_a, m, T_x, x.dtype), np.zeros((n_a, m, T_x), x.dtype))"
purity("a_reused", "a is the array that the last call returned", a=earlier)
purity("old_caches_kept", "earlier caches are returned too", entries="memory.setdefault('entries', [])")
bf_raised = "parameters.update(bf=parameters['bf'] + 1) or arguments"
PURITY.of(LSTM)("bf_raised", "every call adds 1 to the caller's bf", arguments=bf_raised)
concat_is = PURITY.of(EVERY, "concat")
concat_is("noise", "random noise is added to [a; x]", lambda v: UNSEEDED.normal(concat(v), 1e-3))
concat_is("dropout", "dropout is left on", lambda v: concat(v) * UNSEEDED.integers(2, size=concat(v).shape))
between_is = PURITY.of(LAYERS, "between")
sentence = "dropout is left on between layers"
between_is("dropout_between", sentence, lambda v: v.padded * 2 * UNSEEDED.integers(2, size=v.padded.shape))
