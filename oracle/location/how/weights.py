"""As which weights and bias an equation acts: found by asking with one network and many inputs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from oracle.location.how.arguments import argument
from oracle.location.how.fitting import least_squares
from oracle.location.how.scaled import CLEAR, OF_ANY_SIZES, norm_of_rows, times
from oracle.location.where.equation import Equation
from reference.contract import Array

BLOCKS = (2, 4, 8, 16, 32, 64, 128)
"""Of how many units blocks are."""


@dataclass(frozen=True)
class Acting:
    """What was found for the rows that are wrong: weights, bias, and the weights of one thing more."""

    rows: Array
    W: Array
    b: Array
    own: Array
    own_bias: Array
    columns: Sequence[str]
    all_b: Array
    more: Array
    name: str = ""


@np.errstate(all="ignore")
def as_if(every: Sequence[Equation]) -> str:
    """In words how the weights would have to be for the answers that are shown; empty where none would do.

    `every` are answers of one network.
    """
    first = every[0]
    assert first.affine
    if first.activation == "softmax":
        return ""
    wrong = np.any([equation.wrong.any(axis=(1, 2)) for equation in every], axis=0)
    rows = np.flatnonzero(wrong)[:12]
    for name, extra in _extras(first).items():
        found = [_fitted(every, int(i), extra) for i in rows]
        if rows.size and all(fit is not None for fit in found):
            weights = np.stack([fit for fit in found if fit is not None])
            k = len(first.affine.columns)
            acting = Acting(
                rows,
                weights[:, :k],
                weights[:, k],
                first.affine.W[rows],
                first.affine.b[rows, 0],
                first.affine.columns,
                first.affine.b[:, 0],
                weights[:, k + 1 :],
                name,
            )
            said = next(filter(None, _descriptions(acting)), "")
            sizes = ", ".join(f"{name} = {len(every)}" for name, every in _columns(acting).items())
            return said if not said or OF_ANY_SIZES in said else f"{said} ({sizes})"
    return ""


Extra = Callable[[Equation, int], Array]
"""What else an argument may hang on, for one row: `(q, m, T_x)`."""


def _extras(equation: Equation) -> dict[str, Extra]:
    states = [name for name in ("c_prev", "c_next") if name in equation.terms]
    return {
        "": _nothing,
        **{name: partial(_own, name) for name in states},
        "the mean over the samples": _mean,
    }


def _nothing(equation: Equation, i: int) -> Array:
    return np.zeros((0, *equation.shown.shape[1:]))


def _own(name: str, equation: Equation, i: int) -> Array:
    return equation.terms[name][[i]]


def _mean(equation: Equation, i: int) -> Array:
    assert equation.affine
    return np.broadcast_to(equation.affine.v.mean(axis=1, keepdims=True), equation.affine.v.shape)


def _fitted(every: Sequence[Equation], i: int, extra: Extra) -> Array | None:
    """The weights of a row, its bias and those of what is more, if there are any that fit all answers."""
    matrices, values, weights = [], [], []
    below = []  # of relu, where the argument is no more than 0
    for equation in every:
        of_z = argument(equation)
        assert of_z
        assert equation.affine
        v = np.concatenate([equation.affine.v, np.ones((1, *of_z.shown[i].shape)), extra(equation, i)])
        chosen = equation.wrong[i] & np.isfinite(of_z.shown[i]) & np.isfinite(v).all(axis=0)
        if equation.activation == "max":
            if (equation.shown[i][equation.wrong[i]] < 0).any():
                return None
            below.append(v[:, equation.wrong[i] & (equation.shown[i] == 0)].T)
        matrices.append(v[:, chosen].T)
        values.append(of_z.shown[i][chosen])
        weights.append(1 / of_z.right.error[i][chosen])
    matrix, value, weight = np.concatenate(matrices), np.concatenate(values), np.concatenate(weights)
    k = matrix.shape[1]
    if len(value) < k + 4 or least_squares(matrix, value)[1] < k:
        return None
    found, _ = least_squares(matrix * weight[:, None], value * weight)
    if any((each @ found > 1e-9 * (1 + np.abs(each) @ np.abs(found))).any() for each in below):
        return None
    allowed = 8 / weight + 1e-12 * np.abs(matrix) @ np.abs(found)
    return found if (np.abs(matrix @ found - value) <= allowed).all() else None


def _descriptions(acting: Acting) -> Iterator[str]:
    off_W, off_b = acting.W - acting.own, acting.b - acting.own_bias
    columns = np.flatnonzero((np.abs(off_W) > CLEAR).any(axis=0))
    biased = bool((np.abs(off_b) > CLEAR).any())
    if acting.more.shape[1] == 1:
        yield _one_more(acting)
        return
    if acting.more.shape[1]:
        yield _means(acting)
        return
    if biased and not columns.size:
        yield _of_bias(acting)
    elif columns.size and not biased:
        yield _of_columns(acting, columns)
    elif columns.size:
        factor = _factor(
            np.column_stack([acting.W, acting.b]), np.column_stack([acting.own, acting.own_bias])
        )
        if factor is not None:
            yield f"as if z were {factor:.6g} times the right value"


def _one_more(acting: Acting) -> str:
    """A peephole."""
    more = acting.more[:, 0]
    if (np.abs(acting.W - acting.own) > CLEAR).any():
        return ""
    if np.ptp(more) <= CLEAR:
        return f"as if {more[0]:.6g} times {acting.name} were added to z"
    itself = acting.own[np.arange(len(acting.rows)), acting.rows]
    if np.allclose(more, itself, atol=CLEAR):
        return f"as if {acting.name} were added to z, with the weight that each unit has for its own a_prev"
    for k, name in enumerate(acting.columns):
        if np.allclose(more, acting.own[:, k], atol=CLEAR):
            return f"as if {acting.name} were added to z, with the weight that each unit has for {name}"
    return f"as if {acting.name} were added to z, with a weight for each unit"


def _means(acting: Acting) -> str:
    """Statistics of the batch."""
    columns = np.flatnonzero((np.abs(acting.more) > CLEAR).any(axis=0))
    factor = _factor(acting.more[:, columns], acting.own[:, columns])
    if factor is None or (np.abs(acting.W - acting.own) > CLEAR).any():
        return ""
    return f"as if {factor:.6g} times {acting.name} were added to {_names(acting, columns)}"


def _of_bias(acting: Acting) -> str:
    if np.allclose(acting.b, 0, atol=CLEAR):
        return "as if the bias were missing"
    for words, index in (
        ("unit 0", np.zeros_like(acting.rows)),
        ("the last unit", np.full_like(acting.rows, len(acting.all_b) - 1)),
        ("the unit before", acting.rows - 1),
        ("the unit after", (acting.rows + 1) % len(acting.all_b)),
        *((f"the unit {size} before", acting.rows - size) for size in BLOCKS if acting.rows.min() >= size),
    ):
        if np.allclose(acting.b, acting.all_b[index], atol=CLEAR):
            return f"as if the bias were that of {words}"
    if len(acting.rows) < 2:
        return ""
    factor = _factor(acting.b[:, None], acting.own_bias[:, None])
    if factor is not None:
        return f"as if the bias were {factor:.6g} times itself"
    off = acting.b - acting.own_bias
    return f"as if {off[0]:.6g} were added to z" if np.ptp(off) <= CLEAR else ""


def _of_columns(acting: Acting, columns: Array) -> str:
    names = _names(acting, columns)
    W, right = acting.W[:, columns], acting.own[:, columns]
    factor = _factor(W, right)
    if factor is not None:
        if abs(factor) < CLEAR:
            return f"as if {names} were 0"
        if f"{factor:.6g}" == "1":
            return ""
        is_whole = len(acting.rows) == len(acting.all_b)
        return f"as if {names} counted {times(factor, right if is_whole else None)}"
    if norm := norm_of_rows(W, right):
        return f"as if the weights of {names} were scaled to norm {norm} in each row"
    if len(columns) == 2:
        for lost, found in ((0, 1), (1, 0)):
            if np.allclose(W[:, lost], 0, atol=CLEAR) and np.allclose(
                W[:, found], right.sum(axis=1), atol=CLEAR
            ):
                one, other = (acting.columns[columns[k]] for k in (lost, found))
                return f"as if {one} were {other}"
    n = len(columns)
    if len(acting.rows) == n and np.allclose(W, right.T, atol=CLEAR):
        return f"as if the weights of {names} were transposed"
    factors = W / np.where(right == 0, np.nan, right)
    if (np.ptp(factors, axis=0) <= 1e-5 * np.abs(factors).max()).all():
        return "as if " + ", ".join(
            f"{acting.columns[k]} counted {factor:.6g} times"
            for k, factor in zip(columns, factors[0], strict=True)
        )
    return ""


def _factor(some: Array, others: Array) -> float | None:
    """By which number others would have to be multiplied to give the first."""
    factor = float((some * others).sum() / (others * others).sum())
    return factor if np.allclose(some, factor * others, atol=CLEAR) else None


def _columns(acting: Acting) -> dict[str, list[int]]:
    """The columns of each array."""
    found: dict[str, list[int]] = {}
    for k, name in enumerate(acting.columns):
        found.setdefault(_SIZES[name.split("[")[0]], []).append(k)
    return found


_SIZES = {"a_prev": "n_a", "xt": "n_x"}


def _names(acting: Acting, columns: Array) -> str:
    """Some columns by name, whole arrays as such."""
    said = []
    for every in _columns(acting).values():
        array = acting.columns[every[0]].split("[")[0]
        ours = [k for k in every if k in columns]
        if not ours:
            continue
        if ours == every:
            said.append(array)
        elif len(ours) > 2 and ours == [*range(ours[0], ours[-1] + 1)]:
            said.append(f"{array}[{ours[0] - every[0]}] to {array}[{ours[-1] - every[0]}]")
        else:
            said.append(", ".join(acting.columns[k] for k in ours))
    return " and ".join(said)
