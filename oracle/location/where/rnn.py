"""What a step of an RNN computes."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from oracle.location.where.affine import Affine, Made, bounded, columns_of, product, total, updated
from oracle.location.where.equation import Equation
from oracle.location.where.head import head
from oracle.location.where.recipes import Pieces, Recipe
from oracle.location.where.shown import Shown
from oracle.rounding import Arithmetic
from reference.contract import Array


def of_rnn(
    fl: Arithmetic, shown: Shown, p: Mapping[str, Array], given: Mapping[str, Array]
) -> list[Equation]:
    """The hidden state from what the step was given, and the prediction."""
    a_prev, xt = given["a_prev"], given["xt"]
    affine = Affine(
        np.concatenate([p["Waa"], p["Wax"]], axis=1), np.concatenate([a_prev, xt]), p["ba"], columns_of(given)
    )
    z = bounded(fl, affine)
    terms = {
        "z": z.value,
        "a_prev": a_prev,
        "Waa a_prev": product(p["Waa"], a_prev),
        "Wax xt": product(p["Wax"], xt),
        "ba": p["ba"][:, :, None],
    }
    statement, right = "tanh(Waa a_prev + Wax xt + ba)", fl.tanh(z)
    if shown.inputs.activation == "relu":
        statement, right = "max(0, Waa a_prev + Wax xt + ba)", fl.relu(z)
    others = {"xt": xt, "a_prev": a_prev, "the right a_next": right.value}
    tiles = {name: np.broadcast_to(array, a_prev.shape) for name, array in shown.of_tiles("a")}
    recipe = Recipe(
        {**{name: p[name] for name in ("Waa", "Wax", "ba")}, "a_prev": a_prev, "xt": xt},
        _argument_of_rnn,
        {
            **{name: {**p, **others} for name in ("Waa", "Wax", "ba", "xt")},
            "a_prev": {**p, **others, **tiles},
        },
        {"Waa a_prev": (p["Waa"], a_prev), "Wax xt": (p["Wax"], xt)},
        otherwise=partial(_otherwise, z.value, p, a_prev, xt, shown),
    )
    of_others = {name: array for name, array in shown.inputs.parameters.items() if array.ndim == 3}
    a_next = shown.outputs["a"]
    hidden = Equation(
        "a_next", statement, "unit", shown, a_next, right, terms, affine, recipe, others=of_others
    )
    return [hidden, *head(fl, shown, p["Wya"], p["by"], "Wya", {"z": z.value}, lambda: right)]


def _otherwise(z: Array, p: Mapping[str, Array], a_prev: Array, xt: Array, shown: Shown) -> Made:
    made = {"z of the step before for a_prev": partial(_with_z_carried, p, a_prev, xt)}
    is_relu = shown.inputs.activation == "relu"
    act: Callable[[Array], Array] = partial(np.maximum, 0) if is_relu else np.tanh
    words = "max(0, {})" if is_relu else "tanh({})"
    summands = {"Waa a_prev": product(p["Waa"], a_prev), "Wax xt": product(p["Wax"], xt)}
    summands |= {f"{name} + ba": total(each, p["ba"]) for name, each in summands.items()}
    for name, each in summands.items():
        made[f"{words.format(name)} for {name}"] = partial(_with_part, z, each, act)
    return {**made, **updated(z, p["Waa"], a_prev, shown.outputs["a"])}


def _with_part(z: Array, part: Array, act: Callable[[Array], Array]) -> Array:
    """The argument where a part of it goes through the activation by itself."""
    return z - part + act(part)


def _with_z_carried(p: Mapping[str, Array], a_prev: Array, xt: Array) -> Array:
    """The argument of each step where that of the one before is its state."""
    z, state = total(product(p["Wax"], xt), p["ba"]), a_prev[:, :, 0] if a_prev.size else None
    for t in range(z.shape[2]):
        z[:, :, t] += p["Waa"] @ state
        state = z[:, :, t]
    return z


def _argument_of_rnn(pieces: Pieces) -> Array:
    return total(product(pieces["Waa"], pieces["a_prev"]), product(pieces["Wax"], pieces["xt"]), pieces["ba"])
