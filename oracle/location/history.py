"""What a function keeps from one call to the next, found by asking it in other orders."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.diagnosis.questions import problem
from oracle.inputs import Inputs
from oracle.location.when.experiments import BASE
from oracle.location.where.equations import equations
from oracle.location.where.shown import Shown
from oracle.propagation import evaluate

MANY = (3, 5, 10, 20, 50)
"""After how many calls it is asked whether an answer changes."""


def remembered(function: str, program: Program, anew: Callable[[], None]) -> tuple[str, str]:
    """When earlier calls change an answer, and what seems to be taken from them; empty where that is unknown.

    `anew` makes the program forget all calls, as the end of its process does.
    """
    one, two = (problem(function, **BASE, seed=seed).inputs(function) for seed in (31, 32))
    other = problem(function, **{name: size + 1 for name, size in BASE.items()}, seed=33).inputs(function)

    def after(*calls: Inputs) -> Shown | None:
        """The answer to `two` in a new process, after these calls."""
        anew()
        for inputs in calls:
            program(inputs)
        return Shown.of(function, two, program(two))

    if _is_wrong(after()):
        return "", ""
    shown = after(one)
    if _is_wrong(shown):
        when = "after any other call" if _is_wrong(after(other)) else "after another call of its shapes"
        return when, next(_as_if(shown, one), "") if shown else ""
    if _is_wrong(after(two)):
        return "where one question is asked again", ""
    later = next((count for count in MANY if _is_wrong(after(*[one] * count))), 0)
    return f"after {later} calls" if later else "after other calls", ""


def _is_wrong(shown: Shown | None) -> bool:
    return shown is None or any(equation.wrong.any() for equation in equations(shown))


def _as_if(shown: Shown, earlier: Inputs) -> Iterator[str]:
    """Which of the arguments were those of the call before, to give what is shown."""
    for taken, inputs in _with_some_of(shown.inputs, earlier):
        right = evaluate(inputs)
        if all(
            (np.abs(array - right[name].value) <= 2 * right[name].error).all()
            for name, array in shown.outputs.items()
        ):
            yield f"as if {taken}"


def _with_some_of(inputs: Inputs, earlier: Inputs) -> Iterator[tuple[str, Inputs]]:
    """The inputs with something of an earlier call in the place of their own."""
    before = "those of the call before"
    yield f"all arguments were {before}", earlier
    for name in ("x", "a0", "c0"):
        if getattr(inputs, name).size:
            yield f"{name} was that of the call before", _with(inputs, {name: getattr(earlier, name)})
    left = {
        f"{name}0": last.value[:, :, -1] for name, last in evaluate(earlier).items() if name in ("a", "c")
    }
    for names in (["a0"], ["c0"], ["a0", "c0"]):
        if all(name in left for name in names):
            kept = _with(inputs, {name: left[name] for name in names})
            yield f"{' and '.join(names)} were what the call before ended with", kept
    every = list(inputs.parameters)
    biases = [name for name in every if name.startswith("b")]
    groups = {
        "all parameters": every,
        "the weights": [name for name in every if name.startswith("W")],
        "the weights of a step": [name for name in every if name.startswith("W") and "y" not in name],
        "the biases": biases,
        "the biases of the gates": [name for name in biases if name != "by"],
    }
    for words, chosen in (groups | {name: [name] for name in every}).items():
        mixed = {**inputs.parameters, **{name: earlier.parameters[name] for name in chosen}}
        yield f"{words} were {before}", replace(inputs, parameters=mixed)


def _with(inputs: Inputs, arrays: Mapping[str, Any]) -> Inputs:
    return replace(inputs, **arrays)
