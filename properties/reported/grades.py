"""The report in CSV, for a grade book: a row for each implementation."""

import csv
from collections.abc import Sequence
from io import StringIO

from properties.reported.document import Run
from properties.reported.mistakes import cases
from properties.reported.results import Judgement, printable

COLUMNS = ("target", "verdict", "functions_that_hold", "functions", "laws_failed", "first_mistake")


def as_csv(judged: Sequence[Judgement], run: Run) -> str:
    """The verdicts; what was not judged to the end has the verdict `left`."""
    out = StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    known = {judgement.implementation for judgement in judged}
    for judgement in judged:
        rows.writerow([*map(_inert, _row(judgement, run))])
    rows.writerows([_inert(target), "left", "", "", "", ""] for target in run.left if target not in known)
    return out.getvalue()


def _row(judgement: Judgement, run: Run) -> list[str]:
    name, functions = judgement.implementation, judgement.functions
    hold = [function for function in functions if judgement.verdict_on(function) == "conforms"]
    failed = {result.law for result in judgement.results if result.status == "failed"}
    first = [case.words for case in cases(judgement)][:1]
    verdict = "left" if name in run.left else judgement.verdict
    return [name, verdict, " ".join(hold), str(len(functions)), str(len(failed)), *(first or [""])]


def _inert(cell: str) -> str:
    """Text that a spreadsheet does not take for a formula, in one line."""
    shown = " ".join(printable(cell).split())
    return f"'{shown}" if shown.startswith(("=", "+", "-", "@")) else shown
