"""Finds one quantity that a backward pass takes in place of another, in one equation of the chain rule.

Many mistakes of backward passes are of this kind, and need no entry in the catalogue: the gate of another
step, the weights of another gate, a factor that is left out. So every quantity that an equation reads is
replaced by every other one of its shape, and by 0 and 1, until the program's gradients result.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from oracle.explanations.behaviour import Program, mistaken_program, same_leaves, specification
from oracle.explanations.claims import Claim
from oracle.explanations.problems import Scope, distinguishing_inputs
from oracle.explanations.wrong_outputs import ordinary_problems
from oracle.faults.fault import Fault
from oracle.network.backward import equations_back
from oracle.problems.inputs import Inputs
from oracle.problems.limits import Limits
from oracle.witnesses.verdict import Facts
from reference.contract import CONTRACTS, NETWORKS, Array

NUMBERS: Mapping[str, Callable[[Any], Array]] = {"0": np.zeros_like, "1": np.ones_like}
SEEDS = (40, 41)
"""The seeds of the ordinary problems on which a misreading is confirmed."""


@dataclass(frozen=True)
class Misreading:
    """An equation that takes `instead` in place of `operand`; if `exchanged`, each in place of the other.

    Without `instead`, it takes the operand of the step that is `later` steps after its own. Without an
    operand, it leaves out the first or the last step, as `without` says.
    """

    equation: str
    operand: str = ""
    instead: str = ""
    exchanged: bool = False
    later: int = 0
    without: str = ""

    @classmethod
    def of(cls, facts: Facts) -> "Misreading":
        """The misreading of a claim with these facts."""
        return cls(**{name: fact for name, fact in facts.items() if name != "network"})

    def claim(self, function: str) -> Claim:
        """The misreading as a claim about a function."""
        facts = {name: fact for name, fact in asdict(self).items() if fact}
        return Claim.of("misreading", network=CONTRACTS[function].kind, **facts)

    def fault(self, function: str) -> Fault:
        """The function with this misreading alone."""
        return Fault("", "", "", {function: {self.equation: self._changed}})

    def _changed(self, v: Any) -> Array:
        right = v.right[self.equation]
        if self.without:
            is_left_out = v.t == (0 if self.without == "first" else v.T_x - 1)
            return np.zeros_like(right(v)) if is_left_out else right(v)
        if self.later:
            array = v.arrays[self.operand]
            taken = {self.operand: array[:, np.clip(v.t + self.later, 0, array.shape[1] - 1)]}
        elif self.instead in NUMBERS:
            taken = {self.operand: NUMBERS[self.instead](getattr(v, self.operand))}
        else:
            taken = {self.operand: getattr(v, self.instead)}
            taken |= {self.instead: getattr(v, self.operand)} if self.exchanged else {}
        return np.asarray(right(_Reader(v, taken)))


class _Reader:
    """The quantities of `v`, some of which are replaced."""

    def __init__(self, v: Any, taken: Mapping[str, Array]) -> None:
        self._v, self._taken = v, taken

    def __getattr__(self, name: str) -> Any:
        return self._taken[name] if name in self._taken else getattr(self._v, name)


def misread(function: str, program: Program, counterexample: Inputs, limits: Limits) -> Claim | None:
    """The misreading that gives all gradients of a program; `None` if there is none.

    It is confirmed on other problems. Only backward passes have one.
    """
    inputs = distinguishing_inputs(function, counterexample, Scope(limits))
    ordinary = ordinary_problems(function, counterexample, None, SEEDS)
    others = [limits.fitted(each).inputs(function) for each in ordinary]
    right = specification(function, limits)
    shown = [program(each) for each in inputs]
    answers = [(each, answer.outputs) for each, answer in zip(inputs, shown, strict=True)]
    wrong = [pair for pair in answers if not same_leaves(pair[1], right(pair[0]).outputs)]
    if not wrong or any(answer.has_raised for answer in shown):
        return None
    # First a small wrong answer, which most misreadings do not give.
    answers = [*sorted(wrong, key=lambda pair: pair[0].x.size), *answers]
    for misreading in _misreadings(function, inputs[0]):
        mistaken = mistaken_program(function, misreading.fault(function), limits)
        fits = all(same_leaves(mistaken(each).outputs, outputs) for each, outputs in answers)
        if fits and all(same_leaves(mistaken(each).outputs, program(each).outputs) for each in others):
            return misreading.claim(function)
    return None


def _misreadings(function: str, inputs: Inputs) -> Iterator[Misreading]:
    """All misreadings of a function, the simplest first."""
    contract = CONTRACTS[function]
    shapes, cached = _arrays(function, inputs)
    formulas = equations_back(contract.kind)
    reads = {
        name: [each for each in dict.fromkeys(formula.quantities) if each in shapes]
        for name, formula in formulas.items()
    }
    order = [*formulas]
    for equation, operands in reads.items():
        earlier = [name for name in shapes if name not in order[order.index(equation) :]]
        for one, other in combinations(operands, 2):
            if shapes[one] == shapes[other]:
                yield Misreading(equation, one, other, exchanged=True)
        for operand in operands:
            same = (name for name in earlier if name != operand and shapes[name] == shapes[operand])
            for instead in (*same, *NUMBERS):
                yield Misreading(equation, operand, instead)
    for equation, operands in reads.items() if not contract.is_cell else ():
        for operand in operands:
            if operand in cached:
                yield from (Misreading(equation, operand, later=later) for later in (-1, 1))
        if equation[1:] in NETWORKS[contract.kind].parameters:
            yield from (Misreading(equation, without=step) for step in ("first", "last"))


def _arrays(function: str, inputs: Inputs) -> tuple[Mapping[str, tuple[int, ...]], Sequence[str]]:
    """The shapes of all arrays of a step, by name, and the names of the cached arrays of a sequence."""
    kind, steps = CONTRACTS[function].kind, list[Any]()

    def recorded(v: Any, name: str) -> Array:
        steps.append(v)
        return np.asarray(v.right[name](v))

    first = next(iter(equations_back(kind)))
    right = Fault("", "", "", {function: {first: partial(recorded, name=first)}})
    getattr(right, function)(*inputs.arguments(function))
    cell, last = CONTRACTS[f"{kind}_cell_forward"], steps[-1]
    arguments = CONTRACTS[f"{kind}_cell_backward"].arguments
    names = (*cell.cache, *cell.parameters, *arguments, *equations_back(kind))
    shapes = {name: getattr(last, name).shape for name in names if hasattr(last, name)}
    return shapes, [*getattr(last, "arrays", ())]
