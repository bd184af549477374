"""Every kind of file gives the same layers with the same digest."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from oracle.checkpoints import CheckpointError, RecurrentLayer, load
from oracle.problems.problem import Problem
from oracle.weights.conversion import CONVERTERS, to_keras, to_torch
from reference.contract import Array

pytestmark = pytest.mark.slow

STACK = Problem.lstm_layer(n_x=3, n_a=4, m=1, T_x=1, layers=2, directions=2, dtype="float32")
PROJECTED = Problem.lstm_layer(n_x=3, n_a=4, m=1, T_x=1, n_p=2, dtype="float32")
RNN = Problem.rnn_layer(n_x=3, n_a=4, m=1, T_x=1, dtype="float32")


def needs(package: str) -> Any:
    return pytest.importorskip(package, reason=f"{package} is not installed: pip install -e '.[checkpoints]'")


def state_of(problem: Any, prefix: str = "") -> dict[str, Array]:
    inputs = problem.inputs(problem.kind)
    return {
        prefix + name: a for name, a in to_torch(inputs.kind, inputs.parameters, problem.directions).items()
    }


def tensors(state: Mapping[str, Array]) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(array) for name, array in state.items()}


def only(text: Path | str, layout: str = "") -> RecurrentLayer:
    (layer,) = load(str(text), layout).layers
    return layer


def complaint(text: Path | str, layout: str = "") -> str:
    """Return the message, which is one line and begins with the file."""
    with pytest.raises(CheckpointError) as caught:
        load(str(text), layout)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert message.startswith(str(text).partition(":")[0])
    return message


@pytest.fixture
def expected(tmp_path: Path) -> RecurrentLayer:
    torch.save(tensors(state_of(STACK)), tmp_path / "expected.pt")
    return only(tmp_path / "expected.pt")


def test_layer_sizes_are_those_of_the_problem(tmp_path: Path) -> None:
    for problem in (STACK, PROJECTED, RNN):
        path = tmp_path / "file.pt"
        torch.save(tensors(state_of(problem, "encoder.")), path)
        layer = only(path)
        assert (layer.prefix, f"{layer.kind}_layer", layer.layout) == ("encoder", problem.kind, "torch")
        assert (layer.layers, layer.directions) == (problem.layers, problem.directions)
        assert (layer.n_x, layer.n_a, layer.n_p) == (problem.n_x, problem.n_a, problem.n_p)
        assert layer.dtype == problem.dtype
        for ours, theirs in zip(problem.inputs(problem.kind).parameters, layer.parameters, strict=True):
            assert {**ours}.keys() == theirs.keys()
            assert all(
                theirs[name].tobytes() == np.ascontiguousarray(a).tobytes() for name, a in ours.items()
            )


# Kinds of files


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin", ".ckpt"])
@pytest.mark.parametrize("within", [(), ("state_dict",), ("model", "net")])
def test_state_dicts_are_read(
    tmp_path: Path, suffix: str, within: tuple[str, ...], expected: RecurrentLayer
) -> None:
    content: Any = {**tensors(state_of(STACK, "enc.lstm."))}
    for key in reversed(within):
        content = {key: content, "epoch": 3, "name": "mine"}
    torch.save(content, tmp_path / f"file{suffix}")
    layer = only(tmp_path / f"file{suffix}")
    assert (layer.prefix, layer.digest) == ("enc.lstm", expected.digest)


def test_a_state_dict_beside_an_optimizers_keeps_its_key(tmp_path: Path) -> None:
    state = tensors(state_of(STACK, "lstm."))
    content = {"state_dict": state, "optimizer": {"state": {0: {"exp_avg": torch.zeros(16, 4)}}}}
    torch.save(content, tmp_path / "file.pt")
    assert only(tmp_path / "file.pt").prefix == "state_dict.lstm"
    assert only(f"{tmp_path / 'file.pt'}:lstm").prefix == "state_dict.lstm"


def test_safetensors_are_read(tmp_path: Path, expected: RecurrentLayer) -> None:
    content = needs("safetensors.numpy").save(state_of(STACK))
    (tmp_path / "file.safetensors").write_bytes(content)
    assert only(tmp_path / "file.safetensors").digest == expected.digest


@pytest.mark.parametrize("name", ["torch", "onnx", "reference"])
def test_npz_archives_are_read(tmp_path: Path, name: str, expected: RecurrentLayer) -> None:
    np.savez(tmp_path / "file.npz", **CONVERTERS[name]("lstm", expected.parameters, 2))  # type: ignore[arg-type]
    layer = only(tmp_path / "file.npz")
    assert (layer.layout, layer.digest) == (name, expected.digest)


def test_cells_without_layer_numbers_are_read(tmp_path: Path) -> None:
    state = {f"cell.{name.removesuffix('_l0')}": array for name, array in state_of(RNN).items()}
    np.savez(tmp_path / "file.npz", **state)  # type: ignore[arg-type]
    assert (only(tmp_path / "file.npz").prefix, only(tmp_path / "file.npz").kind) == ("cell", "rnn")


def write_h5(path: Path, names: Mapping[str, Array]) -> None:
    h5py = needs("h5py")
    with h5py.File(path, "w") as file:
        for name, array in names.items():
            file[name] = array


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_keras_files_are_read(tmp_path: Path, suffix: str, expected: RecurrentLayer) -> None:
    """Save weights with the names of Keras 3."""
    variables = {"kernel": 0, "recurrent_kernel": 1, "bias": 2}
    names = {}
    for path, array in to_keras("lstm", expected.parameters, 2).items():
        top, inner, _, variable = path.split("/")
        names[f"layers/{top}/{inner.split('_')[0]}_layer/cell/vars/{variables[variable]}"] = array
    file = tmp_path / "model.weights.h5"
    write_h5(file, {**names, "layers/dense/vars/0": np.zeros((8, 2)), "layers/dense/vars/1": np.zeros(2)})
    if suffix == ".keras":
        with zipfile.ZipFile(tmp_path / "file.keras", "w") as archive:
            archive.write(file, "model.weights.h5")
        file = tmp_path / "file.keras"
    assert [layer.prefix for layer in load(str(file)).layers] == ["bidirectional", "bidirectional_1"]
    stacked = only(f"{file}:bidirectional+bidirectional_1")
    assert (stacked.layers, stacked.layout, stacked.digest) == (2, "keras", expected.digest)


def test_keras_layers_have_the_names_of_the_user(tmp_path: Path) -> None:
    h5py = needs("h5py")
    kernel, recurrent, bias = to_keras("rnn", RNN.inputs("rnn_layer").parameters).values()
    write_h5(
        tmp_path / "f.h5",
        {f"layers/simple_rnn/cell/vars/{k}": a for k, a in enumerate((kernel, recurrent, bias))},
    )
    with h5py.File(tmp_path / "f.h5", "a") as file:
        file.create_group("layers/simple_rnn/vars").attrs["name"] = "mine"
    assert only(tmp_path / "f.h5").prefix == "mine"


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras
def test_models_that_keras_saves_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("h5py")
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    reason = "keras is not installed: pip install -e '.[keras]'"
    keras = pytest.importorskip("keras", reason=reason, exc_type=ImportError)
    cells = [keras.layers.LSTMCell(4), keras.layers.LSTMCell(4)]
    several = [
        keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True), name="both"),
        keras.layers.RNN(cells, return_sequences=True, name="stack"),
        keras.layers.GRU(4, return_sequences=True),
        keras.layers.SimpleRNN(5, use_bias=False, name="last"),
    ]
    model = keras.Sequential([keras.Input((None, 3)), *several])
    for name in ("m.keras", "m.weights.h5"):
        (model.save if name == "m.keras" else model.save_weights)(tmp_path / name)
        checkpoint = load(str(tmp_path / name))
        has = {x.prefix: (x.kind, x.layers, x.directions, x.n_x, x.n_a) for x in checkpoint.layers}
        assert has == {
            "both": ("lstm", 1, 2, 3, 4),
            "stack": ("lstm", 2, 1, 8, 4),
            "last": ("rnn", 1, 1, 4, 5),
        }
        assert len(checkpoint.skipped) == 1
        assert "a GRU" in checkpoint.skipped[0]


# Numbers in the files


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_16_bit_numbers_are_widened_exactly_and_a_remark_says_so(tmp_path: Path, dtype: torch.dtype) -> None:
    state = {name: tensor.to(dtype) for name, tensor in tensors(state_of(STACK)).items()}
    torch.save(state, tmp_path / "narrow.pt")
    torch.save({name: tensor.float() for name, tensor in state.items()}, tmp_path / "wide.pt")
    narrow, wide = only(tmp_path / "narrow.pt"), only(tmp_path / "wide.pt")
    assert narrow.dtype == np.float32
    assert narrow.digest == wide.digest
    assert "widened" in "".join(narrow.remarks)
    assert "widened" not in "".join(wide.remarks)


def test_the_digest_depends_only_on_the_numbers(tmp_path: Path, expected: RecurrentLayer) -> None:
    changed = state_of(STACK)
    changed["bias_ih_l1"] = np.nextafter(changed["bias_ih_l1"], np.float32(9))
    torch.save(tensors(changed), tmp_path / "changed.pt")
    assert only(tmp_path / "changed.pt").digest != expected.digest
    exchanged = {}
    for name, array in tensors(state_of(STACK)).items():
        other = name.removesuffix("_reverse") if "_reverse" in name else f"{name}_reverse"
        exchanged[other] = array
    torch.save(exchanged, tmp_path / "exchanged.pt")
    assert only(tmp_path / "exchanged.pt").digest != expected.digest


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, number: float) -> None:
    state = state_of(STACK, "enc.")
    state["enc.weight_hh_l1_reverse"][2, 1] = number
    np.savez(tmp_path / "file.npz", **state)  # type: ignore[arg-type]
    message = complaint(tmp_path / "file.npz")
    assert "enc.weight_hh_l1_reverse has 1 numbers that are not finite" in message
    assert "(2, 1)" in message


def test_quantised_weights_are_refused(tmp_path: Path) -> None:
    state = tensors(state_of(RNN))
    for dtype in (torch.int8, torch.float8_e4m3fn):
        torch.save({**state, "weight_hh_l0": state["weight_hh_l0"].to(dtype)}, tmp_path / "file.pt")
        assert f"weight_hh_l0 is {str(dtype)[6:]}, expected floating-point" in complaint(tmp_path / "file.pt")
