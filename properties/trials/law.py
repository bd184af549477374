"""Defines laws: properties that every right implementation has."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Literal

import pytest

from oracle.problems.limits import ANYTHING, Limits
from oracle.problems.problem import LayerProblem, Problem
from properties.implementations.answer import MalformedError
from properties.strategies.domain import ANY_DOMAIN, Domain
from properties.strategies.effort import Effort
from properties.strategies.fixed_problems import (
    FAR_SIZES,
    constant_examples,
    equal_size_examples,
    far_examples,
)
from reference.contract import BACKWARDS, FUNCTIONS, LAYERS, LAYERS_BACKWARD

ALL_FORWARDS = (*FUNCTIONS, *LAYERS)
ALL_FUNCTIONS = (*ALL_FORWARDS, *BACKWARDS, *LAYERS_BACKWARD)

Grade = Literal["spec", "robust"]


@dataclass(frozen=True)
class Law:
    """A property of some functions on a domain of problems.

    `check` takes a `Trial`, and raises `ViolationError` if the law does not hold in it. A law is `complete`
    if every wrong output on ordinary numbers violates it. `far` names the sizes in `FAR_SIZES` on which the
    law is also checked; by default, a complete law is checked on all of them.
    """

    name: str
    grade: Grade
    check: Callable[[Any], None]
    functions: Sequence[str] = FUNCTIONS
    domain: Domain = ANY_DOMAIN
    complete: bool = False
    far: Collection[str] = ()

    @property
    def statement(self) -> str:
        """What the law says, in a sentence or two: the first paragraph of the docstring of its check."""
        return (self.check.__doc__ or "").partition("\n\n")[0].strip()

    def for_networks(self, networks: Sequence[LayerProblem]) -> "Law":
        """The same law, checked only on layers with the weights of these networks."""
        return replace(self, domain=replace(self.domain, networks=tuple(networks)))

    def within(self, limits: Limits) -> "Law":
        """The same law on the problems within the declared limits of a target."""
        return replace(self, domain=self.domain.within(limits))

    def fixed_examples(
        self, function: str, effort: Effort, constants: Sequence[int] = ()
    ) -> Sequence[Sequence[Problem]]:
        """The examples on which the law is checked in every run; a complete law also at these constants."""
        names = self.far or (FAR_SIZES if self.complete else ())
        large = far_examples(function, self.domain, names)
        at_constants = constant_examples(function, constants, self.domain) if self.complete else ()
        return [*equal_size_examples(function, effort, self.domain), *large, *at_constants]

    def concerns(self, function: str, problem: Problem, limits: Limits = ANYTHING) -> bool:
        """Whether the law can be checked on a problem, for a target with these limits."""
        return (
            function in self.functions
            and not self.domain.excluded_by(function, limits)
            and self.domain.within(limits).contains(problem, function)
        )


def law(
    grade: Grade,
    *,
    functions: Sequence[str] = FUNCTIONS,
    complete: bool = False,
    far: Collection[str] = (),
    **domain: Any,
) -> Callable[[Callable[[Any], None]], Any]:
    """Make a law and its pytest test, with a case for each function, from the check of one `Trial`.

    The name of the check, such as `test_each_step`, gives the law its name. A malformed answer is a
    violation. `domain` has fields of `Domain`. The attribute `law` of the test is the law.
    """

    def decorate(check: Callable[[Any], None]) -> Any:
        name = check.__name__.removeprefix("test_").replace("_", " ")

        @wraps(check)
        def checked(trial: Any) -> None:
            try:
                check(trial)
            except MalformedError as error:
                raise trial.violation(form=str(error)) from None

        @pytest.mark.parametrize("function", functions)
        def test(function: str, turn: Any) -> None:
            turn.run()

        test.__name__ = test.__qualname__ = check.__name__
        test.__doc__ = check.__doc__
        test.__module__ = check.__module__
        test.law = Law(name, grade, checked, functions, Domain(**domain), complete, far)
        return pytest.mark.law(name, grade)(getattr(pytest.mark, grade)(test))

    return decorate
