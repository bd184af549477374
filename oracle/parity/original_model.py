"""The original: a torch module. It runs once, to record the inputs and outputs of its recurrent layers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from oracle import pytorch
from oracle.checkpoints.contents import Contents, shortened, tensor
from oracle.checkpoints.layer import RecurrentLayer
from oracle.checkpoints.layer_search import find
from oracle.inputs import LayerInputs
from oracle.naming import TORCH, in_torch
from oracle.parity.layer_pass import LayerPass, ParityError
from reference.contract import Array

Module = torch.nn.Module
RECURRENT = (torch.nn.LSTM, torch.nn.RNN)


def made_by(factory: Callable[[], Any], name: str) -> tuple[Module, Any]:
    """The module and the example inputs that a factory returns."""
    try:
        made = factory()
    except Exception as error:  # of code that is not ours
        raise ParityError(f"{name}() raised {type(error).__name__}: {shortened(error)}") from None
    if not (isinstance(made, tuple) and len(made) == 2 and isinstance(made[0], Module)):
        has = f"{name}() returned {type(made).__name__}"
        raise ParityError(f"{has}, expected a tuple of a torch.nn.Module and its example inputs")
    if not any(isinstance(each, RECURRENT) for each in made[0].modules()):
        raise ParityError(f"the module of {name}() has no torch.nn.LSTM or torch.nn.RNN")
    return made


def named_arrays(value: Any) -> Iterator[tuple[str, Array]]:
    """Every tensor in a value with its name, if it has one, in the order of exporters."""
    if isinstance(value, torch.Tensor):
        yield "", _array(value)
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from ((inner or str(name), array) for inner, array in named_arrays(each))
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from named_arrays(each)


def run(module: Module, examples: Any) -> tuple[list[LayerPass], list[Array]]:
    """The passes through the recurrent layers, in the order of the calls, and the outputs of the module.

    `examples` is a tensor, a tuple of arguments, or a mapping of arguments by name.
    """
    passes: list[LayerPass] = []

    def record(name: str, layers: Any, args: Any, kwargs: Any) -> None:
        x, states = (*args, *kwargs.values(), None)[:2]
        passes.extend(_passes(name or "the module", layers, x, states))

    hooks = [
        each.register_forward_pre_hook(partial(record, name), with_kwargs=True)
        for name, each in module.named_modules()
        if isinstance(each, RECURRENT)
    ]
    positional = (examples,) if isinstance(examples, torch.Tensor) else examples
    args, kwargs = ((), positional) if isinstance(positional, Mapping) else (tuple(positional), {})
    try:
        with torch.no_grad():
            returned = module.cpu().eval()(*args, **kwargs)
    except Exception as error:  # of code that is not ours
        why = f"{type(error).__name__}: {shortened(error)}"
        raise ParityError(f"the original cannot be run on the example inputs: {why}") from None
    finally:
        for hook in hooks:
            hook.remove()
    return passes, [array for _, array in named_arrays(returned)]


def _passes(name: str, module: Any, given: Any, states: Any) -> Iterator[LayerPass]:
    """The passes through the layers of a module, each with the output of the layer below as its input.

    A module does not return the outputs of its inner layers, so `oracle.pytorch` computes them.
    """
    steps, lengths, states = _time_first(module, given, states)
    places = [(layer, d) for layer in range(module.num_layers) for d in range(1 + module.bidirectional)]
    names = [in_torch(role, *place) for place in places for role in TORCH]
    # A parametrized weight, such as a normalized weight, is an attribute and not a parameter.
    weights = {name: tensor(_array(getattr(module, name))) for name in names if hasattr(module, name)}
    [every] = find(Contents(weights)).layers
    assert isinstance(every, RecurrentLayer)
    D, activation = every.directions, getattr(module, "nonlinearity", "tanh")
    if states is None:
        hidden = module.proj_size or module.hidden_size
        states = [steps.new_zeros(len(places), steps.shape[1], n) for n in (hidden, module.hidden_size)]
    a0, *memory = (_array(state).transpose(0, 2, 1) for state in states)
    c0 = memory[0] if every.kind == "lstm" else a0[:, :0]
    x = _array(steps).transpose(2, 1, 0)
    for layer in range(module.num_layers):
        own = slice(layer * D, (layer + 1) * D)
        states_and_weights = a0[own], c0[own], every.parameters[own]
        inputs = LayerInputs(every.kind, x, *states_and_weights, x.dtype, D, lengths, activation=activation)
        outputs = pytorch.run(inputs)
        place = f"{name}, layer {layer}" if module.num_layers > 1 else name
        part = replace(every, prefix=place, parameters=every.parameters[own], biases=every.biases[own])
        yield LayerPass(part, inputs, outputs)
        x = outputs["a"]


def _time_first(module: Any, given: Any, states: Any) -> tuple[Any, Array | None, Any]:
    """The sequence with time before samples, the lengths if it is packed, and the states as a tuple."""
    states = (states,) if isinstance(states, torch.Tensor) else states
    if isinstance(given, PackedSequence):
        # An exported node gets the samples in the order of the packed sequence, the longest sample first.
        x, lengths = pad_packed_sequence(PackedSequence(given.data, given.batch_sizes))
        if states is not None and given.sorted_indices is not None:
            states = tuple(each[:, given.sorted_indices] for each in states)
        return x, lengths.numpy(), states
    if given.dim() == 2:
        return given[:, None], None, states and tuple(each[:, None] for each in states)
    return given.transpose(0, 1) if module.batch_first else given, None, states


def _array(value: torch.Tensor) -> Array:
    """A copy of the tensor, since a later call may write to it; 16-bit numbers become float32 exactly."""
    value = value.detach().cpu()
    return (value.float() if value.dtype in (torch.bfloat16, torch.float16) else value).numpy().copy()
