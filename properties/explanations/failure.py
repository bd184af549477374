"""A failure as data (facts, findings, the command that reproduces it), and its message."""

import shlex
from functools import cached_property
from itertools import zip_longest

from oracle.diagnosis.findings import Finding, found, in_words, is_far, mistake
from oracle.faults import by_error
from oracle.verdict import Facts
from properties.explanations.explanation import Explanation, explain
from properties.explanations.printed_values import values
from properties.trials.trial import Trial, ViolationError

NO_ANSWER = ("died", "raised", "form")
"""The names of facts and kinds of findings for a call that does not return a valid answer."""


class Failure:
    """A violation with its facts and its explanation, which are computed on first access."""

    def __init__(self, violation: ViolationError) -> None:
        self.problem = violation.trial.problem
        self.trial = violation.trial
        self._violation = violation

    @cached_property
    def facts(self) -> Facts:
        """The facts of the violation as data for JSON, with the layout of the arguments if it is unusual."""
        try:
            facts = dict(self._violation.facts())
            for layout in self.trial.arrangements - {"C"}:  # one at most
                facts["layout"] = layout
            return facts
        except Exception as error:  # report the failure without its facts
            return {"off_by": f"the harness broke, please report it: {error!r}"}

    @cached_property
    def explanation(self) -> Explanation:
        """The explanation of the violation; empty after a crash or a timeout, to avoid another one."""
        facts = self._violation.known
        if "died" in facts:
            return Explanation()
        # The fact `form` says what is wrong, and an exception may be raised far from the wrong equation.
        locating = not {"form", "raised"} & {*facts}
        return explain(self.trial, whole="form" in facts, locating=locating)

    @property
    def findings(self) -> list[Finding]:
        """The findings: first mistakes, then the error or crash, then a location, then everything else."""
        facts, findings = self._violation.known, [*self.explanation.findings]
        place = {"at": facts["at"]} if "at" in facts else {}
        if "raised" in facts:
            by_its_error = [mistake(name) for name in by_error(**facts["raised"])]
            others = [each for each in findings if each.kind != "nearly" and each not in by_its_error]
            findings = [*by_its_error, *others, found("raised", **facts["raised"], **place)]
        if "died" in facts:
            findings.append(found("died", reason=facts["died"], **place))
        if "form" in facts:
            findings.append(found("form", text=facts["form"]))
        if found("nearly") in findings and is_far(self.facts):  # only the calls of this law are wrong
            findings[findings.index(found("nearly"))] = found("only in this law")
        order = {"raised": 1, "died": 1, "location": 2, "form": 3}
        return sorted(findings, key=lambda each: 0 if each.is_mistake else order.get(each.kind, 4))

    @cached_property
    def message(self) -> str:
        """The message: the law, the function, the facts, the likely mistake, the command to reproduce it."""
        trial, why = self.trial, self.explanation
        text_by_label = in_words(self.facts)
        if why.inherited:
            source = trial.contract.source
            reason = (
                f"the gradients are right for the {source} of this target"
                if trial.contract.is_layer
                else "this function is right if it calls a right cell"
            )
            text_by_label["inherited"] = f"from {source}: {reason}"
        mistakes = [each for each in self.findings if each.is_mistake]
        others = [each for each in self.findings if not each.is_mistake and each.kind not in NO_ANSWER]
        if mistakes:
            text_by_label["looks like"] = "\n".join(each.words for each in mistakes[:3])
            if remedies := mistakes[0].remedies:
                text_by_label["to mend it"] = "\n".join(remedies)
        elif others:
            text_by_label["unknown mistake"] = "\n".join(line for each in others for line in each.lines)
        shown = values(trial.problem, trial.contract.name)
        given = {"input": shown} if shown else {}
        text_by_label |= {"problem": repr(trial.problem), **given, "reproduce": reproduction(trial)}
        if trial.stored:
            text_by_label["stored"] = "in .hypothesis by an earlier run, and tried first"
        if not why.shows_alone:
            text_by_label["reproduce"] += (
                "\nwhich passes: the answer is wrong only after other calls, or by chance"
            )
        width = max(map(len, text_by_label))
        lines = (
            f"  {label:<{width}}  {line}"
            for name, text in text_by_label.items()
            for label, line in zip_longest([name], text.splitlines(), fillvalue="")
        )
        return "\n".join([str(self._violation), *lines])


def reproduction(trial: Trial) -> str:
    """The command that runs the laws of a trial's function on its problem."""
    words = [*trial.implementation.settings.command, trial.implementation.target, "-k", trial.contract.name]
    return f"{shlex.join(words)} --reproduce '{trial.problem!r}'"
