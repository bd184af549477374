"""Prints one failure for each mistake, however many laws, functions and targets fail because of it."""

from collections.abc import Sequence
from textwrap import fill

import pytest

from properties.internals.pytest_internals import hide_failure
from properties.reports.judgement import judgements
from properties.reports.mistakes import laws, ranked_mistakes, results_by_function
from properties.reports.results import LawResult


def show_once(failures: Sequence[tuple[LawResult, pytest.TestReport]]) -> None:
    """Let pytest print the smallest failure of each mistake, with the functions and laws of the others."""
    reports = {(each.implementation, each.law, each.function): report for each, report in failures}
    for mistake in ranked_mistakes(judgements([result for result, _ in failures])):
        if not mistake.is_known or len(mistake.results) == 1:
            continue
        shown = mistake.cases[0].smallest
        others = [result for result in mistake.results if result is not shown]
        for each in others:
            hide_failure(reports[each.implementation, each.law, each.function])
        where = ", ".join(function for function in results_by_function(others) if function)
        many = f" (of {len(mistake.implementations)} targets)" if len(mistake.implementations) > 1 else ""
        report = reports[shown.implementation, shown.law, shown.function]
        same = f"the same in {where}{many}: {', '.join(laws(others))}"
        wrapped = fill(same, 100, initial_indent="  ", subsequent_indent="    ")
        report.longrepr = f"{report.longreprtext}\n{wrapped}"
