"""The closing table: law by function, with the number of problems that really ran."""

from collections.abc import Sequence
from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from properties.results import LawResult
from reference.contract import CONTRACTS


def render(results: Sequence[LawResult], width: int) -> str:
    """A table for each implementation, then what came nearest to its bound, as text."""
    out = StringIO()
    console = Console(file=out, width=max(width, 80), color_system=None)
    for implementation in dict.fromkeys(result.implementation for result in results):
        own = [result for result in results if result.implementation == implementation]
        console.print(_table(implementation, own))
        console.print("\n".join(_remarks(own)), soft_wrap=True, highlight=False)
    return out.getvalue()


def _table(implementation: str, results: Sequence[LawResult]) -> Table:
    functions = [name for name in CONTRACTS if any(result.function == name for result in results)]
    table = Table(title=f"{implementation}: problems that ran", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("law", no_wrap=True)
    table.add_column("grade")
    for function in functions:
        table.add_column(function.replace("_forward", "").replace("_", " "), justify="right")
    for law in dict.fromkeys(result.law for result in results):
        cells = {result.function: result for result in results if result.law == law}
        grade = next(iter(cells.values())).grade
        table.add_row(law, grade, *(_cell(cells.get(function)) for function in functions))
    return table


def _cell(result: LawResult | None) -> str:
    if result is None:
        return ""
    if result.status != "passed":
        return result.status
    if result.not_meaningful:
        return f"{result.problems - result.not_meaningful} + {result.not_meaningful} n.m."
    return str(result.problems)


def _remarks(results: Sequence[LawResult]) -> list[str]:
    """What the numbers in the table leave out."""
    remarks = []
    if any(result.not_meaningful for result in results):
        remarks.append("n.m.: not meaningful; the bound on the whole trajectory has grown beyond use")
    measured = {result.law: result for result in sorted(results, key=lambda result: result.worst_ratio)}
    worst = [result for result in measured.values() if result.worst_problem]
    if worst:
        remarks.append("worst error as a fraction of its bound:")
        remarks += [
            f"  {result.worst_ratio:.2f}  {result.law:<28}  {result.worst_problem}" for result in worst[::-1]
        ]
    remarks += [f"{result.function} {', '.join(sorted(result.notes))}" for result in results if result.notes]
    return remarks
