"""What a step computes, each equation held to the values that an implementation itself shows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from oracle.location.where.equation import CACHED, TOP, Affine, Equation, count_wrong, product
from oracle.location.where.recipes import Pieces, Recipe
from oracle.location.where.shown import Shown
from oracle.rounding import Arithmetic, Bounded
from reference.contract import Array


def computed(shown: Shown, given: Mapping[str, Array]) -> list[Equation]:
    """What a step computes from what it was given."""
    p = {name: array.astype(np.float64) for name, array in shown.inputs.parameters.items()}
    given = {name: array.astype(np.float64) for name, array in given.items()}
    fl = Arithmetic(shown.inputs.dtype)
    return _of_rnn(fl, shown, p, given) if shown.inputs.kind == "rnn" else _of_lstm(fl, shown, p, given)


def _of_rnn(
    fl: Arithmetic, shown: Shown, p: Mapping[str, Array], given: Mapping[str, Array]
) -> list[Equation]:
    a_prev, xt = given["a_prev"], given["xt"]
    affine = Affine(
        np.concatenate([p["Waa"], p["Wax"]], axis=1), np.concatenate([a_prev, xt]), p["ba"], _names(given)
    )
    z = _bounded(fl, affine)
    terms = {
        "z": z.value,
        "a_prev": a_prev,
        "Waa a_prev": product(p["Waa"], a_prev),
        "Wax xt": product(p["Wax"], xt),
        "ba": p["ba"][:, :, None],
    }
    statement = "tanh(Waa a_prev + Wax xt + ba)"
    right = fl.tanh(z)
    others = {"xt": xt, "a_prev": a_prev, "the right a_next": right.value}
    recipe = Recipe(
        {**{name: p[name] for name in ("Waa", "Wax", "ba")}, "a_prev": a_prev, "xt": xt},
        _argument_of_rnn,
        {name: {**p, **others} for name in ("Waa", "Wax", "ba", "a_prev", "xt")},
        {"Waa a_prev": (p["Waa"], a_prev), "Wax xt": (p["Wax"], xt)},
    )
    hidden = Equation("a_next", statement, "unit", shown.outputs["a"], right, terms, affine, recipe=recipe)
    return [hidden, *_head(fl, shown, p["Wya"], p["by"], "Wya", {"z": z.value}, lambda: right)]


def _argument_of_rnn(pieces: Pieces) -> Array:
    return _sum(product(pieces["Waa"], pieces["a_prev"]), product(pieces["Wax"], pieces["xt"]), pieces["ba"])


def _sum(*parts: Array) -> Array:
    """Of arguments `(n, m, T_x)` and biases `(n, 1)`."""
    return np.asarray(sum(part if part.ndim == 3 else part[:, :, None] for part in parts))


def _of_lstm(
    fl: Arithmetic, shown: Shown, p: Mapping[str, Array], given: Mapping[str, Array]
) -> list[Equation]:
    """The gates are judged where they are shown.

    Where the outputs follow from right gates, other gates that are shown are wrong records alone.
    """
    gates = list(_gates(fl, shown, p, given))
    right = {gate.name: gate.right for gate in gates}
    own = {gate.name: _own(gate) if gate.name in shown.cached else gate.right for gate in gates}
    seen = [gate for gate in gates if gate.name in shown.cached]
    fine = [replace(gate, shown=gate.right.value) for gate in seen]
    states = _states(fl, shown, right, given)
    of_own = _states(fl, shown, own, given)
    recorded = bool(count_wrong(seen)) and not count_wrong(states)
    if recorded:  # as far as one can tell: where both give the outputs it may be the gate
        wrong = np.logical_or.reduce([state.wrong for state in of_own])
        used = [_known_where(wrong | ~gate.wrong, was) for gate, was in zip(seen, fine, strict=True)]
    else:
        used, states = seen, of_own
    return [
        *used,
        *states,
        *_head(fl, shown, p["Wy"], p["by"], "Wy", _arguments(gates, shown), states[-1].of_right),
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


def _known_where(known: Array, equation: Equation) -> Equation:
    """The equation, which says nothing of other elements."""
    right = equation.right
    return replace(equation, right=Bounded(right.value, np.where(known, right.error, np.inf)))


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
        affine = Affine(W, concat, b, _names(given))
        z = _bounded(fl, affine)
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
        pieces = {f"W{gate}": W, f"b{gate}": b, "a_prev": a_prev, "xt": xt}
        recipe = Recipe(
            pieces,
            partial(_argument_of_gate, gate),
            {name: {**p, **states, **others, "a_prev": a_prev, "xt": xt} for name in pieces},
            {f"W{gate} concat": (W, concat)},
            partial(_arguments_of_gates, p, concat),
            {"[xt; a_prev] for [a_prev; xt]": partial(_with_input_first, W, b, a_prev, xt)},
        )
        yield Equation(
            name,
            f"{act}(W{gate} concat + b{gate})",
            "unit",
            shown.cached.get(name, right.value),
            right,
            terms,
            affine,
            recipe=recipe,
            others={**states, **others},
        )


def _argument_of_gate(gate: str, pieces: Pieces) -> Array:
    W, n_a = pieces[f"W{gate}"], len(pieces["a_prev"])
    return _sum(product(W[:, :n_a], pieces["a_prev"]), product(W[:, n_a:], pieces["xt"]), pieces[f"b{gate}"])


def _with_input_first(W: Array, b: Array, a_prev: Array, xt: Array) -> Array:
    return _sum(product(W, np.concatenate([xt, a_prev])), b)


def _arguments_of_gates(p: Mapping[str, Array], concat: Array) -> dict[str, Array]:
    gates = {"ft": "f", "it": "i", "cct": "c", "ot": "o"}
    return {name: _sum(product(p[f"W{gate}"], concat), p[f"b{gate}"]) for name, gate in gates.items()}


def _states(
    fl: Arithmetic, shown: Shown, gates: Mapping[str, Bounded], given: Mapping[str, Array]
) -> list[Equation]:
    """`c_next` from the gates, and `a_next` from `c_next` as it is shown."""
    ft, it, cct, ot = (gates[name] for name in ("ft", "it", "cct", "ot"))
    c_prev, c, a = given["c_prev"], shown.outputs["c"], shown.outputs["a"]
    kept, added, t = fl.times(ft, Bounded.exact(c_prev)), fl.times(it, cct), fl.tanh(Bounded.exact(c))
    of_memory = {
        "ft": ft.value,
        "it": it.value,
        "cct": cct.value,
        "c_prev": c_prev,
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
    memory = Recipe(
        {name: values[name] for name in ("ft", "c_prev", "it", "cct")},
        lambda v: v["ft"] * v["c_prev"] + v["it"] * v["cct"],
        {name: {**values, "1": np.ones_like(c_prev)} for name in ("ft", "c_prev", "it", "cct")},
    )
    values = {**values, "c_next": c}
    hidden = Recipe(
        {name: values[name] for name in ("ot", "c_next")},
        lambda v: v["ot"] * np.tanh(v["c_next"]),
        {name: {**values, "1": np.ones_like(c_prev)} for name in ("ot", "c_next")},
    )
    right = fl.plus(kept, added)
    return [
        Equation("c_next", "ft * c_prev + it * cct", "unit", c, right, of_memory, recipe=memory),
        Equation(
            "a_next",
            "ot * tanh(c_next)",
            "unit",
            a,
            fl.times(ot, t),
            of_hidden,
            recipe=hidden,
            of_right=lambda: fl.times(ot, fl.tanh(right)),
        ),
    ]


def _head(
    fl: Arithmetic,
    shown: Shown,
    W: Array,
    b: Array,
    name: str,
    others: Pieces,
    hidden: Callable[[], Bounded] | None,
) -> list[Equation]:
    """The prediction from `a_next` as it is shown; `hidden` is what that should be, `others` might be it."""
    if "y" not in shown.outputs:
        return []
    a = shown.outputs["a"].astype(np.float64)
    affine = Affine(W, a, b, [f"a_next[{k}]" for k in range(len(a))])
    s = _bounded(fl, affine)
    right = _softmax(fl, s)
    top, least = s.value.max(axis=0, keepdims=True), s.value.min(axis=0, keepdims=True)
    before = replace(affine, v=shown.before("a")).value
    before = np.exp(before - before.max(axis=0))
    terms = {
        "softmax of a_prev": before / before.sum(axis=0),
        "the logit": s.value,
        "by": b[:, :, None],
        f"{name} a_next": product(W, a),
        f"{name} a_prev": product(W, shown.before("a")),
        "the largest logit": top,
        "the largest logit of all samples, less that of this one": top.max(axis=1, keepdims=True) - top,
        "the smallest logit": least,
        "the largest logit of all samples, less this one": top.max(axis=1, keepdims=True) - s.value,
        "the largest logit of the sample, less this one": top - s.value,
        "the smallest yt_pred of the sample": right.value.min(axis=0, keepdims=True),
        "the largest yt_pred of the sample": right.value.max(axis=0, keepdims=True),
        "the spread of the logits": top - least,
        "the largest |logit| of the sample": np.maximum(np.abs(top), np.abs(least)),
        TOP: np.argmax(s.value, axis=0)[None].astype(np.float64) if len(s.value) else top,
    }
    states = {**shown.states, **shown.cached, **others}
    states = {other: array for other, array in states.items() if array.shape == a.shape and other != "a_next"}
    p = shown.inputs.parameters
    recipe = Recipe(
        {name: W, "by": b, "a_next": a},
        lambda v: _sum(product(v[name], v["a_next"]), v["by"]),
        {name: p, "by": p, "a_next": states},
        {f"{name} a_next": (W, a)},
    )
    statement = f"softmax({name} a_next + by)"
    of_right = (lambda: _softmax(fl, _affine(fl, W, hidden(), b))) if hidden else None
    return [
        Equation(
            "yt_pred",
            statement,
            "class",
            shown.outputs["y"],
            right,
            terms,
            affine,
            recipe=recipe,
            others={"yt_pred of the step before": _of_step_before(shown.outputs["y"])},
            of_right=of_right,
        )
    ]


def _of_step_before(array: Array) -> Array:
    """NaN at step 0."""
    return np.concatenate([np.full_like(array[:, :, :1], np.nan), array[:, :, :-1]], axis=2)


def _softmax(fl: Arithmetic, s: Bounded) -> Bounded:
    y = fl.softmax(Bounded(np.moveaxis(s.value, 2, 0), np.moveaxis(s.error, 2, 0)))
    return Bounded(np.moveaxis(y.value, 0, 2), np.moveaxis(y.error, 0, 2))


def _names(given: Mapping[str, Array]) -> list[str]:
    """What the columns of the weights are for."""
    return [f"{name}[{k}]" for name in ("a_prev", "xt") for k in range(len(given[name]))]


def _bounded(fl: Arithmetic, affine: Affine) -> Bounded:
    return _affine(fl, affine.W, Bounded.exact(affine.v), affine.b)


def _affine(fl: Arithmetic, W: Array, v: Bounded, b: Array) -> Bounded:
    """`W v + b` at every step."""
    value, error = (part.reshape(len(part), -1) for part in (v.value, v.error))
    z = fl.affine(W, Bounded(value, error), b)
    return Bounded(*(part.reshape(len(W), *v.value.shape[1:]) for part in (z.value, z.error)))
