"""How often are locations of mistakes right? Locates mistakes by other authors, and checks the locations.

    python -m benchmarks.strangers FOLDER [--every 8] [--only PREFIX,...] [--show]

Each `.toml` file of the folder contains mistakes, as edits of the right program in `program.txt` or
`layers_program.txt`. Mistakes that the catalogue does not name are located. Each part of a location is
checked on new problems: *where*, whether the same equation is the first that does not hold; *when*, whether
the conditions predict which elements are wrong; *how*, whether the replacement gives the wrong values. A part
is *right*, *false* or *left out*. This check is mechanical: it cannot tell whether a part that is left out
could have been stated. The exit status is 1 if a part is right less often than docs/location-measured.md
says, by more than chance.
"""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import median

from oracle.location.locate import locate
from oracle.location.sentences import lines

from benchmarks.shared import argument_parser, table
from oracle.explanations.catalogue_search import diagnose
from oracle.explanations.effects import side_effect
from oracle.problems.limits import ANYTHING
from oracle.problems.problem import Problem
from oracle.tests.strangers import CountingProgram, Stranger, strangers
from oracle.tests.strangers.predictions import Verdict, judge_location

INDEPENDENT = frozenset(
    ("fa", "fb", "ga", "gb", "gc", "gd", "ge", "ha", "pa", "pb", "pc", "ma", "mb", "mc", "md", "na")
)
"""The sets of mistakes whose authors had seen no other mistakes."""
PARTS = ("where", "when", "how")
RIGHT_SHARES: Mapping[str, Sequence[float]] = {
    "independent": (0.97, 0.79, 0.79),
    "others": (0.97, 0.53, 0.57),
}
"""How often each part is right, as in docs/location-measured.md. A new measurement changes both."""


@dataclass(frozen=True)
class Result:
    """The result for one mistake. A mistake that the catalogue names is not located: only `group` is set."""

    group: str  # the set of mistakes
    verdict: Verdict | None = None  # on the location
    calls: int = 0
    seconds: float = 0.0
    sentences: tuple[str, ...] = ()


def main() -> int:
    """Locate the mistakes, check the locations, and print the table and the shortfalls."""
    parser = argument_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, help="judge only every Nth mistake (default: all)")
    parser.add_argument("--only", default="", help="the sets to judge, separated by commas (default: all)")
    parser.add_argument("--show", action="store_true", help="print each location below its author's words")
    options = parser.parse_args()
    only = {*filter(None, options.only.split(","))}
    selected = [
        each for each in strangers(options.folder) if each.problem and (not only or each.group in only)
    ]
    results = []
    for stranger in selected[:: options.every]:
        result = locate_and_check(stranger)
        results.append(result)
        if options.show and result.verdict:
            cost = f"{result.calls} calls, {result.seconds:.2f} s"
            print(f"{stranger.name}  [{stranger.function}, {cost}] {result.verdict}")
            print("\n".join(f"  author {part}: {text}" for part, text in stranger.author.items()))
            print("\n".join(f"  said   {line}" for line in result.sentences))
    print(summary(results))
    complaints = shortfalls(results)
    print("\n".join(complaints), file=sys.stderr)
    return 1 if complaints else 0


def locate_and_check(stranger: Stranger) -> Result:
    """Locate one mistake, and check the location."""
    function, problem, program = stranger.function, Problem.parse(stranger.problem), CountingProgram(stranger)
    arguments = (function, program, problem.inputs(function))
    if diagnose(*arguments) or side_effect(*arguments):
        return Result(stranger.group)
    program = CountingProgram(stranger)
    begin = time.process_time()
    location = locate(function, program, problem, program.restart)
    seconds, calls = time.process_time() - begin, program.calls
    program.restart()
    verdict = judge_location(function, program, problem, location, program.restart, ANYTHING)
    sentences = tuple(lines(location)) if location else ("nothing",)
    return Result(stranger.group, verdict, calls, seconds, sentences)


def by_independence(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Return the results of mistakes whose authors had seen no other mistakes, and the other results."""
    return {
        name: [each for each in results if (each.group in INDEPENDENT) == (name == "independent")]
        for name in RIGHT_SHARES
    }


def summary(results: Sequence[Result]) -> str:
    """Return a table with a row for each set, and two rows of totals."""
    rows = []
    groups: defaultdict[str, list[Result]] = defaultdict(list)
    for each in results:
        groups[each.group].append(each)
    for name, members in [*sorted(groups.items()), *by_independence(results).items()]:
        located = [each for each in members if each.verdict]
        counts = [Counter(getattr(each.verdict, part) for each in located) for part in PARTS]
        cells = [f"{c['right']}, {c['left out']}, {c['false']}" for c in counts]
        calls, seconds = [each.calls for each in located] or [0], [each.seconds for each in located] or [0.0]
        costs = [f"{median(calls):.0f}, {max(calls)}", f"{median(seconds):.2f}, {max(seconds):.2f}"]
        rows.append([name, str(len(members) - len(located)), str(len(located)), *cells, *costs])
    costs = ["calls: median, most", "seconds: median, most"]
    return table(["right, left out, false", "named", "located", *PARTS, *costs], rows)


def shortfalls(results: Sequence[Result]) -> list[str]:
    """Return a line for each part that is right less often than `RIGHT_SHARES` says, by more than chance."""
    lines = []
    for name, members in by_independence(results).items():
        verdicts = [each.verdict for each in members if each.verdict]
        for part, share in zip(PARTS, RIGHT_SHARES[name], strict=True):
            right, n = sum(getattr(verdict, part) == "right" for verdict in verdicts), len(verdicts)
            if right < n * share - 2 * sqrt(n * share * (1 - share)):  # two standard deviations
                lines.append(f"{name}: {part} is right for {right} of {n}, expected {share:.0%}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
