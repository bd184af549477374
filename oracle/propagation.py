"""The bounds of a forward pass: the rules of `oracle.rounding`, applied through time and layers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from oracle.inputs import AnyInputs, Inputs, LayerInputs, stacked_weights
from oracle.rounding import Arithmetic, Bounded
from reference.contract import Array


def evaluate(inputs: Inputs, *, gradual: bool = False) -> dict[str, Bounded]:
    """Every quantity of a forward pass with its bound: `a`, `y`; for an LSTM `c`, `ft`, `it`, `cct`, `ot`.

    Each is `(n, m, T_x)`, with bounds that grow from step to step. For single steps, each from its own state,
    pass `Inputs.steps`. A quantity that is NaN or infinite has the bound 0. For layers, the quantities are `a
    (D n_h, m, T_x)`, `a_last` and, for an LSTM, `c_last` `(L D n, m, 1)`, with the rows of all layers. A
    program may flush subnormal numbers to zero, unless underflow must be `gradual`.
    """
    return evaluate_each([inputs], gradual=gradual)[0]


def evaluate_each(batch: Sequence[Inputs], *, gradual: bool = False) -> list[dict[str, Bounded]]:
    """The results of `evaluate` for several inputs of equal shapes, computed at once to save time.

    Each result has the bounds of the precision of its input.
    """
    is_layer = any(isinstance(inputs, LayerInputs) for inputs in batch)
    evaluate_batch: Any = _layer_quantities if is_layer else _function_quantities
    return for_each_dtype(evaluate_batch, batch, gradual)


@np.errstate(all="ignore")
def for_each_dtype(
    evaluate: Callable[[Arithmetic, Sequence[AnyInputs]], dict[str, Bounded]],
    batch: Sequence[AnyInputs],
    gradual: bool = False,
) -> list[dict[str, Bounded]]:
    """Evaluate all inputs of each dtype at once, in the arithmetic of the dtype.

    `evaluate` returns stacks over the inputs on axis 0.
    """
    results: list[dict[str, Bounded]] = [{}] * len(batch)
    for dtype in dict.fromkeys(inputs.dtype for inputs in batch):
        indices = [i for i, inputs in enumerate(batch) if inputs.dtype == dtype]
        stacks = evaluate(Arithmetic(dtype, gradual=gradual), [batch[i] for i in indices])
        for k, i in enumerate(indices):
            results[i] = {name: bounded[k] for name, bounded in stacks.items()}
    return results


def _function_quantities(fl: Arithmetic, batch: Sequence[Inputs]) -> dict[str, Bounded]:
    """The quantities of all steps, and the predictions, each a stack `(k, n, m, T_x)`.

    The arrays of a step are stacks `(k, n, m)` over the k inputs.
    """
    first = batch[0]
    p = stacked_parameters([inputs.parameters for inputs in batch])
    a0, c0 = (Bounded.exact(np.stack([getattr(inputs, name) for inputs in batch])) for name in ("a0", "c0"))
    xs = each_step(inputs.x for inputs in batch)
    steps = list(evaluate_steps(fl, Layer(p, a0, c0, xs), first.activation))
    names = ["a"] if first.kind == "rnn" else ["a", "c", "ft", "it", "cct", "ot"]
    quantities = {name: over_time([step[name] for step in steps], a0) for name in names}
    a = quantities["a"].rearranged(lambda part: part.reshape(*part.shape[:2], -1))
    Wy = p["Wya" if first.kind == "rnn" else "Wy"]
    shape = (*Wy.shape[:2], *first.x.shape[1:])
    y = fl.softmax(fl.affine(Wy, a, p["by"]))
    return {**quantities, "y": y.rearranged(lambda part: part.reshape(shape))}


class Layer(NamedTuple):
    """One layer: its parameters, its inputs, and the quantities of its steps.

    Axis 0 of all arrays has the inputs of the batch for the forward direction, then for the backward
    direction. The steps of the backward direction are in its own order.
    """

    p: Mapping[str, Array]
    a0: Bounded
    c0: Bounded
    xs: Sequence[Bounded]
    steps: Sequence[Mapping[str, Bounded]] = ()


def evaluate_layers(fl: Arithmetic, batch: Sequence[LayerInputs]) -> tuple[list[Layer], list[Bounded]]:
    """All layers, and the hidden states of the top layer at each step, as stacks.

    The inputs of layers above the first have an error, which the affine rule covers. After the end of a
    sample, all states are exactly 0.
    """
    first, D = batch[0], batch[0].directions
    within, reversed_steps = (
        np.stack([getattr(inputs, name) for inputs in batch]) for name in ("within", "reversed_steps")
    )
    within = np.moveaxis(within, 2, 0)[:, :, None]
    xs = masked_steps(each_step(inputs.x for inputs in batch), within)
    layers = []
    for k in range(0, len(first.parameters), D):
        places = range(k, k + D)
        p = stacked_parameters([inputs.parameters[place] for place in places for inputs in batch])
        a0, c0 = (exact_states(batch, name, places) for name in ("a0", "c0"))
        layer = Layer(p, a0, c0, stacked_directions([xs] * D, reversed_steps))
        steps = list(evaluate_steps(fl, layer, first.activation))
        layers.append(layer._replace(steps=steps))
        hidden = split_directions([step["a"] for step in steps], reversed_steps, D)
        xs = masked_steps([joined_rows(*both) for both in zip(*hidden, strict=True)], within)
    return layers, xs


def exact_states(batch: Sequence[LayerInputs], name: str, places: Sequence[int]) -> Bounded:
    """The stack of the states with this name; `places` are the indices of directions in the parameters."""
    return Bounded.exact(np.stack([getattr(inputs, name)[place] for place in places for inputs in batch]))


def stacked_directions(directions: Sequence[Sequence[Bounded]], reversed_steps: Array) -> list[Bounded]:
    """The steps of one or two directions as one stack.

    The steps of the backward direction are reordered as in `reversed_steps (k, m, T_x)`.
    """
    if len(directions) == 1:
        return list(directions[0])
    forward, other = directions[0], reordered_steps(directions[1], reversed_steps)
    return [Bounded.concatenated(both, axis=0) for both in zip(forward, other, strict=True)]


def split_directions(steps: Sequence[Bounded], reversed_steps: Array, D: int) -> list[list[Bounded]]:
    """The inverse of `stacked_directions`."""
    forward, *other = ([direction_slice(step, i, D) for step in steps] for i in range(D))
    return [forward, *(reordered_steps(part, reversed_steps) for part in other)]


def direction_slice(x: Bounded, direction: int, D: int) -> Bounded:
    """The part of a stack of `D` directions that belongs to one direction."""
    k = len(x.value) // D
    return x[direction * k : (direction + 1) * k]


def rows_of_directions(stacks: Sequence[Bounded], D: int) -> Bounded:
    """The rows of all directions of all layers, `(k, rows, m)`, from a stack of directions for each layer."""
    return joined_rows(*(direction_slice(stack, i, D) for stack in stacks for i in range(D)))


def _layer_quantities(fl: Arithmetic, batch: Sequence[LayerInputs]) -> dict[str, Bounded]:
    """The hidden states of the top layer, and the last states of all layers, as stacks."""
    D = batch[0].directions
    ends = np.stack([inputs.ends for inputs in batch] * D)[None, :, None]
    layers, top = evaluate_layers(fl, batch)
    quantities = {"a": over_time(top, rows_of_directions([layers[0].a0], D))}
    for name in ("a", "c")[: 1 if batch[0].kind == "rnn" else 2]:
        states = [[getattr(each, f"{name}0"), *(step[name] for step in each.steps)] for each in layers]
        last = [_reordered(Bounded.stacked(of_layer), ends)[0] for of_layer in states]
        quantities[f"{name}_last"] = rows_of_directions(last, D)[..., None]
    return quantities


def masked_steps(steps: Sequence[Bounded], within: Array) -> list[Bounded]:
    """The steps, with exactly 0 in the padding, where `within (T_x, k, 1, m)` is false."""
    return [
        Bounded(np.where(mask, step.value, 0), np.where(mask, step.error, 0))
        for step, mask in zip(steps, within, strict=True)
    ]


def evaluate_steps(fl: Arithmetic, layer: Layer, activation: str) -> Iterator[dict[str, Bounded]]:
    """Evaluate every quantity of each step of a layer except the predictions."""
    p, a, c = layer.p, layer.a0, layer.c0
    is_rnn = "Waa" in p
    b = p["ba"] if is_rnn else np.concatenate([p[f"b{gate}"] for gate in "fioc"], axis=1)
    n_a, matrix = c.value.shape[1], fl.matrix(Bounded.exact(stacked_weights(p, "fioc")))
    for xt in layer.xs:
        z = fl.affine(matrix, joined_rows(a, xt), b)
        if is_rnn:
            a = fl.relu(z) if activation == "relu" else fl.tanh(z)
            yield {"a": a, **({"z": z} if activation == "relu" else {})}
            continue
        gates, cct = fl.sigmoid(z[:, : 3 * n_a]), fl.tanh(z[:, 3 * n_a :])
        ft, it, ot = (gates[:, i * n_a : (i + 1) * n_a] for i in range(3))
        c = fl.plus(fl.times(ft, c), fl.times(it, cct))
        a = fl.times(ot, fl.tanh(c))
        if "Wp" in p:
            a = fl.affine(p["Wp"], a, np.zeros((1, 1)))
        yield {"a": a, "c": c, "ft": ft, "it": it, "cct": cct, "ot": ot}


def stacked_parameters(parameters: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """The parameters of several problems, stacked by name."""
    return {name: np.array([p[name] for p in parameters], np.float64) for name in parameters[0]}


def each_step(arrays: Iterable[Array]) -> list[Bounded]:
    """The steps of arrays `(n, m, T_x)`, each a stack `(k, n, m)` without an error."""
    return [Bounded.exact(step) for step in np.moveaxis(np.stack([*arrays]), 3, 0)]


def joined_rows(*parts: Bounded) -> Bounded:
    """The rows of all parts, one part after the other."""
    return Bounded.concatenated(parts, axis=1)


def reordered_steps(steps: Sequence[Bounded], order: Array) -> list[Bounded]:
    """The steps in the order `(k, m, T_x)`, which may differ between samples."""
    if not steps:
        return []
    reordered = _reordered(Bounded.stacked(steps), np.moveaxis(order, 2, 0)[:, :, None])
    return [reordered[t] for t in range(len(steps))]


def _reordered(steps: Bounded, order: Array) -> Bounded:
    """The steps `(T_x, k, n, m)` whose numbers are in `order (·, k, 1, m)`."""
    return steps.rearranged(lambda part: np.take_along_axis(part, order, axis=0))


def over_time(steps: Sequence[Bounded], like: Bounded) -> Bounded:
    """All steps as a stack `(k, n, m, T_x)`; without steps, an empty stack with as many rows as `like`."""
    return Bounded.stacked(steps, axis=3) if steps else Bounded.exact(np.zeros((*like.value.shape, 0)))
