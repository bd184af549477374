"""The gates of an LSTM, and the memory states that they would make of other states and inputs."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from oracle.location.where.affine import Made, product, read_anew, total, with_new
from oracle.location.where.changes import changes
from oracle.location.where.digits import Change
from reference.contract import Array

LETTER = {"ft": "f", "it": "i", "cct": "c", "ot": "o"}
"""What the parameters of a gate are called after."""


def arguments_of_gates(p: Mapping[str, Array], concat: Array) -> dict[str, Array]:
    """What each gate is the sigmoid or tanh of, `(n_a, m, T_x)`."""
    return {name: total(product(p[f"W{gate}"], concat), p[f"b{gate}"]) for name, gate in LETTER.items()}


def made_otherwise(
    p: Mapping[str, Array], given: Mapping[str, Array], a_next: Array, *, has_gates: bool
) -> Made:
    """`c_next` in words, where it is made in another way than of a sum of products of gates.

    Of a step that shows no gates, these may be made with other states or inputs, too.
    """
    made: dict[str, Callable[[], Array]] = {
        "tanh(it * (Wc concat + bc)) for it * cct": partial(_with_gate_inside, p, given)
    }
    if has_gates:
        return made
    for names in (["a_prev"], ["xt"], ["a_prev", "c_prev"]):
        for words, change in changes(given[names[0]]):
            made[f"{' and '.join(names)} {words}"] = partial(_with_changed, p, given, names, change)
    for words, read in read_anew(len(given["a_prev"])).items():
        made[words] = partial(_with_updated, p, given, read, a_next)
    return made


def _with_gate_inside(p: Mapping[str, Array], given: Mapping[str, Array]) -> Array:
    z = arguments_of_gates(p, _concat(given))
    ft, it = (1 / (1 + np.exp(-z[name])) for name in ("ft", "it"))
    return np.asarray(ft * given["c_prev"] + np.tanh(it * z["cct"]))


def _with_changed(
    p: Mapping[str, Array], given: Mapping[str, Array], names: Sequence[str], change: Change
) -> Array:
    changed = {name: np.broadcast_to(change(given[name]), given[name].shape) for name in names}
    given = {**given, **changed}
    return _memory_state(arguments_of_gates(p, _concat(given)), given["c_prev"])


def _with_updated(p: Mapping[str, Array], given: Mapping[str, Array], read: Array, a_next: Array) -> Array:
    """With units that were updated in place, where others read them."""
    a_prev, z = given["a_prev"], arguments_of_gates(p, _concat(given))
    weights = {name: p[f"W{gate}"][:, : len(a_prev)] * read for name, gate in LETTER.items()}
    return _memory_state(
        {name: with_new(z[name], W, a_next - a_prev) for name, W in weights.items()}, given["c_prev"]
    )


def _concat(given: Mapping[str, Array]) -> Array:
    return np.concatenate([given["a_prev"], given["xt"]])


def _memory_state(z: Mapping[str, Array], c_prev: Array) -> Array:
    ft, it = (1 / (1 + np.exp(-z[name])) for name in ("ft", "it"))
    return np.asarray(ft * c_prev + it * np.tanh(z["cct"]))
