"""What spec laws ask is ordinary: |z| below 300 and logits below 30, in every regime, size and step."""

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from oracle.problems.drawing import ORDINARY
from oracle.problems.inputs import Inputs, LayerInputs
from oracle.problems.problem import Problem
from properties.laws import all_laws
from properties.strategies.drawn_problems import examples
from properties.strategies.effort import EFFORTS
from reference.contract import CONTRACTS, Array

pytestmark = pytest.mark.slow

SPEC = [law for law in all_laws() if law.grade == "spec"]


def pre_activations(inputs: Inputs) -> Iterator[tuple[str, Array]]:
    """The pre-activations `z` of every step, and the `logits`, of a tanh network."""
    if isinstance(inputs, LayerInputs):
        x = inputs.x
        for k in range(0, len(inputs.parameters), inputs.directions):
            states = []
            for place in range(k, k + inputs.directions):
                p, way = inputs.parameters[place], 1 if place == k else -1
                found, a = _steps(p, x[:, :, ::way], inputs.a0[place], inputs.c0[place])
                states.append(a[:, :, ::way])
                yield "z", found
            x = np.concatenate(states)
        return
    z, a = _steps(inputs.parameters, inputs.x, inputs.a0, inputs.c0)
    yield "z", z
    p = inputs.parameters
    yield "logits", np.einsum("ij,jmt->imt", p["Wy" if "Wy" in p else "Wya"], a) + p["by"][:, :, None]


def _steps(p: Mapping[str, Array], x: Array, a: Array, c: Array) -> tuple[Array, Array]:
    """All pre-activations, and the hidden states over time."""
    every, states = [], []
    for t in range(x.shape[2]):
        if "Waa" in p:
            z = p["Waa"] @ a + p["Wax"] @ x[:, :, t] + p["ba"]
            a = np.tanh(z)
        else:
            v = np.concatenate([a, x[:, :, t]])
            z = np.concatenate([p[f"W{gate}"] @ v + p[f"b{gate}"] for gate in "fico"])
            f, i, g, o = np.split(z, 4)
            f, i, o = (reference.arrays.sigmoid(each) for each in (f, i, o))
            c = f * c + i * np.tanh(g)
            a = p.get("Wp", np.eye(len(o))) @ (o * np.tanh(c))
        every.append(z)
        states.append(a)
    return np.stack(every, axis=2), np.stack(states, axis=2)


def assert_ordinary(problem: Problem, function: str) -> None:
    inputs = problem.inputs(function)
    if inputs.activation == "relu":  # needs no exponential
        return
    for name, values in pre_activations(inputs):
        assert np.abs(values).max(initial=0) < {"z": 300, "logits": 30}[name], problem
    assert np.abs(inputs.c0).max(initial=0) <= 200


@given(st.data())
@settings(max_examples=150)
def test_what_the_spec_laws_draw_is_ordinary(data: st.DataObject) -> None:
    law = data.draw(st.sampled_from(SPEC))
    function = data.draw(st.sampled_from(law.functions))
    effort = EFFORTS[data.draw(st.sampled_from(["dev", "ci", "fuzz"]))]
    for problem in data.draw(examples(function, effort.within(2e7), law.domain)):
        assert_ordinary(problem, function)


def test_what_the_spec_laws_always_try_is_ordinary() -> None:
    """Takes a second: thousands of problems are computed."""
    for law in SPEC:
        for function in law.functions:
            for problems in law.fixed_examples(function, EFFORTS["dev"]):
                for problem in problems:
                    assert_ordinary(problem, function)


LARGE = {"n_x": 300, "n_a": 280, "m": 3, "T_x": 3}
WIDE = {"n_x": 1, "n_a": 2, "m": 300, "T_x": 50}
LONG = {"n_x": 3, "n_a": 4, "m": 2, "T_x": 900}


@pytest.mark.parametrize("function", CONTRACTS)
@pytest.mark.parametrize("regime", ORDINARY)
def test_large_problems_are_ordinary(regime: str, function: str) -> None:
    contract = CONTRACTS[function]
    for seed, sizes in enumerate([LARGE, WIDE, LONG, LARGE, WIDE, LONG]):
        more = {"n_y": 290} if not contract.is_layer else {"layers": 2, "directions": 2}
        if function == "lstm_layer":
            more["n_p"] = sizes["n_a"] // 2 * (seed % 2)
        made: Problem = getattr(Problem, contract.problem_kind)(**sizes, **more, regime=regime, seed=seed)
        assert_ordinary(made, function)
