"""Finds the effects of a mistake that is not in the catalogue: side effects, wrong digits, wrong outputs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from oracle.diagnosis.behaviour import Behaviour, Leaves, Program, alike, off_by, same, specification
from oracle.diagnosis.findings import Finding, found
from oracle.diagnosis.names import ORDINARY, Scope
from oracle.diagnosis.overwritten_arrays import overwriting, writing
from oracle.diagnosis.questions import larger_problem, problem
from oracle.inputs import Inputs, LayerInputs
from oracle.limits import ANYTHING, Limits
from reference.contract import CONTRACTS, PARAMETERS, Array

FEWEST_DIGITS = 2
"""The smallest number of right digits that a finding mentions."""
CACHED_ARGUMENTS = ("xt", "a_prev", "c_prev")
"""The entries of a cell's cache that are its arguments."""


def side_effect(
    function: str, implementation: Program, counterexample: Inputs, scope: Scope = ORDINARY
) -> Finding | None:
    """Find a side effect of calls, or another reason for two answers to equal arguments; `None` without any.

    A program may act at random, or read the parameters in the order of their dict. A program whose answers
    are all right may still overwrite earlier answers or its arguments.
    """
    limits, network = scope.limits, scope.network
    bigger = limits.fitted(larger_problem(function, counterexample, network))
    first, other = bigger.inputs(function), replace(bigger, seed=1).inputs(function)
    given, *reordered = [first] if network else _reordered(function, limits)
    inputs_of_both = [counterexample, first]
    shown, again, twice, permuted = (
        [implementation(inputs) for inputs in each]
        for each in (inputs_of_both, inputs_of_both, [given] * (len(reordered) + 1), reordered)
    )
    if not _same_outputs([*shown, *twice[1:]], [*again, *twice[:-1]]):
        return found("two answers")
    if not _same_outputs(permuted, twice[1:]) and same(implementation(given).outputs, twice[0].outputs):
        return found("order of parameters")
    right = [specification(function, limits)(inputs) for inputs in inputs_of_both]
    if not _same_outputs(shown, right) or any(
        _computes_wrong_entries(function, *pair) for pair in zip(shown, right, strict=True)
    ):
        return None
    later = implementation(first, then=other)
    if not (same(later.outputs, shown[1].outputs) and same(later.caches, shown[1].caches)):
        return overwriting(function, shown[1], later)
    return writing(function, shown, right)


def right_digits(
    function: str, implementation: Program, counterexample: Inputs, scope: Scope = ORDINARY
) -> Finding | None:
    """The number of right digits, if all answers are right to fewer digits than float64 has."""
    bigger = scope.limits.fitted(larger_problem(function, counterexample, scope.network))
    inputs_of_both = [counterexample, bigger.inputs(function)]
    shown, right = (
        [program(inputs) for inputs in inputs_of_both]
        for program in (implementation, specification(function, scope.limits))
    )
    digits = 0 if _same_outputs(shown, right) else _digits(shown, right)
    return found("digits", digits=digits) if digits >= FEWEST_DIGITS else None


def _same_outputs(some: Sequence[Behaviour], others: Sequence[Behaviour]) -> bool:
    return all(same(one.outputs, other.outputs) for one, other in zip(some, others, strict=True))


def _digits(shown: Sequence[Behaviour], right: Sequence[Behaviour]) -> int:
    """The number of right decimal digits of all outputs; 0 for outputs of other shapes or not in float64."""
    worst = 0.0
    for ours, spec in zip(shown, right, strict=True):
        if ours.outputs.keys() != spec.outputs.keys():
            return 0
        for place, theirs in spec.outputs.items():
            mine = ours.outputs[place]
            if isinstance(mine, str) or isinstance(theirs, str):
                if mine is not theirs and not alike(mine, theirs):
                    return 0
            elif mine.shape != theirs.shape or theirs.dtype != np.float64:
                return 0
            elif not alike(mine, theirs):
                worst = max(worst, off_by(mine, theirs))
    return int(-np.log10(worst)) if 0 < worst < 1 else 0


def _computes_wrong_entries(function: str, ours: Behaviour, right: Behaviour) -> bool:
    """Whether a cached result of a cell is wrong. A wrong cached argument may have been overwritten."""
    contract = CONTRACTS[function]
    results = {str(i) for i, name in enumerate(contract.cache) if name not in CACHED_ARGUMENTS}
    depth = 2 if contract.is_cell else 4  # of the entries of a cell's cache, in their paths
    return any(
        not alike(ours.caches.get(place, ""), entry)
        for place, entry in right.caches.items()
        if place.count(".") == depth and place.rpartition(".")[2] in results
    )


def _reordered(function: str, limits: Limits) -> Iterator[Inputs]:
    """One problem with its parameters in several orders, since a program may rely on an order.

    All sizes are 1, so that parameters in a wrong order have right shapes.
    """
    kind = CONTRACTS[function].kind
    inputs = limits.fitted(problem(function, n_x=1, n_a=1, n_y=1, m=1, T_x=1)).inputs(function)
    yield inputs
    by_gate = ("ficoy", "fiocy") if kind == "lstm" else ()
    orders = [[part + gate for gate in gates for part in "Wb"] for gates in by_gate]
    for names in ([*PARAMETERS[kind]], *orders):
        yield inputs.with_parameters(partial(_in_order, names))


def _in_order(names: Sequence[str], p: Mapping[str, Array]) -> dict[str, Array]:
    return {name: p[name] for name in names if name in p}


def symptoms(
    function: str, implementation: Program, counterexample: Inputs, limits: Limits = ANYTHING
) -> Finding | None:
    """The wrong outputs; `None` if they are unknown.

    If only the caches are wrong, the finding names these. If nothing is wrong beyond rounding, the finding
    says so.
    """
    right, shown = specification(function, limits)(counterexample), implementation(counterexample)
    if not same(shown.outputs, right.outputs):
        wrong = _wrong_outputs(function, counterexample, shown.outputs, right.outputs)
        return found("traces", outputs=wrong) if wrong else None
    return found("nearly") if same(shown.caches, right.caches) else found("traces", outputs=[("caches", "")])


def _wrong_outputs(function: str, inputs: Inputs, ours: Leaves, right: Leaves) -> list[tuple[str, str]]:
    """The wrong outputs, each with its first wrong step or layer; the place is empty for cells."""
    if ours.keys() != right.keys():
        return []
    wrong = []
    for i, name in enumerate(CONTRACTS[function].outputs):
        mine, spec = ours.get(f".{i}", ""), right.get(f".{i}", "")
        if alike(mine, spec):
            continue
        if isinstance(mine, str) or isinstance(spec, str):
            wrong.append((name, "no array"))
        elif mine.shape != spec.shape:
            wrong.append((name, "of another shape"))
        elif name.endswith("_last") and isinstance(inputs, LayerInputs):
            layer, direction = divmod(_first_wrong(mine, spec, 0), inputs.directions)
            wrong.append((name, f"first in layer {layer}, {('forward', 'backward')[direction]}"))
        else:
            wrong.append((name, f"first at step {_first_wrong(mine, spec, 2)}" if mine.ndim == 3 else ""))
    return wrong


def _first_wrong(ours: Array, right: Array, axis: int) -> int:
    """The first index along an axis at which two arrays differ."""
    pairs = zip(*(np.moveaxis(array, axis, 0) for array in (ours, right)), strict=True)
    return next((k for k, pair in enumerate(pairs) if not alike(*pair)), 0)
