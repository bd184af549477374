"""The report in CSV, for a grade book: a row for each target."""

import csv
from collections.abc import Sequence
from io import StringIO

from properties.reports.json_report import Run
from properties.reports.judgement import Judgement
from properties.reports.mistakes import cases
from properties.reports.results import GRADES, printable
from properties.reports.target_names import shown_names

COLUMNS = (
    *("target", "verdict", "backward", "functions"),
    *(f"functions_that_hold_{grade}" for grade in GRADES),
    *("laws_failed", "first_mistake", "page"),
)


def as_csv(judged: Sequence[Judgement], run: Run) -> str:
    """A row for each target. A target that was not judged completely has only a verdict."""
    out = StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    names = shown_names(judgement.implementation for judgement in judged)
    for judgement in judged:
        rows.writerow([*map(_safe_cell, [names[judgement.implementation], *_row(judgement, run)])])
    return out.getvalue()


def _row(judgement: Judgement, run: Run) -> list[str]:
    """The cells after the name. The cells of a grade that was not selected are empty."""
    if judgement.is_left:
        return [judgement.verdict, *[""] * (len(COLUMNS) - 2)]
    held = [grade for function in judgement.functions for grade in judgement.holds(function, of_its_own=True)]
    selected = {result.grade for result in judgement.results}
    hold = [str(held.count(grade)) if grade in selected else "" for grade in GRADES]
    first = [case.words for case in cases(judgement)][:1] or [""]
    page = run.pages[judgement.implementation].name if judgement.implementation in run.pages else ""
    functions = [judgement.backward or "", str(len(judgement.functions))]
    return [judgement.verdict, *functions, *hold, str(judgement.laws_failed), *first, page]


def _safe_cell(cell: str) -> str:
    """Text in one line that a spreadsheet does not evaluate as a formula."""
    shown = " ".join(printable(cell).split())
    return f"'{shown}" if shown.startswith(("=", "+", "-", "@")) else shown
