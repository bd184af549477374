"""Finds files that belong to a target by what the text of its file imports or names."""

import re
from collections.abc import Sequence
from contextlib import suppress
from os.path import getsize, isfile
from pathlib import Path

from properties.worker.targets import SUFFIXES, is_path, parts_of
from reference.contract import CONTRACTS

# In the JSON of a notebook, a line of code begins after a quotation mark or an escaped newline.
_IMPORT = re.compile(r'(?:^|"|\\n)\s*(?:from\s+\.*([\w.]+)\s+import\b|import\s+([\w., \t]+))', re.MULTILINE)
_FUNCTION = f"(?:{'|'.join(CONTRACTS)})"
_BINDING = re.compile(
    rf"\b(?:def|class|as|import)\s+{_FUNCTION}\b|\bimport\b[^#\n]*\b{_FUNCTION}\b|\b{_FUNCTION}\s*=(?!=)"
)
"""A statement that binds the name of one of the functions."""


MOST_SOURCE_BYTES = 2**26
"""The size of a file beyond which its text is not read; a sparse file may be huge and take no space."""


def text_of(file: Path) -> str:
    """The text of a file; empty if it is unreadable, too large, or not regular: a pipe would block."""
    with suppress(OSError):
        if isfile(file) and getsize(file) <= MOST_SOURCE_BYTES:
            return file.read_text("utf-8", "replace")
    return ""


def _imported_modules(source: str) -> set[str]:
    """The top-level names of the modules that the text of a file or notebook imports."""
    modules = [name for package, names in _IMPORT.findall(source) for name in (package, *names.split(","))]
    return {name.strip().partition(" ")[0].partition(".")[0] for name in modules} - {""}


def helper_files(files: Sequence[str], directory: Path) -> list[str]:
    """The helpers among these files, whose paths are relative to `directory`.

    A helper binds none of the functions, and a file in the same folder imports it.
    """
    sources = {file: text_of(directory / file) for file in files}
    imports = {
        (Path(file).parent, module)
        for file, source in sources.items()
        for module in _imported_modules(source)
    }
    return [
        file
        for file, source in sources.items()
        if (Path(file).parent, Path(file).stem) in imports and not _BINDING.search(source)
    ]


def own_files(target: str, directory: Path) -> list[Path]:
    """The file of a target, and the files beside it that it imports or names, directly or through others.

    If the file is in a package, all modules of the package count. An installed module has no such files.
    Files of more than `MOST_SOURCE_BYTES` are left out.
    """
    source, _ = parts_of(target, directory)
    files = [directory / source] if is_path(source) else []
    folder = files[0].parent if files else directory
    package = folder
    while isfile(package / "__init__.py"):
        files += package.glob("*.py")
        package = package.parent
    names = set() if files else {source.partition(".")[0]}
    data = [file for file in folder.glob("*.*") if file.suffix not in SUFFIXES]
    found: list[Path] = []
    while files or names:
        files += [file for name in names for file in (folder / f"{name}.py", *(folder / name).rglob("*.py"))]
        new = [file for file in dict.fromkeys(files) if file not in found and isfile(file)]
        found += new
        texts = [text_of(file) for file in new]
        names = {name for text in texts for name in _imported_modules(text)}
        files = [file for file in data if any(file.name in text for text in texts)]
    return [file for file in found if getsize(file) <= MOST_SOURCE_BYTES]
