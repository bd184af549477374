"""Renders the text at the end of a run: a message for each mistake, and the closing table."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from textwrap import fill, wrap
from typing import get_args

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from oracle.problems.problem import Problem
from properties.reports.judgement import Judgement, Verdict, judgements
from properties.reports.mistakes import Mistake, ranked_mistakes, representative
from properties.reports.results import LawResult, functions_by_laws, law_names, printable, results_by_function
from properties.reports.run import Run, shortened
from properties.strategies.effort import work
from properties.trials.provided_functions import PRESENCE
from properties.trials.retries import too_slow
from properties.turns.few_shapes import COSTLY
from reference.contract import CONTRACTS

LIMIT_SIGN = "–"
"""The text of a table cell if a declared limit excludes the law."""

MOST_LAWS = 4
"""The most laws that the table names for a mistake; the reports name all."""
MOST_MISTAKES = 3
"""The most mistakes of many targets that the table names; the reports name all."""

_INDENT = " " * 6


def messages(failures: Sequence[LawResult]) -> Iterator[str]:
    """Yield the message of one failure for each mistake, with a line about the other failures.

    If the mistake is unknown, there is a message for each function (not for one that inherits its failures)
    and for each way to fail: by a wrong number, or by an error.
    """
    for mistake in ranked_mistakes(judgements(failures)):
        if mistake.is_known:
            count = len(mistake.implementations)
            targets = f" {count} targets, in some of them in" if count > 1 else ""
            same = "the same" if mistake.claim == mistake.occurrences[0].finding else "similar"
            yield _message(mistake, mistake.results, f"{same} in{targets}")
            continue
        parts: defaultdict[object, list[LawResult]] = defaultdict(list)
        for each in mistake.results:
            way_to_fail = each.law if each.ours else {"raised", "died", "form"} & each.facts.keys()
            function = CONTRACTS[each.function].source if each.inherited else each.function
            parts[each.implementation, function, repr(way_to_fail)].append(each)
        for results in parts.values():
            yield _message(mistake, results, "perhaps for the same reason, also in")


def _message(mistake: Mistake, results: Sequence[LawResult], relation: str) -> str:
    shown = representative(results, mistake.occurrences[0].finding)
    others = [result for result in results if result is not shown]
    if not others:
        return shown.message
    groups = (
        f"{', '.join(names)}: {', '.join(laws)}" if any(names) else ", ".join(laws)
        for names, laws in functions_by_laws(others)
    )
    line = f"{relation} {'; '.join(groups)}"
    return f"{shown.message}\n{fill(line, 100, initial_indent='  ', subsequent_indent='    ')}"


def render(run: Run, width: int) -> str:
    """Return the closing table: of few targets the laws, verdicts and mistakes, of many how many of each."""
    out, width = StringIO(), max(width, 80)
    console = Console(file=out, width=width, color_system=None, force_jupyter=False)
    for judgement in run.judgements if run.has_few_targets else ():
        if judgement.results and not judgement.why_unusable:
            _print_laws(judgement, judgement.forwards, console, "")
            _print_laws(judgement, judgement.backwards, console, ", backward passes")
            for remark in _remarks(judgement):
                out.write(fill(remark, width, subsequent_indent="  ") + "\n")
            passed = [each for each in judgement.results if each.status == "passed" and each.worst_problem]
            if worst := max(passed, key=lambda result: result.worst_ratio, default=None):
                ratio = f"{worst.worst_ratio:.2f} of its bound, in the law {worst.law} on"
                out.write(f"largest error where a law holds: {ratio}\n  {worst.worst_problem}\n")
    # If the only target is unusable, the message of its failure has already said why.
    is_unusable = len(run.judgements) == 1 and run.judgements[0].why_unusable
    mistakes = [] if is_unusable else run.mistakes
    most = len(mistakes) if run.has_few_targets else MOST_MISTAKES
    lines = out.getvalue().split("\n")
    lines += _verdicts(run, width, numbered=bool(mistakes)) if run.has_few_targets else _counts(run)
    if mistakes:
        lines += ["", "mistakes, by number:", *_mistakes(run, mistakes[:most], width)]
    if len(mistakes) > most:
        lines.append(f"{_INDENT}and {len(mistakes) - most} more")
    return "\n".join(printable(line).rstrip() for line in [*lines, "", ""])


def _print_laws(judgement: Judgement, selected: Sequence[str], console: Console, suffix: str) -> None:
    """Print the table of the selected functions, if there are any. A missing function has no column."""
    functions = [name for name in selected if not judgement.why_missing(name)]
    table = Table(box=SIMPLE_HEAD, collapse_padding=True)  # so that six functions fit 80 characters
    table.add_column("law", no_wrap=True)
    table.add_column("grade")
    for function in functions:
        table.add_column(short_name(CONTRACTS[function].forward), justify="right")
    for law in law_names(result for result in judgement.results if result.function in functions):
        of_law = {result.function: result for result in judgement.results if result.law == law}
        if law not in PRESENCE:
            cells = [cell_text(of_law[function]) if function in of_law else "" for function in functions]
            table.add_row(law, next(iter(of_law.values())).grade, *cells)
    if functions:
        title = f"{judgement.implementation}{suffix}: problems on which each law holds"
        console.print(Text(title), soft_wrap=True)
        console.print(table)


def cell_text(result: LawResult) -> str:
    """The text of a table cell: the number of problems on which a law holds, or a word if it does not."""
    if result.declared:
        return LIMIT_SIGN
    if result.helpers:
        return "helper"
    if result.status != "passed":
        return "expected" if result.excuse else result.status
    counts = {"n.m.": result.not_meaningful, "too slow": result.too_slow}
    more = (f" + {count} {label}" for label, count in counts.items() if count)
    return f"{result.problems - result.not_meaningful}{''.join(more)}"


def _remarks(judgement: Judgement) -> Iterator[str]:
    """Yield remarks that explain the table of laws, or add to the table."""
    results = judgement.results
    if judgement.limits:
        yield f"{LIMIT_SIGN}: limits, beyond which nothing is judged: {', '.join(judgement.limits)}"
    if helpers := ", ".join(judgement.helpers):
        yield f"helper: fails only because of {helpers}, which the course gives, and is not counted"
    if any(result.not_meaningful for result in results):
        yield "n.m.: not meaningful, because the bound on the whole trajectory is too large"
    for function, slow in results_by_function([each for each in results if each.too_slow]).items():
        count = sum(result.too_slow for result in slow)
        late = min((Problem.parse(each.late) for each in slow), key=lambda each: work(each, function))
        yield f"not judged: {function} on {count} problems, {too_slow(late)}"
    reasons = [
        (each.message, each.function)
        for each in results
        if each.status == "skipped" and not (each.declared or judgement.why_missing(each.function))
    ]
    for reason, functions in _functions_by_text(reasons):
        yield f"skipped, because no problem was judged: {functions}: {reason}"
    ran = [result for result in results if result.function and result.status != "skipped"]
    notes = ((note, each.function) for each in ran for note in sorted(each.notes) if note not in COSTLY)
    for note, functions in _functions_by_text(notes):
        yield f"noticed, but no failure: {functions}: {note}"


def _functions_by_text(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Pair each text, without repetition, with the names of its functions."""
    functions: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for text, function in pairs:
        functions[text][short_name(function)] = None
    return ((text, ", ".join(names)) for text, names in functions.items())


def _counts(run: Run) -> Iterator[str]:
    """Yield a line for each verdict that occurs, with the number of targets that have it."""
    counts = Counter(judgement.overall for judgement in run.judgements)
    for verdict in reversed(get_args(Verdict)):
        if verdict in counts:
            yield f"  {verdict:<10}  {counts[verdict]:>{len(str(len(run.judgements)))}}"


def _verdicts(run: Run, width: int, *, numbered: bool) -> Iterator[str]:
    """Yield a line for each target, with the numbers of its mistakes, and lines for other remarks."""
    mistakes = run.numbered_mistakes if numbered else {}
    numbers = [" ".join(str(n) for n, *_ in mistakes.get(each.implementation, ())) for each in run.judgements]
    verdicts = [each.verdict_in_words for each in run.judgements]
    verdict_width = max(map(len, ("not robust", *verdicts)))
    rest = width - verdict_width - max(map(len, numbers), default=0) - 6
    name_width = min(max(map(len, run.names.values()), default=0), max(rest, 20))
    for judgement, verdict, text in zip(run.judgements, verdicts, numbers, strict=True):
        name = shortened(run.names[judgement.implementation], name_width)
        yield f"  {name:<{name_width}}  {verdict:<{verdict_width}}  {text}"
        yield from _wrapped("; ".join(_other_remarks(judgement)), width)


def _mistakes(run: Run, mistakes: Sequence[Mistake], width: int) -> Iterator[str]:
    """Yield lines for each mistake: its number, the number of targets, the functions and the laws."""
    for number, mistake in enumerate(mistakes, 1):
        only_in_caches = all(each.only_in_caches for each in mistake.occurrences)
        words = mistake.words + "; outputs right, caches wrong" * only_in_caches
        n_targets = len(run.judgements)
        if n_targets == 1 and (known := _known_of_same_functions(mistake, mistakes)):
            words += f"; perhaps the same as {' or '.join(map(str, known))}"
        count = f"{len(mistake.implementations)} of {n_targets} targets: " if n_targets > 1 else ""
        yield from _wrapped(words, width, f"{number:>4}. {count}")
        own = {each.function for each in mistake.results if not each.inherited}
        broken = [each for each in mistake.results if each.function and each.law not in PRESENCE]
        for functions, laws in functions_by_laws(broken):
            names = (short_name(each) + " (inherited)" * (each not in own) for each in functions)
            more = f" and {len(laws) - MOST_LAWS} more laws" if len(laws) > MOST_LAWS + 1 else ""
            shown = ", ".join(laws[:MOST_LAWS] if more else laws)
            yield from _wrapped(f"{', '.join(names)}: {shown}{more}", width)


def _known_of_same_functions(mistake: Mistake, mistakes: Sequence[Mistake]) -> list[int]:
    """The numbers of the known mistakes that may explain an unknown one: those of the same functions."""
    functions = {each.function for each in mistake.results}
    return [
        number
        for number, other in enumerate(mistakes, 1)
        if mistake.claim.is_vague and other.is_known and functions & {each.function for each in other.results}
    ]


def _wrapped(text: str, width: int, begin: str = _INDENT) -> list[str]:
    """Return the text as wrapped and indented lines. The text of a target may contain line breaks."""
    line = " ".join(text.split())
    return wrap(line, width, break_on_hyphens=False, initial_indent=begin, subsequent_indent=_INDENT)


def _other_remarks(judgement: Judgement) -> list[str]:
    failed = {result.function for result in judgement.results if result.status == "failed"}
    if judgement.why_unusable:
        return [] if failed else [judgement.why_unusable]
    if judgement.is_left:
        return ["the run ended before all its laws had run"]
    lines = []
    for function in judgement.functions:
        verdict = judgement.verdict_on(function)
        if verdict != "conforms" and (verdict == "not judged" or function not in failed):
            lines.append(f"{short_name(function)} {verdict}: {judgement.remark_on(function)}")
    compiled = ((note, each.function) for each in judgement.results for note in COSTLY if note in each.notes)
    lines += [f"{functions}: {text}" for text, functions in _functions_by_text(compiled)]
    if judgement.limits:
        lines.append(f"limits: {', '.join(judgement.limits)}")
    return [*lines, *judgement.notes]


def short_name(function: str) -> str:
    """A short name of a function: `"lstm cell"`."""
    return function.replace("_forward", "").replace("_", " ")
