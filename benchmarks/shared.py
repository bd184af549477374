"""What the benchmarks share: options, tables and pages in Markdown, and the time and memory of commands."""

import os
import re
import subprocess
import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
JUDGE = (sys.executable, "-m", "rnn_crosscheck")
IMPORT_TORCH = (sys.executable, "-c", "import torch")
"""The unit of time: a time in this unit differs little between machines."""


def argument_parser(description: str | None) -> ArgumentParser:
    """Return a parser of options whose help begins with the docstring of a benchmark."""
    return ArgumentParser(description=description, formatter_class=RawDescriptionHelpFormatter)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown. A column that contains only numbers is aligned to the right."""
    body = [*rows]
    rules = [
        "--:" if all(re.fullmatch(r"[\d.,]+%?|—", cell) for cell in column) else "---"
        for column in zip(*body, strict=True)
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (columns, rules, *body))


def write(parts: Mapping[str, str], page: Path | None) -> None:
    """Write the measured parts into a page. Without a page, print them."""
    if page:
        page.write_text(updated(page.read_text(encoding="utf-8"), parts), encoding="utf-8")
    else:
        print("\n\n".join(parts.values()))


def updated(page: str, parts: Mapping[str, str]) -> str:
    """Replace the text between `<!-- NAME -->` and `<!-- end -->` by the part NAME, for each part."""
    for name, part in parts.items():
        before, mark, rest = page.partition(f"<!-- {name} -->\n")
        if not mark:
            raise ValueError(f"the page has no line <!-- {name} -->")
        page = f"{before}{mark}{part}\n<!-- end -->{rest.partition('<!-- end -->')[2]}"
    return page


def versions(python: str, packages: Sequence[str]) -> str:
    """Return the packages with their versions in an interpreter; empty if it lacks one of them."""
    code = f"import importlib.metadata as m; print(', '.join(p + ' ' + m.version(p) for p in {packages!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=False).stdout.strip()


def measure(command: Sequence[str]) -> tuple[float, Any]:
    """Run a command in the clone, and return its seconds and its resource usage.

    The usage includes that of the processes that the command waits for. Output and exit status are ignored.
    """
    environment = {**os.environ}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # so that only the first command compiles our modules
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, _, usage = os.wait4(process.pid, 0)
    return time.perf_counter() - start, usage
