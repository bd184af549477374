"""What do the recurrent layers of frameworks get? Judges every adapter, and writes docs/frameworks.md.

    python -m benchmarks.frameworks --output docs/frameworks.md --html frameworks.html
    python -m benchmarks.frameworks --only onnxruntime,litert --against docs/frameworks.md

Every adapter is put to the laws in the first interpreter that has its framework: this one, or those of
`--python`. Then come problems of each option of a layer, dtype and regime, whose worst errors are shown as
fractions of their bounds, and what the functions of the framework cost. `--against` an earlier page verdicts
that are other ones are told, and the exit status is 1; so it is where one that was named is not installed.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.framework_pages import REGIMES, SEEDS, SIZES, Failure, Judged, html, page
from benchmarks.vendor_mathematics import cost
from oracle import propagation, pytorch
from oracle.frameworks import ADAPTERS
from oracle.limits import Limits
from oracle.problem import Problem, siblings
from oracle.verdict import Comparison
from properties.answered.answer import Answer, MalformedError
from properties.answered.implementation import Died, Implementation, Raised
from properties.worker.ours import full_name
from reference.contract import CONTRACTS, LAYERS

HOST = {"time_limit": 60.0, "import_time_limit": 180.0, "memory_limit": 8 * 2**30}
ALL = ",".join(ADAPTERS)
LIMITS = ["--time-limit", "60", "--import-time-limit", "180", "--memory-limit", "8"]
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "two layers": {"layers": 2},
    "two directions": {"directions": 2},
    "lengths": {"lengths": "random"},
    "two directions, lengths": {"directions": 2, "lengths": "random"},
    "all of these": {"layers": 2, "directions": 2, "lengths": "random"},
    "projection": {"n_p": 2},
    "relu": {"activation": "relu"},
}


def main() -> int:
    """Judge all, write what is asked for, and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", action="append", default=[], help="another interpreter (repeatable)")
    parser.add_argument("--only", default=ALL, help="names, with commas (default: all that are installed)")
    parser.add_argument("--profile", default="dev", help="of the laws (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="a Markdown file (default: print)")
    parser.add_argument("--html", type=Path, help="a page with the matrix")
    parser.add_argument("--against", type=Path, help="an earlier page in Markdown")
    options = parser.parse_args()
    before = options.against.read_text() if options.against else ""
    pythons, judged = [sys.executable, *options.python], []
    for name in options.only.split(","):
        judged.append(judge(name, pythons, options.profile))
        print(f"{name}: {judged[-1].missing or judged[-1].verdict}", file=sys.stderr, flush=True)
    text = "\n".join(page(judged, options.profile)) + "\n"
    if options.output:
        options.output.write_text(text)
    else:
        print(text, end="")
    if options.html:
        options.html.write_text(html(judged))
    changes = changed(judged, before) if options.against else []
    print("\n".join(changes), file=sys.stderr)
    missing = options.only != ALL and any(each.missing for each in judged)
    return 1 if changes or missing else 0


def judge(name: str, pythons: Sequence[str], profile: str) -> Judged:
    """One adapter, in the first interpreter that has what it needs."""
    missing = ""
    for python in pythons:
        judged = Judged(name, version=_version(python, ADAPTERS[name].distribution))
        with Implementation(full_name(f"frameworks.{name}"), python=python, **HOST) as implementation:  # type: ignore[arg-type]
            try:
                limits = implementation.limits
            except Exception as error:
                missing = missing or str(error).partition(" needs ")[2] or str(error)
                continue
            _by_the_laws(judged, python, profile)
            for function in LAYERS:
                if function in implementation.load().functions:
                    judged.errors.update(_errors(implementation, function, limits))
            judged.costs = {dtype: cost(implementation, dtype) for dtype in limits.dtypes}
            judged.kernels = {dtype: _kernel(implementation, dtype) for dtype in limits.dtypes}
        return judged
    return Judged(name, missing=missing)


def _version(python: str, distribution: str) -> str:
    asked = f"import importlib.metadata as m; print(m.version({distribution!r}))"
    done = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False)
    return f"{distribution} {done.stdout.strip()}".strip()


def _by_the_laws(judged: Judged, python: str, profile: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "report.json")
        command = [sys.executable, "-m", "rnn_crosscheck", f"frameworks.{judged.name}", "--python", python]
        command += [*LIMITS, "--hypothesis-seed=1", f"--hypothesis-profile={profile}", "--report", str(path)]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        (found,) = json.loads(path.read_text())["implementations"]
    judged.verdict = found["verdict"]
    judged.functions = {name: each["verdict"] for name, each in found["functions"].items()}
    judged.limits = found.get("limits", [])
    judged.failures = [
        Failure(
            law["function"].partition("_")[0], law["law"], law["grade"], _told(law), law["counterexample"]
        )
        for law in found["laws"]
        if law["status"] == "failed"
    ]


def _told(law: Mapping[str, Any]) -> str:
    """The likely mistake, or else how it failed."""
    if law["diagnosis"]:
        return " ".join(str(law["diagnosis"][0]).split())
    facts = dict(line.split(maxsplit=1) for line in law["message"].splitlines() if len(line.split()) > 1)
    told = next((f"{name} {facts[name]}" for name in ("raised", "died", "form") if name in facts), "")
    return " ".join(told.split())


def _errors(
    implementation: Implementation, function: str, limits: Limits
) -> Iterator[tuple[str, dict[str, str]]]:
    """By option and dtype, for each regime the worst error by its bound, or what came instead."""
    kind = CONTRACTS[function].kind
    for dtype in limits.dtypes:
        for option, given in OPTIONS.items():
            if ("n_p" in given and kind == "rnn") or ("activation" in given and kind == "lstm"):
                continue
            first = getattr(Problem, function)(**SIZES, **given, seed=1, dtype=dtype)
            if limits.fitted(first) != first:
                continue
            row = {}
            for regime in REGIMES:
                problems = siblings(replace(first, regime=regime), SEEDS)
                row[regime] = _worst([_error(implementation, function, each) for each in problems])
            yield f"{kind}, {option}, {dtype}", row


def _error(implementation: Implementation, function: str, problem: Problem) -> float | str:
    inputs = problem.inputs(function)
    reply = implementation.call(function, inputs.arguments(function))
    if isinstance(reply, Died):
        return "dies"
    if isinstance(reply, Raised):
        return "raises"
    try:
        outputs = Answer(CONTRACTS[function], reply, inputs.sizes).outputs
    except MalformedError:
        return "malformed"
    witness, bounds = pytorch.run(inputs), propagation.evaluate(inputs)
    return max(
        Comparison(inputs, name, name, ours, witness[name], bounds[name].error).worst
        for name, ours in outputs.items()
    )


def _worst(errors: Sequence[float | str]) -> str:
    words = [each for each in errors if isinstance(each, str)]
    if words:
        return words[0]
    worst = max(float(each) for each in errors)
    return f"{worst:.2f}" if worst <= 1 else f"**{worst:.1g}**"


def _kernel(implementation: Implementation, dtype: str) -> str:
    """A digest of the answers to a few problems: who shares a kernel has the same bits."""
    digest = hashlib.sha256()
    for function in implementation.load().functions:
        if function in LAYERS:
            first = getattr(Problem, function)(n_x=7, n_a=16, m=5, T_x=4, seed=1, dtype=dtype)
            for problem in siblings(first, 3):
                reply = implementation.call(function, problem.arguments(function))
                arrays = getattr(reply, "value", None) or ()
                for array in arrays:
                    digest.update(array.tobytes() if hasattr(array, "tobytes") else b"?")
    return digest.hexdigest()[:8]


def changed(judged: Sequence[Judged], before: str) -> list[str]:
    """A line for each verdict that is another one than on an earlier page."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \| \*\*([^|]*)\*\* \|", before, re.MULTILINE)
    old = {name: (version, verdict) for name, version, verdict in rows}
    return [
        f"{each.name}: {verdict} ({version}) is now {each.verdict} ({each.version})"
        for each in judged
        for version, verdict in [old.get(each.name, ("", each.verdict))]
        if not each.missing and verdict != each.verdict
    ]


if __name__ == "__main__":
    sys.exit(main())
