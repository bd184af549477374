"""What is known of a mistake that is not in the catalogue, from how an implementation answers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from oracle.behaviour import Behaviour, Leaves, Program, alike, same, specification
from oracle.problem import Inputs, Problem
from reference.contract import CONTRACTS, PARAMETERS


def manners(function: str, implementation: Program, counterexample: Inputs) -> list[str]:
    """What is wrong with the way it answers, whatever it computes; nothing where that is in order.

    That it acts at random, takes the parameters by their place, overwrites what it has returned, writes to
    its arguments though its answer is right, or answers with fewer digits than float64 has.
    """
    problem = Problem(CONTRACTS[function].kind, n_x=3, n_a=4, n_y=2, m=5, T_x=6)
    larger, other = problem.inputs(function), replace(problem, seed=1).inputs(function)
    asked = [counterexample, larger, *_reordered(function)]
    shown, again = ([implementation(inputs) for inputs in asked] for _ in range(2))
    if not _same_outputs(shown, again):
        return ["it answers one question in two ways"]
    _, _, given, *reordered = shown
    if not _same_outputs([given] * len(reordered), reordered):
        return ["the answer depends on the order of the parameters in their dict"]
    later = implementation(larger, then=other)
    if not (same(later.outputs, shown[1].outputs) and same(later.caches, shown[1].caches)):
        return ["a later call overwrites what an earlier one has returned"]
    right = [specification(function)(inputs) for inputs in asked]
    if not _same_outputs(shown, right):
        few = _same_outputs(shown, right, FIVE_DIGITS)
        return ["right to five digits only, as if float32 or an epsilon were in it"] if few else []
    names = [*CONTRACTS[function].arguments, "parameters"]
    places = {place for ours, spec in zip(shown, right, strict=True) for place in _changed(ours, spec)}
    written = [name for i, name in enumerate(names) if any(place.split(".")[1] == str(i) for place in places)]
    return [f"it writes to {' and '.join(written)}"] if written else []


def _same_outputs(some: Sequence[Behaviour], others: Sequence[Behaviour], factor: float = 1) -> bool:
    return all(same(one.outputs, other.outputs, factor) for one, other in zip(some, others, strict=True))


def _changed(ours: Behaviour, right: Behaviour) -> Iterator[str]:
    """Where an argument is not what it was."""
    for place in ours.arguments.keys() | right.arguments.keys():
        mine, spec = ours.arguments.get(place, ""), right.arguments.get(place, "")
        if not alike(mine, spec):
            yield place


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

    That it does nothing wrong, or too little to tell; or else which entry of the caches is the first to be
    wrong, and with which simpler inputs the outputs become right. Empty where nothing is known.
    """
    right, shown = specification(function)(counterexample), implementation(counterexample)
    if same(shown.outputs, right.outputs) and same(shown.caches, right.caches):
        return NEARLY
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


NEARLY = "right, but for less than would tell one mistake from another"
"""Of what is off by little more than rounding, or was when other calls had gone before."""

FIVE_DIGITS = 1e6
"""How many times the rounding of float64 that is let pass."""

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
