"""Does every entry of FINDINGS.md still hold? Runs each command and each script, and prints a table.

    python -m benchmarks.ledger --python .venv-frameworks/bin/python

An entry runs in the first interpreter that has its packages: one of `--python`, or this one. In its command
a law must fail with the text that the entry expects; its script, of ten lines at most, must print or end as
the entry says. The exit status is 1 if an entry that could run does not hold.
"""

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from benchmarks.findings import LEDGER, Entry, entries
from benchmarks.shared import JUDGE, parser, versions


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
