"""Limits numbers to ordinary sizes: pre-activations below 300, logits below 30, in every regime and step.

For such numbers, simple code is right in float64: a tanh by exponentials, which overflow beyond 354, or a
softmax that does not shift its logits. Only robust programs have to be right for larger numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from oracle.inputs import Inputs, LayerInputs
from reference.contract import Array

MOST = 149.0
"""The largest contribution of states and bias to a pre-activation, and the largest contribution of inputs."""

MOST_LOGIT = 29.5

MOST_MEMORY = 200.0
"""The largest initial memory state; each step adds at most 1."""

GATES = "fico"


def ordinary(inputs: Inputs) -> Inputs:
    """The inputs of one of the four functions, made ordinary by `ordinary_layers`, with logits below 30."""
    a0, c0, parameters = inputs.a0[None], inputs.c0[None], [inputs.parameters]
    layer = ordinary_layers(LayerInputs(inputs.kind, inputs.x, a0, c0, parameters, inputs.dtype))
    return replace(inputs, x=layer.x, c0=layer.c0[0], parameters=layer.parameters[0])


def ordinary_layers(inputs: LayerInputs, *, trained: bool = False) -> LayerInputs:
    """The inputs of layers with rows of weights and biases, and samples of x and c0, halved until ordinary.

    States count with their largest possible value after a tanh, so that the numbers are ordinary in every
    step. `trained` weights stay as they are. A relu network stays as it is, too: its states have no bound,
    and it has no exponentials.
    """
    if inputs.activation == "relu":
        return inputs
    n_h, D = inputs.a0.shape[1], inputs.directions
    largest = np.abs(inputs.x).max(axis=2, initial=0)  # of each sample
    of_x = np.zeros(inputs.x.shape[1])
    made: list[Mapping[str, Array]] = []
    below = np.zeros(len(inputs.x))
    here: list[Array] = []  # the largest possible states of each direction
    for place, given in enumerate(inputs.parameters):
        if place and place % D == 0:
            below = np.concatenate(here[-D:])
        here.append(np.abs(given["Wp"]).sum(axis=1) if "Wp" in given else np.ones(n_h))
        states = np.fmax(here[-1], np.abs(inputs.a0[place]).max(axis=1, initial=0))
        made.append(given if trained else _halved_rows(given, states, below))
        if place < D:
            of_x = np.fmax(of_x, (_rows(made[-1])[:, n_h:] @ largest).max(axis=0, initial=0))
    memory = np.abs(inputs.c0).max(axis=(0, 1), initial=0)
    if max(of_x.max(initial=0) / MOST, memory.max(initial=0) / MOST_MEMORY) <= 1:
        return replace(inputs, parameters=made)
    return replace(
        inputs,
        x=inputs.x * _halving(of_x, MOST)[:, None].astype(inputs.x.dtype),
        c0=inputs.c0 * _halving(memory, MOST_MEMORY).astype(inputs.c0.dtype),
        parameters=made,
    )


def _rows(parameters: Mapping[str, Array]) -> Array:
    """The magnitudes of the weights on `[a; x]`, with the gates stacked."""
    is_rnn = "Waa" in parameters
    names = ["Waa", "Wax"] if is_rnn else [f"W{gate}" for gate in GATES]
    return np.asarray(np.abs(np.concatenate([parameters[name] for name in names], axis=int(is_rnn))))


def _halved_rows(given: Mapping[str, Array], states: Array, below: Array) -> Mapping[str, Array]:
    """The parameters, with each row halved until it is ordinary for states and inputs of these sizes."""
    is_rnn, made = "Waa" in given, dict(given)
    biases = given["ba"] if is_rnn else np.concatenate([given[f"b{gate}"] for gate in GATES])
    size = _rows(given) @ np.concatenate([states, below]) + np.abs(biases[:, 0])
    if size.max(initial=0) > MOST:
        names = [("Waa", "Wax", "ba")] if is_rnn else [(f"W{gate}", f"b{gate}") for gate in GATES]
        for gate, halving in zip(names, np.split(_halving(size, MOST), len(names)), strict=True):
            made.update(_scaled(given, gate, halving))
    for weight in {"Wy", "Wya"} & {*given}:
        size = np.abs(given[weight]) @ states + np.abs(given["by"][:, 0])
        if size.max(initial=0) > MOST_LOGIT:
            made.update(_scaled(given, (weight, "by"), _halving(size, MOST_LOGIT)))
    return made


def _halving(size: Array, most: float) -> Array:
    """The power of two, at most 1, by which each size becomes at most `most`. Products with it are exact."""
    return 2.0 ** -np.ceil(np.log2(np.fmax(size / most, 1)))


def _scaled(given: Mapping[str, Array], names: Sequence[str], by: Array) -> dict[str, Array]:
    return {name: given[name] * by[:, None].astype(given[name].dtype) for name in names}
