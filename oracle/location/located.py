"""Where, when and how a function is wrong, found by asking it, whatever the mistake is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.inputs import Inputs
from oracle.limits import ANYTHING, Limits
from oracle.location.arranged import for_those
from oracle.location.asked import Asked
from oracle.location.caches.form import in_another_form
from oracle.location.caches.order import in_another_order
from oracle.location.history import RETRAINED, UPDATED, kept_of_earlier, remembered
from oracle.location.location import Location, also_wrong, found_of, told_together, where
from oracle.location.record import GIVEN, Seen
from oracle.location.view import Itself
from oracle.location.when import experiments
from oracle.location.where.equation import CACHED
from oracle.problem import Problem


@np.errstate(all="ignore")
def locate(
    function: str,
    program: Program,
    counterexample: Problem,
    anew: Callable[[], None],
    limits: Limits = ANYTHING,
    arranged: Mapping[str, Program] = MappingProxyType({}),
) -> Location | None:
    """Where, when and how one of the four functions is wrong; `None` where all that it shows is right.

    It is asked some 400 small problems, in which one thing is moved at a time: with its arguments as they
    are, or `arranged` in other ways, in words, where only these make it wrong. What is wrong has to be so in
    a new process, too, which begins with `anew`.
    """
    example = counterexample.inputs(function)
    for stored in in_another_order, in_another_form:
        if location := stored(function, program, example, anew, limits):
            return location
    arrangement, asked = "", Asked(Itself(function, program), limits)
    usual = _wrong_at_first(asked, example)
    if not usual:
        every = {"": program, **arranged}
        arrangement, asked = _arranged(
            {words: Asked(Itself(function, ask), limits) for words, ask in every.items()}, example
        )
        usual = asked.wrong()
    asked.ask(experiments.every(function, counterexample))
    if not (wrong := asked.wrong()):
        return None
    if wrong[0] in GIVEN:  # of a step that is left out, or of a cache that another stands in
        asked = asked.of_caches()
        usual, wrong = [] if asked.wrong() != wrong else usual, asked.wrong()
    anew()
    told_elsewhere = usual and not {*told_together(wrong)} & {name.removeprefix(CACHED) for name in usual}
    is_computed = asked.equation(wrong[0]).recipe
    if told_elsewhere and is_computed and asked.is_still_wrong(wrong[0], asked.view):
        found = found_of(asked, wrong, arrangement)
        if found.rule and all(asked.is_rule_of(name, found.rule) for name in told_together(usual)):
            return found.location  # it makes wrong what the first problems show, too
    wrong = usual if told_elsewhere else wrong
    if not asked.is_still_wrong(wrong[0], asked.view):
        return Location(
            where(wrong, asked, also_wrong(wrong, asked)),
            *remembered(function, program, anew),
            alone=False,
            equations=wrong[:1],
        )
    location = found_of(asked, wrong, arrangement).location
    for how in UPDATED, RETRAINED:
        if arrangement.startswith(f"for {how}"):
            wrong_ones = (seen.shown for seen in _of_other_inputs(asked) if seen.wrong.get(wrong[0]))
            kept = kept_of_earlier(wrong_ones, how)
            return replace(location, how=kept or (location.how if how == UPDATED else ""))
    return location


def _of_other_inputs(asked: Asked) -> Iterator[Seen]:
    """The answers before which something else was asked: the same may be kept of it."""
    before = None
    for seen in asked.seen:
        if before is None or not np.array_equal(before.asked.x, seen.asked.x):
            yield seen
        before = seen


def _arranged(every: Mapping[str, Asked], example: Inputs) -> tuple[str, Asked]:
    """The arrangements that make the same wrong, in words, and as it is asked in the first; else as it is."""
    wrong = {words: _wrong_at_first(asked, example)[:1] for words, asked in every.items() if words}
    first = next((words for words, equations in wrong.items() if equations), None)
    if first is None:
        return "", every[""]
    return for_those([words for words, equations in wrong.items() if equations == wrong[first]]), every[first]


def _wrong_at_first(asked: Asked, example: Inputs) -> list[str]:
    """What is wrong in ordinary problems; if nothing is, in what one call may leave to the next."""
    if not asked.is_wrong_for([example, *experiments.ordinary(asked.view.function)]):
        asked.ask([example, example])
    return asked.wrong()


def explains(
    location: Location,
    function: str,
    programs: Sequence[Program],
    inputs: Inputs,
    limits: Limits,
) -> bool:
    """Whether it is the first that is wrong in the answer to other inputs, as a program or the next gives it.

    What one call leaves to the next shows in the second of two.
    """
    for program in programs:
        asked = Asked(Itself(function, program), limits)
        if asked.is_wrong_for([inputs]) or asked.is_wrong_for([inputs]):
            return asked.wrong()[0] in location.equations
    return False
