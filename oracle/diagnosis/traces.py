"""Findings about a mistake that is not in the catalogue, from how an implementation answers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

import numpy as np

from oracle.diagnosis.behaviour import Behaviour, Leaves, Program, alike, off_by, same, specification
from oracle.diagnosis.findings import Finding, found
from oracle.diagnosis.overwritten_arrays import overwriting, writing
from oracle.diagnosis.questions import larger, problem
from oracle.diagnosis.simpler_problems import simplified, with_parameters
from oracle.inputs import Inputs, LayerInputs
from oracle.limits import ANYTHING, Limits
from oracle.problem import LayerProblem
from reference.contract import CONTRACTS, PARAMETERS, Array


def manners(
    function: str,
    implementation: Program,
    counterexample: Inputs,
    limits: Limits = ANYTHING,
    network: LayerProblem | None = None,
) -> Finding | None:
    """What is wrong with the way it answers, whatever it computes; `None` if nothing.

    It may act at random, remember earlier calls, or read the parameters by their order in the dict. One that
    computes everything right may overwrite earlier answers or its arguments.
    """
    bigger = limits.fitted(larger(function, counterexample, network))
    first, other = bigger.inputs(function), replace(bigger, seed=1).inputs(function)
    given, *reordered = [first] if network else _reordered(function, limits)
    asked = [counterexample, first]
    shown, again, twice, permuted = (
        [implementation(inputs) for inputs in each]
        for each in (asked, asked, [given] * (len(reordered) + 1), reordered)
    )
    if not _same_outputs([*shown, *twice[1:]], [*again, *twice[:-1]]):
        return found("two answers", after=[])
    if not _same_outputs(permuted, twice[1:]) and same(implementation(given).outputs, twice[0].outputs):
        return found("order of parameters")
    right = [specification(function, limits)(inputs) for inputs in asked]
    if not _same_outputs(shown, right) or any(
        _computed_wrongly(function, *pair) for pair in zip(shown, right, strict=True)
    ):
        return None
    later = implementation(first, then=other)
    if not (same(later.outputs, shown[1].outputs) and same(later.caches, shown[1].caches)):
        return overwriting(function, shown[1], later)
    return writing(function, shown, right)


def precision(
    function: str,
    implementation: Program,
    counterexample: Inputs,
    limits: Limits = ANYTHING,
    network: LayerProblem | None = None,
) -> Finding | None:
    """The number of right digits, if all answers are nearly right, with fewer digits than float64."""
    bigger = limits.fitted(larger(function, counterexample, network))
    asked = [counterexample, bigger.inputs(function)]
    shown, right = (
        [program(inputs) for inputs in asked] for program in (implementation, specification(function, limits))
    )
    digits = 0 if _same_outputs(shown, right) else _digits(shown, right)
    return found("digits", digits=digits) if digits >= FEWEST else None


def _same_outputs(some: Sequence[Behaviour], others: Sequence[Behaviour], factor: float = 1) -> bool:
    return all(same(one.outputs, other.outputs, factor) for one, other in zip(some, others, strict=True))


def _digits(shown: Sequence[Behaviour], right: Sequence[Behaviour]) -> int:
    """The number of right decimal digits of all outputs; 0 for other shapes, or in less than float64."""
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


def _computed_wrongly(function: str, ours: Behaviour, right: Behaviour) -> bool:
    """Whether cached results of a cell are wrong; cached arguments may only have been overwritten."""
    return any(name not in GIVEN for name, _ in _wrong_entries(function, ours.caches, right.caches))


def _reordered(function: str, limits: Limits) -> Iterator[Inputs]:
    """One problem with the parameters in several orders, on which a program may rely.

    All sizes are 1, so that the arrays in a wrong order have right shapes.
    """
    kind = CONTRACTS[function].kind
    inputs = limits.fitted(problem(function, n_x=1, n_a=1, n_y=1, m=1, T_x=1)).inputs(function)
    by_gate = ("ficoy", "fiocy") if kind == "lstm" else ()
    orders = [[part + gate for gate in gates for part in "Wb"] for gates in by_gate]
    yield inputs
    for names in (PARAMETERS[kind], *orders):
        yield with_parameters(inputs, partial(_in_order, names))


def _in_order(names: Iterable[str], p: Mapping[str, Array]) -> dict[str, Array]:
    return {name: p[name] for name in names if name in p}


def traces(
    function: str,
    implementation: Program,
    counterexample: Inputs,
    limits: Limits = ANYTHING,
    network: LayerProblem | None = None,
) -> Finding | None:
    """What is known of a mistake that is not in the catalogue; `None` if nothing.

    Nothing or too little is wrong; or else the first wrong entry of the caches, for layers the wrong outputs,
    and the simpler problems on which all outputs are right.
    """
    specified = specification(function, limits)
    right, shown = specified(counterexample), implementation(counterexample)
    if same(shown.outputs, right.outputs) and same(shown.caches, right.caches):
        return found("nearly")
    wrong = next(_wrong_entries(function, shown.caches, right.caches), None)
    has_caches = limits.caches and not CONTRACTS[function].is_layer
    caches_are_right = has_caches and same(shown.caches, right.caches)
    gone: list[str] = []
    if not same(shown.outputs, right.outputs):
        others = list(map(simplified, _others_like(function, counterexample, limits, network)))
        for name, simpler in simplified(counterexample).items():
            every = [simpler, *(other[name] for other in others if name in other)]
            if all(same(implementation(each).outputs, specified(each).outputs) for each in every):
                gone.append(name)
    known = {
        "entry": [*wrong] if wrong else [],
        "caches_are_right": caches_are_right,
        "outputs": _wrong_outputs(function, counterexample, shown.outputs, right.outputs),
        "right_with": gone,
    }
    return found("traces", **known) if any(known.values()) else None


def _others_like(
    function: str, counterexample: Inputs, limits: Limits, network: LayerProblem | None
) -> Iterator[Inputs]:
    """Larger problems with the same options as the counterexample, with ordinary and with large weights."""
    dtype: Any = counterexample.dtype.name
    bigger = replace(limits.fitted(larger(function, counterexample, network)), dtype=dtype)
    for seed in range(3):
        inputs = replace(bigger, seed=seed).inputs(function)
        yield inputs
        yield with_parameters(inputs, lambda p: {name: 3 * array for name, array in p.items()})


FEWEST = 2
"""The fewest right digits that are mentioned."""

GIVEN = ("xt", "a_prev", "c_prev")
IN_ORDER = (*GIVEN, "ft", "it", "cct", "ot", "c_next", "a_next")
"""The entries of a cell's cache in the order of computation, its arguments first."""


def _wrong_entries(function: str, ours: Leaves, right: Leaves) -> Iterator[tuple[str, int]]:
    """The wrong entries of the caches with their steps, such as `ft` of step 2, in order of computation."""
    contract = CONTRACTS[function]
    if contract.is_layer:
        return
    for t in count():
        cell = ".0" if contract.is_cell else f".0.0.{t}"
        places = {name: f"{cell}.{i}" for i, name in enumerate(contract.cache)}
        if places["xt"] not in right or (contract.is_cell and t):
            return
        for name in (name for name in IN_ORDER if name in places):
            place = places[name]
            if place in ours and not alike(ours[place], right[place]):
                yield name, t


def _wrong_outputs(function: str, inputs: Inputs, ours: Leaves, right: Leaves) -> list[tuple[str, str]]:
    """The wrong outputs of layers, each with its first wrong step or layer."""
    if not isinstance(inputs, LayerInputs) or ours.keys() != right.keys():
        return []
    wrong = []
    for i, name in enumerate(CONTRACTS[function].outputs):
        if f".{i}" not in right:  # a target of these limits does not show it
            continue
        mine, spec = ours[f".{i}"], right[f".{i}"]
        if alike(mine, spec):
            continue
        if isinstance(mine, str) or isinstance(spec, str) or mine.shape != spec.shape:
            wrong.append((name, "of another shape"))
            continue
        time_or_place = 2 if name == "a" else 0
        pairs = zip(*(np.moveaxis(array, time_or_place, 0) for array in (mine, spec)), strict=True)
        first = next((k for k, pair in enumerate(pairs) if not alike(*pair)), 0)
        layer, direction = divmod(first, inputs.directions)
        place = f"in layer {layer}, {('forward', 'backward')[direction]}"
        wrong.append((name, f"first {f'at step {first}' if name == 'a' else place}"))
    return wrong
