"""Initial states that are what another layer or direction has ended with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from oracle.inputs import LayerInputs
from oracle.location.networks.evaluated import evaluate
from oracle.location.networks.mistaken import Mistaken, are, explains_with, said, some_of


def of_other_ends(names: Sequence[str]) -> Iterator[Mistaken]:
    """Those with which others have ended, for a layer's own."""
    for some in some_of(names):
        where = f"{' and '.join(some)} of a layer and direction {are(some)} not its own"
        for how, begin in ENDED.items():
            yield Mistaken(where, partial(said, how), "", partial(explains_with, partial(begin, some)))


def _before(place: int, directions: int) -> int | None:
    return place - 1 if place else None


def _before_above(place: int, directions: int) -> int | None:
    return place - 1 if place >= directions else None


def _below(place: int, directions: int) -> int | None:
    return place - directions if place >= directions else None


def _forward(place: int, directions: int) -> int | None:
    return place - 1 if place % directions else None


def _ended(ended: Callable[[int, int], int | None], names: Sequence[str], inputs: LayerInputs) -> LayerInputs:
    """Each place begins with what another one has ended with, if there is one for it."""
    given = {name: getattr(inputs, name).copy() for name in names}
    for place in range(1, len(inputs.parameters)):
        other = ended(place, inputs.directions)
        if other is None:
            continue
        last = evaluate(replace(inputs, **given))
        for name, array in given.items():
            array[place] = last[f"{name[0]}_last"].value.reshape(array.shape)[other]
    return replace(inputs, **given)


ENDED: Mapping[str, Callable[[Sequence[str], LayerInputs], LayerInputs]] = {
    "what the layer or direction before has ended with": partial(_ended, _before),
    "of a layer above another what the layer below has ended with": partial(_ended, _below),
    "of a layer above another what the layer or direction before has ended with": partial(
        _ended, _before_above
    ),
    "of the backward direction what the forward one has ended with": partial(_ended, _forward),
}
"""With what a layer and direction may begin."""
