"""Parses the names of targets, and finds the targets in a directory.

A target is a Python file, a notebook, a module, or an attribute of one of these.
"""

import difflib
import glob
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import R_OK, X_OK, access, walk

# These accept names that no file can have, such as one with a null byte.
from os.path import exists, isabs, isdir, isfile, join, lexists, realpath, relpath, split
from pathlib import Path
from typing import Any, Optional

SUFFIXES = (".py", ".ipynb")

_WITH_ATTRIBUTE = re.compile(r"(?P<source>.+?)(?::(?P<attribute>[^\W\d]\w*(?:\.[^\W\d]\w*)*))?", re.DOTALL)
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


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
        return is_path(self.source)


@dataclass(frozen=True)
class TargetFacts:
    """What is known of a target after loading.

    - `functions`: by name; `None`, or the signature of one that does not take the contract's arguments.
    - `lacking`: the reason why a function that the target defines cannot be used.
    - `similar`: for a missing function, a function of the target that the user may have meant.
    - `unfinished`: the placeholder in a function, with its place.
    - `constants`: integers in the source of the functions, at which a function may change.
    - `notes`: a line for each statement that was skipped or replaced.
    - `replaced`: the functions of helper modules that were replaced by right ones.
    - `folder`: the folder of the target's code.
    - `supports`: the value of `SUPPORTS`, or `None`.
    - `understood`: the facts of `oracle.modules` on a module.
    - `network`: the weights of a trained module.
    """

    functions: Mapping[str, Optional[str]] = field(default_factory=dict)
    lacking: Mapping[str, str] = field(default_factory=dict)
    similar: Mapping[str, str] = field(default_factory=dict)
    unfinished: Mapping[str, str] = field(default_factory=dict)
    constants: Sequence[int] = ()
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
    source, attribute = parts_of(target, directory)
    if not is_path(source):
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
    source, attribute = parts_of(target, directory)
    if not is_path(source):
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
    source, attribute = parts_of(pattern, directory)
    path = directory / source
    is_folder = isdir(path) and not source.endswith(SUFFIXES) and _is_open(path)
    if is_folder and (is_path(source) or not isfile(path / "__init__.py")):
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


def parts_of(target: str, directory: Path) -> tuple[str, str]:
    """The source and the attribute of a target. The name of a file may contain a colon."""
    if isfile(directory / target):
        return target, ""
    parts = _WITH_ATTRIBUTE.fullmatch(target)
    if not parts:
        raise _malformed(target)
    return parts["source"], parts["attribute"] or ""


def _malformed(target: str) -> TargetMissing:
    return TargetMissing(f"{target!r} is neither a file nor a module nor module:attribute")


def is_path(source: str) -> bool:
    """Whether a source is the path of a file rather than the name of a module."""
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
