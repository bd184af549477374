"""Both models: the exported ONNX file, and the original torch module. A run records every recurrent layer."""

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
from oracle.naming import TORCH, in_torch
from reference.contract import Array, Kind

KINDS: Mapping[str, Kind] = {"RNN": "rnn", "LSTM": "lstm"}
MODULES = (torch.nn.LSTM, torch.nn.RNN)


class ParityError(ValueError):
    """The models cannot be compared. The message is one line."""


@dataclass(frozen=True)
class LayerPass:
    """A layer with its parameters, its inputs and its outputs in one pass.

    The prefix of the layer is the name of the node, or the name of the module with the number of the layer.
    The remarks of the layer name the properties of a node that the contract does not have. The outputs are
    `a`, `a_last` and `c_last`, as in `oracle.propagation.evaluate`; a node may lack some of them.
    """

    layer: RecurrentLayer
    inputs: LayerInputs
    outputs: Mapping[str, Array]

    @property
    def given(self) -> dict[str, Array]:
        """The sequence up to the end of the longest sample, with 0 in the padding, and the initial states."""
        own = np.where(self.inputs.within, self.inputs.x, 0)[:, :, : self._steps]
        return {"x": own, "a0": self.inputs.a0, "c0": self.inputs.c0}

    @property
    def returned(self) -> dict[str, Array]:
        """The outputs up to the end of the longest sample."""
        return {name: array[:, :, : self._steps] for name, array in self.outputs.items()}

    @property
    def _steps(self) -> int:
        """The number of steps of the longest sample: a packed sequence keeps no more."""
        return int(self.inputs.ends.max(initial=0))

    @property
    def sizes(self) -> tuple[str, int, int, int, int]:
        """The kind, n_x, n_a, n_p and the number of directions; a node and its layer have the same."""
        layer = self.layer
        return layer.kind, layer.n_x, layer.n_a, layer.n_p, layer.directions


def load(path: Path) -> Any:
    """The exported model. Raises `CheckpointError` or `ParityError` if the file cannot be read."""
    for package in ("onnx", "onnxruntime"):
        import_optional(package, "onnx")
    try:
        return read(path, ".onnx", reader=open_model)
    except CheckpointError as error:
        raise ParityError(f"{path}: {error}") from None


def input_names(model: Any) -> list[str]:
    """The names of the graph's inputs."""
    constants = {each.name for each in model.graph.initializer}
    return [each.name for each in model.graph.input if each.name not in constants]


def run_exported(path: Path, model: Any, feeds: Mapping[str, Array]) -> tuple[list[LayerPass], list[Array]]:
    """The passes through the recurrent nodes, in the order of the graph, and the outputs of the model.

    ONNX Runtime runs the model with the values at the nodes as further outputs. Nodes in branches and loops
    have no pass, since their values are not visible.
    """
    onnx, runtime = import_optional("onnx"), import_optional("onnxruntime")
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    nodes = [node for node in shown.graph.node if node.op_type in KINDS and is_onnx(node)]
    if not nodes:
        raise ParityError(f"{path}: it has no RNN or LSTM node outside of branches and loops")
    for k, node in enumerate(nodes):
        count = max(len(node.output), 3 if node.op_type == "LSTM" else 2)
        given = [*node.output, *[""] * count][:count]
        node.output[:] = [name or f"{node.op_type} {k} output {i}" for i, name in enumerate(given)]
    returned = [each.name for each in shown.graph.output]
    seen = {name for node in nodes for name in (*node.input, *node.output) if name}
    names = [*returned, *sorted(seen - {*returned} - {*feeds})]
    shown.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names[len(returned) :])
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    # ONNX Runtime gets the model from memory, so it needs the folder of the external tensors.
    folder = str(path.resolve().parent)
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
    providers = ["CPUExecutionProvider"]
    try:
        session = runtime.InferenceSession(shown.SerializeToString(), options, providers=providers)
        arrays = session.run(names, dict(feeds))
    except Exception as error:  # of ONNX Runtime, which has many
        raise ParityError(f"{path}: ONNX Runtime cannot run it: {shorten(error)}") from None
    values = {**feeds, **dict(zip(names, arrays, strict=True))}
    return [_node_pass(node, values) for node in nodes], arrays[: len(returned)]


def _node_pass(node: Any, values: Mapping[str, Array]) -> LayerPass:
    kind = KINDS[node.op_type]
    given = {each: values[name] for each, name in inputs_of(node).items()}
    x = given["X"]
    # As in torch, the biases of 16-bit weights are added in float32.
    widened = {at: given[at].astype(np.result_type(np.float32, x)) for at in "WRB" if at in given}
    parameters, D = from_onnx(kind, widened)
    n_a, m = given["R"].shape[2], x.shape[1]
    a0, c0 = (
        given.get(name, np.zeros((D, m, n), x.dtype)).transpose(0, 2, 1)
        for name, n in (("initial_h", n_a), ("initial_c", n_a if kind == "lstm" else 0))
    )
    attributes = attributes_of(node)
    activation = attributes.pop("activations", [b"Tanh"])[0].decode().lower() if kind == "rnn" else "tanh"
    states_and_weights, lengths = (a0, c0, parameters), given.get("sequence_lens")
    inputs = LayerInputs(
        kind, x.transpose(2, 1, 0), *states_and_weights, x.dtype, D, lengths, activation=activation
    )
    Y, *last = (values[name] for name in node.output)
    outputs = {"a": Y.transpose(1, 3, 2, 0).reshape(D * n_a, m, -1)}
    for name, state in zip(("a_last", "c_last"), last, strict=False):
        outputs[name] = state.transpose(0, 2, 1).reshape(D * n_a, m, 1)
    unusual = tuple(_unusual(node, attributes))
    layer = RecurrentLayer(node.name or node.output[0], kind, "onnx", D, parameters, remarks=unusual)
    return LayerPass(layer, inputs, outputs)


def _unusual(node: Any, attributes: Mapping[str, Any]) -> Iterator[str]:
    """The properties of a node that the contract does not have, in words."""
    usual = (b"forward", b"bidirectional", 0, attributes["hidden_size"], [b"Sigmoid", b"Tanh", b"Tanh"])
    for name, value in attributes.items():
        if value not in usual:
            yield f"{name} is {value.decode() if isinstance(value, bytes) else value}"
    if "P" in inputs_of(node):
        yield "it has peepholes"


def original_by(factory: Callable[[], Any], name: str) -> tuple[torch.nn.Module, Any]:
    """The original module and the example inputs that a factory returns."""
    try:
        returned = factory()
    except Exception as error:  # of code that is not ours
        raise ParityError(f"{name}() raised {type(error).__name__}: {shorten(error)}") from None
    if not (isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[0], torch.nn.Module)):
        has = f"{name}() returned {type(returned).__name__}"
        raise ParityError(f"{has}, expected a tuple of a torch.nn.Module and its example inputs")
    if not any(isinstance(each, MODULES) for each in returned[0].modules()):
        raise ParityError(f"the module of {name}() has no torch.nn.LSTM or torch.nn.RNN")
    return returned


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


def run_original(module: torch.nn.Module, examples: Any) -> tuple[list[LayerPass], list[Array]]:
    """The passes through the recurrent layers, in the order of the calls, and the outputs of the module.

    `examples` is a tensor, a tuple of arguments, or a mapping of arguments by name.
    """
    passes: list[LayerPass] = []

    def record(name: str, layers: Any, args: Any, kwargs: Any) -> None:
        x, states = (*args, *kwargs.values(), None)[:2]
        passes.extend(_module_passes(name or "the module", layers, x, states))

    hooks = [
        each.register_forward_pre_hook(partial(record, name), with_kwargs=True)
        for name, each in module.named_modules()
        if isinstance(each, MODULES)
    ]
    positional = (examples,) if isinstance(examples, torch.Tensor) else examples
    args, kwargs = ((), positional) if isinstance(positional, Mapping) else (tuple(positional), {})
    try:
        with torch.no_grad():
            returned = module.cpu().eval()(*args, **kwargs)
    except Exception as error:  # of code that is not ours
        why = f"{type(error).__name__}: {shorten(error)}"
        raise ParityError(f"the original cannot be run on the example inputs: {why}") from None
    finally:
        for hook in hooks:
            hook.remove()
    return passes, [array for _, array in named_arrays(returned)]


def _module_passes(name: str, module: Any, given: Any, states: Any) -> Iterator[LayerPass]:
    """The passes through the layers of a module, each with the output of the layer below as its input.

    A module does not return the outputs of its inner layers, so `oracle.pytorch` computes them.
    """
    steps, lengths, states = _time_first(module, given, states)
    places = [(layer, d) for layer in range(module.num_layers) for d in range(1 + module.bidirectional)]
    names = [in_torch(role, *place) for place in places for role in TORCH]
    # A parametrized weight, such as a normalized weight, is an attribute and not a parameter.
    weights = {name: tensor(_array(getattr(module, name))) for name in names if hasattr(module, name)}
    [every], _ = find_layers(Contents(weights))
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
