"""Writes reports; the suffix of the path selects the format."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from properties.reports.csv_report import as_csv
from properties.reports.html_report import as_html
from properties.reports.json_report import Run, as_json, replace_file
from properties.reports.judgement import Judgement

FORMATS: Mapping[str, Callable[[Sequence[Judgement], Run], str]] = {
    ".json": as_json,
    ".html": as_html,
    ".csv": as_csv,
}


def check(path: Path) -> None:
    """Raise `ValueError` if no report can be written to a path."""
    if path.suffix not in FORMATS:
        *others, last = FORMATS
        raise ValueError(f"--report {path}: a report ends in {', '.join(others)} or {last}")
    if not path.parent.is_dir():
        raise ValueError(f"--report {path}: there is no directory {str(path.parent)!r}")
    if path.is_dir():
        raise ValueError(f"--report {path}: this is a directory")


def write(path: Path, judged: Sequence[Judgement], run: Run) -> None:
    """Write a report in the format of the path's suffix."""
    replace_file(path, FORMATS[path.suffix](judged, run))
