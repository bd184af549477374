"""What is known of a mistake that is not in the catalogue."""

from dataclasses import replace

import numpy as np

from oracle.behaviour import Behaviour, Leaves, Program, alike, same, specification
from oracle.problem import Inputs
from reference.contract import CONTRACTS


def traces(function: str, implementation: Program, counterexample: Inputs) -> str:
    """What is known of a mistake that is not in the catalogue.

    That it acts at random, or does nothing wrong where it is asked alone; or else which entry of the caches
    is the first to be wrong, and with which simpler inputs the outputs become right. Empty where nothing is
    known, as of what raises.
    """
    right, shown = specification(function)(counterexample), implementation(counterexample)
    if not same(implementation(counterexample).outputs, shown.outputs):
        return RANDOM
    if same(shown.outputs, Behaviour.of_error().outputs):
        return ""
    if same(shown.outputs, right.outputs) and same(shown.caches, right.caches):
        return ALONE
    wrong = _first_wrong(function, counterexample.x.shape[2], shown.caches, right.caches)
    gone = [
        name
        for name, inputs in _simplified(counterexample).items()
        if not same(shown.outputs, right.outputs)
        and same(implementation(inputs).outputs, specification(function)(inputs).outputs)
    ]
    known = (
        f"the first wrong entry of the caches is {wrong}" if wrong else "",
        "the caches are right, or nearly" if same(shown.caches, right.caches) else "",
        f"goes away with {', '.join(gone)}" if gone else "",
    )
    return "; ".join(filter(None, known))


RANDOM = "it answers one question in two ways"
"""Of what acts at random, no more is known."""

ALONE = "asked this alone it is right, or nearly"
"""Of what depends on earlier calls, or is off by little more than rounding."""

IN_ORDER = ("xt", "a_prev", "c_prev", "ft", "it", "cct", "ot", "c_next", "a_next")
"""The entries of a cell's cache: what it is given, and what it computes from that, in this order."""


def _first_wrong(function: str, steps: int, ours: Leaves, right: Leaves) -> str:
    """Which entry of the caches is wrong before any other is, such as `ft of step 2`; empty where none is."""
    contract = CONTRACTS[function]
    for t in range(steps):
        cell = ".0" if contract.is_cell else f".0.0.{t}"
        places = {name: f"{cell}.{i}" for i, name in enumerate(contract.cache)}
        for name in (name for name in IN_ORDER if name in places):
            place = places[name]
            if place in ours and not alike(ours[place], right[place]):
                return f"{name} of step {t}"
    return ""


def _simplified(inputs: Inputs) -> dict[str, Inputs]:
    """The same problem with one thing less in it, where it has that thing."""
    zero = {
        name: np.zeros_like(array) if name[0] == "b" else array for name, array in inputs.parameters.items()
    }
    _, m, T_x = inputs.x.shape
    simpler = {
        "zero biases": replace(inputs, parameters=zero),
        "a zero state": replace(inputs, a0=np.zeros_like(inputs.a0), c0=np.zeros_like(inputs.c0)),
        "zero inputs": replace(inputs, x=np.zeros_like(inputs.x)),
    }
    if m > 1:
        simpler["one sample"] = inputs.columns([0])
    if T_x > 1:
        simpler["one step"] = inputs.span(0, 1)
    return simpler
