"""LiteRT (TensorFlow Lite): its sequence operators, in a flatbuffer of one operator, run by its interpreter.

The operators are `UNIDIRECTIONAL_SEQUENCE_LSTM`, `UNIDIRECTIONAL_SEQUENCE_RNN`, and the same with
`BIDIRECTIONAL`: one layer in float32, without lengths. The LSTM has a projection. The states are variables of
the interpreter. They are zeros by default, and after a call they are the last states, so every call makes a
new interpreter. The weights are inputs of the graph, so that the interpreter aligns them as the kernels need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from oracle.frameworks.functions import COMMON_LIMITS, Call, binding, functions_of
from oracle.weights.layout import LAYOUTS
from reference.contract import Array, Kind

SUPPORTS = {**COMMON_LIMITS, "dtypes": ["float32"], "layers": 1, "lengths": False, "gradients": False}


def _run(call: Call) -> list[Array]:
    sequence, directions = call.sequence, [_weights(call.kind, each) for each in call.weights]
    inputs = [sequence, *(array for each in directions for array in each if array is not None)]
    present = tuple(tuple(array is not None for array in each) for each in directions)
    shapes = tuple((array.dtype.name, array.shape) for array in inputs)
    n_h = call.weights[0]["recurrent_weight"].shape[1]
    variables = tuple((sequence.shape[1], n) for n in (n_h, call.units))[: len(call.states)]
    model = _model(call.kind, call.activation, shapes, variables, present)
    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    # The indices of the tensors of each state: one for each direction.
    indices = len(inputs) + np.arange(len(directions) * len(variables)).reshape(len(directions), -1).T
    for index, array in enumerate(inputs):
        interpreter.set_tensor(index, array)
    for of_state, state in zip(indices.tolist(), call.states):
        for index, array in zip(of_state, () if state is None else state):
            interpreter.set_tensor(index, array)
    interpreter.invoke()
    outputs = [interpreter.get_tensor(each["index"]) for each in interpreter.get_output_details()]
    last = [np.stack([*map(interpreter.get_tensor, of_state)]) for of_state in indices.tolist()]
    return [np.concatenate(outputs, axis=2), *last]


globals().update(functions_of(LAYOUTS["litert"], binding(_run), fill_states=False))


def _weights(kind: Kind, weights: Mapping[str, Array]) -> list[Array | None]:
    """Return the weights of each gate of a direction, in the order of the operator's inputs."""
    weight, recurrent, bias = (
        np.split(weights[name], 4 if kind == "lstm" else 1) for name in ("weight", "recurrent_weight", "bias")
    )
    if kind == "rnn":
        return [*weight, *recurrent, *bias]
    return [*weight, *recurrent, *[None] * 3, *bias, weights.get("projection"), None]  # no peepholes


@lru_cache(maxsize=64)
def _model(
    kind: Kind,
    activation: str,
    shapes: Sequence[tuple[str, Sequence[int]]],
    variables: Sequence[tuple[int, int]],
    present: Sequence[Sequence[bool]],
) -> bytes:
    """Return the flatbuffer. Its tensors are in this order: the inputs, the states, the outputs.

    `shapes` has the dtype and the shape of each input, and `variables` the shape of each state of a
    direction. `present` says of each possible weight of a direction whether the operator has it as an input.
    """
    D, first = len(present), len(shapes)
    indices = iter(range(1, first))
    weights = [[next(indices) if is_present else -1 for is_present in each] for each in present]
    states = [[first + k * len(variables) + s for s in range(len(variables))] for k in range(D)]
    if kind == "rnn":
        groups = [group for pair in zip(weights, states) for group in pair]
        absent = 3 if D == 2 else 0  # the auxiliary input and its weights
        options = "BidirectionalSequenceRNNOptions" if D == 2 else "SequenceRNNOptions"
    else:
        groups = [*weights, *states]
        absent = 9 if D == 2 else 4  # the auxiliary input and its weights; the layer normalization
        options = f"{'Bi' if D == 2 else 'Uni'}directionalSequenceLSTMOptions"
    outputs = [first + D * len(variables) + k for k in range(D)]
    function = getattr(schema.ActivationFunctionType, activation.upper())
    operator = _new(
        schema.OperatorT,
        inputs=[0, *(index for group in groups for index in group), *[-1] * absent],
        outputs=outputs,
        builtinOptionsType=getattr(schema.BuiltinOptions, options),
        builtinOptions=_new(getattr(schema, f"{options}T"), timeMajor=True, fusedActivationFunction=function),
    )
    output_shape = (*shapes[0][1][:2], variables[0][1])
    subgraph = _new(
        schema.SubGraphT,
        tensors=[
            *(_tensor(shape, dtype) for dtype, shape in shapes),
            *(_tensor(shape, isVariable=True) for _ in range(D) for shape in variables),
            *(_tensor(output_shape) for _ in range(D)),
        ],
        inputs=[*range(first)],
        outputs=outputs,
        operators=[operator],
    )
    name = f"{'BI' if D == 2 else 'UNI'}DIRECTIONAL_SEQUENCE_{kind.upper()}"
    number = getattr(schema.BuiltinOperator, name)
    code = _new(schema.OperatorCodeT, version=1, builtinCode=number, deprecatedBuiltinCode=number)
    buffers = [schema.BufferT()]
    model = _new(schema.ModelT, version=3, operatorCodes=[code], subgraphs=[subgraph], buffers=buffers)
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(shape: Sequence[int], dtype: str = "float32", **fields: Any) -> Any:
    number = getattr(schema.TensorType, dtype.upper())
    return _new(schema.TensorT, shape=[*shape], type=number, name="", **fields)


def _new(of_type: Any, **fields: Any) -> Any:
    new = of_type()
    vars(new).update(fields)
    return new
