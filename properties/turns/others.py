"""Counterexamples of others: who failed by the same reply as another did is asked what that failure became.

Many make the same mistake, and to make its failure small anew takes many calls of each of them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from oracle.problem import Problem
from properties.answered.answers import ask
from properties.judged.law import Law
from properties.judged.trial import THE_PROBLEM, Trial

KEPT = 2**12
"""How many failures are kept."""


class Counterexamples:
    """What failures were made to: the smallest problem, and what was replied to it."""

    def __init__(self) -> None:
        self._smallest: dict[Any, tuple[Problem, bytes]] = {}

    def keep(self, law: Law, found: Trial, smallest: Trial) -> None:
        """That the law did not hold of one trial, and at last of another."""
        digest = _reply(smallest)
        if _reply(found) and digest:
            if len(self._smallest) >= KEPT:
                self._smallest.clear()
            self._smallest[_key(law, found)] = smallest.problem, digest

    def alike(self, law: Law, found: Trial) -> Iterator[Sequence[Problem]]:
        """The smallest problem of who was found with the same, if the reply to it is the same, too."""
        if found_before := self._smallest.get(_key(law, found)):
            problem, digest = found_before
            if ask(found.implementation, found.contract.name, [problem]).reply(0).digest == digest:
                yield [problem]


COUNTEREXAMPLES = Counterexamples()


def _key(law: Law, found: Trial) -> Any:
    return law, found.contract.name, found.implementation.limits, found.problem, _reply(found)


def _reply(trial: Trial) -> bytes:
    """The digest of the reply to the problem, if that alone says that the law does not hold."""
    match trial.replies:
        case [(request, digest)] if request is THE_PROBLEM:
            return digest
    return b""
