"""Where, when and how a function is wrong, found by asking it, whatever the mistake is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from oracle.diagnosis.behaviour import Program
from oracle.inputs import Inputs
from oracle.limits import ANYTHING, Limits
from oracle.location.asked import Asked
from oracle.location.history import remembered
from oracle.location.how.cases import Case, Likeness
from oracle.location.how.distance import far
from oracle.location.how.likeness import is_like, likeness
from oracle.location.how.weights import as_if
from oracle.location.when import experiments
from oracle.location.when.rules import Rule
from oracle.location.when.words import words
from oracle.location.where.equation import CACHED
from oracle.problem import Problem

CASES = 80
"""Answers in which a likeness has to hold."""


@dataclass(frozen=True)
class Location:
    """The first equation that does not hold, the condition, and what the wrong values look like.

    `when` and `how` are empty where nothing was found that holds of all that was asked. What is not wrong
    `alone` is so after other calls. `equations` are the names of those of which all this is said.
    """

    where: str
    when: str
    how: str
    alone: bool = True
    equations: Sequence[str] = ()

    def __str__(self) -> str:
        return "  ".join(self.lines)

    @property
    def lines(self) -> list[str]:
        """What is known, in order."""
        parts = {"wrong where": self.where, "when": self.when, "how": self.how}
        return [f"{name}: {text}" for name, text in parts.items() if text]


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
        asked = Asked(function, ask, limits)
        asked.ask(first)
        if not asked.wrong():
            asked.ask([example, example])  # for what one call may leave to the next
        if usual := asked.wrong():
            break
    else:
        arrangement, asked = "", Asked(function, program, limits)
    asked.ask(experiments.every(function, counterexample))
    if not (wrong := asked.wrong()):
        return None
    if usual and not {*_alike(wrong)} & {name.removeprefix(CACHED) for name in usual}:
        wrong = usual
    if not asked.is_wrong_by_itself(wrong[0], anew):
        where = _where(wrong, asked, None)
        return Location(where, *remembered(function, program, anew), alone=False, equations=wrong[:1])
    names = _alike(wrong)
    like = likeness(_cases(names, asked))
    found = asked.rule(names, like)
    cases = _cases(names, asked)
    if like and (like := likeness(cases)) is None:  # what else was asked to find when has shown more
        found = asked.rule(names, None)
        cases = _cases(names, asked)
    of_each = {as_if(network) if network else "" for network in asked.network(names)}
    of_all = of_each.pop() if len(of_each) == 1 else ""
    told, exactly = (like.words, like.value is not None) if like else ("", False)
    how = (exactly and told) or of_all or told or far(cases)
    when = [arrangement] if arrangement else []
    if found and not (arrangement and not found.conditions):
        when.append(words(found))
    return Location(_where(wrong, asked, found, like), ", ".join(when), how, equations=names)


def explains(location: Location, function: str, program: Program, inputs: Inputs, limits: Limits) -> bool:
    """Whether nothing else is wrong before it in the answer to other inputs."""
    asked = Asked(function, program, limits)
    asked.ask([inputs])
    return set(asked.wrong()[:1]) <= set(location.equations)


def _cases(names: Sequence[str], asked: Asked) -> list[Case]:
    """Some of the wrong elements that were seen, with one of one row, one sample, one step."""
    cases = [case for name in names for case in asked.cases(name)]
    singles = (next((case for case in cases if case.chosen.shape[axis] == 1), None) for axis in range(3))
    return cases[:: -(-len(cases) // CASES) or 1] + [case for case in singles if case]


GATES = ("ft", "it", "cct", "ot")


def _alike(wrong: Sequence[str]) -> list[str]:
    """The first equation that does not hold; of the gates all such, for what is said is of them all."""
    gates = [name for name in wrong if name in GATES]
    return gates if wrong[0] in GATES else [wrong[0]]


def _where(wrong: Sequence[str], asked: Asked, found: Rule | None, like: Likeness | None = None) -> str:
    """The first equation that does not hold, and what else does not, by the same rule if there is one.

    A copy among the others must be wrong as the first is, of which it is read too where that is not named.
    """
    first = asked.equation(wrong[0])
    gates = [name for name in wrong if name in GATES]
    if len(gates) > 1 and first.name in GATES:
        right = [name for name in GATES if name not in gates]
        is_right = f" (but not {', '.join(right)})" if right else ""
        return f"{', '.join(gates)} ≠ what the equations of these gates give{is_right}"
    others = [name for name in wrong[1:] if not name.startswith(CACHED)]
    others = [name for name in others if not found or asked.is_rule_of(name, found)]
    if like and not first.recipe and first.name not in like.words:
        others = [name for name in others if asked.equation(name).recipe or is_like(asked.cases(name), like)]
    return f"{first.name} ≠ {first.statement}" + (f" (and {', '.join(others)})" if others else "")
