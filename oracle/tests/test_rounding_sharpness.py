"""The bounds reveal a mistake that is far smaller than any usual tolerance."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from oracle.problems.inputs import Inputs
from oracle.problems.problem import Problem
from oracle.tests.problems import CELL, FORWARD
from oracle.tests.programs import Answer, Program, shifted_softmax
from oracle.witnesses import exact
from oracle.witnesses.bounds import bounds_on
from reference.contract import Array


def test_a_correct_program_uses_a_fair_share_of_the_bound() -> None:
    shares = []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        n_x, n_a, n_y = rng.integers(1, 7, 3).tolist()
        kind: Any = ("rnn", "lstm")[seed % 2]
        inputs = Problem(kind, n_x, n_a, n_y, m=1, T_x=1, seed=seed).inputs(CELL[kind])
        bounds, truth = bounds_on(inputs), exact.evaluate(inputs, 1e-30)
        for name, array in Program()(inputs).items():
            shares += [
                enclosure.distance(number) / bound
                for enclosure, number, bound in zip(
                    truth[name].flat, array.flat, bounds[name].error.flat, strict=True
                )
            ]
    assert max(shares) <= 1
    assert np.median(shares) >= 0.01


def seen(answer: Mapping[str, Array], inputs: Inputs) -> bool:
    return any(
        (np.abs(array - quantity.value) > 2 * quantity.error).any()
        for (name, quantity) in bounds_on(inputs).items()
        if (array := answer.get(name)) is not None
    )


def bias_off(inputs: Inputs, name: str) -> Answer:
    parameters = {**inputs.parameters, name: inputs.parameters[name] * (1 + 1e-11)}
    return Program()(Inputs(inputs.kind, inputs.x, inputs.a0, inputs.c0, parameters, inputs.dtype))


def mean_mixed_in(z: Array) -> Array:
    return shifted_softmax(z + 1e-9 * z.mean(axis=1, keepdims=True))


def denominator_off(s: Array) -> Array:
    e = np.exp(s - s.max(axis=0))
    return np.asarray(e / (e.sum(axis=0) + 1e-8))


def one_unit_through_float32(z: Array) -> Array:
    z = z.copy()
    z[0] = z[0].astype(np.float32)
    return np.asarray(np.tanh(z))


MISTAKES: Mapping[str, Callable[[Inputs], Answer]] = {
    "ba": lambda inputs: bias_off(inputs, "ba" if inputs.kind == "rnn" else "bf"),
    "bi": lambda inputs: bias_off(inputs, "ba" if inputs.kind == "rnn" else "bi"),
    "bc": lambda inputs: bias_off(inputs, "ba" if inputs.kind == "rnn" else "bc"),
    "bo": lambda inputs: bias_off(inputs, "ba" if inputs.kind == "rnn" else "bo"),
    "by": lambda inputs: bias_off(inputs, "by"),
    "mean over the batch": Program(softmax=mean_mixed_in),
    "denominator": Program(softmax=denominator_off),
    "float32 pre-activation": Program(tanh=one_unit_through_float32),
}


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_bounds_reveal_a_mistake_far_below_usual_tolerances(kind: Any, mistake: str) -> None:
    for seed in range(20):
        inputs = Problem(kind, n_x=3, n_a=5, n_y=2, m=4, T_x=6, seed=seed).inputs(FORWARD[kind])
        assert seen(MISTAKES[mistake](inputs), inputs), seed
        assert not seen(Program()(inputs), inputs)
