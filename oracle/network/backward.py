"""The backward pass, derived from the equations of the network by the chain rule: a step, then the sweep.

The gradients have the names of textbooks. `da_next` and `dc_next` come from the step after; `dc` is the whole
gradient with respect to c_next, `dzf` that with respect to the pre-activation zf, and `back` that with
respect to the vector that all gates read. Nearly every gradient is a gradient that is known times factors of
the forward pass. So an arithmetic can compute the factors of all steps before the sweep back through time.

All arrays are stacks `(k, n, m)`, as in `oracle.network.forward`; over all steps, they are `(T_x, k, n, m)`.
Axis 0 has the inputs of a batch, for the forward direction and then for the backward direction. `op` has the
operations of an arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from oracle.network.equations import CELLS, GATES, SLOPES, Expression, operation
from oracle.network.forward import (
    Sweep,
    compute_layers,
    each_step,
    in_order,
    over_time,
    stacked,
    without_padding,
)
from oracle.problems.inputs import AnyBackward, LayerBackwardInputs, gradient_name
from reference.contract import NETWORKS, Array, Kind


@cache
def derivative(kind: Kind) -> Mapping[str, Sequence[Product] | Back]:
    """The gradients of a step by name, in the order of computation; products are summed.

    The last ones are `da_prev`, `dxt` and, for an LSTM, `dc_prev`. The slope of a function is an operation on
    its result, such as `sigmoid_slope(ft)`, so that cached results can stand in for computed ones.
    """
    cell = CELLS[kind]
    terms: dict[str, list[Product]] = {
        name: [Product(f"d{name}")] for name in ("a_next", "c_next") if name in cell
    }
    maps: dict[str, list[str]] = {}
    gradients: dict[str, Sequence[Product] | Back] = {}

    def hand_on(expression: Expression, term: Product, result: Expression) -> None:
        """Hand a term of the gradient with respect to an expression on to its operands."""
        match expression.operation, expression.operands:
            case "", _:
                terms.setdefault(expression.name, []).append(term)
            case "times", (left, right):
                hand_on(left, term.times(right), left)
                hand_on(right, term.times(left), right)
            case "plus", operands:
                for operand in operands:
                    hand_on(operand, term, operand)
            case function, (z,) if (slope := f"{function}_slope") in SLOPES:
                hand_on(z, term.times(Expression(slope, (result,))), z)
            case unknown, _:
                raise ValueError(f"{unknown} has no derivative")

    def gradient_of(name: str) -> Product:
        """The gradient with respect to a quantity, which gets a name if it is a sum."""
        found = terms.pop(name)
        if len(found) == 1:
            return found[0]
        gradients[f"d{name.removesuffix('_next')}"] = found
        return Product(f"d{name.removesuffix('_next')}")

    for name, expression in reversed([*cell.items()]):
        if expression.operation == "affine":
            maps.setdefault(expression.operands[1].name, []).insert(0, name)
        elif name in maps:
            operands = expression.operands if expression.operation == "stack" else (expression,)
            gradients |= {f"d{z}": terms.pop(z) for z in maps[name]}
            gradients["back"] = Back(tuple(maps[name]), operands)
            for i, operand in enumerate(operands):
                hand_on(operand, Product(f"back[{i}]"), operand)
        else:
            hand_on(expression, gradient_of(name), _quantity(name))
    return gradients | {f"d{name}": terms[name] for name in dict.fromkeys(["a_prev", "xt", *terms])}


@dataclass(frozen=True, eq=False)
class Product:
    """The gradient with this name, times factors. It is equal only to itself."""

    gradient: str
    factors: tuple[Expression, ...] = ()

    def times(self, factor: Expression) -> Product:
        """The product with one more factor."""
        return Product(self.gradient, (*self.factors, factor))


@dataclass(frozen=True)
class Back:
    """The transposed weights of affine maps of one vector, times the gradients with respect to their results.

    The result has the rows of the `operands` that are stacked in the vector. The gradient with respect to the
    i-th operand is `back[i]`.
    """

    maps: tuple[str, ...]
    operands: tuple[Expression, ...]


transposed, outer, over_samples = map(operation, ("transposed", "outer", "over_samples"))
rows_of_state, rows_of_input = map(operation, ("rows_of_state", "rows_of_input"))


@cache
def equations_back(kind: Kind) -> Mapping[str, Expression]:
    """The gradients of a step as a textbook writes them: equations by name, in the order of computation.

    An equation has a name for each slope, such as `slope_f` for that of ft. `h` is the tanh of c_next, and
    `through_h` the gradient that comes through it. The result of `transposed(W, dz)` is Wᵀ dz, that of
    `outer(dz, u)` is dz uᵀ, and `over_samples` makes sums. `rows_of_state(back, n_a)` has the first n_a rows
    of a gradient, and `rows_of_input(back, n_a)` the others.
    """
    cell, gradients, table = CELLS[kind], derivative(kind), dict[str, Expression]()
    letters = {gate: letter for letter, gate in GATES.items()}
    of_operands: dict[str, Expression] = {}
    of_parameters: dict[str, Expression] = {}

    def named(factor: Expression) -> Expression:
        """The name of a factor; the equation of a slope or of `h` gets into the table."""
        name = factor.name or "h"
        if factor.operation in SLOPES:
            factor = Expression(factor.operation, (named(factor.operands[0]),))
            gate = letters.get(factor.operands[0].name)
            name = f"slope_{gate}" if gate else "slope"
        if factor.operation:
            table.setdefault(name, factor)
        return _quantity(name)

    def put_maps(back: Back) -> None:
        """Put the gradients with respect to a vector and to the parameters of its affine maps."""
        maps = [(_quantity(f"d{z}"), *cell[z].operands) for z in back.maps]
        (dz, W, vector, b), *_ = maps
        if W.operands:  # each operand of the vector has weights of its own
            for i, (block, operand) in enumerate(zip(W.operands, back.operands, strict=True)):
                of_operands[f"back[{i}]"] = transposed(block, dz)
                of_parameters[f"d{block.name}"] = outer(dz, operand)
            of_parameters[f"d{b.name}"] = over_samples(dz)
            return
        table[vector.name] = cell[vector.name]
        table.update((f"d{W.name}", outer(dz, vector)) for dz, W, _, _ in maps)
        table.update((f"d{b.name}", over_samples(dz)) for dz, _, _, b in maps)
        table["back"] = reduce(Expression.__add__, [transposed(W, dz) for dz, W, _, _ in maps])
        for i, rows in enumerate((rows_of_state, rows_of_input)):
            of_operands[f"back[{i}]"] = rows(_quantity("back"), _quantity("n_a"))

    sums = {name: each for name, each in gradients.items() if not isinstance(each, Back)}
    names = {factor: named(factor) for each in sums.values() for term in each for factor in term.factors}
    for name, each in gradients.items():
        if isinstance(each, Back):
            put_maps(each)
            continue
        summands = []
        for term in each:
            gradient = of_operands.get(term.gradient, _quantity(term.gradient))
            summand = reduce(Expression.__mul__, [names[factor] for factor in term.factors], gradient)
            if len(each) > 1 and "slope" in summand.quantities:
                table["through_h"], summand = summand, _quantity("through_h")
            summands.append(summand)
        table[name] = reduce(Expression.__add__, summands)
    return {**table, **of_parameters}


def _quantity(name: str) -> Expression:
    return Expression("", name=name)


Gradients = dict[str, Any]
"""The gradients of one step, by the names of `derivative`."""


class StepsBack:
    """All steps of a sweep, with the factors by which gradients are multiplied.

    Products of one gradient with equally many factors are computed by one call: `terms` has them by the
    gradient and the number of factors, `factors` the factors, stacked, and `multiplied` what the arithmetic
    makes of these before the sweep.
    """

    def __init__(self, op: Any, sweep: Sweep) -> None:
        self.op = op
        self.sweep = sweep
        self.gradients = derivative(sweep.kind)
        self.values = StepValues(op, sweep)
        self.terms: dict[tuple[str, int], list[Product]] = {}
        for each in self.gradients.values():
            for term in () if isinstance(each, Back) else each:
                if term.factors:
                    self.terms.setdefault((term.gradient, len(term.factors)), []).append(term)
        self.factors: dict[tuple[str, int], list[Any]] = {
            key: [
                np.stack([self.values.of(factor) for factor in factors], axis=1)
                for factors in zip(*(term.factors for term in terms), strict=True)
            ]
            for key, terms in (self.terms.items() if sweep.steps else ())
        }
        self.multiplied = {key: op.factors(*factors) for key, factors in self.factors.items()}
        self._maps = {
            name: op.transposed_map(stacked_weights(sweep, each))
            for name, each in self.gradients.items()
            if isinstance(each, Back)
        }

    def back(self, t: int, d: Any, d_c: Any) -> Gradients:
        """All gradients of step t, from the gradients with respect to its states."""
        g: Gradients = {"da_next": d, "dc_next": d_c}
        products: dict[Product, Any] = {}
        for name, each in self.gradients.items():
            if not isinstance(each, Back):
                terms = [self._term(term, t, g, products) for term in each]
                g[name] = self.op.total(*terms) if len(terms) > 1 else terms[0]
                continue
            g[name] = self._maps[name](self.op.stack(*(g[f"d{z}"] for z in each.maps)))
            start = 0
            for i, operand in enumerate(each.operands):
                rows = self.values.of(operand).shape[-2]
                g[f"{name}[{i}]"] = g[name][..., start : start + rows, :]
                start += rows
        return g

    def _term(self, term: Product, t: int, g: Gradients, products: dict[Product, Any]) -> Any:
        if not term.factors:
            return g[term.gradient]
        if term not in products:
            key = term.gradient, len(term.factors)
            product = self.product(key, t, g)
            products.update((each, product[i]) for i, each in enumerate(self.terms[key]))
        return products[term]

    def product(self, key: tuple[str, int], t: int, g: Gradients) -> Any:
        """The products of a gradient with the factors of all its terms with this key, stacked on axis 0."""
        return self.op.product(g[key[0]], self.multiplied[key], t)


class StepValues:
    """The values of expressions in all steps of a sweep, `(T_x, k, n, m)`."""

    def __init__(self, op: Any, sweep: Sweep) -> None:
        self._op = op
        self._cell = CELLS[sweep.kind]
        self._sweep = sweep
        self._values: dict[str | Expression, Any] = {}

    def of(self, expression: Expression) -> Any:
        """The value of an expression; a quantity that the steps lack is computed."""
        key = expression.name or expression
        if key not in self._values:
            self._values[key] = self._evaluated(expression)
        return self._values[key]

    def _evaluated(self, expression: Expression) -> Any:
        name = expression.name
        if expression.operation == "tanh_slope" and self._sweep.activation == "relu":
            [a] = expression.operands
            return self._op.relu_slope(self.of(self._cell[a.name].operands[0]))
        if not name:
            return getattr(self._op, expression.operation)(
                *(self.of(operand) for operand in expression.operands)
            )
        if name in self._sweep.steps[0]:
            return np.stack([step[name] for step in self._sweep.steps])
        return self.of(self._cell[name])


def stacked_weights(sweep: Sweep, back: Back) -> Array:
    """The weights of the affine maps of one vector, stacked."""
    rows = []
    for z in back.maps:
        W = CELLS[sweep.kind][z].operands[0]
        rows.append(np.concatenate([sweep.p[each.name] for each in (W.operands or (W,))], axis=-1))
    return np.concatenate(rows, axis=-2)


class Chain(NamedTuple):
    """The gradients of a sweep over time, in its own order.

    `steps` has the gradients of each step, and `da` those with respect to the hidden states; `da0` and `dc0`
    are the gradients with respect to the initial states.
    """

    steps: Sequence[Gradients]
    da: Sequence[Any]
    da0: Any
    dc0: Any


def back_through_time(
    op: Any, steps: StepsBack, da: Sequence[Any], dc: Sequence[Any], within: Array
) -> Chain:
    """Apply the chain rule from the last step to the first.

    `da` and `dc` have the terms of the direct gradient with respect to each state, the initial state first.
    A step of the padding, where `within (T_x, k, 1, m)` is false, changes nothing.
    """
    p = steps.sweep.p
    by_projection = op.transposed_map(p["Wp"]) if "Wp" in p else None
    d, d_c = op.total(*da[-1]), op.total(*dc[-1])
    gradients: list[Gradients] = []
    hidden: list[Any] = []
    for t in reversed(range(len(steps.sweep.steps))):
        hidden.insert(0, d)
        g = steps.back(t, by_projection(d) if by_projection else d, d_c)
        before = g["da_prev"], g.get("dc_prev", d_c)
        d, d_c = before if within[t].all() else (np.where(within[t], each, 0) for each in before)
        d, d_c = op.total(*da[t], d), op.total(*dc[t], d_c)
        gradients.insert(0, g)
    return Chain(gradients, hidden, d, d_c)


def parameter_gradients(op: Any, values: StepValues, sweep: Sweep, chain: Chain, within: Array) -> Gradients:
    """The gradients with respect to the parameters of a sweep, `(k, n, columns)`, by the parameters' names.

    They are sums over samples and steps, without the padding, which may be NaN.
    """
    kind, p = sweep.kind, sweep.p
    if not chain.steps:
        # No gradient comes from the head, whose parameters are the only ones with a y in their names.
        return {name: op.exact(np.zeros(each.shape)) for name, each in p.items() if "y" not in name}
    gradients: Gradients = {}

    def sum_of_products(dz: Any, v: Any) -> Any:
        """The sum over samples and steps of dz vᵀ, from `(T_x, k, n, m)`."""
        dz, v = (_as_samples(each if within.all() else np.where(within, each, 0)) for each in (dz, v))
        return op.matmul(dz, np.swapaxes(v, -1, -2))

    for back in derivative(kind).values():
        if not isinstance(back, Back):
            continue
        maps = [CELLS[kind][z].operands for z in back.maps]
        dz = np.concatenate([np.stack([g[f"d{z}"] for g in chain.steps]) for z in back.maps], axis=-2)
        ones = op.exact(np.ones((*dz.shape[:2], 1, dz.shape[3])))
        dW = sum_of_products(dz, np.concatenate([*map(values.of, back.operands), ones], axis=-2))
        row = 0
        for W, _, b in maps:
            rows, column = p[b.name].shape[-2], 0
            for each in (*(W.operands or (W,)), b):
                columns = p[each.name].shape[-1]
                gradients[each.name] = dW[:, row : row + rows, column : column + columns]
                column += columns
            row += rows
    if "Wp" in p:
        unprojected = values.of(_quantity("a_next"))
        gradients["Wp"] = sum_of_products(np.stack(chain.da), unprojected)
    return gradients


def _as_samples(steps: Any) -> Any:
    """All steps `(T_x, k, n, m)` as samples of one step, `(k, n, T_x m)`."""
    T_x, k, n, m = steps.shape
    return np.copy(np.reshape(np.transpose(steps, (1, 2, 0, 3)), (k, n, T_x * m)), order="C")


def gradients_of(
    op: Mapping[str, Any],
    op_back: Any,
    batch: Sequence[AnyBackward],
    from_caches: Callable[[Sequence[Any]], Sweep],
    steps_back: Callable[..., StepsBack] = StepsBack,
) -> Gradients:
    """The gradients of a batch by name; `op` has the operations of the forward pass, `op_back` those back.

    For a function that takes caches, they are those of a single layer with the cached quantities, which
    `from_caches(batch)` returns.
    """
    da = stacked(op, batch, "da")
    if of_layers := [inputs for inputs in batch if isinstance(inputs, LayerBackwardInputs)]:
        last = {name: stacked(op, batch, f"d{name}_last", axis=1) for name in ("a", "c")}
        return layer_gradients(op_back, compute_layers(op, of_layers), da, last, steps_back)
    sweep = from_caches(batch)
    k, _, m, T_x = sweep.x.shape
    layer = SimpleNamespace(kind=sweep.kind, D=1, T_x=T_x, lengths=np.full((k, m), T_x), sweeps=[sweep])
    last = {"a": op["exact"](np.zeros((1, *sweep.a0.shape))), "c": stacked(op, batch, "dc")[None]}
    gradients = layer_gradients(op_back, layer, da, last, steps_back)
    own_names = {gradient_name(0, name): f"d{name}" for name in sweep.p}
    return {own_names.get(name, name): array for name, array in gradients.items()}


def layer_gradients(
    op: Any, v: Any, da: Any, last: Mapping[str, Any], steps_back: Callable[..., StepsBack]
) -> Gradients:
    """The gradients of layers by name, from the top layer down.

    `v` is what `forward.compute_layers` returns, and `da (k, D n_h, m, T_x)` the gradient with respect to the
    output. `last` has those with respect to the last states, `a` and `c`, `(L D, k, n, m)`.
    """
    D, lengths = v.D, v.lengths
    ends = np.concatenate([lengths] * D)
    within = np.moveaxis(np.arange(v.T_x) < ends[..., None], -1, 0)[:, :, None]
    da = without_padding(da, lengths, v.T_x)
    initial: list[Gradients] = []
    gradients: Gradients = {}
    for layer, sweep in reversed([*enumerate(v.sweeps)]):
        zeros = {name: op.exact(np.zeros(each.shape)) for name, each in (("a", sweep.a0), ("c", sweep.c0))}
        by_direction = np.concatenate([*_split(da, D, axis=1)])
        direct = {"a": [*each_step(in_order(by_direction, sweep.order))], "c": [zeros["c"]] * v.T_x}
        terms = {}
        for name in ("a", "c"):
            at_end = np.concatenate([last[name][layer * D + direction] for direction in range(D)])
            terms[name] = _with_last_state([zeros[name], *direct[name]], at_end, ends)
        steps = steps_back(op, sweep)
        chain = back_through_time(op, steps, terms["a"], terms["c"], within)
        states = zip(_split(chain.da0, D, 0), _split(chain.dc0, D, 0), strict=True)
        initial[:0] = [{"da0": da0, "dc0": dc0} for da0, dc0 in states]
        for name, both in parameter_gradients(op, steps.values, sweep, chain, within).items():
            for direction, array in enumerate(_split(both, D, 0)):
                gradients[gradient_name(layer * D + direction, name)] = array[..., None]
        dx = over_time([g["dxt"] for g in chain.steps], op.exact(np.zeros(sweep.x.shape)))
        da = without_padding(op.total(*_split(in_order(dx, sweep.order), D, axis=0)), lengths, v.T_x)
    for name in (f"d{state}0" for state in NETWORKS[v.kind].states):
        gradients[name] = np.concatenate([each[name] for each in initial], axis=1)[..., None]
    return {"dx": da, **gradients}


def _split(x: Any, D: int, axis: int) -> Iterator[Any]:
    """The equal parts of each direction along an axis."""
    n = x.shape[axis] // D
    for i in range(D):
        index = [slice(None)] * len(x.shape)
        index[axis] = slice(i * n, (i + 1) * n)
        yield x[tuple(index)]


def _with_last_state(gradients: Sequence[Any], last: Any, ends: Array) -> list[tuple[Any, ...]]:
    """The terms of the direct gradient at each step. At the end of a sample, they include `last`."""
    return [
        (gradient, np.where((ends == t)[:, None], last, 0)) if (ends == t).any() else (gradient,)
        for t, gradient in enumerate(gradients)
    ]
