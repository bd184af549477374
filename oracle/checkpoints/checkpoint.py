"""The layers of a checkpoint that `FILE` or `FILE:PREFIX` names."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from pathlib import Path

from oracle.checkpoints.error import CheckpointError
from oracle.checkpoints.files import read
from oracle.checkpoints.layer import RecurrentLayer
from oracle.checkpoints.layer_search import Found, Incomplete, find

_SHOWN = 12
"""The number of names of layers in a message."""


@dataclass(frozen=True)
class Checkpoint:
    """The recurrent layers of a file in its order, and other recurrent data that was passed over, and why."""

    path: Path
    layers: Sequence[RecurrentLayer]
    passed_over: Sequence[str] = ()


def load(text: str, layout: str = "", *, overrules: bool = True, limit: int | None = None) -> Checkpoint:
    """The layers that `FILE` or `FILE:PREFIX` names.

    The names of these layers begin with `PREFIX`, or the name of one layer ends with it; `A+B` is one layer,
    B stacked on A. `layout` is the layout of weights whose names do not tell it; with `overrules`, of
    all weights. `limit` is the most bytes that the tensors may take in memory. Raises `CheckpointError`,
    whose line begins with the file, if one of the layers cannot be read.
    """
    return _chosen(text, lambda path: find(read(path, path.suffix, limit), layout, overrules=overrules))


def _chosen(text: str, found: Callable[[Path], Found]) -> Checkpoint:
    file, prefix = split(text)
    try:
        has = found(Path(file))
        return Checkpoint(Path(file), select(has.layers, prefix), has.passed_over)
    except CheckpointError as error:
        raise CheckpointError(f"{file}: {error}") from None


@lru_cache(maxsize=16)
def only_layer(text: str, layout: str = "") -> RecurrentLayer:
    """The only layer that `FILE` or `FILE:PREFIX` names, cached; `CheckpointError` if there are several."""
    layers = _chosen(text, lambda path: _whole(path, _state(path), layout)).layers
    if len(layers) > 1:
        which = f"name one of {_names(layers)} as FILE:PREFIX"
        raise CheckpointError(f"{text} holds {len(layers)} layers; {which}")
    return layers[0]


@lru_cache(maxsize=2)
def _whole(path: Path, state: object, layout: str) -> Found:
    """The layers of a file in a state, cached: a file in another state has other contents."""
    return find(read(path, path.suffix), layout)


def _state(path: Path) -> object:
    if not path.exists():
        return None
    has = path.stat()
    return has.st_mtime_ns, has.st_size, has.st_ino


def split(text: str) -> tuple[str, str]:
    """The file and the prefix. Both may contain colons: the file is one that exists."""
    colons = [match.start() for match in re.finditer(":", text)]
    for at in (len(text), *colons):
        if Path(text[:at]).is_file():
            return text[:at], text[at + 1 :]
    file, _, prefix = text.partition(":")
    return file, prefix


def select(layers: Sequence[RecurrentLayer | Incomplete], prefix: str) -> list[RecurrentLayer]:
    """The layers of a prefix, or all; `CheckpointError` if there is none, or if one is incomplete."""
    if not prefix:
        return _complete(layers)
    if chosen := _below(layers, prefix):
        return _complete(chosen, others=False)
    if "+" not in prefix:
        raise CheckpointError(f"no layer in it begins with {prefix}; there is {_names(layers)}")
    parts = []
    for each in prefix.split("+"):
        found = _complete(_below(layers, each), others=False)
        if len(found) != 1:
            raise CheckpointError(f"{each or 'nothing'} is {len(found)} of its layers, expected one to stack")
        parts += found
    return [reduce(lambda below, above: above.on(below), parts)]


def _complete(layers: Sequence[RecurrentLayer | Incomplete], *, others: bool = True) -> list[RecurrentLayer]:
    """The layers; `CheckpointError` if one is incomplete, whose message may name the others."""
    complete = [layer for layer in layers if isinstance(layer, RecurrentLayer)]
    for layer in layers:
        if isinstance(layer, Incomplete):
            names = f"; FILE:PREFIX names the others: {_names(complete)}" if others and complete else ""
            raise CheckpointError(layer.why + names)
    return complete


def _names(layers: Sequence[RecurrentLayer | Incomplete]) -> str:
    names = [layer.prefix or "one without a prefix" for layer in layers[:_SHOWN]]
    return ", ".join(names) + (f" and {len(layers) - _SHOWN} more" if len(layers) > _SHOWN else "")


def _below(layers: Sequence[RecurrentLayer | Incomplete], prefix: str) -> list[RecurrentLayer | Incomplete]:
    same = [layer for layer in layers if layer.prefix == prefix]
    starting = [layer for layer in layers if layer.prefix.startswith(tuple(prefix + end for end in "./+"))]
    ending = [layer for layer in layers if layer.prefix.endswith((f".{prefix}", f"/{prefix}"))]
    return same or starting or (ending if len(ending) == 1 else [])
