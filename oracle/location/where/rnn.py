"""What a step of an RNN computes."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from oracle.location.where.affine import Affine, bounded, columns_of, product, total, updated
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
        otherwise=partial(updated, z.value, p["Waa"], a_prev, shown.outputs["a"]),
    )
    of_others = {name: array for name, array in shown.inputs.parameters.items() if array.ndim == 3}
    a_next = shown.outputs["a"]
    hidden = Equation(
        "a_next", statement, "unit", shown, a_next, right, terms, affine, recipe, others=of_others
    )
    return [hidden, *head(fl, shown, p["Wya"], p["by"], "Wya", {"z": z.value}, lambda: right)]


def _argument_of_rnn(pieces: Pieces) -> Array:
    return total(product(pieces["Waa"], pieces["a_prev"]), product(pieces["Wax"], pieces["xt"]), pieces["ba"])
