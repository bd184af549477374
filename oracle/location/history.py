"""What a function keeps from one call to the next, found by asking it in other orders."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from oracle.diagnosis.agreeing import DTYPE, agreeing, listed
from oracle.diagnosis.behaviour import Program
from oracle.diagnosis.questions import problem
from oracle.inputs import Inputs
from oracle.location.when import experiments
from oracle.location.when.experiments import BASE
from oracle.location.where.equations import equations
from oracle.location.where.shown import Shown
from oracle.problem import DType
from oracle.propagation import evaluate
from reference.contract import CONTRACTS

UPDATED = "the arrays and dicts of an earlier call, which hold other numbers now"
RETRAINED = "an input and initial states that an earlier call was given with other parameters"
"""How arguments may be given: in that call parameters held half as much; others of `UPDATED` a quarter."""

SHARED = (("x",), ("a0",), ("parameters",), ("x", "a0"), ("x", "parameters"), ("a0", "parameters"))
"""In what an earlier call may have to agree to change an answer."""
MANY = (3, 5, 10, 20, 50)
"""After how many calls it is asked whether an answer changes."""


def remembered(function: str, program: Program, anew: Callable[[], None]) -> tuple[str, str]:
    """When earlier calls change an answer, and what seems to be taken from them; empty where that is unknown.

    `anew` makes the program forget all calls, as the end of its process does.
    """

    def answers(*calls: Inputs) -> list[Shown | None]:
        """Those of calls in a new process."""
        anew()
        return [Shown.of(function, inputs, program(inputs)) for inputs in calls]

    def is_wrong(asked: Inputs, *earlier: Inputs) -> bool:
        return _is_wrong(answers(*earlier, asked)[-1])

    def of(sizes: Mapping[str, int]) -> list[Inputs]:
        """Two that are asked before, and one."""
        return [problem(function, **sizes, seed=seed).inputs(function) for seed in (31, 34, 32)]

    short = {**BASE, "T_x": 1}
    one, other, two = of(BASE)
    if is_wrong(two):
        return "", ""
    settings = [("", BASE, [one, other, two])]
    settings += [("a0 = 0, ", BASE, [one, other, experiments.scaled(two, ("a0",), 0.0)])]
    settings += [("T_x = 1, ", short, of(short))] if not CONTRACTS[function].is_cell else []
    for where, sizes, calls in settings:
        earlier, _, asked = calls
        if is_wrong(asked, earlier) and not is_wrong(asked):
            agreeing = _agreeing(function, sizes, is_wrong, asked)
            others = (experiments.scaled(each, ("x", "a0"), k) for each in calls[:2] for k in (1e-2, 1e2))
            is_any = all(is_wrong(asked, each) for each in others)
            when = f"after {'any' if is_any else 'some'} other call"
            if agreeing:
                between = problem(function, **{name: size + 1 for name, size in sizes.items()}, seed=35)
                is_next = not is_wrong(asked, earlier, between.inputs(function))
                when = f"after {'another' if is_any else 'some other'} call of its {agreeing}"
                when = f"directly {when}" if is_next else when
            return f"{where}{when}", _taken(answers(*calls), agreeing)
    for names in SHARED if not is_wrong(two, other) else ():
        earlier = replace(other, **{name: getattr(two, name) for name in names})
        if is_wrong(two, earlier):
            return f"after a call of the same {' and '.join(names)}", _taken(answers(one, earlier, two), "")
    if is_wrong(two, two):
        return "where one question is asked again", ""
    for name in (name for name in BASE if name != "T_x" or not CONTRACTS[function].is_cell):
        larger, smaller = (is_wrong(two, *of({**BASE, name: BASE[name] + by})[:1]) for by in (3, -1))
        if larger or smaller:
            which = "another" if larger and smaller else "a larger" if larger else "a smaller"
            return f"after a call of {which} {name}", ""
    later = next((count for count in MANY if is_wrong(two, *[one] * count)), 0)
    return f"after {later} calls" if later else "after other calls", ""


def _agreeing(function: str, sizes: Mapping[str, int], is_wrong: Callable[..., bool], asked: Inputs) -> str:
    """In which sizes an earlier call has to agree to change an answer; empty where in none.

    And in the dtype, where another one is answered rightly.
    """

    def earlier(changed: Mapping[str, int], dtype: DType) -> Inputs:
        return problem(function, **{**sizes, **changed}, seed=33, dtype=dtype).inputs(function)

    def is_wrong_after_others(names: Sequence[str]) -> bool:
        dtype: DType = "float32" if DTYPE in names else "float64"
        larger, smaller = ({name: sizes[name] + by for name in names if name != DTYPE} for by in (1, -1))
        every = [larger, smaller] if larger else [larger]
        return any(is_wrong(asked, earlier(each, dtype)) for each in every)

    names = [name for name in sizes if name != "T_x" or not CONTRACTS[function].is_cell]
    of_dtype = [] if is_wrong(earlier({}, "float32")) else [DTYPE]
    return listed(agreeing([*names, *of_dtype], is_wrong_after_others))


def _is_wrong(shown: Shown | None) -> bool:
    return shown is None or any(equation.wrong.any() for equation in equations(shown))


def _taken(answers: Sequence[Shown | None], agreeing: str) -> str:
    """Which of the arguments were those of an earlier call of three, to give what is shown in the last."""
    first, before, last = answers
    if not (first and before and last):
        return ""
    of_first = f"the first call of its {agreeing}" if agreeing else "the first call"
    every = [*_with_some_of(last.inputs, before, "the call before")]
    every += _with_some_of(last.inputs, first, of_first)
    taken = next((f"as if {taken}" for taken, inputs in every if _gives(inputs, last)), "")
    return taken or _added_to(before, last)


def kept_of_earlier(answers: Iterable[Shown], how: str) -> str:
    """What of `UPDATED` or `RETRAINED` arguments was as in the earlier call; empty where that is unknown."""
    part, same = (0.25, ()) if how == UPDATED else (1.0, ("all arguments", "x ", "a0 ", "c0 "))
    found: list[str] | None = None
    for shown in answers:
        asked = shown.inputs
        before: dict[str, Any] = {name: part * getattr(asked, name) for name in ("x", "a0", "c0")}
        before["parameters"] = {name: 0.5 * array for name, array in asked.parameters.items()}
        earlier = Shown(_with(asked, before), {}, {})
        every = [*_with_some_of(asked, earlier, "that call")]
        every += _with_parameters_of(asked, earlier, "that call", _of_some_gates(asked.parameters))
        left = [(words, inputs) for words, inputs in every if found is None or words in found]
        left = [(words, inputs) for words, inputs in left if not words.startswith(same)]
        found = [words for words, inputs in left if _gives(inputs, shown)]
    return f"as if {found[0]}" if found else ""


def _of_some_gates(names: Collection[str]) -> dict[str, list[str]]:
    """Weights, biases and both of some gates, by how they are listed."""
    gates = [some for count in (1, 2, 3) for some in combinations("fico", count)]
    every = ([part + gate for part in parts for gate in some] for some in gates for parts in ("W", "b", "Wb"))
    return {", ".join(some): some for some in every if {*some} <= {*names}}


def _added_to(before: Shown, last: Shown) -> str:
    """Which output is the right one and what the call before has returned; empty where none is."""
    right = evaluate(last.inputs)
    for name in (name for name in last.outputs if name in before.outputs):
        array, added = last.outputs[name], before.outputs[name]
        total = right[name].value + added
        if added.any() and (np.abs(array - total) <= 2 * right[name].error + 1e-14 * np.abs(total)).all():
            return f"{name} is the right one + that of the call before"
    return ""


def _gives(inputs: Inputs, shown: Shown) -> bool:
    right = evaluate(inputs)
    return all(
        bool((np.abs(array - right[name].value) <= 2 * right[name].error).all())
        for name, array in shown.outputs.items()
    )


def _with_some_of(inputs: Inputs, earlier: Shown, call: str) -> Iterator[tuple[str, Inputs]]:
    """The inputs with something of an earlier call in the place of their own."""
    other, before = earlier.inputs, f"those of {call}"
    yield f"all arguments were {before}", other
    for name in ("x", "a0", "c0"):
        if getattr(inputs, name).size:
            yield f"{name} was that of {call}", _with(inputs, {name: getattr(other, name)})
    left = {f"{name}0": earlier.outputs[name][:, :, -1] for name in ("a", "c") if name in earlier.outputs}
    for names in (["a0"], ["c0"], ["a0", "c0"]):
        if all(name in left for name in names):
            kept = _with(inputs, {name: left[name] for name in names})
            yield f"{' and '.join(names)} were what {call} ended with", kept
    yield from _with_parameters_of(inputs, earlier, call, _groups(inputs))


def _with_parameters_of(
    inputs: Inputs, earlier: Shown, call: str, groups: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, Inputs]]:
    """The inputs with some parameters of an earlier call."""
    for words, chosen in groups.items():
        mixed = {**inputs.parameters, **{name: earlier.inputs.parameters[name] for name in chosen}}
        yield f"{words} were those of {call}", replace(inputs, parameters=mixed)


def _groups(inputs: Inputs) -> dict[str, list[str]]:
    """Parameters that are kept together, and each."""
    every = list(inputs.parameters)
    head = [name for part in "Wb" for name in every if name[0] == part and "y" in name]
    biases = [name for name in every if name.startswith("b")]
    groups = {
        "all parameters": every,
        "the weights": [name for name in every if name.startswith("W")],
        f"all weights but {head[0]}": [name for name in every if name.startswith("W") and name not in head],
        "the biases": biases,
        f"all parameters but {' and '.join(head)}": [name for name in every if name not in head],
    }
    if inputs.kind == "lstm":
        groups["the biases of the gates"] = [name for name in biases if name != "by"]
    return groups | {name: [name] for name in every}


def _with(inputs: Inputs, arrays: Mapping[str, Any]) -> Inputs:
    return replace(inputs, **arrays)
