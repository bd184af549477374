"""A checkpoint by its path, and the layer that is meant."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from pathlib import Path

from oracle.checkpoints.error import CheckpointError
from oracle.checkpoints.files import read
from oracle.checkpoints.finding import find
from oracle.checkpoints.layer import RecurrentLayer
from oracle.layout import LAYOUTS


@dataclass(frozen=True)
class Checkpoint:
    """The recurrent layers of a file, in its order, and what recurrent was passed over, and why."""

    path: Path
    layers: Sequence[RecurrentLayer]
    passed_over: Sequence[str] = ()


def load(text: str, layout: str = "") -> Checkpoint:
    """The layers that `FILE` or `FILE:PREFIX` names.

    `PREFIX` is what their names begin with, or only how that ends where no other ends so; `A+B` are A and B
    stacked, which is then one layer. Raises `CheckpointError`, whose one line begins with the file.
    """
    file, prefix = split(text)
    try:
        if layout and layout not in LAYOUTS:
            raise CheckpointError(f"--layout {layout} is none of {', '.join(LAYOUTS)}")
        layers, passed_over = find(read(Path(file)), layout)
        return Checkpoint(Path(file), select(layers, prefix), passed_over)
    except CheckpointError as error:
        raise CheckpointError(f"{file}: {error}") from None


@lru_cache(maxsize=16)
def only_layer(text: str) -> RecurrentLayer:
    """The one layer that `FILE` or `FILE:PREFIX` names, read once. Raises `CheckpointError` of several."""
    layers = load(text).layers
    if len(layers) > 1:
        names = ", ".join(layer.prefix for layer in layers)
        raise CheckpointError(f"{text} holds {len(layers)} layers; name one of {names} as FILE:PREFIX")
    return layers[0]


def split(text: str) -> tuple[str, str]:
    """The file and the prefix, either of which may have colons in it: the file is one that is there."""
    colons = [match.start() for match in re.finditer(":", text)]
    for at in (len(text), *colons):
        if Path(text[:at]).is_file():
            return text[:at], text[at + 1 :]
    file, _, prefix = text.partition(":")
    return file, prefix


def select(layers: Sequence[RecurrentLayer], prefix: str) -> list[RecurrentLayer]:
    """Those of a prefix; all without one."""
    if not prefix:
        return [*layers]
    chosen = _below(layers, prefix)
    if not chosen and "+" in prefix:
        parts = []
        for each in prefix.split("+"):
            found = _below(layers, each)
            if len(found) != 1:
                raise CheckpointError(
                    f"{each or 'nothing'} is {len(found)} of its layers, expected one to stack"
                )
            parts += found
        chosen = [reduce(lambda below, above: above.on(below), parts)]
    if not chosen:
        names = ", ".join(layer.prefix or "one without a prefix" for layer in layers)
        raise CheckpointError(f"no layer in it begins with {prefix}; there is {names}")
    return chosen


def _below(layers: Sequence[RecurrentLayer], prefix: str) -> list[RecurrentLayer]:
    same = [layer for layer in layers if layer.prefix == prefix]
    starting = [layer for layer in layers if layer.prefix.startswith(tuple(prefix + end for end in "./+"))]
    ending = [layer for layer in layers if layer.prefix.endswith((f".{prefix}", f"/{prefix}"))]
    return same or starting or (ending if len(ending) == 1 else [])
