"""Finds the effects of a mistake that is not in the catalogue: side effects, wrong digits, wrong outputs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from oracle.diagnosis.behaviour import Behaviour, Leaves, Program, alike, off_by, same, specification
from oracle.diagnosis.findings import Finding, found
from oracle.diagnosis.questions import ORDINARY, Scope, larger_problem, problem
from oracle.inputs import Inputs, LayerInputs
from oracle.limits import ANYTHING, Limits
from oracle.problem import Problem
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
        is_random = not _same_outputs([implementation(first, then=other)], [later])
        return found("two answers") if is_random else _overwritten_outputs(function, shown[1], later)
    return _written_arguments(function, shown, right)


def _written_arguments(
    function: str, shown: Sequence[Behaviour], right: Sequence[Behaviour]
) -> Finding | None:
    """The arguments that calls write to, with keys of dicts; `None` if calls write to no argument."""
    contract = CONTRACTS[function]
    dicts = ("parameters", "options")
    if contract.is_backward and not contract.is_layer:
        dicts = ("cache" if contract.is_cell else "caches", "")
    names, written = [*contract.arguments, *dicts], set[tuple[int, str]]()
    for ours, spec in zip(shown, right, strict=True):
        for place in _changed(ours, spec):
            _, number, *keys = place.split(".")
            key = next((key for key in keys if key and not key.isdecimal()), "")
            written.add((int(number), key))
    some_keys = {number for number, key in written if key}
    listed = [
        f"{names[number]}[{key!r}]" if key else names[number]
        for number, key in sorted(written)
        if key or number not in some_keys
    ]
    return found("writes", arguments=listed) if listed else None


def _overwritten_outputs(function: str, shown: Behaviour, later: Behaviour) -> Finding:
    """The outputs that a later call overwrites; if there are none, the caches."""
    every = enumerate(CONTRACTS[function].outputs)
    names = [
        name for i, name in every if not alike(later.outputs.get(f".{i}", ""), shown.outputs.get(f".{i}", ""))
    ]
    return found("overwrites", arrays=names or ["caches"])


def _changed(ours: Behaviour, right: Behaviour) -> Iterator[str]:
    """The paths in the arguments at which a value has changed."""
    for place in ours.arguments.keys() | right.arguments.keys():
        mine, spec = ours.arguments.get(place, ""), right.arguments.get(place, "")
        if not alike(mine, spec):
            yield place


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
    numbers = [*map(_numbers, shown, right)]
    if _same_outputs(shown, right) or any(inputs.dtype != np.float64 for inputs in inputs_of_both):
        return None
    worst = max(np.inf if both is None else off_by(*both) for both in numbers)
    digits = int(-np.log10(worst)) if 0 < worst < 1 else 0
    return found("digits", digits=digits) if digits >= FEWEST_DIGITS else None


def flushes(
    function: str, implementation: Program, problem: Problem, limits: Limits = ANYTHING
) -> Finding | None:
    """The finding that a program is wrong only for subnormal numbers; `None` if it is not.

    A program that is also wrong for ordinary numbers, or for small normal numbers, makes another mistake.
    """
    right_program = specification(function, limits)
    ordinary, inputs = (
        replace(problem, regime=regime).inputs(function) for regime in ("unit", problem.regime)
    )
    if not same(implementation(ordinary).outputs, right_program(ordinary).outputs):
        return None
    small = _enlarged(inputs)
    errors = _errors(implementation(small), right_program(small))
    if errors is None or errors[0].size:
        return None
    errors = _errors(implementation(inputs), right_program(inputs))
    if errors is None or not errors[0].size or (errors[0] >= float(np.finfo(inputs.dtype).tiny)).any():
        return None
    return found("subnormals", all=bool((errors[1] == 0).all()))


def _enlarged(inputs: Inputs) -> Inputs:
    """The inputs with subnormal numbers multiplied by a factor that makes their products normal."""
    limits = np.finfo(inputs.dtype)
    factor = float(np.exp2(limits.nmant + min(12, -limits.minexp // 4)))

    def enlarged(array: Array) -> Array:
        large = array.copy()
        is_small = np.abs(array) < 4 * limits.tiny
        large[is_small] = array[is_small].astype(np.float64) * factor
        return large

    x, a0, c0 = (enlarged(array) for array in (inputs.x, inputs.a0, inputs.c0))
    changed = inputs.with_parameters(lambda p: {name: enlarged(array) for name, array in p.items()})
    return replace(changed, x=x, a0=a0, c0=c0)


def _errors(ours: Behaviour, right: Behaviour) -> tuple[Array, Array] | None:
    """The errors of the wrong numbers in all outputs, and the numbers; `None` for outputs of other shapes."""
    numbers = _numbers(ours, right)
    if numbers is None:
        return None
    shown, exact = numbers
    wrong = np.abs(shown - exact) > 1e-4 * np.abs(exact)  # more than rounding in any precision
    return np.abs(shown - exact)[wrong], shown[wrong]


def _numbers(ours: Behaviour, right: Behaviour) -> tuple[Array, Array] | None:
    """The numbers in all outputs of both; `None` if the shapes differ, or what is no number differs."""
    forms = [
        {place: leaf if isinstance(leaf, str) else leaf.shape for place, leaf in each.outputs.items()}
        for each in (ours, right)
    ]
    if forms[0] != forms[1]:
        return None
    places = [place for place, leaf in right.outputs.items() if not isinstance(leaf, str)]
    shown, exact = (
        np.concatenate([np.zeros(0), *(np.ravel(each.outputs[place]) for place in places)])
        for each in (ours, right)
    )
    return shown, exact


def _same_outputs(some: Sequence[Behaviour], others: Sequence[Behaviour]) -> bool:
    return all(same(one.outputs, other.outputs) for one, other in zip(some, others, strict=True))


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
