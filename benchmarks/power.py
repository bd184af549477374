"""How powerful are the laws? Which law catches each mistake of the catalogue, how soon, and is it named?

    python -m benchmarks.power --seeds 10 --output docs/power.md

Judges every mistake, in each function that can have it, by the laws in the profile `dev`, once for each seed.
With the first seed, all laws run, to count those that fail. The exit status is 1 if a mistake was not caught.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from hypothesis import settings

import conftest  # noqa: F401 - registers the profiles
from benchmarks.shared import argument_parser, table, write
from oracle.explanations.claims import mistake
from oracle.faults import FAULTS, Fault
from properties.explanations.failure import Failure
from properties.strategies.effort import EFFORTS
from properties.tests.one_law import InProcess, by_power, catch, first_catch

NAMED_SEEDS = 2
"""With this many seeds, mistakes are also named, which takes ten times as long as to catch them."""


@dataclass(frozen=True)
class Case:
    """A mistake in one function, judged with one seed."""

    law: str = ""  # the law that caught the mistake; empty if no law did
    problems: int = 0  # that this law needed
    rank: int | None = None  # of the mistake among the findings; len(FAULTS) if no finding names it


def main() -> int:
    """Judge all mistakes, and write the figures and the tables."""
    parser = argument_parser(__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="how many (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="the page whose parts to replace (default: print)")
    options = parser.parse_args()
    cases: dict[str, list[Case]] = {}
    laws: dict[str, int] = {}
    for fault in FAULTS.values():
        cases[fault.name] = list(cases_of(fault, range(options.seeds)))
        laws[fault.name] = len(failing_laws(fault))
        print(f"{fault.name}: {', '.join(catching_laws(cases[fault.name]))}", file=sys.stderr, flush=True)
    parts = {"figures": summary(cases, options.seeds), "mistakes": "\n".join(tables(cases, laws))}
    write(parts, options.output)
    return 0 if all(case.law for each in cases.values() for case in each) else 1


def cases_of(fault: Fault, seeds: Sequence[int]) -> Iterator[Case]:
    """Judge a mistake in each of its functions, with each seed."""
    for function in fault.functions:
        for seed in seeds:
            caught = first_catch(fault, function, seed)
            if not caught:
                yield Case()
                continue
            rank = None
            if seed < NAMED_SEEDS:
                named = Failure(caught.violation).claims
                rank = named.index(mistake(fault.name)) if mistake(fault.name) in named else len(FAULTS)
            yield Case(caught.law.name, caught.problems, rank)


def failing_laws(fault: Fault) -> set[str]:
    """Return the names of the laws that fail on any function of a mistake, with the first seed."""
    implementation = InProcess(fault)
    return {
        law.name
        for function in fault.functions
        for law in by_power()
        if function in law.functions and catch(law, implementation, function, 0)
    }


def catching_laws(cases: Sequence[Case]) -> list[str]:
    """Return the names of the laws that caught a mistake, the most frequent first."""
    return [law or "none" for law, _ in Counter(case.law for case in cases).most_common()]


def summary(cases: dict[str, list[Case]], seeds: int) -> str:
    """Return the figures of all mistakes together."""
    every = [case for each in cases.values() for case in each]
    problems = sorted(case.problems for case in every if case.law)
    ranks = [case.rank for case in every if case.rank is not None]
    first, three = (f"{sum(rank < best for rank in ranks) / len(ranks):.1%}" for best in (1, 3))
    most = problems[99 * len(problems) // 100]
    drawn = settings.get_profile("dev").max_examples * EFFORTS["dev"].siblings
    figures = {
        "Cases": f"{len(every) // seeds}, by {len(cases)} mistakes; each with {seeds} seeds",
        "Caught": f"{len(problems)} of {len(every)}",
        "Problems that the catching law needed": f"{median(problems):g} in the median, "
        f"{most} in 99 of 100 cases, {problems[-1]} at most; a law draws {drawn}",
        "First diagnosis right": f"{first}; among the first three: {three} (with {NAMED_SEEDS} of the seeds)",
    }
    return "\n".join(f"- **{name}:** {figure}." for name, figure in figures.items())


def tables(cases: dict[str, list[Case]], laws: dict[str, int]) -> Iterator[str]:
    """Yield a heading and a table for each group of the catalogue."""
    groups: dict[str, list[Fault]] = defaultdict(list)
    for fault in FAULTS.values():
        groups[fault.group].append(fault)
    for group, faults in groups.items():
        yield f"\n## {group.capitalize()}\n"
        rows = []
        for fault in faults:
            own = cases[fault.name]
            ranks = [case.rank for case in own if case.rank is not None]
            named = sum(rank == 0 for rank in ranks) / max(len(ranks), 1)
            figures = (str(laws[fault.name]), f"{median(case.problems for case in own):g}", f"{named:.0%}")
            rows.append([fault.sentence.replace("*", r"\*"), ", ".join(catching_laws(own)), *figures])
        yield table(("mistake", "caught by", "laws", "problems", "named"), rows)


if __name__ == "__main__":
    sys.exit(main())
