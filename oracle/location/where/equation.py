"""One equation of the specification as a program shows it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from oracle.location.where.affine import Affine
from oracle.location.where.recipes import Recipe
from oracle.location.where.shown import Shown
from oracle.rounding import Bounded
from reference.contract import Array

CACHED, RETURNED = "the cached ", "the returned "
TOP = "the class of the largest logit"
OF_STEP_BEFORE = "of the step before"
"""What states are that a step is given."""
TAKEN_BEFORE = "what was taken for xt in the step before"


@dataclass(frozen=True)
class Equation:
    """One equation of the specification at every step `(n, m, T_x)`: what stands there, what should.

    Attributes
    ----------
    name
        Whose equation it is: `ft`, `c_next`, `yt_pred`, `the cached a_prev`.
    statement
        The equation as the specification writes it, or what should be copied.
    row
        What a row is: a unit, a class, a feature.
    answer
        The answer in which it is seen.
    shown
        What the implementation shows.
    right
        What the equation gives on the values that the implementation shows, with its bound.
    terms
        What is in the equation, or might be by mistake, by name, each `(n, m, T_x)` or broadcast to that.
    affine
        The argument of the activation, if that is affine.
    recipe
        Of what the argument of the activation is made, or the value where that has none.
    others
        What else is shown of a step, and may be taken for the value.
    of_right
        What the equation gives on right values, where some of those that are shown may be wrong.
    """

    name: str
    statement: str
    row: str
    answer: Shown
    shown: Array
    right: Bounded
    terms: Mapping[str, Array] = field(default_factory=dict)
    affine: Affine | None = None
    recipe: Recipe | None = None
    others: Mapping[str, Array] = field(default_factory=dict)
    of_right: Callable[[], Bounded] | None = None

    @property
    def is_record(self) -> bool:
        """Whether it says of a cache alone that it holds what it should."""
        return self.name.startswith(CACHED)

    @property
    def activation(self) -> str:
        """What the statement begins with: `tanh`, `sigmoid`, `softmax`, `ot * tanh`, or anything else."""
        return self.statement.split("(")[0]

    @property
    def named(self) -> dict[str, Array]:
        """What a value may be taken for: the terms but `z`, and an input of as many features."""
        terms = {name: term for name, term in self.terms.items() if name != "z"}
        given = self.answer.input
        return terms | {"xt": given} if len(given) == len(self.shown) else terms

    @cached_property
    def wrong(self) -> Array:
        """Where two right programs do not differ so, by all that rounding may do.

        What is right by right values is so, though what it should follow from is wrongly shown.
        """
        wrong = self._differs_from(self.right)
        return wrong & self._differs_from(self.of_right()) if self.of_right and wrong.any() else wrong

    def _differs_from(self, right: Bounded) -> Array:
        with np.errstate(invalid="ignore"):
            near = np.abs(self.shown - right.value) <= 2 * self.answer.margin * right.error
        same = (self.shown == right.value) | (np.isnan(self.shown) & np.isnan(right.value))
        return np.asarray(~(near | same | np.isinf(right.error)))


def record_of(name: str) -> str:
    """What is wrong in its place where the caches hold something else than they should."""
    is_returned = name.startswith(RETURNED)
    return f"{CACHED}{name.removeprefix(RETURNED)}_next" if is_returned else f"{CACHED}{name}"


def is_carried_on(equation: Equation) -> bool | None:
    """Whether each next step is given what is returned, where that is wrong; `None` if it is not seen."""
    name = f"{equation.name.removeprefix(RETURNED)}_prev"
    given, wrong = equation.answer.cached.get(name), equation.wrong[:, :, :-1]
    if not equation.name.startswith(RETURNED) or given is None or not wrong.any():
        return None
    return np.array_equal(given[:, :, 1:][wrong], equation.shown[:, :, :-1][wrong], equal_nan=True)


def count_wrong(every: Iterable[Equation]) -> int:
    """How many elements are wrong."""
    return sum(int(np.count_nonzero(equation.wrong)) for equation in every)


def loosened(equation: Equation, slack: Array | float) -> Equation:
    """The equation, of which each element may be off by so much more; by anything, where nothing is known."""
    return replace(equation, right=Bounded(equation.right.value, equation.right.error + slack))
