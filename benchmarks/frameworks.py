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
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np

from benchmarks.framework_pages import LAWS, NOT_RUN, Failure, Judged, parts
from benchmarks.shared import ROOT, parser, write
from oracle import pytorch, pytorch_gradient
from oracle.frameworks import ADAPTERS
from oracle.problem import Problem
from properties.implementations.implementation import Died, Implementation, Raised, Settings
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
    fields = json.loads(path.read_text())
    return Judged(**{**fields, "failures": [Failure(**each) for each in fields["failures"]]})


def judge(name: str, pythons: Sequence[str]) -> Judged:
    """The results of one adapter, in the first interpreter that has its packages."""
    missing = ""
    for python in pythons:
        settings = replace(SETTINGS, python=python)
        with Implementation(full_name(f"frameworks.{name}"), settings) as implementation:
            try:
                limits, functions = implementation.limits, implementation.load().functions
            except Exception as error:
                missing = missing or str(error).partition(" needs ")[2].partition(":")[0] or str(error)
                continue
            judgement = api.judge(f"frameworks.{name}", "--python", python, *OPTIONS)
            git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
            commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
            return Judged(
                name,
                version=version(python, name),
                date=str(datetime.date.today()),
                commit=commit,
                system=f"{platform.system()} {platform.machine()}",
                verdict=judgement.verdict,
                dtypes=list(limits.dtypes),
                lengths=limits.lengths,
                gradients=limits.gradients and any(CONTRACTS[each].is_backward for each in functions),
                declares=replace(limits, caches=True, head=True, bad_shapes=True, gradients=True).words,
                failures=[
                    _failure(implementation, each) for each in judgement.results if each.status == "failed"
                ],
                ratios=ratios(judgement.results),
            )
    return Judged(name, missing=missing)


def version(python: str, name: str) -> str:
    """The framework of an adapter in this interpreter, with its version."""
    distribution = ADAPTERS[name].distribution
    asked = f"import importlib.metadata as m; print(m.version({distribution!r}))"
    done = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False)
    return f"{distribution} {done.stdout.strip()}".strip()


def ratios(results: Sequence[LawResult]) -> dict[str, float | None]:
    """The worst errors, as fractions of the bound: those of forward passes by law, and one of all gradients.

    An error is `None` where a law fails.
    """
    groups: dict[str, list[LawResult]] = {name: [] for name in (*LAWS, "gradients")}
    for each in results:
        if each.law in LAWS:  # other laws may be about the whole target, and about no function
            groups["gradients" if CONTRACTS[each.function].is_backward else each.law].append(each)
    return {
        name: None
        if any(each.status == "failed" for each in alike)
        else max((each.worst_ratio for each in alike), default=0.0)
        for name, alike in groups.items()
    }


def _failure(implementation: Implementation, result: LawResult) -> Failure:
    """A law that failed, and what the adapter does when it is called on the counterexample again."""
    function, told = result.function, " ".join(" ".join(result.diagnosis[:1]).split())
    gradients, outcome, finite = CONTRACTS[function].is_backward, "answers", True
    if result.counterexample:
        problem = Problem.parse(result.counterexample)
        witness: Any = pytorch_gradient if gradients else pytorch
        right = witness.run(problem.inputs(function)).values()
        finite = all(bool(np.isfinite(array).all()) for array in right)
        reply = implementation.call(function, problem.arguments(function))
        if isinstance(reply, Died):
            outcome, told = "dies", told or f"the process {reply.reason}"
        elif isinstance(reply, Raised):
            outcome, told = "raises", told or f"{reply.type_name}: {' '.join(reply.message.split())}"
    kind, told = function.partition("_")[0], shorten(told, 400)
    return Failure(kind, result.law, result.grade, outcome, told, result.counterexample, finite, gradients)


def changed(judged: Sequence[Judged], before: str) -> list[str]:
    """A line for each verdict that differs from the first table of an earlier page."""
    first = before.partition("<!-- adapters -->")[2].partition("<!-- end -->")[0]
    old = {
        name: rest for name, *rest in re.findall(r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \|", first, re.MULTILINE)
    }
    return [
        f"{each.name}: {verdict} ({version}) is now {each.verdict} ({each.version})"
        for each in judged
        for version, verdict in [old.get(each.name, ("", each.verdict))]
        if not each.missing and verdict != each.verdict and not verdict.startswith(NOT_RUN)
    ]


if __name__ == "__main__":
    sys.exit(main())
