"""What became of weights in a copy of them: nothing, a mistake that has a name, or where they differ."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import reference
from oracle.checkpoints import RecurrentLayer
from oracle.conversion import to_reference
from oracle.diagnosis.behaviour import Behaviour, Program
from oracle.diagnosis.names import diagnose
from oracle.faults.catalogue.precision import ROUNDED
from oracle.inputs import Inputs
from oracle.problem import LayerProblem, Problem
from reference.contract import Array

SIZES = ("kind", "layers", "directions", "n_x", "n_a", "n_p")
_SHOWN = 4
"""Of the directions and layers that differ."""


def difference(
    original: RecurrentLayer,
    copy: RecurrentLayer,
    others: Sequence[RecurrentLayer] = (),
    *,
    named: bool = True,
) -> str:
    """How a copy differs from the original, in a sentence; empty where every number is the same.

    -0 counts as 0. The copy may have the weights of one of the `others` instead. Where `named`, a mistake is
    looked for that has the same effect, which takes seconds.
    """
    for name in SIZES:
        if getattr(original, name) != getattr(copy, name):
            return f"{name} is {getattr(copy, name)} where the original has {getattr(original, name)}"
    wrong = [k for k in range(len(original.parameters)) if _differing(original, copy, k)]
    if not wrong:
        return ""
    for each in others:
        if each.digest == copy.digest:
            return f"those of {each.prefix}"
    everywhere = len(wrong) == len(original.parameters) or original.layers > 1
    if named and everywhere and (mistake := _mistake(original, copy)):
        return mistake
    if len(original.parameters) == 1:
        return _counted(original, copy)
    parts = []
    for k in wrong[:_SHOWN]:
        two = _alone(original, k), _alone(copy, k)
        parts.append(f"{_place(original, k)}: {(named and _mistake(*two)) or _counted(*two)}")
    more = [f"{len(wrong) - _SHOWN} more differ"] if len(wrong) > _SHOWN else []
    return "; ".join([*parts, *more])


def _differing(original: RecurrentLayer, copy: RecurrentLayer, k: int) -> list[str]:
    ours, theirs = original.parameters[k], copy.parameters[k]
    return [name for name in ours if not np.array_equal(ours[name], theirs[name])]


def _alone(layer: RecurrentLayer, k: int) -> RecurrentLayer:
    """One direction of one layer, as if it were the only one."""
    return replace(layer, parameters=[layer.parameters[k]], directions=1, biases=layer.biases[k : k + 1])


def _place(layer: RecurrentLayer, k: int) -> str:
    at, direction = divmod(k, layer.directions)
    which = [f"layer {at}"] if layer.layers > 1 else []
    return ", ".join([*which, *([("forward", "backward")[direction]] if layer.directions > 1 else [])])


def _counted(original: RecurrentLayer, copy: RecurrentLayer) -> str:
    """Which arrays of the only direction differ, and by how much."""
    names = _differing(original, copy, 0)
    two = [[layer.parameters[0][name].astype(np.float64) for name in names] for layer in (original, copy)]
    far = max(float(np.abs(ours - theirs).max()) for ours, theirs in zip(*two, strict=True))
    return f"{', '.join(names)} differ, by up to {far:.2g}"


def _mistake(original: RecurrentLayer, copy: RecurrentLayer) -> str:
    """The mistake by which the original's parameters become those of the copy; empty where none is known."""
    for sentence, made in _slips(original, copy.dtype):
        slipped = replace(original, parameters=made)
        if not any(_differing(copy, slipped, k) for k in range(len(made))):
            return sentence
    function = f"{original.kind}_layer"
    with TemporaryDirectory(prefix="rnn-crosscheck-") as folder:
        problem = _problem(original, Path(folder, "original.npz"))
        program = port(function, copy.parameters)
        found = diagnose(function, program, problem.inputs(function), network=problem.network)
    return found[0].words if found else ""


def _problem(layer: RecurrentLayer, file: Path) -> LayerProblem:
    """The smallest problem whose weights are those of the layer."""
    np.savez(file, allow_pickle=False, **to_reference(layer.kind, layer.parameters, layer.directions))
    if layer.kind == "lstm":
        return Problem.lstm_layer(weights=str(file), m=1, T_x=1)
    return Problem.rnn_layer(weights=str(file), m=1, T_x=1, activation=layer.activation or "tanh")


def _slips(original: RecurrentLayer, dtype: np.dtype) -> Iterator[tuple[str, list[dict[str, Array]]]]:
    """What a layer with two biases becomes where one is mistaken, or each is rounded: their sum hides that.

    The biases are added in `dtype`, that of the copy.
    """
    halves = [*zip(*original.biases, strict=True)]
    if not halves or not all(any(array.any() for p in half for array in p.values()) for half in halves):
        return
    for sentence, weights in {
        "bias_ih is left out": (0, 1),
        "bias_hh is left out": (1, 0),
        "bias_ih stands in the place of bias_hh too": (2, 0),
        "bias_hh stands in the place of bias_ih too": (0, 2),
    }.items():
        yield (
            sentence,
            [
                {**p, **{name: weights[0] * one[name] + weights[1] * other[name] for name in one}}
                for p, (one, other) in zip(original.parameters, original.biases, strict=True)
            ],
        )
    for precision, rounded in ROUNDED.items():
        yield (
            f"the parameters are rounded to {precision}",
            [
                {name: rounded(array).astype(dtype) for name, array in p.items()}
                | {
                    name: rounded(one[name]).astype(dtype) + rounded(other[name]).astype(dtype)
                    for name in one
                }
                for p, (one, other) in zip(original.parameters, original.biases, strict=True)
            ],
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
