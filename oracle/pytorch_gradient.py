"""The gradients of torch, by `torch.autograd` through its cells and modules on the CPU."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np
import torch

from oracle.backward_inputs import (
    AnyBackward,
    BackwardInputs,
    LayerBackwardInputs,
    by_parameter,
    differentiated_parameters,
)
from oracle.layout import LAYOUTS
from oracle.naming import in_torch
from oracle.pytorch import as_torch_takes_them, called, cell_of, module_of, tensor
from reference.contract import Array


def run(inputs: AnyBackward) -> dict[str, Array]:
    """Every gradient; the shapes and names are those of `oracle.exact_gradient.evaluate`.

    A backward pass that takes caches must have a single step: torch computes the gates again from the cached
    states, and does not use the cached gates, so it is no witness for a sequence.
    """
    return _layer_gradients(inputs) if isinstance(inputs, LayerBackwardInputs) else _cell_gradients(inputs)


def _cell_gradients(inputs: BackwardInputs) -> dict[str, Array]:
    assert inputs.x.shape[2] == 1
    with torch.no_grad():
        cell = cell_of(inputs)
    x, a, c = (tensor(array.T).requires_grad_() for array in (inputs.x[:, :, 0], inputs.a0, inputs.c0))
    if inputs.kind == "rnn":
        given, returned = [x, a], [cell(x, a)]
    else:
        given, returned = [x, a, c], [*cell(x, (a, c))]
    incoming = [tensor(array.T) for array in (inputs.da[:, :, 0], inputs.dc)]
    gradients, by_parameters = _gradients(cell, returned, given, incoming)
    [p] = _own_gradients(inputs, {f"{name}_l0": gradient for name, gradient in by_parameters.items()})
    found = {f"d{name}": array for name, array in zip(("x", "a0", "c0"), gradients, strict=False)}
    return {name: array.T[:, :, None] for name, array in found.items()} | {
        name: p[name.removeprefix("d")][:, :, None] for name, _ in differentiated_parameters(inputs)
    }


def _layer_gradients(inputs: LayerBackwardInputs) -> dict[str, Array]:
    """The gradients of layers. Without steps or samples, the last states are the initial states."""
    n_x, m, T_x = inputs.x.shape
    initial: Sequence[Array] = [inputs.da_last, inputs.dc_last][: 1 if inputs.kind == "rnn" else 2]
    dx, gradients = (
        np.zeros_like(inputs.x),
        [{name: np.zeros_like(W) for name, W in p.items()} for p in inputs.parameters],
    )
    if T_x and m:
        wide = as_torch_takes_them(inputs)
        more = wide.c0.shape[1] - inputs.c0.shape[1]
        wide = replace(wide, dc_last=np.pad(inputs.dc_last, ((0, 0), (0, more), (0, 0))))
        with torch.no_grad():
            module = module_of(wide)
        x = tensor(wide.x.T).requires_grad_()
        a0, c0 = (tensor(s.transpose(0, 2, 1)).requires_grad_() for s in (wide.a0, wide.c0))
        output, ended = called(module, wide, x, a0, c0)
        last = [tensor(s.transpose(0, 2, 1)) for s in (wide.da_last, wide.dc_last)]
        given = [x, a0] if inputs.kind == "rnn" else [x, a0, c0]
        (by_x, *by_states), by_parameters = _gradients(
            module, [output, *ended], given, [tensor(wide.da.T), *last]
        )
        dx = by_x.T[:n_x]
        initial = [
            states.transpose(0, 2, 1)[:, : like.shape[1]]
            for states, like in zip(by_states, initial, strict=True)
        ]
        gradients = _own_gradients(inputs, by_parameters)
    found = {"dx": dx}
    for name, states in zip(("da0", "dc0"), initial, strict=False):
        found[name] = states.reshape(prod(states.shape[:2]), m, 1)
    for k, p in enumerate(inputs.parameters):
        for name, W in p.items():
            found[by_parameter(k, name)] = _cut(gradients[k][name], W)[:, :, None]
    return found


def _gradients(
    module: torch.nn.Module,
    returned: Sequence[torch.Tensor],
    given: Sequence[torch.Tensor],
    incoming: Sequence[torch.Tensor],
) -> tuple[list[Array], dict[str, Array]]:
    """The gradients with respect to the inputs and the parameters, by name.

    Torch has two biases, each with the whole gradient, so the gradient of the second becomes zero. The
    gradients are those of the sum of all outputs, each multiplied by its incoming gradient. This is exact,
    since each passes through a product with 1. If torch got the incoming gradients themselves, it would
    import SymPy first, which is slow.
    """
    named = dict(module.named_parameters())
    leaves = [*given, *named.values()]
    weighted = [(output * by).sum() for output, by in zip(returned, incoming, strict=False)]
    total = torch.stack(weighted).sum()
    found = torch.autograd.grad(total, leaves, allow_unused=True, materialize_grads=True)
    arrays = [gradient.numpy() for gradient in found]
    by_name: Mapping[str, Array] = dict(zip(named, arrays[len(given) :], strict=True))
    return arrays[: len(given)], {
        name: np.zeros_like(by) if "bias_hh" in name else by for name, by in by_name.items()
    }


def _own_gradients(inputs: AnyBackward, by_name: Mapping[str, Array]) -> list[dict[str, Array]]:
    """The gradients with respect to the parameters of each direction, from those of torch's parameters."""
    D = inputs.directions if isinstance(inputs, LayerBackwardInputs) else 1
    layout, roles = LAYOUTS["torch"], ("weight", "recurrent_weight", "bias", "recurrent_bias", "projection")
    found = []
    for k in range(sum(name.startswith("weight_ih") for name in by_name)):
        named = {role: in_torch(role, *divmod(k, D)) for role in roles}
        here = {role: by_name[name] for role, name in named.items() if name in by_name}
        found.append(layout.unstack(inputs.kind, here))
    return found


def _cut(gradient: Array, W: Array) -> Array:
    """The gradient without the last columns and rows that `as_torch_takes_them` added."""
    return gradient[: W.shape[0], : W.shape[1]]
