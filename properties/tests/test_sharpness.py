"""The laws see errors far below the tolerances in use, every time; and chaos does not blind them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, seed, settings

import reference
from oracle.problems.inputs import Inputs
from oracle.problems.problem import Problem
from oracle.witnesses import exact, pytorch
from oracle.witnesses.bounds import bounds_on
from oracle.witnesses.verdict import Comparison
from properties.implementations.answer import steps_as_samples
from properties.strategies.drawn_problems import examples
from properties.strategies.effort import EFFORTS
from reference.contract import NETWORKS, Array

FORWARDS = {"rnn": "rnn_forward", "lstm": "lstm_forward"}
Forward = Callable[[Inputs], dict[str, Array]]


def answers(inputs: Inputs) -> dict[str, Array]:
    """What the reference says."""
    value = getattr(reference, FORWARDS[inputs.kind])(*inputs.arguments(FORWARDS[inputs.kind]))
    return {"a": value[0], "y": value[1], **({"c": value[2]} if inputs.kind == "lstm" else {})}


def worst_step(forward: Forward, inputs: Inputs) -> float:
    """The largest error in one step as a fraction of what two correct programs may differ by."""
    ours = forward(inputs)
    a = ours["a"]
    steps = inputs.steps(a, ours.get("c", np.zeros((0, *a.shape[1:]), a.dtype)))
    theirs, bounds = pytorch.run(steps), bounds_on(steps)
    return max(
        Comparison(steps, name, name, steps_as_samples(ours[name]), theirs[name], bounds[name].error).worst
        for name in theirs
    )


def with_parameters(change: Callable[[Mapping[str, Array]], Mapping[str, Array]]) -> Forward:
    """The reference with some of its parameters changed."""

    def forward(inputs: Inputs) -> dict[str, Array]:
        return answers(replace(inputs, parameters={**inputs.parameters, **change(inputs.parameters)}))

    return forward


def with_batch_mean(inputs: Inputs) -> dict[str, Array]:
    """1e-9 times the mean over the batch is added to the inputs."""
    return answers(replace(inputs, x=inputs.x + 1e-9 * inputs.x.mean(axis=1, keepdims=True)))


def with_float32_preactivation(inputs: Inputs) -> dict[str, Array]:
    """The part of the pre-activation that comes from the bias is rounded through float32."""
    bias = "ba" if inputs.kind == "rnn" else "bc"
    rounded = inputs.parameters[bias].astype(np.float32).astype(np.float64)
    return answers(replace(inputs, parameters={**inputs.parameters, bias: rounded}))


def with_softmax_epsilon(inputs: Inputs) -> dict[str, Array]:
    """1e-8 is added to the denominator of the softmax."""
    ours = answers(inputs)
    Wy, by = (inputs.parameters[name] for name in NETWORKS[inputs.kind].head)
    z = np.einsum("ij,jkt->ikt", Wy, ours["a"]) + by[:, :, None]
    e = np.exp(z - z.max(axis=0))
    return {**ours, "y": e / (e.sum(axis=0) + 1e-8)}


SLIGHT: Mapping[str, tuple[str, Forward]] = {
    "one gate's bias times 1 + 1e-11": ("lstm", with_parameters(lambda p: {"bo": p["bo"] * (1 + 1e-11)})),
    "1e-9 times the batch's mean": ("lstm", with_batch_mean),
    "a pre-activation through float32": ("rnn", with_float32_preactivation),
    "1e-8 in the softmax's denominator": ("rnn", with_softmax_epsilon),
}


@pytest.mark.parametrize("slight", SLIGHT)
def test_slight_errors_are_seen_with_every_seed(slight: str) -> None:
    kind, forward = SLIGHT[slight]
    assert [number for number in range(20) if not is_seen(forward, FORWARDS[kind], number)] == []


def is_seen(forward: Forward, function: str, number: int) -> bool:
    """Whether the problems that the dev profile draws with this seed show the error."""
    seen: list[bool] = []

    @seed(number)
    @settings(settings.get_profile("dev"), database=None, phases=[Phase.generate])
    @given(examples(function, EFFORTS["dev"]))
    def look(problems: Sequence[Problem]) -> None:
        if not any(seen):
            for each in problems:
                seen.append(worst_step(forward, each.inputs(function)) > 1)

    look()
    return any(seen)


@pytest.mark.parametrize(("dtype", "slight"), [("float64", 1e-10), ("float32", 1e-3)])
def test_a_chaotic_network_is_judged_sharply_at_any_length(dtype: Any, slight: float) -> None:
    inputs = Problem.rnn(n_x=3, n_a=16, n_y=2, m=2, T_x=1000, dtype=dtype).inputs("rnn_forward")
    wild = {name: 10 * W if name.startswith("W") else W for name, W in inputs.parameters.items()}
    chaotic = replace(inputs, parameters=wild)
    assert worst_step(answers, chaotic) < 1
    biased = with_parameters(lambda p: {"ba": (p["ba"] + slight).astype(dtype)})
    assert worst_step(biased, chaotic) > 1


@pytest.mark.parametrize("kind", FORWARDS)
def test_the_bound_is_sharp_for_ordinary_networks(kind: Any) -> None:
    ratios: list[float] = []
    for number in range(30):
        inputs = Problem(kind, n_x=3, n_a=4, n_y=3, m=3, T_x=4, seed=number).inputs(FORWARDS[kind])
        ours = answers(inputs)
        steps = inputs.steps(ours["a"], ours.get("c", np.zeros((0, 3, 4))))
        truth, bounds = exact.evaluate(steps, 1e-25), bounds_on(steps)
        for name, values in ours.items():
            errors = bounds[name].error[:, :, 0].ravel()
            exactly, given_ = truth[name][:, :, 0].ravel(), values.reshape(len(values), -1).ravel()
            ratios += [t.distance(v) / e for t, v, e in zip(exactly, given_, errors, strict=True)]
    assert np.median(ratios) > 0.01
    assert max(ratios) < 1
