"""Find out what an answer takes over from an earlier call."""

from collections.abc import Callable, Iterator, Mapping, Sequence
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


def call_dependence(
    function: str,
    program: Program,
    counterexample: Problem,
    anew: Callable[[], object],
    limits: Limits,
    seed: int = 0,
) -> Location | None:
    """What an answer takes over from an earlier call, and which sizes of the calls must agree for it.

    `None` if it takes over nothing. `anew` makes the program forget earlier calls.
    """

    def drawn(number: int, **sizes: int) -> Inputs:
        return _problem(function, counterexample, limits, number, {**SIZES, **sizes}).inputs(function)

    def answers(*calls: Inputs) -> list[Behaviour]:
        anew()
        return [program(inputs) for inputs in calls]

    first, before, last = (drawn(seed + k) for k in (31, 34, 32))
    shown = answers(first, before, last)
    if not _is_right(function, shown[0], first) or _is_right(function, shown[2], last):
        return None
    names = [name for name in counterexample.varies if name != "T_x" or not CONTRACTS[function].is_cell]
    agreeing = []
    for name in names:
        other_size = drawn(seed + 33, **{name: SIZES[name] + 1})
        if _is_right(function, answers(other_size, last)[1], last):
            agreeing.append(name)
    when = When(tuple(Condition(Feature("agrees", name), "=", 1.0) for name in agreeing))
    for call, earlier, answer in (("the call before", before, shown[1]), ("the first call", first, shown[0])):
        for form, inputs in _mixed_inputs(function, last, earlier, answer):
            if _is_right(function, shown[2], inputs):
                return Location(Where(form.node, stage="calls"), when, replace(form, map=call), alone=False)
    return Location(Where("answer", stage="calls"), when, None, alone=False)


def _problem(
    function: str, counterexample: Problem, limits: Limits, seed: int, sizes: Mapping[str, int]
) -> Problem:
    """A problem with these sizes, as far as the counterexample lets them vary."""
    dtype = limits.dtypes[0]
    if not isinstance(counterexample, LayerProblem):
        return problem(function, **sizes, seed=seed, dtype=dtype)
    own: dict[str, Any] = {name: sizes[name] for name in counterexample.varies}
    if counterexample.n_p and not counterexample.weights:
        own["n_p"] = own["n_a"]
    plain = replace(counterexample, lengths="absent", regime="unit", initial="given", seed=seed, dtype=dtype)
    return limits.fitted(replace(plain, **own))


def _outputs(function: str, shown: Behaviour) -> dict[str, Array]:
    found = {name: shown.outputs.get(f".{k}") for k, name in enumerate(CONTRACTS[function].outputs)}
    return {name: array for name, array in found.items() if isinstance(array, np.ndarray)}


def _is_right(function: str, shown: Behaviour, inputs: Inputs) -> bool:
    """Whether an answer is right for these inputs."""
    bounds = propagation.evaluate(inputs.span(0, 1) if CONTRACTS[function].is_cell else inputs)
    outputs = _outputs(function, shown)
    for name, array in outputs.items():
        b = bounds[name if name.endswith("_last") else name[0]]
        if array.size != b.value.size:
            return False
        off = np.abs(array.reshape(b.value.shape) - b.value)
        if not (off <= 2 * b.error + 1e-12).all():
            return False
    return bool(outputs)


def _mixed_inputs(
    function: str, last: Inputs, earlier: Inputs, answer: Behaviour
) -> Iterator[tuple[Form, Inputs]]:
    """The last inputs, some of them replaced by inputs of an earlier call or by its last states."""
    states = _last_states(function, last, earlier, answer)
    for names in (["a0"], ["c0"], ["a0", "c0"]):
        if all(name in states for name in names):
            own: dict[str, Any] = {name: states[name] for name in names}
            yield Form(" and ".join(names), source="last states"), replace(last, **own)
    for names in _parameter_groups(last):
        yield Form("parameters", source=", ".join(names)), _with_parameters(last, earlier, names)
    for name in ("x", "a0", "c0"):
        if getattr(last, name).size:
            own = {name: getattr(earlier, name)}
            yield Form(name, source=name), replace(last, **own)
    yield Form("answer", source="all arguments"), earlier


def _last_states(function: str, last: Inputs, earlier: Inputs, answer: Behaviour) -> dict[str, Array]:
    """The last states of an earlier call, by the names of initial states."""
    found = {}
    for name, array in _outputs(function, answer).items():
        if name in ("a_last", "c_last"):
            found[f"{name[0]}0"] = array.reshape(getattr(last, f"{name[0]}0").shape)
        elif name in ("a", "c") and not isinstance(last, LayerInputs):
            found[f"{name}0"] = array[:, :, -1]
        elif name in ("a_next", "c_next"):
            found[f"{name[0]}0"] = array
    return found


def _parameter_groups(inputs: Inputs) -> Iterator[list[str]]:
    """Groups of parameters that a program may keep together, the largest first."""
    every = sorted(inputs.parameters[0] if isinstance(inputs, LayerInputs) else inputs.parameters)
    weights, biases = ([name for name in every if name[0] == letter] for letter in "Wb")
    for group in (every, weights, biases):
        yield group
        yield [name for name in group if name not in ("Wy", "Wya", "by")]
    yield from ([name] for name in every)


def _with_parameters(inputs: Inputs, earlier: Inputs, names: Sequence[str]) -> Inputs:
    """The inputs with some parameters of an earlier call."""
    every = earlier.parameters if isinstance(earlier, LayerInputs) else [earlier.parameters]
    sources = iter(every)

    def mixed(p: Mapping[str, Array]) -> Mapping[str, Array]:
        source = next(sources)
        return {**p, **{name: source[name] for name in names}}

    return inputs.with_parameters(mixed)
