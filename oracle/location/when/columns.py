"""What is known of elements by name: kept in as few numbers as it has, and laid out where it is asked for."""

from collections.abc import Hashable, Iterator, Mapping, Sequence

import numpy as np

from reference.contract import Array

EACH = "each element"
"""The key of what has a number for each element; of what has fewer it is the shape of these numbers."""


class Columns(Mapping[str, Array]):
    """Numbers of each element, `(count,)`, by name.

    A feature of a sample or of a step is the same of many elements. So of each its numbers are kept, and of
    all features with as many of them, which of these numbers an element has.
    """

    def __init__(self, kept: Mapping[str, tuple[Hashable, Array]], which: Mapping[Hashable, Array]) -> None:
        self._kept, self._which = kept, which

    @classmethod
    def at(cls, places: tuple[Array, ...], features: Mapping[str, Array]) -> "Columns":
        """Of features `(n, m, T_x)`, or of one number along some of these axes, at some places."""
        count = len(places[0])
        kept: dict[str, tuple[Hashable, Array]] = {}
        which: dict[Hashable, Array] = {EACH: np.arange(count)}
        for name, feature in features.items():
            shape: Hashable = feature.shape if feature.size > 1 else ()
            if shape not in which:
                which[shape] = _flat(places, feature.shape)
            values = np.asarray(feature, np.float64).ravel()
            kept[name] = (shape, values) if feature.size < count else (EACH, values[which[shape]])
        return cls(kept, which)

    @classmethod
    def joined(cls, parts: Sequence["Columns"]) -> "Columns":
        """One after the other, with what all of them know."""
        kept: dict[str, tuple[Hashable, Array]] = {}
        which: dict[Hashable, Array] = {}
        for name in parts[0]:
            if all(name in part for part in parts):
                keys, values = zip(*(part._kept[name] for part in parts), strict=True)
                kept[name] = keys, np.concatenate(values)
                if keys not in which:
                    begins = np.cumsum([0, *(len(each) for each in values[:-1])])
                    which[keys] = np.concatenate(
                        [
                            part._which[key] + begin
                            for part, key, begin in zip(parts, keys, begins, strict=True)
                        ]
                    ).astype(np.int32)
        return cls(kept, which)

    def __getitem__(self, name: str) -> Array:
        key, values = self._kept[name]
        return np.asarray(values[self._which[key]])

    def __contains__(self, name: object) -> bool:
        return name in self._kept

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)


def _flat(places: tuple[Array, ...], shape: tuple[int, ...]) -> Array:
    """Where in the numbers of an array of this shape those of some places are."""
    if np.prod(shape) == 1:
        return np.zeros(len(places[0]), int)
    chosen = tuple(place if size > 1 else 0 * place for place, size in zip(places, shape, strict=True))
    return np.ravel_multi_index(chosen, shape)
