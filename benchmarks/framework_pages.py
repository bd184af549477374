"""The results of the adapters of frameworks, and the tables of their page."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import shorten
from typing import get_args

from benchmarks.findings import DEFENDED, LEDGER, Known, anchor, known
from benchmarks.shared import table
from oracle.problem import DType, LayerProblem, Problem

NOT_RUN = "not run"
LAWS = ("trajectory", "each step", "lower precision", "extreme magnitudes")
"""Laws of forward passes whose worst errors are shown."""

DTYPES = tuple(reversed(get_args(DType)))


@dataclass(frozen=True)
class Failure:
    """A law that does not hold for one network, and its counterexample.

    `outcome` is what the adapter does on the counterexample: `answers`, `raises` or `dies`; `told` is the
    diagnosis, the error or how the process ended. `finite` says whether the right answer is finite, and
    `gradients` whether the law is about a backward pass.
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
        """The phrases by which the ledger may recognize it."""
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
        if self.gradients:
            return "gradients" if self.grade == "spec" or self.law == "lower precision" else "other"
        if isinstance(problem, LayerProblem) and problem.lengths != "absent":
            return f"{problem.dtype} lengths"  # a failure without lengths would have been shrunk to one
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
    """The results of one adapter, or why it was not judged.

    `gradients` says whether it has backward passes. `ratios` holds the worst error as a fraction of the
    bound: of forward passes by law, and of backward passes as `gradients`. A ratio is `None` where a law
    fails.
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


COLUMNS = (
    *("adapter", "version", "verdict", *DTYPES, "lengths", "gradients"),
    *("NaN, ∞", "crashes", "other edges that fail", "new failures"),
)


def parts(judged: Sequence[Judged]) -> dict[str, str]:
    """The measured parts of the page by name."""
    found = [each for each in judged if not each.missing]
    every = {each.name: [(f, _explanation(each.name, f)) for f in each.failures] for each in found}
    errors = [
        [
            f"`{each.name}`",
            *(_ratio(each.ratios[name]) for name in LAWS),
            _ratio(each.ratios["gradients"]) if each.gradients else "–",
            ", ".join(each.declares),
        ]
        for each in found
    ]
    return {
        "run": "Written {}, at commit {}, on {}.".format(
            *(
                " and ".join(sorted({getattr(each, of) for each in found}))
                for of in ("date", "commit", "system")
            )
        ),
        "adapters": table(COLUMNS, [_summary(each, every.get(each.name, ())) for each in judged]),
        "failures": table(
            ("adapter", "network", "what happens", "laws", "accounted for", "problem"),
            [row for name, failures in every.items() for row in _failures(name, failures)],
        ),
        "errors": table(("adapter", *LAWS, "gradients", "declares"), errors),
    }


def _ratio(worst: float | None) -> str:
    return "fails" if worst is None else f"{worst:.2f}"


def _link(heading: str) -> str:
    return f"../FINDINGS.md{anchor(heading)}"


def _summary(judged: Judged, failures: Sequence[tuple[Failure, Known | None]]) -> Sequence[str]:
    """The row of an adapter in the first table."""
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


def _explanation(name: str, failure: Failure) -> Known | None:
    """The first part of the ledger that explains a failure of an adapter."""
    return next((each for each in _KNOWN if each.covers(name, failure.kind, failure.words)), None)


def _failures(name: str, failures: Sequence[tuple[Failure, Known | None]]) -> Iterator[Sequence[str]]:
    """A row for each finding and each defended behaviour, and for each mistake in other failures."""
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
