"""Layers written under the names of a framework, to a file that is first held to be the same numbers."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from oracle.checkpoints.checkpoint import load
from oracle.checkpoints.error import CheckpointError
from oracle.checkpoints.layer import RecurrentLayer
from oracle.checkpoints.of_torch import write_safetensors, write_state_dict
from oracle.conversion import TO
from reference import lstm_layer, rnn_layer
from reference.contract import Array


def write_npz(path: Path, arrays: Mapping[str, Array]) -> None:
    """The arrays under these names."""
    np.savez(path, allow_pickle=False, **arrays)


WRITERS: Mapping[str, Callable[[Path, Mapping[str, Array]], None]] = {
    ".safetensors": write_safetensors,
    ".npz": write_npz,
    ".pt": write_state_dict,
}
"""By suffix."""


def convert(layers: Sequence[RecurrentLayer], out: Path, to: str, *, force: bool = False) -> list[str]:
    """Write layers to a file, in the layout and under the names of `TO[to]`, after their prefix.

    Returns what each is called there, as `load` takes it: `out:PREFIX`. The file is written elsewhere first,
    read back, and compared: the parameters bit for bit, and the states of the reference on some inputs.
    Raises `CheckpointError` where that does not hold, where there is such a file, unless told to by `force`,
    and where the framework does not have such layers.
    """
    if to not in TO:
        raise CheckpointError(f"--to {to} is none of {', '.join(TO)}")
    if out.suffix.lower() not in WRITERS:
        raise CheckpointError(f"{out}: its suffix is none of {', '.join(WRITERS)}, which can be written")
    if out.exists() and not force:
        raise CheckpointError(f"{out}: there is such a file already, which --force would overwrite")
    if not out.parent.is_dir():
        raise CheckpointError(f"{out}: there is no directory {out.parent}")
    arrays: dict[str, Array] = {}
    prefixes = []
    for layer in layers:
        named, prefix = _named(layer, to)
        arrays.update(named)
        prefixes.append(prefix)
    with TemporaryDirectory(dir=out.parent, prefix=".rnn-crosscheck-") as folder:
        written = Path(folder, f"written{out.suffix.lower()}")
        WRITERS[out.suffix.lower()](written, arrays)
        for layer, prefix in zip(layers, prefixes, strict=True):
            _verify(layer, f"{written}:{prefix}")
        written.replace(out)
    return [f"{out}:{prefix}" if prefix else str(out) for prefix in prefixes]


def _named(layer: RecurrentLayer, to: str) -> tuple[dict[str, Array], str]:
    """The arrays by name, and the prefix by which they are the same layer again."""
    try:
        arrays = TO[to](layer.kind, layer.parameters, layer.directions)
    except ValueError as error:
        raise CheckpointError(f"{layer.prefix or 'the layer'} cannot be had for {to}: {error}") from None
    prefix = layer.prefix.partition("+")[0]
    before = prefix and prefix + ("/" if to == "keras" else ".")
    if to == "keras":
        tops = dict.fromkeys(name.partition("/")[0] for name in arrays)
        prefix = "+".join(before + top for top in tops)
    return {before + name: array for name, array in arrays.items()}, prefix


def _verify(layer: RecurrentLayer, written: str) -> None:
    """`CheckpointError` where what was written is not the layer."""
    again = load(written).layers
    wrong = f"{layer.prefix or 'the layer'} was not written: read back, it"
    if len(again) != 1:
        raise CheckpointError(f"{wrong} is {len(again)} layers")
    kinds = [(each.kind, each.layers, each.directions) for each in (layer, again[0])]
    if kinds[0] != kinds[1]:
        raise CheckpointError(f"{wrong} is a layer of another kind")
    for k, (ours, theirs) in enumerate(zip(layer.parameters, again[0].parameters, strict=True)):
        for name, array in ours.items():
            if array.tobytes() != theirs[name].tobytes() or array.shape != theirs[name].shape:
                raise CheckpointError(f"{wrong} has another {name} at place {k}")
    for before, after in zip(_states(layer), _states(again[0]), strict=True):
        if before.tobytes() != after.tobytes():
            raise CheckpointError(f"{wrong} gives other states")


def _states(layer: RecurrentLayer) -> tuple[Array, ...]:
    """What the reference makes of some inputs."""
    x = np.random.default_rng(0).standard_normal((layer.n_x, 3, 5)).astype(layer.dtype)
    options = {"directions": layer.directions}
    if layer.kind == "rnn":
        return rnn_layer(x, None, layer.parameters, {**options, "activation": layer.activation or "tanh"})
    return lstm_layer(x, None, None, layer.parameters, options)
