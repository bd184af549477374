"""Are the recurrent layers of frameworks right? Judges every adapter, and writes docs/frameworks.md.

    python -m benchmarks.frameworks --output docs/frameworks.md --picture docs/frameworks.svg \
        --python .venv-frameworks/bin/python
    python -m benchmarks.frameworks --only onnxruntime,litert --against docs/frameworks.md

Each adapter is judged in the first interpreter that has its framework: this one, or one of `--python`. The
exit status is 1 if a verdict differs from that of the page `--against`, or if the framework of an adapter in
`--only` is not installed.
"""

import datetime
import pickle
import platform
import re
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.framework_tables import NOT_RUN, AdapterResult, choice_picture, parts
from benchmarks.shared import ROOT, argument_parser, versions, write
from oracle.frameworks import ADAPTERS
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from properties.session import api
from properties.worker.own_modules import full_name
from reference.contract import CONTRACTS

SETTINGS = Settings(time_limit=60.0, import_time_limit=180.0, memory_limit=8 * 2**30)
OPTIONS = (
    *("--time-limit", "60", "--import-time-limit", "180", "--memory-limit", "8"),
    *("--hypothesis-profile=dev", "--hypothesis-seed=1"),
)


def main() -> int:
    """Judge the adapters, write the tables, and compare the verdicts with those of an earlier page."""
    parser = argument_parser(__doc__)
    parser.add_argument("--python", action="append", default=[], help="another interpreter (repeatable)")
    parser.add_argument("--only", default="", help="adapters to judge, with commas (default: all)")
    parser.add_argument("--output", type=Path, help="the page whose tables to replace (default: print)")
    parser.add_argument("--picture", type=Path, help="the file for the table of choice as a picture (SVG)")
    parser.add_argument("--against", type=Path, help="an earlier page")
    parser.add_argument("--keep", type=Path, help="a folder for results, whose adapters are not judged again")
    options = parser.parse_args()
    page = options.against.read_text(encoding="utf-8") if options.against else ""
    names = options.only.split(",") if options.only else [*ADAPTERS]
    judged = {}
    for name in names:
        result = judged[name] = kept(name, [sys.executable, *options.python], options.keep)
        print(f"{name}: {result.missing or result.verdict}", file=sys.stderr, flush=True)
    results = [judged.get(name, AdapterResult(name, missing="not in this run")) for name in ADAPTERS]
    write(parts(results), options.output)
    if options.picture:
        options.picture.write_text(choice_picture(results), encoding="utf-8")
    changes = verdict_changes(results, page)
    print("\n".join(changes), file=sys.stderr)
    is_missing = any(each.missing and each.name in names for each in results)
    return 1 if changes or (options.only and is_missing) else 0


def kept(name: str, pythons: Sequence[str], folder: Path | None) -> AdapterResult:
    """Return the result of an adapter that an earlier run has left in the folder, or judge the adapter."""
    file = folder / f"{name}.pickle" if folder else None
    if file and file.exists():
        result: AdapterResult = pickle.loads(file.read_bytes())
        return result
    result = judge(name, pythons)
    if file and not result.missing:
        file.write_bytes(pickle.dumps(result))
    return result


def judge(name: str, pythons: Sequence[str]) -> AdapterResult:
    """Judge one adapter, in the first interpreter that has its packages."""
    missing = ""
    for python in pythons:
        with Implementation(full_name(f"frameworks.{name}"), replace(SETTINGS, python=python)) as adapter:
            try:
                limits, functions = adapter.limits, adapter.load().functions
            except Exception as error:
                missing = missing or str(error).partition(" needs ")[2].partition(":")[0] or str(error)
                continue
        start, before = time.perf_counter(), _processor_seconds()
        judgement = api.judge(f"frameworks.{name}", "--python", python, *OPTIONS)
        seconds, processor_seconds = time.perf_counter() - start, _processor_seconds() - before
        git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
        commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
        system = f"{platform.system()} {platform.machine()}"
        return AdapterResult(
            name,
            version=versions(python, [ADAPTERS[name].distribution]) or ADAPTERS[name].distribution,
            written=f"{datetime.date.today()}, at commit {commit}, on {system}",
            verdict=judgement.verdict,
            limits=limits,
            has_gradients=limits.gradients and any(CONTRACTS[each].is_backward for each in functions),
            results=judgement.results,
            seconds=seconds,
            processor_seconds=processor_seconds,
        )
    return AdapterResult(name, missing=missing)


def _processor_seconds() -> float:
    """The processor time of all processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def verdict_changes(results: Sequence[AdapterResult], page: str) -> list[str]:
    """Return a line for each verdict that differs from that in the table of adapters of an earlier page."""
    first = page.partition("<!-- adapters -->")[2].partition("<!-- end -->")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \|", first, re.MULTILINE)
    earlier = {name: (version, verdict) for name, version, verdict in rows}
    return [
        f"{each.name}: {verdict} ({version}) is now {each.verdict} ({each.version})"
        for each in results
        for version, verdict in [earlier.get(each.name, ("", each.verdict))]
        if not each.missing and verdict != each.verdict and not verdict.startswith(NOT_RUN)
    ]


if __name__ == "__main__":
    sys.exit(main())
