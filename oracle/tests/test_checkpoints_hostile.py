"""Files that would hang a reader or fill its memory are refused in one line, by limits of the system."""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from oracle.checkpoints import CheckpointError, load, reading
from oracle.tests import hostile_files as hostile
from oracle.tests import hostile_onnx
from oracle.tests.selection import VARIABLE, chosen, needs

ONNX = needs("onnx", "onnx")
Make = Callable[[Path], Path]
TOO_LARGE = " takes more than 0.25 GB to read: --memory-limit"
TOO_SLOW = " takes more than 1 s to read"

AT_ONCE: dict[str, tuple[Make, str]] = {
    "many directions": (hostile.many_directions, "W is (1000000000, 0, 3), expected (16, 3)"),
    "many biases": (hostile.many_biases, "B is (1000000000, 0), which has no numbers"),
    "projection to nothing": (hostile.projection_to_nothing, "which has no numbers"),
    "zeros of .npz": (hostile.zeros_npz, TOO_LARGE),
    "a claim of .h5": (hostile.claimed_h5, TOO_LARGE),
    "a hole in .npz": (partial(hostile.hole, suffix=".npz"), "it is cut short, or no .npz file"),
    "a hole in .keras": (partial(hostile.hole, suffix=".keras"), "it is cut short, or no .keras file"),
    "a hole in .h5": (partial(hostile.hole, suffix=".h5"), "it is cut short, or no .h5 file"),
}
"""The files that take no second to write and to refuse, and what the message says."""
OF_ONNX: dict[str, tuple[Make, str]] = {
    "a ring of weights": (hostile_onnx.ring_of_weights, "n: its weights are computed from themselves"),
    "functions in a ring": (hostile_onnx.functions_in_a_ring, "functions must not be recursive"),
    "functions that call ten": (hostile_onnx.functions_tenfold, ""),
    "a split into many": (hostile_onnx.split_into_many, TOO_LARGE),
    "a cast to text": (hostile_onnx.cast_to_text, TOO_LARGE),
    "doubled": (hostile_onnx.doubled, TOO_LARGE),
    "gathered": (hostile_onnx.gathered, TOO_LARGE),
    "filled": (hostile_onnx.filled, "n: w is computed by ConstantOfShape"),
    "a sparse constant": (hostile_onnx.sparse_constant, ""),
    "a file many times": (hostile_onnx.external_many_times, ""),
    "a hole beside it": (hostile_onnx.external_hole, TOO_LARGE),
    "a hole in .onnx": (partial(hostile.hole, suffix=".onnx"), TOO_LARGE),
}
LATER: dict[str, tuple[Make, str]] = {
    "a slow hash": (hostile.slow_hash, TOO_SLOW),
    "bytes of nothing": (hostile.bytes_of_nothing, TOO_LARGE),
    "legacy bytes of nothing": (hostile.bytes_of_a_legacy_file, TOO_LARGE),
    "zip after a legacy file": (hostile.zip_after_a_legacy_file, TOO_LARGE),
    "pickle in capitals": (hostile.pickle_in_capitals, "it is cut short, or no .pt file"),
    "shared lists": (hostile.shared_lists, TOO_LARGE),
    "deep mappings": (hostile.deep_mappings, "it has no RNN or LSTM in it, nor any tensor"),
    "a stride of 0": (hostile.stride_0, TOO_LARGE),
    "a text that grows": (hostile.slow_text, "it is cut short, or no .pt file"),
    "a late protocol": (hostile.late_protocol, "it is cut short, or no .pt file: its pickle has other than"),
    "a mapping in itself": (hostile.mapping_in_itself, ""),
    "nested mappings": (hostile.nested_mappings, ""),
    "a hole in .pt": (partial(hostile.hole, suffix=".pt"), "it is cut short, or no .pt file"),
    "a claim of .safetensors": (hostile.claimed_safetensors, TOO_LARGE),
    "a hole in .safetensors": (partial(hostile.hole, suffix=".safetensors"), TOO_LARGE),
    "a wide header": (hostile.wide_header, TOO_LARGE),
    "a wide chunk": (hostile.wide_chunk, TOO_LARGE),
    "zeros of .keras": (hostile.zeros_keras, TOO_LARGE),
    "zeros of .pt": (hostile.zeros_pt, TOO_LARGE),
}
"""The files that take a second or two, most to import torch. A run takes a sixth of them, and of ONNX's."""
CASES = {**AT_ONCE, **OF_ONNX, **LATER}


def refusal(path: Path) -> str:
    """Return the message, which is one line and begins with the file."""
    with pytest.raises(CheckpointError) as caught:
        load(str(path), memory_limit=2**28)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert len(message.splitlines()) == 1
    assert "weights_only" not in message  # which torch's own messages recommend to turn off
    return message.removeprefix(str(path))


@pytest.mark.parametrize(
    "name",
    [
        *AT_ONCE,
        *(pytest.param(name, marks=ONNX) for name in chosen(OF_ONNX, lambda name: "ONNX")),
        *chosen(LATER, lambda name: LATER[name][1]),
    ],
)
def test_a_hostile_file_is_refused_in_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library may also end its process if it gets no memory. Then the message says this."""
    make, words = CASES[name]
    if words == TOO_SLOW:
        monkeypatch.setattr(reading, "CPU_SECONDS", 1)
    message = refusal(make(tmp_path))
    assert words in message or (words == TOO_LARGE and "a library crashed" in message)


def test_memory_that_nobody_has_set_is_read_as_numbers(tmp_path: Path) -> None:
    with suppress(CheckpointError):  # some of the numbers may not be finite
        (layer,) = load(str(hostile.unset_memory(tmp_path))).layers
        assert (layer.kind, layer.n_x, layer.n_a) == ("lstm", 3, 4)


@ONNX
def test_a_layer_after_a_ring_of_nodes_is_read(tmp_path: Path) -> None:
    (layer,) = load(str(hostile_onnx.ring_before_a_node(tmp_path))).layers
    assert (layer.prefix, layer.layers) == ("n", 1)


def test_a_thousand_layers_are_read(tmp_path: Path) -> None:
    checkpoint = load(str(hostile.many_layers(tmp_path, 1000)))
    assert len(checkpoint.layers) == 1000
    assert len({layer.digest for layer in checkpoint.layers}) == 1


@pytest.mark.skipif(os.environ.get(VARIABLE) != "all", reason="takes a minute: RNN_CROSSCHECK_SIXTH=all")
def test_a_hundred_thousand_layers_are_refused_in_one_line(
    tmp_path: Path,
) -> None:
    path = str(hostile.many_layers(tmp_path, 100_000))
    with pytest.raises(CheckpointError, match=r"it has more than 1000000 parts| takes ") as caught:
        load(path)
    assert len(str(caught.value).splitlines()) == 1


NAMES = {
    "parts": "a." * 199_999 + "a",
    "cells": "cell_1" * 70_000,
    "long": "a" * 2_000_000,
    "not ASCII": "é" * 1000,
}


@pytest.mark.parametrize("prefix", NAMES.values(), ids=NAMES)  # ids are in the environment, which has a limit
def test_long_names_are_read(prefix: str, tmp_path: Path) -> None:
    path = str(hostile.named(tmp_path, prefix))
    for layout in ("", "torch"):
        (layer,) = load(path, layout).layers
        assert layer.prefix == prefix


def test_long_names_that_no_framework_has_are_read_with_a_layout(tmp_path: Path) -> None:
    prefix = "a" * 400_000
    arrays = {f"{prefix}.{name}": np.ones((16, n), "f") for name, n in (("recurrent", 4), ("input", 3))}
    path = hostile.saved_safetensors(tmp_path, arrays)
    (layer,) = load(str(path), "torch").layers
    assert layer.prefix == prefix


def test_a_name_in_another_file_is_not_read(tmp_path: Path) -> None:
    (layer,) = load(str(hostile.linked_name(tmp_path))).layers
    assert layer.prefix == "lstm"


def test_the_users_limit_replaces_the_default(tmp_path: Path) -> None:
    path = str(hostile.wide_layer(tmp_path))
    with pytest.raises(CheckpointError, match=r" takes more than 0\.0\d+ GB to read: --memory-limit"):
        load(path, memory_limit=2**26)
    assert load(path).layers


def test_unprintable_names_are_escaped(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "f.npz",
        **{"\x1b[2J\x9blstm.weight_hh_l0": np.ones((16, 4), "f")},  # type: ignore[arg-type]
    )
    with pytest.raises(CheckpointError) as caught:
        load(str(tmp_path / "f.npz"))
    assert r"there is \x1b[2J\x9blstm.weight_hh_l0, but no weight of the input" in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_large_layer_number_is_refused_at_once(tmp_path: Path) -> None:
    arrays = {f"weight_{role}_l999999": np.ones((16, 4), "f") for role in ("ih", "hh")}
    np.savez(tmp_path / "f.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match="there is weight_ih_l999999, but nothing of l0"):
        load(str(tmp_path / "f.npz"))
