"""Draws the problems on which the benchmark of claims checks a claim: none of them is one of the search."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

import numpy as np

from oracle.explanations.changes import Condition
from oracle.explanations.claims import Claim
from oracle.explanations.probe_problems import inputs_for_conditions
from oracle.problems.drawing import ORDINARY
from oracle.problems.inputs import Inputs, LayerInputs
from oracle.problems.limits import Limits
from oracle.problems.problem import LayerProblem, Problem
from reference.contract import CONTRACTS

FRESH, AIMED = 50, 24
"""The number of fresh problems, and of further problems on both sides of the conditions of a claim."""
FIRST_SEED = 700_000
"""The seeds of the search are smaller."""
SIZES = ("n_x", "n_a", "n_y", "m", "T_x")
LENGTHS = ("absent", "random", "equal", "with T_x", "with 1")
MOST_STEPS_IN_WILD_NUMBERS = 2
"""More steps in wild numbers make rounding errors large."""

Case = tuple[str, Inputs]
"""A problem in words, and its inputs."""


def fresh_problems(
    function: str, shown: Sequence[Problem], limits: Limits, seed: int = FIRST_SEED
) -> Iterator[Problem]:
    """Problems of all settings: equal and distinct sizes, layers, directions, lengths, float64 and float32.

    A third of these have the regime of the first shown problem, if this regime has no ordinary numbers.
    """
    rng = np.random.default_rng(seed)
    rare = [shown[0].regime] if shown[0].regime in ("huge", "subnormal") else []
    for k in range(FRESH):
        sizes = dict(zip(SIZES, (1 + rng.permutation(9)[: len(SIZES)]).tolist(), strict=True))
        if k % 5 == 0:
            sizes = dict.fromkeys(SIZES, 1 + k // 5 % 6)
        elif k % 5 == 1:
            sizes[SIZES[k // 5 % len(SIZES)]] = int(rng.integers(16, 70))
        regime = (
            rare[0] if rare and k % 3 == 0 else ("unit", "ternary", "unit", "counting", "wild")[k // 2 % 5]
        )
        dtype = "float32" if k % 4 == 3 and regime in ("unit", "ternary") else "float64"
        if CONTRACTS[function].is_backward and regime == "wild":
            regime = "unit"
        if regime == "wild":
            sizes["T_x"] = min(sizes["T_x"], MOST_STEPS_IN_WILD_NUMBERS)
        fields: dict[str, Any] = {**sizes, "seed": seed + k, "regime": regime, "dtype": dtype}
        yield limits.fitted(_with_options(function, shown[0], k, fields))


def _with_options(function: str, shown: Problem, k: int, fields: dict[str, Any]) -> Problem:
    """The problem number `k`; of layers, with the options of this number."""
    if not isinstance(shown, LayerProblem):
        return Problem.of(function, **fields)
    options: dict[str, Any] = {"lengths": LENGTHS[k // 2 % 5]}
    if shown.weights:
        kept = {name: fields[name] for name in ("m", "T_x", "seed")}
        return replace(shown, **kept, **options)
    options |= {"layers": 1 + k % 3, "directions": 1 + k // 3 % 2}
    options["initial"] = "zero" if k % 9 == 8 else "given"
    if CONTRACTS[function].kind == "rnn":
        options["activation"] = "relu" if k % 4 == 1 and fields["regime"] == "unit" else "tanh"
    elif k % 3 == 1:
        options["n_p"] = fields["n_a"] if k % 2 else max(fields["n_a"] // 2, 1)
    return Problem.of(function, **fields, **options)


def cases(function: str, claim: Claim, shown: Sequence[Problem], limits: Limits) -> Iterator[Case]:
    """The shown problems, the fresh ones, and problems on both sides of the conditions of a claim.

    Of shown problems with infinities, the law itself has compared the shown element with the claim. A formula
    says nothing about the others, such as inf / inf.
    """
    finite = [each for each in shown if each.regime != "nonfinite"]
    every = [*finite, *fresh_problems(function, shown, limits)]
    yield from ((repr(each), each.inputs(function)) for each in every)
    yield from aimed_cases(function, claim, shown[0], limits)


def aimed_cases(function: str, claim: Claim, shown: Problem, limits: Limits) -> Iterator[Case]:
    """Problems on both sides of the conditions of a claim."""
    conditions = [Condition(**each) for each in claim.facts.get("when") or ()]

    def draw(**fields: Any) -> Inputs:
        named = {"L": "layers", "D": "directions"}
        fields = {named.get(name, name): value for name, value in fields.items()}
        own = {name: fields.pop(name) for name in ("layers", "directions", "n_p") if name in fields}
        k = fields["seed"] % 1000
        given = _with_options(function, shown, k, fields)
        if isinstance(given, LayerProblem) and not given.weights:
            own["directions"] = min(own.get("directions", given.directions), 2)
            n_p = own.get("n_p", given.n_p) if CONTRACTS[function].kind == "lstm" else 0
            given = replace(given, **{**own, "n_p": min(n_p, given.n_a)})
        return limits.fitted(given).inputs(function)

    testing = inputs_for_conditions(
        draw, conditions, shown.inputs(function), FIRST_SEED // 1000, limits.dtypes
    )
    if conditions:
        yield from ((f"aimed: {described(each)}", each) for each in islice(testing, AIMED))


def described(inputs: Inputs) -> str:
    """The sizes and the dtype of inputs that no line rebuilds."""
    more = ", with lengths" if isinstance(inputs, LayerInputs) and inputs.lengths is not None else ""
    return f"{', '.join(f'{name}={size}' for name, size in inputs.sizes.items())}, {inputs.dtype}{more}"


def ordinary_cases(function: str, shown: Sequence[Problem], limits: Limits) -> Iterator[Case]:
    """Fresh problems in ordinary numbers and the widest dtype, and the shown ones that are ordinary, too."""
    every = chain(shown, fresh_problems(function, shown, limits))
    for each in every:
        if each.regime in ORDINARY and each.dtype == limits.dtypes[0]:
            yield repr(each), each.inputs(function)
