"""Compare two answers within the bound, find out who is wrong, and say so in words."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from oracle import exact
from oracle.inputs import Inputs
from reference.contract import Array

SMALLEST = float(np.finfo(np.float64).smallest_subnormal)

BEYOND_USE = 0.1
"""A bound above this, on a state or a probability of size 1, would accept nearly any answer."""

TELLING = 1e4
"""Beyond so many ulp their number says nothing."""


@dataclass(frozen=True)
class Comparison:
    """One output of an implementation beside a second witness, `(n, m, T_x)` each, with the bound on both.

    Where either answers for the last steps only, those are compared.

    Attributes
    ----------
    inputs
        The problem that both answer.
    quantity
        Which quantity of `oracle.propagation.evaluate` they answer with: `a`, `c`, `y` or a gate.
    label
        Its name in the contract of the function that is judged.
    steps
        How many columns of the batch are steps of one sample, as `Inputs.steps` lays them out.
    rival
        Who the second witness is: `torch`; `exact`, which has no error of its own; or, in a few words, how
        the implementation itself was asked a second time.
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
        """How far apart the two are, as a fraction of what two correct programs may differ by.

        Of an infinite bound, as after an overflow, nothing is a fraction.
        """
        ours, theirs, bound = self._compared
        with np.errstate(all="ignore"):
            ratio = np.abs(ours - theirs) / (bound * (1 if self.rival == "exact" else 2))
        same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        return np.where(same | np.isinf(bound), 0.0, np.where(np.isnan(ratio), np.inf, ratio))

    @cached_property
    def _compared(self) -> tuple[Array, Array, Array]:
        """The last steps of both answers and of the bound, as many as both have."""
        count = min(self.implementation.shape[2], self.witness.shape[2])
        every = (self.implementation, self.witness, self.bound)
        ours, theirs, bound = (array[:, :, array.shape[2] - count :] for array in every)
        return ours.astype(np.float64), theirs.astype(np.float64), bound

    @property
    def worst(self) -> float:
        """The largest fraction; above 1, one of the two is wrong."""
        return float(self.ratio.max(initial=0.0))

    @property
    def nearest(self) -> float:
        """The largest fraction among the elements whose bound means something."""
        return float(self.ratio.max(initial=0.0, where=self._relative_bound <= BEYOND_USE))

    @property
    def beyond_use(self) -> bool:
        """Whether the bound has grown so large, for most elements, that agreement is no evidence."""
        return bool(2 * np.count_nonzero(self._relative_bound > BEYOND_USE) > self._relative_bound.size)

    @cached_property
    def _relative_bound(self) -> Array:
        _, theirs, bound = self._compared
        with np.errstate(invalid="ignore"):
            relative = bound / np.maximum(1, np.abs(theirs))
        return np.where(np.isinf(bound), np.inf, relative)

    def explain(self) -> dict[str, str]:
        """The worst element of the first step that is off: the answers, the exact value, who is wrong."""
        off = self.ratio > 1
        column, late = min(np.argwhere(off.any(axis=0)).tolist(), key=lambda at: self._place(*at)[::-1])
        unit = int(np.argmax(self.ratio[:, column, late]))
        ours, theirs, bound = (float(array[unit, column, late]) for array in self._compared)
        t = self._step(late)

        element = {"element": self._name(unit, column, late), "implementation": repr(ours)}
        extent = {"extent": f"{off.sum()} of {off.size} elements of {self.label}"}
        if self.rival not in ("torch", "exact"):
            return {
                **element,
                self.rival: repr(theirs),
                "allowed": f"a difference of {2 * bound:.2g}, by rounding in {self.inputs.dtype}",
                "wrong": "the implementation: it answers one question in two ways",
                **extent,
            }
        sample = self.inputs.sample(column, t)
        truth = exact.evaluate(sample, max(bound / 1000, SMALLEST))[self.quantity][unit, 0, t]
        far = truth.distance(ours)
        with np.errstate(all="ignore"):  # it may be infinite
            ulp = float(np.abs(np.spacing(np.asarray(truth.midpoint, self.inputs.dtype))))
        return {
            **element,
            **({"torch": repr(theirs)} if self.rival == "torch" else {}),
            "exact": str(truth),
            "allowed": f"{bound:.2g} from the exact value, by rounding in {self.inputs.dtype}",
            "off by": f"{far / bound if bound else np.inf:.2g} times that"
            + (f", {far / ulp:.2g} ulp" if far < TELLING * ulp else ""),
            "wrong": self._blame(far > bound, truth.distance(theirs) > bound),
            **extent,
        }

    def _blame(self, ours_is_off: bool, theirs_is_off: bool) -> str:
        if ours_is_off:
            return "both the implementation and torch" if theirs_is_off else "the implementation"
        if theirs_is_off:
            return "torch"
        return "neither: both are within the bound, so the bound is at fault; please report it"

    def _place(self, column: int, late: int) -> tuple[int, int]:
        """Sample and step."""
        return column // self.steps, column % self.steps + self._step(late)

    def _step(self, late: int) -> int:
        """Which step of the problem one of those is that are compared."""
        return late + int(self.bound.shape[2] - self.ratio.shape[2])

    def _name(self, unit: int, column: int, late: int) -> str:
        sample, step = self._place(column, late)
        at = f", step {step}" if self.steps > 1 or not self.quantity.endswith("_last") else ""
        return f"{self.label}[{self.inputs.row(self.quantity, unit)}, sample {sample}{at}]"
