"""Writes layers with the layout and the names of a framework, and verifies the numbers in the file."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from oracle.checkpoints.checkpoint import Checkpoint, select
from oracle.checkpoints.contents import CheckpointError
from oracle.checkpoints.files import read
from oracle.checkpoints.layer import RecurrentLayer
from oracle.checkpoints.layer_search import find
from oracle.checkpoints.torch_files import safetensors_of, state_dict_of
from oracle.conversion import CONVERTERS
from reference.contract import Array


def _npz_of(arrays: Mapping[str, Array]) -> bytes:
    """The bytes of an `.npz` file with these arrays."""
    stream = BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


WRITERS: Mapping[str, Callable[[Mapping[str, Array]], bytes]] = {
    ".safetensors": safetensors_of,
    ".npz": _npz_of,
    ".pt": state_dict_of,
}
"""The function that makes the bytes of a file, by suffix."""


def convert(checkpoint: Checkpoint, out: Path, to: str, *, force: bool = False) -> list[str]:
    """Write the layers to a file, with the layout and the names of the framework `to`, after their prefixes.

    Returns the name of each layer in the file, as `load` takes it: `out:PREFIX`. Before `out` is created, the
    content is read back, and the parameters are compared bit for bit. Raises `CheckpointError` if they
    differ, if `out` exists (without `force`) or is the file of the checkpoint, if the framework has no such
    layers, and if `out` cannot be written.
    """
    if to not in CONVERTERS:
        raise CheckpointError(f"--to {to} is not one of {', '.join(CONVERTERS)}")
    suffix = out.suffix.lower()
    if suffix not in WRITERS:
        raise CheckpointError(f"{out}: its suffix is not one of {', '.join(WRITERS)}, which can be written")
    if out.exists() and checkpoint.path.exists() and out.samefile(checkpoint.path):
        raise CheckpointError(f"{out}: it is the file to convert: write to another file")
    if out.exists() and not force:
        raise CheckpointError(f"{out}: the file exists already; --force overwrites it")
    if not out.parent.is_dir():
        raise CheckpointError(f"{out}: there is no directory {out.parent}")
    arrays: dict[str, Array] = {}
    prefixes = []
    for layer in checkpoint.layers:
        named, prefix = _named(layer, to)
        if any(name in arrays for name in named):
            raise CheckpointError(f"{out}: two layers have the prefix {layer.prefix}: convert one at a time")
        arrays.update(named)
        prefixes.append(prefix)
    try:
        content = WRITERS[suffix](arrays)
        _verify(checkpoint.layers, prefixes, content, suffix)
        _write_whole(content, out)
    except CheckpointError as error:
        raise CheckpointError(f"{out}: {error}") from None
    except OSError as error:
        raise CheckpointError(f"{out}: it cannot be written: {error.strerror or error}") from None
    return [f"{out}:{prefix}" if prefix else str(out) for prefix in prefixes]


def _write_whole(content: bytes, out: Path) -> None:
    """Write the whole file, or no file if an error occurs."""
    part = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        part.write_bytes(content)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _named(layer: RecurrentLayer, to: str) -> tuple[dict[str, Array], str]:
    """The arrays by name, and the prefix that selects the layer in the new file."""
    try:
        arrays = CONVERTERS[to](layer.kind, layer.parameters, layer.directions)
    except ValueError as error:
        raise CheckpointError(
            f"{layer.prefix or 'the layer'} cannot be converted for {to}: {error}"
        ) from None
    prefix = layer.prefix.partition("+")[0]
    before = prefix and prefix + ("/" if to == "keras" else ".")
    if to == "keras":
        tops = dict.fromkeys(name.partition("/")[0] for name in arrays)
        prefix = "+".join(before + top for top in tops)
    return {before + name: array for name, array in arrays.items()}, prefix


def _verify(layers: Sequence[RecurrentLayer], prefixes: Sequence[str], content: bytes, suffix: str) -> None:
    """Raise `CheckpointError` unless a file with this content has each layer at its prefix."""
    with TemporaryFile() as file:  # the file has no name, so a killed process leaves no file
        file.write(content)
        file.flush()
        found = find(read(Path(f"/dev/fd/{file.fileno()}"), suffix, sys.maxsize)).layers
    by_prefix = {each.prefix: each for each in found}
    for layer, prefix in zip(layers, prefixes, strict=True):
        has = by_prefix.get(prefix)
        again = select(found if has is None else [has], prefix)
        if [*map(_every_bit, again)] != [_every_bit(layer)]:
            read_back = ", ".join(f"{each.prefix or 'a layer'} {each.digest}" for each in again)
            name = layer.prefix or "the layer"
            raise CheckpointError(f"{name} was not written: read back, it is {read_back or 'no layer'}")


def _every_bit(layer: RecurrentLayer) -> tuple[Any, ...]:
    """All that a copy must have."""
    parameters = [sorted(p.items()) for p in layer.parameters]
    arrays = [[(name, a.dtype, a.shape, a.tobytes()) for name, a in items] for items in parameters]
    return layer.kind, layer.directions, arrays
