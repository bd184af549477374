"""Are the recurrent layers of frameworks right? Judges every adapter, and writes docs/frameworks.md.

    python -m benchmarks.frameworks --output docs/frameworks.md --python .venv-frameworks/bin/python
    python -m benchmarks.frameworks --only onnxruntime,litert --against docs/frameworks.md

Each adapter is judged in the first interpreter that has its framework: this one, or one of `--python`.
`--results` stores the results of each adapter in a file; an adapter with such a file is not judged again, so
a run can be split or continued. The exit status is 1 if a verdict differs from the page `--against`, or if an
adapter that `--only` names is not installed.
"""

import datetime
import json
import platform
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np

from benchmarks.ledger import DEFENDED, LEDGER, Known, anchor, known
from benchmarks.shared import ROOT, parser, table, versions, write
from oracle import pytorch, pytorch_gradient
from oracle.frameworks import ADAPTERS
from oracle.limits import DTYPES, Limits
from oracle.problem import LayerProblem, Problem
from properties.implementations.implementation import Implementation, Settings
from properties.reports.results import LawResult
from properties.session import api
from properties.worker.own_modules import full_name
from reference.contract import CONTRACTS

SETTINGS = Settings(time_limit=60.0, import_time_limit=180.0, memory_limit=8 * 2**30)
OPTIONS = (
    *("--time-limit", "60", "--import-time-limit", "180", "--memory-limit", "8"),
    *("--hypothesis-profile=dev", "--hypothesis-seed=1"),
)
ALL = ",".join(ADAPTERS)
NOT_RUN = "not run"
LAWS = ("trajectory", "each step", "lower precision", "extreme magnitudes")
"""Laws of forward passes whose worst errors are shown."""

COLUMNS = (
    *("adapter", "version", "verdict", *DTYPES, "lengths", "gradients"),
    *("NaN, ∞", "crashes", "other edges that fail", "new failures"),
)
_KNOWN = known(LEDGER.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Judged:
    """The results of one adapter, or why it was not judged; `gradients`: were backward passes judged?"""

    name: str
    missing: str = ""
    version: str = ""
    written: str = ""
    verdict: str = ""
    limits: Limits = field(default_factory=Limits)
    gradients: bool = False
    results: Sequence[LawResult] = ()

    @property
    def failures(self) -> list[LawResult]:
        """The laws that do not hold."""
        return [each for each in self.results if each.status == "failed"]


def main() -> int:
    """Judge all, write the tables, and compare the verdicts."""
    options = parser(__doc__)
    options.add_argument("--python", action="append", default=[], help="another interpreter (repeatable)")
    options.add_argument("--only", default=ALL, help="adapters to judge, with commas (default: all)")
    options.add_argument("--results", type=Path, help="a folder to store results in (default: none)")
    options.add_argument("--output", type=Path, help="the page whose tables to replace (default: print)")
    options.add_argument("--against", type=Path, help="an earlier page")
    given = options.parse_args()
    before, names = given.against.read_text() if given.against else "", given.only.split(",")
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.results or Path(temporary)
        folder.mkdir(exist_ok=True)
        for name in names:
            path = folder / f"{name}.json"
            if not path.exists():
                judged = judge(name, [sys.executable, *given.python])
                path.write_text(json.dumps(asdict(judged), indent=1))
                print(f"{name}: {judged.missing or judged.verdict}", file=sys.stderr, flush=True)
        results = [_read(folder / f"{name}.json", name) for name in ADAPTERS]
    write(parts(results), given.output)
    changes = changed(results, before)
    print("\n".join(changes), file=sys.stderr)
    missing = [each for each in results if each.missing and each.name in names]
    return 1 if changes or (given.only != ALL and missing) else 0


def _read(path: Path, name: str) -> Judged:
    if not path.exists():
        return Judged(name, missing="not in this run")
    stored = json.loads(path.read_text())
    read = {"limits": Limits(**stored["limits"]), "results": [*map(LawResult.from_dict, stored["results"])]}
    return Judged(**{**stored, **read})


def judge(name: str, pythons: Sequence[str]) -> Judged:
    """The results of one adapter, in the first interpreter that has its packages."""
    missing = ""
    for python in pythons:
        with Implementation(full_name(f"frameworks.{name}"), replace(SETTINGS, python=python)) as adapter:
            try:
                limits, functions = adapter.limits, adapter.load().functions
            except Exception as error:
                missing = missing or str(error).partition(" needs ")[2].partition(":")[0] or str(error)
                continue
        judgement = api.judge(f"frameworks.{name}", "--python", python, *OPTIONS)
        git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
        commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
        system = f"{platform.system()} {platform.machine()}"
        return Judged(
            name,
            version=versions(python, [ADAPTERS[name].distribution]) or ADAPTERS[name].distribution,
            written=f"{datetime.date.today()}, at commit {commit}, on {system}",
            verdict=judgement.verdict,
            limits=limits,
            gradients=limits.gradients and any(CONTRACTS[each].is_backward for each in functions),
            results=judgement.results,
        )
    return Judged(name, missing=missing)


def changed(judged: Sequence[Judged], before: str) -> list[str]:
    """A line for each verdict that differs from the first table of an earlier page."""
    first = before.partition("<!-- adapters -->")[2].partition("<!-- end -->")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \|", first, re.MULTILINE)
    old = {name: (version, verdict) for name, version, verdict in rows}
    return [
        f"{each.name}: {verdict} ({version}) is now {each.verdict} ({each.version})"
        for each in judged
        for version, verdict in [old.get(each.name, ("", each.verdict))]
        if not each.missing and verdict != each.verdict and not verdict.startswith(NOT_RUN)
    ]


def parts(judged: Sequence[Judged]) -> dict[str, str]:
    """The measured parts of the page by name."""
    found = [each for each in judged if not each.missing]
    return {
        "run": f"Written {'; and '.join(sorted({each.written for each in found}))}.",
        "adapters": table(COLUMNS, map(_summary, judged)),
        "failures": table(
            ("adapter", "network", "what happens", "laws", "accounted for", "problem"),
            [row for each in found for row in _failures(each)],
        ),
        "errors": table(("adapter", *LAWS, "gradients", "declares"), map(_errors, found)),
    }


def _summary(judged: Judged) -> Sequence[str]:
    """The row of an adapter in the first table."""
    if judged.missing:
        return [f"`{judged.name}`", "–", f"{NOT_RUN}: {judged.missing}", *[""] * (len(COLUMNS) - 3)]
    failures: defaultdict[str, list[LawResult]] = defaultdict(list)
    for failure in judged.failures:
        failures[_aspect(failure)].append(failure)

    def yes(is_right: bool) -> str:
        return "yes" if is_right else "**no**"

    def each_once(names: Iterable[str]) -> str:
        return ", ".join(dict.fromkeys(names))

    dtypes = judged.limits.dtypes
    lengths = not any(f"{dtype} lengths" in failures for dtype in dtypes if dtype not in failures)
    gradients = each_once(map(_setting, failures["gradients"]))
    return [
        *(f"`{judged.name}`", judged.version, judged.verdict),
        *(yes(dtype not in failures) if dtype in dtypes else "–" for dtype in DTYPES),
        yes(lengths) if judged.limits.lengths else "–",
        (f"**no**: {gradients}" if gradients else "yes") if judged.gradients else "–",
        yes("nonfinite" not in failures),
        *(each_once(each.law for each in failures[aspect]) or "none" for aspect in ("crashes", "other")),
        str(sum(_explanation(judged.name, each) is None for each in judged.failures)),
    ]


def _aspect(failure: LawResult) -> str:
    """The column of the first table that a failure belongs to."""
    problem = _problem(failure)
    if "died" in failure.facts:
        return "crashes"
    if failure.law in ("nonfinite", "padding") or (problem and not _is_finite(failure.function, problem)):
        return "nonfinite"
    if problem is None or 0 in (problem.n_x, problem.m, problem.T_x):
        return "other"
    backward = _is_backward(failure)
    if not backward and isinstance(problem, LayerProblem) and problem.lengths != "absent":
        # A failure that does not need lengths would have been shrunk to a problem without lengths.
        return f"{problem.dtype} lengths"
    if failure.grade != "spec" and failure.law != "lower precision":
        return "other"
    return "gradients" if backward else problem.dtype


def _problem(failure: LawResult) -> Problem | None:
    return Problem.parse(failure.counterexample) if failure.counterexample else None


def _is_finite(function: str, problem: Problem) -> bool:
    """Whether the right answer is finite, by torch."""
    witness: Any = pytorch_gradient if CONTRACTS[function].is_backward else pytorch
    return all(np.isfinite(array).all() for array in witness.run(problem.inputs(function)).values())


def _is_backward(failure: LawResult) -> bool:
    return bool(failure.function) and CONTRACTS[failure.function].is_backward


def _setting(failure: LawResult) -> str:
    """The dtype and the options of the counterexample, in words."""
    problem = Problem.parse(failure.counterexample)
    options: dict[str, bool] = {}
    if isinstance(problem, LayerProblem):
        options = {
            "lengths": problem.lengths != "absent",
            "two directions": problem.directions == 2,
            "layers": problem.layers > 1,
            "a projection": problem.n_p > 0,
            "relu": problem.activation == "relu",
        }
    chosen = " and ".join(option for option, is_chosen in options.items() if is_chosen)
    return f"{problem.dtype} with {chosen}" if chosen else problem.dtype


def _explanation(name: str, failure: LawResult) -> Known | None:
    """The first part of the ledger that explains a failure of an adapter."""
    problem = _problem(failure)
    outcome = "dies" if "died" in failure.facts else "raises" if "raised" in failure.facts else "answers"
    law = f"{failure.law} of gradients" if _is_backward(failure) else failure.law
    dtype = problem.dtype if problem else ""
    phrases = (law, _first_finding(failure), _aspect(failure), f"{outcome} in {dtype}")
    kind = failure.function.partition("_")[0]
    return next((each for each in _KNOWN if each.covers(name, kind, phrases)), None)


def _first_finding(failure: LawResult) -> str:
    """The first finding on a failure, in one line."""
    return shorten(" ".join(failure.diagnosis[:1]), 400)


def _failures(judged: Judged) -> Iterator[Sequence[str]]:
    """A row for each finding or defended behaviour of the ledger, and for each mistake that none explains."""
    groups: defaultdict[tuple[str, str], list[LawResult]] = defaultdict(list)
    for failure in judged.failures:
        entry = _explanation(judged.name, failure)
        # Numbers in messages may be those of nodes.
        what = re.sub(r"\d+", "#", _first_finding(failure)) or failure.law
        if entry:
            what = entry.phrase if entry.heading == DEFENDED else ""
        groups[entry.heading if entry else "", what].append(failure)
    for (heading, _), alike in groups.items():
        shortest = min(alike, key=lambda failure: len(failure.counterexample))
        what = shorten(re.sub(r"(\x1b|\\x1b)\[\d+m", "", _first_finding(shortest)), 120, placeholder=" …")
        word = "defended" if heading == DEFENDED else "finding"
        yield [
            f"`{judged.name}`",
            ", ".join(sorted({_network(failure) for failure in alike}, reverse=True)),
            what.replace("|", "\\|") or "a wrong answer",
            ", ".join(dict.fromkeys(failure.law for failure in alike)),
            f"[{word}](../FINDINGS.md{anchor(heading)})" if heading else "**new**",
            f"`{shortest.counterexample}`",
        ]


def _network(failure: LawResult) -> str:
    return failure.function.partition("_")[0].upper() + (" backward" if _is_backward(failure) else "")


def _errors(judged: Judged) -> Sequence[str]:
    """The row of an adapter with the worst errors, as fractions of the bound."""

    def worst(laws: Sequence[str], *, backward: bool = False) -> str:
        of_laws = [each for each in judged.results if each.law in laws and _is_backward(each) == backward]
        fails = any(each.status == "failed" for each in of_laws)
        return "fails" if fails else f"{max((each.worst_ratio for each in of_laws), default=0.0):.2f}"

    declared = replace(judged.limits, caches=True, head=True, bad_shapes=True, gradients=True).words
    gradients = worst(LAWS, backward=True) if judged.gradients else "–"
    return [f"`{judged.name}`", *(worst([law]) for law in LAWS), gradients, ", ".join(declared)]


if __name__ == "__main__":
    sys.exit(main())
