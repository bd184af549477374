"""Is what is said of mistakes of other hands true of problems that were not asked to find it out?

    python -m benchmarks.strangers FOLDER [--every 8] [--only PREFIX,...] [--show]

Each `.toml` file of the folder holds edits of `program.txt` or `layers_program.txt`, which are right. What
the catalogue does not name is located, and each part of the location is held to fresh problems: *where*,
whether the first equation that does not hold is the same; *when*, whether the conditions say which elements
are wrong; *how*, whether the form gives the wrong values. A part that is said and fails is *false*. This is a
mechanical judgement: it cannot tell whether a part that is left out could have been said.
"""

import argparse
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from statistics import median

from oracle.diagnosis.names import diagnose
from oracle.diagnosis.traces import manners
from oracle.limits import ANYTHING
from oracle.location.facts import Location
from oracle.location.locate import locate
from oracle.location.predictions import Verdict, judged
from oracle.location.sentences import lines
from oracle.problem import Problem
from oracle.tests.strangers import Asked, Stranger, strangers

TOLD_OF_NONE = (
    "fa",
    "fb",
    "ga",
    "gb",
    "gc",
    "gd",
    "ge",
    "ha",
    "pa",
    "pb",
    "pc",
    "ma",
    "mb",
    "mc",
    "md",
    "na",
)
"""The sets whose writers had been told of no other mistakes."""


def is_named(stranger: Stranger) -> bool:
    """Whether the catalogue, or the manner of its answers, explains it."""
    counterexample = Problem.parse(stranger.problem).inputs(stranger.function)
    program = Asked(stranger)
    return bool(
        diagnose(stranger.function, program, counterexample)
        or manners(stranger.function, program, counterexample)
    )


def main() -> None:
    """Locate, judge, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, help="judge each Nth of them alone")
    parser.add_argument("--only", default="", help="the sets to judge, comma between them")
    parser.add_argument("--show", action="store_true", help="print what is said, beside its author's words")
    options = parser.parse_args()
    only = [name for name in options.only.split(",") if name]
    chosen = [each for each in strangers(options.folder) if each.problem and (not only or each.group in only)]
    found: dict[str, list[tuple[Verdict, int, float]]] = {}
    named: Counter[str] = Counter()
    for stranger in chosen[:: options.every]:
        if is_named(stranger):
            named[stranger.group] += 1
            continue
        asked, begin = Asked(stranger), time.process_time()
        location = locate(stranger.function, asked, Problem.parse(stranger.problem), asked.anew)
        seconds, calls = time.process_time() - begin, asked.calls
        asked.anew()
        verdict = judged(
            stranger.function, asked, Problem.parse(stranger.problem), location, asked.anew, ANYTHING
        )
        found.setdefault(stranger.group, []).append((verdict, calls, seconds))
        if options.show:
            _show(stranger, location, verdict, calls, seconds)
    _print(found, named)


def _show(
    stranger: Stranger, location: Location | None, verdict: Verdict, calls: int, seconds: float
) -> None:
    said = lines(location) if location else ["nothing"]
    print(f"{stranger.name}  [{stranger.function}, {calls} calls, {seconds:.2f} s] {verdict}")
    print(
        "\n".join(
            [
                *(f"  author {part}: {text}" for part, text in stranger.author.items()),
                *(f"  said   {line}" for line in said),
            ]
        )
    )


def _print(found: Mapping[str, Sequence[tuple[Verdict, int, float]]], named: Mapping[str, int]) -> None:
    """A line for each set, and two in total."""
    heads = ["where", "when", "how"]
    print(
        f"\n{'set':16}{'named':>6}{'located':>8}"
        + "".join(f"{head + ' right':>12}{'left out':>9}{'false':>6}" for head in heads)
        + "  calls (median, most)  seconds (median, most)"
    )
    groups = sorted({*found, *named})
    of_none = [group for group in groups if group in TOLD_OF_NONE]
    rest = [group for group in groups if group not in TOLD_OF_NONE]
    rows = [*((group, [group]) for group in groups), ("told of none", of_none), ("of others", rest)]
    for title, chosen in rows:
        every = [*chain.from_iterable(found.get(group, []) for group in chosen)]
        if not every and not any(named.get(group) for group in chosen):
            continue
        counts = [Counter(getattr(verdict, part) for verdict, _, _ in every) for part in heads]
        cells = "".join(f"{c['right']:>12}{c['left out']:>9}{c['false']:>6}" for c in counts)
        calls, seconds = [each[1] for each in every] or [0], [each[2] for each in every] or [0.0]
        cost = f"{median(calls):.0f}, {max(calls)}  {median(seconds):.2f}, {max(seconds):.2f}"
        print(f"{title:16}{sum(named.get(g, 0) for g in chosen):>6}{len(every):>8}{cells}  {cost}")


if __name__ == "__main__":
    main()
