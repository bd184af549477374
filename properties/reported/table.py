"""The closing table: law by function, with the number of problems that really ran."""

from collections.abc import Sequence
from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from oracle.problem import Problem
from properties.drawn.work import work
from properties.judged.patience import too_slow
from properties.judged.presence import PRESENCE
from properties.reported.results import Judgement, LawResult, judgements, printable

DECLARED = "–"
"""Stands for a law that a limit leaves nothing of."""

IN_FULL = 3
"""With more implementations than this, each gets one line."""


def render(results: Sequence[LawResult], width: int) -> str:
    """What came of every law, as text: in full for a few implementations, a line each for many."""
    out = StringIO()
    console = Console(file=out, width=max(width, 80), color_system=None)
    judged = judgements(results)
    if len(judged) <= IN_FULL:
        for judgement in judged:
            if judgement.verdict != "unusable":
                console.print(_laws(judgement))
                console.print(Text("\n".join(_remarks(judgement.results))), soft_wrap=True)
    console.print(_verdicts(judged))
    return "\n".join(line.rstrip() for line in printable(out.getvalue()).split("\n"))


def _laws(judgement: Judgement) -> Table:
    title = Text(f"{judgement.implementation}: problems that ran")
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("law", no_wrap=True)
    table.add_column("grade")
    for function in judgement.functions:
        table.add_column(short(function), justify="right")
    for law in dict.fromkeys(result.law for result in judgement.results):
        if law in PRESENCE:
            continue
        cells = {result.function: result for result in judgement.results if result.law == law}
        grade = next(iter(cells.values())).grade
        table.add_row(law, grade, *(_cell(cells.get(function)) for function in judgement.functions))
    return table


def _cell(result: LawResult | None) -> str:
    if result is None:
        return ""
    if result.declared:
        return DECLARED
    if result.status != "passed":
        return "expected" if result.expected else result.status
    counts = [str(result.problems - result.not_meaningful)]
    if result.not_meaningful:
        counts.append(f"{result.not_meaningful} n.m.")
    if result.too_slow:
        counts.append(f"{result.too_slow} too slow")
    return " + ".join(counts)


def _remarks(results: Sequence[LawResult]) -> list[str]:
    """What the numbers in the table leave out."""
    remarks = []
    limits = next((result.limits for result in results if result.limits), ())
    if limits:
        remarks.append(f"{DECLARED}  declared, and so not judged: {', '.join(limits)}")
    if any(result.not_meaningful for result in results):
        remarks.append("n.m.: not meaningful; the bound on the whole trajectory has grown beyond use")
    by_ratio = sorted(results, key=lambda result: -result.worst_ratio)
    worst = [result for result in by_ratio if result.worst_problem]
    if worst:
        remarks.append("worst error as a fraction of its bound:")
    for law in dict.fromkeys(result.law for result in worst):
        result = next(result for result in worst if result.law == law)
        remarks.append(f"  {result.worst_ratio:.2f}  {law:<28}  {result.worst_problem}")
    slow = [result for result in results if result.too_slow]
    if slow:
        remarks.append("not judged, for it is too slow:")
    for function in dict.fromkeys(result.function for result in slow):
        of_it = [result for result in slow if result.function == function]
        count = sum(result.too_slow for result in of_it)
        late = min((Problem.parse(result.late) for result in of_it), key=lambda each: work(each, function))
        remarks.append(f"  {function} on {count} problems, {too_slow(late)}")
    noted = [each for each in results if each.function and each.notes and each.status != "skipped"]
    if noted:
        remarks.append("noticed, and no failure:")
    lines = (f"  {result.function} {', '.join(sorted(result.notes))}" for result in noted)
    return remarks + list(dict.fromkeys(lines))


def _verdicts(judged: Sequence[Judgement]) -> Table:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("implementation", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("why", overflow="fold")
    for judgement in judged:
        why = [" ".join(line.split()) for line in _why(judgement)]  # of foreign code, perhaps in many lines
        table.add_row(Text(judgement.implementation), judgement.verdict, Text("\n".join(why)))
    return table


def _why(judgement: Judgement) -> list[str]:
    """A line for each function that does not conform, and one for what cannot be used at all."""
    if judgement.verdict == "unusable":
        return [judgement.why_unusable]
    lines = []
    for function in ("", *judgement.functions):
        verdict = judgement.verdict_on(function)
        if verdict != "conforms":
            laws = [result.law for result in judgement.failures(function)]
            named = ", ".join(laws[:3]) + (", …" if len(laws) > 3 else "")
            lines.append(f"{short(function)} {verdict}: {judgement.remark_on(function) or named}".strip())
    if judgement.limits:
        lines.append(f"declares {', '.join(judgement.limits)}")
    return [*lines, *judgement.notes]


def short(function: str) -> str:
    """The name of a function where there is little room: `"lstm cell"`."""
    return function.replace("_forward", "").replace("_", " ")
