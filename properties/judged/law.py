"""A law: one thing that holds of every right implementation, checked on problems that Hypothesis draws."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, target
from hypothesis import strategies as st

from oracle.problem import Problem
from properties.answer import MalformedError
from properties.example import pose
from properties.isolation.implementation import Implementation, TargetMissing, Unusable
from properties.reporting.results import Tally
from properties.strategies import Domain, Effort, examples, of_equal_sizes, wide_and_long
from properties.trial import Grade, Trial
from properties.turn import Turn
from reference.contract import CONTRACTS

FUNCTIONS = tuple(CONTRACTS)
FORWARDS = tuple(name for name, contract in CONTRACTS.items() if not contract.is_cell)
LSTM = tuple(name for name, contract in CONTRACTS.items() if contract.kind == "lstm")


@dataclass(frozen=True)
class Law:
    """What must hold of the functions it concerns: a check of one `Trial`, and the problems it is about.

    It is complete if any wrong output violates it, of whatever size, in ordinary numbers. Every test that
    `law` makes holds its own as its attribute `law`.
    """

    name: str
    grade: Grade
    functions: Sequence[str]
    check: Callable[[Trial], None]
    domain: Domain
    complete: bool = False

    def examples(self, function: str, effort: Effort) -> st.SearchStrategy[Sequence[Problem]]:
        """The problems on which it is checked, some at a time."""
        return examples(function, effort, self.domain)

    def more_examples(self, function: str, effort: Effort) -> Sequence[Sequence[Problem]]:
        """Those that it is checked on whatever is drawn."""
        far = wide_and_long(function) if self.complete else ()
        return [*of_equal_sizes(function, effort, self.domain), *far]

    def concerns(self, function: str, problem: Problem) -> bool:
        """Whether it says something of a function on a problem."""
        return function in self.functions and self.domain.contains(problem, function)

    def trials(
        self, implementation: Implementation, function: str, problems: Sequence[Problem], tally: Tally
    ) -> Iterator[Trial]:
        """A trial of each of these problems, which are posed together."""
        example = pose(implementation, function, problems)
        return (
            Trial(self.name, self.grade, self.check, example, number, tally)
            for number in range(len(problems))
        )

    def check_each(
        self,
        implementation: Implementation,
        function: str,
        examples: Iterable[Sequence[Problem]],
        turn: Turn,
    ) -> None:
        """Check it on these examples, without a search for smaller ones where it does not hold."""

        for problems in examples:
            for trial in self.trials(implementation, function, problems, turn.tally):
                turn.attempt(self.check, trial)


def law(
    grade: Grade, *, functions: Sequence[str] = FUNCTIONS, complete: bool = False, **domain: Any
) -> Callable[[Callable[[Trial], None]], Any]:
    """Make a pytest test of a check of one `Trial`, for each function that it concerns.

    The remaining keywords are those of its `Domain`. The law's name is that of the check.
    """

    def decorate(check: Callable[[Trial], None]) -> Any:
        name = check.__name__.removeprefix("test_").replace("_", " ")
        stated = Law(name, grade, functions, _of_what_is_readable(check), Domain(**domain), complete)

        @pytest.mark.parametrize("function", functions)
        @given(data=st.data())
        def test(
            data: st.DataObject,
            implementation: Implementation,
            function: str,
            effort: Effort,
            exactly: Problem | None,
            turn: Turn,
        ) -> None:
            reason = lacks(implementation, function)
            if reason:
                pytest.skip(reason)
            problems = [exactly] if exactly else data.draw(stated.examples(function, effort))
            _report_events(problems[0])
            ratio = 0.0
            for trial in stated.trials(implementation, function, problems, turn.tally):
                turn.attempt(stated.check, trial)
                ratio = max(ratio, trial.worst_ratio)
            if effort.steered and ratio:
                target(ratio, label="error as a fraction of its bound")

        test.__name__ = test.__qualname__ = check.__name__
        test.__doc__ = check.__doc__
        test.__module__ = check.__module__
        test.law = stated
        return pytest.mark.law(name, grade)(getattr(pytest.mark, grade)(test))

    return decorate


def all_laws() -> list[Law]:
    """Every law, module by module."""
    modules = sorted(f"properties.{path.stem}" for path in Path(__file__).parent.glob("test_*.py"))
    tests = (test for module in modules for test in vars(import_module(module)).values())
    return [test.law for test in tests if isinstance(getattr(test, "law", None), Law)]


def _of_what_is_readable(check: Callable[[Trial], None]) -> Callable[[Trial], None]:
    """The check, of which it is a violation that an answer does not have the form of the contract."""

    def checked(trial: Trial) -> None:
        try:
            check(trial)
        except MalformedError as error:
            raise trial.violation(form=str(error)) from None

    return checked


def unusable(implementation: Implementation) -> str:
    """Why nothing of an implementation can be judged; empty where something can."""
    try:
        implementation.load()
    except (Unusable, TargetMissing) as error:  # a file may go while others are judged
        return str(error)
    return ""


def lacks(implementation: Implementation, function: str) -> str:
    """Why a function of an implementation cannot be judged; empty where it can."""
    if reason := unusable(implementation):
        return reason
    found = implementation.load().functions
    if function not in found:
        return f"{implementation.target} has no {function}"
    contract = CONTRACTS[function]
    expected = ", ".join([*contract.arguments, "parameters"])
    signature = found[function]
    return f"{signature} is another contract, expected ({expected})" if signature else ""


def _report_events(problem: Problem) -> None:
    """What was met, for `--hypothesis-show-statistics`."""
    event(f"dtype {problem.dtype}")
    sizes = problem.sizes
    for name, size in sizes.items():
        if size in (0, 1):
            event(f"{name} = {size}")
    if sizes["T_x"] > sizes["m"]:
        event("T_x > m")
    if len(set(sizes.values())) < len(sizes):
        event("equal sizes")
