"""The bounds of a forward pass: the rules of `oracle.rounding`, applied through time and layers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from oracle.inputs import Inputs, LayerInputs
from oracle.rounding import Arithmetic, Bounded
from reference.contract import Array


def evaluate(inputs: Inputs, *, gradual: bool = False) -> dict[str, Bounded]:
    """Every quantity of a forward pass with its bound: `a`, `y`; for an LSTM `c`, `ft`, `it`, `cct`, `ot`.

    Each is `(n, m, T_x)`, with bounds that grow from step to step. For single steps, each from its own state,
    pass `Inputs.steps`. A quantity that is NaN or infinite has the bound 0. For layers, the quantities are `a
    (D n_h, m, T_x)`, `a_last` and, for an LSTM, `c_last` `(L D n, m, 1)`, with the rows of all layers.
    Subnormal numbers may be flushed to zero, unless underflow must be `gradual`.
    """
    return evaluate_each([inputs], gradual=gradual)[0]


def evaluate_each(alike: Sequence[Inputs], *, gradual: bool = False) -> list[dict[str, Bounded]]:
    """The results of `evaluate` for several inputs of equal shapes, computed at once to save time.

    Each result has the bounds of the precision of its input.
    """
    return for_each_dtype(_quantities, alike, gradual)


Alike = TypeVar("Alike", bound=Inputs)


@np.errstate(all="ignore")
def for_each_dtype(
    evaluate: Callable[[Arithmetic, Sequence[Alike]], dict[str, Bounded]],
    alike: Sequence[Alike],
    gradual: bool = False,
) -> list[dict[str, Bounded]]:
    """Evaluate all inputs of each dtype at once, in the arithmetic of the dtype, as stacks on axis 0."""
    found: list[dict[str, Bounded]] = [{}] * len(alike)
    for dtype in dict.fromkeys(inputs.dtype for inputs in alike):
        places = [i for i, inputs in enumerate(alike) if inputs.dtype == dtype]
        trace = evaluate(Arithmetic(dtype, gradual=gradual), [alike[i] for i in places])
        for k, i in enumerate(places):
            found[i] = {name: bounded[k] for name, bounded in trace.items()}
    return found


def _quantities(fl: Arithmetic, alike: Sequence[Inputs]) -> dict[str, Bounded]:
    """The quantities of inputs of one dtype. The arrays of a step are stacks `(k, n, m)` over the inputs."""
    of_layers = [inputs for inputs in alike if isinstance(inputs, LayerInputs)]
    return _layer_quantities(fl, of_layers) if of_layers else _function_quantities(fl, alike)


def _function_quantities(fl: Arithmetic, alike: Sequence[Inputs]) -> dict[str, Bounded]:
    """The quantities of a sequence over time, and its predictions, each a stack `(k, n, m, T_x)`."""
    first = alike[0]
    p = stacked([inputs.parameters for inputs in alike])
    a0, c0 = (Bounded.exact(np.stack([getattr(inputs, name) for inputs in alike])) for name in ("a0", "c0"))
    steps = list(unrolled(fl, Layer(p, a0, c0, inputs_of_each(alike)), first.activation))
    names = ["a"] if first.kind == "rnn" else ["a", "c", "ft", "it", "cct", "ot"]
    trace = {name: over_time([step[name] for step in steps], a0) for name in names}
    every = Bounded(*(part.reshape(*part.shape[:2], -1) for part in (trace["a"].value, trace["a"].error)))
    Wy = p["Wya" if first.kind == "rnn" else "Wy"]
    y = fl.softmax(fl.affine(Wy, every, p["by"]))
    shape = (*Wy.shape[:2], *first.x.shape[1:])
    trace["y"] = Bounded(y.value.reshape(shape), y.error.reshape(shape))
    return trace


class Layer(NamedTuple):
    """One layer: its parameters, its inputs, and the results of its steps.

    All arrays are stacks of the directions, one after the other, each in the order of its steps.
    """

    p: Mapping[str, Array]
    a0: Bounded
    c0: Bounded
    xs: Sequence[Bounded]
    steps: Sequence[Mapping[str, Bounded]] = ()


def layers(fl: Arithmetic, alike: Sequence[LayerInputs]) -> tuple[list[Layer], list[Bounded]]:
    """All layers, and the hidden states of the top layer at each step, as stacks.

    The inputs of layers above the first have an error, which the affine rule covers. After the end of a
    sample, all states are exactly 0.
    """
    first, D = alike[0], alike[0].directions
    within, backward = (
        np.stack([getattr(inputs, name) for inputs in alike]) for name in ("within", "backward")
    )
    own = np.moveaxis(within, 2, 0)[:, :, None]
    xs = masked(inputs_of_each(alike), own)
    every = []
    for k in range(0, len(first.parameters), D):
        places = range(k, k + D)
        p = stacked([inputs.parameters[place] for place in places for inputs in alike])
        a0, c0 = (exact_states(alike, name, places) for name in ("a0", "c0"))
        given = Layer(p, a0, c0, stacked_directions([xs] * D, backward))
        steps = list(unrolled(fl, given, first.activation))
        every.append(given._replace(steps=steps))
        hidden = split_directions([step["a"] for step in steps], backward, D)
        xs = masked([joined(*both) for both in zip(*hidden, strict=True)], own)
    return every, xs


def exact_states(alike: Sequence[LayerInputs], name: str, places: Sequence[int]) -> Bounded:
    """The states with this name, for each direction in `places`, as one stack."""
    return Bounded.exact(np.stack([getattr(inputs, name)[place] for place in places for inputs in alike]))


def stacked_directions(directions: Sequence[Sequence[Bounded]], backward: Array) -> list[Bounded]:
    """The steps of one or two directions as one stack, each in its own order; `backward` is `(k, m, T_x)`."""
    if len(directions) == 1:
        return list(directions[0])
    forward, other = directions[0], permuted(directions[1], backward)
    return [
        Bounded(np.concatenate([x.value, y.value]), np.concatenate([x.error, y.error]))
        for x, y in zip(forward, other, strict=True)
    ]


def split_directions(steps: Sequence[Bounded], backward: Array, D: int) -> list[list[Bounded]]:
    """The inverse of `stacked_directions`."""
    forward, *other = ([direction_slice(step, i, D) for step in steps] for i in range(D))
    return [forward, *(list(permuted(part, backward)) for part in other)]


def direction_slice(x: Bounded, direction: int, D: int) -> Bounded:
    """The part of a stack of `D` directions that belongs to one direction."""
    k = len(x.value) // D
    return x[direction * k : (direction + 1) * k]


def _layer_quantities(fl: Arithmetic, alike: Sequence[LayerInputs]) -> dict[str, Bounded]:
    """The hidden states of the top layer, and the last states of all layers, as stacks."""
    D = alike[0].directions
    ends = np.stack([inputs.ends for inputs in alike] * D)
    every, xs = layers(fl, alike)
    trace = {"a": over_time(xs, joined(*(direction_slice(every[0].a0, i, D) for i in range(D))))}
    for name in ("a", "c")[: 1 if alike[0].kind == "rnn" else 2]:
        last = [
            steps_at([getattr(layer, f"{name}0"), *(step[name] for step in layer.steps)], ends)
            for layer in every
        ]
        trace[f"{name}_last"] = joined(*(direction_slice(states, i, D) for states in last for i in range(D)))[
            ..., None
        ]
    return trace


def masked(steps: Sequence[Bounded], within: Array) -> list[Bounded]:
    """The steps, exactly 0 where they are not `within (T_x, k, 1, m)` a sample."""
    return [
        Bounded(np.where(own, step.value, 0), np.where(own, step.error, 0))
        for step, own in zip(steps, within, strict=True)
    ]


def unrolled(fl: Arithmetic, given: Layer, activation: str) -> Iterator[dict[str, Bounded]]:
    """Every quantity of each step except the predictions."""
    p, a, c = given.p, given.a0, given.c0
    if is_rnn := "Waa" in p:
        W, b = np.concatenate([p["Waa"], p["Wax"]], axis=2), p["ba"]
    else:
        W, b = (np.concatenate([p[f"{part}{gate}"] for gate in "fioc"], axis=1) for part in "Wb")
    n_a, matrix = c.value.shape[1], fl.matrix(Bounded.exact(W))
    for xt in given.xs:
        z = fl.affine(matrix, joined(a, xt), b)
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


def stacked(parameters: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """The parameters of several problems, stacked by name."""
    return {name: np.array([p[name] for p in parameters], np.float64) for name in parameters[0]}


def inputs_of_each(alike: Sequence[Inputs]) -> list[Bounded]:
    """The inputs of every step, `(k, n_x, m)`."""
    return [Bounded.exact(xt) for xt in np.moveaxis(np.stack([inputs.x for inputs in alike]), 3, 0)]


def joined(*parts: Bounded) -> Bounded:
    """The parts stacked along the rows."""
    return Bounded(
        *(np.concatenate(each, axis=1) for each in zip(*((p.value, p.error) for p in parts), strict=True))
    )


def permuted(steps: Sequence[Bounded], order: Array) -> Iterator[Bounded]:
    """The steps in the order `(k, m, T_x)`, which may differ between samples."""
    if steps:
        every = np.moveaxis(order, 2, 0)[:, :, None]
        values, errors = (np.take_along_axis(part, every, axis=0) for part in _side_by_side(steps))
        yield from map(Bounded, values, errors)


def steps_at(steps: Sequence[Bounded], step: Array) -> Bounded:
    """The step number `step (k, m)` of each sample."""
    return Bounded(
        *(np.take_along_axis(part, step[None, :, None], axis=0)[0] for part in _side_by_side(steps))
    )


def _side_by_side(steps: Sequence[Bounded]) -> tuple[Array, Array]:
    """The values of all steps, and their errors, `(T_x, k, n, m)` each."""
    return np.stack([step.value for step in steps]), np.stack([step.error for step in steps])


def over_time(steps: Sequence[Bounded], like: Bounded) -> Bounded:
    """All steps as a stack `(k, n, m, T_x)`; without steps, an empty stack with as many rows as `like`."""
    if not steps:
        return Bounded(*(np.zeros((*like.value.shape, 0)),) * 2)
    return Bounded(np.stack([s.value for s in steps], axis=3), np.stack([s.error for s in steps], axis=3))
