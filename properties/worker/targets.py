"""Parses the names of targets, and finds the files among which are targets and helpers of targets.

A target is a file, a notebook or a module, or an attribute of it.
"""

import difflib
import glob
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import walk
from os.path import exists, isabs, isdir, isfile, join, lexists  # False also for names that no file can have
from pathlib import Path
from typing import Any, Optional

from reference.contract import CONTRACTS

SUFFIXES = (".py", ".ipynb")

_WITH_ATTRIBUTE = re.compile(r"(?P<source>.+?)(?::(?P<attribute>[^\W\d]\w*(?:\.[^\W\d]\w*)*))?", re.DOTALL)
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")

# In the JSON of a notebook, a line of code begins after a quotation mark or an escaped end of line.
_IMPORT = re.compile(r'(?:^|"|\\n)\s*(?:from\s+\.*([\w.]+)\s+import\b|import\s+([\w., \t]+))', re.MULTILINE)
_NAMES = "|".join(CONTRACTS)
_BINDS = re.compile(
    rf"\b(?:def|class|as|import)\s+(?:{_NAMES})\b|\bimport\b[^#\n]*\b(?:{_NAMES})\b|\b(?:{_NAMES})\s*=(?!=)"
)


class TargetMissing(Exception):  # noqa: N818
    """A target does not exist; the message is one line with a remedy."""


class Unusable(Exception):  # noqa: N818
    """A target exists and cannot be judged; the message says why."""


@dataclass(frozen=True)
class Target:
    """A file or module, or its `attribute` unless that is empty."""

    source: str
    attribute: str

    @property
    def is_file(self) -> bool:
        """Whether the source is the path of a file rather than the name of a module."""
        return _names_a_file(self.source)


@dataclass(frozen=True)
class TargetFacts:
    """What is known of a target after loading.

    `functions` maps the name of each function to `None`, or to its signature if that is not the
    specification's. `lacking` says why functions that the target defines cannot be used, `similar` which
    function a missing one may be meant by, `unfinished` where a function has a placeholder, `notes` what was
    skipped in loading, and `replaced` which functions of helper modules were replaced by right ones. `folder`
    is the folder of the code, and `supports` the value of `SUPPORTS`, or `None`. For a module of a framework,
    `understood` has the facts of `oracle.modules`, and `network` the weights if it is trained.
    """

    functions: Mapping[str, Optional[str]] = field(default_factory=dict)
    lacking: Mapping[str, str] = field(default_factory=dict)
    similar: Mapping[str, str] = field(default_factory=dict)
    unfinished: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    replaced: Sequence[str] = ()
    folder: str = ""
    supports: Any = None
    understood: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)


def locate(target: str, directory: Path) -> Target:
    """Parse a target; the path of a file, relative to `directory`, becomes absolute.

    Raises `TargetMissing` if a file does not exist or the text names neither a file nor a module.
    """
    source, attribute = _split(target, directory)
    if not _names_a_file(source):
        if not _MODULE.fullmatch(source):
            raise _no_target(target)
        return Target(source, attribute)
    path = directory / source
    if isdir(path):
        raise TargetMissing(f"{source!r} is a directory; name a file in it")
    if not isfile(path):
        raise TargetMissing(no_file(source, directory))
    if path.suffix not in SUFFIXES:
        raise TargetMissing(f"{source!r} is neither a Python file (.py) nor a notebook (.ipynb)")
    return Target(str(path.resolve()), attribute)


def expand(patterns: Sequence[str], directory: Path) -> list[str]:
    """The targets of patterns, each once. A glob or directory, relative to `directory`, becomes its Python
    files and notebooks, sorted; if a directory has none itself, those in the folders below it. Anything else
    is a target already.

    Hidden and private files and folders, environments, `conftest.py` and `test_*.py` are left out unless
    named in full.

    Raises `TargetMissing` for a pattern that matches nothing, and for a file that does not exist.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        found.update(dict.fromkeys(_expand(pattern, directory)))
    return list(found)


def closest(name: str, names: Iterable[str]) -> str:
    """`"; did you mean 'my_rnn'?"`, or nothing if no name is close."""
    close = difflib.get_close_matches(name, sorted(set(names)), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def _expand(pattern: str, directory: Path) -> list[str]:
    source, attribute = _split(pattern, directory)
    path = directory / source
    if isdir(path) and (_names_a_file(source) or not isfile(path / "__init__.py")):
        files = [str(Path(source, entry.name)) for entry in path.iterdir()]
        if not any(_is_judged(Path(file)) for file in files):
            files = [str(Path(source, file.relative_to(path))) for file in _files_below(path)]
    elif glob.has_magic(source) and not exists(path):
        above = "" if isabs(source) else join(directory, "")
        found = glob.glob(glob.escape(above) + source, recursive=True)
        files = [file[len(above) :] for file in found]
    else:
        locate(pattern, directory)
        return [pattern]
    judged = sorted(file for file in files if _is_judged(Path(file)) and not isdir(directory / file))
    if not judged:
        raise TargetMissing(f"{pattern!r} matches no Python file or notebook in {str(directory)!r}")
    return [f"{file}:{attribute}" if attribute else file for file in judged]


def _files_below(folder: Path) -> Iterator[Path]:
    """All files below a folder, except in hidden and private folders and environments."""
    for parent, folders, files in walk(folder):
        folders[:] = [
            name
            for name in folders
            if not name.startswith((".", "_")) and not exists(join(parent, name, "pyvenv.cfg"))
        ]
        yield from (Path(parent, file) for file in files)


def _is_judged(path: Path) -> bool:
    excluded = path.name.startswith(("_", ".", "test_")) or path.name == "conftest.py"
    return path.suffix in SUFFIXES and not excluded


def _split(target: str, directory: Path) -> tuple[str, str]:
    """The source and the attribute; a file may have a colon in its name."""
    if isfile(directory / target):
        return target, ""
    parts = _WITH_ATTRIBUTE.fullmatch(target)
    if not parts:
        raise _no_target(target)
    return parts["source"], parts["attribute"] or ""


def _no_target(target: str) -> TargetMissing:
    return TargetMissing(f"{target!r} is neither a file nor a module nor module:attribute")


def _names_a_file(source: str) -> bool:
    return "/" in source or source.endswith(SUFFIXES)


def no_file(source: str, directory: Path) -> str:
    """Why there is no file with this name, relative to `directory`, with a hint at a similar name."""
    path = directory / source
    if lexists(path):
        return f"{source!r} is not a regular file, or is a broken link"
    if not isdir(path.parent):
        return f"no file {source!r}: there is no directory {str(path.parent)!r}"
    hint = closest(path.name, (entry.name for entry in path.parent.iterdir()))
    hint = hint or ("" if isabs(source) else "; paths are relative to the current directory")
    return f"no file {path.name!r} in {str(path.parent)!r}{hint}"


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
