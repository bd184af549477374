"""Last states that are right, and returned in the places of others."""

from collections.abc import Mapping, Sequence

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.lengths import Lengths
from oracle.limits import Limits
from oracle.location.layers.memory import near
from oracle.location.location import Location
from oracle.location.networks.answer import Answer, answer
from oracle.location.networks.stacking import Stacking, and_larger, are_of, called, condition, posed, words
from oracle.problem import LayerProblem
from oracle.rounding import Bounded
from reference.contract import CONTRACTS

SIZES = ((4, 5), (3, 6), (2, 3))
"""Samples and steps of what is asked; with lengths, if there are any, the first time and the last."""

_NOBODY, _BEGUN = -1, -2
"""The places of which zeros are, and what a layer and direction began with."""
_OF_NONE = {_NOBODY: "zeros", _BEGUN: "those that it began with"}


def in_another_order(
    function: str, program: Program, counterexample: LayerProblem, limits: Limits
) -> Location | None:
    """Which last states are those of other places, mostly all in another order, and when; `None` if none are.

    Nothing is said of what is wrong in any other way.
    """
    without: Lengths = counterexample.lengths if counterexample.weights else "absent"
    given = (counterexample.lengths, without, counterexample.lengths)
    answers: dict[Stacking, list[Answer]] = {}
    for stacking in and_larger(counterexample, limits, layers=3):
        answers[stacking] = []
        for seed, (sizes, lengths) in enumerate(zip(SIZES, given, strict=True)):
            inputs = posed(counterexample, stacking, sizes, lengths, seed, limits)
            seen = answer(function, program, inputs)
            if not seen or seen.wrong["a"].any():
                return None
            answers[stacking].append(seen)
    for name in [*CONTRACTS[function].outputs][1:]:
        orders = {stacking: _order(seen, name) for stacking, seen in answers.items()}
        others = [stacking for stacking, order in orders.items() if order != [*range(len(order))]]
        if all(orders.values()) and are_of(counterexample, others) and (1, 1) not in others:
            how = _called({stacking: orders[stacking] for stacking in others})
            is_order = all(sorted(order) == [*range(len(order))] for order in orders.values())
            where = (
                f"the order of {name} is not that of the parameters"
                if is_order
                else f"{name} of a layer and direction is not its own"
            )
            return Location(where, condition(others, [*orders]), how, equations=[name])
    return None


def _called(orders: Mapping[Stacking, Sequence[int]]) -> str:
    """Whose they are, in the simplest stacking, or how they are in all."""
    every = [[*order] for order in orders.values()]
    if all(order == [_NOBODY] * len(order) for order in every):
        return "all are zeros"
    for whose, place in ("first", 0), ("last", -1):
        if len(orders) > 1 and all({*order} == {range(len(order))[place]} for order in every):
            return f"all are those of the {whose} one"
    if len(orders) > 1 and all(order == [*reversed(range(len(order)))] for order in every):
        return "they are in reverse order"
    if len(orders) > 1 and all(
        order == [_BEGUN] * (len(order) - D) + [*range(len(order) - D, len(order))]
        for (_, D), order in zip(orders, every, strict=True)
    ):
        return "those of the layers below the top one are those that they began with"
    stacking, order = next(iter(orders.items()))
    each = (_OF_NONE.get(place) or called([place], stacking) for place in order)
    return f"of {words(*stacking)}, they are those of {', '.join(each)}"


def _order(answers: Sequence[Answer], name: str) -> list[int]:
    """Whose last state is returned in each place; none where any is of several, or of nobody and not 0."""
    orders = [_order_in(answer, name) for answer in answers]
    return orders[0] if all(order == orders[0] for order in orders) else []


def _order_in(answer: Answer, name: str) -> list[int]:
    places = len(answer.inputs.parameters)
    shown = np.split(answer.shown[name], places)
    value, error = (np.split(part, places) for part in (answer.right[name].value, answer.right[name].error))
    order = []
    for own, begun in zip(shown, getattr(answer.inputs, f"{name[0]}0"), strict=True):
        fits = [k for k in range(places) if near(own, Bounded(value[k], error[k])).all()]
        if not fits and not own.any():
            fits = [_NOBODY]
        if not fits and np.array_equal(own[:, :, 0], begun):
            fits = [_BEGUN]
        if len(fits) != 1:
            return []
        order += fits
    return order
