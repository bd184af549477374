"""What single layers or directions may take for something else, and what they may hand on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from oracle.inputs import LayerInputs
from oracle.location.networks.answer import Answer
from oracle.location.networks.evaluated import evaluate
from oracle.location.networks.lengths import LENGTHS
from oracle.location.networks.mistaken import Mistaken, is_answer, said
from oracle.location.networks.samples import SAMPLES
from oracle.rounding import Bounded
from reference.contract import Array

OneLayer = Callable[[LayerInputs, int], Mapping[str, Bounded]]
"""What a layer answers by itself, with so many below."""

HandedOn = Callable[[Array, LayerInputs], Array]
"""What is handed on for the hidden states `(D n_h, m, T_x)` of a layer, with its inputs."""

MARGIN = 100
"""Of how many bounds that of a layer is, whose input has been rounded by the layers below."""

SHORTER = "where any length is less than T_x"


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
    condition = "where all lengths are less than T_x"
    yield Mistaken(where, partial(said, how), condition, partial(are_its_layers, _without_a_step))
    where = "the backward direction does not end at the first step of a sequence"
    how = "it takes as many steps as the longest sequence has, the first of them at the last step of x"
    explains = partial(are_its_layers, _stopped)
    yield Mistaken(where, partial(said, how), condition, explains)
    where, how = "the layers above another do not know the lengths", "as if none were given"
    yield Mistaken(where, partial(said, how), SHORTER, partial(are_its_layers, _without_lengths_above))


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
    explains = partial(are_its_layers, _right, handed_on=_before_each_step)
    yield Mistaken(where, partial(said, "of each step the state before it"), "", explains)
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


def _as_it_is(a: Array, inputs: LayerInputs) -> Array:
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
    "it reads what the forward one has computed": _as_it_is,
    "it reads what the forward one has computed, and what it computes stands there, too": _backward_twice,
}


def _without_lengths_above(inputs: LayerInputs, below: int) -> Mapping[str, Bounded]:
    return evaluate(replace(inputs, lengths=None) if below else inputs)


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


def _of_others(which: Callable[[Array], Array], a: Array, inputs: LayerInputs) -> Array:
    return a[:, which(inputs.ends)]


def are_its_layers(one_layer: OneLayer, answer: Answer, handed_on: HandedOn = _as_it_is) -> bool:
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
