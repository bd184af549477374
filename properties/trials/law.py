"""A law: a property that every right implementation has."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pytest
from hypothesis import strategies as st

from oracle.limits import ANYTHING, Limits
from oracle.problem import LayerProblem, Problem
from properties.implementations.answers import ask
from properties.implementations.implementation import Implementation
from properties.strategies.domain import Domain
from properties.strategies.drawn_problems import examples
from properties.strategies.effort import Effort
from properties.strategies.fixed_problems import FAR, equal_size_examples, far_examples
from properties.strategies.problem_cache import drawn
from properties.trials.tally import Tally
from properties.trials.trial import Grade, Property, Trial, reports_form
from reference.contract import BACKWARDS, CONTRACTS, FUNCTIONS, LAYERS, LAYERS_BACKWARD

EVERY_FORWARD = (*FUNCTIONS, *LAYERS)
EVERY = (*EVERY_FORWARD, *BACKWARDS, *LAYERS_BACKWARD)
FORWARDS = tuple(name for name in FUNCTIONS if not CONTRACTS[name].is_cell)
SEQUENCES_BACKWARD = tuple(name for name in BACKWARDS if not CONTRACTS[name].is_cell)
LSTM = tuple(name for name in FUNCTIONS if CONTRACTS[name].kind == "lstm")


@dataclass(frozen=True)
class Law(Property):
    """A property of some functions on a domain of problems.

    A law is `complete` if every wrong output on ordinary numbers violates it. `far` names the sizes in `FAR`
    on which the law is checked, too; a complete law is checked on all of them. The tests that the decorator
    `law` makes have their law as an attribute `law`.
    """

    functions: Sequence[str]
    domain: Domain
    complete: bool = False
    far: Collection[str] = ()

    def declared_away(self, function: str, limits: Limits) -> str:
        """The declared limit that excludes the law for a function, in words; empty if there is none."""
        return self.domain.declared_away(function, limits)

    def for_networks(self, networks: Sequence[LayerProblem]) -> "Law":
        """The same law, checked on layers with the weights of these networks only."""
        return replace(self, domain=replace(self.domain, networks=tuple(networks)))

    def within(self, limits: Limits) -> "Law":
        """The same law on the problems within the declared limits of a target."""
        return replace(self, domain=self.domain.within(limits))

    def examples(self, function: str, effort: Effort) -> st.SearchStrategy[Sequence[Problem]]:
        """The strategy of the problems, some of one shape at a time."""
        return examples(function, effort, self.domain)

    def drawn_examples(
        self, function: str, effort: Effort, number: int, profile: str
    ) -> Sequence[Sequence[Problem]]:
        """The problems that a profile draws with the seed `number`, once for all laws."""
        return drawn(function, effort, self.domain, number, profile)

    def fixed_examples(self, function: str, effort: Effort) -> Sequence[Sequence[Problem]]:
        """The problems on which the law is checked in every run."""
        names = FAR if self.complete else self.far
        large = far_examples(function, self.domain, names) if names else ()
        return [*equal_size_examples(function, effort, self.domain), *large]

    def concerns(self, function: str, problem: Problem, limits: Limits = ANYTHING) -> bool:
        """Whether the law can be checked on a problem, for a target with these limits."""
        return (
            function in self.functions
            and not self.declared_away(function, limits)
            and self.domain.within(limits).contains(problem, function)
        )

    def trials(
        self, implementation: Implementation, function: str, problems: Sequence[Problem], tally: Tally
    ) -> Iterator[Trial]:
        """A trial on each of these problems. The function is called on all of them together."""
        answers = ask(implementation, function, problems)
        return (Trial(self, answers, number, tally) for number in range(len(problems)))


class Turn(Protocol):
    """One run of a law on one function; see `properties.turns`."""

    def run(self) -> None:
        """Raise the shrunk violation, if the law does not hold."""


def law(
    grade: Grade,
    *,
    functions: Sequence[str] = FUNCTIONS,
    complete: bool = False,
    far: Collection[str] = (),
    **domain: Any,
) -> Callable[[Callable[[Trial], None]], Any]:
    """Decorate a check of one `Trial`: it becomes a pytest test of the law for each function.

    The name of the law is that of the check. `domain` has the fields of its `Domain`.
    """

    def decorate(check: Callable[[Trial], None]) -> Any:
        name = check.__name__.removeprefix("test_").replace("_", " ")

        @pytest.mark.parametrize("function", functions)
        def test(function: str, turn: Turn) -> None:
            turn.run()

        test.__name__ = test.__qualname__ = check.__name__
        test.__doc__ = check.__doc__
        test.__module__ = check.__module__
        checked = reports_form(check)
        stated = Law(name, grade, checked, functions, Domain(**domain), complete, far)
        test.law = stated  # type: ignore[attr-defined]
        return pytest.mark.law(name, grade)(getattr(pytest.mark, grade)(test))

    return decorate
