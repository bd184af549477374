"""Infer the memory states of a layer, which shows only the last one, from its right steps."""

from dataclasses import replace

import numpy as np

from oracle.location.equations import bounded, evaluate
from oracle.location.observations import Held, Observation
from oracle.rounding import Arithmetic
from reference.contract import Array


def hold(observation: Observation, name: str, shown: Array, told: Array, slack: Array | float = 1.0) -> None:
    """Compare an equation where `told` is true, within `slack` times its bound."""
    b = bounded(observation.nodes, observation.known, name, Arithmetic(observation.inputs.dtype))
    held = Held.of(shown, b.value, b.error * slack)
    told = held.told & told
    observation.held[name] = replace(held, told=told, wrong=held.wrong & told, seen=told)


def infer_memory(observation: Observation, A: Array, memory: Array, is_shown: Array, within: Array) -> None:
    """Compare c_next and a_next; memory states that are not shown are computed.

    Nothing is told after a wrong hidden state, until the next memory state that is shown.
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
    observation.held.clear()
    hold(observation, "a_next", A, within, slack)
    first = observation.held.pop("a_next")
    off = first.wrong & ~is_shown
    allowed = first.allowed.max(axis=0) if "Wp" in known else first.allowed
    if "Wp" in known:
        off = np.broadcast_to(off.any(axis=0), memory.shape)
    # After an unclear step the memory state is known again from the next shown one on.
    unclear = off | (_unseen(observation, allowed) & ~is_shown)
    last_off = np.maximum.accumulate(np.where(unclear, np.arange(T_x), -1), axis=2)
    last_shown = np.maximum.accumulate(np.where(is_shown, np.arange(T_x), -1), axis=1)
    before = np.concatenate([np.zeros((n_a, m, 1), bool), (last_off > last_shown)[:, :, :-1]], axis=2)
    told = within & ~before
    hold(observation, "c_next", c_next, told, slack)
    held = observation.held["c_next"]
    wrong = (held.wrong & is_shown) | (off & held.told)
    observation.held["c_next"] = replace(held, wrong=wrong, seen=held.told & is_shown)
    sure = np.concatenate(
        [np.ones((1, m, 1), bool), np.broadcast_to(is_shown, (1, m, T_x))[:, :, :-1]], axis=2
    )
    observation.sure = np.broadcast_to(sure, memory.shape)
    hidden_told = told if len(A) == n_a and "Wp" not in known else told.all(axis=0)[None]
    hold(observation, "a_next", A, within & hidden_told, slack)


def _unseen(observation: Observation, allowed: Array) -> Array:
    """Where a relative error of 1e-4 in the memory state does not show in the hidden state."""
    with np.errstate(all="ignore"):
        c, ot = (
            observation.known["c_next"],
            evaluate(observation.nodes, observation.known, "ot", observation.memo),
        )
        return np.asarray(ot * (1 - np.tanh(c) ** 2) * np.abs(c) * 1e-4 < allowed)


def surely(observation: Observation) -> Observation:
    """The observation of only those steps before which the memory state is shown."""
    if observation.sure is None:
        return observation
    held = {}
    for name, each in observation.held.items():
        sure = observation.sure if len(each.shown) == len(observation.sure) else observation.sure[:1]
        sure = sure & each.seen if name == "c_next" else sure
        held[name] = replace(each, told=each.told & sure, wrong=each.wrong & sure, seen=each.seen & sure)
    return replace(observation, held=held, blocks={})
