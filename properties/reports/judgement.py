"""Makes the verdicts on a target and on each of its functions from the results of all laws."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from oracle.witnesses.verdict import Facts
from properties.reports.results import GRADES, LawResult
from properties.trials.provided_functions import PRESENCE, PROVIDED
from properties.worker.own_modules import OWN_CODE
from reference.contract import CONTRACTS

Verdict = Literal[
    "left", "unusable", "differs", "not judged", "unfinished", "incomplete", "not robust", "conforms"
]
"""The verdicts, the worst first. docs/report.md defines them."""

CACHE_LAWS = frozenset({"cache entries", "cached inputs", "gate ranges"})
"""The laws that only wrong caches violate."""


@dataclass(frozen=True)
class Judgement:
    """The results of all laws on one target. If the target `is_left`, some laws have not run on it."""

    implementation: str
    results: Sequence[LawResult]
    is_left: bool = False

    @property
    def functions(self) -> list[str]:
        """The functions that were selected, in the order of the contracts."""
        selected = {result.function for result in self.results}
        return [name for name in CONTRACTS if name in selected]

    @property
    def forwards(self) -> list[str]:
        """The forward passes that were selected."""
        return [name for name in self.functions if name not in self.backwards]

    @property
    def backwards(self) -> list[str]:
        """The backward passes that were selected."""
        return [name for name in self.functions if CONTRACTS[name].is_backward]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict on a forward pass; on a backward pass, if the target has no forward pass."""
        return self._worst(self.forwards or self.functions)

    @property
    def backward(self) -> Verdict | None:
        """The worst verdict on a backward pass; `None` unless the target also has forward passes."""
        is_judged = not (self.is_left or self.why_unusable)
        return self._worst(self.backwards) if is_judged and self.backwards and self.forwards else None

    @property
    def verdict_in_words(self) -> str:
        """The verdicts on forward and backward passes; also a *not robust* that a missing function hides.

        If the target imports our reference or oracle, this is said, too.
        """
        verdict: str = self.verdict
        others = map(self.verdict_on, self.forwards or self.functions)
        if verdict in ("incomplete", "unfinished") and "not robust" in others:
            verdict += ", not robust"
        if self.backward not in (None, self.verdict):
            verdict = f"forward {verdict}, backward {self.backward}"
        return verdict + f", {OWN_CODE}" * any(note.endswith(OWN_CODE) for note in self.notes)

    def _worst(self, functions: Sequence[str]) -> Verdict:
        """The worst verdict, but *not robust* in place of *not judged* if every spec law has a result."""
        verdicts = {self.verdict_on(function) for function in ("", *functions)}
        unjudged = {each.grade for function in functions for each in self.unjudged_laws(function)}
        if "not robust" in verdicts and "spec" not in unjudged:
            verdicts.discard("not judged")
        return min(verdicts, key=get_args(Verdict).index)

    def verdict_on(self, function: str) -> Verdict:
        """The verdict on one function: *not judged* if a law without a result could make it worse."""
        if self.is_left:
            return "left"
        if self.why_unusable:
            return "unusable"
        if self._is_unfinished(function):
            return "unfinished"
        if self.why_missing(function):
            return "incomplete"
        grades = {result.grade for result in self.failures(function)}
        if "spec" in grades:
            return "differs"
        unjudged = {result.grade for result in self.unjudged_laws(function)}
        if "spec" in unjudged or (unjudged and not grades):
            return "not judged"
        return "not robust" if grades else "conforms"

    def _is_unfinished(self, function: str) -> bool:
        """Whether a function, or the function whose failures it inherits, has placeholders."""
        source = CONTRACTS[function].source if function and self.inherits(function) else function
        return any(each.unfinished for each in [*self.results_on(function), *self.results_on(source)])

    @property
    def why_unusable(self) -> str:
        """Why the target cannot be judged; empty for a usable target."""
        return next((result.message for result in self.results if not result.usable), "")

    def why_missing(self, function: str) -> str:
        """Why a function is missing or has wrong parameters; empty if the function can be called."""
        for result in self.results_on(function):
            is_skipped = result.status == "skipped" and not (result.all_left_out or result.declared)
            if is_skipped or (result.status == "failed" and result.law == PROVIDED):
                return result.message
        return ""

    @property
    def limits(self) -> Sequence[str]:
        """The limits that the target declares, in words."""
        return next((result.limits for result in self.results if result.limits), ())

    @property
    def understood(self) -> Facts:
        """The facts of a module of a framework; empty for any other target."""
        return next((result.understood for result in self.results if result.understood), {})

    @property
    def notes(self) -> Sequence[str]:
        """A line for each statement that was skipped and each module that was replaced during loading."""
        return [note for result in self.results_on("") for note in result.notes]

    @property
    def helpers(self) -> list[str]:
        """The functions of helper modules that cause failures."""
        return list(dict.fromkeys(name for result in self.results for name in result.helpers))

    @property
    def laws_failed(self) -> int:
        """The number of laws that fail, each counted once, without failures that helper modules cause."""
        return len({each.law for each in self.results if each.status == "failed" and not each.helpers})

    @property
    def overall(self) -> Verdict:
        """The verdict on forward and backward passes together, without unfinished backward passes."""
        return self.verdict if self.backward in (None, "unfinished") else self._worst(self.functions)

    def results_on(self, function: str) -> list[LawResult]:
        """The results on a function; `""` stands for the target as a whole."""
        return [result for result in self.results if result.function == function]

    def failures(self, function: str | None = None) -> list[LawResult]:
        """The failures of a function, or of all functions, that the target itself causes."""
        results = self.results if function is None else self.results_on(function)
        failed = [result for result in results if result.status == "failed"]
        return [result for result in failed if not (result.ours or result.helpers)]

    def unjudged_laws(self, function: str) -> list[LawResult]:
        """The laws without a result on a function."""
        laws = [result for result in self.results_on(function) if result.law not in PRESENCE]
        if laws and all(result.declared for result in laws):  # limits exclude every law
            return laws
        broken = [result for result in self.results_on(function) if result.ours]
        return broken + [result for result in laws if result.all_left_out]

    def grades_held(self, function: str, *, without_inherited: bool = False) -> list[str]:
        """The grades in which all laws that ran hold; empty for verdicts like *not judged* or *incomplete*.

        With `without_inherited`, inherited failures do not count.
        """
        if self.verdict_on(function) not in ("conforms", "not robust", "differs"):
            return []
        ran = [each for each in self.results_on(function) if each.status != "skipped"]
        ran = [each for each in ran if each.law not in PRESENCE]
        failed = [each for each in ran if each.status == "failed" and not each.helpers]
        broken = {each.grade for each in failed if not (without_inherited and each.inherited)}
        return [grade for grade in GRADES if grade in {result.grade for result in ran} - broken]

    def inherits(self, function: str) -> bool:
        """Whether the function inherits all failures that decide the verdict on it."""
        failures = self._deciding_failures(function)
        return bool(failures) and all(result.inherited for result in failures)

    def only_caches_wrong(self, function: str) -> bool:
        """Whether the function returns right outputs, but wrong caches."""
        failed = {result.law for result in self.failures(function)}
        return bool(failed) and failed <= CACHE_LAWS

    def _deciding_failures(self, function: str) -> list[LawResult]:
        """The failures of spec laws; if there are none, all failures."""
        failures = self.failures(function)
        return [result for result in failures if result.grade == "spec"] or failures

    def remark_on(self, function: str) -> str:
        """A remark on the verdict: what is missing, where the mistake is, or what it looks like."""
        if reason := self.why_unusable or self.why_missing(function):
            return reason
        if self.verdict_on(function) == "not judged":
            first, *_ = results = self.unjudged_laws(function)
            laws = [each.law for each in results if each.ours == first.ours]
            reason = "the harness broke" if first.ours else first.message
            return f"{reason} in {', '.join(laws[:3])}{', …' if len(laws) > 3 else ''}"
        remarks = []
        if self.only_caches_wrong(function) and self._deciding_failures(function)[0].grade == "spec":
            remarks.append("outputs right, caches wrong")
        if self.inherits(function):
            remarks.append(f"inherited from its {'cell' if CONTRACTS[function].cell else 'forward pass'}")
        findings = [each.findings[0] for each in self._deciding_failures(function) if each.findings]
        if findings:
            counts = Counter(each.cause for each in findings)
            remarks.append(max(findings, key=lambda each: counts[each.cause]).words)
        return "; ".join(remarks)


def judgements(results: Sequence[LawResult], left: Sequence[str] = ()) -> list[Judgement]:
    """The judgement of each target. `left` are the targets on which some laws, or all, have not run."""
    order = ["", *CONTRACTS]
    by_name: dict[str, list[LawResult]] = {name: [] for name in left}
    for result in sorted(
        results, key=lambda each: (each.grade == "robust", each.law, order.index(each.function))
    ):
        by_name.setdefault(result.implementation, []).append(result)
    return [
        Judgement(name, _without_false_inheritance(by_name[name]), name in left) for name in sorted(by_name)
    ]


def _without_false_inheritance(results: Sequence[LawResult]) -> list[LawResult]:
    """Mark failures as not inherited if every law holds on the function that would have caused them."""
    judged = {each.function for each in results if each.status != "skipped"}
    right = judged - {each.function for each in results if each.status == "failed"}
    return [
        replace(each, inherited=False)
        if each.inherited and each.function and CONTRACTS[each.function].source in right
        else each
        for each in results
    ]
