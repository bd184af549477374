"""What layers hand on that is not their hidden states, or that the one above does not read as it is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from oracle.inputs import LayerInputs
from oracle.location.networks.evaluated import evaluate
from oracle.location.networks.layer_by_layer import HandedOn, are_its_layers, as_it_is, with_backward
from oracle.location.networks.mistaken import Mistaken, said
from oracle.location.networks.samples import SAMPLES
from oracle.rounding import Bounded
from reference.contract import Array


def of_what_is_given_above(*, has_lengths: bool) -> Iterator[Mistaken]:
    """Directions that are handed on otherwise than side by side, or not in the order of time.

    Samples as they were sorted by their lengths. What a direction has already overwritten when the other one
    reads it.
    """
    where = "what a layer hands on is not its hidden states"
    for how, change in _OF_DIRECTIONS.items():
        handed_on = partial(_in_two_directions, change)
        yield Mistaken(where, partial(said, how), "", partial(are_its_layers, _right, handed_on=handed_on))
        returned = partial(are_its_layers, partial(_returned, handed_on))
        yield Mistaken(
            "a layer's hidden states are not returned as they are", partial(said, how), "", returned
        )
    for how, before in _BEFORE.items():
        explains = partial(are_its_layers, _right, handed_on=before)
        yield Mistaken(where, partial(said, how), "", explains)
    for factor in (0.5, 0.7, 0.75, 0.8, 0.9, 2):
        explains = partial(are_its_layers, _right, handed_on=partial(_times, factor))
        yield Mistaken(where, partial(said, f"{factor:g} times these"), "", explains)
    for whose, which, condition in SAMPLES if has_lengths else ():
        explains = partial(are_its_layers, _right, handed_on=partial(_of_others, which))
        yield Mistaken(where, partial(said, f"of sample k {whose}"), condition, explains)
    where = "what the backward direction of a layer above another is given is not what that hands on"
    how = "its first half is what the forward direction beside it has computed"
    yield Mistaken(where, partial(said, how), "", partial(are_its_layers, _overwritten))
    where = "a direction of a layer above another does not read all that it is given"
    for whose, own in (("its own", True), ("the other", False)):
        how = f"each reads what {whose} direction below has computed alone"
        explains = partial(are_its_layers, partial(_of_one_direction, own))
        yield Mistaken(where, partial(said, how), "", explains)
    where = "the backward direction of the first layer does not read x"
    for how, over_time in _OVER_X.items():
        explains = partial(are_its_layers, partial(_of_forward, over_time))
        yield Mistaken(where, partial(said, how), "where n_x = n_h", explains)


def _right(inputs: LayerInputs, below: int) -> Mapping[str, Bounded]:
    return evaluate(inputs)


def _returned(change: HandedOn, inputs: LayerInputs, below: int) -> Mapping[str, Bounded]:
    """Hidden states that are changed where they are returned, and so where they are handed on."""
    right = evaluate(inputs)
    a = Bounded(*(change(part, inputs) for part in (right["a"].value, right["a"].error)))
    return {**right, "a": a}


def _overwritten(inputs: LayerInputs, below: int) -> Mapping[str, Bounded]:
    """The forward hidden states stand where those of the layer below did when the backward one reads them."""
    right = evaluate(inputs)
    if inputs.directions == 1 or not below:
        return right
    n = len(inputs.x) // 2
    x = np.concatenate([right["a"].value[:n], inputs.x[n:]]).astype(inputs.x.dtype)
    return with_backward(right, evaluate(replace(inputs, x=x)), inputs)


def _of_one_direction(own: bool, inputs: LayerInputs, below: int) -> Mapping[str, Bounded]:
    """Each direction reads one half of what stands below it, and 0 for the other."""
    if inputs.directions == 1 or not below:
        return evaluate(inputs)
    is_first = (np.arange(len(inputs.x)) < len(inputs.x) // 2)[:, None, None]
    forward, backward = (
        evaluate(replace(inputs, x=np.where(half, inputs.x, 0).astype(inputs.x.dtype)))
        for half in (is_first == own, is_first != own)
    )
    return with_backward(forward, backward, inputs)


def _of_forward(change: HandedOn, inputs: LayerInputs, below: int) -> Mapping[str, Bounded]:
    """The forward hidden states stand where x did, which has as many features."""
    right, n_h = evaluate(inputs), inputs.a0.shape[1]
    if inputs.directions == 1 or below or len(inputs.x) != n_h:
        return right
    x = right["a"].value[:n_h].astype(inputs.x.dtype)
    found = with_backward(right, evaluate(replace(inputs, x=x)), inputs)
    a = Bounded(*(change(part, inputs) for part in (found["a"].value, found["a"].error)))
    return {**found, "a": a}


def _backward_twice(a: Array, inputs: LayerInputs) -> Array:
    return np.concatenate([a[len(a) // 2 :]] * 2)


_OVER_X: Mapping[str, HandedOn] = {
    "it reads what the forward one has computed": as_it_is,
    "it reads what the forward one has computed, and what it computes stands there, too": _backward_twice,
}


_OF_DIRECTIONS: Mapping[str, Callable[[Array, Array, LayerInputs], Sequence[Array]]] = {
    "of the backward direction in the order of processing": lambda forward, backward, inputs: (
        forward,
        np.take_along_axis(backward, inputs.backward[None], axis=2),
    ),
    "of the backward direction reversed over all of x": lambda forward, backward, inputs: (
        forward,
        backward[:, :, ::-1],
    ),
    "of the backward direction with the padding before the sequence": lambda forward, backward, inputs: (
        forward,
        np.take_along_axis(backward, inputs.backward[None], axis=2)[:, :, ::-1],
    ),
    "the backward direction before the forward one": lambda forward, backward, inputs: (backward, forward),
    "of the forward direction twice": lambda forward, backward, inputs: (forward, forward),
    "of the backward direction twice": lambda forward, backward, inputs: (backward, backward),
    "unit by unit, forward and backward in turns": lambda forward, backward, inputs: np.split(
        np.stack([forward, backward], axis=1).reshape(-1, *forward.shape[1:]), 2
    ),
    "of the backward direction with units and samples in reverse order": lambda forward, backward, inputs: (
        forward,
        backward[::-1, ::-1],
    ),
}


def _in_two_directions(
    change: Callable[[Array, Array, LayerInputs], Sequence[Array]], a: Array, inputs: LayerInputs
) -> Array:
    if inputs.directions == 1:
        return a
    forward, backward = np.split(a, 2)
    return np.concatenate(change(forward, backward, inputs))


def _times(factor: float, a: Array, inputs: LayerInputs) -> Array:
    """As where the layers above are given what dropout leaves, on the average."""
    return factor * a


def _before_each_step(a: Array, inputs: LayerInputs) -> Array:
    """The hidden states that steps are given, of each direction in its own order of processing."""
    if not a.shape[2]:
        return a
    of_each = []
    for d, states in enumerate(np.split(a, inputs.directions)):
        in_order = np.take_along_axis(states, inputs.backward[None], axis=2) if d else states
        given = np.concatenate([inputs.a0[d][:, :, None], in_order[:, :, :-1]], axis=2)
        of_each.append(np.take_along_axis(given, inputs.backward[None], axis=2) if d else given)
    return np.concatenate(of_each) * inputs.within


def _before_in_time(a: Array, inputs: LayerInputs) -> Array:
    """Those of the step before, of both directions, at the first one the initial states."""
    return np.concatenate([np.concatenate(inputs.a0[: inputs.directions])[:, :, None], a], axis=2)[:, :, :-1]


_BEFORE: Mapping[str, HandedOn] = {
    "of each step the state before it": _before_each_step,
    "of each step those of the step before, in time, and at step 0 the initial ones": _before_in_time,
}


def _of_others(which: Callable[[Array], Array], a: Array, inputs: LayerInputs) -> Array:
    return a[:, which(inputs.ends)]
