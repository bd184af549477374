"""Whether the steps of a backward direction are counted with the padding, where it begins."""

from dataclasses import replace
from typing import Any

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.limits import Limits
from oracle.location.layers.setting import Setting
from oracle.location.networks.answer import answer
from oracle.location.networks.stacking import posed
from oracle.location.when.condition import Condition
from oracle.location.when.rules import Rule
from oracle.location.when.table import PRODUCT, SUM, Table
from oracle.problem import LayerProblem
from reference.contract import Array

STEP = "step"
SIZES = {"n_x": 3, "n_a": 6, "m": 6}
MOST_STEPS = 140
LONGEST = 4
"""The longest padding that is asked."""


def counts_padding(
    function: str,
    program: Program,
    problem: LayerProblem,
    setting: Setting,
    found: Rule | None,
    limits: Limits,
) -> bool:
    """Whether what a rule says of steps is so of a backward direction if they are counted from the end of x.

    And not if they are counted from the end of the sequence. That is seen by the first hidden state of each
    sample that is wrong, in one layer, of sequences that end with x and before.
    """
    of_steps = [each for each in found.conditions if each.feature == STEP and not each.other] if found else []
    if not found or not of_steps or limits.directions == 1 or not limits.lengths:
        return False
    if setting.above or setting.ended:  # where other steps are known
        return False
    T_x = max(found.sizes.get("T_x", 0), *map(_steps_for, of_steps))
    if T_x > MOST_STEPS:
        return False
    sizes = {**SIZES, **{name: found.sizes[name] for name in SIZES if name in found.sizes}, "T_x": T_x}
    first = int(_first(_met(found, sizes, np.arange(T_x)[None]))[0])
    longest = min(first or LONGEST, LONGEST)  # so that what comes first does not in the padding
    # Of the first ones a sequence ends with x, of the others none: else they may be counted from its end.
    paddings = [np.arange(sizes["m"]) % longest + more for more in (0, 1)]
    expected, of_own = (
        [_counted(found, sizes, each, with_padding=with_padding) for each in paddings]
        for with_padding in (True, False)
    )
    if np.array_equal(expected, of_own) or (np.array(expected) == T_x).all():
        return False
    options: dict[str, Any] = {"n_p": sizes["n_a"] * setting.projected, "activation": setting.activation}
    asked = replace(problem, n_x=sizes["n_x"], n_a=sizes["n_a"], T_x=T_x, **options)
    shown = [_first_wrong(function, program, asked, each, limits) for each in paddings]
    return np.array_equal(expected, shown)


def _counted(found: Rule, sizes: dict[str, int], padding: Array, *, with_padding: bool) -> Array:
    """The first step of each sample at which a rule holds; T_x where there is none."""
    steps = np.arange(sizes["T_x"])
    shift = padding[:, None] * with_padding
    return _first(_met(found, sizes, steps + shift) & (steps < sizes["T_x"] - padding[:, None]))


def _steps_for(condition: Condition) -> int:
    """How many steps it takes to see it come, and to come again."""
    again = int(condition.relation.split()[1]) if condition.relation.startswith("mod") else 0
    return int(condition.value) + 2 * again + 2 * LONGEST


def _met(found: Rule, sizes: dict[str, int], steps: Array) -> Array:
    """At which steps a rule holds, if it says nothing but of these and of sizes; else at none."""
    n_x, n_a, m, _ = sizes.values()
    known: dict[str, Any] = {**sizes, SUM: n_a + n_x, PRODUCT: n_a * m, "bits": 64, STEP: steps}
    features = {name: np.broadcast_to(np.asarray(value, float), steps.shape) for name, value in known.items()}
    nothing = np.zeros(steps.shape, bool)
    table = Table(features, nothing, nothing, np.ones(steps.shape))
    is_told = all(each.looks_at <= {*features} and each.is_told_by(table) for each in found.conditions)
    return found.met_by(table) if is_told else nothing


def _first_wrong(
    function: str, program: Program, problem: LayerProblem, padding: Array, limits: Limits
) -> Array:
    """The first wrong step of each sample of a backward direction; T_x where none is, -1 of no answer."""
    inputs = posed(problem, (1, 2), (len(padding), problem.T_x), "with T_x", 0, limits)
    inputs = replace(inputs, lengths=problem.T_x - padding)
    if not (shown := answer(function, program, inputs)):
        return np.full(len(padding), -1)
    backward = shown.wrong["a"][inputs.a0.shape[1] :].any(axis=0)
    return _first(np.take_along_axis(backward, inputs.backward, axis=1))


def _first(chosen: Array) -> Array:
    """The first chosen step of each sample; how many there are where none is."""
    return np.asarray(np.where(chosen.any(axis=1), chosen.argmax(axis=1), chosen.shape[1]))
