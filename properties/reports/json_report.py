"""The report in JSON, with every result."""

import json
import math
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from properties.reports.judgement import Judgement
from properties.reports.results import LawResult

SCHEMA = 1
"""The version of the format, which docs/report.md describes."""


@dataclass(frozen=True)
class Run:
    """The facts of a run besides its results.

    `left` are the targets that were not judged completely; `pages` has the file of the page of each target.
    """

    environment: Mapping[str, str]
    left: Sequence[str] = ()
    pages: Mapping[str, Path] = field(default_factory=dict)


def as_json(judged: Iterable[Judgement], run: Run) -> str:
    """The report, in the format of docs/report.md."""
    head = {"schema": SCHEMA, "environment": dict(run.environment)}
    head |= {"left": list(run.left)} if run.left else {}
    document = head | {"implementations": [_entry(judgement) for judgement in judged if judgement.results]}
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def read(path: Path) -> tuple[list[LawResult], Run]:
    """The results and the run in a report."""
    document = json.loads(path.read_text(encoding="utf-8"))
    results = []
    for entry in document["implementations"]:
        given = {"implementation": entry["target"], "limits": tuple(entry.get("limits", ()))}
        given["understood"] = entry.get("understood", {})
        results += [_result(law, **given) for law in entry["laws"]]
    return results, Run(document["environment"], document.get("left", []))


def _entry(judgement: Judgement) -> dict[str, Any]:
    """The entry of one target."""
    some = {name: getattr(judgement, name) for name in ("backward", "limits", "understood", "notes")}
    return {
        "target": judgement.implementation,
        "verdict": judgement.verdict,
        **{name: value for name, value in some.items() if value},
        "functions": {function: _function(judgement, function) for function in judgement.functions},
        "laws": [_law(result) for result in judgement.results],
    }


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
    *("worst_ratio", "counterexample", "message"),
)
_OF_TARGET = ("implementation", "limits", "understood")
_DEFAULTS = asdict(LawResult("", "", "", "", "passed", 0.0))


def _law(result: LawResult) -> dict[str, Any]:
    """A result as a dict. Most fields are left out if they have their default."""
    values = asdict(result)
    always = {name: values.pop(name) for name in _ALWAYS}
    always["worst_ratio"] = min(result.worst_ratio, sys.float_info.max)  # JSON has no infinity
    more = {n: value for n, value in values.items() if n not in _OF_TARGET and value != _DEFAULTS[n]}
    return {**always, "diagnosis": result.diagnosis, **more}


def _result(values: dict[str, Any], **given: Any) -> LawResult:
    ratio = math.inf if values["worst_ratio"] == sys.float_info.max else values["worst_ratio"]
    known = {name: value for name, value in values.items() if name != "diagnosis"}  # made from the findings
    return LawResult.read({**known, "worst_ratio": ratio, **given})
