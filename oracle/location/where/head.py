"""The prediction of a step as a program shows it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from oracle.location.where.affine import Affine, affine_of, bounded, product, total
from oracle.location.where.equation import TOP, Equation
from oracle.location.where.recipes import Pieces, Recipe
from oracle.location.where.shown import Shown
from oracle.rounding import Arithmetic, Bounded
from reference.contract import Array


def head(
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
    s = bounded(fl, affine)
    right = _softmax(fl, s)
    top, least = s.value.max(axis=0, keepdims=True), s.value.min(axis=0, keepdims=True)
    before = replace(affine, v=shown.before("a")).value
    before = np.exp(before - before.max(axis=0))
    terms = {
        f"softmax({name} a_prev + by)": before / before.sum(axis=0),
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
        TOP: np.argmax(s.value, axis=0)[None].astype(np.float64),
    }
    states = {**shown.states, **shown.cached, **others}
    states = {other: array for other, array in states.items() if array.shape == a.shape and other != "a_next"}
    p = shown.inputs.parameters
    recipe = Recipe(
        {name: W, "by": b, "a_next": a},
        lambda v: total(product(v[name], v["a_next"]), v["by"]),
        {name: p, "by": p, "a_next": states},
        {f"{name} a_next": (W, a)},
    )
    statement = f"softmax({name} a_next + by)"
    of_right = (lambda: _softmax(fl, affine_of(fl, W, hidden(), b))) if hidden else None
    return [
        Equation(
            "yt_pred",
            statement,
            "class",
            shown,
            shown.outputs["y"],
            right,
            terms,
            affine,
            recipe,
            others={"yt_pred of the step before": of_step_before(shown.outputs["y"])},
            of_right=of_right,
        )
    ]


def of_step_before(array: Array) -> Array:
    """NaN at step 0."""
    return np.concatenate([np.full_like(array[:, :, :1], np.nan), array[:, :, :-1]], axis=2)


def _softmax(fl: Arithmetic, s: Bounded) -> Bounded:
    y = fl.softmax(Bounded(np.moveaxis(s.value, 2, 0), np.moveaxis(s.error, 2, 0)))
    return Bounded(np.moveaxis(y.value, 0, 2), np.moveaxis(y.error, 0, 2))
