"""Problems for the tests of the oracle: strategies for small problems, and a step of one unit."""

from typing import Any, get_args

import numpy as np
from hypothesis import strategies as st

from oracle.problems.drawing import Lengths, Regime
from oracle.problems.inputs import Inputs
from oracle.problems.problem import Activation, DType, LayerKind, LayerProblem, Problem
from oracle.witnesses.exact import Enclosure, evaluate
from reference.contract import NETWORKS, Array, extent

FORWARD = {"rnn": "rnn_forward", "lstm": "lstm_forward"}
CELL = {"rnn": "rnn_cell_forward", "lstm": "lstm_cell_forward"}


def problems(**given: st.SearchStrategy[Any]) -> st.SearchStrategy[Problem]:
    """Small problems of every kind, regime and dtype; a field may have its own strategy."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        "kind": st.sampled_from(["rnn", "lstm"]),
        "n_x": st.integers(0, 5),
        "n_a": st.integers(1, 6),
        "n_y": st.integers(1, 5),
        "m": st.integers(0, 5),
        "T_x": st.integers(0, 6),
        "regime": st.sampled_from(get_args(Regime)),
        "seed": st.integers(0, 2**32 - 1),
        "dtype": st.sampled_from(get_args(DType)),
    }
    return st.builds(Problem, **{**fields, **given})


@st.composite
def layer_problems(draw: st.DrawFn, /, **given: st.SearchStrategy[Any]) -> LayerProblem:
    """Small problems of layers with every option; a field may have its own strategy."""
    kind = draw(given.pop("kind", st.sampled_from(get_args(LayerKind))))
    own: dict[str, st.SearchStrategy[Any]] = (
        {"activation": st.sampled_from(get_args(Activation))}
        if kind == "rnn_layer"
        else {"n_p": st.integers(0, 5)}
    )
    fields = {
        "n_x": st.integers(0, 3),
        "n_a": st.integers(1, 4),
        "m": st.integers(0, 4),
        "T_x": st.integers(0, 5),
        "layers": st.integers(1, 3),
        "directions": st.integers(1, 2),
        **own,
        "lengths": st.sampled_from(get_args(Lengths)),
        "regime": st.sampled_from(get_args(Regime)),
        "seed": st.integers(0, 2**32 - 1),
        "dtype": st.sampled_from(get_args(DType)),
        **given,
    }
    drawn = {name: draw(strategy) for name, strategy in fields.items()}
    if not drawn["T_x"]:
        drawn["lengths"] = "absent"
    return LayerProblem(kind, **drawn)


def nonfinite(array: Array) -> Array:
    """The array with 0 in place of each finite number."""
    return np.where(np.isfinite(array), 0, array)


def one_unit(kind: Any, x: float, a0: float = 0.5, c0: float = 0.5, **changed: float) -> dict[str, Enclosure]:
    """The exact values of a step of one unit, one feature and two classes.

    All parameters are 1 but the changed ones, so that the exact values are known by hand.
    """
    parameters = {
        name: np.full(tuple(extent(size, {"n_a": 1, "n_x": 1, "n_y": 2}) for size in shape), 1.0)
        for name, shape in NETWORKS[kind].parameters.items()
    }
    for name, value in changed.items():
        parameters[name][0, -1] = value
    memory = np.full((1 if kind == "lstm" else 0, 1), c0)
    inputs = Inputs(
        kind, np.full((1, 1, 1), x), np.full((1, 1), a0), memory, parameters, np.dtype(np.float64)
    )
    return {name: array[0, 0, 0] for name, array in evaluate(inputs, 1e-20).items()}
