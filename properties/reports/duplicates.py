"""A mistake is told once, whatever the number of laws, functions and implementations it concerns."""

from collections.abc import Sequence

import pytest

from properties.internals.of_pytest import show_no_failure
from properties.reports.mistakes import by_frequency, by_function, laws
from properties.reports.results import LawResult, judgements


def tell_once(failures: Sequence[tuple[LawResult, pytest.TestReport]]) -> None:
    """Of the failures by one mistake let pytest show the one to look at, with what else it concerns."""
    reports = {(each.implementation, each.law, each.function): report for each, report in failures}
    for mistake in by_frequency(judgements([result for result, _ in failures])):
        if not mistake.is_known or len(mistake.results) == 1:
            continue
        shown = mistake.cases[0].smallest
        others = [result for result in mistake.results if result is not shown]
        for each in others:
            show_no_failure(reports[each.implementation, each.law, each.function])
        where = ", ".join(function for function in by_function(others) if function)
        many = f" (of {len(mistake.implementations)} targets)" if len(mistake.implementations) > 1 else ""
        report = reports[shown.implementation, shown.law, shown.function]
        report.longrepr = f"{report.longreprtext}\n  the same in {where}{many}: {', '.join(laws(others))}"
