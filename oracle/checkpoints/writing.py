"""Writes layers with the layout and the names of a framework, and compares the written numbers."""

import os
import secrets
import warnings
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np

from oracle.checkpoints.files import read
from oracle.checkpoints.layers import Checkpoint, RecurrentLayer, find_layers, select
from oracle.checkpoints.reading import CheckpointError, import_optional, shorten
from oracle.weights.conversion import CONVERTERS
from reference.contract import Array


def _save_state_dict(stream: IO[bytes], arrays: Mapping[str, Array]) -> None:
    import torch  # which takes a second

    torch.save({name: torch.tensor(array) for name, array in arrays.items()}, stream)


WRITERS: Mapping[str, Callable[[IO[bytes], dict[str, Array]], Any]] = {
    ".safetensors": lambda stream, arrays: stream.write(import_optional("safetensors.numpy").save(arrays)),
    ".npz": lambda stream, arrays: np.savez(stream, **arrays),  # type: ignore[arg-type]
    ".pt": _save_state_dict,
}
"""The function that writes arrays to a stream, by suffix."""


def convert(checkpoint: Checkpoint, out: Path, to: str, *, force: bool = False) -> list[str]:
    """Write the layers to a file, with the layout and the names of the framework `to`.

    A layer keeps its prefix. Returns the name of each layer, `out:PREFIX`, as `load` takes it. Before `out`
    is created, the content is read back, and the parameters are compared bit for bit.

    Raises `CheckpointError` if the parameters differ, if `out` exists (without `force`) or is the file of the
    checkpoint, if the framework has no such layers, or if `out` cannot be written.
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
    stream, arrays, prefixes = BytesIO(), dict[str, Array](), []
    for layer in checkpoint.layers:
        converted, prefix = _converted(layer, to)
        if converted.keys() & arrays.keys():
            raise CheckpointError(f"{out}: two layers have the prefix {layer.prefix}: convert one at a time")
        arrays.update(converted)
        prefixes.append(prefix)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zipfile warns of two names that are one up to a zero
            WRITERS[suffix](stream, arrays)
        _verify(checkpoint.layers, prefixes, stream.getvalue(), suffix)
        _write_whole(stream.getvalue(), out)
    except CheckpointError as error:
        raise CheckpointError(f"{out}: {error}") from None
    except Exception as error:  # of the system, or of a library that cannot write such names
        why = getattr(error, "strerror", "") or f"{type(error).__name__}: {shorten(error, 120)}"
        raise CheckpointError(f"{out}: it cannot be written: {why}") from None
    return [f"{out}:{prefix}" if prefix else str(out) for prefix in prefixes]


def _write_whole(content: bytes, out: Path) -> None:
    """Write the whole file. If an error or an interrupt occurs, `out` stays as it was."""
    part = out.with_name(f".{secrets.token_hex(16)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _converted(layer: RecurrentLayer, to: str) -> tuple[dict[str, Array], str]:
    """Return the arrays by name, and the prefix that selects the layer in the new file."""
    try:
        arrays = CONVERTERS[to](layer.kind, layer.parameters, layer.directions)
    except ValueError as error:
        name = layer.prefix or "the layer"
        raise CheckpointError(f"{name} cannot be converted for {to}: {error}") from None
    prefix = layer.prefix.partition("+")[0]
    start = prefix and prefix + ("/" if to == "keras" else ".")
    if to == "keras":
        layer_names = dict.fromkeys(name.partition("/")[0] for name in arrays)
        prefix = "+".join(start + name for name in layer_names)
    return {start + name: array for name, array in arrays.items()}, prefix


def _verify(layers: Sequence[RecurrentLayer], prefixes: Sequence[str], content: bytes, suffix: str) -> None:
    """Raise `CheckpointError` unless a file with this content has each layer at its prefix."""
    with TemporaryFile() as file:  # the file has no name, so a killed process leaves no file
        file.write(content)
        file.flush()
        found, _ = find_layers(read(Path(f"/dev/fd/{file.fileno()}"), suffix))
    by_prefix = {each.prefix: each for each in found}
    for layer, prefix in zip(layers, prefixes, strict=True):
        copies = select([by_prefix[prefix]] if prefix in by_prefix else found, prefix)
        if [*map(_every_bit, copies)] != [_every_bit(layer)]:
            digests = ", ".join(f"{each.prefix or 'a layer'} {each.digest}" for each in copies)
            name = layer.prefix or "the layer"
            raise CheckpointError(f"{name} was not written: read back, it is {digests or 'no layer'}")


def _every_bit(layer: RecurrentLayer) -> tuple[Any, ...]:
    parameters = [sorted(p.items()) for p in layer.parameters]
    arrays = [[(name, a.dtype, a.shape, a.tobytes()) for name, a in items] for items in parameters]
    return layer.kind, layer.directions, arrays
