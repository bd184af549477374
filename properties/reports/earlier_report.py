"""Resumes a run: keeps the results of targets that have not changed since its report."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from properties.reports import json_report
from properties.reports.expected_failures import ExpectedFailure, reason
from properties.reports.json_report import Run
from properties.reports.results import LawResult, encodable
from properties.worker.helper_files import imported
from properties.worker.own_modules import is_ours
from properties.worker.targets import locate


def earlier(reports: Iterable[Path]) -> tuple[list[LawResult], Run] | None:
    """The results and the run in the JSON report that is resumed; `None` if the file does not exist.

    Raises `ValueError` if none of the reports is in JSON, or if the file is not a report.
    """
    path = next((path for path in reports if path.suffix == ".json"), None)
    if not path:
        raise ValueError("--resume continues a report in JSON; name it by --report FILE.json")
    return json_report.read(path) if path.exists() else None


def kept(
    before: tuple[list[LawResult], Run], now: Run, expected: Sequence[ExpectedFailure]
) -> list[LawResult]:
    """The results of targets that were judged completely and have not changed.

    Failures are marked as `expected` by the present list. Raises `ValueError` if anything else has changed on
    which results depend.
    """
    results, run = before
    for name in dict.fromkeys([*now.environment, *run.environment]):
        was, is_now = run.environment.get(name, "none"), now.environment.get(name, "none")
        if was != is_now:
            raise ValueError(
                f"--resume: the report is of a run with {name} {was}, this one has {is_now}; "
                "leave out --resume to judge all targets again"
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
    """A digest of each target that is a file or one of our modules, by its encodable name."""
    found = {encodable(target): _digest(target, directory) for target in targets}
    return {target: digest for target, digest in found.items() if digest}


def _digest(target: str, directory: Path) -> str:
    """The digest of a file and the modules beside it that it imports. Our modules have a constant digest."""
    located = locate(target, directory)
    if not located.is_file:
        return "ours" if is_ours(located.source) else ""
    file = Path(located.source)
    return _digest_of(file.parent, _with_modules(file))


def digest_of_folder(folder: Path) -> str:
    """A digest of the modules in a folder of helpers."""
    return _digest_of(folder, folder.rglob("*.py"))


def _digest_of(folder: Path, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(os.fsencode(file.relative_to(folder)) + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _with_modules(file: Path) -> set[Path]:
    """A file and the modules beside it that it imports, directly or indirectly."""
    found, waiting = {file}, [file]
    while waiting:
        for name in imported(waiting.pop().read_text("utf-8", "replace")):
            module, package = file.parent / f"{name}.py", file.parent / name
            files = {module} if module.is_file() else {*package.rglob("*.py")}
            waiting += files - found
            found |= files
    return found
