"""The layers that `FILE` or `FILE:PREFIX` names, and the fields of a problem with the weights of a layer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from pathlib import Path
from typing import Any

from oracle.checkpoints.contents import CheckpointError
from oracle.checkpoints.files import read
from oracle.checkpoints.layer import RecurrentLayer
from oracle.checkpoints.layer_search import Incomplete, find

_SHOWN = 12
"""The largest number of layers that a message names."""


Layer = RecurrentLayer | Incomplete


@dataclass(frozen=True)
class Checkpoint:
    """The recurrent layers of a file, in the order of the file, and what was skipped, with reasons."""

    path: Path
    layers: Sequence[RecurrentLayer]
    skipped: Sequence[str] = ()


def load(text: str, layout: str = "", *, overrules: bool = True, limit: int | None = None) -> Checkpoint:
    """The layers that `FILE` or `FILE:PREFIX` names.

    A prefix selects all layers whose names begin with it, or the only layer whose name ends with it. The
    prefix `A+B` selects one layer: B stacked on A. `layout` is the layout of all weights; without
    `overrules`, only of those whose names do not tell it. `limit` is the largest number of bytes for the
    tensors in memory. Raises `CheckpointError`, whose message begins with the file, if a layer cannot be
    read.
    """
    file, prefix = split(text)
    path = Path(file)
    try:
        found = find(read(path, path.suffix, limit), layout, overrules=overrules)
        return Checkpoint(path, select(found.layers, prefix), found.skipped)
    except CheckpointError as error:
        raise CheckpointError(f"{file}: {error}") from None


@lru_cache(maxsize=16)
def only_layer(text: str, layout: str = "") -> RecurrentLayer:
    """The only layer that `FILE` or `FILE:PREFIX` names, cached; `CheckpointError` for several layers."""
    layers = load(text, layout).layers
    if len(layers) > 1:
        which = f"name one of {_names(layers)} as FILE:PREFIX"
        raise CheckpointError(f"{text} holds {len(layers)} layers; {which}")
    return layers[0]


SIZES_IN_FILE = ("n_x", "n_a", "n_p", "layers", "directions")
"""The sizes that the file of weights determines."""


def with_file_fields(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The given fields of a problem with `weights`, and the fields that the file determines.

    Raises `ValueError` if the file cannot be read, has a layer of another kind, or has another digest.
    """
    layer = only_layer(str(given["weights"]), str(given.get("layout", "")))
    if f"{layer.kind}_layer" != kind:
        raise ValueError(f"{given['weights']} holds an {layer.kind.upper()}, but the problem is for {kind}")
    if given.get("digest", layer.digest) != layer.digest:
        raise ValueError(
            f"{given['weights']} has other numbers: digest {layer.digest}, not {given['digest']}"
        )
    sizes = {name: getattr(layer, name) for name in SIZES_IN_FILE}
    activation = {"activation": layer.activation} if layer.activation and kind == "rnn_layer" else {}
    return {**activation, **given, **sizes, "digest": layer.digest}


def split(text: str) -> tuple[str, str]:
    """The file and the prefix of a text; both may contain colons.

    The file is the whole text, if there is such a file; otherwise the shortest part up to a colon for which
    there is one.
    """
    colons = [match.start() for match in re.finditer(":", text)]
    for at in (len(text), *colons):
        if Path(text[:at]).is_file():
            return text[:at], text[at + 1 :]
    file, _, prefix = text.partition(":")
    return file, prefix


def select(layers: Sequence[Layer], prefix: str) -> list[RecurrentLayer]:
    """The layers that a prefix selects; all layers without a prefix.

    Raises `CheckpointError` if the prefix selects no layer, or an incomplete one.
    """
    if not prefix:
        return _complete(layers)
    if chosen := _selected(layers, prefix):
        return _complete(chosen, others=False)
    if "+" not in prefix:
        raise CheckpointError(f"no layer in it begins with {prefix}; there is {_names(layers)}")
    parts = []
    for each in prefix.split("+"):
        found = _complete(_selected(layers, each), others=False)
        if len(found) != 1:
            raise CheckpointError(f"{each or 'nothing'} selects {len(found)} layers, expected one to stack")
        parts += found
    return [reduce(lambda below, above: above.stacked_on(below), parts)]


def _complete(layers: Sequence[Layer], *, others: bool = True) -> list[RecurrentLayer]:
    """The layers, if all are complete. Otherwise a `CheckpointError` says what is missing.

    With `others`, the error also names the complete layers.
    """
    complete = [layer for layer in layers if isinstance(layer, RecurrentLayer)]
    for layer in layers:
        if isinstance(layer, Incomplete):
            names = (
                f"; to use one of the others, name it as FILE:PREFIX: {_names(complete)}"
                if others and complete
                else ""
            )
            raise CheckpointError(layer.why + names)
    return complete


def _names(layers: Sequence[Layer]) -> str:
    names = [layer.prefix or "one without a prefix" for layer in layers[:_SHOWN]]
    return ", ".join(names) + (f" and {len(layers) - _SHOWN} more" if len(layers) > _SHOWN else "")


def _selected(layers: Sequence[Layer], prefix: str) -> list[Layer]:
    same = [layer for layer in layers if layer.prefix == prefix]
    starting = [layer for layer in layers if layer.prefix.startswith(tuple(prefix + end for end in "./+"))]
    ending = [layer for layer in layers if layer.prefix.endswith((f".{prefix}", f"/{prefix}"))]
    return same or starting or (ending if len(ending) == 1 else [])
