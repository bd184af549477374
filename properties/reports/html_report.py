"""Writes HTML: one page with all verdicts and failures, and a page for the author of each target."""

import base64
import hashlib
from functools import cache, partial
from inspect import getdoc
from pathlib import Path
from typing import Any

from oracle.explanations.words import texts_of_facts
from oracle.problems.problem import Problem
from properties.laws import all_laws
from properties.reports.closing_table import cell_text, short_name
from properties.reports.judgement import Judgement
from properties.reports.mistakes import TargetMistake, mistakes_of
from properties.reports.results import law_names, results_by_function
from properties.reports.run import Run
from properties.reports.snippet import snippet
from properties.trials.provided_functions import PRESENCE
from reference.contract import CONTRACTS

VERDICTS = {
    "conforms": ("✓", "every law that ran holds"),
    "not robust": ("~", "right on ordinary inputs, wrong on extreme or empty ones or in lower precision"),
    "differs": ("✗", "wrong on ordinary inputs"),
    "incomplete": ("–", "a function is missing or has other parameters than specified; the rest is judged"),
    "unfinished": ("…", "still to be written: the code has placeholders instead of values"),
    "not judged": ("?", "too slow for a law, or crashed too often, or the harness itself failed"),
    "unusable": ("!", "cannot be loaded, or has none of the functions"),
    "left": ("·", "the run ended before all its laws had run"),
}
"""The symbol and the meaning of each verdict."""


def as_html(run: Run) -> str:
    """The page of all targets. Text of targets is escaped, so that only our script can run."""
    selected = {function for judgement in run.judgements for function in judgement.functions}
    script = (Path(__file__).parent / "report.js.jinja").read_text(encoding="utf-8")
    return _render(
        "report.html.jinja",
        run=run,
        functions=[function for function in CONTRACTS if function in selected],
        presence=PRESENCE,
        script=script,
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def as_page_of_target(judgement: Judgement, name: str, template: str = "each.html.jinja") -> str:
    """The page for the author of one target, without the names of other targets.

    The template `card.html.jinja` makes a part of another page, such as a notebook.
    """
    return _render(
        template,
        judgement=judgement,
        shown_name=name,
        mistakes=mistakes_of(judgement),
        contracts=CONTRACTS,
        facts_of=_facts,
        laws_of=_broken_laws,
        silent_functions_of=partial(_silent_functions, judgement),
        notebook_cell_of=_notebook_cell,
    )


def _render(name: str, **variables: object) -> str:
    return str(_templates().get_template(name).render(verdicts=VERDICTS, **variables))


@cache
def _templates() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # a slow import, for reports only

    jinja = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    jinja.filters |= {"cell": cell_text, "short": short_name, "named": lambda target, names: names[target]}
    return jinja


_PLAIN_LABELS = {
    "element": "the first wrong number",
    "implementation": "yours",
    "exact": "right",
    "torch": "right, says torch",
    "expected": "right",
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
"""The labels of facts on the page of a target, if they differ from those in messages."""


def _facts(mistake: TargetMistake) -> list[tuple[str, str]]:
    """The labels and texts of the facts of the failure, without the facts for experts."""
    facts = mistake.representative.facts
    left_out = ["allowed", "off_by", *(("torch", "wrong") if "exact" in facts else ())]
    texts = texts_of_facts({name: fact for name, fact in facts.items() if name not in left_out})
    if "exact" in facts:
        texts["exact"] = f"{float(facts['exact']['value']):.10g}"
    findings = [each for each in mistake.representative.findings if each.is_located or each.is_vague]
    labelled = [(_PLAIN_LABELS.get(name, name), text) for name, text in texts.items()]
    return labelled + [("what is known about it", "\n".join(each.lines)) for each in findings]


def _broken_laws(mistake: TargetMistake) -> list[tuple[str, str, list[str]]]:
    """The name, statement and functions of each law that fails; if spec laws fail, no robust law is named."""
    statements = {law.name: (getdoc(law.check) or "").splitlines()[0] for law in all_laws()}
    failures = [each for each in mistake.results if each.grade == "spec" or not mistake.is_spec]
    return [
        (name, statements[name], [*results_by_function([each for each in failures if each.law == name])])
        for name in law_names(failures)
        if name in statements
    ]


def _silent_functions(judgement: Judgement, mistake: TargetMistake) -> list[str]:
    """The functions of a mistake if none of these functions ever returns; otherwise an empty list."""
    answered = {
        each.function for each in judgement.results if each.status == "passed" and each.law not in PRESENCE
    }
    is_silent = all({"raised", "died"} & {*each.facts} for each in mistake.results)
    return [*mistake.by_function] if is_silent and not answered & {*mistake.by_function} else []


def _notebook_cell(mistake: TargetMistake) -> str:
    """The code of a notebook cell that shows the failure; empty if the failure has no problem."""
    failure = mistake.representative
    try:
        problem = Problem.parse(failure.counterexample)
    except ValueError:
        return ""
    return snippet(problem, failure.function, failure.law)
