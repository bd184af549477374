"""Groups the failures of one target, and of all targets, by mistake."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass

from oracle.diagnosis.findings import Finding, found, mistake
from oracle.problem import Problem
from properties.reports.judgement import Judgement
from properties.reports.results import LawResult
from properties.strategies.effort import work
from reference.contract import CONTRACTS


@dataclass(frozen=True)
class TargetMistake:
    """One mistake of one target: its most specific finding, and the failures that it causes."""

    implementation: str
    finding: Finding
    results: Sequence[LawResult]
    of_caches: bool = False

    @property
    def words(self) -> str:
        """The mistake in words, without the name of the target."""
        return self.finding.title

    @property
    def is_spec(self) -> bool:
        """Whether the mistake causes a failure on ordinary inputs."""
        return any(result.grade == "spec" for result in self.results)

    @property
    def smallest(self) -> LawResult:
        """The failure that represents the mistake."""
        return smallest(self.results, self.finding)

    @property
    def by_function(self) -> dict[str, list[LawResult]]:
        """The failures of each function."""
        return results_by_function(self.results)


@dataclass(frozen=True)
class Mistake:
    """A mistake, with a `TargetMistake` for each target that makes it."""

    cases: Sequence[TargetMistake]

    @property
    def words(self) -> str:
        """The words of the first case; without the place in a file if there are several targets."""
        first = self.cases[0].finding
        return (first.without_place if len(self.implementations) > 1 else first).title

    @property
    def implementations(self) -> list[str]:
        """The targets that make the mistake, each once."""
        return list(dict.fromkeys(case.implementation for case in self.cases))

    @property
    def results(self) -> list[LawResult]:
        """The failures of all targets."""
        return [result for case in self.cases for result in case.results]

    @property
    def is_known(self) -> bool:
        """Whether the failures are known to have a common cause."""
        return self.cases[0].finding.kind not in ("unknown", "harness broke")

    @property
    def is_of_helpers(self) -> bool:
        """Whether a helper module makes the mistake."""
        return self.cases[0].finding.kind == "helper"


def results_by_function(results: Sequence[LawResult]) -> dict[str, list[LawResult]]:
    """The results of each function, in the order of the contracts."""
    functions = [name for name in ("", *CONTRACTS) if any(name == result.function for result in results)]
    return {name: [result for result in results if result.function == name] for name in functions}


def laws(results: Iterable[LawResult]) -> list[str]:
    """The laws of results, each once."""
    return list(dict.fromkeys(result.law for result in results))


def cases(judgement: Judgement) -> list[TargetMistake]:
    """The mistakes of one target, in the order in which to mend them.

    Mistakes on ordinary inputs come first. Then the order is that of the functions: a cell comes before its
    forward, and the RNN before the LSTM. Then it is that of the number of failures.
    """
    failed = [result for result in judgement.results if result.status == "failed" and not result.helpers]
    causes = _Causes(failed, {result.finding.cause for result in judgement.results if result.helpers})
    by_cause: defaultdict[str, list[tuple[Finding, LawResult]]] = defaultdict(list)
    for result in failed:
        finding = causes.finding_of(result)
        by_cause[finding.cause].append((finding, result))
    found = []
    for (finding, *_), results in (zip(*pairs, strict=True) for pairs in by_cause.values()):
        of_caches = all(judgement.caches_alone(result.function) for result in results)
        found.append(TargetMistake(judgement.implementation, finding, results, of_caches))
    order = ["", *CONTRACTS]

    def rank(case: TargetMistake) -> tuple[bool, bool, int, int]:
        first_function = min(order.index(function) for function in case.by_function)
        return not case.is_spec, case.finding.is_vague, first_function, -len(case.results)

    return sorted(found, key=rank)


class _Causes:
    """Finds the mistake that causes each failure of a target, since one mistake makes many laws fail.

    `of_helpers` are the causes of failures that helper modules alone explain.
    """

    def __init__(self, failed: Sequence[LawResult], of_helpers: Set[str]) -> None:
        self._of_helpers = of_helpers
        self._alone = {each.cause for result in failed for each in result.findings}
        found = [(each, each.finding) for each in sorted(failed, key=lambda each: each.grade != "spec")]
        self._of_error = _first((_error(each), it) for each, it in found if it.kind != "raised")
        self._of_equation = _first((it.place, it) for _, it in found if it.kind == "location")
        self._first_of_function = _first((each.function, it) for each, it in found)
        ordinary: defaultdict[str, dict[str, Finding]] = defaultdict(dict)
        for each, it in found:
            if each.grade == "spec" and not (it.is_vague or each.ours):
                ordinary[each.function].setdefault(it.place, it)
        # The mistake of a function on ordinary inputs, if there is exactly one.
        self._only_of_function = {
            name: it for name, by_place in ordinary.items() for it in by_place.values() if len(by_place) == 1
        }

    def finding_of(self, result: LawResult) -> Finding:
        """The most specific finding that explains a failure."""
        finding, error = result.finding, _error(result)
        source = CONTRACTS[result.function].source if result.inherited and result.function else ""
        if source in self._only_of_function:
            return self._only_of_function[source]
        names = finding.facts["names"] if finding.kind == "mistake" else []
        own = [each for each in map(mistake, names) if each.cause not in self._of_helpers]
        if len(names) > 1 and own and all(each.cause in self._alone for each in own):
            return own[0]
        if error in self._of_error and finding.kind == "raised":
            return self._of_error[error]
        if finding.kind == "location":
            finding = self._of_equation[finding.place]
        of_function = self._only_of_function.get(result.function)
        if finding.is_vague and not result.ours:
            return of_function or self._first_of_function.get(source) or finding
        if finding.kind == "location" and result.grade == "robust" and _is_always(finding):
            return of_function or finding
        return finding


def _first(pairs: Iterable[tuple[str, Finding]]) -> dict[str, Finding]:
    """The first finding for each key."""
    return dict(reversed([*pairs]))


def _error(result: LawResult) -> str:
    """The exception of a failure and its place; empty if there was none."""
    return repr((result.facts["raised"], result.facts.get("at"))) if "raised" in result.facts else ""


def _is_always(finding: Finding) -> bool:
    return finding.facts["when"] in ({}, {"conditions": []})


def ranked_mistakes(judged: Iterable[Judgement]) -> list[Mistake]:
    """The mistakes of all targets, the most frequent first, and mistakes of helper modules last."""
    alike: defaultdict[str, list[TargetMistake]] = defaultdict(list)
    for judgement in judged:
        for case in [*cases(judgement), *_helper_cases(judgement)]:
            alike[case.finding.cause].append(case)
    found = map(Mistake, alike.values())
    return sorted(found, key=lambda mistake: (mistake.is_of_helpers, -len(mistake.implementations)))


def _helper_cases(judgement: Judgement) -> list[TargetMistake]:
    """The mistakes of helper modules, each once, without mistakes that the target itself makes."""
    failed = [result for result in judgement.results if result.status == "failed"]
    own = {result.finding.cause for result in failed if not result.helpers}
    by_helpers: defaultdict[tuple[str, ...], list[LawResult]] = defaultdict(list)
    for result in failed:
        if result.helpers:
            by_helpers[(*result.helpers,)].append(result)
    found_cases = []
    for helpers, results in by_helpers.items():
        finding = results[0].finding
        names = finding.facts["names"] if finding.kind == "mistake" else []
        if others := [name for name in names if mistake(name).cause not in own]:
            finding = mistake(*others)
        of_helpers = found("helper", functions=[*helpers], told=vars(finding))
        found_cases.append(TargetMistake(judgement.implementation, of_helpers, results))
    return found_cases


def smallest(results: Iterable[LawResult], finding: Finding) -> LawResult:
    """The failure to show: if possible on ordinary inputs, not inherited, and on a small problem."""

    def rank(result: LawResult) -> tuple[bool, bool, bool, bool, float]:
        is_other = result.finding.cause != finding.cause
        odd, size = True, math.inf
        with suppress(ValueError):  # there is no problem, or its file of weights was deleted
            problem = Problem.parse(result.counterexample)
            odd = 0 in problem.sizes.values() or problem.regime in ("nonfinite", "subnormal")
            size = work(problem, result.function)
        return result.grade != "spec", result.inherited, is_other, odd, size

    return min(results, key=rank)
