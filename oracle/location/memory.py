"""Infer the memory states of a layer, which returns only the last one."""

from dataclasses import replace

import numpy as np

from oracle.location.equations import evaluate
from oracle.location.observations import Observation, compared
from reference.contract import Array


def infer_memory(observation: Observation, A: Array, memory: Array, is_shown: Array, within: Array) -> None:
    """Infer the memory states of an observation, and check c_next and a_next.

    `A (n_h, m, T_x)` are the returned hidden states, and `memory (n_a, m, T_x)` the returned memory states
    where `is_shown (m, T_x)`. The other memory states are those of a right step. `within (m, T_x)` is true
    before the ends of sequences. From a wrong hidden state to the next returned memory state, the checks are
    not decided.
    """
    known, nodes = observation.known, observation.nodes
    n_a, m, T_x = memory.shape
    for name in ("c_prev", "c_next"):
        known.pop(name, None)
    observation.memo.clear()
    ft, it, cct = (evaluate(nodes, known, name, observation.memo) for name in ("ft", "it", "cct"))
    c_prev, c_next = np.empty_like(memory), np.empty_like(memory)
    c = known["c0"][:, :, 0]
    with np.errstate(all="ignore"):
        for t in range(T_x):
            c_prev[:, :, t] = c
            right = ft[:, :, t] * c + it[:, :, t] * cct[:, :, t]
            c = c_next[:, :, t] = np.where(is_shown[:, t], memory[:, :, t], right)
    known |= {"c_prev": c_prev, "c_next": c_next}
    slack = 1.0 + np.arange(T_x)
    observation.checks.clear()
    first = compared(observation, "a_next", A, within, slack)
    off = first.wrong & ~is_shown
    allowed = first.allowed.max(axis=0) if "Wp" in known else first.allowed
    if "Wp" in known:
        off = np.broadcast_to(off.any(axis=0), memory.shape)
    # From a step with an unclear memory state to the next returned memory state, nothing is known.
    unclear = off | (_is_invisible(observation, allowed) & ~is_shown)
    last_off = np.maximum.accumulate(np.where(unclear, np.arange(T_x), -1), axis=2)
    last_shown = np.maximum.accumulate(np.where(is_shown, np.arange(T_x), -1), axis=1)
    before = np.concatenate([np.zeros((n_a, m, 1), bool), (last_off > last_shown)[:, :, :-1]], axis=2)
    decided = within & ~before
    check = compared(observation, "c_next", c_next, decided, slack)
    wrong = (check.wrong & is_shown) | (off & check.decided)
    observation.checks["c_next"] = replace(check, wrong=wrong, visible=check.decided & is_shown)
    hidden = decided if len(A) == n_a and "Wp" not in known else decided.all(axis=0)[None]
    observation.checks["a_next"] = compared(observation, "a_next", A, within & hidden, slack)


def _is_invisible(observation: Observation, allowed: Array) -> Array:
    """Where a relative error of 1e-4 in the memory state changes the hidden state by less than its bound."""
    c = observation.known["c_next"]
    ot = evaluate(observation.nodes, observation.known, "ot", observation.memo)
    with np.errstate(all="ignore"):
        return np.asarray(ot * (1 - np.tanh(c) ** 2) * np.abs(c) * 1e-4 < allowed)
