"""The report in HTML: one self-contained page with the verdicts and the failures by mistake."""

import base64
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from properties.reports.closing_table import IN_FULL, cell, short
from properties.reports.json_report import Run
from properties.reports.judgement import Judgement
from properties.reports.mistakes import ranked_mistakes
from properties.reports.target_names import shown_names
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


def as_html(judged: Sequence[Judgement], run: Run) -> str:
    """The page. Text of targets is escaped, and only our script may run."""
    mistakes = ranked_mistakes(judged)
    numbered = defaultdict(list)
    for number, mistake in enumerate(mistakes, 1):
        for place, case in enumerate(mistake.cases if not mistake.is_of_helpers else (), 1):
            numbered[case.implementation].append((f"m{number}-{place}", number, case.words))
    names = shown_names(judgement.implementation for judgement in judged)
    selected = {function for judgement in judged for function in judgement.functions}
    script = (Path(__file__).parent / "report.js.jinja").read_text(encoding="utf-8")
    return render(
        "report.html.jinja",
        judged=judged,
        mistakes=mistakes,
        numbered=numbered,
        names=names,
        functions=[function for function in CONTRACTS if function in selected],
        run=run,
        in_full=len(judged) <= IN_FULL,
        presence=PRESENCE,
        script=script,
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def render(name: str, **given: object) -> str:
    """Fill in a template of this folder."""
    return str(_templates().get_template(name).render(verdicts=VERDICTS, **given))


@cache
def _templates() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # only runs with a page need it

    jinja = Environment(
        autoescape=True,
        loader=FileSystemLoader(Path(__file__).parent),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    jinja.filters |= {"cell": cell, "short": short, "named": lambda target, names: names[target]}
    return jinja
