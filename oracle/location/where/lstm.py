"""What a step of an LSTM computes: gates, the memory state and the hidden state."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from oracle.location.where.affine import (
    Affine,
    Made,
    affine_of,
    bounded,
    columns_of,
    product,
    total,
    updated,
)
from oracle.location.where.equation import CACHED, Equation, count_wrong, loosened
from oracle.location.where.gates import arguments_of_gates, made_otherwise
from oracle.location.where.head import head
from oracle.location.where.recipes import Pieces, Recipe
from oracle.location.where.shown import Shown
from oracle.rounding import Arithmetic, Bounded
from reference.contract import Array

MEMORY_STATE = "ft * c_prev + it * cct"
HIDDEN_STATE = "ot * tanh(c_next)"


def of_lstm(
    fl: Arithmetic, shown: Shown, p: Mapping[str, Array], given: Mapping[str, Array]
) -> list[Equation]:
    """The gates are judged where they are shown.

    Where the outputs follow from right gates, other gates that are shown are wrong records alone.
    """
    gates = list(_gates(fl, shown, p, given))
    right = {gate.name: gate.right for gate in gates}
    own = {gate.name: _own(gate) if gate.name in shown.cached else gate.right for gate in gates}
    seen = [loosened(gate, shown.slack.get(gate.name, 0)) for gate in gates if gate.name in shown.cached]
    fine = [replace(gate, shown=gate.right.value) for gate in seen]
    states = _states(fl, shown, p, right, given)
    of_own = _states(fl, shown, p, own, given)
    recorded = bool(count_wrong(seen)) and not count_wrong(states)
    if recorded:  # as far as one can tell: where both give the outputs it may be the gate
        wrong = np.logical_or.reduce([state.wrong for state in of_own])
        used = [
            loosened(was, np.where(wrong | ~gate.wrong, 0, np.inf))
            for gate, was in zip(seen, fine, strict=True)
        ]
    else:
        used, states = seen, of_own
    return [
        *used,
        *states,
        *head(fl, shown, p["Wy"], p["by"], "Wy", _arguments(gates, shown), states[-1].of_right),
        *(replace(gate, name=f"{CACHED}{gate.name}") for gate in (seen if recorded else fine)),
    ]


def _arguments(gates: Sequence[Equation], shown: Shown) -> dict[str, Array]:
    """What the activations of a step are taken of, and the one that `a_next` is made of."""
    return {
        "tanh(c_next)": np.tanh(shown.outputs["c"].astype(np.float64)),
        **{f"z of {gate.name}": gate.terms["z"] for gate in gates},
    }


def _own(gate: Equation) -> Bounded:
    """A gate as it is shown; where that is right, it may still be a record that was rounded."""
    value = gate.shown.astype(np.float64)
    return Bounded(value, np.where(gate.wrong, 0, np.abs(value - gate.right.value)))


def _gates(
    fl: Arithmetic, shown: Shown, p: Mapping[str, Array], given: Mapping[str, Array]
) -> Iterator[Equation]:
    """All four, whether they are shown or not."""
    a_prev, xt = given["a_prev"], given["xt"]
    concat = np.concatenate([a_prev, xt])
    rests = {f"1 - {name}": 1 - shown.cached[name] for name in ("ft", "it") if name in shown.cached}
    for gate, name, act in (
        ("f", "ft", "sigmoid"),
        ("i", "it", "sigmoid"),
        ("c", "cct", "tanh"),
        ("o", "ot", "sigmoid"),
    ):
        W, b = p[f"W{gate}"], p[f"b{gate}"]
        affine = Affine(W, concat, b, columns_of(given))
        z = bounded(fl, affine)
        terms = {
            "z": z.value,
            "a_prev": a_prev,
            "c_prev": given["c_prev"],
            f"W{gate} [a_prev; 0]": product(W[:, : len(a_prev)], a_prev),
            f"W{gate} [0; xt]": product(W[:, len(a_prev) :], xt),
            f"b{gate}": b[:, :, None],
            **({"c_next": shown.outputs["c"]} if gate == "o" else {}),
            **{other: rest for other, rest in rests.items() if name not in other},
        }
        right = getattr(fl, act)(z)
        others = {other: array for other, array in shown.cached.items() if other != name}
        states = {"c_prev": given["c_prev"], "a_next": shown.outputs["a"], "c_next": shown.outputs["c"]}
        states |= {f"tanh({state})": np.tanh(states[state]) for state in ("c_prev", "c_next")}
        pieces = {f"W{gate}": W, f"b{gate}": b, "a_prev": a_prev, "xt": xt}
        recipe = Recipe(
            pieces,
            partial(_argument_of_gate, gate),
            {name: {**p, **states, **others, "a_prev": a_prev, "xt": xt} for name in pieces},
            {f"W{gate} concat": (W, concat)},
            partial(arguments_of_gates, p, concat),
            partial(_otherwise, z.value, W, b, a_prev, xt, shown.outputs["a"]),
        )
        yield Equation(
            name,
            f"{act}(W{gate} concat + b{gate})",
            "unit",
            shown,
            shown.cached.get(name, right.value),
            right,
            terms,
            affine,
            recipe,
            others={**states, **others},
        )


def _argument_of_gate(gate: str, pieces: Pieces) -> Array:
    W, n_a = pieces[f"W{gate}"], len(pieces["a_prev"])
    return total(product(W[:, :n_a], pieces["a_prev"]), product(W[:, n_a:], pieces["xt"]), pieces[f"b{gate}"])


def _otherwise(z: Array, W: Array, b: Array, a_prev: Array, xt: Array, a_next: Array) -> Made:
    n_a, n_x = len(a_prev), len(xt)
    of_columns = {
        "[xt; a_prev] for [a_prev; xt]": [(W, np.concatenate([xt, a_prev]))],
        "the first n_x columns of its W for xt": [(W[:, :n_a], a_prev), (W[:, :n_x], xt)],
        "the last n_a columns of its W for a_prev": [(W[:, n_x:], a_prev), (W[:, n_a:], xt)],
    }
    read = {words: partial(_with_columns, b, every) for words, every in of_columns.items()}
    return {**read, **updated(z, W, a_prev, a_next)}


def _with_columns(b: Array, every: Sequence[tuple[Array, Array]]) -> Array:
    return total(*(product(W, v) for W, v in every), b)


def _states(
    fl: Arithmetic,
    shown: Shown,
    p: Mapping[str, Array],
    gates: Mapping[str, Bounded],
    given: Mapping[str, Array],
) -> list[Equation]:
    """`c_next` from the gates, and `a_next` from `c_next` as it is shown."""
    ft, it, cct, ot = (gates[name] for name in ("ft", "it", "cct", "ot"))
    c_prev, c, a = given["c_prev"], shown.outputs["c"], shown.outputs["a"]
    of_others = {name: array for name, array in shown.inputs.parameters.items() if array.ndim == 3}
    kept, added, t = fl.times(ft, Bounded.exact(c_prev)), fl.times(it, cct), fl.tanh(Bounded.exact(c))
    of_memory = {
        "ft": ft.value,
        "it": it.value,
        "cct": cct.value,
        "c_prev": c_prev,
        "1 - ft": 1 - ft.value,
        "ft * c_prev": kept.value,
        "it * cct": added.value,
        "(1 - ft) * cct": (1 - ft.value) * cct.value,
        "a_prev": given["a_prev"],
        "ft * the mean of c_prev over the samples": ft.value * c_prev.mean(axis=1, keepdims=True),
    }
    of_hidden = {
        "ot": ot.value,
        "c_next": c,
        "tanh(c_next)": t.value,
        "a_prev": given["a_prev"],
        "ft": ft.value,
        "1 - it": 1 - it.value,
    }
    values = {name: gate.value for name, gate in gates.items()} | {
        "c_prev": c_prev,
        "a_prev": given["a_prev"],
    }
    right = fl.plus(kept, added)
    rests = {f"1 - {name}": 1 - gate.value for name, gate in gates.items() if name != "cct"}
    in_place = {**values, "the right c_next": right.value, "1": np.ones_like(c_prev), **rests, **of_others}
    memory = Recipe(
        {name: values[name] for name in ("ft", "c_prev", "it", "cct")},
        lambda v: v["ft"] * v["c_prev"] + v["it"] * v["cct"],
        dict.fromkeys(("ft", "c_prev", "it", "cct"), in_place),
        otherwise=partial(made_otherwise, p, given, a, has_gates=bool({*gates} & {*shown.cached})),
    )
    values = {**values, "c_next": c}
    hidden = Recipe(
        {name: values[name] for name in ("ot", "c_next")},
        lambda v: v["ot"] * np.tanh(v["c_next"]),
        {name: {**values, "1": np.ones_like(c_prev)} for name in ("ot", "c_next")},
    )
    c_is = Equation(
        "c_next", MEMORY_STATE, "unit", shown, c, right, of_memory, recipe=memory, others=of_others
    )
    if "Wp" in p:
        return [
            c_is,
            _projected(fl, shown, p, fl.times(ot, t), values),
        ]
    return [
        c_is,
        Equation(
            "a_next",
            HIDDEN_STATE,
            "unit",
            shown,
            a,
            fl.times(ot, t),
            of_hidden,
            recipe=hidden,
            others=of_others,
            of_right=lambda: fl.times(ot, fl.tanh(right)),
        ),
    ]


def _projected(
    fl: Arithmetic, shown: Shown, p: Mapping[str, Array], h: Bounded, values: Mapping[str, Array]
) -> Equation:
    """`a_next` as weights of what it is without a projection."""
    Wp, zero = p["Wp"], np.zeros((len(p["Wp"]), 1))
    pieces = {"Wp": Wp, HIDDEN_STATE: h.value}
    ot, c_next = values["ot"], values["c_next"]
    parts = {"ot * c_next": ot * c_next, "tanh(c_next)": np.tanh(c_next)}
    parts["ot * tanh(c_prev)"] = ot * np.tanh(values["c_prev"])
    if len(Wp) == len(h.value):
        parts[f"Wp ({HIDDEN_STATE})"] = product(Wp, h.value)
    recipe = Recipe(
        pieces,
        lambda v: product(v["Wp"], v[HIDDEN_STATE]),
        {"Wp": {**p}, HIDDEN_STATE: {**values, **parts}},
        otherwise=lambda: {
            f"tanh(c_next), and ot after Wp, for {HIDDEN_STATE}": lambda: _gated_last(Wp, ot, c_next),
            f"tanh after Wp, of ot * c_next, for {HIDDEN_STATE}": lambda: np.tanh(product(Wp, ot * c_next)),
        },
    )
    terms = {
        HIDDEN_STATE: h.value,
        "a_prev": values["a_prev"],
        "ot": ot,
        "c_next": c_next,
    }
    right = affine_of(fl, Wp, h, zero)
    a = shown.outputs["a"]
    return Equation("a_next", f"Wp ({HIDDEN_STATE})", "unit", shown, a, right, terms, recipe=recipe)


def _gated_last(Wp: Array, ot: Array, c_next: Array) -> Array:
    """The first output gates on what is projected without them; NaN of more units than there are gates."""
    projected = product(Wp, np.tanh(c_next))
    gates = np.full_like(projected, np.nan)
    gates[: len(ot)] = ot[: len(gates)]
    return gates * projected
