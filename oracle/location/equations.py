"""The equations of a step, each held to the values that an implementation itself shows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from oracle.location.shown import Shown
from oracle.rounding import Arithmetic, Bounded
from reference.contract import Array


@dataclass(frozen=True)
class Affine:
    """What an activation is taken of: `W v + b`, with `v (k, m, T_x)`, and what its columns are called."""

    W: Array
    v: Array
    b: Array
    columns: Sequence[str]

    @property
    def value(self) -> Array:
        """The argument, `(n, m, T_x)`."""
        return np.asarray(_product(self.W, self.v) + self.b[:, :, None])


@dataclass(frozen=True)
class Equation:
    """One equation of the specification at every step `(n, m, T_x)`: what stands there, what should.

    Attributes
    ----------
    name
        Whose equation it is: `ft`, `c_next`, `yt_pred`, `the cached a_prev`.
    statement
        The equation as the specification writes it, or what should be copied.
    row
        What a row is: a unit, a class, a feature.
    shown
        What the implementation shows.
    right
        What the equation gives on the values that the implementation shows, with its bound.
    terms
        What is in the equation, or might be by mistake, by name, each `(n, m, T_x)` or broadcast to that.
    affine
        The argument of the activation, if that is affine.
    input
        `x` of each step.
    """

    name: str
    statement: str
    row: str
    shown: Array
    right: Bounded
    terms: Mapping[str, Array] = field(default_factory=dict)
    affine: "Affine | None" = None
    input: Array | None = None

    @property
    def activation(self) -> str:
        """What the statement begins with: `tanh`, `sigmoid`, `softmax`, `ot * tanh`, or anything else."""
        return self.statement.split("(")[0]

    @property
    def named(self) -> dict[str, Array]:
        """What a value may be taken for: the terms but `z`, and an input of as many features."""
        terms = {name: term for name, term in self.terms.items() if name != "z"}
        given = self.input
        return terms if given is None or len(given) != len(self.shown) else terms | {"xt": given}

    @cached_property
    def wrong(self) -> Array:
        """Where two right programs do not differ so, by all that rounding may do."""
        with np.errstate(invalid="ignore"):
            near = np.abs(self.shown - self.right.value) <= 2 * self.right.error
        same = (self.shown == self.right.value) | (np.isnan(self.shown) & np.isnan(self.right.value))
        return np.asarray(~(near | same | np.isinf(self.right.error)))


def equations(shown: Shown) -> list[Equation]:
    """All equations in the order of computing, of what the implementation shows.

    A step is computed from what it was given, and returns what it has computed. Where the caches hold
    something else than they should, or than is returned, that may be what was computed with, or a wrong
    record: whichever explains more of the steps. So each of these has two equations, one of which holds.
    """
    states = [name for name in ("a", "c") if name in shown.outputs]
    should = {"xt": shown.input, **{f"{name}_prev": shown.before(name) for name in states}}
    recorded = {name: shown.cached.get(name, array) for name, array in should.items()}
    inside = shown.as_cached()
    with np.errstate(all="ignore"):
        ways = [(_computed(shown, should), False, False)]
        if any((recorded[name] != should[name]).any() for name in should):
            ways.append((_computed(shown, recorded), True, False))
        if any((inside.outputs[name] != shown.outputs[name]).any() for name in states):
            ways.append((_computed(inside, recorded), True, True))
        computed, used, apart = min(ways, key=lambda way: _count(way[0]))
        went = inside if apart else shown
        given = [
            _copy(
                shown, name, shown.input if name == "xt" else went.before(name[0]), shown.cached[name], used
            )
            for name in should
            if name in shown.cached
        ]
        kept = [
            equation
            for name in states
            if f"{name}_next" in shown.cached
            for equation in _returned(name, shown, inside, apart)
        ]
    every = [
        *(equation for pair in given for equation in pair),
        *computed,
        *sorted(kept, key=lambda equation: equation.name.startswith(CACHED)),
    ]
    return [replace(equation, input=shown.input) for equation in every]


CACHED, RETURNED = "the cached ", "the returned "


def _count(every: Iterable[Equation]) -> int:
    return sum(int(np.count_nonzero(equation.wrong)) for equation in every)


_COPIES = {"xt": "x of this step", "a_prev": "a of the step before", "c_prev": "c of the step before"}
"""What the entries of a cache are copies of."""


def _copy(shown: Shown, name: str, should: Array, cached: Array, used: bool) -> Iterator[Equation]:
    """That what a step was given is right, and that its record of that is."""
    row = "feature" if name == "xt" else "unit"
    right = Bounded.exact(should)
    terms = {} if name == "xt" else {other: array for other, array in shown.states.items() if other != name}
    yield Equation(name, _COPIES[name], row, cached if used else should, right, terms)
    yield Equation(f"{CACHED}{name}", _COPIES[name], row, should if used else cached, right, terms)


def _returned(name: str, shown: Shown, inside: Shown, apart: bool) -> Iterator[Equation]:
    """That a step returns what it has computed, and keeps that in its cache."""
    ours, cached = shown.outputs[name], inside.outputs[name]
    terms = (inside if apart else shown).states
    yield Equation(
        f"{RETURNED}{name}",
        f"{name}_next of each step",
        "unit",
        ours if apart else cached,
        Bounded.exact(cached),
        terms,
    )
    yield Equation(
        f"{CACHED}{name}_next",
        f"{name} as returned",
        "unit",
        ours if apart else cached,
        Bounded.exact(ours),
        terms,
    )


def _computed(shown: Shown, given: Mapping[str, Array]) -> list[Equation]:
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
        "Waa a_prev": _product(p["Waa"], a_prev),
        "Wax xt": _product(p["Wax"], xt),
        "ba": p["ba"][:, :, None],
    }
    statement = "tanh(Waa a_prev + Wax xt + ba)"
    hidden = Equation("a_next", statement, "unit", shown.outputs["a"], fl.tanh(z), terms, affine)
    return [hidden, *_head(fl, shown, p["Wya"], p["by"], "Wya")]


def _of_lstm(
    fl: Arithmetic, shown: Shown, p: Mapping[str, Array], given: Mapping[str, Array]
) -> list[Equation]:
    """The gates are judged where they are shown.

    Where the outputs follow from right gates, other gates that are shown are wrong records alone.
    """
    gates = list(_gates(fl, shown, p, given))
    right = {gate.name: gate.right for gate in gates}
    own = {name: Bounded.exact(shown.cached[name]) if name in shown.cached else right[name] for name in right}
    seen = [gate for gate in gates if gate.name in shown.cached]
    fine = [replace(gate, shown=gate.right.value) for gate in seen]
    states, head = _states(fl, shown, right, given), _head(fl, shown, p["Wy"], p["by"], "Wy")
    recorded = bool(_count(seen)) and not _count(states)
    used, kept = (fine, seen) if recorded else (seen, fine)
    return [
        *used,
        *(states if recorded else _states(fl, shown, own, given)),
        *head,
        *(replace(gate, name=f"{CACHED}{gate.name}") for gate in kept),
    ]


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
            f"W{gate} [a_prev; 0]": _product(W[:, : len(a_prev)], a_prev),
            f"W{gate} [0; xt]": _product(W[:, len(a_prev) :], xt),
            f"b{gate}": b[:, :, None],
            **({"c_next": shown.outputs["c"]} if gate == "o" else {}),
            **{other: rest for other, rest in rests.items() if name not in other},
            **{
                f"W{gate} [{other} * a_prev; 0]": _product(W[:, : len(a_prev)], shown.cached[other] * a_prev)
                for other in ("ft", "it", "ot")
                if other in shown.cached
            },
        }
        right = getattr(fl, act)(z)
        yield Equation(
            name,
            f"{act}(W{gate} concat + b{gate})",
            "unit",
            shown.cached.get(name, right.value),
            right,
            terms,
            affine,
        )


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
    }
    of_hidden = {"ot": ot.value, "c_next": c, "tanh(c_next)": t.value, "a_prev": given["a_prev"]}
    return [
        Equation("c_next", "ft * c_prev + it * cct", "unit", c, fl.plus(kept, added), of_memory),
        Equation("a_next", "ot * tanh(c_next)", "unit", a, fl.times(ot, t), of_hidden),
    ]


def _head(fl: Arithmetic, shown: Shown, W: Array, b: Array, name: str) -> list[Equation]:
    if "y" not in shown.outputs:
        return []
    a = shown.outputs["a"].astype(np.float64)
    affine = Affine(W, a, b, [f"a_next[{k}]" for k in range(len(a))])
    s = _bounded(fl, affine)
    y = fl.softmax(Bounded(np.moveaxis(s.value, 2, 0), np.moveaxis(s.error, 2, 0)))
    right = Bounded(np.moveaxis(y.value, 0, 2), np.moveaxis(y.error, 0, 2))
    top, least = s.value.max(axis=0, keepdims=True), s.value.min(axis=0, keepdims=True)
    before = replace(affine, v=shown.before("a")).value
    before = np.exp(before - before.max(axis=0))
    terms = {
        "softmax of a_prev": before / before.sum(axis=0),
        "the logit": s.value,
        "the largest logit": top,
        "the largest logit of all samples, less that of this one": top.max(axis=1, keepdims=True) - top,
        "the smallest logit": least,
        "the largest logit of all samples, less this one": top.max(axis=1, keepdims=True) - s.value,
        "the largest logit of the sample, less this one": top - s.value,
        "the smallest yt_pred of the sample": right.value.min(axis=0, keepdims=True),
        "the largest yt_pred of the sample": right.value.max(axis=0, keepdims=True),
        "the spread of the logits": top - least,
    }
    return [
        Equation("yt_pred", f"softmax({name} a_next + by)", "class", shown.outputs["y"], right, terms, affine)
    ]


def _names(given: Mapping[str, Array]) -> list[str]:
    """What the columns of the weights are for."""
    return [f"{name}[{k}]" for name in ("a_prev", "xt") for k in range(len(given[name]))]


def _bounded(fl: Arithmetic, affine: Affine) -> Bounded:
    """`W v + b` at every step."""
    v = affine.v
    z = fl.affine(affine.W, Bounded.exact(v.reshape(len(v), -1)), affine.b)
    return Bounded(*(part.reshape(len(affine.W), *v.shape[1:]) for part in (z.value, z.error)))


def _product(W: Array, v: Array) -> Array:
    return np.asarray(np.tensordot(W, v, axes=1))
