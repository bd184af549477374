"""Writes one message for each mistake, however many laws, functions and targets fail because of it.

Of failures whose mistake is unknown, it writes one for each function and grade of laws.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from textwrap import fill

from properties.reports.judgement import judgements
from properties.reports.mistakes import Mistake, laws, ranked_mistakes, results_by_function, smallest
from properties.reports.results import LawResult


def messages(failures: Sequence[LawResult]) -> Iterator[str]:
    """The message of the smallest failure of each mistake, with the functions and laws of the others."""
    for mistake in ranked_mistakes(judgements(failures)):
        if mistake.is_known:
            count = len(mistake.implementations)
            of = f" (of {count} targets)" if count > 1 else ""
            yield _message(mistake, mistake.results, "the same in {where}" + of)
            continue
        parts: defaultdict[object, list[LawResult]] = defaultdict(list)
        for each in mistake.results:
            what = each.law if each.ours else each.grade
            parts[each.implementation, each.function, what].append(each)
        for results in parts.values():
            yield _message(mistake, results, "perhaps for the same reason, also in {where}")


def _message(mistake: Mistake, results: Sequence[LawResult], relation: str) -> str:
    """The message of the smallest of these failures, and a line about the others."""
    shown = smallest(results, mistake.cases[0].finding)
    others = [result for result in results if result is not shown]
    if not others:
        return shown.message
    where = ", ".join(function for function in results_by_function(others) if function)
    words = f"{relation.format(where=where)}: {', '.join(laws(others))}"
    return f"{shown.message}\n{fill(words, 100, initial_indent='  ', subsequent_indent='    ')}"
