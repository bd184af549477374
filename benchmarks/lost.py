"""Which verdicts and failures differ between two reports in JSON of the same targets?

    python -m benchmarks.lost OLD.json NEW.json

A law differs where its status or its first diagnosis is another one, and where its counterexample has become
larger. Prints the differences, and exits with status 1 if there are any.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.shared import parser
from oracle.problem import Problem
from properties.reports import json_report
from properties.reports.results import LawResult, judgements


def differences(old: Path, new: Path) -> Iterator[str]:
    """A line for each verdict and each law that differs."""
    before, after = (
        {Path(each.implementation).name: each for each in judgements(json_report.read(path)[0])}
        for path in (old, new)
    )
    for target, was in before.items():
        if target not in after:
            yield f"{target}: is missing"
            continue
        now = after[target]
        if was.verdict != now.verdict:
            yield f"{target}: was {was.verdict}, is {now.verdict}"
        results = {(each.law, each.function): each for each in now.results}
        for each in was.results:
            other = results.get((each.law, each.function))
            old_words, new_words = _words(each), _words(other)
            if old_words != new_words:
                yield f"{target}: {each.law} of {each.function} was {old_words}, is {new_words}"
            elif other and _size(other) > _size(each):
                grown = f"has size {_size(other)}, had {_size(each)}"
                yield f"{target}: the counterexample to {each.law} of {each.function} {grown}"


def _words(result: LawResult | None) -> str:
    """The status of a law and its first diagnosis."""
    return ", ".join([result.status, *result.diagnosis[:1]]) if result else "missing"


def _size(result: LawResult) -> int:
    """The sum of the sizes of a counterexample; 0 where there is none."""
    return sum(Problem.parse(result.counterexample).sizes.values()) if result.counterexample else 0


def main() -> int:
    """Compare two reports."""
    options = parser(__doc__)
    options.add_argument("old", type=Path)
    options.add_argument("new", type=Path)
    given = options.parse_args()
    found = [*differences(given.old, given.new)]
    print("\n".join([*found, f"{len(found)} differences"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
