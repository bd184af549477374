"""A converted file has the same numbers when it is read back; otherwise no file is written."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from oracle.checkpoints import Checkpoint, CheckpointError, RecurrentLayer, load, writing
from oracle.checkpoints.layers import read_layers, split
from oracle.checkpoints.writing import WRITERS, convert
from oracle.problems.problem import LayerProblem, Problem
from oracle.tests.problems import layer_problems
from oracle.weights.conversion import CONVERTERS, to_torch

pytest.importorskip("safetensors", reason="safetensors is not installed: pip install -e '.[checkpoints]'")

given_problems = layer_problems(
    dtype=st.sampled_from(["float32", "float64"]), m=st.just(1), T_x=st.just(1), regime=st.just("unit")
)


def layer_of(problem: LayerProblem, prefix: str = "") -> RecurrentLayer:
    inputs = problem.inputs(problem.kind)
    return RecurrentLayer(prefix, inputs.kind, "torch", problem.directions, inputs.parameters)


def of(*layers: RecurrentLayer) -> Checkpoint:
    return Checkpoint(Path("in.pt"), layers)


@given(
    given_problems,
    st.sampled_from([*CONVERTERS]),
    st.sampled_from([*WRITERS]),
    st.sampled_from(["", "a.b", "/x"]),
)
def test_a_converted_layer_is_equal_bit_for_bit(
    problem: LayerProblem, to: str, suffix: str, prefix: str
) -> None:
    with TemporaryDirectory() as folder:
        out, layer = Path(folder, f"out{suffix}"), layer_of(problem, prefix)
        if problem.kind == "lstm_layer" and problem.n_p and to in ("onnx", "keras"):
            with pytest.raises(CheckpointError, match="has no projection"):
                convert(of(layer), out, to)
            assert not [*Path(folder).iterdir()]
            return
        (written,) = convert(of(layer), out, to)
        ((fields,), _) = read_layers(*split(written), "")
        again = RecurrentLayer(*fields)
        assert (again.digest, again.layout) == (layer.digest, to)
        assert [*Path(folder).iterdir()] == [out]


def test_torch_loads_a_converted_state_dict(tmp_path: Path) -> None:
    module = torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True, proj_size=2)
    torch.save({f"enc.{name}": tensor for name, tensor in module.state_dict().items()}, tmp_path / "in.pt")
    convert(load(str(tmp_path / "in.pt")), tmp_path / "out.pt", "torch")
    again = torch.load(tmp_path / "out.pt", weights_only=True)
    other = torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True, proj_size=2)
    other.load_state_dict({name.removeprefix("enc."): tensor for name, tensor in again.items()})
    for name, tensor in module.state_dict().items():
        if "bias" not in name:
            assert torch.equal(other.state_dict()[name], tensor)


def test_several_layers_keep_their_prefixes(tmp_path: Path) -> None:
    problem = Problem.lstm_layer(n_x=3, n_a=4, m=1, T_x=1)
    layers = [layer_of(problem, prefix) for prefix in ("enc", "dec")]
    written = convert(of(*layers), tmp_path / "out.npz", "onnx")
    assert written == [f"{tmp_path / 'out.npz'}:{prefix}" for prefix in ("enc", "dec")]
    assert [layer.prefix for layer in load(str(tmp_path / "out.npz")).layers] == ["enc", "dec"]
    with np.load(tmp_path / "out.npz") as file:
        assert {name[:3] for name in file.files} == {"enc", "dec"}


def test_a_file_is_overwritten_only_with_force(tmp_path: Path) -> None:
    layer, out = layer_of(Problem.lstm_layer(n_x=3, n_a=4, m=1, T_x=1)), tmp_path / "out.npz"
    out.write_text("dear")
    with pytest.raises(CheckpointError, match="the file exists already; --force overwrites it"):
        convert(of(layer), out, "torch")
    assert out.read_text() == "dear"
    convert(of(layer), out, "torch", force=True)
    assert load(str(out)).layers[0].digest == layer.digest


@pytest.mark.parametrize(
    ("out", "to", "message"),
    [
        ("out.gguf", "torch", "its suffix is not one of"),
        ("nope/out.npz", "torch", "there is no directory"),
        ("out.npz", "caffe", "--to caffe is not one of torch"),
    ],
)
def test_wrong_usage_is_one_line(tmp_path: Path, out: str, to: str, message: str) -> None:
    layer = layer_of(Problem.lstm_layer(n_x=3, n_a=4, m=1, T_x=1))
    with pytest.raises(CheckpointError, match=message):
        convert(of(layer), tmp_path / out, to)


def wrong_gates(kind: Any, parameters: Any, directions: int) -> Any:
    return to_torch(kind, [{**p, "Wf": p["Wi"], "Wi": p["Wf"]} for p in parameters], directions)


def one_bit(kind: Any, parameters: Any, directions: int) -> Any:
    changed = [{**p, "bc": np.nextafter(p["bc"], 9, dtype=p["bc"].dtype)} for p in parameters]
    return to_torch(kind, changed, directions)


def fewer(kind: Any, parameters: Any, directions: int) -> Any:
    return to_torch(kind, parameters[:1], 1)


@pytest.mark.parametrize("wrong", [wrong_gates, one_bit, fewer])
def test_a_wrong_copy_is_not_written(tmp_path: Path, wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = layer_of(Problem.lstm_layer(n_x=3, n_a=4, m=1, T_x=1, layers=2))
    monkeypatch.setattr(writing, "CONVERTERS", {"torch": wrong})
    with pytest.raises(CheckpointError, match="the layer was not written: read back, it"):
        convert(of(layer), tmp_path / "out.npz", "torch")
    assert not [*tmp_path.iterdir()]
