"""Finds the layer and direction to which a tensor of a module belongs, by its name.

Names of the same tensor in several layers and directions differ only in numbers and in words for the
direction: `cells.0.weight` and `cells.1.weight`, or `layer_fw.cell.weight` and `layer_bw.cell.weight`.
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


class _ParsedName(NamedTuple):
    """The numbers in a name, its direction, and its other words, which all layers and directions share."""

    numbers: tuple[int, ...]
    direction: int
    skeleton: tuple[str, ...]

    @staticmethod
    def of(name: str) -> _ParsedName:
        words = [word.lower() for word in re.findall(r"\d+|[a-zA-Z]+", name)]
        direction = max((_DIRECTIONS[word] for word in words if word in _DIRECTIONS), default=0)
        skeleton = tuple("#" if word.isdigit() else word for word in words if word not in _DIRECTIONS)
        return _ParsedName(tuple(int(word) for word in words if word.isdigit()), direction, skeleton)


def tell_directions(names: Iterable[str]) -> bool:
    """Whether one of these names has a word for the backward direction."""
    return any(_ParsedName.of(name).direction for name in names)


def first_place(tensors: Mapping[str, Extents]) -> dict[str, Extents]:
    """The tensors of the first layer and direction."""
    names = [names[0] for names in _by_skeleton(tensors).values()]
    return {name: tensors[name] for name in names}


def places(
    tensors: Mapping[str, Extents], single: Mapping[str, Extents], sizes: Sizes
) -> Optional[dict[str, Place]]:  # noqa: UP045
    """The place of every tensor. `single` are the tensors of a module of one layer and direction.

    If no word tells the direction, the directions of a layer are consecutive, the forward direction first.
    `None` if the names do not fit.
    """
    groups, of_single = _by_skeleton(tensors), _by_skeleton(single)
    if {*groups} != {*of_single}:
        return None
    found = {}
    for skeleton, names in groups.items():
        for of, own in _by_single(names, of_single[skeleton]):
            if len(own) != sizes.places:
                return None
            found.update({name: (k, of) for k, name in enumerate(own)})
    return found


def _by_skeleton(names: Iterable[str]) -> dict[tuple[str, ...], list[str]]:
    """The sorted names in groups; the names of a group differ only in numbers and directions."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in sorted(names, key=_ParsedName.of):
        groups.setdefault(_ParsedName.of(name).skeleton, []).append(name)
    return groups


def _by_single(names: Sequence[str], singles: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """For each single name, the names that have its numbers, at the positions where single names differ."""
    numbers = [_ParsedName.of(name).numbers for name in singles]
    differing = [at for at, each in enumerate(zip(*numbers)) if len({*each}) > 1]
    for single in singles:
        own = [_ParsedName.of(single).numbers[at] for at in differing]
        yield (
            single,
            [name for name in names if [_ParsedName.of(name).numbers[at] for at in differing] == own],
        )
