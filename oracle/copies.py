"""What became of weights in a copy of them: nothing, a mistake that has a name, or where they differ."""

from collections.abc import Mapping, Sequence

import numpy as np

import reference
from oracle.checkpoints import RecurrentLayer
from oracle.diagnosis.behaviour import Behaviour, Program
from oracle.diagnosis.names import diagnose
from oracle.inputs import Inputs
from oracle.problem import LayerProblem
from reference.contract import Array

SIZES = ("kind", "layers", "directions", "n_x", "n_a", "n_p")


def difference(original: RecurrentLayer, network: LayerProblem, copy: RecurrentLayer) -> str:
    """How a copy differs from the original, in a sentence; empty where every number is the same.

    `network` is a problem that has the original's weights.
    """
    for name in SIZES:
        if getattr(original, name) != getattr(copy, name):
            return f"{name} is {getattr(copy, name)} where the original has {getattr(original, name)}"
    where = [
        (place, name, ours, copy.parameters[place][name])
        for place, p in enumerate(original.parameters)
        for name, ours in p.items()
        if not np.array_equal(ours, copy.parameters[place][name])
    ]
    if not where:
        return ""
    function = network.kind
    names = diagnose(function, port(function, copy.parameters), network.inputs(function), network=network)
    if names:
        return names[0].words
    place, name, ours, theirs = where[0]
    layer, direction = divmod(place, original.directions)
    widest = float(np.abs(ours.astype(np.float64) - theirs).max())
    biases = ", and no weights" if all(each.startswith("b") for _, each, _, _ in where) else ""
    return (
        f"{len(where)} arrays differ{biases}, the first is {name} of layer {layer}, "
        f"{('forward', 'backward')[direction]}, by up to {widest:.2g}"
    )


def port(function: str, parameters: Sequence[Mapping[str, Array]]) -> Program:
    """A program that has weights of its own, and ignores those that it is given."""

    def program(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        given = inputs.arguments(function)
        *states, _, options = given
        own = [{name: array.astype(inputs.dtype) for name, array in p.items()} for p in parameters]
        value = getattr(reference, function)(*states, own, options)
        return Behaviour.of(function, value, given)

    return program
