"""Files that only help others: they have none of the functions, and a neighbour imports them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from properties.worker.notebook import cells
from reference.contract import CONTRACTS

_IMPORT = re.compile(r"^\s*(?:from\s+\.*([\w.]+)\s+import\b|import\s+([^#\n]+))", re.MULTILINE)
_A_FUNCTION = re.compile(rf"\b(?:{'|'.join(CONTRACTS)})\b")


def only_helping(files: Sequence[str], directory: Path) -> list[str]:
    """Those of some files, relative to `directory`, that only help others of them beside them.

    They are read, and not run; one whose text mentions a function is taken to have it.
    """
    sources = {file: _source(directory / file) for file in files}
    imported = {
        (Path(file).parent, module) for file, source in sources.items() for module in _imported(source)
    }
    return [
        file
        for file, source in sources.items()
        if (Path(file).parent, Path(file).stem) in imported and not _A_FUNCTION.search(source)
    ]


def _imported(source: str) -> set[str]:
    found = set()
    for package, modules in _IMPORT.findall(source):
        found |= {name.strip().partition(" ")[0].partition(".")[0] for name in (package, *modules.split(","))}
    return found - {""}


def _source(path: Path) -> str:
    try:
        if path.suffix == ".ipynb":
            return "\n".join(cell.source for cell in cells(path))
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""
