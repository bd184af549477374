"""Which layer and direction a tensor of a module belongs to, by its name.

The names of several layers and directions are those of one, with other numbers and other words for the
direction: `cells.1.weight` is as `cells.0.weight`, and `layer_bw.cell.weight` as `layer_fw.cell.weight`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Optional

from oracle.modules.interface import Sizes
from oracle.modules.roles import Extents

Place = tuple[int, str]
"""The number of the dict of parameters, and the name of the tensor in a module of one layer and direction."""

_DIRECTIONS: Mapping[str, int] = {
    **dict.fromkeys(("fw", "fwd", "forward", "l2r", "ltr"), 0),
    **dict.fromkeys(("bw", "bwd", "backward", "reverse", "reversed", "rev", "r2l", "rtl"), 1),
}


class _Name(NamedTuple):
    """A name apart: the numbers in it, the direction that a word tells, and what stays the same."""

    numbers: tuple[int, ...]
    direction: int
    skeleton: tuple[str, ...]

    @staticmethod
    def of(name: str) -> _Name:
        words = [word.lower() for word in re.findall(r"\d+|[a-zA-Z]+", name)]
        direction = max((_DIRECTIONS[word] for word in words if word in _DIRECTIONS), default=0)
        skeleton = tuple("#" if word.isdigit() else word for word in words if word not in _DIRECTIONS)
        return _Name(tuple(int(word) for word in words if word.isdigit()), direction, skeleton)


def tell_directions(names: Iterable[str]) -> bool:
    """Whether a word in some of these names tells the backward direction."""
    return any(_Name.of(name).direction for name in names)


def first_place(tensors: Mapping[str, Extents]) -> dict[str, Extents]:
    """Of names that differ in numbers and directions alone, the first: those of one layer and direction."""
    names = [names[0] for names in _by_skeleton(tensors).values()]
    return {name: tensors[name] for name in names}


def places(
    tensors: Mapping[str, Extents], single: Mapping[str, Extents], sizes: Sizes
) -> Optional[dict[str, Place]]:  # noqa: UP045
    """The place of every tensor, of which a module of one layer and direction has the `single` ones.

    Where no word tells the direction, all directions of a layer stand together, the forward one first.
    `None` where the names do not fit.
    """
    groups, of_single = _by_skeleton(tensors), _by_skeleton(single)
    if {*groups} != {*of_single}:
        return None
    found = {}
    for skeleton, names in groups.items():
        for of, own in _parted(names, of_single[skeleton]):
            if len(own) != sizes.places:
                return None
            found.update({name: (k, of) for k, name in enumerate(own)})
    return found


def _by_skeleton(names: Iterable[str]) -> dict[tuple[str, ...], list[str]]:
    """Names that differ in numbers and directions alone, in the order of these."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in sorted(names, key=_Name.of):
        groups.setdefault(_Name.of(name).skeleton, []).append(name)
    return groups


def _parted(names: Sequence[str], singles: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The names of each single one: of several, these have other numbers where the single ones differ."""
    numbers = [_Name.of(name).numbers for name in singles]
    differing = [at for at, each in enumerate(zip(*numbers)) if len({*each}) > 1]
    for single in singles:
        own = [_Name.of(single).numbers[at] for at in differing]
        yield single, [name for name in names if [_Name.of(name).numbers[at] for at in differing] == own]
