"""Torch's gradients, from `torch.autograd` through torch's cells and modules on the CPU."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np
import torch

from oracle.backward_inputs import AnyBackward, BackwardInputs, LayerBackwardInputs, gradient_name
from oracle.layout import LAYOUTS
from oracle.naming import torch_name
from oracle.pytorch import accepted_by_torch, call_module, cell_for, module_for, tensor
from reference.contract import Array


def run(inputs: AnyBackward) -> dict[str, Array]:
    """Every gradient; the shapes and names are those of `oracle.exact_gradient.evaluate`.

    Backward passes that take caches must have a single step. Torch computes the gates again from the cached
    states, and does not use the cached gates, so torch is no witness for `rnn_backward` and `lstm_backward`.
    """
    return _layer_gradients(inputs) if isinstance(inputs, LayerBackwardInputs) else _cell_gradients(inputs)


def _cell_gradients(inputs: BackwardInputs) -> dict[str, Array]:
    assert inputs.x.shape[2] == 1
    with torch.no_grad():
        cell = cell_for(inputs)
    x, a, c = (tensor(array.T).requires_grad_() for array in (inputs.x[:, :, 0], inputs.a0, inputs.c0))
    if inputs.kind == "rnn":
        given, returned = [x, a], [cell(x, a)]
    else:
        given, returned = [x, a, c], [*cell(x, (a, c))]
    incoming = [tensor(array.T) for array in (inputs.da[:, :, 0], inputs.dc)]
    gradients, by_name = _gradients(cell, returned, given, incoming)
    [parameters] = _parameter_gradients(inputs, {f"{name}_l0": array for name, array in by_name.items()})
    return {
        **{name: array.T[:, :, None] for name, array in zip(("dx", "da0", "dc0"), gradients, strict=False)},
        **{f"d{name}": array[:, :, None] for name, array in parameters.items()},
    }


def _layer_gradients(inputs: LayerBackwardInputs) -> dict[str, Array]:
    """The gradients of layers. Without steps or samples, the last states are the initial states."""
    n_x, m, T_x = inputs.x.shape
    initial: Sequence[Array] = [inputs.da_last, inputs.dc_last][: 1 if inputs.kind == "rnn" else 2]
    dx = np.zeros_like(inputs.x)
    parameters = [{name: np.zeros_like(W) for name, W in p.items()} for p in inputs.parameters]
    if T_x and m:
        wide = accepted_by_torch(inputs)
        added = wide.c0.shape[1] - inputs.c0.shape[1]
        wide = replace(wide, dc_last=np.pad(inputs.dc_last, ((0, 0), (0, added), (0, 0))))
        with torch.no_grad():
            module = module_for(wide)
        x = tensor(wide.x.T).requires_grad_()
        a0, c0 = (tensor(s.transpose(0, 2, 1)).requires_grad_() for s in (wide.a0, wide.c0))
        output, last = call_module(module, wide, x, a0, c0)
        incoming = [tensor(wide.da.T), *(tensor(s.transpose(0, 2, 1)) for s in (wide.da_last, wide.dc_last))]
        given = [x, a0] if inputs.kind == "rnn" else [x, a0, c0]
        (x_gradient, *states), by_name = _gradients(module, [output, *last], given, incoming)
        dx = x_gradient.T[:n_x]
        initial = [
            gradient.transpose(0, 2, 1)[:, : like.shape[1]]
            for gradient, like in zip(states, initial, strict=True)
        ]
        parameters = _parameter_gradients(inputs, by_name)
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


def _parameter_gradients(inputs: AnyBackward, by_name: Mapping[str, Array]) -> list[dict[str, Array]]:
    """The gradients with respect to our parameters, for each direction, from those of torch's parameters."""
    D = inputs.directions if isinstance(inputs, LayerBackwardInputs) else 1
    layout, roles = LAYOUTS["torch"], ("weight", "recurrent_weight", "bias", "recurrent_bias", "projection")
    gradients = []
    for k in range(sum(name.startswith("weight_ih") for name in by_name)):
        names = {role: torch_name(role, *divmod(k, D)) for role in roles}
        stacked = {role: by_name[name] for role, name in names.items() if name in by_name}
        gradients.append(layout.unstack(inputs.kind, stacked))
    return gradients
