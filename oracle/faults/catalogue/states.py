"""Mistakes in states from step to step, in caches, and in values that stay from call to call.

The known quantities are those of `oracle.faults.equations`. In step `t`, the arrays `a` and `c` have the
states of the steps before `t`. `cached` has the names in a cell's cache, and `entries` the caches of the
steps. `arguments` has the arrays of the caller. Earlier calls have stored values in `memory`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from oracle.faults.entry import altered, exchanged, mistakes
from oracle.faults.functions import ALL, FORWARDS, LAYERS, LSTM, LSTM_FORWARD, LSTM_LAYER, SEQUENCES
from oracle.network.forward import state_after
from reference.contract import Array


def _left_behind(v: Any, quantity: str, begin: Array) -> Any:
    """The last state of the earlier call; `begin` in the first call, and if the shapes differ."""
    earlier, v.memory[quantity] = getattr(v.memory.get(quantity), quantity, begin), v
    return earlier if earlier.shape == begin.shape else begin


def _arguments_of_earlier_call(v: Any) -> Any:
    """Copies of the arguments of the first call with arguments of these shapes."""
    return v.memory.setdefault((*map(np.shape, v.arguments),), [*map(np.array, v.arguments)])


def _with_late_states(states: str, first: str) -> Callable[[Any], Any]:
    """Move each state in `states` one step later, after the `first`, and return the caches unchanged."""

    def caches(v: Any) -> Any:
        over_time, before = getattr(v, states), getattr(v, first)
        over_time[...] = np.concatenate([before[:, :, None], over_time], axis=2)[:, :, :-1]
        return v.entries, v.x

    return caches


def _with_states_exchanged(v: Any) -> Any:
    """Exchange the hidden state and the memory state of a step, and return the entry of the step."""
    v.a_out, v.c_next = v.c_next, v.a_out
    return v.a_next


def _one_array_for_all_steps(v: Any) -> Any:
    """The caches of a cell that writes the state of every step to the same array."""

    def overwritten(name: str, entry: Any, t: int) -> Any:
        is_state = name.endswith("_next") or (name.endswith("_prev") and t)
        return getattr(v, f"{name[0]}_next") if is_state else entry

    steps = [[*map(overwritten, v.cached, step, [t] * len(step))] for t, step in enumerate(v.entries)]
    return [(*step, v.parameters) for step in steps], v.x


def _read_by_samples(states: Array) -> Array:
    """States `(L D, n, m)` that are read as if torch's array had those of a sample together in memory."""
    n_places, n, m = states.shape
    return states.swapaxes(1, 2).reshape(m, n_places, n).transpose(1, 2, 0)


def _written_by_samples(states: Array) -> Array:
    """States `(L D, n, m)` that are written so that torch's array has those of a sample together."""
    n_places, n, m = states.shape
    return states.transpose(2, 0, 1).reshape(n_places, m, n).swapaxes(1, 2)


MISTAKES = mistakes(
    "state",
    SEQUENCES("a0_ignored", "a0 is ignored") | {"a0": lambda v: np.zeros_like(v.a0)},
    SEQUENCES("every_step_from_a0", "every step starts from a0") | {"a_prev": lambda v: v.a0},
    FORWARDS("every_step_from_zero", "every step starts from zero")
    | {"a_prev": lambda v: np.zeros_like(v.a0)},
    FORWARDS("first_step_reads_last_slot", "the first step reads a[:, :, -1]")
    | {"a_prev": lambda v: v.a[:, :, v.t - 1]},
    FORWARDS("reads_unwritten_slot", "step t reads a[:, :, t], not yet written")
    | {"a_prev": lambda v: v.a[:, :, v.t]},
    LSTM_FORWARD("reads_unwritten_slots", "step t reads a[:, :, t] and c[:, :, t], not yet written")
    | {"a_prev": lambda v: v.a[:, :, v.t], "c_prev": lambda v: v.c[:, :, v.t]},
    LSTM_FORWARD("reads_unwritten_c", "step t reads c[:, :, t], not yet written")
    | {"c_prev": lambda v: v.c[:, :, v.t]},
    SEQUENCES("a_two_steps_old", "a_prev is two steps old")
    | {"a_prev": lambda v: v.a[:, :, v.t - 2] if v.t > 1 else v.a0},
    FORWARDS("a_left_behind", "a starts from the last state of the earlier call")
    | {"a0": lambda v: _left_behind(v, "a_next", v.a0)},
    LSTM_FORWARD("c_left_behind", "c starts from the last state of the earlier call")
    | {"c0": lambda v: _left_behind(v, "c_next", np.zeros_like(v.a0))},
    LSTM_FORWARD("one_array_for_a_and_c", "a and c are one array") | {"c": lambda v: v.a},
    LSTM_FORWARD("c0_is_a0", "c starts from a0, not zero") | {"c0": lambda v: v.a0},
    LSTM_FORWARD("c_reset_every_step", "c is reset to zero before every step")
    | {"c_prev": lambda v: np.zeros_like(v.a0)},
    LSTM_FORWARD("c_is_a", "every step uses a_prev for c_prev") | {"c_prev": lambda v: v.a_prev},
    LSTM_FORWARD("a_is_c", "every step but the first uses c_prev for a_prev")
    | {"a_prev": lambda v: v.c_next if v.t else v.a0},
    LSTM_FORWARD("a_and_c_exchanged", "a and c are exchanged from step to step")
    | {"a_prev": lambda v: v.c_next if v.t else v.a0, "c_prev": lambda v: v.a_next if v.t else v.c0},
    LSTM_LAYER("c0_ignored", "c0 is ignored") | {"c_first": lambda v: np.zeros_like(v.inputs["c0"])},
    LSTM_LAYER("a0_for_c0", "a0 is used for c0") | {"c_first": lambda v: v.inputs["a0"]},
    LSTM_LAYER("c0_for_a0", "c0 is used for a0") | {"a_first": lambda v: v.inputs["c0"]},
    LSTM_LAYER("a0_and_c0_exchanged", "a0 and c0 are exchanged")
    | {"a_first": lambda v: v.inputs["c0"], "c_first": lambda v: v.inputs["a0"]},
    LSTM_LAYER("steps_take_c_first", "every step takes (c, a) in place of (a, c)")
    | {"a_prev": lambda v: v.c_next if v.t else v.c0, "c_prev": lambda v: v.a_out if v.t else v.a0},
    LSTM_LAYER("steps_return_c_first", "every step returns (c, a) in place of (a, c)")
    | {"entry": _with_states_exchanged},
    LSTM_LAYER("steps_with_c_first", "every step takes and returns (c, a) in place of (a, c)")
    | {"a_prev": lambda v: v.c_next if v.t else v.c0}
    | {"c_prev": lambda v: v.a_out if v.t else v.a0}
    | {"entry": _with_states_exchanged},
    LSTM_LAYER(
        "states_with_c_first",
        "the initial and last states are taken and returned as (c, a) in place of (a, c)",
    )
    | {"a_first": lambda v: v.inputs["c0"]}
    | {"c_first": lambda v: v.inputs["a0"]}
    | {"returned": exchanged("a_last", "c_last")},
    LAYERS(
        "initial_states_reshaped",
        "the initial states (L D, m, n) are reshaped to (m, L D, n), not transposed",
    )
    | altered("a_first", "c_first", by=lambda right, v: _read_by_samples(right)),
    LAYERS("last_states_reshaped", "the last states (m, L D, n) are reshaped to (L D, m, n), not transposed")
    | altered("a_last", "c_last", by=lambda right, v: _written_by_samples(right)),
    LAYERS("states_left_behind", "the states start from the last states of the earlier call")
    | altered("a_first", by=lambda right, v: _left_behind(v, "a_last", right))
    | altered("c_first", by=lambda right, v: _left_behind(v, "c_last", right)),
    LAYERS(
        "starts_where_the_one_before_ended",
        "each layer and direction starts from the last state of the one before it",
    )
    | {"a_begin": lambda v: v.a_ends[-1] if v.k else v.a_first[0]}
    | {"c_begin": lambda v: v.c_ends[-1] if v.k else v.c_first[0]},
    LAYERS(
        "a_last_is_the_last_column", "a_last is a at the last step of x, which is 0 for a shorter sequence"
    )
    | {"a_end": lambda v: np.where(v.ends == v.T_x, state_after(np.full(v.m, v.T_x), v.a0, v.hidden), 0)},
    LAYERS("last_states_one_early", "the last states are those before the last step")
    | {"last": lambda v: np.maximum(v.ends - 1, 0)},
    LAYERS("initial_states_returned", "the initial states are returned as the last states")
    | {"last": lambda v: 0 * v.ends},
    FORWARDS("first_step_skipped", "the loop over time begins at 1") | {"steps": lambda v: range(1, v.T_x)},
    FORWARDS("first_state_is_a0", "the loop over time begins at 1, and a[:, :, 0] is a0")
    | {"steps": lambda v: range(1, v.T_x)}
    | {"a": lambda v: np.where(np.arange(v.T_x) == 0, v.a0[:, :, None], 0)},
    FORWARDS(
        "first_step_skipped_and_a0",
        "the loop over time begins at 1, and step t reads a[:, :, t - 1], so a0 is ignored",
    )
    | {"steps": lambda v: range(1, v.T_x), "a_prev": lambda v: v.a[:, :, v.t - 1]},
    FORWARDS("last_step_skipped", "the loop over time ends a step early")
    | {"steps": lambda v: range(v.T_x - 1)},
    FORWARDS("time_reversed", "the loop over time runs backwards") | {"steps": lambda v: range(v.T_x)[::-1]},
    FORWARDS("x_reversed", "x is read from its last step to its first")
    | {"xt": lambda v: v.x[:, :, -1 - v.t]},
    FORWARDS("first_x_at_every_step", "every step reads x[:, :, 0]") | {"xt": lambda v: v.x[:, :, 0]},
    FORWARDS("next_x", "every step but the last reads the next x")
    | {"xt": lambda v: v.x[:, :, min(v.t + 1, v.T_x - 1)]},
    FORWARDS("x_one_step_late", "step t reads x[:, :, t - 1]") | {"xt": lambda v: v.x[:, :, v.t - 1]},
    LSTM_FORWARD("c_one_step_late", "c[:, :, t] is the memory state before step t")
    | {"caches": _with_late_states("c", "c0")},
    FORWARDS("a_one_step_late", "a[:, :, t] is the state before step t")
    | {"caches": _with_late_states("a", "a0")},
    FORWARDS("results_one_step_late", "the results of step t are stored at step t + 1")
    | {"slot": lambda v: (v.t + 1) % v.T_x},
    "caches",
    ALL("cached_a_next_and_a_prev_exchanged", "a_next and a_prev are exchanged in the cache")
    | {"cached": exchanged("a_next", "a_prev")},
    LSTM("cached_c_next_and_c_prev_exchanged", "c_next and c_prev are exchanged in the cache")
    | {"cached": exchanged("c_next", "c_prev")},
    LSTM("cached_ft_and_it_exchanged", "ft and it are exchanged in the cache")
    | {"cached": exchanged("ft", "it")},
    LSTM("cached_cct_and_ot_exchanged", "cct and ot are exchanged in the cache")
    | {"cached": exchanged("cct", "ot")},
    LSTM("cached_a_prev_and_c_prev_exchanged", "a_prev and c_prev are exchanged in the cache")
    | {"cached": exchanged("a_prev", "c_prev")},
    ALL("parameters_not_cached", "the parameters are not cached")
    | altered("cache", by=lambda right, v: right[:-1]),
    LSTM_FORWARD("c_view_cached", "the first cached c_prev is c[:, :, 0], the state after the first step")
    | {"c0": lambda v: v.c[:, :, 0]},
    LSTM_FORWARD("last_c_view_cached", "the first cached c_prev is c[:, :, -1], the last memory state")
    | {"c0": lambda v: v.c[:, :, -1]},
    LSTM_FORWARD("second_c_view_cached", "the first c_prev is a view of c[:, :, 1]")
    | {"c0": lambda v: v.c[:, :, 1]},
    FORWARDS("a_view_cached", "the first cached a_prev is a[:, :, 0], the state after the first step")
    | {"a": lambda v: np.repeat(v.a0[:, :, None], v.T_x, axis=2), "a0": lambda v: v.a[:, :, 0]},
    FORWARDS("a0_in_the_last_slot", "the first cached a_prev is a[:, :, -1], the last hidden state")
    | {"a": lambda v: np.where(np.arange(v.T_x) == v.T_x - 1, v.a0[:, :, None], 0)}
    | {"a_prev": lambda v: v.a[:, :, v.t - 1]},
    FORWARDS("x_cached_for_xt", "all of x is cached for every xt")
    | {"cached": lambda names: [*names[:-1], "x"]},
    FORWARDS("caches_none", "None is kept for every step") | {"entry": lambda v: None},
    FORWARDS("last_state_cached", "every cached state is that of the last step")
    | {"caches": _one_array_for_all_steps},
    FORWARDS("last_xt_cached", "every cached xt is that of the last step")
    | {"caches": lambda v: ([(*entry[:-2], v.xt, entry[-1]) for entry in v.entries], v.x)},
    FORWARDS("caches_in_themselves", "the list of caches is appended to itself")
    | {"entry": lambda v: v.entries},
    FORWARDS("caches_empty", "no cell's cache is kept") | {"caches": lambda v: ([], v.x)},
    FORWARDS("last_cache_alone", "only the last cell's cache is kept")
    | {"caches": lambda v: (v.entries[-1:], v.x)},
    FORWARDS("last_cache_everywhere", "every cache is the last cell's")
    | {"caches": lambda v: (v.entries[-1:] * v.T_x, v.x)},
    FORWARDS("caches_reversed", "the caches are kept in reversed order")
    | {"caches": lambda v: (v.entries[::-1], v.x)},
    FORWARDS("caches_without_x", "x is not returned with the caches") | {"caches": lambda v: v.entries},
    "purity",
    ALL("x_overwritten", "the input is overwritten with zeros")
    | altered("cache", by=lambda right, v: v.arguments[0].fill(0) or right),
    ALL("state_overwritten", "the initial state is overwritten with zeros")
    | altered("cache", by=lambda right, v: v.arguments[1].fill(0) or right),
    ALL("parameters_extended", "an entry is added to the parameters")
    | {"arguments": lambda v: v.parameters.update(m=0) or v.arguments},
    ALL(
        "arguments_remembered",
        "arguments of an earlier call are used in place of arguments of the same shapes",
    )
    | {"arguments": _arguments_of_earlier_call},
    FORWARDS("a_reused", "a is the array that the last call returned")
    | altered("a", by=lambda right, v: v.memory.setdefault((right.shape, right.dtype), right)),
    FORWARDS("old_caches_kept", "earlier caches are returned too")
    | {"entries": lambda v: v.memory.setdefault("entries", [])},
    LSTM("bf_raised", "every call adds 1 to the caller's bf")
    | {"arguments": lambda v: v.parameters.update(bf=v.parameters["bf"] + 1) or v.arguments},
)
