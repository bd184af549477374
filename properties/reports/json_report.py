"""Writes the report in JSON, and reads it: a run as data, from which all other reports can be made."""

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from oracle.explanations.words import texts_of_facts
from properties.reports.judgement import Judgement, judgements
from properties.reports.points import Points
from properties.reports.results import LawResult
from properties.reports.run import Run

SCHEMA = 1
"""The version of the JSON format that docs/report.md describes."""


def as_json(run: Run) -> str:
    """The report in JSON, in the format that docs/report.md describes."""
    head = {"schema": SCHEMA, "environment": dict(run.environment)}
    head |= {"left": run.left_targets} if run.left_targets else {}
    head |= {"points": asdict(run.points)} if run.points else {}
    entries = [_target_entry(each, run) for each in run.judgements if each.results]
    return json.dumps(head | {"implementations": entries}, indent=1, allow_nan=False) + "\n"


def read_json(path: Path) -> Run:
    """Read the run that `as_json` wrote. Raises `ValueError` with one line about a file that is no report."""
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def from_json(text: str) -> Run:
    """The run of which `as_json` made this text. Raises `ValueError` for any other text."""
    try:
        document = json.loads(text)
        results = [_result(entry, law) for entry in document["implementations"] for law in entry["laws"]]
        points = Points(**document["points"]) if "points" in document else None
        keys = {each["target"]: each["key"] for each in document["implementations"] if "key" in each}
        run = Run(judgements(results, document.get("left", [])), document["environment"], points, keys)
        if json.loads(as_json(run)) == document:
            return run
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError):
        pass
    raise ValueError(f"this is no report in JSON of rnn-crosscheck {version('rnn-crosscheck')}")


def _result(entry: Mapping[str, Any], law: Mapping[str, Any]) -> LawResult:
    """The result of which `_law_entry` made `law`. Fields of wrong types, and facts without words, raise."""
    values = {name: value for name, value in law.items() if name != "diagnosis"}  # computed from the findings
    if law["worst_ratio"] == sys.float_info.max:
        values["worst_ratio"] = math.inf
    of_target = {"limits": tuple(entry.get("limits", ())), "understood": entry.get("understood", {})}
    result = LawResult.from_dict({**values, "implementation": entry["target"], **of_target})
    for name, default in _DEFAULTS.items():
        if type(getattr(result, name)) is not type(default):
            raise TypeError(name)
    texts_of_facts(result.facts)
    return result


def _target_entry(judgement: Judgement, run: Run) -> dict[str, Any]:
    optional = {name: getattr(judgement, name) for name in ("backward", "limits", "understood", "notes")}
    optional |= {"points": run.points.of(judgement)} if run.points else {}
    optional |= {"key": run.keys.get(judgement.implementation)}
    functions = {
        function: {
            "verdict": judgement.verdict_on(function),
            "holds": judgement.grades_held(function),
            "inherited": judgement.inherits(function),
            **({"remark": remark} if (remark := judgement.remark_on(function)) else {}),
        }
        for function in judgement.functions
    }
    return {
        "target": judgement.implementation,
        "verdict": judgement.verdict,
        **{name: value for name, value in optional.items() if value},
        "functions": functions,
        "laws": [_law_entry(result) for result in judgement.results],
    }


_REQUIRED_KEYS = (
    *("law", "grade", "function", "status", "problems", "seconds"),
    *("worst_ratio", "counterexample", "message"),
)
_TARGET_KEYS = ("implementation", "limits", "understood")
_DEFAULTS = asdict(LawResult("", "", "", "", "passed", 0.0))


def _law_entry(result: LawResult) -> dict[str, Any]:
    """A result as a dict. Fields that are not required are left out if they have their default."""
    values = asdict(result)
    required = {name: values.pop(name) for name in _REQUIRED_KEYS}
    required["worst_ratio"] = min(result.worst_ratio, sys.float_info.max)  # JSON has no infinity
    others = {n: value for n, value in values.items() if n not in _TARGET_KEYS and value != _DEFAULTS[n]}
    return {**required, "diagnosis": result.diagnosis, **others}
