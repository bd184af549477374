"""What is known of a mistake that is not in the catalogue, from how an implementation answers."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from oracle.behaviour import Leaves, Program, alike, same, specification
from oracle.problem import Inputs, Problem
from reference.contract import CONTRACTS, PARAMETERS


def manners(function: str, implementation: Program, counterexample: Inputs) -> list[str]:
    """What is wrong with the way it answers, whatever the answer is; nothing where that is in order."""
    asked = [counterexample, *_reordered(function)]
    once, again = ([implementation(inputs).outputs for inputs in asked] for _ in range(2))
    if not all(map(same, once, again)):
        return ["it answers one question in two ways"]
    _, given, *reordered = once
    if not all(same(outputs, given) for outputs in reordered):
        return ["the answer depends on the order of the parameters in their dict"]
    return []


def _reordered(function: str) -> Iterator[Inputs]:
    """One problem with the parameters in orders that somebody may count on.

    All sizes are 1, where few arrays have a shape that they should not have.
    """
    kind = CONTRACTS[function].kind
    inputs = Problem(kind, n_x=1, n_a=1, n_y=1, m=1, T_x=1).inputs(function)
    by_gate = ("ficoy", "fiocy") if kind == "lstm" else ()
    orders = [[part + gate for gate in gates for part in "Wb"] for gates in by_gate]
    for names in (inputs.parameters, PARAMETERS[kind], *orders):
        yield replace(inputs, parameters={name: inputs.parameters[name] for name in names})


def traces(function: str, implementation: Program, counterexample: Inputs) -> str:
    """What is known of a mistake that is not in the catalogue.

    That it does nothing wrong where it is asked alone; or else which entry of the caches is the first to be
    wrong, and with which simpler inputs the outputs become right. Empty where nothing is known.
    """
    right, shown = specification(function)(counterexample), implementation(counterexample)
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
