"""Prints one failure for each mistake, however many laws, functions and targets fail because of it.

Of failures whose mistake is unknown, it prints one for each function and grade of laws.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from textwrap import fill

import pytest

from properties.internals.pytest_internals import hide_failure
from properties.reports.judgement import judgements
from properties.reports.mistakes import Case, Mistake, laws, ranked_mistakes, results_by_function
from properties.reports.results import LawResult

Key = tuple[str, str, str]
"""The implementation, the law and the function of a result."""


def show_once(failures: Sequence[tuple[LawResult, pytest.TestReport]]) -> None:
    """Let pytest print the smallest failure of each mistake, with the functions and laws of the others."""
    reports = {_key(each): report for each, report in failures}
    for mistake in ranked_mistakes(judgements([result for result, _ in failures])):
        if mistake.is_known:
            _show(mistake.cases[0].smallest, mistake.results, reports, _same(mistake))
        elif mistake.is_unnamed:
            for part in (part for case in mistake.cases for part in _parts(case)):
                _show(part.smallest, part.results, reports, "perhaps for the same reason, also in {where}")


def _key(result: LawResult) -> Key:
    return result.implementation, result.law, result.function


def _same(mistake: Mistake) -> str:
    count = len(mistake.implementations)
    return "the same in {where}" + (f" (of {count} targets)" if count > 1 else "")


def _parts(case: Case) -> list[Case]:
    """The failures of each function and grade."""
    parts: defaultdict[tuple[str, str], list[LawResult]] = defaultdict(list)
    for result in case.results:
        parts[result.function, result.grade].append(result)
    return [replace(case, results=results) for results in parts.values()]


def _show(
    shown: LawResult, results: Sequence[LawResult], reports: Mapping[Key, pytest.TestReport], relation: str
) -> None:
    """Hide all results but the shown one, which names the laws of the others."""
    others = [result for result in results if result is not shown]
    if not others:
        return
    for each in others:
        hide_failure(reports[_key(each)])
    where = ", ".join(function for function in results_by_function(others) if function)
    words = f"{relation.format(where=where)}: {', '.join(laws(others))}"
    report = reports[_key(shown)]
    report.longrepr = (
        f"{report.longreprtext}\n{fill(words, 100, initial_indent='  ', subsequent_indent='    ')}"
    )
