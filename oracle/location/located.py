"""Where, when and how a function is wrong, found by asking it, whatever the mistake is."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.inputs import Inputs
from oracle.limits import ANYTHING, Limits
from oracle.location import experiments
from oracle.location.conditions import Condition
from oracle.location.elements import elements
from oracle.location.equations import CACHED, Equation, equations
from oracle.location.history import remembered
from oracle.location.likeness import Case, far, likeness
from oracle.location.rules import Rule, rule
from oracle.location.shown import Shown
from oracle.location.table import SIZES, Table
from oracle.location.weights import as_if
from oracle.location.words import words
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


@dataclass(frozen=True)
class Seen:
    """One answer, and its equations by name."""

    inputs: Inputs
    equations: dict[str, Equation]


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
    first = [counterexample.inputs(function), *experiments.ordinary(function)]
    for arrangement, ask in ("", program), *arranged.items():  # noqa: B007 - the one that is wrong
        asked = _Asked(function, ask, limits)
        asked.ask(first)
        if asked.wrong():
            break
    else:
        arrangement, asked = "", _Asked(function, program, limits)
    asked.ask(experiments.every(function, counterexample))
    if not (wrong := asked.wrong()):
        return None
    where = _where(wrong, asked)
    if not asked.is_wrong_by_itself(wrong[0], anew):
        return Location(where, *remembered(function, program, anew), alone=False, equations=wrong[:1])
    names = _alike(wrong)
    found = asked.rule(names)
    network = asked.network(wrong[0]) if len(names) == 1 else []
    cases = [case for name in names for case in asked.cases(name)]
    how = (
        (as_if(network) if network else "") or likeness(cases[:: -(-len(cases) // CASES) or 1]) or far(cases)
    )
    when = [arrangement] if arrangement else []
    if found and not (arrangement and not found.conditions):
        when.append(words(found))
    return Location(where, ", ".join(when), how, equations=names)


def explains(location: Location, function: str, program: Program, inputs: Inputs, limits: Limits) -> bool:
    """Whether nothing else is wrong before it in the answer to other inputs."""
    asked = _Asked(function, program, limits)
    asked.ask([inputs])
    return set(asked.wrong()[:1]) <= set(location.equations)


class _Asked:
    """A function, and what was seen of it."""

    def __init__(self, function: str, program: Program, limits: Limits) -> None:
        self._function = function
        self._program = program
        self._dtypes = limits.dtypes
        self._seen: list[Seen] = []

    def ask(self, every: Iterable[Inputs]) -> list[Seen]:
        """Hold the equations to the answer to each; of one that has another form nothing is known."""
        fresh = []
        for inputs in every:
            if inputs.dtype.name not in self._dtypes:
                inputs = experiments.cast(inputs, self._dtypes[0])
            shown = Shown.of(self._function, inputs, self._program(inputs))
            if shown:
                fresh.append(Seen(inputs, {each.name: each for each in equations(shown)}))
        self._seen += fresh
        return fresh

    def wrong(self) -> list[str]:
        """The equations that do not hold, in the order of computing; records alone come last."""
        order = dict.fromkeys(name for seen in self._seen for name in seen.equations)
        wrong = {
            name for seen in self._seen for name, equation in seen.equations.items() if equation.wrong.any()
        }
        return sorted((name for name in order if name in wrong), key=lambda name: name.startswith(CACHED))

    def is_wrong_by_itself(self, name: str, anew: Callable[[], None]) -> bool:
        """Whether an equation that was seen not to hold does not hold in a new process, either."""
        example = next(
            seen.inputs for seen in self._seen if name in seen.equations and seen.equations[name].wrong.any()
        )
        anew()
        shown = Shown.of(self._function, example, self._program(example))
        return shown is not None and any(each.wrong.any() for each in equations(shown))

    def equation(self, name: str) -> Equation:
        """An equation as it was seen first."""
        return next(seen.equations[name] for seen in self._seen if name in seen.equations)

    def rule(self, names: Sequence[str]) -> Rule | None:
        """When an equation does not hold: a rule that more problems, nearer to its limits, have confirmed."""
        found = rule(self._table(names, self._seen))
        for seed in range(20, 24):
            if not found:
                return None
            fresh = self.ask(self._near(names, found, seed))
            again = rule(self._table(names, self._seen))
            if (
                again
                and again.conditions == found.conditions
                and _is_confirmed(self._table(names, fresh), found)
            ):
                return again
            found = again
        return None

    def _near(self, names: Sequence[str], found: Rule, seed: int) -> Iterator[Inputs]:
        """Problems that were not asked before: ordinary ones, and on both sides of each condition."""
        yield from experiments.ordinary(self._function, range(5 * seed, 5 * seed + 3))
        for condition in found.conditions:
            if condition.other:
                for extent in (2, 5):
                    both = {condition.feature: extent, condition.other: extent}
                    yield experiments.of_sizes(self._function, both, seed)
            elif condition.feature in experiments.BASE:
                for extent in _around(condition):
                    yield experiments.of_sizes(self._function, {condition.feature: extent}, seed)
            elif condition.feature not in SIZES:
                example = next(
                    seen.inputs
                    for seen in reversed(self._seen)
                    if any(name in seen.equations and seen.equations[name].wrong.any() for name in names)
                )
                for kind in experiments.KINDS:
                    for factor in np.geomspace(0.3, 1.1, 4):
                        yield experiments.scaled(example, kind, float(factor))

    def cases(self, name: str) -> list[Case]:
        """Wrong elements, in float64 if there are any such."""
        return [
            Case(equation, equation.wrong & np.isfinite(equation.right.value))
            for seen in self._seen
            if (equation := seen.equations.get(name)) is not None
            and equation.wrong.any()
            and seen.inputs.dtype == self._dtypes[0]
        ]

    def network(self, name: str) -> list[Equation]:
        """Answers of one network to many inputs, as many as it takes to find its weights."""
        examples = [
            seen
            for seen in self._seen
            if name in seen.equations
            and seen.equations[name].affine
            and seen.inputs.dtype == self._dtypes[0]
            and seen.equations[name].wrong.any()
            and np.abs(seen.equations[name].shown).max() < 1 - 1e-6
        ]
        if not examples:
            return []
        example = min(examples, key=lambda seen: abs(sum(seen.inputs.sizes.values()) - 25))
        equation = example.equations[name]
        unknown = 2 * (example.inputs.sizes["n_a"] + example.inputs.sizes["n_x"]) + 2
        wrong_steps = int(equation.wrong.any(axis=(0, 1)).sum())  # in one of which a mean has one value
        count = min(-(-3 * unknown // (2 * wrong_steps)), 40)
        answers = [
            Shown.of(self._function, inputs, self._program(inputs))
            for inputs in experiments.of_one_network(example.inputs, count)
        ]
        return [each for shown in answers if shown for each in equations(shown) if each.name == name]

    def _table(self, names: Sequence[str], seen: Sequence[Seen]) -> Table:
        return Table.joined(
            [
                elements(each.inputs, each.equations[name])
                for name in names
                for each in seen
                if name in each.equations
            ]
        )


def _is_confirmed(table: Table, found: Rule) -> bool:
    """Whether no element is wrong that does not meet the rule, and of those that do as many as before.

    So too of those that are nearest to a threshold: what is wrong far beyond it alone begins elsewhere.
    """
    met = found.met_by(table)
    inside = met & ~table.mute
    if table.wrong[~met].any():
        return False
    parts = [inside]
    for condition in found.conditions:
        if condition.is_a_threshold and inside.any():
            distance = np.abs(table.features[condition.feature] - condition.value)
            parts.append(inside & (distance <= np.quantile(distance[inside], 0.3)))
    needed = min(found.purity - 0.25, 0.6)
    return all(not part.any() or float(table.wrong[part].mean()) >= needed for part in parts)


def _around(condition: Condition) -> list[int]:
    """Sizes between the last one that is right and the first that is wrong, and these."""
    value = int(condition.value)
    if condition.relation.startswith("mod"):
        k = int(condition.relation.split()[1])
        return [value + k, value + k + 1, value + 2 * k, value + 3 * k - 1]
    if condition.relation not in ("≥", "≤"):
        return [max(value - 1, 1), value, value + 1]
    beyond = int(condition.beyond)
    return sorted(
        {value, beyond, (value + beyond) // 2, (3 * value + beyond) // 4, (value + 3 * beyond) // 4}
    )


GATES = ("ft", "it", "cct", "ot")


def _alike(wrong: Sequence[str]) -> list[str]:
    """The first equation that does not hold; of the gates all such, for what is said is of them all."""
    gates = [name for name in wrong if name in GATES]
    return gates if wrong[0] in GATES else [wrong[0]]


def _where(wrong: Sequence[str], asked: _Asked) -> str:
    """The first equation that does not hold, and what else does not."""
    first = asked.equation(wrong[0])
    gates = [name for name in wrong if name in GATES]
    if len(gates) > 1 and first.name in GATES:
        right = [name for name in GATES if name not in gates]
        is_right = f" (but not {', '.join(right)})" if right else ""
        return f"{', '.join(gates)} ≠ what the equations of these gates give{is_right}"
    others = [name for name in wrong[1:] if not name.startswith(CACHED)]
    return f"{first.name} ≠ {first.statement}" + (f" (and {', '.join(others)})" if others else "")
