"""Finds what the wrong entries of caches are, if the outputs are right."""

from dataclasses import replace

import numpy as np

from oracle.explanations.behaviour import Program, same_leaf
from oracle.explanations.claims import Claim
from oracle.explanations.observer import cached_arrays, observe
from oracle.explanations.problems import larger_problem
from oracle.explanations.steps import RESULTS, Steps
from oracle.problems.inputs import Inputs
from oracle.problems.limits import Limits
from reference.contract import CONTRACTS, Array

QUANTITIES = (
    *RESULTS,
    "xt",
    "a_prev",
    "c_prev",
    "z",
    "zf",
    "zi",
    "zc",
    "zo",
    "tanh(c_next)",
    "it * cct",
    "ft * c_prev",
)
"""The quantities that a cache may have in place of others."""


def wrong_cache_entries(
    function: str, program: Program, counterexample: Inputs, limits: Limits
) -> Claim | None:
    """The claim that says what each wrong entry is; `None` if an output is wrong, or an entry is unknown.

    The entry is another quantity of its step, or of the last step, as if all caches had the same array. The
    claim holds for two problems.
    """
    if not CONTRACTS[function].returns_caches or not limits.caches:
        return None
    first = limits.fitted(larger_problem(function, counterexample))
    found = []
    for problem in (first, replace(first, seed=1)):
        steps = observe(function, problem.inputs(function), program, limits)
        if steps is None or steps.first_wrong:
            return None
        found.append(_entries(function, steps))
    return Claim.of("cached", entries=[*map(list, found[0])]) if found[0] and found[0] == found[1] else None


def _entries(function: str, steps: Steps) -> list[tuple[str, str]]:
    """The name of each wrong entry, and what it is; empty if an entry is not known."""
    place = steps.place_of("yt_pred")
    m, T_x = place.sizes["m"], len(place.steps)  # one step, if the memory states of others are hidden
    values: dict[str, Array] = {}
    for name in QUANTITIES:
        if name in place.quantities.arguments or place.quantities.operation(name)[0]:
            values[name] = place.look(name)
            over_time = values[name].reshape(-1, m, T_x)
            last = np.broadcast_to(over_time[:, :, -1:], over_time.shape).reshape(values[name].shape)
            values[f"{name} of the last step of the sequence"] = last
    entries = []
    for name, array in cached_arrays(CONTRACTS[function], steps.answer, m, T_x).items():
        if not same_leaf(array, values[name]):
            what = next((each for each, value in values.items() if same_leaf(array, value)), "")
            entries.append((name, what))
    return entries if all(what for _, what in entries) else []
