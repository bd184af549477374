"""Finds helper files: a file beside them imports them, and they define none of the functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from reference.contract import CONTRACTS

# In the JSON of a notebook, a line of code begins after a quotation mark or an escaped end of line.
_IMPORT = re.compile(r'(?:^|"|\\n)\s*(?:from\s+\.*([\w.]+)\s+import\b|import\s+([\w., \t]+))', re.MULTILINE)
_NAMES = "|".join(CONTRACTS)
_BINDS = re.compile(
    rf"\b(?:def|class|as|import)\s+(?:{_NAMES})\b|\bimport\b[^#\n]*\b(?:{_NAMES})\b|\b(?:{_NAMES})\s*=(?!=)"
)


def imported(source: str) -> set[str]:
    """The top-level names of the modules that a file or notebook imports, found by regular expression."""
    modules = [name for package, names in _IMPORT.findall(source) for name in (package, *names.split(","))]
    return {name.strip().partition(" ")[0].partition(".")[0] for name in modules} - {""}


def helper_files(files: Sequence[str], directory: Path) -> list[str]:
    """The helpers among these files, which are relative to `directory`."""
    sources = {file: (directory / file).read_text("utf-8", "replace") for file in files}
    helpers = {(Path(file).parent, module) for file, source in sources.items() for module in imported(source)}
    return [
        file
        for file, source in sources.items()
        if (Path(file).parent, Path(file).stem) in helpers and not _BINDS.search(source)
    ]
