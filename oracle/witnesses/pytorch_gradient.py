"""Torch's gradients, from `torch.autograd` through torch's modules on the CPU."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np
import torch

from oracle.problems.backward_inputs import AnyBackward, LayerBackwardInputs, gradient_name
from oracle.weights.conversion import from_torch
from oracle.witnesses.pytorch import accepted_by_torch, call_module, module_for, tensor, tensors
from reference.contract import NETWORKS, Array


def run(inputs: AnyBackward) -> dict[str, Array]:
    """Every gradient; the shapes and names are those of `exact_gradient.evaluate`.

    Backward passes that take caches must have a single step, which is that of a layer. Torch computes the
    gates again from the cached states, and does not use the cached gates, so torch is no witness for
    `rnn_backward` and `lstm_backward`.
    """
    if isinstance(inputs, LayerBackwardInputs):
        return _layer_gradients(inputs)
    assert inputs.x.shape[2] == 1
    # A layer has no head, whose parameters are the only ones with a y in their names.
    layer = inputs.as_layer().with_parameters(lambda p: {name: p[name] for name in p if "y" not in name})
    da_last, dc_last = np.zeros_like(layer.a0), inputs.dc[None]
    backward = LayerBackwardInputs(**vars(layer), da=inputs.da, da_last=da_last, dc_last=dc_last)
    gradients = _layer_gradients(backward)
    own_names = {gradient_name(0, name): f"d{name}" for name in layer.parameters[0]}
    return {own_names.get(name, name): array for name, array in gradients.items()}


def _layer_gradients(inputs: LayerBackwardInputs) -> dict[str, Array]:
    """The gradients of layers. Without steps or samples, the last states are the initial states."""
    n_x, m, T_x = inputs.x.shape
    initial: Sequence[Array] = [inputs.da_last, inputs.dc_last][: len(NETWORKS[inputs.kind].states)]
    dx = np.zeros_like(inputs.x)
    parameters = [{name: np.zeros_like(W) for name, W in p.items()} for p in inputs.parameters]
    if T_x and m:
        wide = accepted_by_torch(inputs)
        added = wide.c0.shape[1] - inputs.c0.shape[1]
        wide = replace(wide, dc_last=np.pad(inputs.dc_last, ((0, 0), (0, added), (0, 0))))
        with torch.no_grad():
            module = module_for(wide)
        given = [each.requires_grad_() for each in tensors(wide)]
        output, last = call_module(module, wide, *given)
        incoming = [tensor(wide.da.T), *(tensor(s.transpose(0, 2, 1)) for s in (wide.da_last, wide.dc_last))]
        (x_gradient, *states), by_name = _gradients(module, [output, *last], given, incoming)
        dx = x_gradient.T[:n_x]
        initial = [
            gradient.transpose(0, 2, 1)[:, : like.shape[1]]
            for gradient, like in zip(states, initial, strict=True)
        ]
        parameters, _ = from_torch(inputs.kind, by_name)
    gradients = {"dx": dx}
    for name, array in zip(("da0", "dc0"), initial, strict=False):
        gradients[name] = array.reshape(prod(array.shape[:2]), m, 1)
    for k, p in enumerate(inputs.parameters):
        for name, W in p.items():  # without the rows and columns that `accepted_by_torch` added
            gradients[gradient_name(k, name)] = parameters[k][name][: W.shape[0], : W.shape[1], None]
    return gradients


def _gradients(
    module: torch.nn.Module,
    returned: Sequence[torch.Tensor],
    given: Sequence[torch.Tensor],
    incoming: Sequence[torch.Tensor],
) -> tuple[list[Array], dict[str, Array]]:
    """The gradients with respect to the tensors `given`, and with respect to the parameters by name.

    Torch returns the whole gradient for each of its two biases, so the second bias gets zero instead.
    The gradients are those of the sum of all outputs, each multiplied by its incoming gradient. This adds no
    rounding. If the incoming gradients were passed to torch, it would import SymPy, which is slow.
    """
    parameters = dict(module.named_parameters())
    weighted = [(output * by).sum() for output, by in zip(returned, incoming, strict=False)]
    gradients = torch.autograd.grad(
        torch.stack(weighted).sum(), [*given, *parameters.values()], allow_unused=True, materialize_grads=True
    )
    arrays = [gradient.numpy() for gradient in gradients]
    by_name = dict(zip(parameters, arrays[len(given) :], strict=True))
    by_name |= {name: np.zeros_like(array) for name, array in by_name.items() if "bias_hh" in name}
    return arrays[: len(given)], by_name
