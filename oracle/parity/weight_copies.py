"""Compares a copy of trained weights with the original, and names the mistake in the copy."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import reference
from oracle.checkpoints import RecurrentLayer
from oracle.explanations.behaviour import Behaviour, Program
from oracle.explanations.catalogue_search import diagnose
from oracle.explanations.problems import Scope
from oracle.faults.catalogue.arrays import ROUNDING
from oracle.problems.inputs import Inputs
from oracle.problems.problem import Problem
from oracle.weights.conversion import to_reference
from reference.contract import Array

SIZES = ("kind", "layers", "directions", "n_x", "n_a", "n_p")
_MOST_LISTED = 4
"""The largest number of differing directions that a sentence lists."""


def difference(
    original: RecurrentLayer,
    copy: RecurrentLayer,
    others: Sequence[RecurrentLayer] = (),
    *,
    named: bool = True,
) -> str:
    """Describe in a sentence how a copy differs from the original; empty if all numbers are equal.

    -0 equals 0. `others` are other layers of the original file, whose weights the copy may have by mistake.
    If `named`, the function also looks for a mistake with the same effect, which takes seconds.
    """
    for name in SIZES:
        if getattr(original, name) != getattr(copy, name):
            return f"{name} is {getattr(copy, name)}, and {getattr(original, name)} in the original"
    wrong = [k for k in range(len(original.parameters)) if _differing(original, copy, k)]
    if not wrong:
        return ""
    for other in others:
        if other.digest == copy.digest:
            return f"the weights of {other.prefix}"
    # One mistake may leave layers right, for example if every layer got the parameters of the first one.
    may_be_one_mistake = len(wrong) == len(original.parameters) or original.layers > 1
    if named and may_be_one_mistake and (mistake := _mistake(original, copy)):
        return mistake
    if len(original.parameters) == 1:
        return _largest_difference(original, copy)
    parts = []
    for k in wrong[:_MOST_LISTED]:
        two = _single_direction(original, k), _single_direction(copy, k)
        how = (named and _mistake(*two)) or _largest_difference(*two)
        parts.append(f"{_direction_name(original, k)}: {how}")
    if len(wrong) > _MOST_LISTED:
        parts.append(f"{len(wrong) - _MOST_LISTED} more differ")
    return "; ".join(parts)


def _differing(original: RecurrentLayer, copy: RecurrentLayer, k: int) -> list[str]:
    ours, theirs = original.parameters[k], copy.parameters[k]
    return [name for name in ours if not np.array_equal(ours[name], theirs[name])]


def _single_direction(layer: RecurrentLayer, k: int) -> RecurrentLayer:
    return replace(layer, parameters=[layer.parameters[k]], directions=1, biases=layer.biases[k : k + 1])


def _direction_name(layer: RecurrentLayer, k: int) -> str:
    number, direction = divmod(k, layer.directions)
    name = [f"layer {number}"] if layer.layers > 1 else []
    return ", ".join([*name, *([("forward", "backward")[direction]] if layer.directions > 1 else [])])


def _largest_difference(original: RecurrentLayer, copy: RecurrentLayer) -> str:
    """For layers of one direction: the arrays that differ, and the largest difference, as text."""
    names = _differing(original, copy, 0)
    two = [[layer.parameters[0][name].astype(np.float64) for name in names] for layer in (original, copy)]
    largest = max(float(np.abs(ours - theirs).max()) for ours, theirs in zip(*two, strict=True))
    return f"{', '.join(names)} differ, by up to {largest:.2g}"


_MOST_SEARCHED = 10**6
"""The number of weights up to which mistakes are searched, since each takes calls of both networks."""


def _mistake(original: RecurrentLayer, copy: RecurrentLayer) -> str:
    """The mistake that turns the original's parameters into those of the copy; empty if none is known."""
    for sentence, parameters in _mistaken_biases(original, copy.dtype):
        mistaken = replace(original, parameters=parameters)
        if not any(_differing(copy, mistaken, k) for k in range(len(parameters))):
            return sentence
    if sum(W.size for p in original.parameters for W in p.values()) > _MOST_SEARCHED:
        return ""
    function = f"{original.kind}_layer"
    with TemporaryDirectory(prefix="rnn-crosscheck-") as folder:
        file = Path(folder, "original.npz")
        named = to_reference(original.kind, original.parameters, original.directions)
        np.savez(file, **named)  # type: ignore[arg-type]
        activation = original.activation or "tanh"
        problem = getattr(Problem, function)(weights=str(file), m=1, T_x=1, activation=activation)
        program = program_with(function, copy.parameters)
        found = diagnose(function, program, problem.inputs(function), Scope(network=problem.network))
    return found[0].words if found else ""


def _mistaken_biases(
    original: RecurrentLayer, dtype: np.dtype
) -> Iterator[tuple[str, list[dict[str, Array]]]]:
    """Mistakes in the two biases of a layer, or in rounding: their sentences, and the wrong parameters.

    The catalogue cannot name these mistakes, since it has only the sum of the biases. The biases are added in
    `dtype`, the dtype of the copy.
    """
    if not original.biases or not all(
        any(array.any() for p in half for array in p.values()) for half in zip(*original.biases, strict=True)
    ):
        return

    def copied(rounded: Callable[[Array], Array], first: int = 1, second: int = 1) -> list[dict[str, Array]]:
        """The parameters, with `first` times one bias plus `second` times the other."""
        return [
            {name: rounded(array).astype(dtype) for name, array in p.items()}
            | {
                name: first * rounded(one[name]).astype(dtype) + second * rounded(other[name]).astype(dtype)
                for name in one
            }
            for p, (one, other) in zip(original.parameters, original.biases, strict=True)
        ]

    yield "bias_ih is left out", copied(np.asarray, 0, 1)
    yield "bias_hh is left out", copied(np.asarray, 1, 0)
    yield "bias_ih is used in place of bias_hh", copied(np.asarray, 2, 0)
    yield "bias_hh is used in place of bias_ih", copied(np.asarray, 0, 2)
    for precision, rounded in ROUNDING.items():
        yield f"the parameters are rounded to {precision}", copied(rounded)


def program_with(function: str, parameters: Sequence[Mapping[str, Array]]) -> Program:
    """A program that uses these parameters, and ignores the parameters of a call."""

    def program(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        given = inputs.arguments(function)
        *states, _, options = given
        own = [{name: array.astype(inputs.dtype) for name, array in p.items()} for p in parameters]
        value = getattr(reference, function)(*states, own, options)
        return Behaviour.of(function, value, given)

    return program
