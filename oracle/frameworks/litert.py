"""LiteRT (TensorFlow Lite): its sequence operators, in a flatbuffer of one operator, run by its interpreter.

The operators are `UNIDIRECTIONAL_SEQUENCE_LSTM`, `UNIDIRECTIONAL_SEQUENCE_RNN`, and the same with
`BIDIRECTIONAL`: one layer in float32, without lengths. The LSTM has a projection. The states are variables of
the interpreter: zeros by default, and the last states after a call. Every call makes a new interpreter. The
weights are inputs of the graph, so that the interpreter aligns them as the kernels need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Optional

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from oracle.frameworks.functions import of_lstm_layer, of_rnn_layer
from oracle.layout import LAYOUTS, plain
from reference.contract import Array, Kind

SUPPORTS = {
    "dtypes": ["float32"],
    "caches": False,
    "head": False,
    "layers": 1,
    "lengths": False,
    "bad_shapes": False,
    "gradients": False,
}

LITERT = LAYOUTS["litert"]
Layers = Sequence[Mapping[str, Array]]
State = Optional[Array]


def rnn_layer(x: Array, a0: State, parameters: Layers, options: Mapping[str, Any]) -> tuple[Array, ...]:
    """One layer, by `UNIDIRECTIONAL_SEQUENCE_RNN` or `BIDIRECTIONAL_SEQUENCE_RNN`."""
    n_a, m = len(parameters[0]["ba"]), x.shape[1]
    return _run("rnn", x, [(a0, (m, n_a))], parameters, options)


def lstm_layer(
    x: Array, a0: State, c0: State, parameters: Layers, options: Mapping[str, Any]
) -> tuple[Array, ...]:
    """One layer, by `UNIDIRECTIONAL_SEQUENCE_LSTM` or `BIDIRECTIONAL_SEQUENCE_LSTM`."""
    n_a, m = len(parameters[0]["bf"]), x.shape[1]
    n_h = len(parameters[0].get("Wp", parameters[0]["bf"]))
    return _run("lstm", x, [(a0, (m, n_h)), (c0, (m, n_a))], parameters, options)


rnn_cell_forward, rnn_forward = of_rnn_layer(rnn_layer)
lstm_cell_forward, lstm_forward = of_lstm_layer(lstm_layer)


def _run(
    kind: Kind,
    x: Array,
    states: Sequence[tuple[State, tuple[int, int]]],
    parameters: Layers,
    options: Mapping[str, Any],
) -> tuple[Array, ...]:
    D = options.get("directions", 1)
    directions = [_weights(kind, p) for p in parameters]
    fed = [LITERT.sequence(x), *(array for each in directions for array in each if array is not None)]
    present = tuple(tuple(array is not None for array in each) for each in directions)
    shapes = tuple((array.dtype.name, array.shape) for array in fed)
    variables = tuple(shape for _, shape in states)
    graph = _Graph(kind, D, shapes, variables, present, options.get("activation", "tanh"))
    interpreter = Interpreter(model_content=_model(graph), num_threads=1)
    interpreter.allocate_tensors()
    for place, array in enumerate(fed):
        interpreter.set_tensor(place, array)
    places = iter(range(len(fed), len(fed) + D * len(states)))
    held = [[next(places) for _ in states] for _ in range(D)]
    for k in range(D):
        for place, (state, _) in zip(held[k], states):
            if state is not None:
                interpreter.set_tensor(place, plain(state[k].T))
    interpreter.invoke()
    outputs = [interpreter.get_tensor(each["index"]) for each in interpreter.get_output_details()]
    a = np.concatenate([LITERT.from_sequence(each) for each in outputs])
    last = [np.stack([interpreter.get_tensor(held[k][s]).T for k in range(D)]) for s in range(len(states))]
    return (a, *last)


def _weights(kind: Kind, p: Mapping[str, Array]) -> list[State]:
    """The weights of one direction in the order of the operator's inputs, each gate by itself."""
    stacked = LITERT.stack(kind, p)
    gates = 4 if kind == "lstm" else 1
    weight, recurrent, bias = (
        np.split(plain(stacked[name]), gates) for name in ("weight", "recurrent_weight", "bias")
    )
    if kind == "rnn":
        return [*weight, *recurrent, *bias]
    peepholes = [None] * 3
    return [*weight, *recurrent, *peepholes, *bias, stacked.get("projection"), None]


class _Graph(NamedTuple):
    """The properties of a flatbuffer: dtypes and shapes of its inputs, shapes of the states of a direction.

    `present` says for each direction which of the possible weights it has.
    """

    kind: Kind
    D: int
    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    variables: tuple[tuple[int, int], ...]
    present: tuple[tuple[bool, ...], ...]
    activation: str


@lru_cache(maxsize=64)
def _model(graph: _Graph) -> bytes:
    """The flatbuffer. Its tensors are in this order: the inputs, the states, the outputs."""
    kind, D, shapes, variables, present, activation = graph
    types = {"float16": schema.TensorType.FLOAT16, "float32": schema.TensorType.FLOAT32}
    types["float64"] = schema.TensorType.FLOAT64
    tensors = [_tensor(shape, types[dtype]) for dtype, shape in shapes]
    states = [_tensor(shape, variable=True) for _ in range(D) for shape in variables]
    outputs = [_tensor((*shapes[0][1][:2], variables[0][1])) for _ in range(D)]
    places = iter(range(1, len(shapes)))
    weights = [[next(places) if there else -1 for there in each] for each in present]
    first = len(shapes)
    held = [[first + k * len(variables) + s for s in range(len(variables))] for k in range(D)]
    code, operator = schema.OperatorCodeT(), schema.OperatorT()
    code.version = 1
    name = f"{'BI' if D == 2 else 'UNI'}DIRECTIONAL_SEQUENCE_{kind.upper()}"
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
    if kind == "rnn":
        parts = [part for pair in zip(weights, held) for part in pair]
        absent = 3 if D == 2 else 0  # the auxiliary input and its weights
        options = "BidirectionalSequenceRNNOptions" if D == 2 else "SequenceRNNOptions"
    else:
        parts = [*weights, *held]
        absent = 9 if D == 2 else 4  # the auxiliary input and its weights; the layer normalization
        options = f"{'Bi' if D == 2 else 'Uni'}directionalSequenceLSTMOptions"
    operator.inputs = [0, *(place for part in parts for place in part), *[-1] * absent]
    operator.outputs = [first + len(states) + k for k in range(D)]
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
    operator.builtinOptions = getattr(schema, f"{options}T")()
    operator.builtinOptions.timeMajor = True
    operator.builtinOptions.fusedActivationFunction = getattr(
        schema.ActivationFunctionType, activation.upper()
    )
    subgraph = schema.SubGraphT()
    subgraph.tensors = [*tensors, *states, *outputs]
    subgraph.inputs, subgraph.outputs = list(range(first)), operator.outputs
    subgraph.operators = [operator]
    model = schema.ModelT()
    model.version = 3
    model.operatorCodes, model.subgraphs, model.buffers = [code], [subgraph], [schema.BufferT()]
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(shape: Sequence[int], dtype: int = schema.TensorType.FLOAT32, variable: bool = False) -> Any:
    tensor = schema.TensorT()
    tensor.shape, tensor.type, tensor.isVariable = list(shape), dtype, variable
    tensor.name = ""
    return tensor
