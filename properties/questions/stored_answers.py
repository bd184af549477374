"""Checks stored answers: their names, types and shapes, and whether they are near to what is known.

A target runs as the user, and may have written what is stored. Each function takes a value of any type of
`worker.codec`. An answer that is not valid is computed again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from oracle.problems.backward_inputs import BackwardInputs, LayerBackwardInputs, gradient_name
from oracle.problems.inputs import Inputs, LayerInputs
from oracle.witnesses.rounding import Bounded
from oracle.witnesses.verdict import Comparison, largest_ratio

Shapes = Mapping[str, tuple[int, ...]]

GATES = ("ft", "it", "cct", "ot")


def are_bounds(stored: Any, inputs: Sequence[Inputs], are_finite: Sequence[bool]) -> bool:
    """Whether these are the values of the bounds of all inputs, then their errors, which are 0 or more.

    Unless the inputs have a NaN or an infinity, the values are finite.
    """
    if not _have_shapes(stored, [*map(_shapes, inputs)] * 2):
        return False
    values, errors = stored[: len(inputs)], stored[len(inputs) :]
    return all((array >= 0).all() for each in errors for array in each.values()) and all(
        np.isfinite(array).all()
        for each, is_finite in zip(values, are_finite, strict=True)
        for array in (each.values() if is_finite else ())
    )


def are_near(
    stored: Any,
    inputs: Sequence[Inputs],
    bounds: Sequence[Mapping[str, Bounded]],
    witness_name: str,
    *,
    gates: bool = False,
) -> bool:
    """Whether these are answers to all inputs that are as near to the bounded values as right answers are.

    Torch has only the last memory state, and with `gates` it has only the gates.
    """
    shapes: list[Shapes] = [{name: each.value.shape for name, each in of_one.items()} for of_one in bounds]
    if witness_name == "torch":
        shapes = [
            {
                name: (*shape[:2], min(shape[2], 1)) if name == "c" else shape
                for name, shape in each.items()
                if (name in GATES) == gates
            }
            for each in shapes
        ]
    if not _have_shapes(stored, shapes):
        return False
    for answer, of_one, known in zip(stored, inputs, bounds, strict=True):
        outputs = {name: (array, known[name].value, known[name].error) for name, array in answer.items()}
        if not largest_ratio(of_one, outputs.values(), witness_name) <= 1 and any(
            Comparison(of_one, name, name, *output, witness_name=witness_name).worst > 1
            for name, output in outputs.items()
        ):
            return False
    return True


def _have_shapes(stored: Any, shapes: Sequence[Shapes]) -> bool:
    """Whether a value is a list of dicts of arrays of real numbers with these names and shapes."""
    return (
        type(stored) is list
        and len(stored) == len(shapes)
        and all(
            type(answer) is dict
            and answer.keys() == expected.keys()
            and all(
                type(array) is np.ndarray and array.dtype.kind == "f" and array.shape == expected[name]
                for name, array in answer.items()
            )
            for answer, expected in zip(stored, shapes, strict=True)
        )
    )


def _shapes(inputs: Inputs) -> Shapes:
    """The shapes of everything that has a bound; see `propagation` and `backpropagation`."""
    m, T_x = inputs.x.shape[1:]
    states = ("a",) if inputs.kind == "rnn" else ("a", "c")
    rows = {name: int(np.prod(getattr(inputs, f"{name}0").shape[:-1])) for name in states}
    if isinstance(inputs, (BackwardInputs, LayerBackwardInputs)):
        is_layer = isinstance(inputs, LayerBackwardInputs)
        places: Any = inputs.parameters if is_layer else [inputs.parameters]
        return {
            "dx": inputs.x.shape,
            **{f"d{name}0": (rows[name], m, 1) for name in states},
            **{
                gradient_name(place, name) if is_layer else f"d{name}": (*parameter.shape, 1)
                for place, parameters in enumerate(places)
                for name, parameter in parameters.items()
                if name not in ("Wy", "Wya", "by")
            },
        }
    if isinstance(inputs, LayerInputs):
        last = {f"{name}_last": (rows[name], m, 1) for name in states}
        return {"a": (inputs.directions * inputs.a0.shape[1], m, T_x), **last}
    quantities = ("a",) if inputs.kind == "rnn" else ("a", "c", *GATES)
    return {**dict.fromkeys(quantities, (rows["a"], m, T_x)), "y": (len(inputs.parameters["by"]), m, T_x)}
