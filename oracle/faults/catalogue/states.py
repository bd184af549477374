"""Mistakes in states from step to step, in caches, and in values that stay from call to call.

The known quantities are those of `oracle.faults.equations`. In step `t`, the arrays `a` and `c` have the
states of the steps before `t`. `cached` has the names in a cell's cache, and `entries` the caches of the
steps. `arguments` has the arrays of the caller. Earlier calls have stored values in `memory`.
"""

from typing import Any

import numpy as np

from oracle.faults.catalogue.table import mistakes
from reference.contract import Array


def _left_behind(v: Any, quantity: str, begin: Array) -> Any:
    """The last state of the earlier call; `begin` in the first call, and if the shapes differ."""
    earlier, v.memory[quantity] = getattr(v.memory.get(quantity), quantity, begin), v
    return earlier if earlier.shape == begin.shape else begin


def _with_hidden_states_late(v: Any) -> Any:
    """Move each hidden state in `a` one step later, and return the caches unchanged."""
    v.a[:, :, 1:] = v.a[:, :, :-1].copy()
    v.a[:, :, :1] = v.a0[:, :, None]
    return v.entries, v.x


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


UNSEEDED_GENERATOR = np.random.default_rng()


MISTAKES = mistakes(
    """
[state]
EVERY_SEQUENCE
  a0_ignored | a0 is ignored | a0 = np.zeros_like(a0)
  every_step_from_a0 | every step starts from a0 | a_prev = a0
FORWARDS
  every_step_from_zero | every step starts from zero | a_prev = np.zeros_like(a0)
  first_step_reads_last_slot | the first step reads a[:, :, -1] | a_prev = a[:, :, t - 1]
  reads_unwritten_slot | step t reads a[:, :, t], not yet written | a_prev = a[:, :, t]
lstm_forward
  reads_unwritten_slots | step t reads a[:, :, t] and c[:, :, t], not yet written | ?_prev = ?[:, :, t]
  reads_unwritten_c | step t reads c[:, :, t], not yet written | c_prev = c[:, :, t]
EVERY_SEQUENCE
  a_two_steps_old | a_prev is two steps old | a_prev = a[:, :, t - 2] if t > 1 else a0
FORWARDS
  a_left_behind | a starts from the last state of the earlier call | a0 = left_behind(v, 'a_next', a0)
lstm_forward
  c_left_behind | c starts from the last state of the earlier call
    | c0 = left_behind(v, 'c_next', np.zeros_like(a0))
  one_array_for_a_and_c | a and c are one array | c = a
  c0_is_a0 | c starts from a0, not zero | c0 = a0
  c_reset_every_step | c is reset to zero before every step | c_prev = np.zeros_like(a0)
  c_is_a | every step uses a_prev for c_prev | c_prev = a_prev
  a_is_c | every step but the first uses c_prev for a_prev | a_prev = c_next if t else a0
  a_and_c_exchanged | a and c are exchanged from step to step
    | a_prev = c_next if t else a0 | c_prev = a_next if t else c0
lstm_layer
  c0_ignored | c0 is ignored | c_first = np.zeros_like(inputs['c0'])
  a0_for_c0 | a0 is used for c0 | c_first = inputs['a0']
  c0_for_a0 | c0 is used for a0 | a_first = inputs['c0']
  a0_and_c0_exchanged | a0 and c0 are exchanged | a_first = inputs['c0'] | c_first = inputs['a0']
  steps_take_c_first | every step takes (c, a) in place of (a, c)
    | a_prev = c_next if t else c0 | c_prev = a_out if t else a0
  steps_return_c_first | every step returns (c, a) in place of (a, c) | entry = with_states_exchanged
  steps_with_c_first | every step takes and returns (c, a) in place of (a, c)
    | a_prev = c_next if t else c0 | c_prev = a_out if t else a0 | entry = with_states_exchanged
  states_with_c_first | the initial and last states are taken and returned as (c, a) in place of (a, c)
    | a_first = inputs['c0'] | c_first = inputs['a0'] | returned = exchanged(names, 'a_last', 'c_last')
LAYERS
  states_left_behind | the states start from the last states of the earlier call
    | ?_first = left_behind(v, '?_last', inputs.get('?0', inputs['a0']))
  starts_where_the_one_before_ended
    | each layer and direction starts from the last state of the one before it
    | ?_begin = ?_ends[-1] if k else ?_first[0]
  a_last_is_the_last_column | a_last is a at the last step of x, which is 0 for a shorter sequence
    | a_end = np.where(ends == T_x, state_after(np.full(m, T_x), a0, hidden), 0)
  last_states_one_early | the last states are those before the last step | last = np.maximum(ends - 1, 0)
  initial_states_returned | the initial states are returned as the last states | last = 0 * ends
FORWARDS
  first_step_skipped | the loop over time begins at 1 | steps = range(1, T_x)
  first_state_is_a0 | the loop over time begins at 1, and a[:, :, 0] is a0
    | steps = range(1, T_x) | a = np.where(np.arange(T_x) == 0, a0[:, :, None], 0)
  first_step_skipped_and_a0
    | the loop over time begins at 1, and step t reads a[:, :, t - 1], so a0 is ignored
    | steps = range(1, T_x) | a_prev = a[:, :, t - 1]
  last_step_skipped | the loop over time ends a step early | steps = range(T_x - 1)
  time_reversed | the loop over time runs backwards | steps = range(T_x)[::-1]
  x_reversed | x is read from its last step to its first | xt = x[:, :, -1 - t]
  first_x_at_every_step | every step reads x[:, :, 0] | xt = x[:, :, 0]
  next_x | every step but the last reads the next x | xt = x[:, :, min(t + 1, T_x - 1)]
  x_one_step_late | step t reads x[:, :, t - 1] | xt = x[:, :, t - 1]
  a_one_step_late | a[:, :, t] is the state before step t | caches = with_a_one_step_late
  results_one_step_late | the results of step t are stored at step t + 1 | slot = (t + 1) % T_x
[caches]
ALL
  cached_a_next_and_a_prev_exchanged | a_next and a_prev are exchanged in the cache
    | cached = exchanged(names, 'a_next', 'a_prev')
LSTM
  cached_c_next_and_c_prev_exchanged | c_next and c_prev are exchanged in the cache
    | cached = exchanged(names, 'c_next', 'c_prev')
  cached_ft_and_it_exchanged | ft and it are exchanged in the cache | cached = exchanged(names, 'ft', 'it')
  cached_cct_and_ot_exchanged | cct and ot are exchanged in the cache | cached = exchanged(names, 'cct', 'ot')
  cached_a_prev_and_c_prev_exchanged | a_prev and c_prev are exchanged in the cache
    | cached = exchanged(names, 'a_prev', 'c_prev')
ALL
  parameters_not_cached | the parameters are not cached | cache = right[:-1]
lstm_forward
  c_view_cached | the first cached c_prev is overwritten by c_next | c0 = c[:, :, 0]
  last_c_view_cached | the first cached c_prev is a view of c[:, :, -1] | c0 = c[:, :, -1]
  second_c_view_cached | the first c_prev is a view of c[:, :, 1] | c0 = c[:, :, 1]
FORWARDS
  a_view_cached | the first cached a_prev is a view of a[:, :, 0], overwritten later
    | a = np.repeat(a0[:, :, None], T_x, axis=2) | a0 = a[:, :, 0]
  a0_in_the_last_slot
    | the first cached a_prev is a view of a[:, :, -1], which later holds the last hidden state
    | a = np.where(np.arange(T_x) == T_x - 1, a0[:, :, None], 0) | a_prev = a[:, :, t - 1]
  x_cached_for_xt | all of x is cached for every xt | cached = [*names[:-1], 'x']
  caches_none | None is kept for every step | entry = None
  last_state_cached | every cached state is that of the last step | caches = one_array_for_a_state
  last_xt_cached | every cached xt is that of the last step | caches = with_last_xt
  caches_in_themselves | the list of caches is appended to itself | entry = entries
  caches_empty | no cell's cache is kept | caches = ([], x)
  last_cache_alone | only the last cell's cache is kept | caches = (entries[-1:], x)
  last_cache_everywhere | every cache is the last cell's | caches = (entries[-1:] * T_x, x)
  caches_reversed | the caches are kept in reversed order | caches = (entries[::-1], x)
  caches_without_x | x is not returned with the caches | caches = entries
[purity]
ALL
  x_overwritten | the input is overwritten with zeros | cache = arguments[0].fill(0) or right
  state_overwritten | the initial state is overwritten with zeros | cache = arguments[1].fill(0) or right
  parameters_extended | an entry is added to the parameters | arguments = parameters.update(m=0) or arguments
  arguments_remembered | arguments of an earlier call are used in place of arguments of the same shapes
    | arguments = memory.setdefault((*map(np.shape, arguments),), [*map(np.array, arguments)])
FORWARDS
  a_reused | a is the array that the last call returned
    | a = memory.setdefault((n_a, m, T_x, x.dtype), np.zeros((n_a, m, T_x), x.dtype))
  old_caches_kept | earlier caches are returned too | entries = memory.setdefault('entries', [])
LSTM
  bf_raised | every call adds 1 to the caller's bf
    | arguments = parameters.update(bf=parameters['bf'] + 1) or arguments
EVERY
  noise | random noise is added to [a; x] | concat = random.normal(right, 1e-3)
  dropout | dropout is left on | concat = right * random.integers(2, size=right.shape)
LAYERS
  dropout_between | dropout is left on between layers
    | between = padded * 2 * random.integers(2, size=padded.shape)
""",
    left_behind=_left_behind,
    with_a_one_step_late=_with_hidden_states_late,
    with_states_exchanged=_with_states_exchanged,
    one_array_for_a_state=_one_array_for_all_steps,
    with_last_xt=lambda v: ([(*entry[:-2], v.xt, entry[-1]) for entry in v.entries], v.x),
    random=UNSEEDED_GENERATOR,
)
