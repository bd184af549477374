"""The report in JSON: what came of every law, so that it can be read back and continued."""

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from properties.reports.results import Judgement, LawResult, judgements

SCHEMA = 1
"""The version of the document; docs/report.md says what is in it."""


@dataclass(frozen=True)
class Run:
    """What a report says besides the results.

    Which implementations are `left`, not judged or only in part, the `digests` of what was judged, and the
    `pages` that are written for each.
    """

    environment: Mapping[str, str]
    left: Sequence[str] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    pages: Mapping[str, Path] = field(default_factory=dict)


def as_json(judged: Iterable[Judgement], run: Run) -> str:
    """The document of docs/report.md."""
    return whole((part(judgement, run) for judgement in judged if judgement.results), run)


def part(judgement: Judgement, run: Run) -> str:
    """What the document says of one implementation."""
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


def whole(parts: Iterable[str], run: Run) -> str:
    """The document of these parts."""
    head = {"schema": SCHEMA, "environment": dict(run.environment)}
    head |= {"left": list(run.left)} if run.left else {}
    opened = json.dumps(head, indent=1).removesuffix("\n}")
    listed = ",\n  ".join(parts)
    return f'{opened},\n "implementations": [\n  {listed}\n ]\n}}\n'


def read(path: Path) -> tuple[list[LawResult], Run]:
    """What the document in a file holds.

    Raises `ValueError` where there is none, in a line that begins with the path.
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
    """What a document holds; any of `KeyError`, `TypeError` and `ValueError` where it is none."""
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
    """Writes the document as implementations are done, so that it can be continued whatever ends the run."""

    SHARE = 0.05
    """Of the time, as told by a clock, that writing may take."""

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
        self._parts = {each.implementation: part(each, run) for each in judgements(kept)}

    def add(self, judgement: Judgement, left: Sequence[str]) -> None:
        """Write what is done, this one too, unless that was written a moment ago."""
        (ordered,) = judgements(judgement.results)
        self._parts[ordered.implementation] = part(ordered, self._run)
        began = self._clock()
        if began < self._due:
            return
        parts = (self._parts[name] for name in sorted(self._parts))
        replace_file(self._path, whole(parts, Run(self._run.environment, left)))
        ended = self._clock()
        self._due = ended + (ended - began) / self.SHARE


def replace_file(path: Path, text: str) -> None:
    """Write a file so that at any moment, even when the power fails, it is the old or the new one."""
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
    """What a result holds; of some things only where there is something to say."""
    values = {name: getattr(result, name) for name in _ALWAYS}
    values["worst_ratio"] = min(result.worst_ratio, sys.float_info.max)  # JSON has no infinity
    for each in fields(result):
        default = each.default if each.default_factory is MISSING else each.default_factory()
        if each.name not in (*_ALWAYS, *_ELSEWHERE) and getattr(result, each.name) != default:
            values[each.name] = getattr(result, each.name)
    return values | ({"findings": [vars(each) for each in result.findings]} if result.findings else {})


def _result(values: dict[str, Any], **given: Any) -> LawResult:
    ratio = math.inf if values["worst_ratio"] == sys.float_info.max else values["worst_ratio"]
    known = {name: value for name, value in values.items() if name != "diagnosis"}  # of which it is made
    return LawResult.read({**known, "worst_ratio": ratio, **given})
