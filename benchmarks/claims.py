"""Are the claims of failures true? Checks every claim of a report on problems that the search has not used.

    python -m benchmarks.claims FOLDER [--every N --offset K] [--only SETS] [--show] [--output docs/claims.md]

The folder has `.toml` files with mistakes, as edits of the right program in `program.txt` or
`layers_program.txt`, or `.py` targets, each perhaps with a line `# truth: …` for a reader. The command
`rnn-crosscheck` judges all targets in the profile `quick`. Then each claim of each failed law is compared
with what the program does on the shown problems and on 50 fresh ones, and some failures are reproduced by the
printed command, in a new process. A claim is *right*, *false*, or *left out* if it says nothing that can be
tested. The exit status is 1 if a claim is false. docs/claims.md has the figures.
"""

import json
import os
import shlex
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.checked_claims import Check, check
from benchmarks.shared import JUDGE, ROOT, argument_parser, table, write
from oracle.explanations.claims import Claim
from oracle.problems.problem import Problem
from oracle.tests.strangers import strangers
from properties.explanations.program import Program
from properties.implementations.implementation import Implementation

GRADES = ("right", "left out", "false")
COMMANDS_EVERY = 20
"""Every failure of this number is reproduced by its printed command."""
TRIES = 3
"""How often the command of a program that answers at random is run."""
HOLDS = "With this command, the law held"


@dataclass(frozen=True)
class Mistake:
    """One wrong program: its set, its name, its source, and what a reader knows of it."""

    group: str
    name: str
    source: str
    truth: str


@dataclass(frozen=True)
class Checked:
    """A claim about a function of a mistake, with its check."""

    mistake: Mistake
    function: str
    claim: Claim
    check: Check


def mistakes(folder: Path) -> Iterator[Mistake]:
    """The mistakes of a folder of `.toml` files, or else of `.py` files."""
    for each in strangers(folder):
        truth = "; ".join(f"{part}: {text}" for part, text in each.author.items())
        yield Mistake(each.group, each.name, each.source, f"[{each.function}] {truth}")
    for path in sorted(folder.glob("*.py")) if not any(folder.glob("*.toml")) else ():
        source = path.read_text(encoding="utf-8")
        truths = [line.partition("# truth:")[2].strip() for line in source.splitlines() if "# truth:" in line]
        yield Mistake(folder.name, path.stem, source, " ".join(truths))


def main() -> int:
    """Judge the mistakes, check the claims, and print the tables and the false claims."""
    parser = argument_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, help="judge only every Nth mistake (default: all)")
    parser.add_argument(
        "--offset", type=int, default=0, help="the number of mistakes to skip first (default: 0)"
    )
    parser.add_argument("--only", default="", help="the sets to judge, separated by commas (default: all)")
    parser.add_argument("--show", action="store_true", help="print every claim that is not right")
    parser.add_argument("-n", type=int, default=2, help="the number of processes (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="the page to write the table into, docs/claims.md")
    options = parser.parse_args()
    only = {*filter(None, options.only.split(","))}
    every_mistake = [each for each in mistakes(options.folder) if not only or each.group in only]
    selected = every_mistake[options.offset :: options.every]
    with TemporaryDirectory() as name:
        folder = Path(name)
        by_target = {f"m{k:04}.py": mistake for k, mistake in enumerate(selected)}
        for target, mistake in by_target.items():
            (folder / target).write_text(mistake.source, encoding="utf-8")
        laws = failed_laws(judged(folder, [*by_target], "-n", str(options.n)))
        with ProcessPoolExecutor(options.n) as pool:
            parts = pool.map(partial(checked, folder, laws, by_target), by_target)
            every = [each for part in parts for each in part]
            chosen = [law for k, law in enumerate(sorted(laws, key=_by_reproducing)) if is_chosen(k, law)]
            commands = [*pool.map(partial(is_as_said, folder), chosen)]
    for each in every:
        if each.check.grade == "false" or (options.show and each.check.grade != "right"):
            print(f"{each.check.grade}: {each.mistake.name}, {each.function}: {each.claim.kind}")
            print("\n".join(f"  {line}" for line in (*_lines(each.claim), each.check.why)))
            print(f"  truth: {each.mistake.truth}")
    for law, holds in zip(chosen, commands, strict=True):
        if not holds:
            print(f"false: {by_target[law['target']].name}: the command of {law['law']}\n  {_command(law)}")
    print(summary("set", every, lambda each: each.mistake.group), end="\n\n")
    targets = len({law["target"] for law in laws})
    counts = f"{len(by_target)} mistakes were judged. {targets} of these fail {len(laws)} laws. "
    counts += f"{sum(commands)} of {len(commands)} printed commands do what the failure says."
    kinds = summary("claim", every, lambda each: each.claim.kind)
    write({"claims": f"{kinds}\n\n{counts}"}, options.output)
    return 0 if all(commands) and not any(each.check.grade == "false" for each in every) else 1


def judged(folder: Path, words: Sequence[str], *options: str) -> dict[str, Any]:
    """The report of `rnn-crosscheck` on targets of a folder."""
    report = folder / f"report-{os.getpid()}.json"
    report.unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [*JUDGE, *words, "--report", str(report), *options]
    profile = [] if "--reproduce" in words else ["--hypothesis-profile=quick", "--hypothesis-seed=0"]
    done = subprocess.run(
        [*command, *profile], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if not report.exists():
        raise RuntimeError(done.stdout + done.stderr)
    document: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return document


def failed_laws(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The failed laws of functions in a report, each with its target."""
    return [
        {**law, "target": entry["target"]}
        for entry in document["implementations"]
        for law in entry["laws"]
        if law["status"] == "failed" and law["function"] and law["counterexample"]
    ]


def checked(
    folder: Path, laws: Sequence[dict[str, Any]], by_target: Mapping[str, Mistake], target: str
) -> list[Checked]:
    """The checks of all claims about a target."""
    shown: defaultdict[tuple[str, str], list[Problem]] = defaultdict(list)
    claims: dict[tuple[str, str], Claim] = {}
    for law in laws:
        if law["target"] != target:
            continue
        inherited = [Claim.of("inherited")] if law.get("inherited") else []
        for claim in (*(Claim(**each) for each in law.get("findings", ())), *inherited):
            key = law["function"], repr(claim)
            claims[key] = claim
            problem = Problem.parse(law["counterexample"])
            shown[key] += [problem] if problem not in shown[key] else []
    results = []
    with Implementation(str(folder / target)) as implementation:
        for (function, text), claim in claims.items():
            found = check(claim, Program(implementation, function), shown[function, text])
            results.append(Checked(by_target[target], function, claim, found))
    return results


def is_chosen(number: int, law: Mapping[str, Any]) -> bool:
    """Whether the printed command of a failure is run; it is where the message says that the law holds."""
    return number % COMMANDS_EVERY == 0 or HOLDS in law["message"]


def _by_reproducing(law: Mapping[str, Any]) -> tuple[str, str]:
    return law["law"], law["target"]  # so that the chosen failures are those of all laws


def _command(law: Mapping[str, Any]) -> str:
    label = "  reproduce "
    line = next(each for each in law["message"].splitlines() if each.startswith(label))
    return str(line.removeprefix(label).strip())


def is_as_said(folder: Path, law: Mapping[str, Any]) -> bool:
    """Whether the printed command fails by this law in a new process, or does not if the failure says so."""
    _, *words = shlex.split(_command(law))
    is_random = any(each["kind"] == "two answers" for each in law.get("findings", ()))
    for _ in range(TRIES if is_random else 1):
        again = failed_laws(judged(folder, words))
        fails = any(each["law"] == law["law"] and each["function"] == law["function"] for each in again)
        if fails != (HOLDS in law["message"]):
            return True
    return False


def _lines(claim: Claim) -> list[str]:
    return ["right with a right cell"] if claim.kind == "inherited" else claim.lines


def summary(first: str, every: Sequence[Checked], key: Any) -> str:
    """A table of the grades, with a row for each set or kind of claim, and a row of totals."""
    groups: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for each in every:
        groups[key(each)][each.check.grade] += 1
    rows = [(name, grades) for name, grades in sorted(groups.items())]
    rows.append(("all", Counter(each.check.grade for each in every)))
    return table(
        [first, "claims", *GRADES],
        [
            [name, *(str(n) for n in (grades.total(), *(grades[grade] for grade in GRADES)))]
            for name, grades in rows
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
