"""The gates of an LSTM that does not show them, measured by asking single steps in other ways.

A memory state is ft * c_prev + it * cct: with another c_prev it tells ft, with cct or it driven to 1 by its
bias the other one, and the hidden state ot * tanh(c_next) tells ot. Where their product is always another by
the same factor, one of the two was driven to that, and no further.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from oracle.inputs import Inputs
from oracle.location.view import View
from oracle.location.when.experiments import cut
from oracle.location.where.equation import Equation
from oracle.location.where.shown import Shown
from reference.contract import Array

DRIVEN = (60.0, 1e12)
"""Biases beyond which a gate is 1, whatever ordinary numbers are added: the first is one of which few
exponentials overflow, the second one beyond which it is so of gates that are no exponentials, too.
"""
SHORT = ("it", "cct")
"""Gates that may be less than 1 however they are driven."""
ROUNDINGS = 512
"""How many units in the last place what is measured may be off, which is more than rounding does."""
LEAST = 1e-9
"""How far any gate may be off that is measured."""
OPEN = 1e-6
"""How far the update gate has to be open for its bias to drive it to 1."""
CLEAR_DIFFERENCE = 1e-6
"""How much a memory state is off that is wrong by more than rounding."""
TOLD = 1e-2
"""How large tanh(c_next) has to be for it to tell the output gate."""


@dataclass(frozen=True)
class WithGates:
    """What takes single steps of an LSTM from any state, seen with its gates."""

    view: View

    @property
    def function(self) -> str:
        """The one of the four whose equations these are."""
        return self.view.function

    def shown(self, inputs: Inputs) -> Shown | None:
        """Its first step, with the gates, of which nothing is known where what tells them is no number."""
        asked = _Asked.about(self.view.shown, inputs)
        if asked is None:
            return None
        shown = asked.measured()
        if np.isfinite(shown.slack["it"]).any():
            return shown
        likely = [each for each in map(asked.measured, SHORT) if np.isfinite(each.slack["it"]).any()]
        if len(likely) > 1:  # of the two the one that leaves more right
            right = self.expected(inputs)
            counts = [_alike(each, right) for each in likely]
            likely = [each for each, count in zip(likely, counts, strict=True) if count > min(counts)]
        return likely[0] if likely else shown

    def expected(self, inputs: Inputs) -> Shown | None:
        """What one that is right shows."""
        asked = _Asked.about(self.view.expected, inputs)
        return asked.measured() if asked else None


def _alike(shown: Shown, right: Shown | None) -> int:
    """How many values of the two gates that are driven are the right ones."""
    pairs = [(shown.cached[name], right.cached[name]) for name in ("it", "cct")] if right else []
    return sum(int(np.isclose(ours, theirs, rtol=LEAST, atol=LEAST).sum()) for ours, theirs in pairs)


def part_known(answers: Iterable[Mapping[str, Equation]]) -> float:
    """Of which part of the memory states that are wrong the gates that make them are known."""
    wrong_ones, known_ones = 0, 0
    for each in answers:
        ft, it, cct = (each[name] for name in ("ft", "it", "cct"))
        c = ft.answer.outputs["c"]
        with np.errstate(all="ignore"):
            right = ft.right.value * ft.others["c_prev"] + it.right.value * cct.right.value
            least = max(CLEAR_DIFFERENCE, ROUNDINGS * float(np.finfo(ft.answer.inputs.dtype).eps))
            wrong = ~(np.abs(c - right) <= least * (1 + np.abs(right))) & np.isfinite(right)
        known = np.isfinite([gate.right.error for gate in (ft, it, cct)]).all(axis=0)
        wrong_ones += int(wrong.sum())
        known_ones += int((wrong & known).sum())
    return known_ones / max(wrong_ones, 1)


@dataclass(frozen=True)
class _Gate:
    """What was measured of one, and how far it may be off; infinite where nothing is known."""

    value: Array
    slack: Array

    def or_else(self, other: "_Gate") -> "_Gate":
        """With what the other knows where this one knows nothing."""
        unknown = np.isinf(self.slack)
        return _Gate(np.where(unknown, other.value, self.value), np.where(unknown, other.slack, self.slack))


@dataclass(frozen=True)
class _Driven:
    """The memory states of a step with other c_prev, and with cct or it driven to 1."""

    above: Array
    below: Array
    of_it: Array
    of_cct: Array


@dataclass(frozen=True)
class _Asked:
    """One step as it is shown, and with gates driven ever further."""

    base: Shown
    driven: Sequence[_Driven]

    @classmethod
    def about(cls, shown_for: Callable[[Inputs], Shown | None], inputs: Inputs) -> "_Asked | None":
        """What is shown of the first step, driven no further than what tells all; `None` of another form."""
        inputs = cut(inputs, "T_x", 1)
        base = shown_for(inputs)
        if base is None:
            return None
        asked = cls(base, ())
        for by in DRIVEN:
            if (driven := _driven(shown_for, inputs, base, by)) is None:
                return None
            asked = cls(base, [*asked.driven, driven])
            if np.isfinite(asked.measured().slack["it"]).all():
                break
        return asked

    def measured(self, short: str = "") -> Shown:
        """The step with its gates, of which one may fall `short` of 1 however it is driven."""
        base = self.base
        best, *others = [_gates(base, each, short) for each in reversed(self.driven)]
        for other in others:  # what is not quite 1 may pass for it where a gate is small
            best = {name: best[name].or_else(other[name]) for name in best}
        nothing = dict.fromkeys(("a_next", "c_next"), np.full(base.outputs["c"].shape, np.inf))  # of gates
        slack = {**nothing, **{name: gate.slack for name, gate in best.items()}}
        return Shown(base.inputs, base.outputs, {name: gate.value for name, gate in best.items()}, slack)


def _driven(
    shown_for: Callable[[Inputs], Shown | None], inputs: Inputs, base: Shown, by: float
) -> _Driven | None:
    """A step asked in four other ways; of two of them one gate is driven by its bias."""
    c_prev, p = base.inputs.c0[:, :, None].astype(np.float64), inputs.parameters
    apart = 1 + np.abs(c_prev)
    others = [
        shown_for(replace(inputs, **{"c0": base.inputs.c0, **changed}))
        for changed in (
            {"c0": (c_prev + apart)[:, :, 0].astype(inputs.x.dtype)},
            {"c0": (c_prev - apart)[:, :, 0].astype(inputs.x.dtype)},
            {"parameters": {**p, "bc": p["bc"] + p["bc"].dtype.type(by)}},
            {"parameters": {**p, "bi": p["bi"] + p["bi"].dtype.type(by)}},
        )
    ]
    shown = [other.outputs["c"].astype(np.float64) for other in others if other]
    return _Driven(*shown) if len(shown) == len(others) else None


def _gates(base: Shown, driven: _Driven, short: str) -> dict[str, _Gate]:
    """The gates of one step."""
    c_prev, a, c = base.inputs.c0[:, :, None].astype(np.float64), base.outputs["a"], base.outputs["c"]
    apart = 1 + np.abs(c_prev)
    above, below, of_it, of_cct = driven.above, driven.below, driven.of_it, driven.of_cct
    u = ROUNDINGS * np.finfo(base.inputs.dtype).eps
    ft = (above - below) / (2 * apart)
    kept, off = ft * c_prev, u * (np.abs(above) + np.abs(below) + np.abs(c_prev) + np.abs(c))
    it, cct, ot = of_it - kept, of_cct - kept, a / np.tanh(c)
    if short == "it":  # so what is measured with it is too small
        cct = cct / _reached(it * cct, c - kept)
    elif short == "cct":
        it = it / _reached(it * cct, c - kept)
    is_one = np.abs((above + below) / 2 - c) <= 2 * off  # a straight line of c_prev, and one product
    is_one &= np.abs(kept + it * cct - c) <= 4 * (off + u * (np.abs(of_it) + np.abs(of_cct)))
    slack = {
        "ft": off / apart,
        "it": off + u * np.abs(of_it),
        "cct": np.where(it < OPEN, np.inf, off + u * np.abs(of_cct)),
        "ot": np.where(np.abs(np.tanh(c)) >= TOLD, u * np.abs(ot) + base.slack["a_next"] / TOLD, np.inf),
    }
    unknown = np.isinf(base.slack["c_next"])
    values = {"ft": ft, "it": it, "cct": cct, "ot": ot}
    return {
        name: _Gate(value, np.where(unknown | ~(is_one | (name == "ot")), np.inf, LEAST + slack[name]))
        for name, value in values.items()
    }


def _reached(product: Array, shown: Array) -> float:
    """To what a gate was driven, by a product with it and one without; NaN where that is not one number."""
    told = np.abs(shown) > TOLD
    ratios = product[told] / shown[told]
    middle = float(np.median(ratios)) if ratios.size else np.nan
    return middle if np.allclose(ratios, middle, rtol=LEAST, atol=0) else np.nan
