"""The problems that the tests of the oracle draw."""

from typing import Any, get_args

from hypothesis import strategies as st

from oracle.lengths import Lengths
from oracle.problem import Activation, DType, LayerKind, LayerProblem, Problem
from oracle.regimes import Regime

FORWARD = {"rnn": "rnn_forward", "lstm": "lstm_forward"}
CELL = {"rnn": "rnn_cell_forward", "lstm": "lstm_cell_forward"}


def problems(**given: st.SearchStrategy[Any]) -> st.SearchStrategy[Problem]:
    """Small problems of every kind, regime and dtype, unless a strategy is given for a field."""
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
    """Small problems of layers, with every option, unless a strategy is given for a field."""
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
