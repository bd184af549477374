"""Break the harness on purpose, one place at a time, and see that a test fails.

    python -m properties.tests.mutants [--only TEXT]

Each law loses its check, and each edit of `mutants.toml` is made, in a copy of the clone; then the tests run
that must fail. Prints the mutants that survive, and exits with status 1 if there are any.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from oracle.tests.selection import VARIABLE

CLONE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """An edit of one file, and what of pytest is asked to fail by it."""

    file: str
    old: str
    new: str
    tests: str


def mutants() -> Iterator[Mutant]:
    """The laws without their checks, and the edits."""
    for path in sorted((CLONE / "properties" / "laws").glob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        for found in re.finditer(
            r'def test_(\w+)\(trial: Trial\) -> None:\n    """.*?"""\n', text, re.DOTALL
        ):
            law, file = found[1].replace("_", " "), "properties/tests/test_each_law_fails.py"
            case = f"::test_a_mistake_breaks_the_law[{law}]" if law != "refuses bad shapes" else ""
            tests = f"'{file}{case}'" if case else f"{file} -k any_shape"
            name = str(path.relative_to(CLONE))
            yield Mutant(name, found[0], f"{found[0]}    return\n", tests)
    edits = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    yield from (Mutant(**edit) for edit in edits["mutant"])


def survives(mutant: Mutant, folder: Path) -> bool:
    """Whether all tests pass that are named. Raises `ValueError` where the edit has no place any more."""
    path = folder / mutant.file
    text = path.read_text(encoding="utf-8")
    if mutant.old not in text:
        raise ValueError(f"{mutant.file} has no {mutant.old!r} any more")
    path.write_text(text.replace(mutant.old, mutant.new, 1), encoding="utf-8")
    try:
        command = f"{sys.executable} -m pytest -x -q -p no:cacheprovider {mutant.tests}"
        every = {**os.environ, VARIABLE: "all"}
        done = subprocess.run(
            command, cwd=folder, env=every, shell=True, capture_output=True, text=True, check=False
        )
    finally:
        path.write_text(text, encoding="utf-8")
    if done.returncode not in (0, 1, 2):
        raise ValueError(f"{command}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return done.returncode == 0


def main() -> int:
    """Try all mutants, or those whose file or edit has a text in it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="a text in the file or the edit")
    only = parser.parse_args().only
    survivors = []
    with TemporaryDirectory() as temporary:
        folder = Path(temporary, "clone")
        shutil.copytree(CLONE, folder, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        chosen = [mutant for mutant in mutants() if only in mutant.file + mutant.old]
        for mutant in chosen:
            alive = survives(mutant, folder)
            survivors += [mutant] if alive else []
            first = mutant.old.partition("\n")[0]
            print(f"{'SURVIVES' if alive else 'killed  '} {mutant.file}: {first}", flush=True)
    print(f"{len(chosen)} mutants, {len(survivors)} survive")
    return int(bool(survivors))


if __name__ == "__main__":
    sys.exit(main())
