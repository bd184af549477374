"""LiteRT (TensorFlow Lite): its sequence operators, in a flatbuffer of one operator, run by its interpreter.

The operators are `UNIDIRECTIONAL_SEQUENCE_LSTM`, `UNIDIRECTIONAL_SEQUENCE_RNN`, and the same with
`BIDIRECTIONAL`: one layer in float32, without lengths. The LSTM has a projection. The states are variables of
the interpreter: zeros by default, and the last states after a call. Every call makes a new interpreter. The
weights are inputs of the graph, so that the interpreter aligns them as the kernels need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from oracle.frameworks.functions import COMMON_LIMITS, Call, bind_arrays, functions_of
from oracle.layout import LAYOUTS
from reference.contract import Array, Kind

SUPPORTS = {**COMMON_LIMITS, "dtypes": ["float32"], "layers": 1, "lengths": False, "gradients": False}


def _run(call: Call) -> list[Array]:
    sequence, directions = call.sequence, [_inputs(call.kind, each) for each in call.weights]
    fed = [sequence, *(array for each in directions for array in each if array is not None)]
    present = tuple(tuple(array is not None for array in each) for each in directions)
    shapes = tuple((array.dtype.name, array.shape) for array in fed)
    n_h = call.weights[0]["recurrent_weight"].shape[1]
    variables = tuple((sequence.shape[1], n) for n in (n_h, call.units))[: len(call.states)]
    model = _model(call.kind, call.activation, shapes, variables, present)
    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    for place, array in enumerate(fed):
        interpreter.set_tensor(place, array)
    held = np.arange(len(directions) * len(variables)).reshape(len(directions), -1).T + len(fed)
    for places, state in zip(held.tolist(), call.states):
        for place, array in zip(places, () if state is None else state):
            interpreter.set_tensor(place, array)
    interpreter.invoke()
    outputs = [interpreter.get_tensor(each["index"]) for each in interpreter.get_output_details()]
    last = [np.stack([interpreter.get_tensor(place) for place in places]) for places in held.tolist()]
    return [np.concatenate(outputs, axis=2), *last]


globals().update(functions_of(LAYOUTS["litert"], bind_arrays(_run), fill_states=False))


def _inputs(kind: Kind, weights: Mapping[str, Array]) -> list[Array | None]:
    """The weights of one direction in the order of the operator's inputs, each gate by itself."""
    weight, recurrent, bias = (
        np.split(weights[name], 4 if kind == "lstm" else 1) for name in ("weight", "recurrent_weight", "bias")
    )
    if kind == "rnn":
        return [*weight, *recurrent, *bias]
    peepholes = [None] * 3
    return [*weight, *recurrent, *peepholes, *bias, weights.get("projection"), None]


@lru_cache(maxsize=64)
def _model(
    kind: Kind,
    activation: str,
    shapes: Sequence[tuple[str, Sequence[int]]],
    variables: Sequence[tuple[int, int]],
    present: Sequence[Sequence[bool]],
) -> bytes:
    """The flatbuffer. Its tensors are in this order: the inputs, the states, the outputs.

    `shapes` are the dtypes and shapes of the inputs, and `variables` the shapes of the states of a direction.
    `present` says for each direction which of the possible weights it has.
    """
    D, first = len(present), len(shapes)
    places = iter(range(1, first))
    weights = [[next(places) if there else -1 for there in each] for each in present]
    held = [[first + k * len(variables) + s for s in range(len(variables))] for k in range(D)]
    if kind == "rnn":
        parts = [part for pair in zip(weights, held) for part in pair]
        absent = 3 if D == 2 else 0  # the auxiliary input and its weights
        options = "BidirectionalSequenceRNNOptions" if D == 2 else "SequenceRNNOptions"
    else:
        parts = [*weights, *held]
        absent = 9 if D == 2 else 4  # the auxiliary input and its weights; the layer normalization
        options = f"{'Bi' if D == 2 else 'Uni'}directionalSequenceLSTMOptions"
    outputs = [first + D * len(variables) + k for k in range(D)]
    function = getattr(schema.ActivationFunctionType, activation.upper())
    operator = _made(
        schema.OperatorT,
        inputs=[0, *(place for part in parts for place in part), *[-1] * absent],
        outputs=outputs,
        builtinOptionsType=getattr(schema.BuiltinOptions, options),
        builtinOptions=_made(
            getattr(schema, f"{options}T"), timeMajor=True, fusedActivationFunction=function
        ),
    )
    of_output = (*shapes[0][1][:2], variables[0][1])
    subgraph = _made(
        schema.SubGraphT,
        tensors=[
            *(_tensor(shape, dtype) for dtype, shape in shapes),
            *(_tensor(shape, isVariable=True) for _ in range(D) for shape in variables),
            *(_tensor(of_output) for _ in range(D)),
        ],
        inputs=[*range(first)],
        outputs=outputs,
        operators=[operator],
    )
    name = f"{'BI' if D == 2 else 'UNI'}DIRECTIONAL_SEQUENCE_{kind.upper()}"
    number = getattr(schema.BuiltinOperator, name)
    code = _made(schema.OperatorCodeT, version=1, builtinCode=number, deprecatedBuiltinCode=number)
    model = _made(
        schema.ModelT, version=3, operatorCodes=[code], subgraphs=[subgraph], buffers=[schema.BufferT()]
    )
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(shape: Sequence[int], dtype: str = "float32", **fields: Any) -> Any:
    number = getattr(schema.TensorType, dtype.upper())
    return _made(schema.TensorT, shape=[*shape], type=number, name="", **fields)


def _made(kind: Any, **fields: Any) -> Any:
    """An object of the schema with these fields."""
    made = kind()
    vars(made).update(fields)
    return made
