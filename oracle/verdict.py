"""Compares two answers within a bound, and finds out which of them is wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from oracle import exact, exact_gradient
from oracle.backward_inputs import BY_SAMPLES, BackwardInputs, LayerBackwardInputs
from oracle.exact import Enclosure
from oracle.inputs import Inputs
from reference.contract import Array

SMALLEST = float(np.finfo(np.float64).smallest_subnormal)

BEYOND_USE = 0.1
"""The largest useful bound on a state or a probability of size 1: a larger one accepts nearly any answer."""

FROM_THE_STEP_AFTER = "from its own gradient of the step after"
"""The second witness of a single step of a backward pass."""

Facts = Mapping[str, Any]
"""The facts of a violation by name, as data that JSON can hold."""


def number(value: float) -> float | str:
    """The number for JSON; infinities and NaN, which JSON does not have, become text."""
    return float(value) if np.isfinite(value) else repr(float(value))


def largest_ratio(inputs: Inputs, outputs: Iterable[tuple[Array, Array, Array]], rival: str) -> float:
    """The largest ratio of several comparisons, each with an answer, the answer of the witness and the bound.

    The ratio is infinite or NaN if a comparison needs a closer look, since some bound is too large to be
    useful, or an answer has a NaN.
    """
    every = [_last_steps(*each) for each in outputs if each[0].size and each[1].size]
    if not every:
        return 0.0
    ours, theirs, bound = (
        np.concatenate(arrays, None, dtype=np.float64)  # flat copies, one after the other
        for arrays in zip(*every, strict=True)
    )
    with np.errstate(all="ignore"):
        ratio = np.where(ours == theirs, 0, np.abs(ours - theirs) / (bound * _bounds_apart(rival)))
    largest, size = bound.max(keepdims=True), np.ones(1)
    if _has_gradients(inputs):
        starts = np.cumsum([0, *(each[0].size for each in every[:-1])])
        largest = np.maximum.reduceat(bound, starts)
        size = np.maximum.reduceat(np.where(np.isfinite(theirs), np.abs(theirs), 0), starts)
    return float(ratio.max()) if (largest <= BEYOND_USE * size).all() else np.inf


def _last_steps(ours: Array, theirs: Array, bound: Array) -> tuple[Array, Array, Array]:
    """The last steps that both answers have, and the bound for these steps."""
    count = min(ours.shape[2], theirs.shape[2])
    return tuple(array[:, :, array.shape[2] - count :] for array in (ours, theirs, bound))  # type: ignore[return-value]


def _bounds_apart(rival: str) -> int:
    """The number of bounds by which two correct answers may differ; the exact value has no error."""
    return 1 if rival == "exact" else 2


def _has_gradients(inputs: Inputs) -> bool:
    return isinstance(inputs, (BackwardInputs, LayerBackwardInputs))


@dataclass(frozen=True)
class Comparison:
    """One output of an implementation and of a witness, `(n, m, T_x)` each, with the bound on their errors.

    If one output has only the last steps, only these steps are compared.

    Attributes
    ----------
    inputs
        The inputs of the problem that both answer.
    quantity
        The name of the output in `oracle.propagation.evaluate` (`a`, `c`, `y` or a gate) or in
        `oracle.backpropagation.evaluate` (a gradient).
    label
        The name of the output in the contract of the function.
    steps
        The number of columns of the batch that are steps of one sample, as in `Inputs.steps`.
    rival
        The witness: `torch`; `formulas`, in float64; `exact`, which has no rounding error;
        `FROM_THE_STEP_AFTER`; or, for two answers of the implementation, a few words on the second call.
    """

    inputs: Inputs
    quantity: str
    label: str
    implementation: Array
    witness: Array
    bound: Array
    steps: int = 1
    rival: str = "torch"

    @cached_property
    def ratio(self) -> Array:
        """The difference of the two answers, divided by the largest difference of two correct answers.

        It is 0 where the bound is infinite, as after an overflow.
        """
        ours, theirs, bound = self._compared
        with np.errstate(all="ignore"):
            ratio = np.abs(ours - theirs) / (bound * _bounds_apart(self.rival))
        if np.isfinite(ratio).all() and not np.isinf(bound).any():
            return np.asarray(ratio)
        same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        if self._is_gradient:  # other right formulas give NaN for infinity
            same |= ~np.isfinite(ours) & ~np.isfinite(theirs)
        return np.where(same | np.isinf(bound), 0.0, np.where(np.isnan(ratio), np.inf, ratio))

    @cached_property
    def _compared(self) -> tuple[Array, Array, Array]:
        """The last steps that both answers have, and the bound for these steps."""
        ours, theirs, bound = _last_steps(self.implementation, self.witness, self.bound)
        return ours.astype(np.float64, copy=False), theirs.astype(np.float64, copy=False), bound

    @cached_property
    def worst(self) -> float:
        """The largest ratio; if it is above 1, one of the two answers is wrong."""
        return float(self.ratio.max(initial=0.0))

    @property
    def nearest(self) -> float:
        """The largest ratio of the elements with a useful bound."""
        if self._is_of_use_everywhere:
            return self.worst
        return float(self.ratio.max(initial=0.0, where=self._relative_bound <= BEYOND_USE))

    @property
    def beyond_use(self) -> bool:
        """Whether the bounds of most elements are too large to be useful."""
        if self._is_of_use_everywhere:
            return False
        return bool(2 * np.count_nonzero(self._relative_bound > BEYOND_USE) > self._relative_bound.size)

    @cached_property
    def _is_of_use_everywhere(self) -> bool:
        """Whether all bounds are useful, even for elements of the smallest size."""
        least = self._gradient_size if self._is_gradient else 1.0
        return bool(self._compared[2].max(initial=0.0) <= BEYOND_USE * least)

    @cached_property
    def _gradient_size(self) -> float:
        """The magnitude of the largest element, since gradients have no natural size as states have."""
        _, theirs, _ = self._compared
        return float(np.max(np.abs(theirs), initial=0, where=np.isfinite(theirs)))

    @cached_property
    def _relative_bound(self) -> Array:
        _, theirs, bound = self._compared
        size = self._gradient_size if self._is_gradient else np.maximum(1, np.abs(theirs))
        with np.errstate(all="ignore"):
            relative = np.where(bound == 0, 0, bound / size)
        return np.where(np.isinf(bound), np.inf, relative)

    @property
    def _is_gradient(self) -> bool:
        return _has_gradients(self.inputs)

    def explain(self) -> Facts:
        """The facts of the worst element in the first wrong step; for a gradient, in the last wrong step.

        The keys are `element`, `implementation`, `allowed`, `wrong` and `extent`. If the rival is torch, the
        formulas or the exact value, there are also `exact` and `off_by`, and `torch` for torch; for a second
        answer of the implementation there is `again` or `expected`. If the element is not of the network of
        the problem, it has the key `network`.
        """
        off = self.ratio > 1
        first = max if self._is_gradient else min
        column, late = first(np.argwhere(off.any(axis=0)).tolist(), key=lambda at: self._place(*at)[::-1])
        unit = int(np.argmax(self.ratio[:, column, late]))
        ours, theirs, bound = (float(array[unit, column, late]) for array in self._compared)
        t = self._step(late)

        element: dict[str, Any] = {
            "element": self._element(unit, column, late),
            "implementation": number(ours),
        }
        extent = {"extent": {"wrong": int(off.sum()), "of": off.size, "name": self.label}}
        dtype = str(self.inputs.dtype)
        if self.rival not in ("torch", "exact", "formulas"):
            own_answer: Facts = {"again": {"asked": self.rival, "value": number(theirs)}}
            if self.rival == FROM_THE_STEP_AFTER:
                later = f", {FROM_THE_STEP_AFTER}" if self.inputs.x.shape[2] > 1 else ""
                own_answer = {"expected": {"value": number(theirs), "from": later}}
                element["element"] |= {"network": "the problem with an input for each pre-activation"}
            allowed = {"difference": number(2 * bound), "dtype": dtype}
            return {**element, **own_answer, "allowed": allowed, "wrong": ["implementation"], **extent}
        truth = self._truth(unit, column, t, max(bound / 1000, SMALLEST))
        far = truth.distance(ours)
        with np.errstate(all="ignore"):  # the spacing of infinity is NaN
            ulp = float(np.abs(np.spacing(np.asarray(truth.midpoint, self.inputs.dtype))))
        return {
            **element,
            **({"torch": number(theirs)} if self.rival == "torch" else {}),
            "exact": {"value": number(float(truth.midpoint)), "digits": str(truth)},
            "allowed": {"error": number(bound), "dtype": dtype},
            "off_by": {
                "bounds": number(far / bound if bound else np.inf),
                "ulp": number(far / ulp if ulp else np.inf),
            },
            "wrong": [
                *(["implementation"] if far > bound else []),
                *(["torch"] if truth.distance(theirs) > bound else []),
            ],
            **extent,
        }

    def _truth(self, unit: int, column: int, t: int, radius: float) -> Enclosure:
        """The exact value of an element."""
        inputs = self.inputs
        if isinstance(inputs, (BackwardInputs, LayerBackwardInputs)):
            if self.quantity in BY_SAMPLES:
                inputs, column = inputs.samples([column]), 0
            truth: Enclosure = exact_gradient.evaluate(inputs, radius)[self.quantity][unit, column, t]
            return truth
        truth = exact.evaluate(inputs.sample(column, t), radius)[self.quantity][unit, 0, t]
        return truth  # noqa: RET504 - elements of an array have no type

    def _place(self, column: int, late: int) -> tuple[int, int]:
        """The sample and the step of an element."""
        return column // self.steps, column % self.steps + self._step(late)

    def _step(self, late: int) -> int:
        """The step of the problem, from its index in the compared steps."""
        return late + int(self.bound.shape[2] - self.ratio.shape[2])

    def _element(self, unit: int, column: int, late: int) -> Facts:
        """The name and the place of an element; last and initial states have no step."""
        if self._is_gradient and self.quantity not in BY_SAMPLES:
            return {"name": self.label, "index": [unit, column]}
        sample, step = self._place(column, late)
        row = self.inputs.row_name(self.quantity, unit)
        has_step = self.steps > 1 or not self.quantity.endswith(("_last", "0"))
        return {"name": self.label, "row": row, "sample": sample, **({"step": step} if has_step else {})}
