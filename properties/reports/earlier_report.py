"""A run that is continued: what its report holds of targets that are as they were is kept."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from properties.reports import json_report
from properties.reports.expected_failures import ExpectedFailure, reason
from properties.reports.json_report import Run
from properties.reports.results import LawResult, encodable
from properties.worker.own_modules import is_ours
from properties.worker.targets import locate

_IMPORTED = re.compile(rb"\b(?:from|import)\s+([\w., \t]+)")  # in a notebook too, as text


def in_json(reports: Iterable[Path]) -> Path | None:
    """The report among these by which a run can be continued."""
    return next((path for path in reports if path.suffix == ".json"), None)


def earlier(reports: Iterable[Path]) -> tuple[list[LawResult], Run] | None:
    """What the report in JSON holds that is to be continued; `None` where there is none yet.

    Raises `ValueError` where no such report is asked for, and where the file is none.
    """
    path = in_json(reports)
    if not path:
        raise ValueError("--resume continues a report in JSON; name it by --report FILE.json")
    return json_report.read(path) if path.exists() else None


def kept(
    before: tuple[list[LawResult], Run], now: Run, expected: Sequence[ExpectedFailure]
) -> list[LawResult]:
    """The results of targets that were judged to the end, are asked for again, and have not changed since.

    Which failures are `expected` may have.

    Raises `ValueError` where what a run depends on has changed.
    """
    results, run = before
    for name in dict.fromkeys([*now.environment, *run.environment]):
        was, is_now = run.environment.get(name, "none"), now.environment.get(name, "none")
        if was != is_now:
            raise ValueError(
                f"--resume: the report is of a run with {name} {was}, this one has {is_now}; "
                "leave --resume out to judge all again"
            )
    same = {target for target, digest in now.digests.items() if run.digests.get(target) == digest}
    return [
        replace(result, expected=_reason(result, expected))
        for result in results
        if result.implementation in same - {*run.left}
    ]


def _reason(result: LawResult, expected: Sequence[ExpectedFailure]) -> str:
    if result.status != "failed" or result.ours:
        return ""
    return reason(expected, result.implementation, result.law, result.function)


def digests(targets: list[str], directory: Path) -> dict[str, str]:
    """A digest of every target of which one can know whether it has changed, by its encodable name."""
    found = {encodable(target): _digest(target, directory) for target in targets}
    return {target: digest for target, digest in found.items() if digest}


def _digest(target: str, directory: Path) -> str:
    """Of a file and the modules beside it that it imports; our own modules are in every environment."""
    located = locate(target, directory)
    if not located.is_file:
        return "ours" if is_ours(located.source) else ""
    digest = hashlib.sha256()
    for file in sorted(_with_modules(Path(located.source))):
        digest.update(str(file.name).encode(errors="surrogateescape") + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def digest_of_folder(folder: Path) -> str:
    """A digest of the modules in a folder that all targets find."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(
            str(file.relative_to(folder)).encode(errors="surrogateescape") + b"\0" + file.read_bytes()
        )
    return digest.hexdigest()[:16]


def _with_modules(file: Path) -> set[Path]:
    """A file, and the modules beside it that it imports, or that these do."""
    found, fresh = {file}, [file]
    while fresh:
        imports = b" ".join(_IMPORTED.findall(fresh.pop().read_bytes()))
        words = {*re.findall(rb"\w+", imports)}
        named = (files for name, files in modules_beside(file.parent).items() if name in words)
        more = {each for files in named for each in files} - found
        found |= more
        fresh += more
    return found


@lru_cache(maxsize=8)  # for many targets are in one folder
def modules_beside(folder: Path) -> Mapping[bytes, list[Path]]:
    """The modules in a folder, by name; of a package all its files."""
    found = {module.stem: [module] for module in folder.glob("*.py")}
    for package in folder.glob("*/__init__.py"):
        found[package.parent.name] = [*package.parent.rglob("*.py")]
    return {name.encode(errors="surrogateescape"): files for name, files in found.items()}
