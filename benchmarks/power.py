"""How powerful are the laws? Which law catches each mistake of the catalogue, how soon, and is it named?

    python -m benchmarks.power --seeds 10 --output docs/power.md

Judges every mistake, in each function that it concerns, by the laws in the dev profile, once for each seed.
With the first seed it runs all laws, to count the laws that fail. The exit status is 1 if a mistake was not
caught.
"""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from hypothesis import settings

import conftest  # noqa: F401 - registers the profiles
from benchmarks.shared import parser, table, write
from oracle.diagnosis.findings import mistake
from oracle.faults import FAULTS, Fault
from oracle.faults.catalogue import states
from properties.explanations.failure import Failure
from properties.strategies.effort import EFFORTS
from properties.tests.one_law import InProcess, by_power, catch, first_catch

DIAGNOSED = 2
"""The number of seeds with which mistakes are named, too: naming takes ten times as long as catching."""


@dataclass(frozen=True)
class Judged:
    """The result of one mistake in one function with one seed.

    `rank` is the position of its name in the diagnosis: the size of the catalogue if the name is missing, and
    `None` if there was no diagnosis. `law` is empty if the mistake was not caught.
    """

    law: str = ""
    problems: int = 0
    rank: int | None = None


def main() -> int:
    """Run the campaign, and write the figures and the tables."""
    arguments = parser(__doc__)
    arguments.add_argument("--seeds", type=int, default=1, help="how many (default: %(default)s)")
    arguments.add_argument("--output", type=Path, help="the page whose parts to replace (default: print)")
    options = arguments.parse_args()
    start = time.perf_counter()
    cases: dict[str, list[Judged]] = {}
    laws: dict[str, int] = {}
    for fault in FAULTS.values():
        cases[fault.name] = list(judged_by_the_laws(fault, range(options.seeds)))
        laws[fault.name] = len(broken_by(fault))
        print(f"{fault.name}: {', '.join(caught_first(cases[fault.name]))}", file=sys.stderr, flush=True)
    minutes = (time.perf_counter() - start) / 60
    parts = {"figures": summary(cases, options.seeds), "mistakes": "\n".join(tables(cases, laws))}
    write(parts, options.output)
    print(f"{minutes:.1f} minutes", file=sys.stderr)
    return 0 if all(case.law for found in cases.values() for case in found) else 1


def judged_by_the_laws(fault: Fault, seeds: Sequence[int]) -> Iterator[Judged]:
    """The result of a mistake in each of its functions, with each seed."""
    for function in fault.functions:
        for seed in seeds:
            _seed(seed)
            caught = first_catch(fault, function, seed)
            if not caught:
                yield Judged()
                continue
            rank = None
            if seed < DIAGNOSED:
                named = Failure(caught.violation).findings
                rank = named.index(mistake(fault.name)) if mistake(fault.name) in named else len(FAULTS)
            yield Judged(caught.law.name, caught.problems, rank)


def _seed(seed: int) -> None:
    """Seed the mistakes that act at random."""
    states.UNSEEDED_GENERATOR.bit_generator.state = np.random.default_rng(seed).bit_generator.state


def broken_by(fault: Fault) -> set[str]:
    """The laws that fail on any of its functions, with the first seed."""
    implementation = InProcess(fault)
    _seed(0)
    return {
        law.name
        for function in fault.functions
        for law in by_power()
        if function in law.functions and catch(law, implementation, function, 0)
    }


def caught_first(cases: Sequence[Judged]) -> list[str]:
    """The laws that caught a mistake, the most frequent first."""
    return [law or "none" for law, _ in Counter(case.law for case in cases).most_common()]


def summary(cases: dict[str, list[Judged]], seeds: int) -> str:
    """The figures of all mistakes together."""
    every = [case for found in cases.values() for case in found]
    problems = sorted(case.problems for case in every if case.law)
    ranks = [case.rank for case in every if case.rank is not None]
    first, three = (f"{sum(rank < best for rank in ranks) / len(ranks):.1%}" for best in (1, 3))
    most = problems[99 * len(problems) // 100]
    drawn = settings.get_profile("dev").max_examples * EFFORTS["dev"].siblings
    figures = {
        "Cases": f"{len(every) // seeds}, by {len(cases)} mistakes; each with {seeds} seeds",
        "Caught": f"{len(problems)} of {len(every)}",
        "Problems until the law that catches it does": f"{median(problems):g} in the median, "
        f"{most} in 99 of 100 cases, {problems[-1]} at most; a law draws {drawn}",
        "First diagnosis right": f"{first}; among the first three: {three} (with {DIAGNOSED} of the seeds)",
    }
    return "\n".join(f"- **{name}:** {figure}." for name, figure in figures.items())


def tables(cases: dict[str, list[Judged]], laws: dict[str, int]) -> Iterator[str]:
    """A table for each group of the catalogue."""
    groups: dict[str, list[Fault]] = defaultdict(list)
    for fault in FAULTS.values():
        groups[fault.group].append(fault)
    for group, faults in groups.items():
        yield f"\n## {group.capitalize()}\n"
        rows = []
        for fault in faults:
            found = cases[fault.name]
            ranks = [case.rank for case in found if case.rank is not None]
            named = sum(rank == 0 for rank in ranks) / max(len(ranks), 1)
            figures = (str(laws[fault.name]), f"{median(case.problems for case in found):g}", f"{named:.0%}")
            rows.append([fault.sentence.replace("*", r"\*"), ", ".join(caught_first(found)), *figures])
        yield table(("mistake", "caught by", "laws", "problems", "named"), rows)


if __name__ == "__main__":
    sys.exit(main())
