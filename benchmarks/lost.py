"""Has a report lost anything of an earlier one: a verdict, a first diagnosis, the size of a counterexample?

    python -m benchmarks.lost OLD.json NEW.json

Prints the differences, and exits with status 1 if there are any.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from oracle.problem import Problem

Outcome = tuple[str, str, int]
"""What came of a law: the status, the first diagnosis, and how large the counterexample is."""


def compare(old: Path, new: Path) -> Iterator[str]:
    """What the second report has lost of the first: a verdict, a diagnosis, the size of a counterexample."""
    before, after = _outcomes(old), _outcomes(new)
    for target, (verdict, laws) in before.items():
        if target not in after:
            yield f"{target}: is not there any more"
            continue
        other, others = after[target]
        if verdict != other:
            yield f"{target}: was {verdict}, is {other}"
        for law, (status, diagnosis, size) in laws.items():
            what = f"{target}: {law}"
            now, diagnosed, larger = others.get(law, ("not there", "", 0))
            if status != now:
                yield f"{what}: was {status}, is {now}"
            elif diagnosis != diagnosed:
                yield f"{what}: was {diagnosis or 'nameless'!r}, is {diagnosed or 'nameless'!r}"
            if larger > size:
                yield f"{what}: the counterexample has {larger} in all its sizes, had {size}"


def _outcomes(report: Path) -> Mapping[str, tuple[str, Mapping[str, Outcome]]]:
    """By target the verdict, and what came of every law of every function."""
    return {
        Path(each["target"]).name: (
            each["verdict"],
            {
                f"{law['law']} of {law['function']}": (
                    law["status"],
                    next(iter(law.get("diagnosis", ())), ""),
                    _size(law.get("counterexample", "")),
                )
                for law in each["laws"]
            },
        )
        for each in json.loads(report.read_text())["implementations"]
    }


def _size(counterexample: str) -> int:
    """The sum of its sizes; 0 of none."""
    return sum(Problem.parse(counterexample).sizes.values()) if counterexample else 0


def main() -> int:
    """Compare two reports."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    options = parser.parse_args()
    lost = [*compare(options.old, options.new)]
    print("\n".join([*lost, f"{len(lost)} differences"]))
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
