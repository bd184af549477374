"""Finds what a mistake outside of the catalogue does: side effects, or wrong digits."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import starmap
from typing import Any

import numpy as np

from oracle.explanations.behaviour import (
    TOLERANCE,
    Behaviour,
    Program,
    all_same,
    cache_paths,
    relative_error,
    same_leaf,
    same_leaves,
    specification,
)
from oracle.explanations.claims import Claim
from oracle.explanations.problems import ORDINARY, Scope, larger_problem
from oracle.explanations.wrong_outputs import output_name
from oracle.problems.inputs import Inputs
from oracle.problems.limits import ANYTHING, Limits
from oracle.problems.problem import LayerProblem, Problem
from reference.contract import CONTRACTS, Array

FEWEST_DIGITS = 2
"""The smallest number of right digits that a finding mentions."""
LARGEST_GROWTH = 30
"""The most times that an error is larger on problems with larger numbers and more layers.

Errors of programs that lose digits were at most 10 times as large there, those of approximations 50 times.
"""


def side_effect(
    function: str, implementation: Program, counterexample: Inputs, scope: Scope = ORDINARY
) -> Claim | None:
    """Find a side effect of calls, or why equal arguments have different answers; `None` if neither exists.

    A program may act at random, or read the parameters in the order of their dict. A program with right
    answers may still overwrite earlier answers, or its arguments.
    """
    limits, network = scope.limits, scope.network
    bigger = limits.fitted(larger_problem(function, counterexample, network))
    first, other = bigger.inputs(function), replace(bigger, seed=1).inputs(function)
    given, *reordered = [first] if network else _reordered(function, limits)
    inputs_of_both = [counterexample, first]
    shown, again, repeated, permuted = (
        [implementation(inputs) for inputs in each]
        for each in (inputs_of_both, inputs_of_both, [given] * (len(reordered) + 1), reordered)
    )
    if not all_same([*shown, *repeated[1:]], [*again, *repeated[:-1]]):
        return Claim.of("two answers")
    if not all_same(permuted, repeated[1:]) and all_same([implementation(given)], repeated[:1]):
        return Claim.of("order of parameters")
    right = [specification(function, limits)(inputs) for inputs in inputs_of_both]
    if not all_same(shown, right) or any(
        _computes_wrong_entries(function, *each) for each in zip(inputs_of_both, shown, right, strict=True)
    ):
        return None
    later = implementation(first, then=other)
    if not (same_leaves(later.outputs, shown[1].outputs) and same_leaves(later.caches, shown[1].caches)):
        is_random = not all_same([implementation(first, then=other)], [later])
        return Claim.of("two answers") if is_random else _overwritten_outputs(function, shown[1], later)
    return written_arguments(function, shown, right)


def written_arguments(function: str, shown: Sequence[Behaviour], right: Sequence[Behaviour]) -> Claim | None:
    """The claim about the arguments that calls write to, with the keys in dicts; `None` if there are none."""
    contract = CONTRACTS[function]
    names, written = [*contract.arguments, *contract.last_arguments], set[tuple[int, str]]()
    for ours, spec in zip(shown, right, strict=True):
        for path in ours.arguments.keys() | spec.arguments.keys():
            if same_leaf(ours.arguments.get(path, ""), spec.arguments.get(path, "")):
                continue
            _, number, *keys = path.split(".")
            key = next((key for key in keys if key and not key.isdecimal()), "")
            written.add((int(number), key))
    some_keys = {number for number, key in written if key}
    listed = [
        f"{names[number]}[{key!r}]" if key else names[number]
        for number, key in sorted(written)
        if key or number not in some_keys
    ]
    return Claim.of("writes", arguments=listed) if listed else None


def _overwritten_outputs(function: str, shown: Behaviour, later: Behaviour) -> Claim:
    """The claim about the outputs that a later call overwrites, or of the caches if no output changes."""
    names = dict.fromkeys(
        output_name(function, path)
        for path, leaf in shown.outputs.items()
        if not same_leaf(later.outputs.get(path, ""), leaf)
    )
    return Claim.of("overwrites", arrays=[*names] or ["caches"])


def right_digits(
    function: str, implementation: Program, counterexample: Inputs, scope: Scope = ORDINARY
) -> Claim | None:
    """The claim about the number of right digits, if it is at least `FEWEST_DIGITS`, and not by rounding.

    On an ordinary problem, most numbers of an output must be off. On other ones, with larger numbers and more
    layers, errors may be `LARGEST_GROWTH` times as large. Otherwise the mistake is no loss of digits, but
    small here: a gate that saturates too soon, or a function by an approximation, for example. Nor is it one
    if an output whose numbers are all small is off by more: small weights are left out, for example.
    """
    bigger = larger_problem(function, counterexample, scope.network)
    every = [bigger, *_enlarging(bigger, scope.network is None)]
    inputs_of_all = [counterexample, *(scope.limits.fitted(each).inputs(function) for each in every)]
    if any(inputs.dtype != np.float64 for inputs in inputs_of_all[:2]):
        return None
    right, errors, of_outputs = specification(function, scope.limits), list[float](), list[float]()
    names, wrong = dict[str, None](), dict[str, None]()
    for k, inputs in enumerate(inputs_of_all):
        theirs = right(inputs)
        pairs = _pairs(implementation(inputs), theirs)
        if pairs is None or (k == 1 and not any(starmap(_is_mostly_off, pairs.values()))):
            return None
        by_path = {path: relative_error(*pair) for path, pair in pairs.items()}
        names |= dict.fromkeys(output_name(function, path) for path in by_path)
        off = (path for path, error in by_path.items() if error > TOLERANCE["float64"])
        wrong |= dict.fromkeys(output_name(function, path) for path in off)
        errors.append(max(by_path.values(), default=0.0))
        of_outputs += starmap(_error_of_output, pairs.values())
    worst = max(errors)
    digits = int(-np.log10(worst)) if 0 < worst < min(1, LARGEST_GROWTH * max(errors[:2])) else 0
    if digits < FEWEST_DIGITS or max(of_outputs) > LARGEST_GROWTH * 10.0**-digits:
        return None
    return Claim.of("digits", digits=digits, **({"outputs": [*wrong]} if len(wrong) < len(names) else {}))


def _enlarging(shown: Problem, may_add_layers: bool) -> Iterator[Problem]:
    """Problems that may enlarge a small error: with larger numbers, and with more layers."""
    for seed in range(2):
        for regime, T_x in (("unit", 6), ("counting", 6), ("wild", 2)):
            changed: Any = {"regime": regime, "T_x": T_x, "seed": 1 + seed}
            if may_add_layers and seed and isinstance(shown, LayerProblem):
                changed["layers"] = 3
            yield replace(shown, **changed)


def flushed_subnormals(
    function: str, implementation: Program, shown: Problem, limits: Limits = ANYTHING
) -> Claim | None:
    """The claim that a program is wrong only for subnormal numbers.

    `None` if the program is right, or wrong for ordinary numbers or small normal numbers, too.
    """
    right_program = specification(function, limits)
    ordinary, inputs = replace(shown, regime="unit").inputs(function), shown.inputs(function)
    if not same_leaves(implementation(ordinary).outputs, right_program(ordinary).outputs):
        return None
    small = _enlarged(inputs)
    errors = _errors(implementation(small), right_program(small))
    if errors is None or errors[0].size:
        return None
    errors = _errors(implementation(inputs), right_program(inputs))
    if errors is None or not errors[0].size or (errors[0] >= float(np.finfo(inputs.dtype).tiny)).any():
        return None
    return Claim.of("subnormals", all=bool((errors[1] == 0).all()))


def _enlarged(inputs: Inputs) -> Inputs:
    """Multiply the tiny numbers of the inputs, so that their products with ordinary numbers are normal."""
    limits = np.finfo(inputs.dtype)
    factor = float(np.exp2(limits.nmant + min(12, -limits.minexp // 4)))

    def enlarged(array: Array) -> Array:
        factors = np.where(np.abs(array) < 4 * limits.tiny, factor, 1.0)
        return (array * factors).astype(array.dtype)

    x, a0, c0 = (enlarged(array) for array in (inputs.x, inputs.a0, inputs.c0))
    changed = inputs.with_parameters(lambda p: {name: enlarged(array) for name, array in p.items()})
    return replace(changed, x=x, a0=a0, c0=c0)


def _errors(ours: Behaviour, right: Behaviour) -> tuple[Array, Array] | None:
    """The errors of the wrong numbers in all outputs, and these numbers; `None` if the shapes differ."""
    pairs = _pairs(ours, right)
    if pairs is None:
        return None
    every = pairs.values()
    shown, exact = (np.concatenate([np.zeros(0), *(np.ravel(pair[k]) for pair in every)]) for k in (0, 1))
    wrong = np.abs(shown - exact) > 1e-4 * np.abs(exact)  # more than rounding in any precision
    return np.abs(shown - exact)[wrong], shown[wrong]


def _pairs(ours: Behaviour, right: Behaviour) -> dict[str, tuple[Array, Array]] | None:
    """The arrays in the outputs of both behaviours; `None` if shapes or values without numbers differ."""
    mine, spec = (
        {path: leaf if isinstance(leaf, str) else leaf.shape for path, leaf in each.outputs.items()}
        for each in (ours, right)
    )
    if mine != spec:
        return None
    paths = [path for path, leaf in right.outputs.items() if not isinstance(leaf, str)]
    return {path: (np.asarray(ours.outputs[path]), np.asarray(right.outputs[path])) for path in paths}


def _error_of_output(ours: Array, right: Array) -> float:
    """The largest error of the finite numbers in an output, relative to the largest number in it.

    Numbers that float32 flushes to 0 do not count.
    """
    is_finite = np.isfinite(right)
    with np.errstate(over="ignore"):
        error = float(np.max(np.abs(ours[is_finite] - right[is_finite]), initial=0.0))
    return error / float(np.max(np.abs(right[is_finite]), initial=np.finfo("float32").tiny))


def _is_mostly_off(ours: Array, right: Array) -> bool:
    """Whether more than half of the numbers are off, of those that are not 0."""
    errors = np.abs(ours - right)[right != 0] / (1 + np.abs(right[right != 0]))
    return errors.size > 0 and bool(np.median(errors) > TOLERANCE["float64"])


def _computes_wrong_entries(function: str, inputs: Inputs, ours: Behaviour, right: Behaviour) -> bool:
    """Whether a cached result is wrong. A cached argument may be wrong only because it was overwritten."""
    contract = CONTRACTS[function]
    cached_arguments = CONTRACTS[f"{contract.kind}_cell_forward"].arguments
    results = [i for i, name in enumerate(contract.cache) if name not in cached_arguments]
    every = (f"{path}.{i}" for path in cache_paths(contract, inputs.x.shape[2]) for i in results)
    return any(not same_leaf(ours.caches.get(each, ""), right.caches.get(each, "")) for each in every)


def _reordered(function: str, limits: Limits) -> Iterator[Inputs]:
    """A problem with its parameters in several orders. All sizes are 1, so that the shapes fit any order."""
    network = CONTRACTS[function].network
    inputs = limits.fitted(Problem.of(function, n_x=1, n_a=1, n_y=1, m=1, T_x=1)).inputs(function)
    yield inputs
    by_gate = ("ficoy", "fiocy") if len(network.gates) == 4 else ()
    orders = [[part + gate for gate in gates for part in "Wb"] for gates in by_gate]
    for names in ([*network.parameters], *orders):
        yield _in_order(inputs, names)


def _in_order(inputs: Inputs, names: Sequence[str]) -> Inputs:
    return inputs.with_parameters(lambda p: {name: p[name] for name in names if name in p})
