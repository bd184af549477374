"""The order in which a layer reads what it is given: of samples, features and steps, and of time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from oracle.inputs import LayerInputs
from oracle.location.networks.answer import Answer
from oracle.location.networks.evaluated import evaluate
from oracle.location.networks.layer_by_layer import are_its_layers, with_backward
from oracle.location.networks.mistaken import Mistaken, said
from oracle.location.where.digits import Change
from oracle.location.where.reordered import rearranged, stacked_otherwise
from oracle.rounding import Bounded
from reference.contract import Array

Layers = Callable[[int], bool]
"""Which layers, by how many are below."""


def of_order() -> Iterator[Mistaken]:
    """Arrays that are read in another order by the first layer or by all; layers that run backward."""
    for condition, every in (
        ("where m = T_x", [("with samples and steps exchanged", _exchanged)]),
        ("where m and T_x are more than 1", rearranged(2, 3)),
        ("", stacked_otherwise()),
    ):
        for words, change in every:
            for where, layers in _READ_BY.items():
                explains = partial(are_its_layers, partial(_read, layers, change))
                yield Mistaken(where, partial(said, f"as if {words}"), condition, explains)
    where = "the backward direction does not read what it is given"
    for how, change in _TAKEN.items():
        explains = partial(are_its_layers, partial(_read_backward, lambda below: True, change))
        yield Mistaken(where, partial(said, how), "", explains)
    where = "the backward direction of a layer above another does not read what it is given"
    how = "it reads the hidden states of the backward direction before those of the forward one"
    explains = partial(are_its_layers, partial(_read_backward, lambda below: below > 0, _halves_exchanged))
    yield Mistaken(where, partial(said, how), "", explains)
    where = "the backward direction of a layer above another does not run backward"
    explains = partial(are_its_layers, partial(_forward, lambda below: below > 0))
    yield Mistaken(where, partial(said, "it runs forward"), "where T_x is more than 1", explains)
    where = "the backward direction does not take its steps from the last one back"
    how = "it takes the first one before all others"
    explains = partial(are_its_layers, _first_one_first)
    yield Mistaken(where, partial(said, how), "where T_x is more than 1", explains)
    where = "a layer and direction does not run in its own direction"
    how = "the first half of all run forward, the others backward"
    yield Mistaken(where, partial(said, how), "where T_x is more than 1", _half_of_all_backward)
    for how, layers in _BACKWARD.items():
        explains = partial(are_its_layers, partial(_backward, layers))
        yield Mistaken(
            "a layer does not run forward", partial(said, how), "where T_x is more than 1", explains
        )


_READ_BY: Mapping[str, Layers] = {
    "what each layer is given is not read as it is": lambda below: True,
    "x is not read as it is given": lambda below: not below,
}

_BACKWARD: Mapping[str, Layers] = {
    "each runs backward": lambda below: True,
    "each second one, layer 1 first, runs backward": lambda below: below % 2 == 1,
    "those above another run backward": lambda below: below > 0,
}


_TAKEN: Mapping[str, Change] = {
    "at each step it reads the step after, at the last one the first": partial(np.roll, shift=-1, axis=2),
    "at each step it reads the step before, at the first one the last": partial(np.roll, shift=1, axis=2),
    "it reads features in reverse order": partial(np.flip, axis=0),
    "it reads samples in reverse order": partial(np.flip, axis=1),
    "it reads features and samples in reverse order": partial(np.flip, axis=(0, 1)),
}
"""What a backward direction takes for the input of a step, by the place of that in time."""


def _exchanged(x: Array) -> Array:
    return x.swapaxes(1, 2) if x.shape[1] == x.shape[2] else x


def _halves_exchanged(x: Array) -> Array:
    return np.roll(x, len(x) // 2, axis=0)


def _read_backward(layers: Layers, change: Change, inputs: LayerInputs, below: int) -> Mapping[str, Bounded]:
    right = evaluate(inputs)
    if inputs.directions == 1 or not layers(below):
        return right
    return with_backward(right, evaluate(replace(inputs, x=change(inputs.x))), inputs)


def _read(layers: Layers, change: Change, inputs: LayerInputs, below: int) -> Mapping[str, Bounded]:
    return evaluate(replace(inputs, x=change(inputs.x)) if layers(below) else inputs)


def _backward(layers: Layers, inputs: LayerInputs, below: int) -> Mapping[str, Bounded]:
    """Of one direction, whose hidden states are returned where they belong."""
    if inputs.directions > 1 or not layers(below):
        return evaluate(inputs)
    return _in_reverse(inputs)


def _half_of_all_backward(answer: Answer) -> bool:
    """Whether the first half of all layers and directions run forward, the others backward."""
    if answer.inputs.directions == 1:
        return False
    layers = len(answer.inputs.parameters) // 2

    def one_layer(inputs: LayerInputs, below: int) -> Mapping[str, Bounded]:
        right, reverse = evaluate(inputs), _in_reverse(inputs)
        forward = reverse if 2 * below >= layers else right
        return with_backward(forward, right if 2 * below + 1 >= layers else reverse, inputs)

    return are_its_layers(one_layer, answer)


def _forward(layers: Layers, inputs: LayerInputs, below: int) -> Mapping[str, Bounded]:
    """The same of the backward direction, which then runs forward."""
    right = evaluate(inputs)
    if inputs.directions == 1 or not layers(below):
        return right
    return with_backward(right, _in_reverse(inputs), inputs)


def _first_one_first(inputs: LayerInputs, below: int) -> Mapping[str, Bounded]:
    """The same of the backward direction, which takes step 0 as if it came after the last."""
    right = evaluate(inputs)
    if inputs.directions == 1:
        return right
    t, ends = np.arange(inputs.x.shape[2]), inputs.ends[:, None]
    return with_backward(right, _reordered(inputs, np.where(t < ends, (t + 1) % ends, t)), inputs)


def _in_reverse(inputs: LayerInputs) -> Mapping[str, Bounded]:
    return _reordered(inputs, inputs.backward)


def _reordered(inputs: LayerInputs, order: Array) -> Mapping[str, Bounded]:
    """With the steps of each sample in an order `(m, T_x)`, and hidden states where their steps belong."""
    found = evaluate(replace(inputs, x=np.take_along_axis(inputs.x, order[None], axis=2)))
    back = np.argsort(order, axis=1)[None]
    a = (np.take_along_axis(part, back, axis=2) for part in (found["a"].value, found["a"].error))
    return {**found, "a": Bounded(*a)}
