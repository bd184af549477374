"""A failure as its reader sees it: the message, the diagnosis, the line that brings it back."""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from itertools import zip_longest

from oracle.diagnosis.traces import NEARLY
from oracle.faults.catalogue.raised import by_error
from properties.explained.explanation import Explanation, explain
from properties.explained.values import values
from properties.judged.trial import Trial, ViolationError


class Failure:
    """A violation in words, which are found when they are asked for."""

    def __init__(self, violation: ViolationError) -> None:
        self.problem = violation.trial.problem
        self._trial = violation.trial
        self._violation = violation

    @cached_property
    def explanation(self) -> Explanation:
        """Which mistake it looks like. What dies is not asked again."""
        facts = self._known
        if "died" in facts:
            return Explanation()
        # A form says itself what is wrong, and what raises need not do so for what is wrong elsewhere.
        locating = not {"form", "raised"} & {*facts}
        why = explain(self._trial, whole="form" in facts, locating=locating)
        return replace(why, looks_like=[*by_error(facts.get("raised", "")), *why.looks_like])

    @property
    def diagnosis(self) -> list[str]:
        """The mistakes that it looks like, best first; else what it did instead of answering, or where."""
        facts, why = self._known, self.explanation
        instead = [facts[name] for name in ("died", "raised") if name in facts]
        form = [facts["form"]] if "form" in facts else []
        return list(why.looks_like) or instead or ([str(why.located)] if why.located else form)

    @cached_property
    def message(self) -> str:
        """The law, the function, what was found, what it looks like, and the lines that bring it back."""
        trial, why = self._trial, self.explanation
        try:
            facts = self._violation.facts()
        except Exception as error:  # that a law does not hold is known, whatever comes of this
            facts = {"off": f"the harness broke in finding out how far, please report it: {error!r}"}
        if why.inherited:
            cell = trial.contract.cell
            alone = f"from {cell}: with a known-right cell in its place this function is right"
            facts = {**facts, "inherited": alone}
        if why.looks_like:
            facts = {**facts, "looks like": "\n".join(why.looks_like[:3])}
        elif why.located:
            facts = {**facts, "unknown mistake": "\n".join(why.located.lines)}
        elif why.traces and (why.traces != NEARLY or "raised" not in facts):
            facts = {**facts, "unknown mistake": why.traces}
        shown = values(trial.problem, trial.contract.name)
        given = {"input": shown} if shown else {}
        facts = {**facts, "problem": repr(trial.problem), **given, "reproduce": reproduction(trial)}
        if not why.shows_alone:
            facts["reproduce"] += "\nwhich alone is answered right; the run as a whole is not"
        width = max(map(len, facts))
        lines = (
            f"  {label:<{width}}  {line}"
            for name, text in facts.items()
            for label, line in zip_longest([name], text.splitlines(), fillvalue="")
        )
        return "\n".join([str(self._violation), *lines])

    @property
    def _known(self) -> Mapping[str, str]:
        """The facts that were known at once; a comparison finds its own out when they are shown."""
        return self._violation.known


def reproduction(trial: Trial) -> str:
    """The command that runs the laws of a trial's function on its problem alone."""
    words = [*trial.implementation.command, trial.implementation.target, "-k", trial.contract.name]
    return f"{shlex.join(words)} --reproduce '{trial.problem!r}'"
