"""Writes reports; the suffix of the path selects the format."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from properties.reports import target_pages
from properties.reports.csv_report import as_csv
from properties.reports.html_report import as_html
from properties.reports.json_report import Run, as_json, replace_file
from properties.reports.judgement import Judgement

FORMATS: Mapping[str, Callable[[Sequence[Judgement], Run], str]] = {
    ".json": as_json,
    ".html": as_html,
    ".csv": as_csv,
}


@dataclass(frozen=True)
class Reports:
    """The files of reports, and the folder for the pages of targets."""

    files: Sequence[Path] = ()
    folder: Path | None = None

    def check(self) -> None:
        """Raise `ValueError` if a report or a page cannot be written."""
        for file in self.files:
            check(file)
        if self.folder:
            target_pages.check(self.folder)

    def write(self, judged: Sequence[Judgement], run: Run) -> list[str]:
        """Write all, and return what was written where."""
        written = [str(file) for file in self.files]
        if self.folder:
            run = replace(run, pages=target_pages.pages(self.folder, judged, run))
            written.append(f"{target_pages.write(judged, run)} pages in {self.folder}")
        for file in self.files:
            write(file, judged, run)
        return written


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
