"""What a run prints at its end: a message for each mistake, and the closing table."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from textwrap import fill, wrap
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from oracle.problem import Problem
from properties.reports.judgement import Judgement, judgements
from properties.reports.mistakes import Mistake, laws, ranked_mistakes, results_by_function, smallest
from properties.reports.results import LawResult, printable
from properties.reports.run import ELLIPSIS, Run, shortened
from properties.strategies.effort import work
from properties.trials.provided_functions import PRESENCE
from properties.trials.retries import too_slow
from reference.contract import CONTRACTS

DECLARED = "–"
"""The cell of a law that a declared limit excludes."""

MOST_LAWS = 4
"""The most laws that the table names for a mistake; the reports name all."""

_INDENT = " " * 6


def messages(failures: Sequence[LawResult]) -> Iterator[str]:
    """The message of the smallest failure of each mistake, with the functions and laws of the others.

    Of failures whose mistake is unknown, one message for each function that does not inherit them, and each
    way to fail: by a wrong number, by an error.
    """
    for mistake in ranked_mistakes(judgements(failures)):
        if mistake.is_known:
            count = len(mistake.implementations)
            of = f" (of {count} targets)" if count > 1 else ""
            yield _message(mistake, mistake.results, "the same in {where}" + of)
            continue
        parts: defaultdict[object, list[LawResult]] = defaultdict(list)
        for each in mistake.results:
            what = each.law if each.ours else {"raised", "died", "form"} & each.facts.keys()
            function = CONTRACTS[each.function].source if each.inherited else each.function
            parts[each.implementation, function, repr(what)].append(each)
        for results in parts.values():
            yield _message(mistake, results, "perhaps for the same reason, also in {where}")


def _message(mistake: Mistake, results: Sequence[LawResult], relation: str) -> str:
    """The message of the smallest of these failures, and a line about the others."""
    shown = smallest(results, mistake.cases[0].finding)
    others = [result for result in results if result is not shown]
    if not others:
        return shown.message
    where = ", ".join(function for function in results_by_function(others) if function)
    words = f"{relation.format(where=where)}: {', '.join(laws(others))}"
    return f"{shown.message}\n{fill(words, 100, initial_indent='  ', subsequent_indent='    ')}"


def render(run: Run, width: int) -> str:
    """The verdicts and mistakes as text, and for few targets a table of the laws."""
    out, width = StringIO(), max(width, 80)
    console = Console(file=out, width=width, color_system=None)
    for judgement in run.judged if run.in_full else ():
        if judgement.results and not judgement.why_unusable:
            for which, is_backward in (("", False), (", backward passes", True)):
                _print_laws(judgement, console, which, is_backward=is_backward)
            for remark in _remarks(judgement):
                out.write(fill(remark, width, subsequent_indent="  ") + "\n")
            passed = [each for each in judgement.results if each.status == "passed" and each.worst_problem]
            for worst in [max(passed, key=lambda result: result.worst_ratio)] if passed else ():
                ratio = f"{worst.worst_ratio:.2f} of its bound, by {worst.law} on"
                out.write(f"worst error of the laws that hold: {ratio}\n  {worst.worst_problem}\n")
    is_unusable = len(run.judged) == 1 and run.judged[0].why_unusable  # its failure alone says why
    mistakes = [] if is_unusable else run.mistakes
    lines = [*out.getvalue().split("\n"), *_verdicts(run, width, numbered=bool(mistakes))]
    if mistakes:
        lines += ["", "mistakes, by number:", *_mistakes(run, width)]
    return "\n".join(printable(line).rstrip() for line in [*lines, "", ""])


def _print_laws(judgement: Judgement, console: Console, which: str, *, is_backward: bool) -> None:
    """Print the table of forward or backward passes, if there are any. A missing function has no column."""
    functions = [
        name
        for name in judgement.functions
        if CONTRACTS[name].is_backward == is_backward and not judgement.why_missing(name)
    ]
    table = Table(box=SIMPLE_HEAD)
    table.add_column("law", no_wrap=True)
    table.add_column("grade")
    for function in functions:
        table.add_column(short(CONTRACTS[function].forward), justify="right")
    for law in laws(result for result in judgement.results if result.function in functions):
        of_law = {result.function: result for result in judgement.results if result.law == law}
        if law not in PRESENCE:
            cells = [cell(of_law[function]) if function in of_law else "" for function in functions]
            table.add_row(law, next(iter(of_law.values())).grade, *cells)
    if functions:
        title = f"{judgement.implementation}{which}: problems on which each law holds"
        console.print(Text(title), soft_wrap=True)
        console.print(table)


def cell(result: LawResult) -> str:
    """The outcome of a law on a function: the number of problems, or a word."""
    if result.declared:
        return DECLARED
    if result.helpers:
        return "helper"
    if result.status != "passed":
        return "expected" if result.expected else result.status
    counts = {"n.m.": result.not_meaningful, "too slow": result.too_slow}
    more = (f" + {count} {what}" for what, count in counts.items() if count)
    return f"{result.problems - result.not_meaningful}{''.join(more)}"


def _remarks(judgement: Judgement) -> Iterator[str]:
    """Remarks on what the table does not show."""
    results = judgement.results
    if judgement.limits:
        yield f"{DECLARED}: declared limits, beyond which nothing is judged: {', '.join(judgement.limits)}"
    if helpers := ", ".join(judgement.helpers):
        yield f"helper: fails only because of {helpers}, which the course gives, and is not counted"
    if any(result.not_meaningful for result in results):
        yield "n.m.: not meaningful, because the bound on the whole trajectory is too large to judge by"
    for function in judgement.functions:
        slow = [result for result in results if result.too_slow and result.function == function]
        if slow:
            count = sum(result.too_slow for result in slow)
            late = min((Problem.parse(each.late) for each in slow), key=lambda each: work(each, function))
            yield f"not judged: {function} on {count} problems, {too_slow(late)}"
    reasons = [
        (each.message, each.function)
        for each in results
        if each.status == "skipped" and not (each.declared or judgement.why_missing(each.function))
    ]
    for reason, functions in _together(reasons):
        yield f"skipped, since no problem was judged: {functions}: {reason}"
    ran = [result for result in results if result.function and result.status != "skipped"]
    for note, functions in _together((note, each.function) for each in ran for note in sorted(each.notes)):
        yield f"noticed, no failure: {functions}: {note}"


def _together(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Each text once, with the names of its functions."""
    functions: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for text, function in pairs:
        functions[text][short(function)] = None
    return ((text, ", ".join(names)) for text, names in functions.items())


def _verdicts(run: Run, width: int, *, numbered: bool) -> Iterator[str]:
    """A line for each target, with the numbers of its mistakes, and a line for other remarks."""
    rows = {
        each.implementation: (
            each.verdict_in_words,
            " ".join(str(number) for number, *_ in run.numbered.get(each.implementation, ()) if numbered),
        )
        for each in run.judged
    }
    wide, rest = (max(map(len, column)) for column in zip(("not robust", ""), *rows.values(), strict=True))
    room = min(max(map(len, run.names.values()), default=0), max(width - wide - rest - 6, 20))
    for judgement in run.judged:
        verdict, numbers = rows[judgement.implementation]
        name = shortened(run.names[judgement.implementation], room)
        yield f"  {name:<{room}}  {verdict:<{wide}}  {numbers}"
        lines = None if run.in_full else 1
        yield from _filled("; ".join(_more_remarks(judgement)), width, max_lines=lines)


def _mistakes(run: Run, width: int) -> Iterator[str]:
    """Each mistake once, by number, with the number of targets, the functions and the laws."""
    for number, mistake in enumerate(run.mistakes, 1):
        of_caches = "; outputs right, caches wrong" if all(each.of_caches for each in mistake.cases) else ""
        count = f"{len(mistake.implementations)} of {len(run.judged)}  " if len(run.judged) > 1 else ""
        yield from _filled(mistake.words + of_caches, width, initial_indent=f"{number:>4}. {count}")
        where = ", ".join(
            short(function) + (" (inherited)" if all(result.inherited for result in results) else "")
            for function, results in results_by_function(mistake.results).items()
            if function
        )
        broken = [law for law in laws(mistake.results) if law not in PRESENCE]
        if where and broken:
            more = f" and {len(broken) - MOST_LAWS} more laws" if len(broken) > MOST_LAWS + 1 else ""
            yield from _filled(f"{where}: {', '.join(broken[:MOST_LAWS] if more else broken)}{more}", width)


def _filled(text: str, width: int, **options: Any) -> list[str]:
    """Wrapped and indented text, by `textwrap`. Text of a target may have several lines."""
    usual = {"initial_indent": _INDENT, "subsequent_indent": _INDENT, "placeholder": f" {ELLIPSIS}"}
    return wrap(" ".join(text.split()), width, break_on_hyphens=False, **{**usual, **options})


def _more_remarks(judgement: Judgement) -> list[str]:
    """Other remarks on a target: functions that are not judged, limits, notes."""
    failed = {result.function for result in judgement.results if result.status == "failed"}
    if judgement.why_unusable:
        return [] if failed else [judgement.why_unusable]
    if judgement.is_left:
        return ["the run ended before all its laws had run"]
    lines = []
    for function in judgement.functions:
        verdict = judgement.verdict_on(function)
        if verdict != "conforms" and (verdict == "not judged" or function not in failed):
            lines.append(f"{short(function)} {verdict}: {judgement.remark_on(function)}")
    if judgement.limits:
        lines.append(f"declares {', '.join(judgement.limits)}")
    return [*lines, *judgement.notes]


def short(function: str) -> str:
    """A short name of a function: `"lstm cell"`."""
    return function.replace("_forward", "").replace("_", " ")
