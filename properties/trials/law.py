"""A law: one thing that holds of every right implementation."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Protocol

import pytest
from hypothesis import strategies as st

from oracle.limits import ANYTHING, Limits
from oracle.problem import LayerProblem, Problem
from properties.implementations.answer import MalformedError
from properties.implementations.answers import ask
from properties.implementations.implementation import Implementation
from properties.strategies.functions import FAR, Domain, Effort, examples, far, of_equal_sizes
from properties.trials.tally import Tally
from properties.trials.trial import Grade, Trial
from reference.contract import BACKWARDS, CONTRACTS, FUNCTIONS, LAYERS, LAYERS_BACKWARD

EVERY_FORWARD = (*FUNCTIONS, *LAYERS)
EVERY = (*EVERY_FORWARD, *BACKWARDS, *LAYERS_BACKWARD)
FORWARDS = tuple(name for name in FUNCTIONS if not CONTRACTS[name].is_cell)
SEQUENCES_BACKWARD = tuple(name for name in BACKWARDS if not CONTRACTS[name].is_cell)
LSTM = tuple(name for name in FUNCTIONS if CONTRACTS[name].kind == "lstm")


@dataclass(frozen=True)
class Law:
    """What must hold of the functions it concerns: a check of one `Trial`, and the problems it is about.

    It is complete if any wrong output violates it, of whatever size, in ordinary numbers. Problems that are
    `far` from what is drawn are named by their sizes; of a complete law they are all. Every test that `law`
    makes holds its own as its attribute `law`.
    """

    name: str
    grade: Grade
    functions: Sequence[str]
    check: Callable[[Trial], None]
    domain: Domain
    complete: bool = False
    far: Collection[str] = ()

    def declared_away(self, function: str, limits: Limits) -> str:
        """The limit by which it says nothing of a function, in words; empty where it says something."""
        return self.domain.declared_away(function, limits)

    def on(self, networks: Sequence[LayerProblem]) -> "Law":
        """The same law of layers of these networks alone."""
        return replace(self, domain=replace(self.domain, networks=tuple(networks)))

    def within(self, limits: Limits) -> "Law":
        """The same law of no more than a target does."""
        return replace(self, domain=self.domain.within(limits))

    def examples(self, function: str, effort: Effort) -> st.SearchStrategy[Sequence[Problem]]:
        """The problems on which it is checked, some at a time."""
        return examples(function, effort, self.domain)

    def more_examples(self, function: str, effort: Effort) -> Sequence[Sequence[Problem]]:
        """Those that it is checked on whatever is drawn."""
        names = FAR if self.complete else self.far
        large = far(function, self.domain, names) if names else ()
        return [*of_equal_sizes(function, effort, self.domain), *large]

    def concerns(self, function: str, problem: Problem, limits: Limits = ANYTHING) -> bool:
        """Whether it says something of a function on a problem, where a target has such limits."""
        return (
            function in self.functions
            and not self.declared_away(function, limits)
            and self.domain.within(limits).contains(problem, function)
        )

    def trials(
        self, implementation: Implementation, function: str, problems: Sequence[Problem], tally: Tally
    ) -> Iterator[Trial]:
        """A trial of each of these problems, which are asked together."""
        answers = ask(implementation, function, problems)
        return (
            Trial(self.name, self.grade, self.check, answers, number, tally)
            for number in range(len(problems))
        )


class Turn(Protocol):
    """One run of a law on one function; `properties.turns` says how it goes."""

    def run(self) -> None:
        """Raise what was found, as small as it has become; nothing where the law holds."""


def law(
    grade: Grade,
    *,
    functions: Sequence[str] = FUNCTIONS,
    complete: bool = False,
    far: Collection[str] = (),
    **domain: Any,
) -> Callable[[Callable[[Trial], None]], Any]:
    """Make a pytest test of a check of one `Trial`, for each function that it concerns.

    The remaining keywords are those of its `Domain`. The law's name is that of the check.
    """

    def decorate(check: Callable[[Trial], None]) -> Any:
        name = check.__name__.removeprefix("test_").replace("_", " ")

        @pytest.mark.parametrize("function", functions)
        def test(function: str, turn: Turn) -> None:
            turn.run()

        test.__name__ = test.__qualname__ = check.__name__
        test.__doc__ = check.__doc__
        test.__module__ = check.__module__
        readable = _of_what_is_readable(check)
        stated = Law(name, grade, functions, readable, Domain(**domain), complete, far)
        test.law = stated  # type: ignore[attr-defined]
        return pytest.mark.law(name, grade)(getattr(pytest.mark, grade)(test))

    return decorate


def _of_what_is_readable(check: Callable[[Trial], None]) -> Callable[[Trial], None]:
    """The check, of which it is a violation that an answer does not have the form of the contract."""

    @wraps(check)
    def checked(trial: Trial) -> None:
        try:
            check(trial)
        except MalformedError as error:
            raise trial.violation(form=str(error)) from None

    return checked
