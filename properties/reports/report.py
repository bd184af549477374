"""The files of reports: HTML, JSON, CSV for a grade book, and a page for each target. Reads JSON again."""

import csv
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

from properties.reports.html_report import as_html, as_page_of_target
from properties.reports.judgement import Judgement, judgements
from properties.reports.mistakes import cases
from properties.reports.results import GRADES, LawResult, printable
from properties.reports.run import Run, file_names

SCHEMA = 1
"""The version of the format of JSON, which docs/report.md describes."""

COLUMNS = (
    *("target", "verdict", "backward", "functions"),
    *(f"functions_that_hold_{grade}" for grade in GRADES),
    *("laws_failed", "first_mistake", "page"),
)
"""The columns of the grade book."""


@dataclass(frozen=True)
class Reports:
    """The files of reports, and the folder for the pages of targets."""

    files: Sequence[Path] = ()
    folder: Path | None = None

    def check(self) -> None:
        """Raise `ValueError` if a report or a page cannot be written."""
        *others, last = FORMATS
        for file in self.files:
            ending = "" if file.suffix in FORMATS else f"a report ends in {', '.join(others)} or {last}"
            _check("--report", file, ending or ("this is a directory" if file.is_dir() else ""))
        if self.folder:
            is_file = self.folder.exists() and not self.folder.is_dir()
            _check("--report-each", self.folder, "this is no directory" if is_file else "")

    def write(self, run: Run) -> list[str]:
        """Write all, and return what was written where. A target that is left gets no page."""
        written = [str(file) for file in self.files]
        if self.folder:
            done = {each.implementation: each for each in run.judged if not each.is_left}
            run = replace(run, pages={t: self.folder / name for t, name in file_names([*done]).items()})
            self.folder.mkdir(exist_ok=True)
            for target, file in run.pages.items():
                _write(file, as_page_of_target(done[target], run.names[target]))
            written.append(f"{len(run.pages)} pages in {self.folder}")
        for file in self.files:
            _write(file, FORMATS[file.suffix](run))
        return written


def _check(option: str, path: Path, wrong: str) -> None:
    if not wrong and not path.parent.is_dir():
        wrong = f"there is no directory {str(path.parent)!r}"
    if wrong:
        raise ValueError(f"{option} {path}: {wrong}")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="backslashreplace")


def as_json(run: Run) -> str:
    """The report, in the format of docs/report.md."""
    head = {"schema": SCHEMA, "environment": dict(run.environment)}
    head |= {"left": run.left} if run.left else {}
    document = head | {"implementations": [_entry(each) for each in run.judged if each.results]}
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def read(path: Path) -> Run:
    """The run in a report in JSON."""
    document = json.loads(path.read_text(encoding="utf-8"))
    results = []
    for entry in document["implementations"]:
        of_target = {"limits": tuple(entry.get("limits", ())), "understood": entry.get("understood", {})}
        for law in entry["laws"]:
            del law["diagnosis"]  # made from the findings
            if law["worst_ratio"] == sys.float_info.max:
                law["worst_ratio"] = math.inf
            results.append(LawResult.read({**law, "implementation": entry["target"], **of_target}))
    return Run(judgements(results, document.get("left", [])), document["environment"])


def _entry(judgement: Judgement) -> dict[str, Any]:
    """The entry of one target."""
    some = {name: getattr(judgement, name) for name in ("backward", "limits", "understood", "notes")}
    return {
        "target": judgement.implementation,
        "verdict": judgement.verdict,
        **{name: value for name, value in some.items() if value},
        "functions": {function: _function(judgement, function) for function in judgement.functions},
        "laws": [_law(result) for result in judgement.results],
    }


def _function(judgement: Judgement, function: str) -> dict[str, Any]:
    remark = judgement.remark_on(function)
    return {
        "verdict": judgement.verdict_on(function),
        "holds": judgement.holds(function),
        "inherited": judgement.inherits(function),
        **({"remark": remark} if remark else {}),
    }


_ALWAYS = (
    *("law", "grade", "function", "status", "problems", "seconds"),
    *("worst_ratio", "counterexample", "message"),
)
_OF_TARGET = ("implementation", "limits", "understood")
_DEFAULTS = asdict(LawResult("", "", "", "", "passed", 0.0))


def _law(result: LawResult) -> dict[str, Any]:
    """A result as a dict. Most fields are left out if they have their default."""
    values = asdict(result)
    always = {name: values.pop(name) for name in _ALWAYS}
    always["worst_ratio"] = min(result.worst_ratio, sys.float_info.max)  # JSON has no infinity
    more = {n: value for n, value in values.items() if n not in _OF_TARGET and value != _DEFAULTS[n]}
    return {**always, "diagnosis": result.diagnosis, **more}


def as_csv(run: Run) -> str:
    """A row for each target. A target that was not judged completely has only a verdict."""
    out = StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for judgement in run.judged:
        rows.writerow([*map(_safe_cell, [run.names[judgement.implementation], *_row(judgement, run)])])
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


FORMATS: Mapping[str, Callable[[Run], str]] = {".json": as_json, ".html": as_html, ".csv": as_csv}
"""The format of a report, by the suffix of its path."""
