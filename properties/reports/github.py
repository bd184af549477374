"""Shows a run on GitHub, as action.yml does: a summary of the job, and an annotation beside each mistake.

    python -m rnn_crosscheck.properties.reports.github REPORT.json

The summary is added to the file that the variable `GITHUB_STEP_SUMMARY` names. The annotations are printed.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from properties.reports.html_report import VERDICTS
from properties.reports.json_report import read_json
from properties.reports.mistakes import mistakes_of
from properties.reports.results import printable
from properties.reports.run import Run


def main() -> None:
    """Show the run of a report in JSON."""
    run = read_json(Path(sys.argv[1]))
    with open(os.environ["GITHUB_STEP_SUMMARY"], "a", encoding="utf-8") as file:
        file.write(summary(run))
    for line in annotations(run):
        print(line)


def summary(run: Run) -> str:
    """The verdict on each target and its mistakes, as a table in Markdown."""
    rows = ["### rnn-crosscheck", "", "| target | verdict | mistakes |", "| --- | --- | --- |"]
    for each in run.judgements:
        mistakes = "<br>".join(_plain(mistake.title) for mistake in mistakes_of(each))
        symbol, _ = VERDICTS[each.verdict]
        name = _plain(run.names[each.implementation])
        rows.append(f"| {name} | {symbol} {each.verdict_in_words} | {mistakes} |")
    return "\n".join([*rows, "", ""])


def _plain(text: str) -> str:
    """The text in one line of Markdown, in which no character of a target has a meaning."""
    line = " ".join(printable(text).split())
    return re.sub(r"[^\w .,:=()/+-]|_", lambda match: f"&#{ord(match[0])};", line)


def annotations(run: Run) -> Iterator[str]:
    """Yield an annotation for each mistake whose failure names a line, unless its failures are expected."""
    for judgement in run.judgements:
        path = Path(re.sub(r"(\.py):[\w.]*$", r"\1", judgement.implementation))
        for mistake in mistakes_of(judgement) if path.suffix == ".py" else ():
            message = mistake.representative.message.partition("\n  problem ")[0]
            place = re.search(rf"({re.escape(path.name)}|[^\s()]+\.py)(?::|, line )(\d+)", message)
            if place and not all(result.excuse for result in mistake.results):
                file = str(path.parent / place[1])
                file = re.sub(r"[%:,\r\n]", lambda match: f"%{ord(match[0]):02X}", file)
                words = " ".join(printable(mistake.title).split()).replace("%", "%25")
                yield f"::error file={file},line={place[2]},title=rnn-crosscheck::{words}"


if __name__ == "__main__":
    main()
