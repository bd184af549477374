"""Loads the layers that `FILE` or `FILE:PREFIX` names, also for problems with the weights of a file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from pathlib import Path
from typing import Any

from oracle.checkpoints import reading_process
from oracle.checkpoints.contents import CheckpointError
from oracle.checkpoints.files import library_for, read
from oracle.checkpoints.layer import RecurrentLayer
from oracle.checkpoints.layer_search import Incomplete, Layer, find_layers
from reference.contract import NETWORKS

_MOST_NAMES = 12
"""The largest number of layers that a message names."""


@dataclass(frozen=True)
class Checkpoint:
    """The recurrent layers of a file, in the order of the file."""

    path: Path
    layers: Sequence[RecurrentLayer]
    skipped: Sequence[str] = ()  # sentences about recurrent data that was not read, with reasons


def load(text: str, layout: str = "", *, memory_limit: int | None = None) -> Checkpoint:
    """Return the layers that `FILE` or `FILE:PREFIX` names.

    A prefix selects all layers whose names begin with the prefix, or the only layer whose name ends with it.
    The prefix `A+B` selects one layer: B stacked on A. `layout` is the layout of all weights. The
    file is read in another process, within the limits of `reading_process`; the address space may be
    `memory_limit` bytes. Raises `CheckpointError`, whose message begins with the file, if a layer cannot be
    read.
    """
    file, prefix = split(text)
    library, given = library_for(Path(file).suffix), (file, prefix, layout)
    layers, skipped = reading_process.call(
        file, read_layers, *given, library=library, memory_limit=memory_limit
    )
    return Checkpoint(Path(file), [RecurrentLayer(*each) for each in layers], skipped)


def read_layers(file: str, prefix: str, layout: str) -> tuple[list[list[Any]], list[str]]:
    """Return the fields of the layers that a prefix selects, and what was skipped; read in this process."""
    path = Path(file)
    layers, skipped = find_layers(read(path, path.suffix), layout)
    return [[*vars(layer).values()] for layer in select(layers, prefix)], skipped


@lru_cache(maxsize=16)
def only_layer(text: str, layout: str = "") -> RecurrentLayer:
    """Return the layer that `FILE` or `FILE:PREFIX` names, cached. Raises `CheckpointError` for several."""
    layers = load(text, layout).layers
    if len(layers) > 1:
        remedy = f"name one of {_names(layers)} as FILE:PREFIX"
        raise CheckpointError(f"{text} holds {len(layers)} layers; {remedy}")
    return layers[0]


SIZES_IN_FILE = ("n_x", "n_a", "n_p", "layers", "directions")
"""The sizes of a problem that its file of weights determines."""


def with_file_fields(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a problem with `weights`, and those that its file determines.

    Raises `ValueError` if the file cannot be read, has a layer of another kind, or has another digest.
    """
    layer = only_layer(str(fields["weights"]), str(fields.get("layout", "")))
    if f"{layer.kind}_layer" != kind:
        raise ValueError(f"{fields['weights']} holds an {layer.kind.upper()}, but the problem is for {kind}")
    if fields.get("digest", layer.digest) != layer.digest:
        raise ValueError(
            f"{fields['weights']} has other numbers: digest {layer.digest}, not {fields['digest']}"
        )
    sizes = {name: getattr(layer, name) for name in SIZES_IN_FILE}
    has_activation = layer.activation and NETWORKS[layer.kind].has_activations
    activation = {"activation": layer.activation} if has_activation else {}
    return {**activation, **fields, **sizes, "digest": layer.digest}


def split(text: str) -> tuple[str, str]:
    """Return the file and the prefix in `FILE:PREFIX`, both of which may contain colons.

    The file is the whole text, if such a file exists; otherwise the shortest text before a colon that names
    a file.
    """
    colons = [match.start() for match in re.finditer(":", text)]
    for at in (len(text), *colons):
        if Path(text[:at]).is_file():
            return text[:at], text[at + 1 :]
    file, _, prefix = text.partition(":")
    return file, prefix


def select(layers: Sequence[Layer], prefix: str) -> list[RecurrentLayer]:
    """Return the layers that a prefix selects; all layers without a prefix.

    Raises `CheckpointError` if the prefix selects no layer, or an incomplete layer.
    """
    if not prefix:
        remedy = "; to use one of the others, name it as FILE:PREFIX: "
        complete = [layer for layer in layers if isinstance(layer, RecurrentLayer)]
        return _require_complete(layers, remedy + _names(complete) if complete else "")
    if matches := _matches(layers, prefix):
        return _require_complete(matches)
    if "+" not in prefix:
        raise CheckpointError(f"no layer in it begins with {prefix}; there is {_names(layers)}")
    stack = []
    for each in prefix.split("+"):
        part = _require_complete(_matches(layers, each))
        if len(part) != 1:
            raise CheckpointError(f"{each or 'nothing'} selects {len(part)} layers, expected one to stack")
        stack += part
    return [reduce(lambda below, above: above.stacked_on(below), stack)]


def _require_complete(layers: Sequence[Layer], remedy: str = "") -> list[RecurrentLayer]:
    """Return the layers. Raises `CheckpointError`, with a remedy, if a layer is incomplete."""
    for layer in layers:
        if isinstance(layer, Incomplete):
            raise CheckpointError(layer.why + remedy)
    return [layer for layer in layers if isinstance(layer, RecurrentLayer)]


def _names(layers: Sequence[Layer]) -> str:
    names = ", ".join(layer.prefix or "one without a prefix" for layer in layers[:_MOST_NAMES])
    return names + (f" and {len(layers) - _MOST_NAMES} more" if len(layers) > _MOST_NAMES else "")


def _matches(layers: Sequence[Layer], prefix: str) -> list[Layer]:
    """Return the layers with this prefix; else those under it; else the only one whose name ends with it."""
    same = [layer for layer in layers if layer.prefix == prefix]
    starting = [layer for layer in layers if layer.prefix.startswith(tuple(prefix + end for end in "./+"))]
    ending = [layer for layer in layers if layer.prefix.endswith((f".{prefix}", f"/{prefix}"))]
    return same or starting or (ending if len(ending) == 1 else [])
