"""What belongs to another layer or direction: initial states, and parameters."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from oracle.inputs import LayerInputs
from oracle.location.networks.answer import Answer
from oracle.location.networks.evaluated import evaluate
from oracle.location.networks.mistaken import Mistaken, are, explains_with, is_answer, said, some_of
from oracle.location.networks.stacking import Stacking, called, words
from reference.contract import CONTRACTS, Array, of_one_direction


def of_initial_states(names: Sequence[str]) -> Iterator[Mistaken]:
    """Those of other layers and directions, in the places of a layer's own."""
    for some in some_of(names):
        for whose, order in _ORDERS:
            yield Mistaken(
                f"{' and '.join(some)} of a layer and direction {are(some)} not its own",
                partial(_called, whose, order),
                "",
                partial(explains_with, partial(_placed, some, order)),
            )


def of_parameters(names: Sequence[str]) -> Iterator[Mistaken]:
    """Parameters of other layers and directions, those that are as large; of as few names as may be."""
    shared = "of a layer and direction those of the first that has them of the same shapes"
    for some in groups(names):
        where = f"{', '.join(some)} of a layer and direction {are(some)} not its own"
        for whose, order in _ORDERS:
            explains = partial(_explains_with_parameters, some, partial(_places, order))
            yield Mistaken(where, partial(_called, whose, order), "", explains)
        yield Mistaken(where, partial(said, shared), "", partial(are_of_the_first_alike, some))


def parameters_of(function: str) -> Sequence[str]:
    """The names of the parameters that one direction of a layer may have."""
    kind = CONTRACTS[function].kind
    return [*of_one_direction(kind, 0, kind == "lstm")]


def groups(names: Sequence[str]) -> Sequence[Sequence[str]]:
    """Each, the biases, the weights, what does not hang on the size of the input, and all, of parameters."""
    biases = [name for name in names if name.startswith("b")]
    weights = [name for name in names if name.startswith("W") and name != "Wp"]
    without_input = [name for name in names if name in ("Waa", "ba")]
    every = [*([name] for name in names), biases, weights, without_input, [*weights, *biases], names]
    return [*dict.fromkeys(map(tuple, filter(None, every)))]


def of_axes_exchanged(names: Sequence[str]) -> Iterator[Mistaken]:
    """Initial states `(m, n, L D)` where these are as many."""
    for some in some_of(names):
        yield Mistaken(
            f"{' and '.join(some)} {are(some)} read with its axes exchanged",
            partial(said, "as if samples came first and layers and directions last"),
            "where m is the number of all layers and directions",
            partial(explains_with, partial(_exchanged, some)),
        )


def _exchanged(names: Sequence[str], inputs: LayerInputs) -> LayerInputs:
    given = {name: getattr(inputs, name) for name in names}
    return replace(
        inputs,
        **{name: each.transpose(2, 1, 0) for name, each in given.items() if len(each) == each.shape[2]},
    )


Order = Callable[[Array], Array]
"""The places whose are taken, by the places `(L, D)` of all."""

_ORDERS: Sequence[tuple[str, Order]] = (
    (
        "as if those of all forward directions came before those of all backward ones",
        lambda places: places.reshape(places.shape[::-1]).T,
    ),
    ("", lambda places: places.ravel("F").reshape(places.shape)),
    ("each direction has those of the other one", lambda places: places[:, ::-1]),
    ("", lambda places: places[::-1]),
    ("", lambda places: places[::-1, ::-1]),
    ("each layer has those of the first one", lambda places: places[:1]),
    ("each layer has those of the last one", lambda places: places[-1:]),
    ("each layer but the first has those of the last one", lambda places: _first_and_last(places)),
    ("each backward direction has those of the forward one", lambda places: places[:, :1]),
    ("each forward direction has those of the backward one", lambda places: places[:, -1:]),
    ("all have those of the first layer's first direction", lambda places: places[:1, :1]),
    ("each of layer k has those in place k of all", lambda places: np.arange(len(places))[:, None]),
    ("", lambda places: places[np.minimum(np.arange(len(places)), 1)]),
    (
        "each layer has those of the one below",
        lambda places: places[np.maximum(np.arange(len(places)) - 1, 0)],
    ),
)
"""In words, where two layers in two directions, or three layers, are enough to tell it from others."""


def _first_and_last(places: Array) -> Array:
    return np.concatenate([places[:1], np.broadcast_to(places[-1:], places[1:].shape)])


def _order(order: Order, stacking: Stacking) -> Array:
    places = np.arange(np.prod(stacking)).reshape(stacking)
    return np.broadcast_to(order(places), stacking).ravel()


def _called(whose: str, order: Order, stackings: Sequence[Stacking]) -> str:
    of_layers = whose.startswith(("each layer", "as if"))
    if whose and (any(layers > 2 for layers, _ in stackings) if of_layers else (2, 2) in stackings):
        return whose
    stacking = stackings[0]
    pairs = [(place, int(other)) for place, other in enumerate(_order(order, stacking)) if place != other]
    each = (f"{called([place], stacking)} has those of {called([other], stacking)}" for place, other in pairs)
    return f"of {words(*stacking)}, {', '.join(each)}"


def _places(order: Order, inputs: LayerInputs) -> Array:
    D = inputs.directions
    return _order(order, (len(inputs.parameters) // D, D))


def _placed(names: Sequence[str], order: Order, inputs: LayerInputs) -> LayerInputs:
    places = _places(order, inputs)
    return replace(inputs, **{name: getattr(inputs, name)[places] for name in names})


def are_of_the_first_alike(names: Sequence[str], answer: Answer) -> bool:
    """Whether each layer and direction has those of the first one with parameters as large."""
    return _explains_with_parameters(names, partial(_first_alike, names), answer)


def _first_alike(names: Sequence[str], inputs: LayerInputs) -> Sequence[int]:
    """The first place that has parameters of the same shapes."""
    shapes = [[p[name].shape for name in names if name in p] for p in inputs.parameters]
    return [shapes.index(each) for each in shapes]


def _explains_with_parameters(
    names: Sequence[str], places: Callable[[LayerInputs], Sequence[int] | Array], answer: Answer
) -> bool:
    """Whether it is what the parameters of other places give; those that are told have to be others there."""
    every = answer.inputs.parameters
    pairs = [(every[own], every[other]) for own, other in enumerate(places(answer.inputs))]
    taken = [
        {
            name: theirs[name]
            for name in names
            if own is not theirs and name in own and own[name].shape == theirs[name].shape
        }
        for own, theirs in pairs
    ]
    if {name for some in taken for name in some} not in ({*names}, set()):
        return False
    parameters = [{**own, **some} for (own, _), some in zip(pairs, taken, strict=True)]
    return is_answer(answer, evaluate(replace(answer.inputs, parameters=parameters)))
