"""How layers are stacked: the networks that are asked, and what is said of them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from oracle.inputs import LayerInputs
from oracle.lengths import Lengths
from oracle.limits import Limits
from oracle.problem import DType, LayerProblem

Stacking = tuple[int, int]
"""How many layers there are, in how many directions."""

SIZES = ((4, 5), (5, 4), (1, 3), (2, 4), (7, 6), (3, 3), (9, 4), (4, 70))
"""Samples and steps of what is asked."""
MANY_SAMPLES = ((18, 3), (34, 3), (70, 3))
"""What is asked, too, where the counterexample has more samples than any of these."""
MANY_STEPS = (3, 300)
"""The same where it has more than 127 steps: one sample has more than a byte holds."""
FEW = 4
"""Of how many of the sizes it is asked what shows in any."""


def sizes_for(problem: LayerProblem) -> Sequence[tuple[int, int]]:
    """Those that tell what a problem shows: large ones take time, and tell of large ones alone."""
    many_samples = MANY_SAMPLES if problem.m > max(m for m, _ in SIZES) else ()
    return [*SIZES, *many_samples, *([MANY_STEPS] if problem.T_x > 127 else [])]


def and_larger(problem: LayerProblem, limits: Limits, layers: int = 2) -> list[Stacking]:
    """Those that a problem has in it and larger ones, up to so many layers, that a target does.

    The simplest come first.
    """
    if problem.weights:
        return [(problem.layers, problem.directions)]
    layers = max(problem.layers, min(layers, limits.layers))
    directions = max(problem.directions, min(2, limits.directions))
    return [*product(range(1, layers + 1), range(1, directions + 1))]


def are_of(problem: LayerProblem, wrong: Iterable[Stacking]) -> bool:
    """Whether a problem has any of these in it."""
    return any(layers <= problem.layers and directions <= problem.directions for layers, directions in wrong)


def posed(
    problem: LayerProblem,
    stacking: Stacking,
    sizes: tuple[int, int],
    lengths: Lengths,
    seed: int,
    limits: Limits,
    dtype: DType = "float64",
) -> LayerInputs:
    """An ordinary problem like another one, with so many samples and steps."""
    (layers, directions), (m, T_x) = stacking, sizes
    fields: dict[str, Any] = {"layers": layers, "directions": directions, "m": m, "T_x": T_x}
    ordinary = replace(problem, **fields, lengths=lengths, regime="unit", seed=seed, dtype=dtype)
    inputs = limits.fitted(ordinary).inputs(problem.kind)
    assert isinstance(inputs, LayerInputs)
    return inputs


def words(layers: int, directions: int) -> str:
    """A stacking as a reader says it; nothing of one layer alone."""
    parts = [f"{layers} layers"] if layers > 1 else []
    parts += ["two directions"] if directions > 1 else []
    return " in ".join(parts)


def called(places: Sequence[int], stacking: Stacking) -> str:
    """Places among all layers and directions: `layer 0 forward, layer 1 forward`."""
    layers, directions = stacking
    every = []
    for place in places:
        layer, direction = divmod(place, directions)
        parts = [f"layer {layer}"] if layers > 1 else []
        parts += [("forward", "backward")[direction]] if directions > 1 else []
        every.append(" ".join(parts))
    return ", ".join(every)


def _when(wrong: Sequence[Stacking], every: Sequence[Stacking]) -> str | None:
    """In which of all stackings something is wrong; nothing if in all, `None` if in no simple choice."""
    if len(wrong) == len(every):
        return ""
    if {*every} - {*wrong} == {(1, 1)} and {(1, 2), (2, 1)} <= {*wrong}:
        return "of several layers or directions"
    if all(directions == 1 for _, directions in wrong) and any(directions > 1 for _, directions in every):
        of_one = _when(wrong, [each for each in every if each[1] == 1])
        return of_one if of_one is None else ", ".join(filter(None, [of_one, "in one direction"]))
    least = tuple(min(stacking[axis] for stacking in wrong) for axis in range(2))
    if {*wrong} != {each for each in every if each[0] >= least[0] and each[1] >= least[1]}:
        return None
    more = " or more" if max(layers for layers, _ in every) > least[0] else ""
    parts = [f"of {least[0]} layers{more}"] if least[0] > 1 else []
    parts += ["in two directions"] if least[1] > 1 else []
    return ", ".join(parts)


def condition(wrong: Sequence[Stacking], every: Sequence[Stacking], *beside: str) -> str:
    """When something is wrong, with conditions `beside` the stackings; nothing where that is not known."""
    of_stackings = _when(wrong, every)
    if of_stackings is None:
        return ""
    return ", ".join(filter(None, [of_stackings, *beside])) or "always"
