"""Does every entry of FINDINGS.md still hold? Runs each line and each script, and prints a table.

    python -m benchmarks.ledger --python .venv-frameworks/bin/python

An entry is run in the first interpreter that has its framework: those of `--python`, then this one. Its line
must fail by a law and say what the entry expects; its script, of ten lines at most, must print or end as the
entry says. The exit status is 1 if an entry that could be run does not hold.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.findings import LEDGER, Entry, entries
from benchmarks.frameworks import HOST, version
from properties.implementations.implementation import Implementation
from properties.worker.own_modules import full_name


def main() -> int:
    """Run all entries."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", action="append", default=[], help="another interpreter (repeatable)")
    options, status = parser.parse_args(), 0
    print("| entry | version | line | script |\n| --- | --- | --- | --- |")
    for entry in entries(LEDGER.read_text()):
        python = next((p for p in [*options.python, sys.executable] if has(p, entry.adapter)), None)
        if python is None:
            print(f"| {entry.title} | – | not here | not here |", flush=True)
            continue
        told = line_holds(entry, python), script_holds(entry, python)
        status |= set(told) != {"reproduced"}
        print("|", " | ".join([entry.title, version(python, entry.adapter), *told]), "|", flush=True)
    return status


def has(python: str, adapter: str) -> bool:
    """Whether this interpreter has what the adapter imports."""
    with Implementation(full_name(f"frameworks.{adapter}"), python=python, **HOST) as target:  # type: ignore[arg-type]
        try:
            return bool(target.limits)
        except Exception:
            return False


def line_holds(entry: Entry, python: str) -> str:
    """By a law that fails with what the entry expects."""
    words = shlex.split(entry.line)
    start = words.index("rnn-crosscheck")
    command = [sys.executable, "-m", "rnn_crosscheck", *words[start + 1 :], "--python", python]
    output, status = run(command, LEDGER.parent, **dict(word.split("=", 1) for word in words[:start]))
    if status != 1 or " law)" not in output:
        return f"exit {status}, no law failed"
    return "reproduced" if flat(entry.facts["expects"]) in flat(output) else "another failure"


def script_holds(entry: Entry, python: str) -> str:
    """By what it prints, or the signal that ends it."""
    if len(entry.script.splitlines()) > 10:
        return "more than ten lines"
    with tempfile.TemporaryDirectory() as folder:
        output, status = run([python, "-c", entry.script], cwd=Path(folder))
    output += f" killed by {signal.Signals(-status).name}" if status < 0 else ""
    return "reproduced" if flat(entry.facts["prints"]) in flat(output) else "printed something else"


def run(command: Sequence[str], cwd: Path | None = None, **environment: str) -> tuple[str, int]:
    """What it prints, and its exit status."""
    options = {"capture_output": True, "text": True, "check": False, "cwd": cwd, "timeout": 600}
    done = subprocess.run(command, env={**os.environ, **environment}, **options)  # type: ignore[call-overload]
    return (done.stdout + done.stderr).strip(), done.returncode


def flat(text: str) -> str:
    """Without the Markdown of code, and with single spaces."""
    return " ".join(text.replace("`", "").split())


if __name__ == "__main__":
    sys.exit(main())
