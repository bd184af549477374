"""The tables of docs/frameworks.md, made from the results of all adapters."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any, get_args

import numpy as np

from benchmarks.findings import DEFENDED, LEDGER, Known, anchor, known
from benchmarks.shared import table
from oracle import pytorch, pytorch_gradient
from oracle.problem import DType, LayerProblem, Problem
from properties.reports.results import LawResult
from reference.contract import CONTRACTS

NOT_RUN = "not run"
LAWS = ("trajectory", "each step", "lower precision", "extreme magnitudes")
"""Laws of forward passes whose worst errors are shown."""

DTYPES = tuple(reversed(get_args(DType)))
COLUMNS = (
    *("adapter", "version", "verdict", *DTYPES, "lengths", "gradients"),
    *("NaN, ∞", "crashes", "other edges that fail", "new failures"),
)
_KNOWN = known(LEDGER.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Judged:
    """The results of one adapter, or why it was not judged.

    `gradients` says whether it has backward passes, and `declares` names its limits.
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
    results: Sequence[LawResult] = ()

    @property
    def failures(self) -> list[LawResult]:
        """The laws that do not hold."""
        return [each for each in self.results if each.status == "failed"]


def parts(judged: Sequence[Judged]) -> dict[str, str]:
    """The measured parts of the page by name."""
    found = [each for each in judged if not each.missing]
    run = [" and ".join(sorted({getattr(each, of) for each in found})) for of in ("date", "commit", "system")]
    return {
        "run": "Written {}, at commit {}, on {}.".format(*run),
        "adapters": table(COLUMNS, map(_summary, judged)),
        "failures": table(
            ("adapter", "network", "what happens", "laws", "accounted for", "problem"),
            [row for each in found for row in _failures(each)],
        ),
        "errors": table(("adapter", *LAWS, "gradients", "declares"), map(_errors, found)),
    }


def _summary(judged: Judged) -> Sequence[str]:
    """The row of an adapter in the first table."""
    if judged.missing:
        return [f"`{judged.name}`", "–", f"{NOT_RUN}: {judged.missing}", *[""] * (len(COLUMNS) - 3)]
    by_aspect: defaultdict[str, list[LawResult]] = defaultdict(list)
    for failure in judged.failures:
        by_aspect[_aspect(failure)].append(failure)
    right = [dtype for dtype in judged.dtypes if dtype not in by_aspect]
    wrong_lengths = any(f"{dtype} lengths" in by_aspect for dtype in right)
    wrong_gradients = ", ".join(dict.fromkeys(map(_setting, by_aspect["gradients"])))
    laws = {aspect: ", ".join(dict.fromkeys(each.law for each in by_aspect[aspect])) for aspect in by_aspect}
    return [
        *(f"`{judged.name}`", judged.version, judged.verdict),
        *(_yes(dtype in right) if dtype in judged.dtypes else "–" for dtype in DTYPES),
        _yes(not wrong_lengths) if judged.lengths else "–",
        (f"**no**: {wrong_gradients}" if wrong_gradients else "yes") if judged.gradients else "–",
        _yes("nonfinite" not in by_aspect),
        laws.get("crashes", "none"),
        laws.get("other", "none"),
        str(sum(_explanation(judged.name, each) is None for each in judged.failures)),
    ]


def _yes(is_right: bool) -> str:
    return "yes" if is_right else "**no**"


def _aspect(failure: LawResult) -> str:
    """The column of the first table that a failure belongs to."""
    problem = _problem(failure)
    if "died" in failure.facts:
        return "crashes"
    if failure.law in ("nonfinite", "padding") or (problem and not _is_finite(failure.function, problem)):
        return "nonfinite"
    if problem is None or 0 in (problem.n_x, problem.m, problem.T_x):
        return "other"
    backward = _is_backward(failure)
    if not backward and isinstance(problem, LayerProblem) and problem.lengths != "absent":
        return f"{problem.dtype} lengths"  # a failure without lengths would have been shrunk to one
    if failure.grade != "spec" and failure.law != "lower precision":
        return "other"
    return "gradients" if backward else problem.dtype


def _problem(failure: LawResult) -> Problem | None:
    return Problem.parse(failure.counterexample) if failure.counterexample else None


def _is_finite(function: str, problem: Problem) -> bool:
    """Whether the right answer is finite, by torch."""
    witness: Any = pytorch_gradient if CONTRACTS[function].is_backward else pytorch
    return all(np.isfinite(array).all() for array in witness.run(problem.inputs(function)).values())


def _is_backward(failure: LawResult) -> bool:
    return bool(failure.function) and CONTRACTS[failure.function].is_backward


def _setting(failure: LawResult) -> str:
    """The dtype and the options of the counterexample, in words."""
    problem = Problem.parse(failure.counterexample)
    options: dict[str, bool] = {}
    if isinstance(problem, LayerProblem):
        options = {
            "lengths": problem.lengths != "absent",
            "two directions": problem.directions == 2,
            "layers": problem.layers > 1,
            "a projection": problem.n_p > 0,
            "relu": problem.activation == "relu",
        }
    chosen = " and ".join(option for option, is_chosen in options.items() if is_chosen)
    return f"{problem.dtype} with {chosen}" if chosen else problem.dtype


def _explanation(name: str, failure: LawResult) -> Known | None:
    """The first part of the ledger that explains a failure of an adapter."""
    problem = _problem(failure)
    outcomes = {"died": "dies", "raised": "raises"}
    outcome = next((word for fact, word in outcomes.items() if fact in failure.facts), "answers")
    law = f"{failure.law} of gradients" if _is_backward(failure) else failure.law
    phrases = (law, _told(failure), _aspect(failure), f"{outcome} in {problem.dtype if problem else ''}")
    kind = failure.function.partition("_")[0]
    return next((each for each in _KNOWN if each.covers(name, kind, phrases)), None)


def _told(failure: LawResult) -> str:
    """The first finding on a failure, in one line."""
    return shorten(" ".join(failure.diagnosis[:1]), 400)


def _failures(judged: Judged) -> Iterator[Sequence[str]]:
    """A row for each finding and each defended behaviour, and for each mistake in other failures."""
    groups: defaultdict[tuple[str, str], list[LawResult]] = defaultdict(list)
    for failure in judged.failures:
        entry = _explanation(judged.name, failure)
        told = re.sub(r"\d+", "#", _told(failure)) or failure.law  # numbers in messages may be those of nodes
        if entry:
            told = entry.phrase if entry.heading == DEFENDED else ""
        groups[entry.heading if entry else "", told].append(failure)
    for (heading, _), alike in groups.items():
        shortest = min(alike, key=lambda failure: len(failure.counterexample))
        told = shorten(re.sub(r"(\x1b|\\x1b)\[\d+m", "", _told(shortest)), 120, placeholder=" …")
        word = "defended" if heading == DEFENDED else "finding"
        yield [
            f"`{judged.name}`",
            ", ".join(sorted({_network(failure) for failure in alike}, reverse=True)),
            told.replace("|", "\\|") or "a wrong answer",
            ", ".join(dict.fromkeys(failure.law for failure in alike)),
            f"[{word}](../FINDINGS.md{anchor(heading)})" if heading else "**new**",
            f"`{shortest.counterexample}`",
        ]


def _network(failure: LawResult) -> str:
    return failure.function.partition("_")[0].upper() + (" backward" if _is_backward(failure) else "")


def _errors(judged: Judged) -> Sequence[str]:
    """The row of an adapter with the worst errors, as fractions of the bound."""
    forward = [each for each in judged.results if each.law in LAWS and not _is_backward(each)]
    backward = [each for each in judged.results if each.law in LAWS and _is_backward(each)]
    return [
        f"`{judged.name}`",
        *(_worst([each for each in forward if each.law == law]) for law in LAWS),
        _worst(backward) if judged.gradients else "–",
        ", ".join(judged.declares),
    ]


def _worst(results: Sequence[LawResult]) -> str:
    if any(each.status == "failed" for each in results):
        return "fails"
    return f"{max((each.worst_ratio for each in results), default=0.0):.2f}"
