"""Are the recurrent layers of frameworks right? Judges every adapter, and writes docs/frameworks.md.

    python -m benchmarks.frameworks --output docs/frameworks.md --python .venv-frameworks/bin/python
    python -m benchmarks.frameworks --only onnxruntime,litert --against docs/frameworks.md

The laws judge every adapter in the first interpreter that has its framework: this one, or those of
`--python`. `--results` keeps what came of each in a file, and an adapter that has a file there is not judged
again, so that a run can be split or go on. The exit status is 1 where a verdict is another one than on the
page `--against`, and where an adapter that `--only` names is not installed.
"""

import argparse
import datetime
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np

from benchmarks.findings import LEDGER
from benchmarks.framework_pages import LAWS, NOT_RUN, PROFILE, SEED, Failure, Judged, page
from oracle import pytorch, pytorch_gradient
from oracle.frameworks import ADAPTERS
from oracle.problem import Problem
from properties.implementations.implementation import Died, Implementation, Raised
from properties.worker.own_modules import full_name
from reference.contract import CONTRACTS

HOST = {"time_limit": 60.0, "import_time_limit": 180.0, "memory_limit": 8 * 2**30}
LIMITS = ["--time-limit", "60", "--import-time-limit", "180", "--memory-limit", "8"]
ALL = ",".join(ADAPTERS)


def main() -> int:
    """Judge all, write the page, and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", action="append", default=[], help="another interpreter (repeatable)")
    parser.add_argument("--only", default=ALL, help="adapters to judge, with commas (default: all)")
    parser.add_argument("--results", type=Path, help="a folder that keeps results (default: none are kept)")
    parser.add_argument("--output", type=Path, help="a Markdown file (default: print)")
    parser.add_argument("--against", type=Path, help="an earlier page")
    options = parser.parse_args()
    before, names = options.against.read_text() if options.against else "", options.only.split(",")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.results or Path(temporary)
        folder.mkdir(exist_ok=True)
        for name in names:
            path = folder / f"{name}.json"
            if not path.exists():
                judged = judge(name, [sys.executable, *options.python])
                path.write_text(json.dumps(asdict(judged), indent=1))
                print(f"{name}: {judged.missing or judged.verdict}", file=sys.stderr, flush=True)
        results = [_read(folder / f"{name}.json", name) for name in ADAPTERS]
    text = "\n".join(page(results)) + "\n"
    if options.output:
        options.output.write_text(text)
    else:
        print(text, end="")
    changes = changed(results, before)
    print("\n".join(changes), file=sys.stderr)
    missing = [each for each in results if each.missing and each.name in names]
    return 1 if changes or (options.only != ALL and missing) else 0


def _read(path: Path, name: str) -> Judged:
    if not path.exists():
        return Judged(name, missing="not in this run")
    fields = json.loads(path.read_text())
    return Judged(**{**fields, "failures": [Failure(**each) for each in fields["failures"]]})


def judge(name: str, pythons: Sequence[str]) -> Judged:
    """One adapter, in the first interpreter that has what it needs."""
    missing = ""
    for python in pythons:
        with Implementation(full_name(f"frameworks.{name}"), python=python, **HOST) as implementation:  # type: ignore[arg-type]
            try:
                limits, functions = implementation.limits, implementation.load().functions
            except Exception as error:
                missing = missing or str(error).partition(" needs ")[2].partition(":")[0] or str(error)
                continue
            report = _report(name, python)
            (found,) = report["implementations"]
            git = ["git", "-C", str(LEDGER.parent), "describe", "--always", "--dirty"]
            described = subprocess.run(git, capture_output=True, text=True, check=False)
            return Judged(
                name,
                version=version(python, name),
                date=str(datetime.date.today()),
                commit=described.stdout.strip(),
                system=f"{report['environment']['target']}, {report['environment']['platform']}",
                verdict=found["verdict"],
                dtypes=list(limits.dtypes),
                lengths=limits.lengths,
                gradients=limits.gradients and any(CONTRACTS[name].is_backward for name in functions),
                declares=replace(limits, caches=True, head=True, bad_shapes=True, gradients=True).words,
                failures=[
                    _failure(implementation, law) for law in found["laws"] if law["status"] == "failed"
                ],
                ratios=ratios(found["laws"]),
            )
    return Judged(name, missing=missing)


def version(python: str, name: str) -> str:
    """The framework of an adapter in this interpreter, with its version."""
    distribution = ADAPTERS[name].distribution
    asked = f"import importlib.metadata as m; print(m.version({distribution!r}))"
    done = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False)
    return f"{distribution} {done.stdout.strip()}".strip()


def _report(name: str, python: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "report.json")
        command = [sys.executable, "-m", "rnn_crosscheck", f"frameworks.{name}", "--python", python]
        command += [*LIMITS, f"--hypothesis-seed={SEED}", f"--hypothesis-profile={PROFILE}"]
        silent: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([*command, "--report", str(path)], **silent, check=False)
        return json.loads(path.read_text())


def ratios(laws: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """The worst error by law of any forward pass, as a fraction of the bound, and of gradients by all laws.

    It is `None` where a law fails.
    """
    groups: dict[str, list[Mapping[str, Any]]] = {name: [] for name in (*LAWS, "gradients")}
    for law in laws:
        if law["law"] in LAWS:  # other laws may be of the whole target, and of no function
            name = "gradients" if CONTRACTS[law["function"]].is_backward else law["law"]
            groups[name].append(law)
    return {
        name: None
        if any(law["status"] == "failed" for law in alike)
        else max((law["worst_ratio"] for law in alike), default=0.0)
        for name, alike in groups.items()
    }


def _failure(implementation: Implementation, law: Mapping[str, Any]) -> Failure:
    """What a law reports, and what becomes of its counterexample when it is posed again."""
    function, told = law["function"], " ".join(" ".join(law["diagnosis"][:1]).split())
    about: Any = {"kind": function.partition("_")[0], "law": law["law"], "grade": law["grade"]}
    about["gradients"] = CONTRACTS[function].is_backward
    about["problem"] = law["counterexample"]
    if not law["counterexample"]:
        return Failure(**about, outcome="answers", told=told)
    problem = Problem.parse(law["counterexample"])
    witness: Any = pytorch_gradient if about["gradients"] else pytorch
    right = witness.run(problem.inputs(function)).values()
    about["finite"] = all(bool(np.isfinite(array).all()) for array in right)
    reply = implementation.call(function, problem.arguments(function))
    if isinstance(reply, Died):
        told = told or f"the process {reply.reason}"
    elif isinstance(reply, Raised):
        told = told or f"{reply.type_name}: {' '.join(reply.message.split())}"
    outcome = "dies" if isinstance(reply, Died) else "raises" if isinstance(reply, Raised) else "answers"
    return Failure(**about, outcome=outcome, told=shorten(told, 400))


def changed(judged: Sequence[Judged], before: str) -> list[str]:
    """A line for each verdict that is another one than in the first table of an earlier page."""
    first = before.partition("\n## ")[0]
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
