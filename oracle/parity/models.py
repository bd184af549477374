"""Runs an exported ONNX file and the original torch module, and records every recurrent layer."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from oracle import pytorch
from oracle.checkpoints import CheckpointError, RecurrentLayer
from oracle.checkpoints.contents import Contents, import_optional, shorten, tensor
from oracle.checkpoints.files import read
from oracle.checkpoints.layer_search import find_layers
from oracle.checkpoints.onnx_files import attributes_of, inputs_of, is_onnx, open_model
from oracle.conversion import from_onnx
from oracle.inputs import LayerInputs
from oracle.naming import TORCH, torch_name
from reference.contract import Array, Kind

_KINDS: Mapping[str, Kind] = {"RNN": "rnn", "LSTM": "lstm"}
_MODULES = (torch.nn.LSTM, torch.nn.RNN)


class ParityError(ValueError):
    """The models cannot be compared. The message is one line."""


@dataclass(frozen=True)
class LayerPass:
    """One pass through a layer: its parameters, inputs and outputs."""

    layer: RecurrentLayer  # its prefix is the name of the node, or of the module with the layer's number
    inputs: LayerInputs
    outputs: Mapping[str, Array]  # `a`, `a_last` and `c_last`, of shape (n, m, T_x) or (n, m, 1)

    @property
    def used_inputs(self) -> dict[str, Array]:
        """The initial states, and the sequence up to the end of the longest sample, with 0 in the padding."""
        x = np.where(self.inputs.within, self.inputs.x, 0)[:, :, : self._steps]
        return {"x": x, "a0": self.inputs.a0, "c0": self.inputs.c0}

    @property
    def used_outputs(self) -> dict[str, Array]:
        """The outputs up to the end of the longest sample."""
        return {name: array[:, :, : self._steps] for name, array in self.outputs.items()}

    @property
    def _steps(self) -> int:
        """The number of steps of the longest sample. A packed sequence does not contain more."""
        return int(self.inputs.ends.max(initial=0))


def load(path: Path) -> Any:
    """Return the exported model. Raises `ParityError` or, if a package is missing, `CheckpointError`."""
    for package in ("onnx", "onnxruntime"):
        import_optional(package)
    try:
        return read(path, ".onnx", reader=open_model)
    except CheckpointError as error:
        raise ParityError(f"{path}: {error}") from None


def run_exported(path: Path, model: Any, feeds: Mapping[str, Array]) -> tuple[list[LayerPass], list[Array]]:
    """Return the passes through the recurrent nodes, in the order of the graph, and the model's outputs.

    Changes the model: the inputs and outputs of these nodes become outputs of the graph. Nodes in branches
    and loops have no pass, since an output of the graph cannot be inside of them.
    """
    nodes = [node for node in model.graph.node if node.op_type in _KINDS and is_onnx(node)]
    if not nodes:
        raise ParityError(f"{path}: it has no RNN or LSTM node outside of branches and loops")
    for k, node in enumerate(nodes):
        absent = (3 if node.op_type == "LSTM" else 2) - len(node.output)
        names = [*node.output, *[""] * absent]
        node.output[:] = [name or f"{node.op_type} {k} output {i}" for i, name in enumerate(names)]
    outputs = [each.name for each in model.graph.output]
    values_of_nodes = {name for node in nodes for name in (*node.input, *node.output) if name}
    added = sorted(values_of_nodes - {*outputs} - {*feeds})
    for name in added:
        model.graph.output.add(name=name)
    runtime = import_optional("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    # ONNX Runtime gets the model from memory, so it needs the folder of the external tensors.
    folder = str(path.resolve().parent)
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
    providers = ["CPUExecutionProvider"]
    try:
        session = runtime.InferenceSession(model.SerializeToString(), options, providers=providers)
        arrays = session.run([*outputs, *added], dict(feeds))
    except Exception as error:  # ONNX Runtime raises many kinds of errors
        raise ParityError(f"{path}: ONNX Runtime cannot run it: {shorten(error)}") from None
    values = {**feeds, **dict(zip([*outputs, *added], arrays, strict=True))}
    return [_node_pass(node, values) for node in nodes], arrays[: len(outputs)]


def _node_pass(node: Any, values: Mapping[str, Array]) -> LayerPass:
    kind = _KINDS[node.op_type]
    arrays = {each: values[name] for each, name in inputs_of(node).items()}
    x, lengths = arrays["X"], arrays.get("sequence_lens")
    # As in torch, the biases of 16-bit weights are added in float32.
    wide = np.result_type(np.float32, x)
    parameters, D = from_onnx(kind, {each: arrays[each].astype(wide) for each in "WRB" if each in arrays})
    n_a, m = arrays["R"].shape[2], x.shape[1]
    a0, c0 = (
        arrays.get(name, np.zeros((D, m, n), x.dtype)).transpose(0, 2, 1)
        for name, n in (("initial_h", n_a), ("initial_c", n_a if kind == "lstm" else 0))
    )
    attributes = attributes_of(node)
    activation = attributes.pop("activations", [b"Tanh"])[0].decode().lower() if kind == "rnn" else "tanh"
    x = x.transpose(2, 1, 0)
    inputs = LayerInputs(kind, x, a0, c0, parameters, x.dtype, D, lengths, activation=activation)
    Y, *last = (values[name] for name in node.output)
    outputs = {"a": Y.transpose(1, 3, 2, 0).reshape(D * n_a, m, -1)}
    for name, state in zip(("a_last", "c_last"), last, strict=False):
        outputs[name] = state.transpose(0, 2, 1).reshape(D * n_a, m, 1)
    remarks = tuple(_remarks(node, attributes))
    layer = RecurrentLayer(node.name or node.output[0], kind, "onnx", D, parameters, remarks=remarks)
    return LayerPass(layer, inputs, outputs)


def _remarks(node: Any, attributes: Mapping[str, Any]) -> Iterator[str]:
    """Yield clauses about the properties of a node that no layer of the original can have."""
    usual = (b"forward", b"bidirectional", 0, attributes["hidden_size"], [b"Sigmoid", b"Tanh", b"Tanh"])
    for name, value in attributes.items():
        if value not in usual:
            yield f"{name} is {value.decode() if isinstance(value, bytes) else value}"
    if "P" in inputs_of(node):
        yield "it has peepholes"


def original_from(factory: Callable[[], Any], name: str) -> tuple[torch.nn.Module, Any]:
    """Return the original module and the example inputs, from the factory with this name."""
    try:
        original = factory()
    except Exception as error:  # the user's code may raise anything
        raise ParityError(f"{name}() raised {type(error).__name__}: {shorten(error)}") from None
    if not (isinstance(original, tuple) and len(original) == 2 and isinstance(original[0], torch.nn.Module)):
        has = f"{name}() returned {type(original).__name__}"
        raise ParityError(f"{has}, expected a tuple of a torch.nn.Module and its example inputs")
    if not any(isinstance(each, _MODULES) for each in original[0].modules()):
        raise ParityError(f"the module of {name}() has no torch.nn.LSTM or torch.nn.RNN")
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
        raise ParityError(f"the original cannot be run on the example inputs: {why}") from None
    finally:
        for hook in hooks:
            hook.remove()
    return passes, [array for _, array in named_arrays(outputs)]


def _module_passes(name: str, module: Any, sequence: Any, states: Any) -> Iterator[LayerPass]:
    """Yield the passes through the layers of a module, each with the output of the layer below as its input.

    A module does not return the outputs of its inner layers, so `oracle.pytorch` computes them.
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
    c0 = memory[0] if stack.kind == "lstm" else a0[:, :0]
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
