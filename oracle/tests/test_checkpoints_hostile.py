"""Files that would hang a reader or fill its memory are refused in one line, before they are read."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oracle.checkpoints import CheckpointError, load
from oracle.checkpoints.contents import (
    FILE_FACTOR,
    GREATEST_LIMIT,
    LEAST_LIMIT,
    STEP_LIMIT,
    Allowance,
    LimitError,
)
from oracle.tests import hostile_files as hostile
from oracle.tests import hostile_onnx
from oracle.tests.selection import needs

ONNX = needs("onnx", "onnx")
OF_ONNX: dict[Callable[[Path], Path], str] = {
    hostile_onnx.ring_of_weights: "n: r0 is computed from itself",
    hostile_onnx.long_chain: "it takes more than 500,000 steps to walk through",
    hostile_onnx.functions_tenfold: "it takes more than 500,000 steps to walk through",
    hostile_onnx.functions_in_a_ring: "its functions call each other in a ring",
    hostile_onnx.doubled: "c19 needs 67,108,864 bytes of memory where ",
    hostile_onnx.gathered: "w needs 40,000,000,000 bytes of memory where ",
    hostile_onnx.sparse_constant: "w is sparse",
    hostile_onnx.external_many_times: "needs 1,048,576 bytes of memory where 0 are left",
}
REFUSED: dict[Callable[[Path], Path], str] = {
    **OF_ONNX,
    hostile.zeros_npz: "weight_hh_l0 needs 17,179,869,184 bytes of memory where ",
    hostile.zeros_keras: "model.weights.h5 needs 209,715,200 bytes of memory where ",
    hostile.zeros_pt: " bytes of memory where 67,108,864 are left to this file: --size-limit GIB allows more",
    hostile.stride_0: "weight_ih_l0 needs 17,179,869,184 bytes of memory where ",
    hostile.bytes_of_nothing: "its pickle asks for bytearray, more than tensors",
    hostile.bytes_of_a_legacy_file: "its pickle asks for bytearray, more than tensors",
    hostile.nested_mappings: "it takes more than 500,000 steps to walk through",
    hostile.mapping_in_itself: "it takes more than 500,000 steps to walk through",
    hostile.claimed_h5: "lstm/lstm_cell/kernel needs 17,179,869,184 bytes of memory where ",
    hostile.claimed_safetensors: "weight_ih_l0 needs 17,179,869,184 bytes of memory where ",
}


@pytest.mark.parametrize(
    "make",
    [pytest.param(make, marks=[ONNX] if make in OF_ONNX else [], id=make.__name__) for make in REFUSED],
)
def test_a_hostile_file_is_refused_in_one_line(make: Callable[[Path], Path], tmp_path: Path) -> None:
    """Takes a second for a file in which 200 MB of zeros are compressed."""
    path = make(tmp_path)
    with pytest.raises(CheckpointError) as caught:
        load(str(path))
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert REFUSED[make] in message
    assert len(message.splitlines()) == 1


@ONNX
def test_a_layer_after_a_ring_of_nodes_is_read(tmp_path: Path) -> None:
    (layer,) = load(str(hostile_onnx.ring_before_a_node(tmp_path))).layers
    assert (layer.prefix, layer.layers) == ("n", 1)


def test_a_thousand_layers_are_read(tmp_path: Path) -> None:
    checkpoint = load(str(hostile.many_layers(tmp_path, 1000)))
    assert len(checkpoint.layers) == 1000
    assert len({layer.digest for layer in checkpoint.layers}) == 1


def test_the_users_limit_replaces_the_others(tmp_path: Path) -> None:
    path = str(hostile.wide_layer(tmp_path, 64))
    assert load(path).layers
    # The number of bytes that are left depends on the version of NumPy.
    with pytest.raises(CheckpointError, match=r"weight_ih_l0 needs 2,048 bytes of memory where \d"):
        load(path, limit=1000)
    assert load(path, limit=2**20).layers


def test_the_limit_grows_with_the_file_up_to_a_maximum() -> None:
    assert Allowance.of(1).bytes == LEAST_LIMIT
    assert Allowance.of(LEAST_LIMIT).bytes == FILE_FACTOR * LEAST_LIMIT
    assert Allowance.of(GREATEST_LIMIT).bytes == GREATEST_LIMIT
    several = Allowance.of(1)
    several.add_file(LEAST_LIMIT)
    assert several.bytes == LEAST_LIMIT + FILE_FACTOR * LEAST_LIMIT


def test_the_sizes_of_tensors_add_up() -> None:
    allowance = Allowance.of(1)
    allowance.count_tensor("a", [LEAST_LIMIT // 8], 4)
    allowance.count_tensor("b", [-5, LEAST_LIMIT], 4)  # a negative size in a hostile header adds nothing
    allowance.count_tensor("c", [LEAST_LIMIT // 8], 4)
    with pytest.raises(LimitError, match="d needs 4 bytes of memory where 0 are left"):
        allowance.count_tensor("d", [], 4)
    allowance.count_steps(STEP_LIMIT)
    with pytest.raises(LimitError):
        allowance.count_steps()


def test_unprintable_names_are_escaped(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "f.npz", allow_pickle=False, **{"\x1b[2J\x9blstm.weight_hh_l0": np.ones((16, 4), "f")}
    )
    with pytest.raises(CheckpointError) as caught:
        load(str(tmp_path / "f.npz"))
    assert r"there is \x1b[2J\x9blstm.weight_hh_l0, but no weight of the input" in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_large_layer_number_is_refused_at_once(tmp_path: Path) -> None:
    arrays = {f"weight_{role}_l999999": np.ones((16, 4), "f") for role in ("ih", "hh")}
    np.savez(tmp_path / "f.npz", allow_pickle=False, **arrays)
    with pytest.raises(CheckpointError, match="there is weight_ih_l999999, but nothing of l0"):
        load(str(tmp_path / "f.npz"))
