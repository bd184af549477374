"""What the benchmarks share: parsers of options, tables in Markdown, and the processor time of commands."""

import os
import re
import subprocess
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
JUDGE = (sys.executable, "-m", "rnn_crosscheck")
IMPORT_TORCH = (sys.executable, "-c", "import torch")
"""The unit of time: its ratio to the time of a benchmark differs little between machines."""


def parser(description: str | None) -> ArgumentParser:
    """A parser of options whose help begins with the docstring of a benchmark."""
    return ArgumentParser(description=description, formatter_class=RawDescriptionHelpFormatter)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown. A column that holds only numbers is aligned to the right."""
    body = [*rows]
    rules = [
        "--:" if all(re.fullmatch(r"[\d.,]+%?|—?", cell) for cell in column) else "---"
        for column in zip(*body, strict=True)
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (columns, rules, *body))


def write(text: str, output: Path | None) -> None:
    """Write a page to a file, or print it where no file is given."""
    if output:
        output.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


def processor_seconds(command: Sequence[str]) -> float:
    """The processor time, user and system, of a command that runs in the clone and prints nothing here.

    It includes the time of the processes that the command waits for.
    """
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    return used.ru_utime + used.ru_stime
