"""Groups the failures of one target, and of all targets, by mistake."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass

from oracle.explanations.claims import ON_ORDINARY_PROBLEMS, Claim, mistake, shared
from oracle.problems.problem import Problem
from properties.reports.judgement import Judgement
from properties.reports.results import LawResult, results_by_function
from properties.strategies.effort import work
from reference.contract import CONTRACTS


@dataclass(frozen=True)
class TargetMistake:
    """One mistake of one target, and the failures that it causes, each with its finding."""

    implementation: str
    findings: Sequence[Claim]
    results: Sequence[LawResult]
    only_in_caches: bool = False  # the functions return right outputs

    @property
    def finding(self) -> Claim:
        """The finding of the first failure."""
        return self.findings[0]

    @property
    def title(self) -> str:
        """What is true of all failures."""
        return shared(self.findings).title

    @property
    def is_spec(self) -> bool:
        """Whether the mistake causes a failure on ordinary inputs."""
        return any(result.grade == "spec" for result in self.results)

    @property
    def representative(self) -> LawResult:
        """The failure that reports show."""
        return representative(self.results, self.finding)

    @property
    def by_function(self) -> dict[str, list[LawResult]]:
        """The failures of each function."""
        return results_by_function(self.results)


@dataclass(frozen=True)
class Mistake:
    """A mistake, with an occurrence for each target that makes it."""

    occurrences: Sequence[TargetMistake]

    @property
    def claim(self) -> Claim:
        """What is true of all failures."""
        return shared([finding for each in self.occurrences for finding in each.findings])

    @property
    def words(self) -> str:
        """The title of the mistake."""
        claim = self.claim
        is_of_many = len(self.implementations) > 1
        return "mistakes that are not explained" if is_of_many and claim.is_vague else claim.title

    @property
    def implementations(self) -> list[str]:
        """The targets that make the mistake, each once."""
        return list(dict.fromkeys(each.implementation for each in self.occurrences))

    @property
    def results(self) -> list[LawResult]:
        """The failures of all targets."""
        return [result for each in self.occurrences for result in each.results]

    @property
    def is_known(self) -> bool:
        """Whether all these failures have the same cause. Effects alone may be those of several mistakes."""
        return not self.claim.is_vague and self.claim.kind != "harness broke"

    @property
    def is_of_helpers(self) -> bool:
        """Whether a helper module makes the mistake."""
        return self.occurrences[0].finding.kind == "helper"


def mistakes_of(judgement: Judgement) -> list[TargetMistake]:
    """The mistakes of one target, in the order in which to mend them.

    Mistakes on ordinary inputs come first, and known mistakes before unknown ones. Then the functions decide:
    a cell comes before the function that calls it, and the RNN before the LSTM. Then the mistake that causes
    more failures comes first. Functions that are missing come last.
    """
    failed = [result for result in judgement.results if result.status == "failed" and not result.helpers]
    claims = _claims(failed, {each.finding.cause for each in judgement.results if each.helpers})
    by_cause: defaultdict[str, list[tuple[Claim, LawResult]]] = defaultdict(list)
    for claim, result in zip(claims, failed, strict=True):
        function = (result.inherited and CONTRACTS[result.function].source) or result.function
        own = result.finding if claim.is_vague and not result.inherited else claim
        by_cause[f"{claim.cause} {function if claim.is_vague else ''}"].append((own, result))
    mistakes = []
    for findings, results in (zip(*pairs, strict=True) for pairs in by_cause.values()):
        only_in_caches = all(judgement.only_caches_wrong(result.function) for result in results)
        mistakes.append(TargetMistake(judgement.implementation, findings, results, only_in_caches))
    order = ["", *CONTRACTS]

    def rank(each: TargetMistake) -> tuple[bool, bool, bool, int, int]:
        is_missing = each.finding.kind == "lacking" and each.finding.facts["what"] == "missing"
        first_function = min(order.index(function) for function in each.by_function)
        return is_missing, not each.is_spec, each.finding.is_vague, first_function, -len(each.results)

    return sorted(mistakes, key=rank)


def _claims(failed: Sequence[LawResult], helper_causes: Set[str]) -> list[Claim]:
    """The claim under which each failure of a target is listed.

    A failure is listed under a claim that predicts it: its own, or that of the function that it inherits. The
    unexplained failures of a function are one mistake; those of a function that is right on ordinary problems
    are another one, and so are those that need one size. `helper_causes` are the causes of failures that
    helper modules alone explain.
    """
    own_causes = {each.cause for result in failed for each in result.findings}
    explained: defaultdict[str, dict[str, Claim]] = defaultdict(dict)
    unexplained: defaultdict[str, dict[str | None, Claim]] = defaultdict(dict)
    for result in sorted(failed, key=lambda each: each.grade != "spec"):
        claim = result.finding
        if claim.is_vague:
            unexplained[result.function].setdefault(_cases_of(claim), claim)
        elif not result.inherited:
            explained[result.function].setdefault(claim.cause, claim)

    def claim_of(result: LawResult) -> Claim:
        claim = result.finding
        source = CONTRACTS[result.function].source if result.inherited and result.function else ""
        if len(explained.get(source, {})) == 1:
            return next(iter(explained[source].values()))
        names = claim.facts["names"] if claim.kind == "mistake" else []
        own = [each for each in map(mistake, names) if each.cause not in helper_causes]
        if len(names) > 1 and own and all(each.cause in own_causes for each in own):
            return own[0]
        if claim.is_vague and not result.ours:
            if explained.get(source) and source not in unexplained:
                return next(iter(explained[source].values()))
            known = unexplained[source if source in unexplained else result.function]
            return known[min(known, key=lambda cases: (cases is None, cases != _cases_of(claim), cases))]
        return claim

    return [*map(claim_of, failed)]


def _cases_of(claim: Claim) -> str | None:
    """Where wrong outputs are: empty if perhaps on ordinary problems; `None` for another claim."""
    if claim.kind != "traces":
        return None
    is_ordinary = claim.facts.get("right") != ON_ORDINARY_PROBLEMS
    return "" if is_ordinary else f"not ordinary: {', '.join(claim.facts.get('unless', ()))}"


def ranked_mistakes(judgements: Iterable[Judgement]) -> list[Mistake]:
    """The mistakes of all targets, the most frequent first, and mistakes of helper modules last.

    Failures of several targets that are not explained are together.
    """
    judgements = [*judgements]
    by_cause: defaultdict[object, list[TargetMistake]] = defaultdict(list)
    for judgement in judgements:
        for each in [*mistakes_of(judgement), *_helper_mistakes(judgement)]:
            unexplained = None if len(judgements) > 1 else (_cases_of(each.finding) or "", *each.by_function)
            by_cause[unexplained if each.finding.is_vague else each.finding.cause].append(each)
    mistakes = map(Mistake, by_cause.values())
    return sorted(mistakes, key=lambda mistake: (mistake.is_of_helpers, -len(mistake.implementations)))


def _helper_mistakes(judgement: Judgement) -> list[TargetMistake]:
    """The mistakes of helper modules, each once, without mistakes that the target itself makes."""
    failed = [result for result in judgement.results if result.status == "failed"]
    own_causes = {result.finding.cause for result in failed if not result.helpers}
    by_helpers: defaultdict[tuple[str, ...], list[LawResult]] = defaultdict(list)
    for result in failed:
        if result.helpers:
            by_helpers[(*result.helpers,)].append(result)
    mistakes = []
    for helpers, results in by_helpers.items():
        finding = results[0].finding
        names = finding.facts["names"] if finding.kind == "mistake" else []
        if others := [name for name in names if mistake(name).cause not in own_causes]:
            finding = mistake(*others)
        of_helpers = Claim.of("helper", functions=[*helpers], told=vars(finding))
        mistakes.append(TargetMistake(judgement.implementation, [of_helpers], results))
    return mistakes


_OF_ONE_CALL = ("shapes", "exact value", "trajectory")
"""Laws that make one plain call."""


def representative(results: Iterable[LawResult], finding: Claim) -> LawResult:
    """The failure to show: if possible on ordinary inputs, reproducible, not inherited, and of one call.

    Of these, it is the one on the smallest problem.

    Of failures on equal problems, it is that of a law which makes one plain call.
    """

    def rank(result: LawResult) -> tuple[bool, bool, bool, bool, bool, bool, float, bool]:
        both_are_vague = finding.is_vague and result.finding.is_vague
        has_other_cause = result.finding.cause != finding.cause and not both_are_vague
        element = result.facts.get("element")
        is_after_another = isinstance(element, dict) and "network" in element
        is_unusual, size = True, math.inf
        with suppress(ValueError):  # there is no problem, or its file of weights was deleted
            problem = Problem.parse(result.counterexample)
            is_unusual = 0 in problem.sizes.values() or problem.regime in ("nonfinite", "subnormal")
            size = work(problem, result.function)
        is_spec = result.grade == "spec"
        is_of_more_calls = result.law not in _OF_ONE_CALL
        unlike = not result.reproducible, result.inherited, has_other_cause, is_after_another, is_unusual
        return not is_spec, *unlike, size, is_of_more_calls

    return min(results, key=rank)
