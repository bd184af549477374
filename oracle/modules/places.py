"""Which layer and direction a tensor of a module belongs to, by its name.

The names of several layers and directions are those of one, with other numbers and other words for the
direction: `cells.1.weight` is as `cells.0.weight`, and `layer_bw.cell.weight` as `layer_fw.cell.weight`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

from oracle.modules.interface import Sizes
from oracle.modules.roles import Extents

Place = tuple[int, int, str]
"""Layer, direction, and the name of the tensor in a module of one layer and direction."""

_TOKEN = re.compile(r"\d+|[a-zA-Z]+")
_DIRECTIONS: Mapping[str, int] = {
    **dict.fromkeys(("fw", "fwd", "forward", "l2r", "ltr"), 0),
    **dict.fromkeys(("bw", "bwd", "backward", "reverse", "reversed", "rev", "r2l", "rtl"), 1),
}


@dataclass(frozen=True)
class PlaceOrder:
    """How the numbers in names count layers and directions, where no word tells the direction.

    Either all directions of a layer stand together or all layers of a direction, and the forward direction is
    the first or the last.
    """

    by_layer: bool = True
    forward_first: bool = True

    @property
    def words(self) -> str:
        """What is unusual in it; empty where nothing is."""
        unusual = [] if self.by_layer else ["all layers of one direction before the other"]
        return " and ".join([*unusual, *([] if self.forward_first else ["the backward direction first"])])


ORDERS = [PlaceOrder(*each) for each in ((True, True), (False, True), (True, False), (False, False))]


@dataclass(frozen=True)
class _Name:
    """A name apart: what stays the same, the numbers in it, and the direction, if a word tells it."""

    skeleton: tuple[str, ...]
    numbers: tuple[int, ...]
    direction: Optional[int]  # noqa: UP045

    @staticmethod
    def of(name: str) -> _Name:
        tokens = _TOKEN.findall(name)
        words = [token.lower() for token in tokens]
        told = [_DIRECTIONS[word] for word in words if word in _DIRECTIONS]
        skeleton = tuple("#" if w.isdigit() else w for w in words if w not in _DIRECTIONS)
        numbers = tuple(int(token) for token in tokens if token.isdigit())
        return _Name(skeleton, numbers, told[-1] if told else None)


def first_place(tensors: Mapping[str, Extents]) -> dict[str, Extents]:
    """Of names that differ in numbers and directions alone, the first: those of one layer and direction."""
    found: dict[tuple[str, ...], str] = {}
    for name in sorted(tensors, key=lambda name: (_Name.of(name).direction or 0, _Name.of(name).numbers)):
        found.setdefault(_Name.of(name).skeleton, name)
    return {name: tensors[name] for name in found.values()}


def tell_directions(names: Sequence[str]) -> bool:
    """Whether a word in some of these names tells the direction."""
    return any(_Name.of(name).direction == 1 for name in names)


def places(
    tensors: Mapping[str, Extents], single: Mapping[str, Extents], sizes: Sizes, order: PlaceOrder
) -> Optional[dict[str, Place]]:  # noqa: UP045
    """The place of every tensor, of which a module of one layer and direction has the `single` ones.

    `None` where names or shapes do not fit.
    """
    of_single: dict[tuple[str, ...], list[str]] = {}
    for name in single:
        of_single.setdefault(_Name.of(name).skeleton, []).append(name)
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in tensors:
        groups.setdefault(_Name.of(name).skeleton, []).append(name)
    if groups.keys() != of_single.keys():
        return None
    found: dict[str, Place] = {}
    for skeleton, names in groups.items():
        placed = [*_placed(names, of_single[skeleton], sizes, order)]
        if len({place for _, place in placed}) != len(names) or len(placed) != len(names):
            return None
        found.update(placed)
    return found


def _placed(
    names: Sequence[str], singles: Sequence[str], sizes: Sizes, order: PlaceOrder
) -> Iterator[tuple[str, Place]]:
    """The places of tensors whose names differ in numbers and directions alone."""
    if len(names) != len(singles) * len(sizes.places):
        return
    own = [_Name.of(name).numbers for name in singles]
    varying = [at for at in range(len(own[0])) if len({numbers[at] for numbers in own}) > 1]
    by_own = {tuple(numbers[at] for at in varying): name for numbers, name in zip(own, singles)}

    def apart(name: str) -> tuple[tuple[int, ...], int, str]:
        parts = _Name.of(name)
        rest = tuple(n for at, n in enumerate(parts.numbers) if at not in varying)
        return rest, parts.direction or 0, by_own.get(tuple(parts.numbers[at] for at in varying), "")

    for single in singles:
        ranked = sorted(
            (rest, told, name) for name in names for rest, told, of in [apart(name)] if of == single
        )
        told = {direction for _, direction, _ in ranked}
        for rank, (_, direction, name) in enumerate(ranked):
            if sizes.directions == 1 or len(told) == 2:
                yield name, (rank // sizes.directions, direction, single)
            else:
                at = divmod(rank, sizes.directions) if order.by_layer else divmod(rank, sizes.layers)[::-1]
                yield name, (at[0], at[1] if order.forward_first else 1 - at[1], single)
