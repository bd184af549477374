"""Works out a small problem by hand: every number of one sample, step by step."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from oracle.problem import Problem
from reference import lstm_cell_forward, rnn_cell_forward
from reference.contract import CONTRACTS, Array
from reference.lstm import LSTMCache

LARGEST = {"n_x": 3, "n_a": 3, "n_y": 3, "T_x": 3}
"""The largest sizes of an example that is worked out."""


def worked(problem: Problem, function: str, sample: int, step: int) -> list[str]:
    """A line for each equation of a sample up to a step; empty for large problems and backward passes."""
    contract = CONTRACTS[function]
    steps = 1 if contract.is_cell else problem.T_x
    sizes = {**problem.sizes, "T_x": step + 1}
    too_large = (
        contract.is_layer
        or contract.is_backward
        or any(not 0 < sizes[name] <= most for name, most in LARGEST.items())
    )
    if too_large or sample >= problem.m or step >= steps:
        return []
    inputs = problem.inputs(function).columns([sample])
    p = {name: array.astype(np.float64) for name, array in inputs.parameters.items()}
    a, c = inputs.a0.astype(np.float64), inputs.c0.astype(np.float64)
    lines: list[str] = []
    with np.errstate(all="ignore"):
        for t in range(step + 1):
            x = inputs.x[:, :, t].astype(np.float64)
            lines += [f"step {t}:"] if steps > 1 else []
            if contract.kind == "rnn":
                given, (a, y, _) = {"xt": x, "a_prev": a}, rnn_cell_forward(x, a, p)
                lines += [*_given(given), *_rnn(given, a, y, p)]
            else:
                given = {"xt": x, "a_prev": a, "c_prev": c}
                a, c, y, cache = lstm_cell_forward(x, a, c, p)
                lines += [*_given(given), *_lstm(given, cache, y, p)]
    return lines


def _rnn(given: Mapping[str, Array], a: Array, y: Array, p: Mapping[str, Array]) -> Iterator[str]:
    terms = [(p["Wax"], given["xt"]), (p["Waa"], given["a_prev"])]
    yield from _affine("Wax xt + Waa a_prev + ba", terms, p["ba"])
    yield f"a_next = tanh of that = {_vector(a)}"
    yield from _affine("Wya a_next + by", [(p["Wya"], a)], p["by"])
    yield f"y = softmax of that = {_vector(y)}"


def _lstm(given: Mapping[str, Array], cache: LSTMCache, y: Array, p: Mapping[str, Array]) -> Iterator[str]:
    both = np.concatenate([given["a_prev"], given["xt"]])
    for name, gate, activation in (
        ("f", "ft", "σ"),
        ("i", "it", "σ"),
        ("c", "cct", "tanh"),
        ("o", "ot", "σ"),
    ):
        yield from _affine(f"W{name} [a_prev; xt] + b{name}", [(p[f"W{name}"], both)], p[f"b{name}"])
        yield f"{gate} = {activation} of that = {_vector(getattr(cache, gate))}"
    yield f"c_next = ft * c_prev + it * cct = {_vector(cache.c_next)}"
    yield f"a_next = ot * tanh(c_next) = {_vector(cache.a_next)}"
    yield from _affine("Wy a_next + by", [(p["Wy"], cache.a_next)], p["by"])
    yield f"y = softmax of that = {_vector(y)}"


def _given(arrays: Mapping[str, Array]) -> list[str]:
    return [", ".join(f"{name} = {_vector(array)}" for name, array in arrays.items())]


def _affine(name: str, terms: Sequence[tuple[Array, Array]], bias: Array) -> Iterator[str]:
    """A sum of products for each row: `Wy a_next + by = (1)(0.5) + (-1) = -0.5`."""
    rows = len(bias)
    for row in range(rows):
        products = [
            f"({_number(weight)})({_number(value)})"
            for W, v in terms
            for weight, value in zip(W[row], v[:, 0], strict=True)
        ]
        total = sum(W[row] @ v[:, 0] for W, v in terms) + bias[row, 0]
        which = f", row {row}" if rows > 1 else ""
        yield f"{name}{which} = {' + '.join([*products, f'({_number(bias[row, 0])})'])} = {_number(total)}"


def _vector(array: Array) -> str:
    numbers = [_number(value) for value in array[:, 0]]
    return numbers[0] if len(numbers) == 1 else f"[{', '.join(numbers)}]"


def _number(value: float) -> str:
    return f"{float(value):.6g}"
