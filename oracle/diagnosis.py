"""Name the mistake: the entries of the catalogue that give an implementation's own numbers.

Only behaviour counts. The implementation and each candidate are asked the same few problems in the same
order; a candidate fits that answers all of them as the implementation does, to within rounding, and that
is told from the specification by at least one of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

import reference
from oracle.faults import COMMON, Fault, concerning
from oracle.problem import Inputs, Problem
from reference.contract import CONTRACTS, Array

Leaves = Mapping[str, Array | str]
"""What stands where in a value: arrays, and words for what is no array."""

PARTS = ("outputs", "caches", "arguments")
"""What a call shows, the most telling first: a wrong output makes wrong caches, and not the other way."""


@dataclass(frozen=True)
class Behaviour:
    """What one call showed: what it returned, and what became of its arguments."""

    outputs: Leaves
    caches: Leaves
    arguments: Leaves

    @classmethod
    def of(cls, function: str, value: Any, arguments: Sequence[Any]) -> "Behaviour":
        """The behaviour of a call that returned."""
        count = len(CONTRACTS[function].outputs)
        parts = (value[:count], value[count:]) if isinstance(value, (tuple, list)) else (value, ())
        return cls(*(dict(_leaves(part)) for part in (*parts, arguments)))

    @classmethod
    def of_error(cls) -> "Behaviour":
        """That of a call that raised. Which error it was depends on how the code is written, not on what."""
        return cls({"": "raised"}, {}, {})

    def is_like(self, other: "Behaviour") -> bool:
        """Whether both calls showed the same, to within rounding."""
        return all(_same(getattr(self, part), getattr(other, part)) for part in PARTS)


Program = Callable[[Inputs], Behaviour]


def diagnose(
    function: str, implementation: Program, counterexample: Inputs, *, extreme: bool = False
) -> list[str]:
    """The sentences of the catalogue that fit, best first; empty where none does.

    Pairs of common mistakes are tried only where no single one fits. One that acts at random cannot be
    recognised by its numbers: where the implementation does so, all that do are named. Only where `extreme`,
    large logits are among the problems: what overflows need not be what is wrong with ordinary ones.
    """
    inputs = problems(function, counterexample, extreme=extreme)
    shown = [implementation(each) for each in inputs]
    right = list(map(specification(function), inputs))
    wrong = next((part for part in PARTS if not _all_same(shown, right, part)), None)
    if wrong is None:
        return []
    if not _all_same([implementation(inputs[0])], [implementation(inputs[0])], "outputs"):
        at_random = [
            fault.sentence for fault in concerning(function) if _is_random(function, fault, inputs[0])
        ]
    else:
        at_random = []
    candidates: Iterable[Iterable[Fault]] = (concerning(function), () if at_random else _pairs(function))
    for faults in candidates:
        fits = [
            (rank, fault.sentence)
            for fault in faults
            if (rank := _fit(shown, right, map(_program(function, replace(fault, memory={})), inputs), wrong))
        ]
        if fits:
            return [sentence for _, sentence in sorted(fits, key=lambda fit: -fit[0])]
    return at_random


def _is_random(function: str, fault: Fault, inputs: Inputs) -> bool:
    """Whether a mistake gives two answers although it remembers nothing."""
    one, two = ([_program(function, replace(fault, memory={}))(inputs)] for _ in range(2))
    return fault.group == "purity" and not _all_same(one, two, "outputs")


def traces(function: str, implementation: Program, counterexample: Inputs) -> str:
    """What simpler inputs say of a mistake that is not in the catalogue: with which of them it goes away."""
    spec = specification(function)
    gone = [
        name
        for name, inputs in _simplified(counterexample).items()
        if _same(implementation(inputs).outputs, spec(inputs).outputs)
    ]
    return f"goes away with {', '.join(gone)}" if gone else ""


def _simplified(inputs: Inputs) -> dict[str, Inputs]:
    """The same problem with one thing less in it, where it has that thing."""
    zero = {
        name: np.zeros_like(array) if name[0] == "b" else array for name, array in inputs.parameters.items()
    }
    _, m, T_x = inputs.x.shape
    simpler = {
        "zero biases": replace(inputs, parameters=zero),
        "a zero state": replace(inputs, a0=np.zeros_like(inputs.a0), c0=np.zeros_like(inputs.c0)),
        "zero inputs": replace(inputs, x=np.zeros_like(inputs.x)),
    }
    if m > 1:
        simpler["one sample"] = inputs.columns([0])
    if T_x > 1:
        simpler["one step"] = inputs.span(0, 1)
    return simpler


def specification(function: str) -> Program:
    """The program that is right."""
    return _program(function, reference)


def problems(function: str, counterexample: Inputs, *, extreme: bool = False) -> list[Inputs]:
    """The counterexample and problems that tell mistakes apart.

    T_x on both sides of m, equal sizes, one step; and one of them again after another of its
    shape, for what is kept from call to call.
    """
    kind = CONTRACTS[function].kind
    first = Problem(kind, n_x=3, n_a=4, n_y=2, m=5, T_x=6)
    chosen = [
        first,
        replace(first, seed=5),
        first,
        Problem(kind, n_x=2, n_a=3, n_y=4, m=6, T_x=3, seed=1),
        Problem(kind, n_x=3, n_a=3, n_y=3, m=3, T_x=4, seed=2),
        Problem(kind, n_x=2, n_a=3, n_y=1, m=2, T_x=1, regime="wild", seed=3),
    ]
    if extreme:
        chosen.append(Problem(kind, n_x=2, n_a=2, n_y=3, m=4, T_x=3, regime="huge", seed=932))
    return [*(problem.inputs(function) for problem in chosen), counterexample]


def _program(function: str, implementation: Any) -> Program:
    """A program of ours, called where it can do harm to nobody."""

    def program(inputs: Inputs) -> Behaviour:
        arguments = deepcopy(inputs.arguments(function))
        try:
            with np.errstate(all="ignore"):
                value = getattr(implementation, function)(*arguments)
        except Exception:  # a mistake may raise anything
            return Behaviour.of_error()
        return Behaviour.of(function, value, arguments)

    return program


def _pairs(function: str) -> Iterator[Fault]:
    """Two common mistakes at once."""
    common = [fault for fault in concerning(function) if fault.name in COMMON]
    for one, two in combinations(common, 2):
        try:
            yield one + two
        except ValueError:  # both change the same equation
            continue


def _fit(
    shown: Sequence[Behaviour], right: Sequence[Behaviour], answers: Iterator[Behaviour], wrong: str
) -> int:
    """In how many parts a candidate behaves like the implementation; 0 where it does not explain it.

    `wrong` is the most telling part in which the implementation differs from the specification. All parts
    up to it must be reproduced, and in it the candidate itself must differ from the specification clearly.
    """
    needed = PARTS[: PARTS.index(wrong) + 1]
    seen: list[Behaviour] = []
    for behaviour, answer in zip(shown, answers, strict=True):
        if not all(_same(getattr(behaviour, part), getattr(answer, part)) for part in needed):
            return 0
        seen.append(answer)
    if _all_same(seen, right, wrong, CLEARLY):
        return 0
    rest = PARTS[len(needed) :]
    if not all(_right_where(seen, shown, right, part) for part in rest):
        return 0
    return len(needed) + sum(_all_same(seen, shown, part) for part in rest)


def _right_where(
    seen: Sequence[Behaviour], shown: Sequence[Behaviour], right: Sequence[Behaviour], part: str
) -> bool:
    """Whether a candidate makes no mistake in a part where the implementation makes none."""
    triples = [[getattr(b, part) for b in three] for three in zip(seen, shown, right, strict=True)]
    return all(_same(answer, spec) for answer, ours, spec in triples if _same(ours, spec))


CLEARLY = 100
"""How many times the rounding that is let pass a difference must be, to tell a mistake."""


def _all_same(some: Sequence[Behaviour], others: Sequence[Behaviour], part: str, factor: float = 1) -> bool:
    pairs = zip(some, others, strict=True)
    return all(_same(getattr(one, part), getattr(other, part), factor) for one, other in pairs)


def _same(ours: Leaves, theirs: Leaves, factor: float = 1) -> bool:
    """Whether the same stands in the same places, to within rounding in the precision of the values."""
    if ours.keys() != theirs.keys():
        return False
    for place, mine in ours.items():
        other = theirs[place]
        if isinstance(mine, str) or isinstance(other, str):
            if mine is not other and mine != other:
                return False
            continue
        if mine.shape != other.shape or not _near(mine, other, factor):
            return False
    return True


def _near(ours: Array, theirs: Array, factor: float) -> bool:
    """Equal to within rounding in float64, or in the lower precision that both were rounded to."""
    precision = _precision(ours)
    return _allclose(ours, theirs, factor * _TOLERANCE["float64"]) or (
        precision == _precision(theirs) and _allclose(ours, theirs, factor * _TOLERANCE[precision])
    )


def _allclose(ours: Array, theirs: Array, tolerance: float) -> bool:
    return np.allclose(ours, theirs, rtol=tolerance, atol=tolerance, equal_nan=True)


_TOLERANCE = {"float16": 1e-1, "float32": 1e-5, "float64": 1e-11}


def _precision(values: Array) -> str:
    """The lowest precision that holds all these values. Few values say little: they count as float64."""
    if values.size >= 8:
        for dtype in ("float16", "float32"):
            with np.errstate(over="ignore"):
                if np.array_equal(values, values.astype(dtype), equal_nan=True):
                    return dtype
    return "float64"


def _leaves(value: Any, place: str = "", above: tuple[int, ...] = ()) -> Iterator[tuple[str, Array | str]]:
    """The leaves of a value by place. Lists and tuples are alike, and what contains itself is said so."""
    if id(value) in above:
        yield place, "itself"
    elif isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        yield place, value
    elif isinstance(value, (bool, int, float)):
        yield place, np.asarray(value)
    elif isinstance(value, (tuple, list, dict)):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        yield f"{place}.", str(len(value))
        for key, entry in entries:
            yield from _leaves(entry, f"{place}.{key}", (*above, id(value)))
    else:
        yield place, getattr(value, "type_name", type(value).__name__)
