"""Correct programs, which compute the formulas in different sound ways, and assertions on their answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import reference
from oracle.problems.inputs import Inputs, LayerInputs
from oracle.witnesses import exact
from oracle.witnesses.bounds import bounds_on
from oracle.witnesses.rounding import Bounded
from reference.contract import CONTRACTS, Array, Kind

Answer = dict[str, Array]
Function = Callable[[Array], Array]
Affine = Callable[[Array, Array, Array], Array]


def shifted_softmax(s: Array) -> Array:
    e = np.exp(s - s.max(axis=0))
    return np.asarray(e / e.sum(axis=0))


def softmax_by_log_sum_exp(s: Array) -> Array:
    top = s.max(axis=0)
    return np.asarray(np.exp(s - (top + np.log(np.exp(s - top).sum(axis=0)))))


def sigmoid_by_exp(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-z)))


def sigmoid_by_both_signs(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    return np.where(z < 0, e / (1 + e), 1 / (1 + e))


def sigmoid_by_tanh(z: Array) -> Array:
    return np.asarray((1 + np.tanh(z / 2)) / 2)


def tanh_by_exp(z: Array) -> Array:
    most = {2: 8.0, 4: 15.0, 8: 25.0}[
        z.dtype.itemsize
    ]  # for which tanh is rounded to 1, and exp does not overflow
    z = np.clip(z, -most, most)
    return np.asarray((np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)))


def tanh_by_sigmoid(z: Array) -> Array:
    return np.asarray(2 * sigmoid_by_exp(2 * z) - 1)


def product(W: Array, v: Array, b: Array) -> Array:
    return np.asarray(W @ v + b)


def by_einsum(W: Array, v: Array, b: Array) -> Array:
    return np.asarray(np.einsum("ij,jk->ik", W, v) + b)


def one_by_one_from_the_last(W: Array, v: Array, b: Array) -> Array:
    z = np.broadcast_to(b, (len(W), v.shape[1]))
    for k in reversed(range(W.shape[1])):
        z = z + W[:, [k]] * v[[k]]
    return z


def largest_first(W: Array, v: Array, b: Array) -> Array:
    """`W v + b`, summed from the largest term down, which makes rounding errors large."""
    terms = np.concatenate(
        [W[:, :, None] * v[None], np.broadcast_to(b, (len(W), v.shape[1]))[:, None]], axis=1
    )
    terms = np.take_along_axis(terms, np.argsort(-np.abs(terms), axis=1), axis=1)
    z = np.zeros_like(terms[:, 0])
    for k in range(terms.shape[1]):
        z = z + terms[:, k]
    return z


def split_weights(W: Array, v: Array, b: Array) -> Array:
    k = W.shape[1] // 2
    return np.asarray(W[:, k:] @ v[k:] + b / 2 + (W[:, :k] @ v[:k] + b / 2))


def accumulated_in_float64(W: Array, v: Array, b: Array) -> Array:
    return np.asarray((W.astype(np.float64) @ v + b).astype(W.dtype))


@dataclass(frozen=True)
class Program:
    """A correct forward pass in the precision of its inputs."""

    sigmoid: Function = sigmoid_by_exp
    tanh: Function = np.tanh
    softmax: Function = shifted_softmax
    affine: Affine = product

    @np.errstate(all="ignore")
    def __call__(self, inputs: Inputs) -> Answer:
        """Every quantity of a forward pass, `(n, m, T_x)`."""
        if isinstance(inputs, LayerInputs):
            return self.of_layers(inputs)
        p = inputs.parameters
        steps = self.unrolled(inputs.kind, p, inputs.x, inputs.a0, inputs.c0)
        for step in steps:
            step["y"] = self.softmax(
                self.affine(p["Wya" if inputs.kind == "rnn" else "Wy"], step["a"], p["by"])
            )
            assert {array.dtype for array in step.values()} == {inputs.x.dtype}
        return {name: np.stack([step[name] for step in steps], axis=2) for name in steps[0]}

    def unrolled(
        self, kind: Kind, p: Mapping[str, Array], x: Array, a: Array, c: Array, activation: str = "tanh"
    ) -> list[Answer]:
        """Every quantity of each step but the predictions."""
        steps = []
        for xt in np.moveaxis(x, 2, 0):
            concat = np.concatenate([a, xt])
            if kind == "rnn":
                z = self.affine(np.concatenate([p["Waa"], p["Wax"]], axis=1), concat, p["ba"])
                a = np.maximum(z, 0) if activation == "relu" else self.tanh(z)
                steps.append({"a": a})
                continue
            ft, it, ot = (self.sigmoid(self.affine(p[f"W{g}"], concat, p[f"b{g}"])) for g in "fio")
            cct = self.tanh(self.affine(p["Wc"], concat, p["bc"]))
            c = ft * c + it * cct
            a = ot * self.tanh(c)
            if "Wp" in p:
                a = self.affine(p["Wp"], a, np.zeros_like(p["Wp"][:, :1]))
            steps.append({"a": a, "c": c, "ft": ft, "it": it, "cct": cct, "ot": ot})
        return steps

    def of_layers(self, inputs: LayerInputs) -> Answer:
        """The answer of layers, computed one sample after the other, each at its own length."""
        m, D = inputs.x.shape[1], inputs.directions
        last = {"a": inputs.a0.copy(), "c": inputs.c0.copy()}
        top = np.zeros((D * inputs.a0.shape[1], *inputs.x.shape[1:]), inputs.x.dtype)
        for j, end in enumerate(inputs.ends):
            x = inputs.x[:, [j], :end]
            for k in range(0, len(inputs.parameters), D):
                hidden = []
                for place in range(k, k + D):
                    p, order = inputs.parameters[place], -1 if place > k else 1
                    a, c = (states[place][:, [j]] for states in (inputs.a0, inputs.c0))
                    steps = self.unrolled(inputs.kind, p, x[:, :, ::order], a, c, inputs.activation)
                    hidden.append(np.stack([step["a"] for step in steps[::order]], axis=2))
                    for name in steps[-1].keys() & last.keys():
                        last[name][place][:, [j]] = steps[-1][name]
                x = np.concatenate(hidden)
            top[:, [j], :end] = x
        whole = {f"{name}_last": states.reshape(-1, m, 1) for name, states in last.items() if states.size}
        return {"a": top, **whole}


PROGRAMS: Mapping[str, Program] = {
    "plain": Program(),
    "sigmoid by tanh": Program(sigmoid=sigmoid_by_tanh),
    "sigmoid by both signs": Program(sigmoid=sigmoid_by_both_signs),
    "tanh by exp": Program(tanh=tanh_by_exp),
    "tanh by sigmoid": Program(tanh=tanh_by_sigmoid),
    "softmax by log-sum-exp": Program(softmax=softmax_by_log_sum_exp),
    "einsum": Program(affine=by_einsum),
    "terms from the last": Program(affine=one_by_one_from_the_last),
    "largest terms first": Program(affine=largest_first),
    "split weights": Program(affine=split_weights),
    "float64 accumulation": Program(affine=accumulated_in_float64),
    "all at once": Program(sigmoid_by_tanh, tanh_by_exp, softmax_by_log_sum_exp, largest_first),
}


def answer_in_float64(inputs: Inputs) -> Answer:
    """The answer of the plain program to the inputs, cast to float64."""

    def cast(array: Array) -> Array:
        return array.astype(np.float64)

    parameters: Any = (
        [{name: cast(array) for name, array in p.items()} for p in inputs.parameters]
        if isinstance(inputs, LayerInputs)
        else {name: cast(array) for name, array in inputs.parameters.items()}
    )
    return Program()(
        replace(inputs, x=cast(inputs.x), a0=cast(inputs.a0), c0=cast(inputs.c0), parameters=parameters)
    )


def assert_within(answer: Mapping[str, Array], expected: Mapping[str, Bounded]) -> None:
    """Assert that an answer is within twice the bound of the evaluation."""
    for name, array in answer.items():
        late = slice(expected[name].value.shape[2] - array.shape[2], None)
        value, bound = expected[name].value[:, :, late], expected[name].error[:, :, late]
        known, finite = np.isfinite(bound), np.isfinite(value)
        np.testing.assert_array_equal(array[known & ~finite], value[known & ~finite], err_msg=name)
        known &= finite
        assert (np.abs(array[known].astype(np.float64) - value[known]) <= 2 * bound[known]).all(), name


def assert_exactly_within(answer: Mapping[str, Array], inputs: Inputs) -> None:
    """Assert that an answer is within the bound of the exact value."""
    bounds, truth = bounds_on(inputs), exact.evaluate(inputs, 1e-30)
    for name, array in answer.items():
        late = slice(truth[name].shape[2] - array.shape[2], None)
        enclosed, bound = truth[name][:, :, late], bounds[name].error[:, :, late]
        for number, enclosure, allowed in zip(array.flat, enclosed.flat, bound.flat, strict=True):
            assert enclosure.distance_at_most(number) <= allowed, (name, str(enclosure))


def forward_by_reference(function: str, inputs: Inputs) -> Answer:
    """Every output and cache entry of the reference, `(n, m, T_x)`; last states have one step."""
    contract = CONTRACTS[function]
    result: tuple[Any, ...] = getattr(reference, function)(*inputs.arguments(function))
    if contract.is_layer:
        a, *last = result
        names = [*contract.outputs][1:]
        return {"a": a} | {
            name: each.reshape(each.shape[0] * each.shape[1], each.shape[2], 1)
            for name, each in zip(names, last, strict=True)
        }
    answer = {
        name[0]: array[:, :, None] if contract.is_cell else array
        for name, array in zip(contract.outputs, result, strict=False)
    }
    caches = [result[-1]] if contract.is_cell else result[-1][0]
    gates = ("ft", "it", "cct", "ot") if inputs.kind == "lstm" else ()
    return answer | {gate: np.stack([getattr(cache, gate) for cache in caches], axis=2) for gate in gates}
