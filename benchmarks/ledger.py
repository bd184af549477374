"""FINDINGS.md, the ledger of defects, as data. Run as a program: does every entry of it still hold?

    python -m benchmarks.ledger --python .venv-frameworks/bin/python

An entry runs in the first interpreter that has its packages: one of `--python`, or this one. In its command
a law must fail with the text that the entry expects; its script, of ten lines at most, must print or end as
the entry says. Prints a table. The exit status is 1 if an entry that could run does not hold.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.shared import JUDGE, ROOT, parser, versions

LEDGER = ROOT / "FINDINGS.md"
DEFENDED = "No defects"
"""The section whose rows are behaviour that can be defended."""


@dataclass(frozen=True)
class Entry:
    """A finding: its heading, the facts in its list, and its two code blocks."""

    title: str
    facts: dict[str, str]
    line: str
    script: str

    @property
    def packages(self) -> list[str]:
        """The packages whose versions the entry names."""
        return [each.split()[0] for each in self.facts["version"].split(", ")]


@dataclass(frozen=True)
class Known:
    """Failures of an adapter and a network that the ledger explains.

    They are recognized by a `phrase`: the name of a law, a part of the diagnosis, or `answers in float64` for
    every wrong answer in that dtype. An empty `kind` stands for both networks. The `heading` is that of the
    entry, or of the section of behaviour that can be defended.
    """

    adapter: str
    kind: str
    phrase: str
    heading: str

    def covers(self, adapter: str, kind: str, words: Sequence[str]) -> bool:
        """Whether this explains a failure of an adapter and a network that these words describe."""
        return (
            adapter == self.adapter and self.kind in ("", kind) and any(self.phrase in word for word in words)
        )


def entries(text: str) -> Iterator[Entry]:
    """The headings with both code blocks."""
    for part in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        line, script = (re.search(rf"```{kind}\n(.*?)```", part, re.DOTALL) for kind in ("sh", "python"))
        if line and script:
            facts = dict(re.findall(r"^- (\w+): (.*)$", part, re.MULTILINE))
            yield Entry(part.partition("\n")[0], facts, line[1].strip(), script[1].strip())


def known(text: str) -> list[Known]:
    """The failures that the entries and the rows of defended behaviour explain, in their order.

    An entry has them in its fact `covers`, a row in its second cell: `adapter: phrase` or
    `adapter rnn: phrase`, separated by semicolons.
    """
    lists = [(entry.title, entry.facts.get("covers", "")) for entry in entries(text)]
    rows = text.partition(f"## {DEFENDED}")[2].partition("\n## ")[0]
    lists += [(DEFENDED, cell) for cell in re.findall(r"^\| [^|]+ \| ([^|]*: [^|]*) \|", rows, re.MULTILINE)]
    return [
        Known(*who.partition(" ")[::2], phrase, heading)
        for heading, every in lists
        for one in filter(None, every.split("; "))
        for who, _, phrase in [one.partition(": ")]
    ]


def anchor(heading: str) -> str:
    """The fragment of a link to a heading, as GitHub makes it."""
    return "#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def main() -> int:
    """Run all entries."""
    options = parser(__doc__)
    options.add_argument("--python", action="append", default=[], help="another interpreter (repeatable)")
    pythons, status = [*options.parse_args().python, sys.executable], 0
    print("| entry | version | command | script |\n| --- | --- | --- | --- |")
    for entry in entries(LEDGER.read_text()):
        python = next((each for each in pythons if versions(each, entry.packages)), "")
        results = [command_holds(entry, python), script_holds(entry, python)] if python else ["not here"] * 2
        status |= bool(python) and {*results} != {"reproduced"}
        of = versions(python, entry.packages) if python else "–"
        print("|", " | ".join([entry.title, of, *results]), "|", flush=True)
    return status


def command_holds(entry: Entry, python: str) -> str:
    """Whether a law fails in the command of an entry, with the text that the entry expects."""
    words = shlex.split(entry.line)
    start = words.index("rnn-crosscheck")
    command = [*JUDGE, *words[start + 1 :], "--python", python]
    variables = dict(word.split("=", 1) for word in words[:start])
    output, status = run(command, str(LEDGER.parent), **variables)
    if status != 1 or " law)" not in output:
        return f"exit {status}, no law failed"
    return "reproduced" if plain(entry.facts["expects"]) in plain(output) else "another failure"


def script_holds(entry: Entry, python: str) -> str:
    """Whether the script of an entry prints the text that the entry says, or ends by its signal."""
    if len(entry.script.splitlines()) > 10:
        return "more than ten lines"
    with tempfile.TemporaryDirectory() as folder:
        output, status = run([python, "-c", entry.script], folder)
    output += f" killed by {signal.Signals(-status).name}" if status < 0 else ""
    return "reproduced" if plain(entry.facts["prints"]) in plain(output) else "printed something else"


def run(command: Sequence[str], directory: str, **variables: str) -> tuple[str, int]:
    """The output and the exit status of a command."""
    options: Any = {"capture_output": True, "text": True, "check": False, "timeout": 600}
    done = subprocess.run(command, cwd=directory, env={**os.environ, **variables}, **options)
    return (done.stdout + done.stderr).strip(), done.returncode


def plain(text: str) -> str:
    """Text without backticks, and with single spaces."""
    return " ".join(text.replace("`", "").split())


if __name__ == "__main__":
    sys.exit(main())
