"""The judgement of a target: the verdicts that the results of all laws make. All reports are views of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from oracle.verdict import Facts
from properties.reports.results import GRADES, LawResult
from properties.trials.provided_functions import PRESENCE, PROVIDED
from reference.contract import CONTRACTS

Verdict = Literal[
    "left", "unusable", "differs", "not judged", "unfinished", "incomplete", "not robust", "conforms"
]
"""The verdicts, the worst first."""

CACHES = frozenset({"cache entries", "cached inputs", "gate ranges"})
"""The laws about caches alone."""


@dataclass(frozen=True)
class Judgement:
    """The results of all laws on one target. If it `is_left`, some of its laws have not run."""

    implementation: str
    results: Sequence[LawResult]
    is_left: bool = False

    @property
    def functions(self) -> list[str]:
        """The functions that were selected, in the order of the contracts."""
        selected = {result.function for result in self.results}
        return [name for name in CONTRACTS if name in selected]

    @property
    def _forwards(self) -> list[str]:
        return [name for name in self.functions if not CONTRACTS[name].is_backward]

    @property
    def verdict(self) -> Verdict:
        """The verdict on the worst forward pass; if there is none, on the worst backward pass."""
        return self._worst(self._forwards or self.functions)

    @property
    def backward(self) -> Verdict | None:
        """The verdict on the worst backward pass; `None` unless there are forward passes, too."""
        backwards = [name for name in self.functions if CONTRACTS[name].is_backward]
        is_judged = not (self.is_left or self.why_unusable)
        return self._worst(backwards) if is_judged and backwards and self._forwards else None

    @property
    def verdict_in_words(self) -> str:
        """The verdict, and what it hides: functions that are not robust, and a verdict on backward passes."""
        verdict: str = self.verdict
        others = map(self.verdict_on, self._forwards or self.functions)
        if verdict in ("incomplete", "unfinished") and "not robust" in others:
            verdict += ", not robust"
        if self.backward in (None, self.verdict):
            return verdict
        return f"forward {verdict}, backward {self.backward}"

    def _worst(self, functions: Sequence[str]) -> Verdict:
        """The worst verdict. If a function is not robust, robust laws without a result do not matter."""
        verdicts = {self.verdict_on(function) for function in ("", *functions)}
        unknown = {each.grade for function in functions for each in self.without_result(function)}
        if "not robust" in verdicts and "spec" not in unknown:
            verdicts.discard("not judged")
        return min(verdicts, key=get_args(Verdict).index)

    def verdict_on(self, function: str) -> Verdict:
        """The verdict on one function. It is *not judged* if the laws without a result could change it."""
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
        unknown = {result.grade for result in self.without_result(function)}
        if "spec" in unknown or (unknown and not grades):
            return "not judged"
        return "not robust" if grades else "conforms"

    def _is_unfinished(self, function: str) -> bool:
        """Whether a function, or the function from which it inherits its failures, has placeholders."""
        source = CONTRACTS[function].source if function and self.inherits(function) else function
        return any(each.unfinished for each in [*self.on(function), *self.on(source)])

    @property
    def why_unusable(self) -> str:
        """Why the target cannot be judged; empty if it can."""
        return next((result.message for result in self.results if not result.usable), "")

    def why_missing(self, function: str) -> str:
        """Why a function cannot be judged; empty if it can."""
        for result in self.on(function):
            is_skipped = result.status == "skipped" and not (result.says_nothing or result.declared)
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
        """A line for each statement that was skipped, and each module that was replaced, in loading."""
        return [note for result in self.on("") for note in result.notes]

    @property
    def helpers(self) -> list[str]:
        """The functions of helper modules that alone cause failures."""
        return list(dict.fromkeys(name for result in self.results for name in result.helpers))

    @property
    def laws_failed(self) -> int:
        """How many laws fail on any function."""
        return len({each.law for each in self.results if each.status == "failed" and not each.helpers})

    @property
    def whole(self) -> Verdict:
        """The verdict on forward and backward passes together; unfinished backward passes do not count."""
        if self.backward in (None, "unfinished"):
            return self.verdict
        return self._worst(self.functions)

    def on(self, function: str) -> list[LawResult]:
        """The results on a function; on the whole target if it is empty."""
        return [result for result in self.results if result.function == function]

    def failures(self, function: str) -> list[LawResult]:
        """The failures of a function that the target itself causes."""
        failed = [result for result in self.on(function) if result.status == "failed"]
        return [result for result in failed if not (result.ours or result.helpers)]

    def without_result(self, function: str) -> list[LawResult]:
        """The laws without a result on a function: the harness broke, or all their problems were left out.

        If declared limits exclude every law, these are all its laws.
        """
        laws = [result for result in self.on(function) if result.law not in PRESENCE]
        if laws and all(result.declared for result in laws):
            return laws
        broken = [result for result in self.on(function) if result.ours]
        return broken + [result for result in laws if result.says_nothing]

    def holds(self, function: str, *, of_its_own: bool = False) -> list[str]:
        """The grades in which every law that ran holds on a function.

        With `of_its_own`, failures that the function inherits do not count.
        """
        if self.verdict_on(function) not in ("conforms", "not robust", "differs"):
            return []
        ran = [each for each in self.on(function) if each.status != "skipped" and each.law not in PRESENCE]
        failed = [each for each in ran if each.status == "failed" and not each.helpers]
        broken = {each.grade for each in failed if not (of_its_own and each.inherited)}
        return [grade for grade in GRADES if grade in {result.grade for result in ran} - broken]

    def inherits(self, function: str) -> bool:
        """Whether the function inherits all failures that decide the verdict on it."""
        failures = self._deciding(function)
        return bool(failures) and all(result.inherited for result in failures)

    def caches_alone(self, function: str) -> bool:
        """Whether only laws about caches fail on a function."""
        failed = {result.law for result in self.failures(function)}
        return bool(failed) and failed <= CACHES

    def _deciding(self, function: str) -> list[LawResult]:
        """The failures of spec laws; if there are none, all failures."""
        failures = self.failures(function)
        return [result for result in failures if result.grade == "spec"] or failures

    def remark_on(self, function: str) -> str:
        """A remark on the verdict: what is missing, where the mistake is, or what it looks like."""
        if lacking := self.why_unusable or self.why_missing(function):
            return lacking
        if self.verdict_on(function) == "not judged":
            first, *_ = results = self.without_result(function)
            laws = [each.law for each in results if each.ours == first.ours]
            why = "the harness broke" if first.ours else first.message
            return f"{why} in {', '.join(laws[:3])}{', …' if len(laws) > 3 else ''}"
        remarks = []
        if self.caches_alone(function) and self._deciding(function)[0].grade == "spec":
            remarks.append("outputs right, caches wrong")
        if self.inherits(function):
            remarks.append(f"inherited from its {'forward pass' if CONTRACTS[function].is_layer else 'cell'}")
        causes = Counter(each.findings[0].cause for each in self._deciding(function) if each.findings)
        if causes:
            ((cause, _),) = causes.most_common(1)
            known = (each.findings[0] for each in self.failures(function) if each.findings)
            remarks.append(next(finding.words for finding in known if finding.cause == cause))
        return "; ".join(remarks)


def judgements(results: Sequence[LawResult], left: Sequence[str] = ()) -> list[Judgement]:
    """The results by target, sorted by grade, law and function. Targets that are `left` may have none.

    No function inherits a mistake from one on which every law holds.
    """
    order = ["", *CONTRACTS]
    by_name: dict[str, list[LawResult]] = {name: [] for name in left}
    for result in sorted(results, key=lambda it: (it.grade == "robust", it.law, order.index(it.function))):
        by_name.setdefault(result.implementation, []).append(result)
    return [Judgement(name, _with_right_sources(by_name[name]), name in left) for name in sorted(by_name)]


def _with_right_sources(results: Sequence[LawResult]) -> list[LawResult]:
    judged = {each.function for each in results if each.status != "skipped"}
    right = judged - {each.function for each in results if each.status == "failed"}
    return [
        replace(each, inherited=False)
        if each.inherited and each.function and CONTRACTS[each.function].source in right
        else each
        for each in results
    ]
