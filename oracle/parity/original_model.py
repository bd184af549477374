"""The original: a module of torch, run once, and every pass through its recurrent layers."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from oracle.checkpoints.error import shortened
from oracle.checkpoints.layer import Biases
from oracle.conversion import from_torch
from oracle.inputs import LayerInputs
from oracle.layout import LAYOUTS
from oracle.naming import TORCH, in_torch
from oracle.parity.layer_pass import ParityError, Passage
from reference.contract import Array, Kind

Module = torch.nn.Module


def made_by(factory: Any, name: str) -> tuple[Module, Any]:
    """The module that a factory makes, and its example inputs; `None` where it gives none."""
    try:
        made = factory()
    except Exception as error:  # of code that is not ours
        raise ParityError(f"{name}() raised {type(error).__name__}: {shortened(error)}") from None
    module, examples = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
    if not isinstance(module, Module):
        has = f"{name}() returned {type(module).__name__}"
        raise ParityError(f"{has}, expected a torch.nn.Module or (module, example inputs)")
    if not any(isinstance(each, (torch.nn.LSTM, torch.nn.RNN)) for each in module.modules()):
        raise ParityError(f"the module of {name}() has no torch.nn.LSTM or torch.nn.RNN in it")
    return module, examples


def tensors(value: Any) -> Iterator[tuple[str, Array]]:
    """Every tensor in a value, as an exporter lays them out, and the name of those that have one."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()  # NumPy has no bfloat16
        yield "", (value.float() if value.dtype == torch.bfloat16 else value).numpy().copy()
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from ((inner or str(name), array) for inner, array in tensors(each))
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from tensors(each)


def run(module: Module, examples: Any) -> tuple[list[Passage], list[Array]]:
    """Every pass through a recurrent layer, in the order of the calls, and what the module returns.

    Examples are a tensor, a tuple of arguments, or a mapping of them by name.
    """
    passages: list[Passage] = []
    recurrent = [
        (name, each)
        for name, each in module.named_modules()
        if isinstance(each, (torch.nn.LSTM, torch.nn.RNN))
    ]
    hooks = [
        each.register_forward_pre_hook(partial(_record, passages, name), with_kwargs=True)
        for name, each in recurrent
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
    return passages, [array for _, array in tensors(returned)]


def as_arguments(arrays: Sequence[Array]) -> tuple[torch.Tensor, ...]:
    """What is drawn for the inputs of the exported model, for the module."""
    return tuple(torch.tensor(array) for array in arrays)


def _record(passages: list[Passage], name: str, module: Any, args: Any, kwargs: Any) -> None:
    x = args[0] if args else kwargs["input"]
    states = args[1] if len(args) > 1 else kwargs.get("hx")
    for passage in _layers(name or "the module", module, x, states):
        passages.append(passage)


def _layers(name: str, module: Any, given: Any, states: Any) -> Iterator[Passage]:
    """Layer by layer, each on what the one below gives: of those inside, a module does not tell."""
    kind: Kind = "lstm" if isinstance(module, torch.nn.LSTM) else "rnn"
    x, lengths, states = _plainly(module, given, states)
    D = 2 if module.bidirectional else 1
    for layer in range(module.num_layers):
        single, state = _single(module, layer, x.shape[2])
        arrays = {name: _array(tensor) for name, tensor in state.items()}
        if states is None:
            first = [x.new_zeros(D, x.shape[1], n) for n in _units(module)]
        else:
            first = [each[layer * D : (layer + 1) * D].contiguous() for each in states]
        packed = x if lengths is None else pack_padded_sequence(x, lengths)
        above, last = single(packed, first[0] if kind == "rnn" else tuple(first))
        a = above if lengths is None else pad_packed_sequence(above, total_length=x.shape[0])[0]
        a0, c0 = (_array(each).transpose(0, 2, 1) for each in (*first, x.new_zeros(D, x.shape[1], 0))[:2])
        inputs = LayerInputs(
            kind,
            _array(x).transpose(2, 1, 0),
            a0,
            c0,
            from_torch(kind, arrays)[0],
            _array(x).dtype,
            D,
            None if lengths is None else lengths.numpy(),
            activation=getattr(module, "nonlinearity", "tanh"),
        )
        outputs = {"a": _array(a).transpose(2, 1, 0)}
        for state_name, each in zip(("a_last", "c_last"), (last,) if kind == "rnn" else last, strict=False):
            outputs[state_name] = _array(each).transpose(0, 2, 1).reshape(-1, x.shape[1], 1)
        place = f"{name}, layer {layer}" if module.num_layers > 1 else name
        yield Passage(place, inputs, outputs, biases=_biases(kind, arrays, D))
        x = a


def _plainly(module: Any, given: Any, states: Any) -> tuple[Any, Any, Any]:
    """The sequence with time before the batch, the lengths if it is packed, and the states as a tuple."""
    states = (states,) if isinstance(states, torch.Tensor) else states
    if isinstance(given, PackedSequence):
        # An exported node gets the samples as they are packed, the longest first.
        x, lengths = pad_packed_sequence(PackedSequence(given.data, given.batch_sizes))
        if states is not None and given.sorted_indices is not None:
            states = tuple(each[:, given.sorted_indices] for each in states)
        return x, lengths, states
    if given.dim() == 2:
        return given[:, None], None, states and tuple(each[:, None] for each in states)
    return given.transpose(0, 1) if module.batch_first else given, None, states


def _units(module: Any) -> tuple[int, ...]:
    hidden = module.proj_size or module.hidden_size
    return (hidden, module.hidden_size) if isinstance(module, torch.nn.LSTM) else (hidden,)


def _single(module: Any, layer: int, n_in: int) -> tuple[Module, dict[str, torch.Tensor]]:
    """One layer by itself, and its state dict."""
    state = {
        in_torch(role, 0, d): getattr(module, in_torch(role, layer, d)).detach()
        for role in TORCH
        for d in range(1 + module.bidirectional)
        if hasattr(module, in_torch(role, layer, d))
    }
    options = {"bias": module.bias, "bidirectional": module.bidirectional}
    if isinstance(module, torch.nn.LSTM):
        single: Module = torch.nn.LSTM(n_in, module.hidden_size, proj_size=module.proj_size, **options)
    else:
        single = torch.nn.RNN(n_in, module.hidden_size, nonlinearity=module.nonlinearity, **options)
    single.to(next(iter(state.values())).dtype).load_state_dict(state)
    return single, state


def _biases(kind: Kind, arrays: Mapping[str, Array], directions: int) -> Biases:
    """Both of every direction; none of a module without."""
    if in_torch("bias", 0, 0) not in arrays:
        return ()
    every = [[arrays[in_torch(role, 0, d)] for role in ("bias", "recurrent_bias")] for d in range(directions)]
    split = LAYOUTS["torch"].bias_of_gates
    return [(split(kind, one[:, None]), split(kind, other[:, None])) for one, other in every]


def _array(tensor: torch.Tensor) -> Array:
    """A copy, for a later call may write to the tensor; what has 16 bits is widened, which is exact."""
    halves = (torch.bfloat16, torch.float16)
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype in halves else tensor).numpy().copy()
