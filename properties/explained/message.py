"""A law that does not hold, and the message that says so."""

from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING

from oracle.traces import NEARLY
from properties.explanation import Explanation, explain

if TYPE_CHECKING:
    from properties.trial import Trial


class ViolationError(AssertionError):
    """A law that does not hold. Shrinking raises many, so the words are found when they are asked for."""

    def __init__(self, trial: "Trial", facts: Mapping[str, str] | Callable[[], Mapping[str, str]]) -> None:
        super().__init__()
        self.trial = trial
        self._facts = facts

    @cached_property
    def explanation(self) -> Explanation:
        """Which mistake it looks like. What dies is not asked again."""
        facts = self._facts if isinstance(self._facts, Mapping) else {}
        return Explanation() if "died" in facts else explain(self.trial, whole="form" in facts)

    @property
    def diagnosis(self) -> list[str]:
        """The mistakes that it looks like, best first; else what it did instead of answering."""
        facts = self._facts if isinstance(self._facts, Mapping) else {}
        instead = [facts[name] for name in ("died", "raised", "form") if name in facts]
        return list(self.explanation.looks_like) or instead

    @cached_property
    def message(self) -> str:
        """The law, the function, what was found, what it looks like, and the lines that bring it back."""
        trial, why = self.trial, self.explanation
        facts = self._facts if isinstance(self._facts, Mapping) else self._facts()
        if why.inherited:
            cell = trial.contract.cell
            alone = f"from {cell}: with a known-right cell in its place this function is right"
            facts = {**facts, "inherited": alone}
        if why.looks_like:
            facts = {**facts, "looks like": "\n".join(why.looks_like[:3])}
        elif why.traces and (why.traces != NEARLY or "raised" not in facts):
            facts = {**facts, "no known mistake": why.traces}
        facts = {**facts, "problem": repr(trial.problem), "reproduce": trial.reproduction}
        if not why.shows_alone:
            facts["reproduce"] += "\nwhich alone is answered right; the run as a whole is not"
        width = max(map(len, facts))
        title = f"{trial.contract.name} of {trial.implementation.target}: {trial.law} (a {trial.grade} law)"
        lines = (
            f"  {label:<{width}}  {line}"
            for name, text in facts.items()
            for label, line in zip_longest([name], text.splitlines(), fillvalue="")
        )
        return "\n".join([title, *lines])

    def __str__(self) -> str:
        return self.message
