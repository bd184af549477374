"""Runs the original torch module, and records every recurrent layer."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from oracle.checkpoints import CheckpointError, RecurrentLayer
from oracle.checkpoints.contents import Contents, shorten, tensor
from oracle.checkpoints.layer_search import find_layers
from oracle.parity.exported import LayerPass
from oracle.problems.inputs import LayerInputs
from oracle.weights.naming import TORCH, torch_name
from oracle.witnesses import pytorch
from reference.contract import Array
from reference.networks import NETWORKS

_MODULES = (torch.nn.LSTM, torch.nn.RNN)


def original_from(factory: Callable[[], Any], name: str) -> tuple[torch.nn.Module, Any]:
    """Return the original module and the example inputs, from the factory with this name."""
    try:
        original = factory()
    except Exception as error:  # the user's code may raise anything
        raise CheckpointError(f"{name}() raised {type(error).__name__}: {shorten(error)}") from None
    if not (isinstance(original, tuple) and len(original) == 2 and isinstance(original[0], torch.nn.Module)):
        has = f"{name}() returned {type(original).__name__}"
        raise CheckpointError(f"{has}, expected a tuple of a torch.nn.Module and its example inputs")
    if not any(isinstance(each, _MODULES) for each in original[0].modules()):
        raise CheckpointError(f"the module of {name}() has no torch.nn.LSTM or torch.nn.RNN")
    return original


def named_arrays(value: Any) -> Iterator[tuple[str, Array]]:
    """Yield every tensor in a value, in the order of exporters, with its key if it is in a mapping."""
    if isinstance(value, torch.Tensor):
        yield "", _array(value)
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from ((inner or str(name), array) for inner, array in named_arrays(each))
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from named_arrays(each)


def run_original(module: torch.nn.Module, examples: Any) -> tuple[list[LayerPass], list[Array]]:
    """Return the passes through the recurrent layers, in the order of the calls, and the module's outputs.

    `examples` is a tensor, a tuple of arguments, or a mapping of arguments by name.
    """
    passes: list[LayerPass] = []

    def record(name: str, layers: Any, args: Any, kwargs: Any) -> None:
        x, states = (*args, *kwargs.values(), None)[:2]
        passes.extend(_module_passes(name or "the module", layers, x, states))

    hooks = [
        each.register_forward_pre_hook(partial(record, name), with_kwargs=True)
        for name, each in module.named_modules()
        if isinstance(each, _MODULES)
    ]
    arguments = (examples,) if isinstance(examples, torch.Tensor) else examples
    args, kwargs = ((), arguments) if isinstance(arguments, Mapping) else (tuple(arguments), {})
    try:
        with torch.no_grad():
            outputs = module.cpu().eval()(*args, **kwargs)
    except Exception as error:  # the user's code may raise anything
        why = f"{type(error).__name__}: {shorten(error)}"
        raise CheckpointError(f"the original cannot be run on the example inputs: {why}") from None
    finally:
        for hook in hooks:
            hook.remove()
    return passes, [array for _, array in named_arrays(outputs)]


def _module_passes(name: str, module: Any, sequence: Any, states: Any) -> Iterator[LayerPass]:
    """Yield the passes through the layers of a module, each with the output of the layer below as its input.

    A module does not return the outputs of its inner layers, so `oracle.witnesses.pytorch` computes them.
    """
    sequence, lengths, states = _time_first(module, sequence, states)
    places = [(layer, d) for layer in range(module.num_layers) for d in range(1 + module.bidirectional)]
    names = [torch_name(role, *place) for place in places for role in TORCH]
    # A parametrized weight, such as a normalized weight, is an attribute and not a parameter.
    weights = {name: tensor(_array(getattr(module, name))) for name in names if hasattr(module, name)}
    [stack], _ = find_layers(Contents(weights))
    assert isinstance(stack, RecurrentLayer)
    D, activation = stack.directions, getattr(module, "nonlinearity", "tanh")
    if states is None:
        hidden = module.proj_size or module.hidden_size
        states = [sequence.new_zeros(len(places), sequence.shape[1], n) for n in (hidden, module.hidden_size)]
    a0, *memory = (_array(state).transpose(0, 2, 1) for state in states)
    c0 = memory[0] if NETWORKS[stack.kind].has_memory else a0[:, :0]
    x = _array(sequence).transpose(2, 1, 0)
    for k in range(module.num_layers):
        own = slice(k * D, (k + 1) * D)
        layer = replace(
            stack,
            prefix=f"{name}, layer {k}" if module.num_layers > 1 else name,
            parameters=stack.parameters[own],
            biases=stack.biases[own],
        )
        states_and_weights = a0[own], c0[own], layer.parameters
        inputs = LayerInputs(stack.kind, x, *states_and_weights, x.dtype, D, lengths, activation=activation)
        outputs = pytorch.run(inputs)
        yield LayerPass(layer, inputs, outputs)
        x = outputs["a"]


def _time_first(module: Any, sequence: Any, states: Any) -> tuple[Any, Array | None, Any]:
    """Return the sequence with time before samples, the lengths if it is packed, and a tuple of states."""
    states = (states,) if isinstance(states, torch.Tensor) else states
    if isinstance(sequence, PackedSequence):
        # An exported node gets the samples in the order of the packed sequence, the longest sample first.
        x, lengths = pad_packed_sequence(PackedSequence(sequence.data, sequence.batch_sizes))
        if states is not None and sequence.sorted_indices is not None:
            states = tuple(each[:, sequence.sorted_indices] for each in states)
        return x, lengths.numpy(), states
    if sequence.dim() == 2:
        return sequence[:, None], None, states and tuple(each[:, None] for each in states)
    return sequence.transpose(0, 1) if module.batch_first else sequence, None, states


def _array(value: torch.Tensor) -> Array:
    """Return a copy, since a later call may write to the tensor. 16-bit numbers become float32 exactly."""
    value = value.detach().cpu()
    return (value.float() if value.dtype in (torch.bfloat16, torch.float16) else value).numpy().copy()
