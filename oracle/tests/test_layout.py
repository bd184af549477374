"""The layouts of frameworks: conversions and their inverses, the documented order, and torch's answer."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from oracle.problems.inputs import Inputs
from oracle.problems.problem import Problem
from oracle.tests.problems import FORWARD, problems
from oracle.weights.conversion import from_torch, to_torch
from oracle.weights.layout import LAYOUTS, Layout
from oracle.witnesses.bounds import bounds_on
from reference.contract import Array

layouts = st.one_of(
    st.sampled_from(list(LAYOUTS.values())),
    st.builds(
        Layout,
        gates=st.permutations("ifco").map("".join),
        transposed=st.booleans(),
        biases=st.integers(1, 2),
        axes=st.permutations("tbf").map("".join),
    ),
)
HEAD = ("Wya", "Wy", "by")


def recurrent(inputs: Inputs) -> dict[str, Array]:
    """The parameters without those of the prediction head."""
    return {name: array for name, array in inputs.parameters.items() if name not in HEAD}


@given(problems(), layouts)
def test_parameters_survive_every_layout(problem: Problem, layout: Layout) -> None:
    parameters = recurrent(problem.inputs(FORWARD[problem.kind]))
    back = layout.unstack(problem.kind, layout.stack(problem.kind, parameters))
    assert back.keys() == parameters.keys()
    for name, array in parameters.items():
        np.testing.assert_array_equal(back[name], array)
        assert back[name].dtype == array.dtype


@given(problems(n_x=st.integers(1, 5), m=st.just(1)), layouts)
def test_stacked_weights_survive_the_conversion_and_its_inverse(problem: Problem, layout: Layout) -> None:
    parameters = recurrent(problem.inputs(FORWARD[problem.kind]))
    stacked = layout.stack(problem.kind, parameters)
    again = layout.stack(problem.kind, layout.unstack(problem.kind, stacked))
    assert again.keys() == stacked.keys()
    for name, array in stacked.items():
        np.testing.assert_array_equal(again[name], array)


@given(problems(), layouts)
def test_sequences_survive_every_layout(problem: Problem, layout: Layout) -> None:
    x = problem.inputs(FORWARD[problem.kind]).x
    np.testing.assert_array_equal(layout.from_sequence(layout.sequence(x)), x)
    extents = dict(zip("fbt", x.shape, strict=True))
    assert layout.sequence(x).shape == tuple(extents[axis] for axis in layout.axes)


DOCUMENTED = {
    "torch": ["Wi", "Wf", "Wc", "Wo"],
    "onnx": ["Wi", "Wo", "Wf", "Wc"],
    "keras": ["Wi", "Wf", "Wc", "Wo"],
    "openvino": ["Wf", "Wi", "Wc", "Wo"],
    "haiku": ["Wi", "Wc", "Wf", "Wo"],
    "flax": ["Wi", "Wf", "Wc", "Wo"],
    "mlx": ["Wi", "Wf", "Wc", "Wo"],
    "litert": ["Wi", "Wf", "Wc", "Wo"],
    "ncnn": ["Wi", "Wf", "Wo", "Wc"],
    "paddle": ["Wi", "Wf", "Wc", "Wo"],
    "tinygrad": ["Wi", "Wf", "Wc", "Wo"],
}


@pytest.mark.parametrize("framework", LAYOUTS)
def test_gates_are_stacked_in_the_order_that_the_framework_documents(framework: str) -> None:
    layout = LAYOUTS[framework]
    p = Problem.lstm(n_x=3, n_a=2, n_y=1, m=1, T_x=1).inputs("lstm_forward").parameters
    stacked = layout.stack("lstm", p)
    weights = {name: array.T if layout.transposed else array for name, array in stacked.items()}
    for row, name in enumerate(DOCUMENTED[framework]):
        rows = slice(2 * row, 2 * row + 2)
        np.testing.assert_array_equal(weights["recurrent_weight"][rows], p[name][:, :2])
        np.testing.assert_array_equal(weights["weight"][rows], p[name][:, 2:])
        np.testing.assert_array_equal(stacked["bias"][rows], p[f"b{name[1]}"][:, 0])


def load(kind: Any, inputs: Inputs, state: dict[str, Array]) -> torch.nn.RNNBase:
    module: Any = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM}[kind]
    module = module(len(inputs.x), len(inputs.a0), dtype=getattr(torch, str(inputs.dtype)))
    module.load_state_dict({name: torch.tensor(array) for name, array in state.items()})
    loaded: torch.nn.RNNBase = module
    return loaded


def hidden_states(module: torch.nn.RNNBase, inputs: Inputs) -> Array:
    """The hidden states `a (n_a, m, T_x)` that a module returns."""
    x, a0, c0 = (torch.tensor(np.ascontiguousarray(array.T)) for array in (inputs.x, inputs.a0, inputs.c0))
    with torch.no_grad():
        output, _ = module(x, a0[None] if inputs.kind == "rnn" else (a0[None], c0[None]))
    return np.asarray(output.numpy().T)


some = {"n_x": st.integers(1, 5), "m": st.integers(1, 4), "T_x": st.integers(1, 6)}


@given(problems(**some))
def test_torch_with_these_weights_gives_the_specified_answer(problem: Problem) -> None:
    inputs = problem.inputs(FORWARD[problem.kind])
    expected = bounds_on(inputs)["a"]
    actual = hidden_states(load(problem.kind, inputs, to_torch(problem.kind, [inputs.parameters])), inputs)
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected.value))
    known = ~np.isnan(actual)
    assert (np.abs(actual - expected.value) <= 2 * expected.error)[known].all()


@given(problems(**some), st.data())
def test_any_split_of_the_biases_gives_the_same_answer(problem: Problem, data: st.DataObject) -> None:
    inputs = problem.inputs(FORWARD[problem.kind])
    state = to_torch(problem.kind, [inputs.parameters])
    whole = hidden_states(load(problem.kind, inputs, state), inputs)
    bias = state["bias_ih_l0"]
    share = data.draw(st.sampled_from([0, 0.25, 0.3, 1]))
    split = {**state, "bias_ih_l0": (share * bias).astype(bias.dtype)}
    split["bias_hh_l0"] = bias - split["bias_ih_l0"]
    divided = hidden_states(load(problem.kind, inputs, split), inputs)
    np.testing.assert_array_equal(np.isnan(divided), np.isnan(whole))
    allowed = 2 * bounds_on(inputs)["a"].error
    assert (np.abs(divided - whole.astype(np.float64)) <= allowed)[~np.isnan(whole)].all()
    ((back,), _) = from_torch(problem.kind, split)
    for name, array in back.items():
        given_array = inputs.parameters[name]
        np.testing.assert_allclose(
            array,
            given_array,
            rtol=2 * np.finfo(bias.dtype).eps,
            atol=np.finfo(bias.dtype).smallest_subnormal,
        )
