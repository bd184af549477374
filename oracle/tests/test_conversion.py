"""Conversions of layers and their inverses are exact, and give the names of the frameworks' own objects."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import reference
from oracle.problems.problem import LayerProblem, Problem
from oracle.tests.problems import layer_problems
from oracle.tests.selection import needs
from oracle.weights import named_weights
from oracle.weights.conversion import (
    CONVERTERS,
    from_keras,
    from_onnx,
    from_torch,
    to_keras,
    to_onnx,
    to_torch,
)
from reference.contract import Array

FROM = {"torch": from_torch, "onnx": from_onnx, "keras": from_keras}


def assert_identical(back: Sequence[Mapping[str, Array]], given: Sequence[Mapping[str, Array]]) -> None:
    """Assert that the arrays are equal bit for bit, so that -0 does not equal 0."""
    for theirs, ours in zip(back, given, strict=True):
        assert theirs.keys() == ours.keys()
        for name, array in ours.items():
            assert theirs[name].dtype == array.dtype
            assert theirs[name].shape == array.shape
            assert theirs[name].tobytes() == np.ascontiguousarray(array).tobytes(), name


def with_negative_zeros(parameters: Sequence[Mapping[str, Array]]) -> list[dict[str, Array]]:
    return [
        {name: np.where(array > 1, -0.0, array).astype(array.dtype) for name, array in p.items()}
        for p in parameters
    ]


@given(layer_problems(n_p=st.just(0)) | layer_problems(kind=st.just("rnn_layer")))
def test_torch_to_keras_to_onnx_to_torch_is_the_identity(problem: LayerProblem) -> None:
    inputs = problem.inputs(problem.kind)
    kind, given = inputs.kind, with_negative_zeros(inputs.parameters)
    state = to_torch(kind, given, problem.directions)
    in_keras = to_keras(kind, *from_torch(kind, state))
    in_onnx = to_onnx(kind, *from_keras(kind, in_keras))
    again = to_torch(kind, *from_onnx(kind, in_onnx))
    assert [*again] == [*state]
    for name, array in state.items():
        assert again[name].tobytes() == array.tobytes(), name
    assert_identical(from_torch(kind, again)[0], given)


@given(layer_problems())
def test_layers_survive_the_conversion_to_torch_and_back(problem: LayerProblem) -> None:
    inputs = problem.inputs(problem.kind)
    state = to_torch(inputs.kind, inputs.parameters, problem.directions)
    back, directions = from_torch(inputs.kind, state)
    assert directions == problem.directions
    assert_identical(back, inputs.parameters)


modules = st.builds(
    lambda rnn, n_p, **how: torch.nn.RNN(**how) if rnn else torch.nn.LSTM(**how, proj_size=n_p),
    rnn=st.booleans(),
    n_p=st.integers(0, 2),
    input_size=st.integers(1, 3),
    hidden_size=st.integers(3, 4),
    num_layers=st.integers(1, 12),
    bidirectional=st.booleans(),
)


@given(modules)
def test_a_module_of_torch_survives_the_conversion_and_its_inverse(module: torch.nn.RNNBase) -> None:
    kind: Any = "rnn" if isinstance(module, torch.nn.RNN) else "lstm"
    state = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
    parameters, directions = from_torch(kind, state)
    assert directions == 1 + module.bidirectional
    assert len(parameters) == module.num_layers * directions
    again = to_torch(kind, parameters, directions)
    assert again.keys() == state.keys()
    for name, array in state.items():
        if not name.startswith("bias"):
            np.testing.assert_array_equal(again[name], array, err_msg=name)
        elif name.startswith("bias_ih"):
            whole = array + state[name.replace("_ih", "_hh")]
            np.testing.assert_array_equal(again[name], whole, err_msg=name)
        else:
            assert not again[name].any()


def test_layers_and_directions_have_the_names_that_torch_documents() -> None:
    parameters = Problem.lstm_layer(n_x=3, n_a=4, m=1, T_x=1, layers=2, directions=2, n_p=2).inputs(
        "lstm_layer"
    ).parameters  # fmt: skip
    state = to_torch("lstm", parameters, 2)
    documented = {
        "weight_ih": (16, 3), "weight_hh": (16, 2), "bias_ih": (16,), "bias_hh": (16,), "weight_hr": (2, 4)
    }  # fmt: skip
    assert {name: array.shape for name, array in state.items()} == {
        f"{name}{suffix}": (16, 4) if name == "weight_ih" and "l1" in suffix else shape
        for suffix in ("_l0", "_l0_reverse", "_l1", "_l1_reverse")
        for name, shape in documented.items()
    }
    for k, suffix in enumerate(("_l0", "_l0_reverse", "_l1", "_l1_reverse")):
        np.testing.assert_array_equal(state[f"weight_hr{suffix}"], parameters[k]["Wp"])
        np.testing.assert_array_equal(state[f"weight_hh{suffix}"][:4], parameters[k]["Wi"][:, :2])
        np.testing.assert_array_equal(state[f"weight_ih{suffix}"][4:8], parameters[k]["Wf"][:, 2:])


@pytest.mark.parametrize("name", [*FROM])
def test_a_gru_and_the_other_kind_are_refused(name: str) -> None:
    parameters = Problem.rnn_layer(n_x=3, n_a=4, m=1, T_x=1).inputs("rnn_layer").parameters
    arrays = CONVERTERS[name]("rnn", parameters, 1)
    with pytest.raises(ValueError, match="weights of a RNN, expected those of an LSTM"):
        FROM[name]("lstm", arrays)
    axis = {"torch": 0, "onnx": -2, "keras": -1}[name]
    three = {
        each: np.concatenate([a] * 3, axis=-1 if a.ndim == 1 else axis)
        for each, a in arrays.items()
        if "B" not in each
    }
    with pytest.raises(ValueError, match="weights of a GRU"):
        FROM[name]("rnn", three)
    with pytest.raises(ValueError, match=f"no weight of RNN layers with a name of {name}"):
        FROM[name]("rnn", {"dense.weight": np.zeros((2, 2))})


@pytest.mark.parametrize("name", ["onnx", "keras"])
def test_a_projection_is_refused_by_frameworks_without_one(name: str) -> None:
    parameters = Problem.lstm_layer(n_x=3, n_a=4, m=1, T_x=1, n_p=2).inputs("lstm_layer").parameters
    with pytest.raises(ValueError, match="has no projection"):
        CONVERTERS[name]("lstm", parameters, 1)


TWO = Problem.lstm_layer(n_x=3, n_a=4, m=1, T_x=1, layers=2, directions=2).inputs("lstm_layer").parameters
WRONG: list[tuple[str, Any, str]] = [
    (
        "weight_hh_l1",
        lambda a: a[:, :3],
        r"weight_hh_l1 is \(16, 3\), expected \(16, 4\) to fit weight_ih_l1 \(16, 8\)",
    ),
    ("weight_ih_l1", lambda a: a.T, r"weight_ih_l1 is \(8, 16\), expected \(16, 8\)"),
    ("weight_hh_l0", lambda a: a[:9], r"weight_hh_l0 is \(9, 4\), expected \(G n_a, n_a\)"),
    ("weight_ih_l0_reverse", lambda a: a[:, :2], r"weight_ih_l0_reverse is \(16, 2\), expected \(16, 3\)"),
    ("bias_hh_l1_reverse", lambda a: None, "there is bias_ih_l1_reverse, but not the other bias"),
    ("bias_ih_l0", lambda a: a[:4], r"bias_ih_l0 is \(4,\), expected \(16,\)"),
    ("weight_hh_l0", lambda a: None, "but no recurrent weight"),
    ("weight_ih_l1", lambda a: None, "but no weight of the input"),
]


@pytest.mark.parametrize(("name", "change", "message"), WRONG)
def test_weights_that_do_not_fit_are_named(name: str, change: Any, message: str) -> None:
    state = to_torch("lstm", TWO, 2)
    changed = change(state.pop(name))
    with pytest.raises(ValueError, match=message):
        from_torch("lstm", state if changed is None else {**state, name: changed})


def test_a_missing_layer_between_others_is_an_error() -> None:
    state = {name: array for name, array in to_torch("lstm", TWO, 2).items() if "l0_reverse" not in name}
    with pytest.raises(ValueError, match="there is weight_ih_l0, but nothing of l0_reverse"):
        from_torch("lstm", state)


def test_absent_biases_are_zeros() -> None:
    state = {name: array for name, array in to_torch("lstm", TWO, 2).items() if "bias" not in name}
    for p in from_torch("lstm", state)[0]:
        assert not any(p[f"b{gate}"].any() for gate in "fico")


@given(layer_problems(n_p=st.just(0)) | layer_problems(kind=st.just("rnn_layer")))
def test_a_node_of_onnx_has_every_direction(problem: LayerProblem) -> None:
    inputs = problem.inputs(problem.kind)
    G, D, n_a = 4 if inputs.kind == "lstm" else 1, problem.directions, problem.n_a
    arrays = to_onnx(inputs.kind, inputs.parameters, D)
    for layer in range(problem.layers):
        n_in = D * n_a if layer else problem.n_x
        shapes = {"W": (D, G * n_a, n_in), "R": (D, G * n_a, n_a), "B": (D, 2 * G * n_a)}
        for letter, shape in shapes.items():
            assert arrays[f"l{layer}.{letter}"].shape == shape


@needs("keras", "keras")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_the_variables_are_those_of_keras_layers(
    kind: Any, directions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    keras = importlib.import_module("keras")
    make = Problem.rnn_layer if kind == "rnn" else Problem.lstm_layer
    problem = make(n_x=3, n_a=4, m=1, T_x=1, layers=3, directions=directions, dtype="float32")
    parameters = problem.inputs(problem.kind).parameters
    arrays = to_keras(kind, parameters, directions)
    keras.backend.clear_session()
    stack = []
    for _ in range(problem.layers):
        layer = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM}[kind](4, return_sequences=True)
        stack.append(keras.layers.Bidirectional(layer) if directions == 2 else layer)
    model = keras.Sequential([keras.Input((None, 3)), *stack])
    paths = [variable.path.partition("/")[2] for variable in model.weights]
    assert paths == [*arrays]
    model.set_weights([*arrays.values()])
    own = {variable.path.partition("/")[2]: np.array(variable.value) for variable in model.weights}
    back, D = from_keras(kind, own)
    assert directions == D
    assert_identical(back, parameters)


@needs("flax", "jax")
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_the_weights_of_flax_cells_are_read(kind: Any, directions: int) -> None:
    nnx = importlib.import_module("flax.nnx")
    cells = {"rnn": [nnx.SimpleCell], "lstm": [nnx.LSTMCell, nnx.OptimizedLSTMCell]}[kind]
    for cell in cells:
        one, *other = (nnx.RNN(cell(3, 4, rngs=nnx.Rngs(seed))) for seed in range(directions))
        module = nnx.Bidirectional(one, *other) if other else one
        state = nnx.to_flat_state(nnx.state(module, nnx.Param))
        arrays = {".".join(map(str, path)): np.asarray(variable[...]) for path, variable in state}
        (group,) = named_weights.group_weights(arrays).items()
        network, parameters, D = named_weights.parameters_of("flax", group[1])
        assert (network, D) == (kind, directions)
        for p, rnn in zip(parameters, [one, *other], strict=True):
            x, a, c = (np.random.default_rng(0).standard_normal((2, n)).astype("f") for n in (3, 4, 4))
            carry, _ = rnn.cell((c, a) if kind == "lstm" else a, x)
            expected = reference_step(kind, x, a, c, p)
            np.testing.assert_allclose(carry[1] if kind == "lstm" else carry, expected, atol=1e-5)


def reference_step(kind: str, x: Array, a: Array, c: Array, p: Mapping[str, Array]) -> Array:
    states = [a.T[None]] if kind == "rnn" else [a.T[None], c.T[None]]
    layer: Any = reference.rnn_layer if kind == "rnn" else reference.lstm_layer
    return np.asarray(layer(x.T[:, :, None], *states, [p])[1][0].T)
