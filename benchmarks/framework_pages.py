"""What came of the adapters of frameworks, as a page in Markdown."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import shorten
from typing import get_args

from benchmarks.findings import DEFENDED, LEDGER, Known, anchor, known
from oracle.problem import DType, LayerProblem, Problem

PROFILE, SEED = "dev", 1
NOT_RUN = "not run"
LAWS = ("trajectory", "each step", "lower precision", "extreme magnitudes")
"""Laws of forward passes whose worst errors are shown."""

DTYPES = tuple(reversed(get_args(DType)))


@dataclass(frozen=True)
class Failure:
    """A law that does not hold of one network, its counterexample, and what becomes of that.

    `outcome` is `answers`, `raises` or `dies`; `told` is the diagnosis, the error or the end of the process;
    `finite` says whether the right answer is; `gradients`, whether the law is about a backward pass.
    """

    kind: str
    law: str
    grade: str
    outcome: str
    told: str
    problem: str
    finite: bool = True
    gradients: bool = False

    @property
    def words(self) -> Sequence[str]:
        """What the ledger may know it by."""
        dtype = Problem.parse(self.problem).dtype if self.problem else ""
        law = f"{self.law} of gradients" if self.gradients else self.law
        return law, self.told, self.aspect, f"{self.outcome} in {dtype}"

    @property
    def aspect(self) -> str:
        """The column of the first table that the failure belongs to."""
        problem = Problem.parse(self.problem) if self.problem else None
        if self.outcome == "dies":
            return "crashes"
        if not self.finite or self.law in ("nonfinite", "padding"):
            return "nonfinite"
        if problem is None or 0 in (problem.n_x, problem.m, problem.T_x):
            return "other"
        if self.gradients and (self.grade == "spec" or self.law == "lower precision"):
            return "gradients"
        if isinstance(problem, LayerProblem) and problem.lengths != "absent":
            return f"{problem.dtype} lengths"  # without which there is no simpler counterexample
        return problem.dtype if self.grade == "spec" or self.law == "lower precision" else "other"

    @property
    def setting(self) -> str:
        """The dtype and the options of the counterexample, in words."""
        problem = Problem.parse(self.problem)
        words: list[str] = [problem.dtype]
        if isinstance(problem, LayerProblem):
            options = {
                "lengths": problem.lengths != "absent",
                "two directions": problem.directions == 2,
                "layers": problem.layers > 1,
                "a projection": problem.n_p > 0,
                "relu": problem.activation == "relu",
            }
            words += [word for word, there in options.items() if there]
        return " with ".join(filter(None, (words[0], " and ".join(words[1:]))))


@dataclass(frozen=True)
class Judged:
    """What came of one adapter, or why it was not judged.

    `gradients` says whether it has backward passes. `ratios` holds the worst error as a fraction of the
    bound: of forward passes by law, and of backward passes as `gradients`. It is `None` where a law fails.
    """

    name: str
    missing: str = ""
    version: str = ""
    date: str = ""
    commit: str = ""
    system: str = ""
    verdict: str = ""
    dtypes: Sequence[str] = ()
    lengths: bool = True
    gradients: bool = False
    declares: Sequence[str] = ()
    failures: Sequence[Failure] = ()
    ratios: Mapping[str, float | None] = field(default_factory=dict)


INTRODUCTION = """\
# Frameworks under test

Are the recurrent layers of frameworks right? `python -m benchmarks.frameworks` has written this page,
{date}, at commit {commit}, by all laws in the profile *{profile}* with the seed {seed}, on {system}.
Each adapter is [one small file](../oracle/frameworks); how to write one is [here](adapters.md).
"""
COLUMNS = (
    *(
        "adapter",
        "version",
        "verdict",
        "float64",
        "float32",
        "float16",
        "lengths",
        "gradients",
        "NaN, ∞",
        "crashes",
    ),
    *("other edges that fail", "new failures"),
)
LEGEND = """
- **verdict**: *conforms*, all laws hold. *not robust*, ordinary input is answered rightly, and an edge is
  not. *differs*, ordinary input is answered wrongly. *incomplete*, one of the two networks is not there.
- **float64**, **float32**, **float16**: whether ordinary finite input in that dtype is answered within the
  rounding that the dtype allows. **lengths**: whether samples of different lengths are.
- **gradients**: whether the framework's own differentiation gives the gradients by the input, the initial
  states and the parameters within rounding; if not, on which input they go wrong.
- **NaN, ∞**: whether they go where the formulas send them, in the padding too. *no* is often a choice that
  can be defended.
- **crashes**: the input that ends the process. **other edges that fail**: the laws about empty input,
  subnormal numbers and memory layouts that do not hold; the answer is wrong, or an error is raised.
- **new failures**: how many of the failures below are neither in the [ledger](../FINDINGS.md) of findings
  nor in its list of [defended behaviour]({defended}).
- –: the adapter declares that the framework does not do it, so it was not asked.

## Every failure, and where it is accounted for

A line for each mistake, with the laws that met it and the smallest problem that shows it.
"""
RATIOS = """
## Errors, and what is not asked

The worst error that a law met, as a fraction of what two right programs may differ by: below 1 it is
rounding. It is not measured where the law fails. What a framework does not have, the adapter declares.
"""


def page(judged: Sequence[Judged]) -> Iterator[str]:
    """The Markdown page, line by line."""
    found = [each for each in judged if not each.missing]
    told = {name: _together({getattr(each, name) for each in found}) for name in _OF_THE_RUN}
    every = {
        each.name: [(failure, _accounted(each.name, failure)) for failure in each.failures] for each in found
    }
    yield INTRODUCTION.format(profile=PROFILE, seed=SEED, **told)
    yield from _table(COLUMNS, [_summary(each, every.get(each.name, ())) for each in judged])
    yield LEGEND.format(defended=_link(DEFENDED))
    yield from _table(
        ("adapter", "network", "what happens", "laws", "accounted for", "problem"),
        [row for name, failures in every.items() for row in _failures(name, failures)],
    )
    yield RATIOS
    yield from _table(
        ("adapter", *LAWS, "gradients", "declares"),
        [
            (
                f"`{each.name}`",
                *(_ratio(each.ratios[name]) for name in LAWS),
                _ratio(each.ratios["gradients"]) if each.gradients else "–",
                ", ".join(each.declares),
            )
            for each in found
        ],
    )


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield from (f"| {' | '.join(cells)} |" for cells in (columns, ["---"] * len(columns), *rows))


def _ratio(worst: float | None) -> str:
    return "fails" if worst is None else f"{worst:.2f}"


def _link(heading: str) -> str:
    return f"../FINDINGS.md{anchor(heading)}"


_OF_THE_RUN = ("date", "commit", "system")


def _together(values: set[str]) -> str:
    return " and ".join(sorted(values))


def _summary(judged: Judged, failures: Sequence[tuple[Failure, Known | None]]) -> Sequence[str]:
    """The row of the first table."""
    if judged.missing:
        return [f"`{judged.name}`", "–", f"{NOT_RUN}: {judged.missing}", *[""] * (len(COLUMNS) - 3)]
    met: defaultdict[str, list[str]] = defaultdict(list)
    for failure, _ in failures:
        met[failure.aspect].append(failure.law)
    right = {dtype: dtype not in met for dtype in judged.dtypes}
    with_lengths = [dtype for dtype in judged.dtypes if f"{dtype} lengths" in met and right[dtype]]
    return [
        *(f"`{judged.name}`", judged.version, judged.verdict),
        *(_yes(right[dtype]) if dtype in right else "–" for dtype in DTYPES),
        _yes(not with_lengths) if judged.lengths else "–",
        _gradients(failures) if judged.gradients else "–",
        _yes("nonfinite" not in met),
        ", ".join(dict.fromkeys(met["crashes"])) or "none",
        ", ".join(dict.fromkeys(met["other"])) or "none",
        str(sum(entry is None for _, entry in failures)),
    ]


def _gradients(failures: Sequence[tuple[Failure, Known | None]]) -> str:
    wrong = dict.fromkeys(failure.setting for failure, _ in failures if failure.aspect == "gradients")
    return f"**no**: {', '.join(wrong)}" if wrong else "yes"


def _yes(is_right: bool) -> str:
    return "yes" if is_right else "**no**"


_KNOWN = known(LEDGER.read_text(encoding="utf-8"))


def _network(failure: Failure) -> str:
    return failure.kind.upper() + (" backward" if failure.gradients else "")


def _accounted(name: str, failure: Failure) -> Known | None:
    """What of the ledger accounts for a failure."""
    return next((each for each in _KNOWN if each.covers(name, failure.kind, failure.words)), None)


def _failures(name: str, failures: Sequence[tuple[Failure, Known | None]]) -> Iterator[Sequence[str]]:
    """A row for each finding, each defended behaviour, and else each mistake, with the laws that met it."""
    groups: defaultdict[tuple[str, str], list[Failure]] = defaultdict(list)
    for failure, entry in failures:
        told = re.sub(r"\d+", "#", failure.told) or failure.law  # numbers in messages may be those of nodes
        if entry:
            told = entry.phrase if entry.heading == DEFENDED else ""
        groups[entry.heading if entry else "", told].append(failure)
    for (heading, _), alike in groups.items():
        shortest = min(alike, key=lambda failure: len(failure.problem))
        told = shorten(re.sub(r"(\x1b|\\x1b)\[\d+m", "", shortest.told), 120, placeholder=" …")
        word = "defended" if heading == DEFENDED else "finding"
        yield [
            f"`{name}`",
            ", ".join(sorted({_network(failure) for failure in alike}, reverse=True)),
            told.replace("|", "\\|") or "a wrong answer",
            ", ".join(dict.fromkeys(failure.law for failure in alike)),
            f"[{word}]({_link(heading)})" if heading else "**new**",
            f"`{shortest.problem}`",
        ]
