"""The elements of an equation as a table: what is known of each, and whether it is wrong."""

import numpy as np

from oracle.location.how.cases import Likeness
from oracle.location.when.columns import Columns
from oracle.location.when.moved import moved
from oracle.location.when.table import (
    AGAIN,
    ALIKE,
    BINARY,
    FROM_END,
    FROM_FAR,
    FROM_HALF,
    FROM_HERE,
    ITSELF,
    LARGER,
    ONE_HOT,
    ONE_NUMBER,
    PRODUCT,
    SMALLER,
    SO_FAR,
    SUM,
    Table,
)
from oracle.location.where.again import first_of_that_xt
from oracle.location.where.equation import CACHED, RETURNED, TAKEN_BEFORE, Equation
from reference.contract import Array

MOST_ELEMENTS = 300
"""Of one answer that are looked at."""


BIASES = ("ba", "bf", "bi", "bc", "bo")


def elements(equation: Equation, like: Likeness | None = None, doubtful: Array | bool = False) -> Table:
    """Places, sizes, precision and the terms of the equation, for each element of one answer.

    An element of which the bound says nothing is left out. Where wrong values are `like` something, one that
    is right tells nothing if it would be right if it were that, too; nor does a `doubtful` one, whose record
    is wrong in place of it.
    """
    wrong, value = equation.wrong, equation.right.value
    inputs = equation.answer.inputs
    features = _places(equation) | {name: np.asarray(size) for name, size in inputs.sizes.items()}
    if "y" not in equation.answer.outputs:
        del features["n_y"]
    features[SUM] = np.asarray(inputs.sizes["n_a"] + inputs.sizes["n_x"])
    features[PRODUCT] = np.asarray(inputs.sizes["n_a"] * inputs.sizes["m"])
    features[SMALLER] = np.asarray(min(inputs.sizes["n_a"], inputs.sizes["m"]))
    features["bits"] = np.asarray(8 * inputs.dtype.itemsize)
    features[ALIKE] = _alike(inputs.x)
    features[AGAIN] = (first_of_that_xt(equation.answer.input) >= 0)[None, None] * 1.0
    features |= _of_input(equation)
    features |= moved(equation.answer)
    features |= _of_value(equation)
    features |= _of_weights(equation)
    for name, term in equation.terms.items():
        if name == "tanh(c_next)":  # which rises with c_next, of which it is said
            continue
        features |= {name: term, f"|{name}|": np.abs(term)}
        largest = np.abs(term).max(axis=(0, 1), keepdims=True, initial=0)
        if name in ("a_prev", "c_prev", "z"):
            of_sample = np.abs(term).max(axis=0, keepdims=True, initial=0)
            features[f"the largest |{name}| of the sample"] = of_sample
            features[f"the largest |{name}| of all samples"] = largest
            if name == "z":
                features["the largest z of the sample"] = term.max(axis=0, keepdims=True, initial=-np.inf)
            else:
                features[f"the sum of {name} of all samples"] = term.sum(axis=(0, 1), keepdims=True)
                least = np.abs(term).min(axis=(0, 1), keepdims=True, initial=np.inf)
                features[f"the smallest |{name}| of all samples"] = least
        elif name in BIASES:
            features[f"the largest |{name}|"] = largest
    if TAKEN_BEFORE in equation.terms:
        features[f"|xt - {TAKEN_BEFORE}|"] = np.abs(value - equation.terms[TAKEN_BEFORE])
    for name in ("ft", "it", "ot"):
        if name in equation.others and equation.affine:
            of_all = equation.others[name].max(axis=(0, 1), keepdims=True, initial=0)
            features[f"the largest {name} of all samples"] = of_all
    is_copy = equation.recipe is None
    mute = ~wrong & (value == 0) & (not is_copy or not value.any())
    if equation.activation in ("tanh", "sigmoid", "softmax"):
        rest = np.maximum(1e-6, 4 * equation.right.error)  # in float16 far more is so near to 1
        mute |= ~wrong & ((np.abs(value) > 1 - rest) | (np.abs(value) < 1e-6))
    if like:
        mute |= ~wrong & like.tells_nothing(equation)
    mute |= ~wrong & doubtful
    places = np.argwhere(np.isfinite(equation.right.error) & np.isfinite(value))
    weight = np.ones(len(places))
    if len(places) > MOST_ELEMENTS:
        places, weight = _some_of(places, wrong.shape[2])
    at = tuple(places.T)
    return Table(Columns.at(at, features), wrong[at], mute[at], weight)


def _some_of(places: Array, T_x: int) -> tuple[Array, Array]:
    """As many as are looked at, with enough of the first step and the last, and how many each stands for."""
    places = np.random.default_rng(0).permutation(places)
    at_ends = np.isin(places[:, 2], (0, T_x - 1))
    ends, others = np.flatnonzero(at_ends), np.flatnonzero(~at_ends)
    few = ends[: max(MOST_ELEMENTS // 6, MOST_ELEMENTS - len(others))]
    rest = others[: MOST_ELEMENTS - len(few)]
    part = MOST_ELEMENTS / len(places)
    weights = [
        np.full(len(some), part * len(of) / max(len(some), 1)) for some, of in ((few, ends), (rest, others))
    ]
    return places[np.concatenate([few, rest])], np.concatenate(weights)


def _alike(x: Array) -> Array:
    """Which samples have the inputs of an earlier one, at all steps: `(1, m, 1)`."""
    seen = [(x[:, j] + 0.0).tobytes() for j in range(x.shape[1])]  # so that -0.0 is 0.0
    return np.array([[[float(each in seen[:j])] for j, each in enumerate(seen)]])


def _of_input(equation: Equation) -> dict[str, Array]:
    """Features of a sample; of a state that is copied, those of the step that should have made it."""
    x = equation.answer.input.astype(np.float64)
    of_before = equation.name.removeprefix(CACHED) in ("a_prev", "c_prev")
    if of_before:
        x = np.concatenate([np.full_like(x[:, :, :1], np.nan), x[:, :, :-1]], axis=2)
    when = " of the step before" if of_before else ""
    size, is_binary = np.abs(x), ((x == 0) | (x == 1)).all(axis=(0, 1), keepdims=True)
    ends = {f"xt[0]{when}": x[:1], f"the last feature of xt{when}": x[-1:]} if len(x) else {}
    largest = {
        f"the sample's largest |xt|{when}": size.max(axis=0, keepdims=True, initial=0),
        f"the largest |xt| of all samples{when}": size.max(axis=(0, 1), keepdims=True, initial=0),
    }
    so_far = {
        f"the least of {name}{SO_FAR}": np.fmin.accumulate(each, axis=2) for name, each in largest.items()
    }
    from_here = {
        f"{name}{FROM_HERE}": np.fmax.accumulate(each[:, :, ::-1], axis=2)[:, :, ::-1]
        for name, each in largest.items()
    }
    of_all = equation.answer.input.astype(np.float64)  # at every step
    return {
        "the largest entry of x": np.asarray(of_all.max(initial=-np.inf)),
        "the smallest entry of x": np.asarray(of_all.min(initial=np.inf)),
        **largest,
        **so_far,
        **from_here,
        f"the sample's largest xt{when}": x.max(axis=0, keepdims=True, initial=-np.inf),
        f"the sample's smallest xt{when}": x.min(axis=0, keepdims=True, initial=np.inf),
        f"{BINARY}{when}": is_binary,
        f"{ONE_HOT}{when}": is_binary & _has_one(x == 1),
        f"{ONE_NUMBER}{when}": _has_one(x != 0),
        f"the sum of xt of the sample{when}": x.sum(axis=0, keepdims=True),
        f"the sum of xt of all samples{when}": x.sum(axis=(0, 1), keepdims=True),
        **{f"{name}{when}": norm for name, norm in _norms("xt", x).items()},
        **ends,
    }


def _has_one(chosen: Array) -> Array:
    """Whether of each sample one feature is chosen, at each step."""
    return np.asarray((chosen.sum(axis=0, keepdims=True) == 1).all(axis=1, keepdims=True))


def _of_weights(equation: Equation) -> dict[str, Array]:
    """How large weights are: the largest, their norms, and how far they may stretch what they multiply."""
    every = equation.recipe.pieces if equation.recipe and equation.affine else {}
    weights = {
        name: W for name, W in every.items() if name.startswith("W") and W.size and np.isfinite(W).all()
    }
    found: dict[str, Array] = {}
    if equation.affine and len(equation.affine.W) == len(equation.shown):
        found["the norm of the unit's weights"] = np.linalg.norm(equation.affine.W, axis=1)[:, None, None]
    for name, W in weights.items():
        found[f"the largest |{name}|"] = np.asarray(np.abs(W).max())
        found[f"the norm of {name}"] = np.asarray(np.linalg.norm(W))
        found[f"the largest singular value of {name}"] = np.asarray(np.linalg.norm(W, 2))
        found[f"the largest row sum of |{name}|"] = np.asarray(np.abs(W).sum(axis=1).max())
        found[f"the norm of the unit's row of {name}"] = np.linalg.norm(W, axis=1)[:, None, None]
        if W.shape[0] == W.shape[1]:
            found[f"the spectral radius of {name}"] = np.asarray(np.abs(np.linalg.eigvals(W)).max())
    return found


def _of_value(equation: Equation) -> dict[str, Array]:
    """The right value, and what it is among the others."""
    value, name = equation.right.value, equation.name.removeprefix(CACHED).removeprefix(RETURNED)
    if equation.activation == "softmax":
        rank = np.argsort(np.argsort(-value, axis=0, kind="stable"), axis=0)
        smaller = np.minimum(value, 1 - value)
        return {LARGER: rank, name: value, f"the smaller of {name} and 1 - {name}": smaller}
    norms = _norms(name, value)
    if equation.activation in ("tanh", "sigmoid"):
        return {f"{ITSELF}{name}": value, **norms}
    size = np.abs(value)
    largest = {f"the largest |{name}| of the sample": size.max(axis=0, keepdims=True, initial=0)}
    if equation.activation == "max":  # of a value its argument tells more
        return {**largest, **norms}
    of_all = {
        f"the sum of {name} of all samples": value.sum(axis=(0, 1), keepdims=True),
        f"the smallest |{name}| of all samples": size.min(axis=(0, 1), keepdims=True, initial=np.inf),
    }
    return {name: value, f"|{name}|": size, **largest, **norms, **of_all}


def _norms(name: str, array: Array) -> dict[str, Array]:
    square = np.square(array)
    return {
        f"the norm of {name} of the sample": np.sqrt(square.sum(axis=0, keepdims=True)),
        f"the norm of {name} of all samples": np.sqrt(square.sum(axis=(0, 1), keepdims=True)),
    }


def _places(equation: Equation) -> dict[str, Array]:
    """Which row, sample and step it is, from either end and from the middle."""
    places: dict[str, Array] = {}
    for axis, what in enumerate((equation.row, "sample", "step")):
        count = equation.wrong.shape[axis]
        index = np.arange(count).reshape([-1 if k == axis else 1 for k in range(3)])
        from_end = count - 1 - index
        places |= {what: index, what + FROM_END: from_end, what + FROM_HALF: index - count // 2}
        places[what + FROM_FAR] = np.maximum(index, from_end)
    return places
