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

from benchmarks.framework_pages import NOT_RUN, Judged, parts
from benchmarks.shared import ROOT, parser, versions, write
from oracle.frameworks import ADAPTERS
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
    return Judged(**{**fields, "results": [*map(LawResult.read, fields["results"])]})


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
        return Judged(
            name,
            version=versions(python, [ADAPTERS[name].distribution]) or ADAPTERS[name].distribution,
            date=str(datetime.date.today()),
            commit=subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip(),
            system=f"{platform.system()} {platform.machine()}",
            verdict=judgement.verdict,
            dtypes=list(limits.dtypes),
            lengths=limits.lengths,
            gradients=limits.gradients and any(CONTRACTS[each].is_backward for each in functions),
            declares=replace(limits, caches=True, head=True, bad_shapes=True, gradients=True).words,
            results=judgement.results,
        )
    return Judged(name, missing=missing)


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
