"""Writes a page for the author of each target, with mistakes, remedies and examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from inspect import getdoc
from pathlib import Path

from oracle.diagnosis.facts import in_words
from oracle.problem import Problem
from properties.laws import all_laws
from properties.reports.html_report import render
from properties.reports.json_report import Run, replace_file
from properties.reports.judgement import Judgement
from properties.reports.mistakes import Case, cases, laws, results_by_function
from properties.reports.snippet import snippet
from properties.reports.target_names import file_names, shown_names
from properties.trials.provided_functions import PRESENCE
from reference.contract import CONTRACTS


def check(folder: Path) -> None:
    """Raise `ValueError` if no pages can be written to a folder."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--report-each {folder}: this is no directory")
    if not folder.parent.is_dir():
        raise ValueError(f"--report-each {folder}: there is no directory {str(folder.parent)!r}")


def write(folder: Path, judged: Sequence[Judgement], run: Run) -> int:
    """Write the pages of the targets that are judged completely. Returns their number."""
    folder.mkdir(exist_ok=True)
    files = pages(folder, judged, run)
    names = shown_names(judgement.implementation for judgement in judged)
    for judgement in judged:
        if judgement.implementation in files:
            page = as_page(judgement, names[judgement.implementation])
            replace_file(files[judgement.implementation], page)
    return len(files)


def pages(folder: Path, judged: Sequence[Judgement], run: Run) -> Mapping[str, Path]:
    """The file of the page of each target that is judged completely."""
    done = [each.implementation for each in judged if each.implementation not in run.left]
    return {target: folder / name for target, name in file_names(done).items()}


def as_page(judgement: Judgement, name: str) -> str:
    """The page of one target, which names no other target."""
    shown = [Shown(case, judgement) for case in cases(judgement)]
    return render("each.html.jinja", judgement=judgement, shown_name=name, shown=shown)


_PLAIN = {
    "element": "the first wrong number",
    "implementation": "yours",
    "exact": "right",
    "torch": "right, says torch",
    "extent": "how much is wrong",
    "raised": "it raised",
    "call": "what happened",
    "stderr": "its last error output",
    "form": "what it returned",
    "cached": "in your cache",
    "given": "the input was",
    "returned": "you returned",
    "sums to": "the column sums to",
    "grows by": "c grows by",
    "wrong": "who is wrong",
}
"""The labels of facts on a page."""
_NOT_SHOWN = ("allowed", "off_by")


@dataclass(frozen=True)
class Shown:
    """A mistake on the page of a target."""

    case: Case
    judgement: Judgement

    @property
    def silent(self) -> list[str]:
        """The functions of the mistake, if every call of them raises an exception or ends the process."""
        answered = {
            each.function
            for each in self.judgement.results
            if each.status == "passed" and each.law not in PRESENCE
        }
        is_silent = all({"raised", "died"} & {*each.facts} for each in self.case.results)
        functions = [*self.case.by_function]
        return functions if is_silent and not answered & {*functions} else []

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The labels and texts of the facts on the example, without the facts for experts."""
        facts = self.case.smallest.facts
        left_out = (*_NOT_SHOWN, *(("torch", "wrong") if "exact" in facts else ()))
        said = in_words({name: fact for name, fact in facts.items() if name not in left_out})
        if "exact" in facts:
            said["exact"] = f"{float(facts['exact']['value']):.10g}"
        known = [each for each in self.case.smallest.findings if each.kind == "location" or each.is_trace]
        labelled = [(_PLAIN.get(name, name), text) for name, text in said.items()]
        return labelled + [("what is known of it", "\n".join(each.lines)) for each in known]

    @property
    def laws(self) -> list[tuple[str, str, list[str]]]:
        """The laws that fail: name, statement and functions.

        If spec laws fail, only these are listed.
        """
        statements = {law.name: (getdoc(law.check) or "").splitlines()[0] for law in all_laws()}
        failures = [each for each in self.case.results if each.grade == "spec" or not self.case.is_spec]
        of_law = {name: [each for each in failures if each.law == name] for name in laws(failures)}
        return [
            (name, statements[name], [*results_by_function(failed)])
            for name, failed in of_law.items()
            if name in statements
        ]

    @property
    def inherited(self) -> list[tuple[str, str]]:
        """The functions that inherit the mistake, each with the function from which it does."""
        return [
            (function, CONTRACTS[function].source)
            for function, results in self.case.by_function.items()
            if all(result.inherited for result in results)
        ]

    @property
    def alternatives(self) -> Sequence[str]:
        """Other mistakes with the same numbers."""
        mistakes = [each for each in self.case.smallest.findings if each.is_mistake]
        return [each.words for each in mistakes if each != self.case.finding]

    @property
    def snippet(self) -> str:
        """A cell for a notebook; empty if there is no example."""
        smallest = self.case.smallest
        return snippet(self._problem, smallest.function, smallest.law) if self._problem else ""

    @cached_property
    def _problem(self) -> Problem | None:
        try:
            return Problem.parse(self.case.smallest.counterexample)
        except ValueError:
            return None
