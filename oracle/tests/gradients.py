"""Correct backward passes in several forms; their results are shaped and named as those of the witnesses."""

from typing import Any

import numpy as np

import reference
from oracle.problems.inputs import AnyBackward, BackwardInputs, LayerBackwardInputs, gradient_name
from reference.contract import Array


def by_reference(inputs: AnyBackward, implementation: Any = reference) -> dict[str, Array]:
    """The gradients from the reference, shaped and named as in `oracle.witnesses.exact.evaluate`."""
    if isinstance(inputs, LayerBackwardInputs):
        function = f"{inputs.kind}_layer_backward"
        dx, *states, gradients = getattr(implementation, function)(*inputs.arguments(function))
        found = {"dx": dx}
        for name, each in zip(("da0", "dc0"), states, strict=False):
            found[name] = each.reshape(each.shape[0] * each.shape[1], each.shape[2], 1)
        for k, by in enumerate(gradients):
            found |= {gradient_name(k, name[1:]): array[:, :, None] for name, array in by.items()}
        return found
    return _called(inputs, inputs.arguments(_function(inputs)), implementation)


def _function(inputs: BackwardInputs) -> str:
    return f"{inputs.kind}{'_cell' if inputs.x.shape[2] == 1 else ''}_backward"


def _called(
    inputs: BackwardInputs, arguments: list[Any], implementation: Any = reference
) -> dict[str, Array]:
    by = getattr(implementation, _function(inputs))(*arguments)
    names = {"dxt": "dx", "da_prev": "da0", "dc_prev": "dc0"}
    return {names.get(n, n): array if array.ndim == 3 else array[:, :, None] for n, array in by.items()}


def recomputed(inputs: BackwardInputs) -> dict[str, Array]:
    """The gradients from the reference, for caches whose states and gates are computed again."""
    *given, caches = inputs.arguments(_function(inputs))
    if inputs.x.shape[2] == 1:
        return _called(inputs, [*given, _again(inputs, caches)])
    steps, x = caches
    return _called(inputs, [*given, ([_again(inputs, cache) for cache in steps], x)])


@np.errstate(all="ignore")
def _again(inputs: BackwardInputs, cache: tuple[Any, ...]) -> tuple[Any, ...]:
    """The cache of a cell, with values that are computed again in another order of summation."""
    *_, xt, p = cache
    if inputs.kind == "rnn":
        a_prev = cache[1]
        return np.tanh(p["Wax"] @ xt + (p["Waa"] @ a_prev + p["ba"])), a_prev, xt, p
    a_prev, c_prev = cache[2:4]
    n = len(a_prev)
    z = {g: p[f"W{g}"][:, n:] @ xt + (p[f"W{g}"][:, :n] @ a_prev + p[f"b{g}"]) for g in "fico"}
    ft, it, ot = (1 / (1 + np.exp(-z[g])) for g in "fio")
    cct = np.tanh(z["c"])
    c_next = it * cct + c_prev * ft
    return ot * np.tanh(c_next), c_next, a_prev, c_prev, ft, it, cct, ot, xt, p


@np.errstate(all="ignore")
def multiplied_out(inputs: BackwardInputs) -> dict[str, Array]:
    """The gradients as in most public code, which multiplies each term of dc by the factors of a gate."""
    p, n_a, T_x = inputs.parameters, len(inputs.a0), inputs.x.shape[2]
    da, dc = np.zeros_like(inputs.a0), inputs.dc
    dx, sums = np.zeros_like(inputs.x), dict[str, Any]()
    for t in reversed(range(T_x)):
        v = {name: array[:, :, t] for name, array in inputs.cached.items()}
        xt, a_prev, c_prev = inputs.x[:, :, t], inputs.a_prev[:, :, t], inputs.c_prev[:, :, t]
        d = inputs.da[:, :, t] + da
        if inputs.kind == "rnn":
            dz = {"a": d - d * v["a"] * v["a"]}
            blocks = {"a": np.hstack([p["Waa"], p["Wax"]])}
        else:
            f, i, g, o, h = v["ft"], v["it"], v["cct"], v["ot"], np.tanh(v["c"])
            dz = {
                "f": (dc * c_prev + o * (1 - h * h) * c_prev * d) * f * (1 - f),
                "i": (dc * g + o * (1 - h * h) * g * d) * (i - i * i),
                "c": (dc * i + o * (1 - np.square(h)) * i * d) * (1 - np.square(g)),
                "o": d * h * o * (1 - o),
            }
            blocks = {gate: p[f"W{gate}"] for gate in "fico"}
            dc = dc * f + o * (1 - h * h) * f * d
        back = sum(blocks[gate].T @ part for gate, part in dz.items())
        da, dx[:, :, t] = back[:n_a], back[n_a:]
        for gate, part in dz.items():
            sums[f"W{gate}"] = sums.get(f"W{gate}", 0) + part @ np.vstack([a_prev, xt]).T
            sums[f"b{gate}"] = sums.get(f"b{gate}", 0) + part.sum(axis=1, keepdims=True)
    found = {"dx": dx, "da0": da[:, :, None]}
    if inputs.kind == "rnn":
        sums = {"Waa": sums["Wa"][:, :n_a], "Wax": sums["Wa"][:, n_a:], "ba": sums["ba"]}
    return found | {f"d{name}": array[:, :, None] for name, array in sums.items()}
