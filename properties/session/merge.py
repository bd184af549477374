"""The command `rnn-crosscheck merge`, which makes one report of several."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from properties.reports.closing_table import render
from properties.reports.json_report import read_json
from properties.reports.merging import merged
from properties.reports.report import Reports
from properties.session.weights import Parser

ABOUT = (
    "Make one report of the reports of several runs, each of which has judged some of the targets or some of "
    "the laws. The exit status is 0, or 4 if the reports cannot be merged."
)


def main(arguments: Sequence[str]) -> int:
    """Print the closing table of the merged run, and write its reports. Returns the exit status."""
    parser = Parser("rnn-crosscheck merge", ABOUT)
    parser.add_argument("files", metavar="FILE.json", type=Path, nargs="+", help="a report in JSON")
    parser.add_argument(
        "--report", metavar="FILE", type=Path, action="append", default=[], help="FILE.json, .html or .csv"
    )
    parser.add_argument("--report-each", metavar="FOLDER", type=Path, help="a page for each target's author")
    options = parser.parse_args(arguments)
    reports = Reports(options.report, options.report_each)
    try:
        reports.check()
        run = merged({str(file): read_json(file) for file in options.files})
        print(render(run, shutil.get_terminal_size().columns), end="")
        for path in reports.write(run):
            print(f"report: {path}")
    except (ValueError, OSError) as error:
        parser.error(str(error))
    return 0
