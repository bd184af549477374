"""A network of layers with something else in the place of one of its arguments, or of what it hands on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from oracle.inputs import LayerInputs
from oracle.location.equations import sigmoid
from oracle.location.facts import Form
from oracle.location.forms import MAPS
from reference.contract import Array

Lengths = Callable[[Array, int, int], Array]
LENGTHS: Mapping[str, tuple[Lengths, tuple[int, ...]]] = {
    "none": (lambda n, T, by: 0 * n + T, (0,)),
    "at most that of the first sample": (lambda n, T, by: np.minimum(n, n[0]), (0,)),
    "that of the first sample": (lambda n, T, by: 0 * n + n[0], (0,)),
    "the longest": (lambda n, T, by: 0 * n + n.max(), (0,)),
    "sample of the first block": (lambda n, T, by: n[np.arange(len(n)) % by], (2, 4, 8)),
    "the longest of a block": (
        lambda n, T, by: np.array([n[k - k % by :][:by].max() for k in range(len(n))]),
        (2, 4, 8),
    ),
    "one less": (lambda n, T, by: n - 1, (0,)),
    "in a signed byte": (lambda n, T, by: np.maximum(n.astype(np.int8).astype(int), 0), (0,)),
}
"""What lengths may be taken for."""

PLACES: Mapping[str, Callable[[int, int], Array]] = {
    "by the layer alone": (lambda L, D: np.arange(L * D) // D),
    "direction by direction": (lambda L, D: np.arange(L * D) % D * L + np.arange(L * D) // D),
    "all forward ones first": (lambda L, D: np.arange(L * D) % L * D + np.arange(L * D) // L),
    "of each direction": (lambda L, D: np.arange(L * D) % D),
    "the first": (lambda L, D: 0 * np.arange(L * D)),
    "the last": (lambda L, D: 0 * np.arange(L * D) + L * D - 1),
    "the forward one of the layer": (lambda L, D: np.arange(L * D) // D * D),
    "directions exchanged": (lambda L, D: np.arange(L * D) // D * D + D - 1 - np.arange(L * D) % D),
}
"""Of which layer and direction something is that each has of its own."""


@dataclass
class _Run:
    """One network with a form in it."""

    inputs: LayerInputs
    form: Form

    def is_(self, node: str, name: str = "") -> bool:
        return self.form.node == node and (not name or self.form.map == name)

    def lengths(self, layer: int, direction: int) -> Array:
        """The lengths that a direction of a layer goes by."""
        n, T_x = self.inputs.ends, self.inputs.x.shape[2]
        scope = {"": True, "layers above": layer > 0, "backward": direction == 1, "forward": direction == 0}
        if self.form.node != "lengths" or self.form.map not in LENGTHS or not scope[self.form.source]:
            return n
        return np.asarray(LENGTHS[self.form.map][0](n, T_x, self.form.by))

    def order(self, direction: int, ends: Array) -> Array:
        """At each turn the step that each sample takes, `(T_x, m)`."""
        T_x = self.inputs.x.shape[2]
        t = np.broadcast_to(np.arange(T_x)[:, None], (T_x, len(ends)))
        if not direction:
            return t
        if self.is_("backward steps", "the first one before all others"):
            return np.asarray(-t % T_x)
        if self.is_("backward steps", "forward"):
            return t
        return np.asarray(T_x - 1 - t)

    def initial(self, name: str, k: int, ended: list[Array]) -> Array:
        """With what a direction of a layer begins; `ended` is with what earlier ones have ended."""
        states: Any = getattr(self.inputs, f"{name}0")
        D, L = self.inputs.directions, len(self.inputs.parameters) // self.inputs.directions
        if self.form.node not in (f"{name}0", "a0 and c0"):
            return np.asarray(states[k])
        if self.form.map == "zero":
            return np.zeros_like(states[k])
        if self.form.map == "the other":
            other = self.inputs.c0 if name == "a" else self.inputs.a0
            return np.asarray(other[k] if other.shape == states.shape else states[k])
        if self.form.map in ("what the one before has ended with", "one array"):
            return ended[k - 1] if k else np.asarray(states[k])
        if self.form.map == "what the layer below has ended with":
            return ended[k - D] if k >= D else np.asarray(states[k])
        return np.asarray(states[PLACES[self.form.map](L, D)[k]])

    def parameters(self, k: int) -> dict[str, Array]:
        own = dict(self.inputs.parameters[k])
        if self.is_("parameters"):
            D, L = self.inputs.directions, len(self.inputs.parameters) // self.inputs.directions
            theirs = self.inputs.parameters[int(PLACES[self.form.map](L, D)[k])]
            if self.form.map == "the first":  # of the same shapes
                shapes = [{n: p[n].shape for n in p} for p in self.inputs.parameters]
                theirs = self.inputs.parameters[shapes.index(shapes[k])]
            for name in own:
                if (not self.form.source or name == self.form.source) and theirs[name].shape == own[
                    name
                ].shape:
                    own[name] = theirs[name]
        return {name: array.astype(np.float64) for name, array in own.items()}

    def read(self, x: Array, layer: int, direction: int) -> Array:
        """What a direction of a layer reads in the place of what it is given."""
        form = self.form
        is_meant = (form.node == "x" and layer == 0) or form.node == "x of each layer"
        if not is_meant and not (form.node == "backward input" and direction == 1):
            return x
        if form.map == "features and samples reversed":
            return x[::-1, ::-1]
        return _mapped(x, form)

    def direction(self, x: Array, k: int, a: Array, c: Array) -> tuple[Array, Array, Array]:
        """The hidden states over time, and the last states."""
        inputs = self.inputs
        layer, d = divmod(k, inputs.directions)
        p, ends = self.parameters(k), self.lengths(layer, d)
        T_x, m = inputs.x.shape[2], len(ends)
        x = self.read(x, layer, d)
        out = np.zeros((len(a), m, T_x))
        order = self.order(d, ends)
        for turn in range(T_x):
            t = order[turn]
            alive = t < ends
            if d and self.is_("backward steps", "as many as the sequence has, from the end of x"):
                alive = np.full(m, turn) < ends
            if self.is_("x", "zero steps are padding"):
                alive = alive & (x[:, np.arange(m), t] != 0).any(axis=0)
            if (
                d
                and self.is_("backward steps", "none where no sequence has the last one")
                and not (order[0] < ends).any()
            ):
                alive = np.zeros(m, bool)
            if self.is_("lengths", "ends with the first sample"):
                alive = alive & (t[0] < ends[0] if not d else True)
            xt = x[:, np.arange(m), t]
            new_a, new_c = _step(xt, a, c, p, inputs)
            if self.is_("padding", "a is 0"):
                a = np.where(alive, new_a, 0)
            elif self.is_("padding", "a goes on"):
                a = new_a
            else:
                a = np.where(alive, new_a, a)
            c = new_c if self.is_("padding", "c goes on") else np.where(alive, new_c, c)
            is_shown = (
                alive
                | self.is_("shown padding", "the state")
                | (self.is_("shown padding", "the state, at the first step") & (t == ends))
            )
            out[:, np.arange(m), t] = np.where(is_shown, a, 0)
        return out, a, c

    def handed(self, parts: list[Array], ends: Array) -> Array:
        """The hidden states of all directions, as they are handed on and returned."""
        forward, backward = parts[0], parts[-1]
        T_x = forward.shape[2]
        if self.is_("hidden") and len(parts) == 2:
            match self.form.map:
                case "the backward one over all of x reversed":
                    backward = backward[:, :, ::-1]
                case "the backward one in the order of its steps":
                    backward = _turned(backward, ends)
                case "the backward one behind the padding":
                    t = np.arange(T_x) - (T_x - ends[:, None])
                    backward = np.where(
                        t >= 0,
                        np.take_along_axis(
                            backward, np.broadcast_to(np.maximum(t, 0), backward.shape), axis=2
                        ),
                        0,
                    )
                case "unit by unit":
                    return np.stack([forward, backward], axis=1).reshape(-1, *forward.shape[1:])
                case "the backward one twice":
                    forward = backward
                case "the forward one twice":
                    backward = forward
                case "backward first":
                    forward, backward = backward, forward
            return np.concatenate([forward, backward])
        return np.concatenate(parts)


def simulate(inputs: LayerInputs, form: Form) -> dict[str, Array]:
    """What a network returns with a form in the place of what the form names: `a`, `a_last`, `c_last`."""
    run = _Run(inputs, form)
    D, ends = inputs.directions, inputs.ends
    x = inputs.x.astype(np.float64)
    last_a: list[Array] = []
    last_c: list[Array] = []
    with np.errstate(all="ignore"):
        for layer in range(len(inputs.parameters) // D):
            parts = []
            for k in range(layer * D, layer * D + D):
                a, c = run.initial("a", k, last_a), run.initial("c", k, last_c)
                out, a, c = run.direction(x, k, a.astype(np.float64), c.astype(np.float64))
                parts.append(out)
                last_a.append(_last_column(out) if run.is_("a_last", "the last step of x") else a)
                last_c.append(c)
            returned = run.handed(parts, ends)
            x = _handed_on(returned, form, inputs, layer)
    a_last, c_last = np.stack(last_a), np.stack(last_c)
    return {"a": returned, "a_last": _listed(a_last, "a_last", run), "c_last": _listed(c_last, "c_last", run)}


def _last_column(out: Array) -> Array:
    return np.asarray(out[:, :, -1])


def _handed_on(x: Array, form: Form, inputs: LayerInputs, layer: int) -> Array:
    if form.node != "handed on":
        return x
    if form.map == "the step before, first the initial state":
        k = layer * inputs.directions
        first = np.concatenate([*inputs.a0[k : k + inputs.directions]])[:, :, None]
        return np.concatenate([first, x[:, :, :-1]], axis=2)
    return _mapped(x, form)


def _mapped(x: Array, form: Form) -> Array:
    """An input in another order, where the form says one and it can be."""
    mapped = MAPS[form.map][0](x, form.by) if form.map in MAPS else None
    return x if mapped is None or mapped.shape != x.shape else mapped


def _listed(last: Array, name: str, run: _Run) -> Array:
    """The last states in the order in which they are returned."""
    form, inputs = run.form, run.inputs
    if form.map == "one array" and form.node in (f"{name[0]}0", "a0 and c0"):
        return np.broadcast_to(last[-1:], last.shape)
    if form.node not in (name, "a_last and c_last"):
        return last
    D, L = inputs.directions, len(inputs.parameters) // inputs.directions
    if form.map in PLACES:
        return np.asarray(last[PLACES[form.map](L, D)])
    order = np.argsort(-inputs.ends, kind="stable")
    if form.map == "in the sorted order":
        return np.asarray(last[:, :, order])
    if form.map == "sorted twice":
        return np.asarray(last[:, :, order[order]])
    return last


def _turned(steps: Array, ends: Array) -> Array:
    t = np.arange(steps.shape[2])
    order = np.where(t < ends[:, None], ends[:, None] - 1 - t, t)
    return np.take_along_axis(steps, np.broadcast_to(order, steps.shape), axis=2)


def _step(xt: Array, a: Array, c: Array, p: Mapping[str, Array], inputs: LayerInputs) -> tuple[Array, Array]:
    """One step of one direction of a layer."""
    if inputs.kind == "rnn":
        z = p["Waa"] @ a + p["Wax"] @ xt + p["ba"]
        return (np.maximum(z, 0) if inputs.activation == "relu" else np.tanh(z)), c
    v = np.concatenate([a, xt])
    ft, it, ot = (sigmoid(p[f"W{g}"] @ v + p[f"b{g}"]) for g in "fio")
    c = ft * c + it * np.tanh(p["Wc"] @ v + p["bc"])
    h = ot * np.tanh(c)
    return (p["Wp"] @ h if "Wp" in p else h), c
