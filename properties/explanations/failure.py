"""A failure as data (facts, findings, the command that reproduces it), and its message."""

import shlex
from functools import cached_property
from itertools import zip_longest

from oracle.diagnosis.facts import in_words, is_far
from oracle.diagnosis.findings import Finding, found, mistake
from oracle.faults.catalogue.raised import by_error
from oracle.verdict import Facts
from properties.explanations.explanation import Explanation, explain
from properties.explanations.printed_values import values
from properties.trials.trial import Trial, ViolationError

INSTEAD = ("died", "raised", "form")
"""What a function does instead of returning an answer: facts of violations, and kinds of findings."""


class Failure:
    """A violation with its facts and its explanation, which are computed on first access."""

    def __init__(self, violation: ViolationError) -> None:
        self.problem = violation.trial.problem
        self.trial = violation.trial
        self._violation = violation

    @cached_property
    def facts(self) -> Facts:
        """The facts of the violation, as data for JSON."""
        try:
            return self._violation.facts()
        except Exception as error:  # the failure itself is known all the same
            return {"off_by": f"the harness broke, please report it: {error!r}"}

    @cached_property
    def explanation(self) -> Explanation:
        """The explanation of the violation; empty if the function died, since it is not called again."""
        facts = self._violation.known
        if "died" in facts:
            return Explanation()
        # A wrong form explains itself, and an exception may be raised far from the wrong equation.
        locating = not {"form", "raised"} & {*facts}
        return explain(self.trial, whole="form" in facts, locating=locating)

    @property
    def findings(self) -> list[Finding]:
        """The findings, the best first: mistakes, what happened instead of an answer, a location."""
        facts, known = self._violation.known, self.explanation.findings
        place = {"at": facts["at"]} if "at" in facts else {}
        findings = [each for each in known if each.is_mistake]
        if "raised" in facts:
            by_its_error = [mistake(name) for name in by_error(**facts["raised"])]
            findings = [*by_its_error, *findings, found("raised", **facts["raised"], **place)]
            known = [each for each in known if each.kind != "nearly"]
        if "died" in facts:
            findings.append(found("died", reason=facts["died"], **place))
        findings += [each for each in known if each.kind == "location"]
        if "form" in facts:
            findings.append(found("form", text=facts["form"]))
        known = [each for each in known if each not in findings]
        if found("nearly") in known and is_far(self.facts):  # the law made another kind of call
            return [*findings, found("only so asked")]
        return findings + known

    @cached_property
    def message(self) -> str:
        """The law, the function, the facts, the likely mistake, and the command that reproduces it all."""
        trial, why = self.trial, self.explanation
        said = in_words(self.facts)
        if why.inherited:
            source = trial.contract.source
            why_so = (
                "these are the gradients of what it computes"
                if trial.contract.is_layer
                else "with a known-right cell in its place this function is right"
            )
            said["inherited"] = f"from {source}: {why_so}"
        mistakes = [each for each in self.findings if each.is_mistake]
        others = [each for each in self.findings if not each.is_mistake and each.kind not in INSTEAD]
        if mistakes:
            said["looks like"] = "\n".join(each.words for each in mistakes[:3])
            if remedies := mistakes[0].remedies:
                said["to mend it"] = "\n".join(remedies)
        elif others:
            said["unknown mistake"] = "\n".join(line for each in others for line in each.lines)
        shown = values(trial.problem, trial.contract.name)
        given = {"input": shown} if shown else {}
        said |= {"problem": repr(trial.problem), **given, "reproduce": reproduction(trial)}
        if trial.stored:
            said["stored"] = "in .hypothesis by an earlier run, and tried first"
        if not why.shows_alone:
            said["reproduce"] += "\nwhich passes, because this problem alone is answered right"
        width = max(map(len, said))
        lines = (
            f"  {label:<{width}}  {line}"
            for name, text in said.items()
            for label, line in zip_longest([name], text.splitlines(), fillvalue="")
        )
        return "\n".join([str(self._violation), *lines])


def reproduction(trial: Trial) -> str:
    """The command that runs the laws of a trial's function on its problem."""
    words = [*trial.implementation.settings.command, trial.implementation.target, "-k", trial.contract.name]
    return f"{shlex.join(words)} --reproduce '{trial.problem!r}'"
