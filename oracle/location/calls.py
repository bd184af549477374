"""Find out what a function or layer keeps from one call to the next."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from oracle import propagation
from oracle.diagnosis.behaviour import Behaviour, Program
from oracle.diagnosis.questions import problem
from oracle.inputs import Inputs, LayerInputs
from oracle.limits import Limits
from oracle.location.facts import Condition, Feature, Form, Location, When, Where
from oracle.problem import LayerProblem, Problem
from reference.contract import CONTRACTS, Array

SIZES = {"n_x": 3, "n_a": 4, "n_y": 5, "m": 6, "T_x": 7}


def kept(
    function: str,
    program: Program,
    counterexample: Problem,
    anew: Callable[[], object],
    limits: Limits,
    seed: int = 0,
) -> Location | None:
    """What a later call uses of an earlier one, and which of their sizes have to agree; `None` if nothing.

    Each question is asked in a program that has made no other calls, 15 times or so.
    """

    def asked(number: int, **sizes: int) -> Inputs:
        return _problem(function, counterexample, limits, number, sizes).inputs(function)

    def answers(*calls: Inputs) -> list[Behaviour]:
        anew()
        return [program(inputs) for inputs in calls]

    first, before, last = (asked(seed + k) for k in (31, 34, 32))
    shown = answers(first, before, last)
    if not _is(function, shown[0], first) or _is(function, shown[2], last):
        return None
    names = _varied(function, counterexample)
    agreeing = [
        name
        for name in names
        if _is(function, answers(asked(seed + 33, **{name: SIZES[name] + 1}), last)[1], last)
    ]
    when = When(tuple(Condition(Feature("agrees", name), "=", 1.0) for name in agreeing))
    for whose, earlier, theirs in (
        ("the call before", before, shown[1]),
        ("the first call", first, shown[0]),
    ):
        for form, inputs in _mixed(function, last, earlier, theirs):
            if _is(function, shown[2], inputs):
                return Location(Where(form.node, stage="calls"), when, replace(form, map=whose), alone=False)
    return Location(Where("answer", stage="calls"), when, None, alone=False)


def _varied(function: str, counterexample: Problem) -> Sequence[str]:
    if isinstance(counterexample, LayerProblem):
        return counterexample.varies
    return [name for name in counterexample.varies if name != "T_x" or not CONTRACTS[function].is_cell]


def _problem(
    function: str, counterexample: Problem, limits: Limits, seed: int, sizes: dict[str, int]
) -> Problem:
    every = {**SIZES, **sizes}
    if not isinstance(counterexample, LayerProblem):
        return problem(function, **every, seed=seed, dtype=limits.dtypes[0])
    given: dict[str, Any] = {name: every[name] for name in counterexample.varies}
    given |= {
        "lengths": "absent",
        "regime": "unit",
        "seed": seed,
        "dtype": limits.dtypes[0],
        "initial": "given",
    }
    if counterexample.n_p and not counterexample.weights:
        given["n_p"] = given["n_a"]
    return limits.fitted(replace(counterexample, **given))


def _outputs(function: str, shown: Behaviour) -> dict[str, Array]:
    names = CONTRACTS[function].outputs
    found = {name: shown.outputs.get(f".{k}") for k, name in enumerate(names)}
    return {name: array for name, array in found.items() if isinstance(array, np.ndarray)}


def _is(function: str, shown: Behaviour, inputs: Inputs) -> bool:
    """Whether an answer is right for these inputs."""
    cell = CONTRACTS[function].is_cell
    bounds = propagation.evaluate(inputs.span(0, 1) if cell else inputs)
    outputs = _outputs(function, shown)
    if not outputs:
        return False
    for name, array in outputs.items():
        b = bounds[name if name.endswith("_last") else name[0]]
        if array.size != b.value.size:
            return False
        off = np.abs(array.reshape(b.value.shape) - b.value)
        if not (off <= 2 * b.error + 1e-12).all():
            return False
    return True


def _mixed(function: str, last: Inputs, earlier: Inputs, theirs: Behaviour) -> Iterator[tuple[Form, Inputs]]:
    """The inputs, some of them replaced by those of an earlier call or by its last states."""
    ended = _ended(function, last, earlier, theirs)
    for names in (["a0"], ["c0"], ["a0", "c0"]):
        if all(name in ended for name in names):
            left: dict[str, Any] = {name: ended[name] for name in names}
            yield Form(" and ".join(names), source="last states"), replace(last, **left)
    for chosen in _groups(last):
        yield Form("parameters", source=", ".join(chosen)), _with_parameters(last, earlier, chosen)
    for name in ("x", "a0", "c0"):
        if getattr(last, name).size:
            own: dict[str, Any] = {name: getattr(earlier, name)}
            yield Form(name, source=name), replace(last, **own)
    yield Form("answer", source="all arguments"), earlier


def _ended(function: str, last: Inputs, earlier: Inputs, theirs: Behaviour) -> dict[str, Array]:
    """The last states of an earlier call."""
    found = {}
    for name, array in _outputs(function, theirs).items():
        if name in ("a_last", "c_last"):
            found[f"{name[0]}0"] = array.reshape(getattr(last, f"{name[0]}0").shape)
        elif name in ("a", "c") and not isinstance(last, LayerInputs):
            found[f"{name}0"] = array[:, :, -1]
        elif name in ("a_next", "c_next"):
            found[f"{name[0]}0"] = array
    return found


def _groups(inputs: Inputs) -> Iterator[list[str]]:
    """Groups of parameters that may be kept together, the largest first."""
    every = sorted(inputs.parameters[0] if isinstance(inputs, LayerInputs) else inputs.parameters)
    head = [name for name in every if name in ("Wy", "Wya", "by")]
    weights, biases = ([name for name in every if name[0] == part] for part in "Wb")
    yield every
    yield [name for name in every if name not in head]
    yield weights
    yield [name for name in weights if name not in head]
    yield biases
    yield [name for name in biases if name not in head]
    yield from ([name] for name in every)


def _with_parameters(inputs: Inputs, earlier: Inputs, names: Sequence[str]) -> Inputs:
    if isinstance(inputs, LayerInputs):
        assert isinstance(earlier, LayerInputs)
        pairs = zip(inputs.parameters, earlier.parameters, strict=True)
        return replace(inputs, parameters=[{**own, **{n: theirs[n] for n in names}} for own, theirs in pairs])
    return replace(inputs, parameters={**inputs.parameters, **{n: earlier.parameters[n] for n in names}})
