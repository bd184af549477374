"""Arguments that lie in memory in another way than they mostly do."""

from collections.abc import Callable, Mapping, Sequence

from oracle.diagnosis.behaviour import Program, same, specification
from oracle.inputs import Inputs
from oracle.limits import Limits


def for_those(arrangements: Sequence[str]) -> str:
    """That something is so for each of these."""
    *some, last = arrangements
    return "for " + " and ".join(filter(None, [", ".join(some), last]))


def wrong_alike(
    function: str,
    arranged: Mapping[str, Program],
    problems: Sequence[Inputs],
    anew: Callable[[], None],
    limits: Limits,
) -> list[str]:
    """The arrangements in which some problems are answered wrongly, and all as in the first of these."""
    right = [specification(function, limits)(inputs).outputs for inputs in problems]
    first, alike = right, list[str]()  # until one is wrong, each is to be unlike the right ones
    for words, program in arranged.items():
        anew()
        shown = [program(inputs).outputs for inputs in problems]
        if all(map(same, shown, first)) == bool(alike):
            first, alike = shown, [*alike, words]
    return alike
