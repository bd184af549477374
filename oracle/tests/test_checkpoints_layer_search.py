"""Layers are found among tensors by name, by prefix, and by layout if the names are unknown."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.checkpoints import CheckpointError, RecurrentLayer, select
from oracle.checkpoints.layers import Incomplete, find_layers, split
from oracle.checkpoints.reading import Contents, tensor
from oracle.problems.problem import LayerProblem, Problem
from oracle.tests.problems import layer_problems
from oracle.weights.conversion import CONVERTERS
from oracle.weights.layout import LAYOUTS
from reference.contract import Array

normal = {"dtype": st.sampled_from(["float32", "float64"]), "m": st.just(1), "T_x": st.just(1)}
unprojected = layer_problems(**normal, n_p=st.just(0)) | layer_problems(**normal, kind=st.just("rnn_layer"))


def found(arrays: dict[str, Array], layout: str = "") -> list[RecurrentLayer]:
    layers, _ = find_layers(Contents({name: tensor(array) for name, array in arrays.items()}), layout)
    return select(layers, "")


def complaint(arrays: dict[str, Array], layout: str = "") -> str:
    with pytest.raises(CheckpointError) as caught:
        found(arrays, layout)
    return str(caught.value)


def identical(layer: RecurrentLayer, problem: LayerProblem) -> bool:
    pairs = zip(layer.parameters, problem.inputs(problem.kind).parameters, strict=True)
    return all(
        p[name].tobytes() == np.ascontiguousarray(a).tobytes() for p, q in pairs for name, a in q.items()
    )


@given(
    layer_problems(**normal), st.sampled_from(["torch", "reference"]), st.sampled_from(["", "a.", "a/b:c."])
)
def test_layers_are_found_by_names(problem: LayerProblem, name: str, prefix: str) -> None:
    inputs = problem.inputs(problem.kind)
    arrays = CONVERTERS[name](inputs.kind, inputs.parameters, problem.directions)
    others = {"fc.weight": np.zeros((2, 3)), "emb": np.zeros(4), "b": np.zeros(2), "n": np.ones(1, np.int64)}
    (layer,) = found({**others, **{prefix + each: array for each, array in arrays.items()}})
    assert (layer.prefix, layer.kind, layer.layout) == (prefix[:-1], inputs.kind, name)
    assert (layer.n_x, layer.n_a, layer.n_p) == (problem.n_x, problem.n_a, problem.n_p)
    assert identical(layer, problem)


@given(unprojected)
def test_the_digest_is_the_same_in_every_layout(problem: LayerProblem) -> None:
    inputs = problem.inputs(problem.kind)
    digests = set()
    for to in CONVERTERS.values():
        layers = found(to(inputs.kind, inputs.parameters, problem.directions))
        (layer,) = select(layers, "+".join(each.prefix for each in layers) if len(layers) > 1 else "")
        assert identical(layer, problem)
        digests.add(layer.digest)
    assert len(digests) == 1


plain_layouts = [name for name, layout in LAYOUTS.items() if not layout.joined]


@given(st.sampled_from(plain_layouts), st.sampled_from(["rnn", "lstm"]), st.integers(1, 4), st.integers(2, 4))
def test_without_names_the_layout_is_asked_for(name: str, kind: Any, n_x: int, n_a: int) -> None:
    make: Any = Problem.rnn_layer if kind == "rnn" else Problem.lstm_layer
    problem = make(n_x=n_x + 1, n_a=n_a, m=1, T_x=1)
    stacked = LAYOUTS[name].stack(kind, problem.inputs(problem.kind).parameters[0])
    arrays = {f"arr_{k}": array for k, array in enumerate(stacked.values())}
    message = complaint(arrays)
    assert "for weights with other names, add --layout" in message
    if n_x + 1 != n_a:
        (layer,) = found(arrays, name)
        assert identical(layer, problem)
    else:
        assert "arr_0 and arr_1 have equal shapes, so either may act on the hidden state" in complaint(
            arrays, name
        )
        (layer,) = found(
            {f"W_{'ih' if k == 'arr_0' else 'hh' if k == 'arr_1' else k}": a for k, a in arrays.items()}, name
        )
        assert identical(layer, problem)


def test_haiku_has_one_matrix() -> None:
    problem = Problem.lstm_layer(n_x=3, n_a=4, m=1, T_x=1)
    stacked = LAYOUTS["haiku"].stack("lstm", problem.inputs("lstm_layer").parameters[0])
    joined = np.concatenate([stacked["weight"], stacked["recurrent_weight"]])
    arrays = {"lstm/linear/w": joined, "lstm/linear/b": stacked["bias"]}
    assert "haiku" in complaint(arrays)
    (layer,) = found(arrays, "haiku")
    assert identical(layer, problem)


def test_a_layout_overrules_names() -> None:
    problem = Problem.lstm_layer(n_x=3, n_a=4, m=1, T_x=1)
    p = problem.inputs("lstm_layer").parameters[0]
    names = dict(zip(LAYOUTS["torch"].stack("lstm", p), CONVERTERS["torch"]("lstm", [p], 1), strict=True))
    arrays = {names[role]: array for role, array in LAYOUTS["onnx"].stack("lstm", p).items()}
    assert not identical(found(arrays)[0], problem)
    assert identical(found(arrays, "onnx")[0], problem)


def layers_of(**prefixes: LayerProblem) -> list[RecurrentLayer]:
    arrays = {}
    for prefix, problem in prefixes.items():
        inputs = problem.inputs(problem.kind)
        state = CONVERTERS["torch"](inputs.kind, inputs.parameters, problem.directions)
        arrays.update({f"{prefix.replace('__', '.')}.{name}": array for name, array in state.items()})
    return found(arrays)


def test_a_prefix_selects() -> None:
    small = Problem.lstm_layer(n_x=3, n_a=4, m=1, T_x=1)
    upper = Problem.lstm_layer(n_x=4, n_a=4, m=1, T_x=1)
    layers = layers_of(enc__lstm=small, enc__other=upper, dec__lstm=small)
    chosen = {
        text: [layer.prefix for layer in select(layers, text)] for text in ("", "enc", "other", "dec.lstm")
    }
    assert chosen == {
        "": ["enc.lstm", "enc.other", "dec.lstm"],
        "enc": ["enc.lstm", "enc.other"],
        "other": ["enc.other"],
        "dec.lstm": ["dec.lstm"],
    }
    (stacked,) = select(layers, "enc.lstm+other")
    assert (stacked.layers, stacked.prefix) == (2, "enc.lstm+enc.other")
    for text, message in (
        ("lstm", "no layer in it begins with lstm; there is enc.lstm, enc.other, dec.lstm"),
        ("enc.other+enc.lstm", "enc.lstm takes 3 inputs, but enc.other gives 4"),
        ("enc.lstm+nope", "nope.* selects 0 layers"),
    ):
        with pytest.raises(CheckpointError, match=message):
            select(layers, text)


def test_layers_of_different_kinds_are_not_stacked() -> None:
    wide = Problem.lstm_layer(n_x=4, n_a=5, m=1, T_x=1)
    layers = layers_of(a=Problem.lstm_layer(n_x=3, n_a=4, m=1, T_x=1), b=wide)
    with pytest.raises(CheckpointError, match="b has n_a = 5 and a 4, so one cannot be stacked on the other"):
        select(layers, "a+b")


def test_a_file_may_have_colons_in_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a:b.pt"
    path.write_text("")
    assert split(str(path)) == (str(path), "")
    assert split(f"{path}:F2::x") == (str(path), "F2::x")
    assert split("nope.pt:x:y") == ("nope.pt", "x:y")


@pytest.mark.parametrize(
    ("names", "lacking"),
    [
        ({"Wax": (3, 2), "Waa": (3, 3), "ba": (3, 1)}, ""),
        ({**{f"W{gate}": (3, 5) for gate in "fico"}, "bf": (3, 1)}, "there is bf, but not"),
        ({"cell.h.kernel": (3, 12), "cell.i.kernel": (2, 12), "cell.hi.bias": (3,)}, "there is cell.hi.bias"),
    ],
)
def test_a_bias_of_one_gate_needs_those_of_all_gates(names: dict[str, Any], lacking: str) -> None:
    contents = Contents({name: tensor(np.ones(shape)) for name, shape in names.items()})
    (layer,), _ = find_layers(contents)
    if lacking:
        assert isinstance(layer, Incomplete)
        assert lacking in layer.why
    else:
        assert isinstance(layer, RecurrentLayer)
