"""The report in JSON: every result, so that a run can be resumed."""

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from properties.reports.judgement import Judgement, judgements
from properties.reports.results import LawResult

SCHEMA = 1
"""The version of the format, which docs/report.md describes."""


@dataclass(frozen=True)
class Run:
    """The facts of a run besides its results.

    `left` are the targets that were not judged completely. `digests` and `pages` have the digest and the file
    of the page of each target.
    """

    environment: Mapping[str, str]
    left: Sequence[str] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    pages: Mapping[str, Path] = field(default_factory=dict)


def as_json(judged: Iterable[Judgement], run: Run) -> str:
    """The report, in the format of docs/report.md."""
    return document_text((entry_text(judgement, run) for judgement in judged if judgement.results), run)


def entry_text(judgement: Judgement, run: Run) -> str:
    """The entry of one target, as JSON."""
    name = judgement.implementation
    entry = {
        "target": name,
        **({"digest": run.digests[name]} if name in run.digests else {}),
        "verdict": judgement.verdict,
        **({"backward": judgement.backward} if judgement.backward else {}),
        **({"limits": list(judgement.limits)} if judgement.limits else {}),
        **({"understood": dict(judgement.understood)} if judgement.understood else {}),
        **({"notes": list(judgement.notes)} if judgement.notes else {}),
        "functions": {function: _function(judgement, function) for function in judgement.functions},
        "laws": [_law(result) for result in judgement.results],
    }
    return json.dumps(entry, indent=1, allow_nan=False).replace("\n", "\n  ")


def document_text(parts: Iterable[str], run: Run) -> str:
    """The document with these entries, as JSON."""
    head = {"schema": SCHEMA, "environment": dict(run.environment)}
    head |= {"left": list(run.left)} if run.left else {}
    opened = json.dumps(head, indent=1).removesuffix("\n}")
    listed = ",\n  ".join(parts)
    return f'{opened},\n "implementations": [\n  {listed}\n ]\n}}\n'


def read(path: Path) -> tuple[list[LawResult], Run]:
    """The results and the run in a file.

    Raises `ValueError` with the path and a remedy if the file is not a report.
    """
    remedy = "delete it, or name another file, to judge all targets"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON ({error}); {remedy}") from None
    try:
        return parsed(document)
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{path} is not a report of this version of rnn-crosscheck; {remedy}") from None


def parsed(document: Any) -> tuple[list[LawResult], Run]:
    """The results and the run of a document. Raises `KeyError`, `TypeError` or `ValueError`."""
    entries = document["implementations"]
    results = [
        _result(
            law,
            implementation=entry["target"],
            limits=tuple(entry.get("limits", ())),
            understood=entry.get("understood", {}),
        )
        for entry in entries
        for law in entry["laws"]
    ]
    digests = {entry["target"]: entry["digest"] for entry in entries if "digest" in entry}
    return results, Run(document["environment"], document.get("left", []), digests)


class Journal:
    """Writes the report whenever a target is complete, so that an interrupted run can be resumed."""

    SHARE = 0.05
    """The largest fraction of the time that is spent on writing."""

    def __init__(
        self,
        path: Path,
        run: Run,
        kept: Sequence[LawResult] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._run = run
        self._clock = clock
        self._due = -math.inf
        self._entries = {each.implementation: entry_text(each, run) for each in judgements(kept)}

    def add(self, judgement: Judgement, left: Sequence[str]) -> None:
        """Add a completed target, and write the report, unless it was written a moment ago."""
        (ordered,) = judgements(judgement.results)
        self._entries[ordered.implementation] = entry_text(ordered, self._run)
        began = self._clock()
        if began < self._due:
            return
        parts = (self._entries[name] for name in sorted(self._entries))
        replace_file(self._path, document_text(parts, Run(self._run.environment, left)))
        ended = self._clock()
        self._due = ended + (ended - began) / self.SHARE


def replace_file(path: Path, text: str) -> None:
    """Replace a file atomically: even after a power failure it is either the old or the new file."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _function(judgement: Judgement, function: str) -> dict[str, Any]:
    remark = judgement.remark_on(function)
    return {
        "verdict": judgement.verdict_on(function),
        "holds": judgement.holds(function),
        "inherited": judgement.inherits(function),
        **({"remark": remark} if remark else {}),
    }


_ALWAYS = (
    *("law", "grade", "function", "status", "problems", "seconds"),
    *("worst_ratio", "counterexample", "message", "diagnosis"),
)
_ELSEWHERE = ("implementation", "limits", "understood", "findings")


def _law(result: LawResult) -> dict[str, Any]:
    """A result as a dict. Most fields are left out if they have their default."""
    values = {name: getattr(result, name) for name in _ALWAYS}
    values["worst_ratio"] = min(result.worst_ratio, sys.float_info.max)  # JSON has no infinity
    for each in fields(result):
        default = each.default if each.default_factory is MISSING else each.default_factory()
        if each.name not in (*_ALWAYS, *_ELSEWHERE) and getattr(result, each.name) != default:
            values[each.name] = getattr(result, each.name)
    return values | ({"findings": [vars(each) for each in result.findings]} if result.findings else {})


def _result(values: dict[str, Any], **given: Any) -> LawResult:
    ratio = math.inf if values["worst_ratio"] == sys.float_info.max else values["worst_ratio"]
    known = {
        name: value for name, value in values.items() if name != "diagnosis"
    }  # it is made from the findings
    return LawResult.read({**known, "worst_ratio": ratio, **given})
