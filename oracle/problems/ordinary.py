"""Limits numbers to ordinary sizes: pre-activations below 300 and logits below 30 in every step.

For ordinary numbers, simple code is right in float64: for example a tanh by exp(2 z), which overflows for z
beyond 354, or a softmax that does not shift its logits. Only robust programs are right for larger numbers.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from oracle.problems.inputs import Inputs, LayerInputs
from reference.contract import NETWORKS, Array, Network

MOST_FROM_STATES = MOST_FROM_INPUTS = 149.0
"""The most that the states and the bias add to a pre-activation, and the most that the inputs add."""

MOST_LOGIT = 29.5

MOST_MEMORY = 200.0
"""The largest initial memory state; each step adds at most 1."""


def ordinary(inputs: Inputs) -> Inputs:
    """The inputs of one of the four functions, reduced as by `ordinary_layers`."""
    layer = ordinary_layers(inputs.as_layer())
    return replace(inputs, x=layer.x, c0=layer.c0[0], parameters=layer.parameters[0])


def ordinary_layers(inputs: LayerInputs, *, trained: bool = False) -> LayerInputs:
    """The inputs of layers, with rows of weights and samples of x and c0 halved until all are ordinary.

    Each state counts with its largest possible value, so that the numbers are ordinary in every step.
    `trained` weights are not changed. A relu network is not changed, either, since it has no exponentials.
    """
    if inputs.activation == "relu":
        return inputs
    n_h, D, network = inputs.a0.shape[1], inputs.directions, NETWORKS[inputs.kind]
    largest_x = np.abs(inputs.x).max(axis=2, initial=0)  # of each sample
    from_x = np.zeros(inputs.x.shape[1])
    parameters: list[Mapping[str, Array]] = []
    below = np.zeros(len(inputs.x))  # the largest states of the layer below; 0 for x, which is limited apart
    largest_states: list[Array] = []  # of each direction
    for place, p in enumerate(inputs.parameters):
        if place and place % D == 0:
            below = np.concatenate(largest_states[-D:])
        largest_states.append(np.abs(p["Wp"]).sum(axis=1) if "Wp" in p else np.ones(n_h))
        states = np.fmax(largest_states[-1], np.abs(inputs.a0[place]).max(axis=1, initial=0))
        parameters.append(p if trained else _halved_rows(network, p, states, below))
        if place < D:
            for *weights, _ in network.affine_maps:
                W = np.concatenate([parameters[-1][name] for name in weights], axis=1)
                from_x = np.fmax(from_x, (np.abs(W[:, n_h:]) @ largest_x).max(axis=0, initial=0))
    memory = np.abs(inputs.c0).max(axis=(0, 1), initial=0)
    if max(from_x.max(initial=0) / MOST_FROM_INPUTS, memory.max(initial=0) / MOST_MEMORY) <= 1:
        return replace(inputs, parameters=parameters)
    return replace(
        inputs,
        x=inputs.x * _power_of_two(from_x, MOST_FROM_INPUTS)[:, None].astype(inputs.x.dtype),
        c0=inputs.c0 * _power_of_two(memory, MOST_MEMORY).astype(inputs.c0.dtype),
        parameters=parameters,
    )


def _halved_rows(
    network: Network, p: Mapping[str, Array], states: Array, below: Array
) -> Mapping[str, Array]:
    """The parameters; each row is halved until it is ordinary for the largest `states` and inputs `below`."""
    halved, concat = dict(p), np.concatenate([states, below])
    for *weights, bias in (*network.affine_maps, *([network.head] if "by" in p else [])):
        W = np.concatenate([p[name] for name in weights], axis=1)
        size = np.abs(W) @ concat[: W.shape[1]] + np.abs(p[bias][:, 0])
        most = MOST_LOGIT if bias == "by" else MOST_FROM_STATES
        if size.max(initial=0) > most:
            factor = _power_of_two(size, most)[:, None]
            halved.update({name: p[name] * factor.astype(p[name].dtype) for name in (*weights, bias)})
    return halved


def _power_of_two(size: Array, most: float) -> Array:
    """The power of two, at most 1, that reduces each size to `most` or less. Products with it are exact."""
    return 2.0 ** -np.ceil(np.log2(np.fmax(size / most, 1)))
