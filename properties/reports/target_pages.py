"""Writes a page for the author of each target, with mistakes, remedies and examples."""

from collections.abc import Mapping, Sequence
from functools import partial
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


def pages(folder: Path, judged: Sequence[Judgement], run: Run) -> Mapping[str, Path]:
    """The file of the page of each target that is judged completely."""
    done = [each.implementation for each in judged if each.implementation not in run.left]
    return {target: folder / name for target, name in file_names(done).items()}


def write(judged: Sequence[Judgement], run: Run) -> int:
    """Write the pages that a run names. Returns their number."""
    names = shown_names(judgement.implementation for judgement in judged)
    for judgement in judged:
        if file := run.pages.get(judgement.implementation):
            file.parent.mkdir(exist_ok=True)
            replace_file(file, as_page(judgement, names[judgement.implementation]))
    return len(run.pages)


def as_page(judgement: Judgement, name: str) -> str:
    """The page of one target, which names no other target."""
    return render(
        "each.html.jinja",
        judgement=judgement,
        shown_name=name,
        cases=cases(judgement),
        contracts=CONTRACTS,
        facts_of=_facts,
        laws_of=_laws,
        silent_in=partial(_silent, judgement),
        example_of=_example,
    )


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


def _facts(case: Case) -> list[tuple[str, str]]:
    """The labels and texts of the facts on the example, without the facts for experts."""
    facts = case.smallest.facts
    left_out = ["allowed", "off_by", *(("torch", "wrong") if "exact" in facts else ())]
    said = in_words({name: fact for name, fact in facts.items() if name not in left_out})
    if "exact" in facts:
        said["exact"] = f"{float(facts['exact']['value']):.10g}"
    known = [each for each in case.smallest.findings if each.kind == "location" or each.is_trace]
    labelled = [(_PLAIN.get(name, name), text) for name, text in said.items()]
    return labelled + [("what is known of it", "\n".join(each.lines)) for each in known]


def _laws(case: Case) -> list[tuple[str, str, list[str]]]:
    """The laws that fail: name, statement and functions. If spec laws fail, only these are listed."""
    statements = {law.name: (getdoc(law.check) or "").splitlines()[0] for law in all_laws()}
    failures = [each for each in case.results if each.grade == "spec" or not case.is_spec]
    return [
        (name, statements[name], [*results_by_function([each for each in failures if each.law == name])])
        for name in laws(failures)
        if name in statements
    ]


def _silent(judgement: Judgement, case: Case) -> list[str]:
    """The functions of a mistake, if every call of them raises an exception or ends the process."""
    answered = {
        each.function for each in judgement.results if each.status == "passed" and each.law not in PRESENCE
    }
    is_silent = all({"raised", "died"} & {*each.facts} for each in case.results)
    return [*case.by_function] if is_silent and not answered & {*case.by_function} else []


def _example(case: Case) -> str:
    """A cell for a notebook that shows the smallest failure; empty if there is no example."""
    smallest = case.smallest
    try:
        problem = Problem.parse(smallest.counterexample)
    except ValueError:
        return ""
    return snippet(problem, smallest.function, smallest.law)
