"""Wrong elements of one answer, and what they are like."""

from dataclasses import dataclass

import numpy as np

from oracle.location.how.arguments import argument
from oracle.location.how.candidate import Candidate
from oracle.location.how.sorting import SORTED, SORTED_TWICE
from oracle.location.where.blocks import EACH_BLOCK, LAST_BLOCK, LEFT_BY_BLOCKS
from oracle.location.where.changes import MOVED_BY, OF_RANK, STRETCHED
from oracle.location.where.equation import Equation
from reference.contract import Array


@dataclass(frozen=True)
class Case:
    """An equation as it was seen in one answer, and the elements that are to be explained."""

    equation: Equation
    chosen: Array

    @property
    def dtype(self) -> str:
        """The precision of the problem."""
        return self.equation.answer.inputs.dtype.name

    @property
    def shown(self) -> Array:
        """The values that are shown there."""
        return self.equation.shown[self.chosen].astype(np.float64)

    @property
    def right(self) -> Array:
        """The right ones."""
        return self.equation.right.value[self.chosen]

    @property
    def allowed(self) -> Array:
        """How far apart two values of one formula may be, or of two ways to compute it.

        That is little beside what is wrong.
        """
        error, shown, right = self.equation.right.error[self.chosen], self.shown, self.right
        error = self.equation.answer.margin * error
        near = np.minimum(1e-12 * np.abs(shown), 1e-3 * np.abs(shown - right))
        rounding = max(1e-15, 4 * float(np.finfo(self.dtype).eps)) * np.abs(shown)  # where the right one is 0
        return np.asarray(4 * error + 1e-14 * np.abs(right) + rounding + near)

    def of(self, candidate: Candidate) -> Array:
        """What a candidate gives there."""
        every = np.broadcast_to(candidate(self.equation), self.chosen.shape)
        return np.asarray(every[self.chosen], np.float64)


STACKED = "gates stacked as "
PARTIAL = (
    "or 0 where that is negative",
    "the largest so far",
    "wrapped into",
    "with 0 where its size",
    "with 0 for rows that",
    "limited to ±",
    ", limited to [",
    "norm above",
    "for a_prev of the units before its own ",
    "for a_prev of the first",
    "repeated along the rows",
    "of the first of the last",
    "of unit k that of unit k mod",
    "counted once for each",
    "rows from n_a on",
    "without its sign",
    "that of class order[",
    "over the classes less than",
    LEFT_BY_BLOCKS,
    EACH_BLOCK,
    LAST_BLOCK,
    MOVED_BY,
    OF_RANK,
    STRETCHED,
    SORTED,
    SORTED_TWICE,
    STACKED,
)


@dataclass(frozen=True)
class Likeness:
    """What the wrong values are, in words; and by computing, where that can be.

    The value is that of the equation's argument where it is `of_argument`. What `is_partial` changes some
    values alone, and so tells itself where. A `form` is what gives right values, too, where it changes none.
    """

    words: str
    value: Candidate | None = None
    of_argument: bool = False
    form: Candidate | None = None

    @property
    def is_partial(self) -> bool:
        """Whether it is of values beyond a limit, or of units that come after others."""
        return self.is_computed or any(part in self.words for part in PARTIAL)

    @property
    def is_computed(self) -> bool:
        """Whether a form is its value: what is computed in the place of the equation, and may be right."""
        return self.form is not None and self.form is self.value

    def tells_nothing(self, equation: Equation) -> Array:
        """Where a value that is so wrong would be right."""
        seen = argument(equation) if self.of_argument else equation
        if self.value is None or seen is None:
            return np.zeros(equation.wrong.shape, bool)
        with np.errstate(all="ignore"):
            try:
                off = np.abs(self.value(seen) - seen.right.value)
            except KeyError:  # a term that this answer has not
                return np.zeros(equation.wrong.shape, bool)
            is_near = off <= 2 * seen.answer.margin * seen.right.error
            return np.asarray(np.broadcast_to(is_near, equation.wrong.shape))
