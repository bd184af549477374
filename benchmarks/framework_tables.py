"""The tables and the picture of docs/frameworks.md, from the results of all adapters."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from textwrap import shorten

import numpy as np

from benchmarks.choice_picture import picture
from benchmarks.ledger import DEFENDED, Explanation, anchor, explanations
from benchmarks.shared import table
from oracle.problems.limits import DTYPES, Limits
from oracle.problems.problem import LayerProblem, Problem
from oracle.witnesses import pytorch
from properties.reports.results import LawResult
from reference.contract import CONTRACTS

NOT_RUN = "not run"
LAWS = ("trajectory", "each step", "lower precision", "extreme magnitudes")
"""The laws whose worst errors the last table shows."""

COLUMNS = (
    *("adapter", "version", "verdict", *DTYPES, "lengths", "gradients"),
    *("NaN, ∞", "crashes", "other edges that fail", "new failures", "seconds", "of the processor"),
)
CHOICE = ("lengths", "float64", "gradients", "NaN, ∞")
"""The columns of the table for those who choose."""

_EXPLANATIONS = explanations()


@dataclass(frozen=True)
class AdapterResult:
    """The results of all laws on one adapter."""

    name: str
    missing: str = ""  # why the adapter was not judged
    version: str = ""  # of the framework
    written: str = ""  # when, at which commit and on which system the adapter was judged
    verdict: str = ""
    limits: Limits = field(default_factory=Limits)
    has_gradients: bool = False  # whether backward passes were judged
    results: Sequence[LawResult] = ()
    seconds: float = 0.0
    processor_seconds: float = 0.0  # of all processes

    @property
    def failures(self) -> list[LawResult]:
        """The laws that do not hold."""
        return [each for each in self.results if each.status == "failed"]


def parts(results: Sequence[AdapterResult]) -> dict[str, str]:
    """Return the measured parts of the page by name."""
    present = [each for each in results if not each.missing]
    return {
        "choice": table(("adapter", *CHOICE), map(_choice, present)),
        "run": f"Written {'; and '.join(sorted({each.written for each in present}))}.",
        "adapters": table(COLUMNS, map(_summary, results)),
        "failures": table(
            ("adapter", "network", "what happens", "laws", "accounted for", "problem"),
            [row for each in present for row in _failures(each)],
        ),
        "errors": table(("adapter", *LAWS, "gradients", "declares"), map(_errors, present)),
    }


def choice_picture(results: Sequence[AdapterResult]) -> str:
    """Return the table for those who choose as a picture (SVG).

    Because the picture has no links, it distinguishes behaviour that the ledger defends from findings.
    """

    def answer(cell: str, reasons: Sequence[Explanation | None]) -> str:
        if not cell.startswith("**no**"):
            return cell
        return "defended" if all(why and why.heading == DEFENDED for why in reasons) else "no"

    rows = []
    for each in results:
        if not each.missing:
            name = each.version if each.name in each.version else f"{each.name} ({each.version})"
            rows.append((name, [answer(*cell) for cell in _choices(each)]))
    note = "–: not supported, or not judged. defended: differs, for a reason that FINDINGS.md states."
    return picture(CHOICE, rows, note)


def _choices(result: AdapterResult) -> Iterator[tuple[str, Sequence[Explanation | None]]]:
    """Yield the cell of each column for those who choose, with the explanations of its failures."""
    cells = dict(zip(COLUMNS, _summary(result), strict=True))
    failures = [(_aspect(each), _explanation(result.name, each)) for each in result.failures]
    for column in CHOICE:
        aspect = "nonfinite" if column == "NaN, ∞" else column
        yield cells[column], [why for found, why in failures if aspect in (found, found.split(" ")[-1])]


def _choice(result: AdapterResult) -> Sequence[str]:
    """Return the row of an adapter in the table for those who choose: each *no* links to its reason."""

    def cell(text: str, reasons: Sequence[Explanation | None]) -> str:
        links = (f"[no](../FINDINGS.md{anchor(why.heading)})" if why else "no" for why in reasons)
        return _joined(links) if text.startswith("**no**") else text

    return [f"`{result.name}`", *(cell(*each) for each in _choices(result))]


def _summary(result: AdapterResult) -> Sequence[str]:
    """Return the row of an adapter in the table of adapters."""
    if result.missing:
        return [f"`{result.name}`", "–", f"{NOT_RUN}: {result.missing}", *[""] * (len(COLUMNS) - 3)]
    failures: defaultdict[str, list[LawResult]] = defaultdict(list)
    for failure in result.failures:
        failures[_aspect(failure)].append(failure)

    def yes(is_right: bool) -> str:
        return "yes" if is_right else "**no**"

    dtypes = result.limits.dtypes
    lengths = not any(f"{dtype} lengths" in failures for dtype in dtypes if dtype not in failures)
    gradients = _joined(map(_setting, failures["gradients"]))
    return [
        *(f"`{result.name}`", result.version, result.verdict),
        *(yes(dtype not in failures) if dtype in dtypes else "–" for dtype in DTYPES),
        yes(lengths) if result.limits.lengths else "–",
        (f"**no**: {gradients}" if gradients else "yes") if result.has_gradients else "–",
        yes("nonfinite" not in failures),
        *(_joined(each.law for each in failures[aspect]) or "none" for aspect in ("crashes", "other")),
        str(sum(_explanation(result.name, each) is None for each in result.failures)),
        *(f"{seconds:.0f}" for seconds in (result.seconds, result.processor_seconds)),
    ]


def _joined(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _aspect(failure: LawResult) -> str:
    """Return the column of the table of adapters to which a failure belongs."""
    problem = _problem(failure)
    if "died" in failure.facts:
        return "crashes"
    if failure.law in ("nonfinite", "padding") or (
        problem and not _is_finite(failure.function, failure.counterexample)
    ):
        return "nonfinite"
    if problem is None or 0 in (problem.n_x, problem.m, problem.T_x):
        return "other"
    backward = _is_backward(failure)
    if not backward and isinstance(problem, LayerProblem) and problem.lengths != "absent":
        # If the law failed without lengths, too, the problem would have been shrunk to one without lengths.
        return f"{problem.dtype} lengths"
    if failure.grade != "spec" and failure.law != "lower precision":
        return "other"
    return "gradients" if backward else problem.dtype


def _problem(failure: LawResult) -> Problem | None:
    return Problem.parse(failure.counterexample) if failure.counterexample else None


@cache
def _is_finite(function: str, counterexample: str) -> bool:
    """Whether the right answer is finite. Several tables ask for the same failure."""
    problem = Problem.parse(counterexample)
    return all(np.isfinite(array).all() for array in pytorch.run(problem.inputs(function)).values())


def _is_backward(failure: LawResult) -> bool:
    return bool(failure.function) and CONTRACTS[failure.function].is_backward


def _setting(failure: LawResult) -> str:
    """Return the dtype and the options of the counterexample, in words."""
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
    used = " and ".join(option for option, is_used in options.items() if is_used)
    return f"{problem.dtype} with {used}" if used else problem.dtype


def _explanation(name: str, failure: LawResult) -> Explanation | None:
    """Return the first explanation in the ledger that covers a failure of an adapter."""
    problem = _problem(failure)
    outcome = "dies" if "died" in failure.facts else "raises" if "raised" in failure.facts else "answers"
    law = f"{failure.law} of gradients" if _is_backward(failure) else failure.law
    dtype = problem.dtype if problem else ""
    phrases = (law, _first_finding(failure), _aspect(failure), f"{outcome} in {dtype}")
    kind = failure.function.partition("_")[0]
    return next((each for each in _EXPLANATIONS if each.covers(name, kind, phrases)), None)


def _first_finding(failure: LawResult) -> str:
    """Return the first finding on a failure, in one line."""
    return shorten(" ".join(failure.diagnosis[:1]), 400)


def _failures(result: AdapterResult) -> Iterator[Sequence[str]]:
    """Yield a row for each explanation in the ledger, and for each mistake that no explanation covers."""
    groups: defaultdict[tuple[str, str], list[LawResult]] = defaultdict(list)
    for failure in result.failures:
        entry = _explanation(result.name, failure)
        # A number in a message may be that of a graph node, which differs from failure to failure.
        key = re.sub(r"\d+", "#", _first_finding(failure)) or failure.law
        if entry:
            key = entry.phrase if entry.heading == DEFENDED else ""
        groups[entry.heading if entry else "", key].append(failure)
    for (heading, _), failures in groups.items():
        shortest = min(failures, key=lambda failure: len(failure.counterexample))
        what = shorten(re.sub(r"(\x1b|\\x1b)\[\d+m", "", _first_finding(shortest)), 120, placeholder=" …")
        word = "defended" if heading == DEFENDED else "finding"
        yield [
            f"`{result.name}`",
            ", ".join(sorted({_network(failure) for failure in failures}, reverse=True)),
            what.replace("|", "\\|") or "a wrong answer",
            _joined(failure.law for failure in failures),
            f"[{word}](../FINDINGS.md{anchor(heading)})" if heading else "**new**",
            f"`{shortest.counterexample}`",
        ]


def _network(failure: LawResult) -> str:
    return failure.function.partition("_")[0].upper() + (" backward" if _is_backward(failure) else "")


def _errors(result: AdapterResult) -> Sequence[str]:
    """Return the row of an adapter in the last table: its worst errors, as fractions of the bound."""

    def worst(laws: Sequence[str], *, backward: bool = False) -> str:
        results = [each for each in result.results if each.law in laws and _is_backward(each) == backward]
        fails = any(each.status == "failed" for each in results)
        return "fails" if fails else f"{max((each.worst_ratio for each in results), default=0.0):.2f}"

    limits = replace(result.limits, caches=True, head=True, bad_shapes=True, gradients=True).words
    gradients = worst(LAWS, backward=True) if result.has_gradients else "–"
    return [f"`{result.name}`", *(worst([law]) for law in LAWS), gradients, ", ".join(limits)]
