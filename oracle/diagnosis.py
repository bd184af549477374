"""Name the mistake: the entries of the catalogue that give an implementation's own numbers.

Only behaviour counts. The implementation and each candidate are asked the same few problems in the same
order; a candidate fits that answers all of them as the implementation does, to within rounding, and that
is told from the specification by at least one of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from typing import Any, Protocol

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


class Program(Protocol):
    """Asks a function a problem; with `then` the answer is read after another call, on these inputs."""

    def __call__(self, inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        """What the call showed."""


def diagnose(
    function: str, implementation: Program, counterexample: Inputs, *, extreme: bool = False
) -> list[str]:
    """The sentences of the catalogue that fit, best first; empty where none does.

    Pairs of common mistakes are tried only where no single one explains all that is seen. One that acts at
    random is recognised by how its answers to one problem are spread. Only where `extreme`, large logits are
    among the problems: what overflows need not be what is wrong with ordinary ones.
    """
    inputs = problems(function, counterexample, extreme=extreme)
    shown = list(_asked(implementation, inputs))
    right = list(_asked(specification(function), inputs))
    wrong = next((part for part in PARTS if not _all_same(shown, right, part)), None)
    if wrong is None:
        return []

    def fitting(faults: Sequence[Fault], beyond: int = 0) -> list[tuple[int, str]]:
        fits = [
            (_fit(shown, right, _asked(_mistaken(function, fault), inputs), wrong), fault.sentence)
            for fault in faults
            if _same(shown[0].outputs, _first_outputs(function, fault))
        ]
        return sorted((fit for fit in fits if fit[0] > beyond), key=lambda fit: -fit[0])

    fits = fitting(concerning(function))
    if not fits and (at_random := _alike_at_random(function, implementation, inputs[0])):
        return at_random
    best = max((parts for parts, _ in fits), default=0)
    if best < len(PARTS):
        fits = fitting(_pairs(function), beyond=best) + fits
    return [sentence for _, sentence in fits]


def traces(function: str, implementation: Program, counterexample: Inputs) -> str:
    """What is known of a mistake that is not in the catalogue.

    Which entry of the caches is the first to be wrong, and with which simpler inputs the mistake goes away.
    """
    spec = specification(function)
    steps = counterexample.x.shape[2]
    wrong = _first_wrong(function, steps, implementation(counterexample).caches, spec(counterexample).caches)
    gone = [
        name
        for name, inputs in _simplified(counterexample).items()
        if _same(implementation(inputs).outputs, spec(inputs).outputs)
    ]
    known = (
        f"the first wrong entry of the caches is {wrong}" if wrong else "",
        f"goes away with {', '.join(gone)}" if gone else "",
    )
    return "; ".join(filter(None, known))


AS_COMPUTED = ("ft", "it", "cct", "ot", "c_next", "a_next")
"""The entries of a cell's cache that the cell computes, in this order."""


def _first_wrong(function: str, steps: int, ours: Leaves, right: Leaves) -> str:
    """Which entry of the caches is wrong before any other is, such as `ft of step 2`; empty where none is."""
    contract = CONTRACTS[function]
    for t in range(steps):
        cell = ".0" if contract.is_cell else f".0.0.{t}"
        places = {name: f"{cell}.{i}" for i, name in enumerate(contract.cache)}
        for name in (name for name in AS_COMPUTED if name in places):
            place = places[name]
            if place in ours and not _alike(ours[place], right[place]):
                return f"{name} of step {t}"
    return ""


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
    chosen = [
        *_opening(function),
        _opening(function)[0],
        Problem(kind, n_x=2, n_a=3, n_y=4, m=6, T_x=3, seed=1),
        Problem(kind, n_x=3, n_a=3, n_y=3, m=3, T_x=4, seed=2),
        Problem(kind, n_x=2, n_a=3, n_y=1, m=2, T_x=1, regime="wild", seed=3),
    ]
    if extreme:
        chosen.append(Problem(kind, n_x=2, n_a=2, n_y=3, m=4, T_x=3, regime="huge", seed=932))
    return [*(problem.inputs(function) for problem in chosen), counterexample]


def _opening(function: str) -> Sequence[Problem]:
    """The first two problems, of one shape."""
    first = Problem(CONTRACTS[function].kind, n_x=3, n_a=4, n_y=2, m=5, T_x=6)
    return first, replace(first, seed=5)


@cache
def _first_outputs(function: str, fault: Fault) -> Leaves:
    """What a mistake makes of the first problem: that alone rules nearly all candidates out."""
    first, second = (problem.inputs(function) for problem in _opening(function))
    return _mistaken(function, fault)(first, then=second).outputs


def _asked(program: Program, inputs: Sequence[Inputs]) -> Iterator[Behaviour]:
    """The behaviour on each; on the first, of which another of its shape follows, it shows after that one."""
    first, second, *_ = inputs
    yield program(first, then=second)
    yield from map(program, inputs[1:])


def _mistaken(function: str, fault: Fault) -> Program:
    """A mistake that has made no call yet."""
    return _program(function, replace(fault, memory={}))


def _program(function: str, implementation: Any) -> Program:
    """A program of ours, called where it can do harm to nobody."""

    def program(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        arguments = deepcopy(inputs.arguments(function))
        try:
            with np.errstate(all="ignore"):
                value = getattr(implementation, function)(*arguments)
                if then:
                    getattr(implementation, function)(*deepcopy(then.arguments(function)))
        except Exception:  # a mistake may raise anything
            return Behaviour.of_error()
        return Behaviour.of(function, value, arguments)

    return program


@cache
def _pairs(function: str) -> Sequence[Fault]:
    """Two common mistakes at once."""
    common = [fault for fault in concerning(function) if fault.name in COMMON]
    pairs = []
    for one, two in combinations(common, 2):
        with suppress(ValueError):  # both change the same equation
            pairs.append(one + two)
    return pairs


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


ASKED = 500
SPREAD = 0.18
"""How far the distributions of so many answers may be apart: those of one program are once in 10**7 cases."""


def _alike_at_random(function: str, implementation: Program, inputs: Inputs) -> list[str]:
    """The mistakes that spread their answers to one problem as an implementation does that acts at random."""
    if not _changes_its_mind(implementation, inputs):
        return []
    few = Problem(inputs.kind, n_x=1, n_a=1, n_y=2, m=1, T_x=1).inputs(
        function
    )  # so that few things can happen
    ours = _answers(implementation, few)
    return [
        fault.sentence
        for fault in concerning(function)
        if fault.group == "purity"
        and _changes_its_mind(_mistaken(function, fault), inputs)
        and _spread_alike(ours, _answers(_mistaken(function, fault), few))
    ]


def _changes_its_mind(program: Program, inputs: Inputs) -> bool:
    return not _same(program(inputs).outputs, program(inputs).outputs)


def _answers(program: Program, inputs: Inputs) -> list[Array]:
    """The numbers in many answers to one problem."""
    answers = (program(inputs).outputs.values() for _ in range(ASKED))
    return [
        np.concatenate([[0.0], *(leaf.ravel() for leaf in answer if not isinstance(leaf, str))])
        for answer in answers
    ]


def _spread_alike(ours: Sequence[Array], theirs: Sequence[Array]) -> bool:
    """Whether the two-sample statistic of Kolmogorov and Smirnov is small for each of the numbers."""
    every = [*ours, *theirs]
    if len({numbers.size for numbers in every}) > 1:
        return False
    one, two = ((np.array(answers)[:, None] <= every).mean(axis=0) for answers in (ours, theirs))
    return bool(np.abs(one - two).max() < SPREAD)


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
    return ours.keys() == theirs.keys() and all(
        _alike(mine, theirs[place], factor) for place, mine in ours.items()
    )


def _alike(ours: Array | str, theirs: Array | str, factor: float = 1) -> bool:
    """Equal to within rounding in float64, or in the lower precision that both were rounded to."""
    if isinstance(ours, str) or isinstance(theirs, str):
        return isinstance(ours, str) and isinstance(theirs, str) and ours == theirs
    if ours.shape != theirs.shape:
        return False
    if _allclose(ours, theirs, factor * _TOLERANCE["float64"]):
        return True
    precision = _precision(ours)
    return precision == _precision(theirs) and _allclose(ours, theirs, factor * _TOLERANCE[precision])


def _allclose(ours: Array, theirs: Array, tolerance: float) -> bool:
    """As `numpy.allclose`, with NaN equal to NaN, at a third of its cost."""
    with np.errstate(invalid="ignore"):
        near = np.abs(ours - theirs) <= tolerance * (1 + np.abs(theirs))
    return bool(np.all(near | (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))))


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
    """The leaves of a value by place, as they are now: a later call may write to its arrays.

    Lists and tuples are alike, and of what contains itself it is said.
    """
    if id(value) in above:
        yield place, "itself"
    elif isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        yield place, value.astype(value.dtype if value.dtype.kind == "f" else np.float64)
    elif isinstance(value, (bool, int, float)):
        yield place, np.asarray(value)
    elif isinstance(value, (tuple, list, dict)):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        yield f"{place}.", str(len(value))
        for key, entry in entries:
            yield from _leaves(entry, f"{place}.{key}", (*above, id(value)))
    else:
        yield place, getattr(value, "type_name", type(value).__name__)
