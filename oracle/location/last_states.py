"""Last states that are right, and returned in the places of others."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.inputs import LayerInputs
from oracle.limits import Limits
from oracle.location.layers.memory import near
from oracle.location.location import Location
from oracle.problem import LayerProblem
from oracle.propagation import evaluate
from oracle.rounding import Bounded
from reference.contract import CONTRACTS

Stacking = tuple[int, int]
"""How many layers there are, in how many directions."""

SIZES = ((4, 5), (3, 6), (2, 3))
"""Samples and steps of what is asked; with lengths, if there are any, the first time and the last."""


def in_another_order(
    function: str, program: Program, counterexample: LayerProblem, limits: Limits
) -> Location | None:
    """Of which last states the order is another than that of the parameters, and when; `None` where none is.

    Nothing is said of what is wrong in any other way.
    """
    for number, name in enumerate([*CONTRACTS[function].outputs][1:], 1):
        orders = {}
        for stacking in stackings(counterexample):
            posed = (_posed(counterexample, stacking, seed, limits) for seed in range(len(SIZES)))
            seen = [_order(program, inputs, number, name) for inputs in posed]
            if any(order != seen[0] or order is None for order in seen):
                break
            orders[stacking] = seen[0] or []
        else:
            others = [stacking for stacking, order in orders.items() if order != sorted(order)]
            if others:
                said = ", ".join(_called(place, others[0]) for place in orders[others[0]])
                how = f"of {words(*others[0])}, they are those of {said}"
                where = f"the order of {name} is not that of the parameters"
                return Location(where, _when(others, [*orders]), how, equations=[name])
    return None


def stackings(problem: LayerProblem) -> Iterator[Stacking]:
    """Those that a problem has in it, the simplest first."""
    if problem.weights:
        yield problem.layers, problem.directions
        return
    for layers in range(1, problem.layers + 1):
        for directions in range(1, problem.directions + 1):
            yield layers, directions


def _posed(problem: LayerProblem, stacking: Stacking, seed: int, limits: Limits) -> LayerInputs:
    layers, directions = stacking
    m, T_x = SIZES[seed]
    fields: dict[str, Any] = {} if seed != 1 or problem.weights else {"lengths": "absent"}
    fields |= {"layers": layers, "directions": directions, "regime": "unit", "seed": seed}
    ordinary = replace(problem, m=m, T_x=T_x, **fields)
    inputs = limits.fitted(replace(ordinary, dtype="float64")).inputs(problem.kind)
    assert isinstance(inputs, LayerInputs)
    return inputs


def _order(program: Program, inputs: LayerInputs, number: int, name: str) -> list[int] | None:
    """Whose last state is returned in each place; `None` where in any it is that of none, or of several."""
    outputs, right = program(inputs).outputs, evaluate(inputs)
    a, shown = outputs.get(".0"), outputs.get(f".{number}")
    if not isinstance(a, np.ndarray) or a.shape != right["a"].value.shape or not near(a, right["a"]).all():
        return None
    places = len(inputs.parameters)
    value, error = (
        part.reshape(places, -1, inputs.x.shape[1]) for part in (right[name].value, right[name].error)
    )
    if not isinstance(shown, np.ndarray) or shown.shape != value.shape:
        return None
    order = []
    for own in shown:
        fits = [k for k in range(places) if near(own, Bounded(value[k], error[k])).all()]
        if len(fits) != 1:
            return None
        order += fits
    return order if len({*order}) == places else None


def _called(place: int, stacking: Stacking) -> str:
    layers, directions = stacking
    layer, direction = divmod(place, directions)
    parts = [f"layer {layer}"] if layers > 1 else []
    parts += [("forward", "backward")[direction]] if directions > 1 else []
    return " ".join(parts)


def words(layers: int, directions: int) -> str:
    """A stacking as a reader says it; nothing of one layer alone."""
    parts = [f"{layers} layers"] if layers > 1 else []
    parts += ["two directions"] if directions > 1 else []
    return " in ".join(parts)


def _when(others: Sequence[Stacking], every: Sequence[Stacking]) -> str:
    """The fewest layers and directions in which it is another, if it is so in all that have as many."""
    if len(every) == 1:
        return ""
    least = tuple(min(stacking[axis] for stacking in others) for axis in range(2))
    if {*others} != {each for each in every if each[0] >= least[0] and each[1] >= least[1]}:
        return ""
    more = " or more" if max(layers for layers, _ in every) > least[0] else ""
    parts = [f"of {least[0]} layers{more}"] if least[0] > 1 else []
    parts += ["in two directions"] if least[1] > 1 else []
    return ", ".join(parts)
