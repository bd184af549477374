"""What single layers or directions may take for something else."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from oracle.inputs import LayerInputs
from oracle.location.networks.answer import Answer
from oracle.location.networks.evaluated import evaluate
from oracle.location.networks.lengths import LENGTHS
from oracle.location.networks.mistaken import Mistaken, is_answer, said
from oracle.rounding import Bounded
from reference.contract import Array

OneLayer = Callable[[LayerInputs, int], Mapping[str, Bounded]]
"""What a layer answers by itself, with so many below."""

HandedOn = Callable[[Array, LayerInputs], Array]
"""What is handed on for the hidden states `(D n_h, m, T_x)` of a layer, with its inputs."""

MARGIN = 100
"""Of how many bounds that of a layer is, whose input has been rounded by the layers below."""

SHORTER, ALL_SHORTER = "where any length is less than T_x", "where all lengths are less than T_x"


def of_single_directions() -> Iterator[Mistaken]:
    """Lengths that one direction or the upper layers do not know, or take for others."""
    for k, direction in enumerate(("forward", "backward")):
        where = f"the lengths in the {direction} direction are not those that are given"
        for how, (change, condition) in LENGTHS.items():
            one_layer = partial(_of_direction, k, change)
            yield Mistaken(where, partial(said, how), condition, partial(are_its_layers, one_layer))
    for how, ends in _BEGUN_LATER.items():
        one_layer = partial(_backward, ends)
        where = "the backward direction does not begin at the last step of a sequence"
        yield Mistaken(where, partial(said, how), SHORTER, partial(are_its_layers, one_layer))
    where = "the backward direction does not read the steps of a sequence"
    how = "it reads the last steps of x, as many as the sequence has, and returns them there"
    yield Mistaken(where, partial(said, how), SHORTER, partial(are_its_layers, _as_if_at_the_end))
    where = "the backward direction takes no step"
    how = "a is 0, and it ends with the states that it is given"
    yield Mistaken(where, partial(said, how), ALL_SHORTER, partial(are_its_layers, _without_a_step))
    where = "the backward direction does not end at the first step of a sequence"
    how = "it takes as many steps as the longest sequence has, the first of them at the last step of x"
    explains = partial(are_its_layers, _stopped)
    yield Mistaken(where, partial(said, how), ALL_SHORTER, explains)
    where, how = "the layers above another do not know the lengths", "as if none were given"
    yield Mistaken(where, partial(said, how), SHORTER, partial(are_its_layers, _without_lengths_above))


def as_it_is(a: Array, inputs: LayerInputs) -> Array:
    """The hidden states."""
    return a


_BEGUN_LATER: Mapping[str, Callable[[Array, int], Array]] = {
    "it begins one step beyond that": lambda ends, T_x: np.minimum(ends + 1, T_x),
    "it begins at the last step of x": lambda ends, T_x: 0 * ends + T_x,
}


def _of_direction(
    direction: int, change: Callable[[Array, int], Array | None], inputs: LayerInputs, below: int
) -> Mapping[str, Bounded]:
    """One direction with other lengths."""
    right = evaluate(inputs)
    if inputs.directions == 1 and direction:
        return right
    other = evaluate(replace(inputs, lengths=change(inputs.ends, inputs.x.shape[2])))
    if inputs.directions == 1:
        return other
    halves = {name: [_halves(right[name]), _halves(other[name])] for name in right}
    return {name: joined(both[1 - direction][0], both[direction][1]) for name, both in halves.items()}


def _backward(ends: Callable[[Array, int], Array], inputs: LayerInputs, below: int) -> Mapping[str, Bounded]:
    """The backward direction with other ends; beyond its own a is 0, still."""
    right = evaluate(inputs)
    if inputs.directions == 1:
        return right
    other = evaluate(replace(inputs, lengths=ends(inputs.ends, inputs.x.shape[2])))
    return with_backward(right, other, inputs)


def with_backward(
    right: Mapping[str, Bounded], other: Mapping[str, Bounded], inputs: LayerInputs
) -> Mapping[str, Bounded]:
    """One direction of each of two answers; beyond its own end a is 0."""
    found = {}
    for name, both in right.items():
        (forward, _), (_, backward) = (_halves(bounded) for bounded in (both, other[name]))
        if name == "a":
            backward = Bounded(backward.value * inputs.within, backward.error * inputs.within)
        found[name] = joined(forward, backward)
    return found


def _stopped(inputs: LayerInputs, below: int) -> Mapping[str, Bounded]:
    """The backward direction takes no more steps than the longest sequence has, those in padding included."""
    right, left_out = evaluate(inputs), inputs.x.shape[2] - int(inputs.ends.max(initial=0))
    if inputs.directions == 1 or not left_out:
        return right
    ends = np.maximum(inputs.ends - left_out, 0)
    other = evaluate(replace(inputs, x=inputs.x[:, :, left_out:], lengths=ends))
    before = np.zeros((*right["a"].value.shape[:2], left_out))
    a = (np.concatenate([before, part], axis=2) for part in (other["a"].value, other["a"].error))
    return with_backward(right, {**other, "a": Bounded(*a)}, inputs)


def _without_a_step(inputs: LayerInputs, below: int) -> Mapping[str, Bounded]:
    """The backward direction is left where it begins, if no sample has a step there."""
    right, ends = evaluate(inputs), inputs.ends
    if inputs.directions == 1 or ends.max(initial=0) == inputs.x.shape[2]:
        return right
    return with_backward(right, evaluate(replace(inputs, lengths=0 * ends)), inputs)


def _as_if_at_the_end(inputs: LayerInputs, below: int) -> Mapping[str, Bounded]:
    """The backward direction takes x as reversed over all its steps, and a sequence as the first of these."""
    right, every = evaluate(inputs), np.arange(inputs.x.shape[2])
    if inputs.directions == 1:
        return right
    ends = inputs.ends[:, None]
    left_out = inputs.x.shape[2] - ends
    from_the_end = np.where(every < ends, every + left_out, every - ends)
    other = evaluate(replace(inputs, x=np.take_along_axis(inputs.x, from_the_end[None], axis=2)))
    back = np.where(every >= left_out, every - left_out, every + ends)
    forward, _ = _halves(right["a"])
    _, backward = _halves(other["a"])
    a = (np.take_along_axis(part, back[None], axis=2) for part in (backward.value, backward.error))
    return {**with_backward(right, other, inputs), "a": joined(forward, Bounded(*a))}


def _without_lengths_above(inputs: LayerInputs, below: int) -> Mapping[str, Bounded]:
    return evaluate(replace(inputs, lengths=None) if below else inputs)


def are_its_layers(one_layer: OneLayer, answer: Answer, handed_on: HandedOn = as_it_is) -> bool:
    """Whether it is what such layers answer; what is wrong by little tells nothing of that."""
    if not answer.is_right and is_answer(answer, _loosened(answer.right)):
        return False
    inputs, D = answer.inputs, answer.inputs.directions
    x, found = inputs.x, []
    for below, place in enumerate(range(0, len(inputs.parameters), D)):
        places = slice(place, place + D)
        parameters, a0, c0 = inputs.parameters[places], inputs.a0[places], inputs.c0[places]
        given = replace(inputs, x=x, parameters=parameters, a0=a0, c0=c0)
        found.append(one_layer(given, below))
        x = handed_on(found[-1]["a"].value, given).astype(inputs.x.dtype)
    last = {name: joined(*(layer[name] for layer in found)) for name in answer.shown if name != "a"}
    return is_answer(answer, _loosened({"a": found[-1]["a"], **last}))


def _loosened(every: Mapping[str, Bounded]) -> Mapping[str, Bounded]:
    return {name: Bounded(each.value, MARGIN * each.error) for name, each in every.items()}


def joined(*every: Bounded) -> Bounded:
    """One below the other."""
    return Bounded(*(np.concatenate([getattr(each, part) for each in every]) for part in ("value", "error")))


def _halves(both: Bounded) -> tuple[Bounded, Bounded]:
    values, errors = np.split(both.value, 2), np.split(both.error, 2)
    return Bounded(values[0], errors[0]), Bounded(values[1], errors[1])
