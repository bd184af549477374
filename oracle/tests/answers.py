"""The answers of mistakes and programs to a few problems, and comparisons of answers."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

import oracle.explanations.effects
import oracle.explanations.wrong_outputs
import reference
from oracle.explanations.behaviour import Behaviour, Program
from oracle.explanations.claims import Claim
from oracle.explanations.problems import extreme_problems, further_problems, opening_problems
from oracle.faults import FAULTS, Fault
from oracle.problems.inputs import Inputs
from oracle.problems.problem import LayerProblem, Problem, siblings
from reference.contract import CONTRACTS, Array

SHOWING: Sequence[Mapping[str, Any]] = (
    {"n_x": 3, "n_a": 4, "n_y": 2, "m": 5, "T_x": 6},
    {"n_x": 3, "n_a": 4, "n_y": 4, "m": 4, "T_x": 4, "regime": "huge", "seed": 542},
    {"n_x": 1, "n_a": 2, "n_y": 1, "m": 1, "T_x": 1},
    {"n_x": 4, "n_a": 4, "n_y": 2, "m": 2, "T_x": 3, "regime": "wild"},
    {"n_x": 2, "n_a": 3, "n_y": 3, "m": 3, "T_x": 2},
)
"""The problems on which every mistake shows, and every two mistakes differ."""

RAISED = "raised"


def leaves(value: Any, above: tuple[int, ...] = ()) -> Iterator[Array | str]:
    """The arrays in nested containers, in order, and a text for any other object."""
    if isinstance(value, np.ndarray):
        yield value.astype(np.float64)
    elif id(value) in above:
        yield "a container of this one"
    elif isinstance(value, (tuple, list, dict)):
        yield f"{len(value)} parts"
        for part in value.items() if isinstance(value, dict) else value:
            yield from leaves(part, (*above, id(value)))
    else:
        yield repr(value)


def call(implementation: Any, function: str, arguments: Sequence[Any]) -> Any:
    try:
        return getattr(implementation, function)(*arguments)
    except (ValueError, IndexError):
        return RAISED


def behaviour(implementation: Any, function: str, problem: Problem) -> list[Array | str]:
    """Two answers, the arguments after the calls, and the first answer as it is after the second call."""
    implementation = (
        replace(implementation, memory={}) if isinstance(implementation, Fault) else implementation
    )
    first, second = (deepcopy(each.arguments(function)) for each in siblings(problem, 2))
    answer = call(implementation, function, first)
    seen = [*leaves(answer), *leaves(first)]
    again = call(implementation, function, second)
    return [*seen, *leaves(again), *leaves(second), *leaves(answer)]


def alike(ours: Sequence[Array | str], theirs: Sequence[Array | str]) -> bool:
    """Whether two answers are equal within the rounding of a few steps."""
    return len(ours) == len(theirs) and all(
        a == b
        if isinstance(a, str) or isinstance(b, str)
        else a.shape == b.shape and np.allclose(a, b, rtol=1e-11, atol=1e-14, equal_nan=True)
        for a, b in zip(ours, theirs, strict=True)
    )


def with_everything(function: str) -> LayerProblem:
    """A small problem of layers with all options; an LSTM has a projection."""
    sizes = {
        "n_x": 2,
        "n_a": 3,
        "m": 3,
        "T_x": 2,
        "layers": 2,
        "directions": 2,
        "lengths": "random",
        "seed": 4,
    }
    if function == "lstm_layer":
        return Problem.lstm_layer(**sizes, n_p=2)
    return Problem.rnn_layer(**sizes)


def showing(function: str) -> list[Problem]:
    if CONTRACTS[function].is_layer:
        others = further_problems(function, with_everything(function).inputs(function))
        return [opening_problems(function)[0], *others, *extreme_problems(function)]
    return [Problem(CONTRACTS[function].kind, **fields) for fields in SHOWING]


@cache
def behaviours(function: str, name: str) -> list[list[Array | str]]:
    implementation = reference if name == "reference" else FAULTS[name]
    return [behaviour(implementation, function, problem) for problem in showing(function)]


def small(function: str) -> Inputs:
    kind = CONTRACTS[function].kind
    return Problem(kind, n_x=1, n_a=2, n_y=2, m=1, T_x=2, regime="ternary").inputs(function)


def program(function: str, implementation: Any) -> Program:
    def ask(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        arguments = deepcopy(inputs.arguments(function))
        try:
            value = getattr(implementation, function)(*arguments)
        except (UnboundLocalError, ValueError):
            return Behaviour.of_error()
        if then:
            getattr(implementation, function)(*deepcopy(then.arguments(function)))
        return Behaviour.of(function, value, arguments)

    return ask


NEARLY = Claim.of("nearly").words


def side_effect(*asked: Any) -> list[str]:
    """The text of `oracle.explanations.effects.side_effect`, in a list that may be empty."""
    known = oracle.explanations.effects.side_effect(*asked)
    return [known.words] if known else []


def wrong_outputs(*asked: Any) -> str:
    """The text of `oracle.explanations.wrong_outputs.wrong_outputs`; empty if there is no finding."""
    known = oracle.explanations.wrong_outputs.wrong_outputs(*asked)
    return known.words if known else ""
