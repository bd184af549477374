"""Finds what else makes a run fail: a broken harness, missing functions, stale expected failures."""

from collections.abc import Iterator, Sequence

from properties.laws import all_laws
from properties.reports.expected_failures import ExpectedFailure, stale
from properties.reports.results import LawResult
from properties.trials.provided_functions import PROVIDED
from properties.worker.targets import closest
from reference.contract import CONTRACTS


def complaints(results: Sequence[LawResult], expected: Sequence[ExpectedFailure]) -> list[str]:
    """A line for each law in which the harness broke, missing function and stale expected failure."""
    lines = [
        f"the harness broke, please report it: no verdict by {result.law!r} on "
        f"{' of '.join(filter(None, (result.function, result.implementation)))}"
        for result in results
        if result.ours
    ]
    lines += dict.fromkeys(_not_judged(results, expected))
    return lines + [f"expected to fail: {line}" for line in stale(expected, results)]


def _not_judged(results: Sequence[LawResult], expected: Sequence[ExpectedFailure]) -> Iterator[str]:
    """A line for each selected function that is missing, unless a failure says so.

    In a complete run, the law `PROVIDED` fails. A run of some laws would pass, since it skips all of them.
    """
    failed = {(each.implementation, each.function) for each in results if each.status == "failed"}
    excused = [entry for entry in expected if entry.law == PROVIDED]
    for result in results:
        target, function = result.implementation, result.function
        is_failed = {(target, ""), (target, function)} & failed
        is_excused = any(entry.covers(target, PROVIDED, function) for entry in excused)
        is_unfinished_backward = result.unfinished and CONTRACTS[function].is_backward
        if result.status == "skipped" and not (
            result.declared or is_failed or is_excused or is_unfinished_backward
        ):
            yield f"{f'{function} was selected, but is ' * result.usable}not judged: {result.message}"


def nothing_selected(selected: str, keyword: str) -> Iterator[str]:
    """Lines that say that no law is selected, and what the option -k takes."""
    yield f"no law ran: none is selected by {selected or 'this command'}"
    if keyword:
        hint = closest(keyword, [*CONTRACTS, *(law.name.replace(" ", "_") for law in all_laws())])
        yield f"-k takes names of functions and laws, such as lstm_forward or each_step{hint}"
