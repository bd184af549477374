"""Torch's answers to a problem: the outputs and gradients of `torch.nn.RNN` and `torch.nn.LSTM` on the CPU.

The answers have the layout and the dtype of the reference. Torch has no prediction head, so the predictions
come from torch's linear function and softmax. The gradients come from `torch.autograd`.
"""

import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import lru_cache
from math import prod
from typing import Any, TypeVar

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from oracle.problems.inputs import AnyBackward, Inputs, LayerBackwardInputs, LayerInputs, gradient_name
from oracle.weights.conversion import from_torch, to_torch
from reference.contract import NETWORKS, Array, hidden_units


def run(inputs: Inputs) -> dict[str, Array]:
    """Torch's answer: the outputs of a forward pass, or every gradient of a backward pass, by name.

    The gradients have the shapes and names of `exact.evaluate`. Backward passes that take caches must have a
    single step, which is that of a layer: torch computes the gates again from the cached states, and does not
    use the cached gates, so torch is no witness for `rnn_backward` and `lstm_backward`.
    """
    return _gradients(inputs) if isinstance(inputs, AnyBackward) else _outputs(inputs)


@torch.inference_mode()
def _outputs(inputs: Inputs) -> dict[str, Array]:
    """The hidden states `a (n_a, m, T_x)` and the predictions `y (n_y, m, T_x)`.

    For an LSTM there is also the memory state `c (n_a, m, 1)` after the last step; torch returns no other.
    For layers there are `a (D n_h, m, T_x)`, `a_last` and, for an LSTM, `c_last` `(L D n, m, 1)`, with
    the rows of all layers. The modules refuse a sequence without steps, whose answer is empty.
    """
    if isinstance(inputs, LayerInputs):
        return _run_layers(inputs)
    answer = _run_layers(inputs.as_layer())
    Wy, by = (tensor(inputs.parameters[name]) for name in NETWORKS[inputs.kind].head)
    logits = torch.nn.functional.linear(tensor(answer["a"].T), Wy, by[:, 0])
    memory = {"c": answer["c_last"][:, :, : inputs.x.shape[2]]} if "c_last" in answer else {}
    return {"a": answer["a"], "y": _array(torch.softmax(logits, dim=-1)), **memory}


@torch.inference_mode()
def gates(inputs: Inputs) -> dict[str, Array]:
    """The gates `ft`, `it`, `cct`, `ot` `(n_a, m, 1)` of a single LSTM step, from torch's functions."""
    concat = tensor(np.concatenate([inputs.a0, inputs.x[:, :, 0]]).T)
    answer = {}
    for gate, quantity in NETWORKS[inputs.kind].gates.items():
        weight, bias = tensor(inputs.parameters[f"W{gate}"]), tensor(inputs.parameters[f"b{gate}"][:, 0])
        activation = torch.tanh if gate == "c" else torch.sigmoid
        answer[quantity] = _array(activation(torch.nn.functional.linear(concat, weight, bias))[None])
    return answer


def _run_layers(inputs: LayerInputs) -> dict[str, Array]:
    """The answer of a module of several layers. Without steps, the last states are the initial states."""
    (_, m, T_x), (places, n_h, _), n_a = inputs.x.shape, inputs.a0.shape, inputs.c0.shape[1]
    states = [*inputs.initial_states]
    a = np.zeros((inputs.directions * n_h, m, T_x), inputs.x.dtype)
    if T_x and m:
        accepted = accepted_by_torch(inputs)
        output, last = call_module(module_for(accepted), accepted, *tensors(accepted))
        a = _array(output)
        states = [state.numpy().transpose(0, 2, 1) for state in last]
        states[1:] = [c[:, :n_a] for c in states[1:]]
    rows = {"a_last": places * n_h, "c_last": places * n_a}
    return {"a": a} | {
        name: state.reshape(rows[name], m, 1) for name, state in zip(rows, states, strict=False)
    }


def _gradients(inputs: AnyBackward) -> dict[str, Array]:
    """The gradients of layers, of which a cell is one."""
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
        (x_gradient, *states), by_name = _module_gradients(module, [output, *last], given, incoming)
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


def _module_gradients(
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


def tensors(inputs: LayerInputs) -> list[torch.Tensor]:
    """The arguments of a call of a module: x `(T_x, m, n_x)`, and the initial states `(L D, m, n)`."""
    return [tensor(inputs.x.T), *(tensor(state.transpose(0, 2, 1)) for state in inputs.initial_states)]


def module_for(inputs: LayerInputs) -> torch.nn.Module:
    """The module of torch with these layers and their parameters."""
    p, network = inputs.parameters[0], NETWORKS[inputs.kind]
    options: dict[str, Any] = {"nonlinearity": inputs.activation} if network.has_activations else {}
    if network.has_projection:
        options["proj_size"] = len(p.get("Wp", ()))
    module, parameters = _cached_module(
        getattr(torch.nn, network.torch),
        len(inputs.x),
        hidden_units(p),
        dtype=str(inputs.x.dtype),
        num_layers=len(inputs.parameters) // inputs.directions,
        bidirectional=inputs.directions == 2,
        **options,
    )
    state = to_torch(inputs.kind, inputs.parameters, inputs.directions)
    for name, parameter in parameters.items():
        parameter.copy_(tensor(state[name]))
    return module


def call_module(
    module: torch.nn.Module, inputs: LayerInputs, x: torch.Tensor, *states: torch.Tensor
) -> tuple[torch.Tensor, Sequence[torch.Tensor]]:
    """Call a module with these tensors and the lengths in `inputs`; return its output and last states."""
    is_projected, initial = "Wp" in inputs.parameters[0], states if len(states) > 1 else states[0]
    with warnings.catch_warnings() if is_projected else nullcontext():
        if is_projected:
            warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
        if inputs.lengths is None:
            output, last = module(x, initial)
        else:
            packed = pack_padded_sequence(x, torch.from_numpy(inputs.lengths), enforce_sorted=False)
            output, last = module(packed, initial)
            output, _ = pad_packed_sequence(output, total_length=len(x))
    return output, last if len(states) > 1 else (last,)


AnyLayerInputs = TypeVar("AnyLayerInputs", bound=LayerInputs)


def accepted_by_torch(inputs: AnyLayerInputs) -> AnyLayerInputs:
    """The same problem in a form that torch's modules accept.

    The modules refuse an input without features, so the input gets a feature that is zero. They refuse a
    projection to n_a units or more, so memory units are added: copies of the last unit, with no effect.
    """
    x, c0, parameters = inputs.x, inputs.c0, [dict(p) for p in inputs.parameters]
    if not len(x):
        x = np.zeros((1, *x.shape[1:]), x.dtype)
        for p in parameters[: inputs.directions]:
            for name in NETWORKS[inputs.kind].input_weights:
                p[name] = np.pad(p[name], ((0, 0), (0, 1)))
    if "Wp" in parameters[0] and len(parameters[0]["Wp"]) >= c0.shape[1]:
        added = len(parameters[0]["Wp"]) - c0.shape[1] + 1
        c0 = np.pad(c0, ((0, 0), (0, added), (0, 0)), mode="edge")
        for p in parameters:
            wide = {name: np.pad(p[name], ((0, added), (0, 0)), mode="edge") for name in p if name != "Wp"}
            p.update(wide, Wp=np.pad(p["Wp"], ((0, 0), (0, added))))
    return replace(inputs, x=x, c0=c0, parameters=parameters)


@lru_cache(maxsize=512)
def _cached_module(
    module_class: Any, n_x: int, n_a: int, dtype: str, **options: Any
) -> tuple[torch.nn.Module, Mapping[str, torch.Tensor]]:
    """A module and its parameters, which `module_for` overwrites; cached, since modules are slow to build.

    The parameters are not inference tensors, since gradients need normal tensors.
    """
    with torch.inference_mode(False):
        module: torch.nn.Module = module_class(n_x, n_a, dtype=getattr(torch, dtype), **options)
    return module, dict(module.named_parameters())


def tensor(array: Array) -> torch.Tensor:
    """A contiguous tensor with the numbers of an array."""
    return torch.from_numpy(np.ascontiguousarray(array))


def _array(steps: torch.Tensor) -> Array:
    """The array `(n, m, T_x)` of a tensor `(T_x, m, n)`."""
    return steps.numpy().transpose(2, 1, 0)
