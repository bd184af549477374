"""The formulas in decimal arithmetic, which shares nothing with Arb."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np

from oracle.problems.inputs import Inputs, LayerInputs
from reference.contract import Array, Kind

Numbers = list[Decimal]
Step = dict[str, Numbers]


def forward(inputs: Inputs, j: int) -> list[Step]:
    """Every quantity of each step of one sample."""
    p, kind = inputs.parameters, inputs.kind
    steps = unrolled(kind, p, numbers(inputs.a0[:, j]), numbers(inputs.c0[:, j]), columns(inputs.x[:, j]))
    for step in steps:
        step["y"] = softmax(affine(p["Wya" if kind == "rnn" else "Wy"], p["by"], step["a"]))
    return steps


def layers(inputs: LayerInputs, j: int) -> tuple[list[Numbers], Numbers, Numbers]:
    """The hidden states of the top layer at each step of one sample, and the last states of all."""
    xs = columns(inputs.x[:, j, : inputs.ends[j]])
    a_last, c_last = [], []
    for k in range(0, len(inputs.parameters), inputs.directions):
        hidden = []
        for place in range(k, k + inputs.directions):
            a, c = numbers(inputs.a0[place, :, j]), numbers(inputs.c0[place, :, j])
            order = -1 if place > k else 1
            steps = unrolled(inputs.kind, inputs.parameters[place], a, c, xs[::order], inputs.activation)
            a_last += steps[-1]["a"]
            c_last += steps[-1].get("c", [])
            hidden.append([step["a"] for step in steps[::order]])
        xs = [[number for part in both for number in part] for both in zip(*hidden, strict=True)]
    return xs, a_last, c_last


def unrolled(
    kind: Kind,
    p: Mapping[str, Array],
    a: Numbers,
    c: Numbers,
    xs: Sequence[Numbers],
    activation: str = "tanh",
) -> list[Step]:
    """Every quantity of each step but the predictions."""
    steps = []
    for x in xs:
        if kind == "rnn":
            z = affine(np.concatenate([p["Waa"], p["Wax"]], axis=1), p["ba"], a + x)
            a = [max(each, Decimal(0)) if activation == "relu" else tanh(each) for each in z]
            steps.append({"a": a})
            continue
        ft, it, ot = ([sigmoid(z) for z in affine(p[f"W{g}"], p[f"b{g}"], a + x)] for g in "fio")
        cct = [tanh(z) for z in affine(p["Wc"], p["bc"], a + x)]
        c = [f * c_prev + i * cc for f, c_prev, i, cc in zip(ft, c, it, cct, strict=True)]
        a = [o * tanh(memory) for o, memory in zip(ot, c, strict=True)]
        if "Wp" in p:
            a = affine(p["Wp"], np.zeros((len(p["Wp"]), 1)), a)
        steps.append({"a": a, "c": c, "ft": ft, "it": it, "cct": cct, "ot": ot})
    return steps


def numbers(array: Array) -> Numbers:
    return [Decimal(number) for number in array.tolist()]


def columns(x: Array) -> list[Numbers]:
    return [numbers(xt) for xt in x.T]


def affine(W: Array, b: Array, v: Numbers) -> Numbers:
    products = [sum(map(Decimal.__mul__, numbers(row), v), Decimal(0)) for row in W]
    return [product + bias for product, bias in zip(products, numbers(b[:, 0]), strict=True)]


def sigmoid(z: Decimal) -> Decimal:
    return 1 / (1 + (-z).exp())


def tanh(z: Decimal) -> Decimal:
    return 2 * sigmoid(2 * z) - 1


def softmax(s: Numbers) -> Numbers:
    return [1 / sum(((other - z).exp() for other in s), Decimal(0)) for z in s]
