"""Finds weights with unknown names that form a layer in a layout, by their shapes."""

import re
from collections.abc import Iterator, Mapping
from itertools import permutations

from oracle.checkpoints.error import CheckpointError
from oracle.layout import LAYOUTS, Layout
from oracle.parts import Roles, Weight, parameters_of, split
from reference.contract import Array

_HIDDEN = re.compile("u|r|w?(h|hh|aa|rec)|weighthh|recurrent(kernel|weight)?")
_INPUT = re.compile("w?(x|i|xh|ih|ax|in)|w|weight(ih)?|kernel")
"""Usual names of weights that act on the hidden state and on the input, in lower case without underscores."""


def readings(arrays: Mapping[str, Array], layout: str) -> Iterator[tuple[str, Roles]]:
    """The arrays that can be read as one direction of a layer in this layout, each group with its prefix.

    Raises `CheckpointError` if two weights have equal shapes, so that each could act on the hidden state.
    """
    groups: dict[str, dict[str, Array]] = {}
    for name, array in arrays.items():
        groups.setdefault(re.sub(r"[./]?[^./]+$", "", name), {})[name] = array
    for prefix, group in groups.items():
        found = [roles for roles in _roles(prefix, group, LAYOUTS[layout]) if _is_layer(roles, layout)]
        if len(found) > 1:
            either, other = (each["recurrent_weight"].name for each in found)
            raise CheckpointError(
                f"{either} and {other} have equal shapes, so either may act on the hidden state: "
                "rename that one recurrent_weight, and the other weight"
            )
        yield from ((prefix, roles) for roles in found)


def _roles(prefix: str, arrays: Mapping[str, Array], layout: Layout) -> Iterator[Roles]:
    """The possible assignments of arrays to the weights of a layout."""
    matrices = [Weight(name, a) for name, a in arrays.items() if a.ndim == 2 and 1 not in a.shape]
    named = {weight.name for weight in matrices}
    biases = [Weight(name, a.reshape(-1)) for name, a in arrays.items() if name not in named]
    if len(biases) not in (0, layout.biases):
        return
    both = dict(zip(("bias", "recurrent_bias"), biases, strict=False))
    if layout.joined:
        if len(matrices) == 1 and biases and re.search("(?i)lstm|rnn|recurrent", prefix):
            units = matrices[0].array.shape[1 if layout.transposed else 0] // 4
            yield split(matrices[0], layout, units) | both
    elif len(matrices) == 2:
        for recurrent, weight in permutations(matrices):
            if not (_acts_on(recurrent.name, _INPUT) or _acts_on(weight.name, _HIDDEN)):
                yield {"weight": weight, "recurrent_weight": recurrent, **both}


def _acts_on(name: str, names: re.Pattern[str]) -> bool:
    """Whether the last part of a name is one of these names."""
    return bool(names.fullmatch(re.split(r"[./]", name)[-1].lower().replace("_", "")))


def _is_layer(roles: Roles, layout: str) -> bool:
    """Whether the shapes of the weights fit an RNN or an LSTM."""
    try:
        return parameters_of("", {(0, 0): roles}, layout)[0] in ("rnn", "lstm")
    except ValueError:
        return False
