"""The reports in HTML: one page with all verdicts and failures, and a page for the author of each target."""

import base64
import hashlib
from functools import cache, partial
from inspect import getdoc
from pathlib import Path
from typing import Any

from oracle.diagnosis.findings import in_words
from oracle.problem import Problem
from properties.laws import all_laws
from properties.reports.closing_table import cell, short
from properties.reports.judgement import Judgement
from properties.reports.mistakes import TargetMistake, cases, laws, results_by_function
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
    """The page of all targets. Text of targets is escaped, and only our script may run."""
    selected = {function for judgement in run.judged for function in judgement.functions}
    script = (Path(__file__).parent / "report.js.jinja").read_text(encoding="utf-8")
    return _render(
        "report.html.jinja",
        **{name: getattr(run, name) for name in ("judged", "mistakes", "names", "numbered", "in_full")},
        run=run,
        functions=[function for function in CONTRACTS if function in selected],
        presence=PRESENCE,
        script=script,
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def as_page_of_target(judgement: Judgement, name: str) -> str:
    """The page of one target, which names no other target."""
    return _render(
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


def _render(name: str, **given: object) -> str:
    """Fill in a template of this folder."""
    return str(_templates().get_template(name).render(verdicts=VERDICTS, **given))


@cache
def _templates() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # a run without a report needs none

    jinja = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    jinja.filters |= {"cell": cell, "short": short, "named": lambda target, names: names[target]}
    return jinja


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
"""The labels of facts on the page of a target."""


def _facts(case: TargetMistake) -> list[tuple[str, str]]:
    """The labels and texts of the facts on the example, without the facts for experts."""
    facts = case.smallest.facts
    left_out = ["allowed", "off_by", *(("torch", "wrong") if "exact" in facts else ())]
    said = in_words({name: fact for name, fact in facts.items() if name not in left_out})
    if "exact" in facts:
        said["exact"] = f"{float(facts['exact']['value']):.10g}"
    known = [each for each in case.smallest.findings if each.kind == "location" or each.is_vague]
    labelled = [(_PLAIN.get(name, name), text) for name, text in said.items()]
    return labelled + [("what is known of it", "\n".join(each.lines)) for each in known]


def _laws(case: TargetMistake) -> list[tuple[str, str, list[str]]]:
    """The laws that fail: name, statement and functions. If spec laws fail, only these are listed."""
    statements = {law.name: (getdoc(law.check) or "").splitlines()[0] for law in all_laws()}
    failures = [each for each in case.results if each.grade == "spec" or not case.is_spec]
    return [
        (name, statements[name], [*results_by_function([each for each in failures if each.law == name])])
        for name in laws(failures)
        if name in statements
    ]


def _silent(judgement: Judgement, case: TargetMistake) -> list[str]:
    """The functions of a mistake, if every call of them raises an exception or ends the process."""
    answered = {
        each.function for each in judgement.results if each.status == "passed" and each.law not in PRESENCE
    }
    is_silent = all({"raised", "died"} & {*each.facts} for each in case.results)
    return [*case.by_function] if is_silent and not answered & {*case.by_function} else []


def _example(case: TargetMistake) -> str:
    """A cell for a notebook that shows the smallest failure; empty if there is no example."""
    smallest = case.smallest
    try:
        problem = Problem.parse(smallest.counterexample)
    except ValueError:
        return ""
    return snippet(problem, smallest.function, smallest.law)
