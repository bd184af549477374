"""States that a layer does not keep in the padding, where it returns 0."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from oracle.inputs import LayerInputs
from oracle.location.networks.evaluated import evaluate
from oracle.location.networks.layer_by_layer import SHORTER, are_its_layers, joined
from oracle.location.networks.mistaken import Mistaken, said
from oracle.rounding import Bounded
from reference.contract import Array, Kind

Beyond = Callable[[Array, Array], Array]
"""A state after a step in the padding, by that before it and the one that the step gives."""


def of_states_in_padding(kind: Kind) -> Iterator[Mistaken]:
    """Those that go on or are 0 there: at the end of a sequence, or before a backward direction begins it."""
    for how, beyond in _BEYOND[kind].items():
        explains = partial(are_its_layers, partial(_through_padding, beyond))
        yield Mistaken("the states are not kept in the padding", partial(said, how), SHORTER, explains)


def _kept(before: Array, after: Array) -> Array:
    return before


def _gone_on(before: Array, after: Array) -> Array:
    return after


def _zero(before: Array, after: Array) -> Array:
    return np.zeros_like(before)


_BEYOND: Mapping[Kind, Mapping[str, Mapping[str, Beyond]]] = {
    "rnn": {"a goes on": {"a": _gone_on}, "a is 0 there": {"a": _zero}},
    "lstm": {
        "c goes on, with a as it is": {"a": _kept, "c": _gone_on},
        "a goes on, with c as it is": {"a": _gone_on, "c": _kept},
        "a and c go on": {"a": _gone_on, "c": _gone_on},
        "a and c are 0 there": {"a": _zero, "c": _zero},
        "a is 0 there, and c is kept": {"a": _zero, "c": _kept},
        "c is 0 there, and a is kept": {"a": _kept, "c": _zero},
    },
}


def _through_padding(beyond: Mapping[str, Beyond], inputs: LayerInputs, below: int) -> Mapping[str, Bounded]:
    """Each direction step by step; what is returned in the padding is 0."""
    found: dict[str, list[Bounded]] = {}
    for place in range(inputs.directions):
        for name, bounded in _of_direction(beyond, inputs, place).items():
            found.setdefault(name, []).append(bounded)
    return {name: joined(*every) for name, every in found.items()}


def _of_direction(beyond: Mapping[str, Beyond], inputs: LayerInputs, place: int) -> Mapping[str, Bounded]:
    own, T_x = slice(place, place + 1), inputs.x.shape[2]
    every = {"a": inputs.a0[own], "c": inputs.c0[own]}
    alone = replace(inputs, parameters=inputs.parameters[own], directions=1, lengths=None)
    hidden: list[Bounded] = []
    so_far = 0.0
    for t in range(T_x)[:: -1 if place else 1]:
        step = evaluate(replace(alone, x=inputs.x[:, :, t : t + 1], a0=every["a"], c0=every["c"]))
        within = inputs.within[:, t]
        for name, after in beyond.items():
            before, given = every[name], step[f"{name}_last"].value[None, :, :, 0]
            every[name] = np.where(within, given, after(before, given))
        so_far += max(float(bounded.error.max(initial=0)) for bounded in step.values())
        a = np.where(within, every["a"], 0)[0, :, :, None]
        hidden.append(Bounded(a, np.full(a.shape, so_far)))
    in_order = hidden[:: -1 if place else 1]
    values, errors = ([getattr(a, part) for a in in_order] for part in ("value", "error"))
    last = {f"{name}_last": every[name][0, :, :, None] for name in beyond}
    return {
        "a": Bounded(np.concatenate(values, axis=2), np.concatenate(errors, axis=2)),
        **{name: Bounded(array, np.full(array.shape, so_far)) for name, array in last.items()},
    }
