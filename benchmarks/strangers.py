"""How often are locations of mistakes right? Checks them on mistakes by other authors, and on new problems.

    python -m benchmarks.strangers FOLDER [--every 8] [--only PREFIX,...] [--show]

Each `.toml` file of the folder contains edits of `program.txt` or `layers_program.txt`, which are right.
Mistakes that the catalogue does not name are located, and each part of a location is checked on new problems:
*where*, whether the same equation is the first that does not hold; *when*, whether the conditions tell which
elements are wrong; *how*, whether the form gives the wrong values. A stated part that fails is *false*. This
check is mechanical: it cannot tell whether a part that is left out could have been stated. The exit status is
1 if a part is right less often than docs/location-measured.md says, by more than chance.
"""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import median

from benchmarks.shared import parser, table
from oracle.diagnosis.catalogue_search import diagnose
from oracle.diagnosis.effects import side_effect
from oracle.limits import ANYTHING
from oracle.location.locate import locate
from oracle.location.sentences import lines
from oracle.problem import Problem
from oracle.tests.strangers import Asked, Stranger, strangers
from oracle.tests.strangers.predictions import Verdict, judged

INDEPENDENT = frozenset(
    ("fa", "fb", "ga", "gb", "gc", "gd", "ge", "ha", "pa", "pb", "pc", "ma", "mb", "mc", "md", "na")
)
"""The sets whose authors had seen no other mistakes."""
PARTS = ("where", "when", "how")
SHARES: Mapping[str, Sequence[float]] = {"independent": (0.97, 0.79, 0.79), "others": (0.97, 0.53, 0.57)}
"""The share of right answers for each part, in docs/location-measured.md: a new measurement changes both."""


@dataclass(frozen=True)
class Result:
    """The verdict on a location, its cost and its sentences; no verdict if the catalogue names it."""

    group: str
    verdict: Verdict | None = None
    calls: int = 0
    seconds: float = 0.0
    sentences: tuple[str, ...] = ()


def main() -> int:
    """Locate, judge, and print the table and the shortfalls."""
    options = parser(__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--every", type=int, default=1, help="judge each Nth alone (default: all)")
    options.add_argument("--only", default="", help="the sets to judge, separated by commas (default: all)")
    options.add_argument("--show", action="store_true", help="print each location beside its author's words")
    given = options.parse_args()
    only = {*filter(None, given.only.split(","))}
    chosen = [each for each in strangers(given.folder) if each.problem and (not only or each.group in only)]
    results = []
    for stranger in chosen[:: given.every]:
        result = located(stranger)
        results.append(result)
        if given.show and result.verdict:
            cost = f"{result.calls} calls, {result.seconds:.2f} s"
            print(f"{stranger.name}  [{stranger.function}, {cost}] {result.verdict}")
            print("\n".join(f"  author {part}: {text}" for part, text in stranger.author.items()))
            print("\n".join(f"  said   {line}" for line in result.sentences))
    print(summary(results))
    print("\n".join(lacking := shortfalls(results)), file=sys.stderr)
    return 1 if lacking else 0


def located(stranger: Stranger) -> Result:
    """Locate one mistake, and check the location."""
    function, problem, program = stranger.function, Problem.parse(stranger.problem), Asked(stranger)
    given = (function, program, problem.inputs(function))
    if diagnose(*given) or side_effect(*given):
        return Result(stranger.group)
    program = Asked(stranger)
    begin = time.process_time()
    location = locate(function, program, problem, program.anew)
    seconds, calls = time.process_time() - begin, program.calls
    program.anew()
    verdict = judged(function, program, problem, location, program.anew, ANYTHING)
    sentences = tuple(lines(location)) if location else ("nothing",)
    return Result(stranger.group, verdict, calls, seconds, sentences)


def halves(results: Sequence[Result]) -> dict[str, list[Result]]:
    """The results of mistakes whose authors had seen no others, and the other results."""
    both: dict[str, list[Result]] = {half: [] for half in SHARES}
    for each in results:
        both["independent" if each.group in INDEPENDENT else "others"].append(each)
    return both


def summary(results: Sequence[Result]) -> str:
    """A row for each set, and two rows of totals."""
    rows = []
    groups: defaultdict[str, list[Result]] = defaultdict(list)
    for each in results:
        groups[each.group].append(each)
    for name, members in [*sorted(groups.items()), *halves(results).items()]:
        found = [each for each in members if each.verdict]
        counts = [Counter(getattr(each.verdict, part) for each in found) for part in PARTS]
        cells = [f"{c['right']}, {c['left out']}, {c['false']}" for c in counts]
        calls, seconds = [each.calls for each in found] or [0], [each.seconds for each in found] or [0.0]
        costs = [f"{median(calls):.0f}, {max(calls)}", f"{median(seconds):.2f}, {max(seconds):.2f}"]
        rows.append([name, str(len(members) - len(found)), str(len(found)), *cells, *costs])
    costs = ["calls: median, most", "seconds: median, most"]
    return table(["right, left out, false", "named", "located", *PARTS, *costs], rows)


def shortfalls(results: Sequence[Result]) -> list[str]:
    """A line for each part that is right less often than `SHARES` says, by two standard deviations."""
    lines = []
    for half, members in halves(results).items():
        verdicts = [each.verdict for each in members if each.verdict]
        for part, share in zip(PARTS, SHARES[half], strict=True):
            right, n = sum(getattr(verdict, part) == "right" for verdict in verdicts), len(verdicts)
            if right < n * share - 2 * sqrt(n * share * (1 - share)):
                lines.append(f"{half}: {part} is right for {right} of {n}, expected {share:.0%}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
