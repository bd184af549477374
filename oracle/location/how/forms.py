"""Wrong values of a known form with numbers in it, which are found from the values that are shown."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from oracle.location.how.activation.activated import activated
from oracle.location.how.cases import Case, Likeness
from oracle.location.where.equation import Equation
from reference.contract import Array


def form(cases: Sequence[Case]) -> Likeness | None:
    """The first form that gives all values that are shown, with numbers found from some of them.

    Of three digits there are always some.
    """
    if cases[0].dtype == "float16":
        return None
    activation = cases[0].equation.activation
    if activation == "softmax":
        return next(filter(None, (_holds(*pair, cases) for pair in _of_softmax(cases))), None)
    for pair in _of_values(cases):
        if found := _holds(*pair, cases):
            return found
    return activated(cases)


Value = Callable[[Equation], Array]


def _holds(words: str, value: Value, cases: Sequence[Case]) -> Likeness | None:
    """A form that gives all that is shown.

    It has no value: what is right because it is within a limit tells when.
    """
    for case in cases:
        near = np.abs(case.shown - case.of(value)) <= case.allowed + 2e-13 * np.abs(case.shown)
        if not near.all():
            return None
    return Likeness(words, form=value)


def _of_values(cases: Sequence[Case]) -> Iterator[tuple[str, Value]]:
    shown, right = (np.concatenate([getattr(case, part) for case in cases]) for part in ("shown", "right"))
    best = int(np.argmax(np.minimum(np.abs(right), np.abs(shown - right) * 1e3)))
    added = float(1 / shown[best] - 1 / right[best])
    if np.isfinite(added) and added:
        yield f"1 / (1 / v {_signed(added)}), v the right value", partial(_added_below, added)
    activation = cases[0].equation.activation
    if activation in ("tanh", "sigmoid") and "z" in cases[0].equation.terms:
        z = np.concatenate([case.of(_z) for case in cases])
        limits = []
        for side in (z < 0, z > 0):
            inner = shown[side]
            limits.append(_inverse(activation, float(inner[0])) if inner.size else float("nan"))
        size = limits[0] if np.isfinite(limits[0]) else -limits[1]
        if np.isfinite(size) and size < 0:
            yield (
                f"as with z clipped at ±{-size:.6g}",
                partial(_clipped_argument, activation, size, -size),
            )
            yield f"as with z at least {size:.6g}", partial(_clipped_argument, activation, size, np.inf)
            yield f"as with z at most {-size:.6g}", partial(_clipped_argument, activation, -np.inf, -size)


def _z(equation: Equation) -> Array:
    return equation.terms["z"]


def _inverse(activation: str, value: float) -> float:
    if activation == "tanh":
        return float(np.arctanh(value))
    return float(np.log(value) - np.log1p(-value))


def _added_below(added: float, equation: Equation) -> Array:
    return np.asarray(1 / (1 / equation.right.value + added))


def _clipped_argument(activation: str, low: float, high: float, equation: Equation) -> Array:
    z = np.clip(equation.terms["z"], low, high)
    return np.asarray(np.tanh(z) if activation == "tanh" else 1 / (1 + np.exp(-z)))


def _signed(number: float) -> str:
    return f"{'-' if number < 0 else '+'} {abs(number):.6g}"


def _of_softmax(cases: Sequence[Case]) -> Iterator[tuple[str, Value]]:
    """Limits of logits and of probabilities, by one wrong column at a time."""
    yield from _of_some_classes(cases)
    ratios, of_all, tops, floors, lowest = [], [], [], [], []
    for case in cases:
        if not case.equation.affine:
            return
        for j, t in _columns(case):
            y, right = case.equation.shown[:, j, t].astype(np.float64), case.equation.right.value[:, j, t]
            s = case.equation.affine.value[:, j, t]
            if len(y) < 2 or not (y > 0).all():
                continue
            ratios.append(float(np.log(y.max() / y.min())))
            of_all.append(float(case.equation.affine.value[:, :, t].max() - s.max()) + ratios[-1])
            tops.append(float(s.min() + np.log(y.max() / y[s.argmin()])))
            floors.append(float(s.max() + np.log(y.min() / y[s.argmax()])))
            lowest += [float(y.min()), float(y.min() / y.max() * right.max()), float(1 - y.max())]
    for number in _commonest(ratios):
        yield (
            f"as with no logit more than {number:.6g} below the largest of its sample",
            partial(_with_logits, partial(_near_to_top, number, 0)),
        )
    for number in _commonest(of_all):
        yield (
            f"as with no logit more than {number:.6g} below the largest of all samples",
            partial(_with_logits, partial(_near_to_top, number, (0, 1))),
        )
    for number in _commonest([*tops, *(-floor for floor in floors)]):
        yield f"as with the logits clipped at ±{number:.6g}", partial(_with_logits, partial(_within, number))
        yield f"as with no logit above {number:.6g}", partial(_with_logits, partial(np.minimum, number))
        yield f"as with no logit below {-number:.6g}", partial(_with_logits, partial(np.maximum, -number))
    for number in _commonest(lowest):
        if 0 < number < 0.5:
            for again in (False, True):
                words = " and then made to sum to 1" if again else ""
                yield (
                    f"clipped to at least {number:.6g} and at most 1 - {number:.6g}{words}",
                    partial(_limited, number, 1 - number, again),
                )
                yield f"at least {number:.6g}{words}", partial(_limited, number, 1.0, again)


def _of_some_classes(cases: Sequence[Case]) -> Iterator[tuple[str, Value]]:
    """As many classes as are not 0: those of the largest logits, or the first."""
    counts = {int((case.equation.shown[:, j, t] > 0).sum()) for case in cases for j, t in _columns(case)}
    if len(counts) == 1 and (count := counts.pop()):
        yield f"a softmax of the {count} largest logits, 0 for the others", partial(_of_largest, count)
        yield f"a softmax of the first {count} classes, 0 for the others", partial(_of_first, count)


def _columns(case: Case) -> list[tuple[int, int]]:
    """Some wrong columns."""
    return [(int(j), int(t)) for j, t in np.argwhere(case.chosen.any(axis=0))[:6]]


def _of_largest(count: int, equation: Equation) -> Array:
    assert equation.affine
    s = equation.affine.value
    # Logits that are equal may have been computed with other roundings.
    least = np.sort(s, axis=0)[-min(count, len(s))] - 1e-12 * np.abs(s).max(axis=0)
    return _with_logits(lambda s: np.where(s >= least, s, -np.inf), equation)


def _of_first(count: int, equation: Equation) -> Array:
    return _with_logits(lambda s: np.where(np.arange(len(s))[:, None, None] < count, s, -np.inf), equation)


def _commonest(numbers: Sequence[float]) -> list[float]:
    """The number that most are near to."""
    finite = np.array([number for number in numbers if np.isfinite(number)])
    if len(finite) < 2:
        return []
    near = np.abs(finite[:, None] - finite) <= 1e-7 * np.abs(finite)
    best = int(near.sum(axis=0).argmax())
    number = float(np.median(finite[near[best]]))
    return [float(f"{number:.6g}"), number] if near[best].sum() > 1 else []


def _with_logits(change: Callable[[Array], Array], equation: Equation) -> Array:
    assert equation.affine
    s = change(equation.affine.value)
    e = np.exp(s - s.max(axis=0, keepdims=True))
    return np.asarray(e / e.sum(axis=0, keepdims=True))


def _near_to_top(number: float, axis: int | tuple[int, ...], s: Array) -> Array:
    return np.asarray(np.maximum(s, s.max(axis=axis, keepdims=True) - number))


def _within(number: float, s: Array) -> Array:
    return np.clip(s, -number, number)


def _limited(low: float, high: float, again: bool, equation: Equation) -> Array:
    y = np.clip(equation.right.value, low, high)
    return np.asarray(y / y.sum(axis=0, keepdims=True) if again else y)
