"""Parses the names of targets, and finds the targets in a directory, without helpers of other targets.

A target is a Python file, a notebook, a module, or an attribute of one of these.
"""

import difflib
import glob
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from os import R_OK, X_OK, access, walk

# These accept names that no file can have.
from os.path import exists, getsize, isabs, isdir, isfile, join, lexists, realpath, relpath, split
from pathlib import Path
from typing import Any, Optional

from reference.contract import CONTRACTS

SUFFIXES = (".py", ".ipynb")

_WITH_ATTRIBUTE = re.compile(r"(?P<source>.+?)(?::(?P<attribute>[^\W\d]\w*(?:\.[^\W\d]\w*)*))?", re.DOTALL)
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")

# In the JSON of a notebook, a line of code begins after a quotation mark or an escaped newline.
_IMPORT = re.compile(r'(?:^|"|\\n)\s*(?:from\s+\.*([\w.]+)\s+import\b|import\s+([\w., \t]+))', re.MULTILINE)
_FUNCTION = f"(?:{'|'.join(CONTRACTS)})"
_BINDING = re.compile(
    rf"\b(?:def|class|as|import)\s+{_FUNCTION}\b|\bimport\b[^#\n]*\b{_FUNCTION}\b|\b{_FUNCTION}\s*=(?!=)"
)
"""A statement that binds the name of one of the functions."""


class Unusable(Exception):  # noqa: N818
    """A target cannot be judged. The message says why."""


class TargetMissing(Unusable):
    """A target does not exist. The message is one line with a remedy."""


@dataclass(frozen=True)
class Target:
    """The path of a file or the name of a module, and an attribute of it, which may be empty."""

    source: str
    attribute: str

    @property
    def is_file(self) -> bool:
        """Whether the source is the path of a file rather than the name of a module."""
        return _is_path(self.source)


@dataclass(frozen=True)
class TargetFacts:
    """What is known of a target after loading.

    - `functions`: `None`, or the signature of a function that does not take the contract's arguments.
    - `lacking`: the reason why a function that the target defines cannot be used.
    - `similar`: for a missing function, a function of the target that the user may have meant.
    - `unfinished`: the placeholder in a function, with its place.
    - `notes`: a line for each statement that was skipped or replaced.
    - `replaced`: the functions of helper modules that were replaced by right ones.
    - `folder`: the folder of the target's code. `supports`: the value of `SUPPORTS`, or `None`.
    - `understood`, `network`: the facts of `oracle.modules` on a module, and the weights of a trained module.
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

    Whether a file can be read is not checked here. Raises `TargetMissing` if a file does not exist or the
    text names neither a file nor a module.
    """
    source, attribute = _split(target, directory)
    if not _is_path(source):
        if not _MODULE.fullmatch(source):
            raise _malformed(target)
        return Target(source, attribute)
    path = directory / source
    if path.suffix not in SUFFIXES and isdir(path):
        what = "; name a file in it" if _is_open(path) else " that cannot be read"
        raise TargetMissing(f"{source!r} is a directory{what}")
    if not lexists(path):
        raise TargetMissing(why_missing(source, directory))
    if path.suffix not in SUFFIXES:
        raise TargetMissing(f"{source!r} is neither a Python file (.py) nor a notebook (.ipynb)")
    return Target(realpath(path), attribute)


def canonical(target: str, directory: Path) -> str:
    """The same text for each way to write a target, with the path of a file relative to `directory`."""
    source, attribute = _split(target, directory)
    if not _is_path(source):
        return target
    folder, name = split(join(directory, source))
    path = relpath(join(realpath(folder), name), realpath(directory))
    return f"{path}:{attribute}" if attribute else path


def expand(patterns: Sequence[str], directory: Path) -> list[str]:
    """The targets that patterns mean, each once; paths are relative to `directory`.

    A glob means the Python files and notebooks that it matches, in sorted order. A directory means its files
    and notebooks or, if it has none, those in all folders below it. Any other pattern is a target itself.

    Entries that cannot be read are targets, too, and will be unusable: broken links, pipes, directories with
    the name of a file, and folders without permission.

    Hidden and private files and folders, virtual environments, `conftest.py` and `test_*.py` are left out,
    unless a pattern is the path of such a file.

    Raises `TargetMissing` for a pattern that matches nothing, and for a file that does not exist.
    """
    return [*dict.fromkeys(target for pattern in patterns for target in _expand(pattern, directory))]


def closest(name: str, names: Iterable[str]) -> str:
    """A hint at the most similar name, `"; did you mean 'my_rnn'?"`; empty if none is similar."""
    close = difflib.get_close_matches(name, sorted(set(names)), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def _expand(pattern: str, directory: Path) -> list[str]:
    source, attribute = _split(pattern, directory)
    path = directory / source
    is_folder = isdir(path) and not source.endswith(SUFFIXES) and _is_open(path)
    if is_folder and (_is_path(source) or not isfile(path / "__init__.py")):
        found = [entry for entry in path.iterdir() if _may_be_target(entry.name)]
        found = [*_targets_below(path)] if all(map(isdir, found)) else found
        targets = [str(Path(source, file.relative_to(path))) for file in found]
    elif glob.has_magic(source) and not exists(path):
        prefix = "" if isabs(source) else join(directory, "")
        entries = [file[len(prefix) :] for file in glob.glob(glob.escape(prefix) + source, recursive=True)]
        targets = [*filter(_may_be_target, entries)]
    else:
        locate(pattern, directory)
        return [pattern]
    if not targets:
        raise TargetMissing(f"{pattern!r} matches no Python file or notebook in {str(directory)!r}")
    return [f"{file}:{attribute}" if attribute else file for file in sorted(targets)]


def _targets_below(folder: Path) -> Iterator[Path]:
    """The targets below a folder, except in hidden and private folders and in virtual environments."""
    for parent, folders, files in walk(folder):
        folders[:] = [
            name
            for name in folders
            if not name.startswith((".", "_")) and not exists(join(parent, name, "pyvenv.cfg"))
        ]
        unread = [name for name in folders if not _is_open(Path(parent, name))]
        yield from (Path(parent, name) for name in (*filter(_may_be_target, files), *unread))


def _is_open(folder: Path) -> bool:
    return access(folder, R_OK | X_OK)


def _may_be_target(file: str) -> bool:
    name = Path(file).name
    return name.endswith(SUFFIXES) and not name.startswith(("_", ".", "test_")) and name != "conftest.py"


def _split(target: str, directory: Path) -> tuple[str, str]:
    """The source and the attribute of a target. The name of a file may contain a colon."""
    if isfile(directory / target):
        return target, ""
    parts = _WITH_ATTRIBUTE.fullmatch(target)
    if not parts:
        raise _malformed(target)
    return parts["source"], parts["attribute"] or ""


def _malformed(target: str) -> TargetMissing:
    return TargetMissing(f"{target!r} is neither a file nor a module nor module:attribute")


def _is_path(source: str) -> bool:
    return "/" in source or source.endswith(SUFFIXES)


def why_missing(source: str, directory: Path) -> str:
    """Why there is no file with this path, relative to `directory`, with a hint at a similar name."""
    path = directory / source
    if lexists(path):
        return f"{source!r} is {'a broken link' if not exists(path) else 'not a regular file'}"
    if not isdir(path.parent):
        return f"no file {source!r}: there is no directory {str(path.parent)!r}"
    hint = closest(path.name, (entry.name for entry in path.parent.iterdir()))
    hint = hint or ("" if isabs(source) else "; paths are relative to the current directory")
    return f"no file {path.name!r} in {str(path.parent)!r}{hint}"


MOST_SOURCE_BYTES = 2**26
"""The size of a file beyond which its text is not read; a file with holes takes no space on the disk."""


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
    """The file of a target, and the files beside it that it imports, directly or through others.

    If the file is in a package, all modules of the package count. An installed module has no such files.
    """
    source, _ = _split(target, directory)
    files = [directory / source] if _is_path(source) else []
    folder = files[0].parent if files else directory
    package = folder
    while isfile(package / "__init__.py"):
        files += package.glob("*.py")
        package = package.parent
    names = set() if files else {source.partition(".")[0]}
    found: list[Path] = []
    while files or names:
        files += [file for name in names for file in (folder / f"{name}.py", *(folder / name).rglob("*.py"))]
        new = [file for file in dict.fromkeys(files) if file not in found and isfile(file)]
        found += new
        files, names = [], {name for file in new for name in _imported_modules(text_of(file))}
    return [file for file in found if getsize(file) <= MOST_SOURCE_BYTES]
