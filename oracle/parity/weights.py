"""How the weights of a node differ from those of the original, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import reference
from oracle.conversion import to_reference
from oracle.diagnosis.behaviour import Behaviour, Program
from oracle.diagnosis.names import diagnose
from oracle.inputs import Inputs
from oracle.parity.passage import Parameters, Passage
from oracle.problem import LayerProblem, Problem
from reference.contract import Array

_DIRECTIONS = ("forward", "backward")


def told(node: Passage, layer: Passage, layers: Sequence[Passage]) -> str:
    """What is wrong with the parameters of a node; empty where they are those of its layer bit for bit.

    -0 counts as 0. `layers` are all of the original, whose weights it may have instead.
    """
    both = [*zip(node.inputs.parameters, layer.inputs.parameters, strict=True)]
    wrong = [d for d, (ours, theirs) in enumerate(both) if _differing(ours, theirs)]
    if not wrong:
        return ""
    whose = [f"those of {each.name}" for each in layers if each.digest == node.digest]
    if whose:
        return whose[0]
    if len(wrong) == len(both) and (named := _named(node, layer)):
        return named
    if len(both) == 1:
        return _counted(node, layer)
    alone = [(_DIRECTIONS[d], _alone(node, d), _alone(layer, d)) for d in wrong]
    return "; ".join(f"{name}: {_named(*two) or _counted(*two)}" for name, *two in alone)


def _differing(ours: Mapping[str, Array], theirs: Mapping[str, Array]) -> list[str]:
    return [name for name in theirs if not np.array_equal(ours[name], theirs[name])]


def _alone(passage: Passage, d: int) -> Passage:
    """One direction as if it were the only one."""
    inputs = replace(passage.inputs, parameters=[passage.inputs.parameters[d]], directions=1)
    return replace(passage, inputs=inputs, slips={name: [each[d]] for name, each in passage.slips.items()})


def _named(node: Passage, layer: Passage) -> str:
    """The mistake of which the parameters of all directions are; empty where none is known."""
    ours = node.inputs.parameters
    for sentence, made in layer.slips.items():
        if not any(_differing(*two) for two in zip(ours, made, strict=True)):
            return sentence
    function = f"{node.inputs.kind}_layer"
    with TemporaryDirectory(prefix="rnn-crosscheck-") as folder:
        problem = _problem(layer, Path(folder, "original.npz"))
        program = _with(ours, function)
        found = diagnose(function, program, problem.inputs(function), network=problem.network)
    return found[0].words if found else ""


def _problem(layer: Passage, file: Path) -> LayerProblem:
    """The smallest problem whose weights are those of the original."""
    inputs = layer.inputs
    arrays = to_reference(inputs.kind, inputs.parameters, inputs.directions)
    np.savez(file, allow_pickle=False, **arrays)
    if inputs.kind == "lstm":
        return Problem.lstm_layer(weights=str(file), m=1, T_x=1)
    return Problem.rnn_layer(weights=str(file), m=1, T_x=1, activation=inputs.activation)


def _with(parameters: Parameters, function: str) -> Program:
    """A program that computes with these parameters, whatever it is given."""

    def program(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        *given, _, options = arguments = inputs.arguments(function)
        own = [{name: array.astype(inputs.dtype) for name, array in p.items()} for p in parameters]
        value = getattr(reference, function)(*given, own, options)
        return Behaviour.of(function, value, arguments)

    return program


def _counted(node: Passage, layer: Passage) -> str:
    """Which they are, and by how much."""
    (ours,), (theirs,) = node.inputs.parameters, layer.inputs.parameters
    names = _differing(ours, theirs)
    far = max(float(np.abs(ours[name] - theirs[name]).max()) for name in names)
    return f"{', '.join(names)} differ, by up to {far:.2g}"
