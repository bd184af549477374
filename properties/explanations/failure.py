"""A failure as data (facts, claims, the command that reproduces it), and its message."""

import shlex
from functools import cached_property
from itertools import zip_longest

from oracle.explanations.claims import Claim, mistake
from oracle.explanations.words import texts_of_facts
from oracle.faults import mistakes_raising
from oracle.witnesses.verdict import Facts
from properties.explanations.explanation import Explanation, explain
from properties.explanations.printed_values import printed_arguments
from properties.trials.trial import ViolationError

NO_ANSWER = ("died", "raised", "form")
"""The facts of a call that returned no valid answer. Claims of these kinds repeat the facts."""


class Failure:
    """A violation with its facts and its explanation, which are both computed on first access."""

    def __init__(self, violation: ViolationError) -> None:
        self.problem = violation.trial.problem
        self.trial = violation.trial
        self._violation = violation

    @cached_property
    def facts(self) -> Facts:
        """The facts as data for JSON, with the memory layout of the arguments if it is not C order."""
        try:
            facts = dict(self._violation.facts())
            for layout in self.trial.arrangements - {"C"}:  # a law uses at most one
                facts["layout"] = layout
            return facts
        except Exception as error:  # report the failure without its facts
            return {"off_by": f"the harness broke, please report it: {error!r}"}

    @cached_property
    def explanation(self) -> Explanation:
        """The explanation; empty after a crash or a hang, which further calls could repeat."""
        facts = self._violation.cheap_facts
        if "died" in facts:
            return Explanation()
        # The fact `form` already says what is wrong. An exception may be raised far from the wrong equation.
        locating = not {"form", "raised"} & {*facts}
        return explain(self._violation, whole="form" in facts, locating=locating)

    @property
    def claims(self) -> list[Claim]:
        """The claims: first mistakes, then the error or the crash, then a location, then the others."""
        facts, claims = self._violation.cheap_facts, [*self.explanation.claims]
        place = {"at": facts["at"]} if "at" in facts else {}
        if "raised" in facts:
            names = mistakes_raising(self.trial.contract.name, **facts["raised"])
            of_error = [mistake(name) for name in names]
            others = [each for each in claims if not each.is_of_numbers and each not in of_error]
            claims = [*of_error, *others, Claim.of("raised", **facts["raised"], **place)]
        if "died" in facts:
            claims.append(Claim.of("died", reason=facts["died"], **place))
        if "form" in facts:
            claims.append(Claim.of("form", text=facts["form"]))
        order = {"raised": 1, "died": 1, "location": 2, "misreading": 2, "form": 3}
        return sorted(claims, key=lambda each: 0 if each.is_mistake else order.get(each.kind, 4))

    @cached_property
    def message(self) -> str:
        """The text of the failure: a line for the law, then labelled lines."""
        trial = self.trial
        text_by_label = texts_of_facts(self.facts)
        if self.explanation.inherited:
            source = trial.contract.source
            reason = (
                "this function is right if it calls a right cell"
                if trial.contract.cell
                else f"the gradients are those of the wrong {source} of this target"
            )
            text_by_label["inherited"] = f"from {source}: {reason}"
        mistakes = [each for each in self.claims if each.is_mistake]
        others = [each for each in self.claims if not each.is_mistake and each.kind not in NO_ANSWER]
        if mistakes:
            text_by_label["looks like"] = "\n".join(each.words for each in mistakes[:3])
            if remedies := mistakes[0].remedies:
                text_by_label["to mend it"] = "\n".join(remedies)
        elif others:
            text_by_label["unknown mistake"] = "\n".join(line for each in others for line in each.lines)
        text_by_label["problem"] = repr(trial.problem)
        if text := printed_arguments(trial.inputs, trial.contract.name):
            text_by_label["input"] = text
            if self._violation.inputs is not None:
                later = printed_arguments(self._violation.inputs, trial.contract.name, trial.inputs)
                text_by_label |= {"then with": later} if later else {}
        implementation, chosen = trial.implementation, trial.contract.name
        if not self.explanation.is_reproducible:  # after the calls of other laws, the law may fail
            chosen += f" and {trial.law.name.replace(' ', '_')}"
        words = [*implementation.settings.command, implementation.target, "-k", chosen]
        reproduce = f"{shlex.join(words)} --reproduce '{trial.problem!r}'"
        if words[0] == "judge":  # of objects of Python
            options = *implementation.settings.command[1:], "-k", chosen
            reproduce = f"judge(…, {', '.join(map(repr, [*options, '--reproduce', repr(trial.problem)]))})"
        if not self.explanation.is_reproducible:
            reproduce += "\nWith this command, the law held: it fails only after other calls, or by chance."
        text_by_label["reproduce"] = reproduce
        if trial.is_stored:
            text_by_label["stored"] = "by an earlier run in .hypothesis, so that this run tried it first"
        width = max(map(len, text_by_label))
        lines = (
            f"  {label:<{width}}  {line}"
            for name, text in text_by_label.items()
            for label, line in zip_longest([name], text.splitlines(), fillvalue="")
        )
        return "\n".join([str(self._violation), *lines])
