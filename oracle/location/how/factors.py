"""What a factor that is another for each sample or problem hangs on."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from oracle.location.how.cases import Case
from oracle.location.how.combination import RIGHT
from oracle.location.how.fitting import least_squares, rounded
from oracle.location.where.equation import Equation
from reference.contract import Array

MOST_COLUMNS = 12
"""Of one answer that are looked at."""


def factor_in_words(cases: Sequence[Case]) -> str:
    """Of columns that are the right ones times a factor each: by what that is told.

    It is the empty string where nothing of what is looked at tells it.
    """
    seen: list[tuple[float, float, int]] = []
    rows: list[dict[str, float]] = []
    for k, case in enumerate(cases):
        if found := list(_factors(case)):
            shape = (1, *case.chosen.shape[1:])
            stats = {name: np.broadcast_to(each, shape) for name, each in _statistics(case.equation).items()}
            seen += [(factor, doubt, k) for _, _, factor, doubt in found]
            rows += [{name: float(each[0, j, t]) for name, each in stats.items()} for j, t, _, _ in found]
    if len(seen) < FEWEST:
        return ""
    f, doubt, of_case = (np.array(part) for part in zip(*seen, strict=True))
    of_each = [sizes(case.equation) for case in cases]
    for law, is_simple in ((_laws, True), (_laws, False), (partial(_laws_of_each, of_each), False)):
        for name in rows[0]:
            s = np.array([row.get(name, np.nan) for row in rows])
            known = s[np.isfinite(s)]
            if np.isnan(s).any() or not known.size or np.ptp(known) <= 1e-6 * np.abs(known).max():
                continue
            with np.errstate(all="ignore"):
                for words, value in law(f, s, doubt, of_case, name):
                    if is_simple and _LONG.search(words):
                        continue
                    if (np.abs(value - f) <= doubt + 1e-12 * np.abs(f)).all():
                        return f"{RIGHT} {words}"
    return ""


_LONG = re.compile(r"\d\.?\d{3,}")
"""A number of many digits, which may be what fits by chance."""

FEWEST = 6
"""Columns by which a law may be told."""


def _factors(case: Case) -> Iterator[tuple[int, int, float, float]]:
    """Place, factor and how exactly that is known, of columns with a wrong element."""
    equation = case.equation
    right, shown = equation.right.value, equation.shown.astype(np.float64)
    error = 4 * equation.right.error + 1e-14 * np.abs(right)
    for j, t in np.argwhere(case.chosen.any(axis=0))[:MOST_COLUMNS]:
        r, s, e = right[:, j, t], shown[:, j, t], error[:, j, t]
        told = np.isfinite(r) & np.isfinite(s) & np.isfinite(e) & (r != 0)
        if not told.any():
            continue
        best = int(np.where(told, np.abs(r) / np.where(e > 0, e, np.inf), -1).argmax())
        if abs(s[best] - r[best]) > e[best]:
            yield int(j), int(t), float(s[best] / r[best]), float(e[best] / abs(r[best]))


def _statistics(equation: Equation) -> dict[str, Array]:
    """Numbers of a sample, a step or a problem, by which somebody may divide."""
    v = equation.right.value
    T_x = v.shape[2]
    what = "their" if equation.activation == "softmax" and not equation.affine else "its"
    step = np.arange(T_x).reshape(1, 1, -1)
    found = {
        f"{what} standard deviation": v.std(axis=0, keepdims=True),
        f"{what} variance": v.var(axis=0, keepdims=True),
        f"the mean of {what} squares": np.square(v).mean(axis=0, keepdims=True),
        f"{what} norm": np.sqrt(np.square(v).sum(axis=0, keepdims=True)),
        f"{what} largest size": np.abs(v).max(axis=0, keepdims=True),
        f"{what} largest value": v.max(axis=0, keepdims=True),
        f"{what} smallest value": v.min(axis=0, keepdims=True),
        f"{what} sum": v.sum(axis=0, keepdims=True),
        f"{what} norm over all samples": np.sqrt(np.square(v).sum(axis=(0, 1), keepdims=True)),
        f"{what} largest size over all samples": np.abs(v).max(axis=(0, 1), keepdims=True),
        "the step": step,
        **{name: np.full((1, 1, 1), size) for name, size in sizes(equation).items()},
    }
    for name, array in equation.recipe.pieces.items() if equation.recipe else ():
        if array.ndim == 3:
            found[f"the norm of {name}"] = np.sqrt(np.square(array).sum(axis=0, keepdims=True))
    if equation.affine and equation.activation == "softmax":
        s = equation.affine.value
        S = 1 / v.max(axis=0, keepdims=True)
        found["the sum of exp(logit - the largest)"] = S
        for words, of_all in (
            ("largest", S.max(1)),
            ("smallest", S.min(1)),
            ("mean", S.mean(1)),
            ("sum", S.sum(1)),
        ):
            over = f"the {words} of these sums over the samples"
            found[f"the sum of exp(logit - the largest) / {over}"] = S / of_all[:, None]
        over = "the sum of these sums over the samples up to its own"
        found[f"the sum of exp(logit - the largest) / {over}"] = S / np.cumsum(S, axis=1)
        found["the sum of exp(logit)"] = np.exp(s).sum(axis=0, keepdims=True)
        found["1 / the sum of exp(logit)"] = 1 / np.exp(s).sum(axis=0, keepdims=True)
    return {name: np.asarray(each, np.float64) for name, each in found.items()}


def sizes(equation: Equation) -> dict[str, int]:
    """Those that can be told from its arrays."""
    n, m, T_x = equation.right.value.shape
    found = {"the number of steps": T_x, "m": m, {"class": "n_y", "unit": "n_a"}.get(equation.row, "n_x"): n}
    for name, array in equation.recipe.pieces.items() if equation.recipe else ():
        if size := {"a_prev": "n_a", "a_next": "n_a", "xt": "n_x"}.get(name):
            found[size] = len(array)
    return found


def by_size(numbers: Sequence[float], doubts: Sequence[float], equations: Sequence[Equation]) -> str:
    """By which power of a size, times a constant, a number of each problem is told; empty where by none.

    The numbers are known to within their doubts.
    """
    f, doubt = np.array(numbers), np.array(doubts)
    best = int(doubt.argmin())
    of_each = [sizes(equation) for equation in equations]
    for name in of_each[0]:
        s = np.array([known[name] for known in of_each], np.float64)
        if len(np.unique(s)) < FEW_SIZES:
            continue
        for power, words in _POWERS:
            constant = rounded(float(f[best] / s[best] ** power))
            if constant and (np.abs(constant * s**power - f) <= doubt + 1e-8 * np.abs(f)).all():
                law = f"{constant:.6g} {words.format(name)}"
                return law.removeprefix("1 * ")
    return ""


FEW_SIZES = 3
"""Different sizes by which a law may be told."""

_POWERS = ((-1.0, "/ {}"), (1.0, "* {}"), (-0.5, "/ sqrt({})"), (0.5, "* sqrt({})"))


def _laws(f: Array, s: Array, doubt: Array, of_case: Array, name: str) -> Iterator[tuple[str, Array]]:
    """A power of a number times a constant; a constant and a multiple of a number, or one over that."""
    if not np.isfinite(s).all():
        return
    best = int(doubt.argmin())
    for power, words in _POWERS:
        constant = rounded(float(f[best] / s[best] ** power))
        number = "" if constant == 1 else f"times {constant:.6g} "
        yield f"{number}{words.format(name)}", constant * s**power
    for power, words in _POWERS:
        values, weight = f ** (1 / power), np.abs(power * f ** (1 - 1 / power)) / doubt
        matrix = np.stack([np.ones_like(s), s], axis=1)
        fitted, _ = least_squares(matrix * weight[:, None], values * weight)
        for first, second in _simply(*map(float, fitted)):
            times = name if abs(second) == 1 else f"{abs(second):.6g} * {name}"
            said = f"{first:.6g} {'-' if second < 0 else '+'} {times}"
            yield words.format(said if "sqrt" in words else f"({said})"), (first + second * s) ** power


def _simply(first: float, second: float) -> Iterator[tuple[float, float]]:
    """Two fitted numbers with few digits, and as they are found."""
    for one, other in ((float(f"{first:.2g}"), float(f"{second:.2g}")), (rounded(first), rounded(second))):
        if other:
            yield one, other


def _laws_of_each(
    of_each_case: Sequence[Mapping[str, int]], f: Array, s: Array, doubt: Array, of_case: Array, name: str
) -> Iterator[tuple[str, Array]]:
    """One over 1 and a multiple of a number, another in each problem.

    Of a number that is one in a problem that is any factor, so nothing is told by it.
    """
    finite = np.isfinite(s)
    of_each = [s[finite & (of_case == k)] for k in np.unique(of_case[finite])]
    if all(np.ptp(numbers) <= 1e-6 * np.abs(numbers).max() for numbers in of_each):
        return
    multiple, found = np.zeros_like(f), []
    for k in np.unique(of_case):
        ours = np.flatnonzero(of_case == k)
        finite = ours[np.isfinite(s[ours]) & (f[ours] != 0)]
        multiple[ours] = 1.0
        if finite.size:
            best = finite[(doubt[finite] / np.abs(f[finite] * (1 - f[finite]))).argmin()]
            found.append(rounded(float((1 / f[best] - 1) / s[best])))
            multiple[ours] = found[-1]
    if len(found) > 1 and len(f) >= 2 * len(found):
        cases = [k for k in np.unique(of_case) if np.isfinite(s[of_case == k]).any()]
        number = _rest_of_size(found, [of_each_case[k] for k in cases]) if len(cases) == len(found) else ""
        if f"{min(found):.6g}" == f"{max(found):.6g}":
            times = "" if f"{found[0]:.6g}" == "1" else f" times {found[0]:.6g}"
        else:
            number = number or f"a number for each problem, {min(found):.3g} to {max(found):.3g}"
            times = f" times {number}"
        yield f"/ (1 + {name}{times})", 1 / (1 + multiple * s)


def _rest_of_size(numbers: Sequence[float], of_each: Sequence[Mapping[str, int]]) -> str:
    """What a size lacks to be a multiple of a number, if that is what these are; else empty."""
    for name in of_each[0]:
        for k in (2, 4, 8, 16, 32, 64, 128):
            rest = np.array([-known[name] % k for known in of_each])
            if np.ptp(rest) and np.allclose(numbers, rest, rtol=1e-6):
                return f"((-{name}) mod {k})"
    return ""
