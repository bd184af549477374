"""Writes the files of reports: HTML, JSON, CSV, and a page for each target."""

import csv
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

from properties.reports.closing_table import messages
from properties.reports.html_report import as_html, as_page_of_target
from properties.reports.json_report import as_json
from properties.reports.judgement import Judgement
from properties.reports.mistakes import mistakes_of
from properties.reports.results import GRADES, printable
from properties.reports.run import Run, page_names

COLUMNS = (
    *("target", "verdict", "backward", "functions"),
    *(f"functions_that_hold_{grade}" for grade in GRADES),
    *("laws_failed", "first_mistake", "page"),
)
"""The columns of the CSV report, a grade book for a class."""


@dataclass(frozen=True)
class Reports:
    """The files of reports, and the folder for the pages of targets."""

    files: Sequence[Path] = ()
    folder: Path | None = None

    def check(self) -> None:
        """Raise `ValueError` if a report or a page cannot be written."""
        *others, last = FORMATS
        for file in self.files:
            ending = "" if format_of(file) else f"a report ends in {', '.join(others)} or {last}"
            _check_path("--report", file, ending or ("this is a directory" if file.is_dir() else ""))
        if self.folder:
            is_file = self.folder.exists() and not self.folder.is_dir()
            _check_path("--report-each", self.folder, "this is no directory" if is_file else "")

    def write(self, run: Run) -> list[str]:
        """Write all reports, and return their names. A target that was not judged completely gets no page."""
        written, texts = [str(file) for file in self.files], dict[Path, str]()
        if self.folder:
            done = {each.implementation: each for each in run.judgements if not each.is_left}
            run = replace(run, pages={t: self.folder / name for t, name in page_names([*done]).items()})
            self.folder.mkdir(exist_ok=True)
            texts = {file: as_page_of_target(done[t], run.names[t]) for t, file in run.pages.items()}
            written.append(f"{len(texts)} page{'s' * (len(texts) != 1)} in {self.folder}")
        texts |= {file: FORMATS[format_of(file)](run) for file in self.files}
        for file, text in texts.items():
            _write_whole(file.resolve(), text)
        return written


def format_of(file: Path) -> str:
    """The key of the format of a report in `FORMATS`; empty if there is none."""
    return next((ending for ending in FORMATS if file.name.endswith(ending)), "")


def _write_whole(file: Path, text: str) -> None:
    """Write a file. If the process is killed meanwhile, the file is as it was before."""
    part = file.with_name(f".{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _check_path(option: str, path: Path, wrong: str) -> None:
    """Raise `ValueError` with what is wrong, or if the path is not in a directory that exists."""
    if not wrong and not path.parent.is_dir():
        wrong = f"there is no directory {str(path.parent)!r}"
    if wrong:
        raise ValueError(f"{option} {path}: {wrong}")


def as_csv(run: Run) -> str:
    """The grade book, with a row for each target: only its verdict if it was not judged completely."""
    out = StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow([*COLUMNS, *["points"] * bool(run.points)])
    for judgement in run.judgements:
        rows.writerow([*map(_safe_cell, [run.names[judgement.implementation], *_row(judgement, run)])])
    return f"\ufeff{out.getvalue()}"  # with this mark, Excel reads UTF-8


def _row(judgement: Judgement, run: Run) -> list[str]:
    """The cells of a row after the name. The cell of a grade that was not selected is empty."""
    if judgement.is_left:
        return [judgement.verdict, *[""] * (len(COLUMNS) - 2 + bool(run.points))]
    held = [
        grade
        for function in judgement.functions
        for grade in judgement.grades_held(function, without_inherited=True)
    ]
    selected = {result.grade for result in judgement.results}
    hold = [str(held.count(grade)) if grade in selected else "" for grade in GRADES]
    first = [mistake.title for mistake in mistakes_of(judgement)][:1] or [""]
    page = run.pages[judgement.implementation].name if judgement.implementation in run.pages else ""
    functions = [judgement.backward or "", str(len(judgement.functions))]
    points = [f"{sum(run.points.of(judgement).values()):g}"] if run.points else []
    return [judgement.verdict, *functions, *hold, str(judgement.laws_failed), *first, page, *points]


def _safe_cell(cell: str) -> str:
    """Return the text in one line. A quote before it keeps a spreadsheet from evaluating a formula."""
    shown = " ".join(printable(cell).split())
    return f"'{shown}" if shown.startswith(("=", "+", "-", "@")) else shown


def as_gradescope(run: Run) -> str:
    """The results of a target, as Gradescope reads them: a test for each function.

    Raises `ValueError` for several targets, and without points.
    """
    if not run.points or len(run.judgements) != 1:
        raise ValueError("Gradescope needs --points and one target")
    (judgement,) = run.judgements
    tests = []
    for function, score in run.points.of(judgement).items():
        verdict = f"{judgement.verdict_on(function)}: {judgement.remark_on(function)}".removesuffix(": ")
        output = "\n\n".join([verdict, *messages(judgement.failures(function))])
        maximum = run.points.points[function]
        tests.append({"name": function, "score": score, "max_score": maximum, "output": output})
    return json.dumps({"output": judgement.verdict_in_words, "tests": tests}, indent=1) + "\n"


GRADESCOPE = ".gradescope.json"

FORMATS: Mapping[str, Callable[[Run], str]] = {
    GRADESCOPE: as_gradescope,
    ".json": as_json,
    ".html": as_html,
    ".csv": as_csv,
}
"""The format of a report, by the ending of its path."""
