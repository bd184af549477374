"""Simpler problems, each without one thing, to see on what a mistake depends."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from oracle.inputs import Inputs, LayerInputs
from reference.contract import Array

Parameters = Mapping[str, Array]


def simplified(inputs: Inputs) -> dict[str, Inputs]:
    """The problem without one thing, for each thing that it has."""
    _, m, T_x = inputs.x.shape
    simpler = {
        "zero biases": with_parameters(inputs, _without_biases),
        "a zero state": replace(inputs, a0=np.zeros_like(inputs.a0), c0=np.zeros_like(inputs.c0)),
        "zero inputs": replace(inputs, x=np.zeros_like(inputs.x)),
    }
    if isinstance(inputs, LayerInputs):
        simpler |= _with_fewer_options(inputs)
    if m > 1:
        simpler["one sample"] = inputs.columns([0])
    if T_x > 1:
        simpler["one step"] = _first_step(inputs)
    return simpler


def with_parameters(inputs: Inputs, change: Callable[[Parameters], Parameters]) -> Inputs:
    """The problem with changed parameters, those of every layer and direction."""
    if isinstance(inputs, LayerInputs):
        return replace(inputs, parameters=[change(p) for p in inputs.parameters])
    return replace(inputs, parameters=change(inputs.parameters))


def _without_biases(p: Parameters) -> Parameters:
    return {name: np.zeros_like(array) if name[0] == "b" else array for name, array in p.items()}


def _first_step(inputs: Inputs) -> Inputs:
    first = inputs.span(0, 1)
    if isinstance(first, LayerInputs) and first.lengths is not None:
        return replace(first, lengths=np.ones_like(first.lengths))
    return first


def _with_fewer_options(inputs: LayerInputs) -> dict[str, Inputs]:
    """Problems with fewer layers, directions or options. Where shapes have to change, arrays are cut."""
    simpler: dict[str, Inputs] = {}
    D, n_h, n_a = inputs.directions, inputs.a0.shape[1], inputs.c0.shape[1]
    if len(inputs.parameters) > D:
        lowest = {"parameters": inputs.parameters[:D], "a0": inputs.a0[:D], "c0": inputs.c0[:D]}
        simpler["one layer"] = replace(inputs, **lowest)  # type: ignore[arg-type]
    if D == 2:
        simpler["one direction"] = replace(
            inputs,
            parameters=[_forward_half(p, n_h) if k else p for k, p in enumerate(inputs.parameters[::2])],
            a0=inputs.a0[::2],
            c0=inputs.c0[::2],
            directions=1,
        )
    if inputs.lengths is not None:
        simpler["no lengths"] = replace(inputs, lengths=None)
    if "Wp" in inputs.parameters[0] and n_h <= n_a:
        parameters = [{name: p[name][:n_h] for name in p if name != "Wp"} for p in inputs.parameters]
        simpler["no projection"] = replace(inputs, parameters=parameters, c0=inputs.c0[:, :n_h])
    if inputs.activation == "relu":
        simpler["tanh for relu"] = replace(inputs, activation="tanh")
    return simpler


def _forward_half(p: Parameters, n_h: int) -> Parameters:
    """The parameters of a layer above the first without those of the backward half of its input."""
    columns = {name: n_h if name == "Wax" else 2 * n_h for name in ("Wax", "Wf", "Wi", "Wc", "Wo")}
    return {name: array[:, : columns.get(name)] for name, array in p.items()}
