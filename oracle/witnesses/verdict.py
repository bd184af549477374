"""Compares two answers within a bound, and finds out which of them is wrong."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from oracle.problems.inputs import AnyBackward, Inputs, is_sum_over_samples
from oracle.witnesses import exact
from oracle.witnesses.exact import Enclosure
from reference.contract import Array

LEAST_RADIUS = float(np.finfo(np.float64).smallest_subnormal)

MEANINGFUL_BOUND = 0.1
"""The largest meaningful bound on a value of size 1. A larger bound would accept nearly any answer."""

WITNESSES = ("torch", "formulas", "exact")
"""The witnesses that answer the problem: `formulas` are in float64, `exact` has no rounding error."""

FROM_OWN_GRADIENTS = "from its own dx"
"""The witness of a step of a backward pass: the formulas, from those own gradients that are right."""

Facts = Mapping[str, Any]
"""The facts of a violation by name, as data that JSON can hold."""


def json_number(value: float) -> float | str:
    """The number for JSON; infinities and NaN, which JSON does not have, become text."""
    return float(value) if np.isfinite(value) else repr(float(value))


def largest_ratio(inputs: Inputs, outputs: Iterable[tuple[Array, Array, Array]], witness_name: str) -> float:
    """The largest ratio of several comparisons, computed at once to save time.

    Each of the `outputs` is an answer, the answer of the witness, and the bound. If a bound is too large, or
    an answer has a NaN, the ratio is infinite or NaN: only a `Comparison` of each output can decide.
    """
    every = [_last_steps(*each) for each in outputs if each[0].size and each[1].size]
    if not every:
        return 0.0
    ours, theirs, bound = (
        np.concatenate(arrays, None, dtype=np.float64)  # flat copies, one after the other
        for arrays in zip(*every, strict=True)
    )
    with np.errstate(all="ignore"):
        ratio = np.where(ours == theirs, 0, np.abs(ours - theirs) / (bound * _allowed_bounds(witness_name)))
    largest, size = bound.max(keepdims=True), np.ones(1)
    if isinstance(inputs, AnyBackward):
        starts = np.cumsum([0, *(each[0].size for each in every[:-1])])
        largest = np.maximum.reduceat(bound, starts)
        size = np.maximum.reduceat(np.where(np.isfinite(theirs), np.abs(theirs), 0), starts)
    return float(ratio.max()) if (largest <= MEANINGFUL_BOUND * size).all() else np.inf


def _last_steps(ours: Array, theirs: Array, bound: Array) -> tuple[Array, Array, Array]:
    """The last steps that both answers have, and the bound for these steps."""
    count = min(ours.shape[2], theirs.shape[2])
    return tuple(array[:, :, array.shape[2] - count :] for array in (ours, theirs, bound))  # type: ignore[return-value]


def _allowed_bounds(witness_name: str) -> int:
    """The number of bounds by which two correct answers may differ: two, or one from the exact value."""
    return 1 if witness_name == "exact" else 2


@dataclass(frozen=True)
class Comparison:
    """One output of an implementation and of a witness, `(n, m, T_x)` each, with the bound on their errors.

    If one of the two has only the last steps, only these steps are compared.

    Attributes
    ----------
    inputs
        The inputs of the problem that both answer.
    quantity
        The name of the output in `bounds_on` (`a`, `c`, `y` or a gate) or in
        `bounds_on` (a gradient).
    label
        The name of the output in the contract of the function.
    steps
        How many columns (on the axis m) in a row are the steps of one sample; 1 if each column is a sample.
    witness_name
        One of `WITNESSES`; `FROM_OWN_GRADIENTS`; or, if the implementation answered twice, a few words on the
        second call.
    samples
        The number of each sample in the problem; `None` if all samples are compared, in their order.
    """

    inputs: Inputs
    quantity: str
    label: str
    implementation: Array
    witness: Array
    bound: Array
    steps: int = 1
    witness_name: str = "torch"
    samples: Sequence[int] | None = None

    @cached_property
    def ratio(self) -> Array:
        """The difference of the two answers, divided by the largest difference of two correct answers.

        The ratio is 0 where the bound is infinite, as after an overflow.
        """
        ours, theirs, bound = self._compared
        with np.errstate(all="ignore"):
            ratio = np.abs(ours - theirs) / (bound * _allowed_bounds(self.witness_name))
        same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        if isinstance(self.inputs, AnyBackward):
            # Where one right formula gives infinity, another may give NaN.
            same |= ~np.isfinite(ours) & ~np.isfinite(theirs)
        if self.inputs.activation == "relu" and self.witness_name in WITNESSES:
            # A usual relu, `np.where(z > 0, z, 0)`, gives 0 for NaN; all that depends on it should be NaN.
            same |= np.isnan(theirs)
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
    def worst_meaningful(self) -> float:
        """The largest ratio of the elements with a meaningful bound."""
        return float(self.ratio.max(initial=0.0, where=self._relative_bound <= MEANINGFUL_BOUND))

    @property
    def is_meaningless(self) -> bool:
        """Whether most elements have a bound that is too large to be meaningful."""
        return bool(2 * np.count_nonzero(self._relative_bound > MEANINGFUL_BOUND) > self._relative_bound.size)

    @cached_property
    def _relative_bound(self) -> Array:
        """The bound, relative to the size of each element, which counts as at least 1 in a forward pass.

        The size of each element of a gradient is that of the largest element.
        """
        _, theirs, bound = self._compared
        size = np.maximum(1, np.abs(theirs))
        if isinstance(self.inputs, AnyBackward):
            size = np.max(np.abs(theirs), initial=0, where=np.isfinite(theirs))
        with np.errstate(all="ignore"):
            relative = np.where(bound == 0, 0, bound / size)
        return np.where(np.isinf(bound), np.inf, relative)

    def explain(self, network: str = "") -> Facts:
        """The facts of the worst element in the first wrong step; for a gradient, in the last wrong step.

        The keys are `element`, `implementation`, `allowed`, `wrong` and `extent`. If the witness is torch,
        the formulas or the exact value, there are also `exact` and `off_by`, and `torch` for torch. If each
        step is compared, `exact` is the value of one step from the state of the answer (`own`). For
        `FROM_OWN_GRADIENTS` there is `expected`, and for a second answer of the implementation `again`.
        A `network` other than that of the problem is a key of the element.
        """
        is_wrong = self.ratio > 1
        _, columns, indices = np.nonzero(is_wrong)
        steps = columns % self.steps + indices
        first = steps.max() if isinstance(self.inputs, AnyBackward) else steps.min()
        in_step = (
            np.add.outer(np.arange(is_wrong.shape[1]) % self.steps, np.arange(is_wrong.shape[2])) == first
        )
        worst = np.argmax(np.where(in_step, self.ratio, 0))
        unit, column, index = map(int, np.unravel_index(worst, self.ratio.shape))
        ours, theirs, bound = (float(array[unit, column, index]) for array in self._compared)

        element = {**self._element(unit, column, index), **({"network": network} if network else {})}
        extent = {"extent": {"wrong": int(is_wrong.sum()), "of": is_wrong.size, "name": self.label}}
        dtype = str(self.inputs.dtype)
        if self.witness_name not in WITNESSES:
            witness: Facts = {"again": {"asked": self.witness_name, "value": json_number(theirs)}}
            if self.witness_name == FROM_OWN_GRADIENTS:
                after = " of the step after" if self.quantity == "dx" else ""
                given = f", {FROM_OWN_GRADIENTS}{after}, where that is right"
                is_last = element.get("step") == self.inputs.x.shape[2] - 1
                witness = {"expected": {"value": json_number(theirs), "from": "" if is_last else given}}
            return {
                "element": element,
                "implementation": json_number(ours),
                **witness,
                "allowed": {"difference": json_number(2 * bound), "dtype": dtype},
                "wrong": ["implementation"],
                **extent,
            }
        truth = self._truth(unit, column, self._step(index), max(bound / 1000, LEAST_RADIUS))
        distance = truth.distance(ours)
        own = {"own": True} if self.steps > 1 and element["step"] else {}
        with np.errstate(all="ignore"):  # the spacing of infinity is NaN
            ulp = float(np.abs(np.spacing(np.asarray(truth.midpoint, self.inputs.dtype))))
        return {
            "element": element,
            "implementation": json_number(ours),
            **({"torch": json_number(theirs)} if self.witness_name == "torch" else {}),
            "exact": {"value": json_number(float(truth.midpoint)), "digits": str(truth), **own},
            "allowed": {"error": json_number(bound), "dtype": dtype},
            "off_by": {
                "bounds": json_number(distance / bound if bound else np.inf),
                "ulp": json_number(distance / ulp if ulp else np.inf),
            },
            "wrong": [
                *(["implementation"] if distance > bound else []),
                *(["torch"] if truth.distance(theirs) > bound else []),
            ],
            **extent,
        }

    def _truth(self, unit: int, column: int, t: int, radius: float) -> Enclosure:
        """The exact value of an element."""
        inputs = self.inputs
        if isinstance(inputs, AnyBackward):
            if not is_sum_over_samples(self.quantity):
                inputs, column = inputs.samples([column]), 0
            truth: Enclosure = exact.evaluate(inputs, radius)[self.quantity][unit, column, t]
        else:
            truth = exact.evaluate(inputs.sample(column, t), radius)[self.quantity][unit, 0, t]
        return truth

    def _step(self, index: int) -> int:
        """The step of the problem, from its index in the compared steps."""
        return index + int(self.bound.shape[2] - self.ratio.shape[2])

    def _element(self, unit: int, column: int, index: int) -> Facts:
        """The name of an output, and the row, sample and step of an element in it.

        Last and initial states have no step; gradients with respect to parameters have only an index.
        """
        if is_sum_over_samples(self.quantity):
            return {"name": self.label, "index": [unit, column]}
        sample, step = column // self.steps, column % self.steps + self._step(index)
        sample = sample if self.samples is None else int(self.samples[sample])
        row = self.inputs.row_name(self.quantity, unit)
        has_step = self.steps > 1 or not self.quantity.endswith(("_last", "0"))
        return {"name": self.label, "row": row, "sample": sample, **({"step": step} if has_step else {})}
