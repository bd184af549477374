"""Where, when and how a function is wrong, found by asking it, whatever the mistake is."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.inputs import Inputs
from oracle.limits import ANYTHING, Limits
from oracle.location.asked import Asked
from oracle.location.history import remembered
from oracle.location.location import Location, found_of, told_together, where
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
    are, or `arranged` in other ways, by name, where only that makes it wrong. What is wrong has to be so in a
    new process, too, which begins with `anew`.
    """
    example = counterexample.inputs(function)
    first = [example, *experiments.ordinary(function)]
    for arrangement, ask in ("", program), *arranged.items():  # noqa: B007 - the one that is wrong
        asked = Asked(Itself(function, ask), limits)
        asked.ask(first)
        if not asked.wrong():
            asked.ask([example, example])  # for what one call may leave to the next
        if usual := asked.wrong():
            break
    else:
        arrangement, asked = "", Asked(Itself(function, program), limits)
    asked.ask(experiments.every(function, counterexample))
    if not (wrong := asked.wrong()):
        return None
    is_of_first = {*told_together(wrong)} & {name.removeprefix(CACHED) for name in usual}
    if usual and not is_of_first and not asked.goes_with(usual[0], wrong[0]):
        wrong = usual
    anew()
    if not asked.is_still_wrong(wrong[0], asked.view):
        return Location(
            where(wrong, asked), *remembered(function, program, anew), alone=False, equations=wrong[:1]
        )
    location = found_of(asked, wrong, arrangement).location
    return replace(location, equations=[*dict.fromkeys([*location.equations, *usual])])


def explains(location: Location, function: str, program: Program, inputs: Inputs, limits: Limits) -> bool:
    """Whether nothing else is wrong before it in the answer to other inputs."""
    asked = Asked(Itself(function, program), limits)
    asked.ask([inputs])
    return set(asked.wrong()[:1]) <= set(location.equations)
