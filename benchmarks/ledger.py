"""Can every defect in FINDINGS.md, the ledger, still be reproduced? Also gives the ledger as data.

    python -m benchmarks.ledger --python .venv-frameworks/bin/python

An entry runs in the first interpreter that has its packages: one of `--python`, or this one. In the command
of an entry, a law must fail with the text that the entry expects. The script of an entry, of ten lines at
most, must print or end as the entry says. Prints a table. The exit status is 1 if an entry could run, but was
not reproduced, unless a later release of the package has `fixed` it.
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

from benchmarks.shared import JUDGE, ROOT, argument_parser, versions

LEDGER = ROOT / "FINDINGS.md"
DEFENDED = "No defects"
"""The heading of the section on behaviour that can be defended."""


@dataclass(frozen=True)
class Entry:
    """A defect in the ledger."""

    title: str
    facts: dict[str, str]  # the items of its list
    command: str
    script: str

    @property
    def packages(self) -> list[str]:
        """The packages whose versions the entry names."""
        return [each.split()[0] for each in self.facts["version"].split(", ")]


@dataclass(frozen=True)
class Explanation:
    """The failures of an adapter that a part of the ledger explains."""

    adapter: str
    kind: str  # "rnn" or "lstm"; empty for both
    phrase: str  # the name of a law, a part of a finding, or a phrase such as `answers in float64`
    heading: str  # of the entry, or of the section on behaviour that can be defended

    def covers(self, adapter: str, kind: str, phrases: Sequence[str]) -> bool:
        """Whether this explains a failure of an adapter on a kind of network, which `phrases` describe."""
        is_about = adapter == self.adapter and self.kind in ("", kind)
        return is_about and any(self.phrase in each for each in phrases)


def entries() -> Iterator[Entry]:
    """Yield the entries of the ledger: every heading that has a command and a script."""
    for part in re.split(r"^### ", LEDGER.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        command, script = (re.search(rf"```{kind}\n(.*?)```", part, re.DOTALL) for kind in ("sh", "python"))
        if command and script:
            facts = dict(re.findall(r"^- (\w+): (.*)$", part, re.MULTILINE))
            yield Entry(part.partition("\n")[0], facts, command[1].strip(), script[1].strip())


def explanations() -> list[Explanation]:
    """Return the explanations in the entries and in the rows of defended behaviour, in their order.

    The fact `covers` of an entry, and the second cell of a row, contain `adapter: phrase` or
    `adapter rnn: phrase`, separated by semicolons.
    """
    lists = [(entry.title, entry.facts.get("covers", "")) for entry in entries()]
    rows = LEDGER.read_text(encoding="utf-8").partition(f"## {DEFENDED}")[2].partition("\n## ")[0]
    lists += [(DEFENDED, cell) for cell in re.findall(r"^\| [^|]+ \| ([^|]*: [^|]*) \|", rows, re.MULTILINE)]
    return [
        Explanation(*target.partition(" ")[::2], phrase, heading)
        for heading, items in lists
        for item in filter(None, items.split("; "))
        for target, _, phrase in [item.partition(": ")]
    ]


def anchor(heading: str) -> str:
    """Return the fragment of a link to a heading, as on GitHub."""
    return "#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def main() -> int:
    """Run all entries, and print the table."""
    parser = argument_parser(__doc__)
    parser.add_argument("--python", action="append", default=[], help="another interpreter (repeatable)")
    pythons, status = [*parser.parse_args().python, sys.executable], 0
    print("| entry | version | command | script |\n| --- | --- | --- | --- |")
    for entry in entries():
        python = next((each for each in pythons if versions(each, entry.packages)), "")
        results = (
            [command_result(entry, python), script_result(entry, python)] if python else ["not here"] * 2
        )
        if python and "fixed" in entry.facts and "reproduced" not in results:
            results = [f"fixed in {entry.facts['fixed']}"] * 2
        elif python:
            status |= {*results} != {"reproduced"}
        version = versions(python, entry.packages) if python else "–"
        print("|", " | ".join([entry.title, version, *results]), "|", flush=True)
    return status


def command_result(entry: Entry, python: str) -> str:
    """Run the command of an entry: `"reproduced"` if a law fails with the text that the entry expects."""
    words = shlex.split(entry.command)
    start = words.index("rnn-crosscheck")
    command = [*JUDGE, *words[start + 1 :], "--python", python]
    variables = dict(word.split("=", 1) for word in words[:start])
    output, status = run(command, str(LEDGER.parent), **variables)
    if status != 1 or " law)" not in output:
        return f"exit {status}, no law failed"
    return "reproduced" if plain(entry.facts["expects"]) in plain(output) else "another failure"


def script_result(entry: Entry, python: str) -> str:
    """Run the script of an entry: `"reproduced"` if it prints, or ends by a signal, as the entry says."""
    if len(entry.script.splitlines()) > 10:
        return "more than ten lines"
    with tempfile.TemporaryDirectory() as folder:
        output, status = run([python, "-c", entry.script], folder)
    output += f" killed by {signal.Signals(-status).name}" if status < 0 else ""
    return "reproduced" if plain(entry.facts["prints"]) in plain(output) else "printed something else"


def run(command: Sequence[str], directory: str, **variables: str) -> tuple[str, int]:
    """Run a command, and return its output and its exit status."""
    options: Any = {"capture_output": True, "text": True, "check": False, "timeout": 600}
    done = subprocess.run(command, cwd=directory, env={**os.environ, **variables}, **options)
    return (done.stdout + done.stderr).strip(), done.returncode


def plain(text: str) -> str:
    """Return the text without backticks, and with single spaces."""
    return " ".join(text.replace("`", "").split())


if __name__ == "__main__":
    sys.exit(main())
