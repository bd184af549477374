"""Does every target get the verdict that it deserves, whatever it does, and how long does that take?

    python -m benchmarks.hostile --profile quick

Judges sixty files (right, fragile, wrong, half-finished, foreign, hostile, broken) in one command on two
cores, twice with one seed. Prints each verdict that is not the right one; each law that failed without a
counterexample, where the harness itself broke; and each law that the two reports differ on in more than the
time, as they may where a target acts at random. The exit status is 1 if a verdict is wrong or the harness
broke.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import properties
from properties.tests.hostile_targets import HostileTarget, targets, write
from properties.trials.provided_functions import PRESENCE


def main() -> int:
    """Run the benchmark and print what is not as it should be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profile", default="dev", help="Hypothesis' (default: %(default)s)")
    options = parser.parse_args()
    first, second = (judged(options.profile) for _ in range(2))
    wrong = [target for target in targets() if not deserved(target, first)]
    broken = [law for each in first.values() for law in each["laws"] if is_broken(law)]
    for law in broken:
        print(f"the harness broke: {law['message'].splitlines()[-1]}")
    for target in first:
        for law in different(first[target], second[target]):
            print(f"{target}: {law}")
    print(f"{len(targets()) - len(wrong)} of {len(targets())} verdicts are right")
    return 1 if wrong or broken else 0


def judged(profile: str) -> dict[str, Any]:
    """What the report says of each file, by its name. Each run has a directory that knows of no other."""
    laws = str(Path(properties.__file__).parent)
    options = ["--implementation", "submissions", "--report", "verdicts.json", "-n", "2", "-q"]
    command = [sys.executable, "-m", "pytest", laws, *options]
    command += [f"--hypothesis-profile={profile}", "--hypothesis-seed=0"]
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.joinpath("submissions").mkdir()
        write(targets(), folder / "submissions")
        start = time.perf_counter()
        run = subprocess.run(command, cwd=folder, text=True, capture_output=True)
        print(f"exit status {run.returncode} after {time.perf_counter() - start:.0f} s", flush=True)
        document = json.loads(folder.joinpath("verdicts.json").read_text())
    return {Path(each["target"]).name: each for each in document["implementations"]}


def deserved(target: HostileTarget, report: dict[str, Any]) -> bool:
    """Whether a target has the verdict that it deserves; if not, say so."""
    found = report.get(target.name, {"verdict": "not judged"})
    if found["verdict"] != target.verdict:
        print(f"{target.name}: {found['verdict']}, deserves {target.verdict}")
    return bool(found["verdict"] == target.verdict)


def is_broken(law: dict[str, Any]) -> bool:
    """Whether a law failed otherwise than by a problem on which it does not hold."""
    return law["status"] == "failed" and law["law"] not in PRESENCE and not law["counterexample"]


def different(one: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    """The laws on which two judgements differ, and in which entries of the report, times aside."""
    for first, second in zip(one["laws"], other["laws"], strict=True):
        changed = [key for key in first if key != "seconds" and first[key] != second.get(key)]
        if changed:
            yield f"{first['law']} on {first['function']} differs from run to run in {', '.join(changed)}"


if __name__ == "__main__":
    sys.exit(main())
