"""The fields of a problem that its file of weights determines."""

from collections.abc import Mapping
from typing import Any

from oracle.checkpoints.checkpoint import only_layer

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
