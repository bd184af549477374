"""Break the harness on purpose, one place at a time, and see that a test fails.

    python -m properties.tests.mutants [--only TEXT]

In a copy of the clone, each law loses its check and each edit of `mutants.toml` is made, one at a time; then
the tests run that must fail. The exit status is 1 if a mutant survives, or if its entry is broken.
`test_mutants.py` checks that each edit still has its place.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from oracle.tests.selection import VARIABLE

CLONE = Path(__file__).parents[2]
OF_THEIR_OWN = {"refuses bad shapes": "any_shape", "whole numbers": "whole_numbers"}
"""What selects the tests of the laws on what no mistake of the catalogue accepts."""


@dataclass(frozen=True)
class Mutant:
    """An edit of one file, and the arguments of pytest that select the tests which must fail."""

    file: str
    old: str
    new: str
    tests: str

    def made_in(self, text: str) -> str:
        """The text of the file with the edit. Raises `ValueError` if the edit has no place in it."""
        if self.old not in text:
            raise ValueError(
                f"{self.file} has no {self.old!r}: mend its entry in properties/tests/mutants.toml"
            )
        return text.replace(self.old, self.new, 1)


def mutants() -> Iterator[Mutant]:
    """The laws without their checks, and the edits."""
    for path in sorted((CLONE / "properties" / "laws").glob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        for found in re.finditer(
            r'def test_(\w+)\(trial: Trial\) -> None:\n    """.*?"""\n', text, re.DOTALL
        ):
            law, file = found[1].replace("_", " "), "properties/tests/test_each_law_fails.py"
            tests = f"'{file}::test_a_mistake_breaks_the_law[{law}]'"
            if law in OF_THEIR_OWN:
                tests = f"{file} -k {OF_THEIR_OWN[law]}"
            name = str(path.relative_to(CLONE))
            yield Mutant(name, found[0], f"{found[0]}    return\n", tests)
    edits = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    yield from (Mutant(**edit) for edit in edits["mutant"])


def survives(mutant: Mutant, folder: Path) -> bool:
    """Whether all selected tests pass. Raises `ValueError` if the edit has no place, or pytest cannot run."""
    path = folder / mutant.file
    text = path.read_text(encoding="utf-8")
    path.write_text(mutant.made_in(text), encoding="utf-8")
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
    counts = Counter[str]()
    with TemporaryDirectory() as temporary:
        folder = Path(temporary, "clone")
        shutil.copytree(CLONE, folder, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        for mutant in (mutant for mutant in mutants() if only in mutant.file + mutant.old):
            try:
                result = "SURVIVES" if survives(mutant, folder) else "killed"
            except ValueError as error:
                print(error)
                result = "BROKEN"
            counts[result] += 1
            first, *_ = mutant.old.splitlines()
            print(f"{result:<8} {mutant.file}: {first}", flush=True)
    print(f"{counts.total()} mutants, {counts['SURVIVES']} survive, {counts['BROKEN']} are broken")
    return int(counts["killed"] < counts.total())


if __name__ == "__main__":
    sys.exit(main())
