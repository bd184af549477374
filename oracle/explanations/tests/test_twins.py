"""Tests that two programs that differ in what a claim states never get the same words.

Each pair is a program of which something false was said, and a twin that does what was said.
"""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

import reference
from oracle.explanations.behaviour import Program, mistaken_program, program_of
from oracle.explanations.tests.told import differing, predicted, told
from oracle.faults.fault import Fault
from oracle.problems.limits import ANYTHING
from oracle.problems.problem import Problem
from reference.contract import Array

pytestmark = pytest.mark.slow


class Twins(NamedTuple):
    """Two programs, a problem on which both are equally wrong, and perhaps one that tells them apart."""

    function: str
    one: Program
    other: Program
    shown: Problem
    telling: Problem | None = None


def changing(function: str, **changes: Callable[[Any], Any]) -> Program:
    return mistaken_program(function, Fault("", "", "", {function: changes}))


def calling(function: str, call: Callable[..., Any]) -> Program:
    return program_of(SimpleNamespace(**{function: call}), function, ANYTHING)


def with_initial_memory(index: Callable[[Any], int]) -> Program:
    """An LSTM in which directions begin with the memory states of other directions."""
    return changing("lstm_layer", c_begin=lambda v: v.c_first[index(v)])


def with_projection_of(index: Callable[[Any], int]) -> Program:
    """An LSTM in which directions have the projection of other parameters."""

    def parameters(v: Any) -> Any:
        own = v.right["p"](v)
        return {**own, "Wp": v.call.parameters[index(v)]["Wp"]} if "Wp" in own else own

    return changing("lstm_layer", p=parameters)


def without_output_gate(when: Callable[[Any], bool]) -> Program:
    """An LSTM without the output gate in some networks with a projection."""

    def a_next(v: Any) -> Array:
        wrong = "Wp" in v.p and when(v)
        return np.asarray(np.tanh(v.c_next) if wrong else v.right["a_next"](v))

    return changing("lstm_layer", a_next=a_next)


def clipping(*names: str) -> Program:
    """A cell that clips arguments."""

    def rnn_cell_forward(xt: Any, a_prev: Any, parameters: Any) -> Any:
        given = {"xt": xt, "a_prev": a_prev}
        used = {name: np.clip(array, -0.5, 0.5) if name in names else array for name, array in given.items()}
        a, y, _ = reference.rnn_cell_forward(used["xt"], used["a_prev"], parameters)
        return a, y, (a, a_prev, xt, parameters)

    return calling("rnn_cell_forward", rnn_cell_forward)


def forgetting(forgotten: Callable[[Array, int], Array]) -> Program:
    """An RNN that returns 0 as the last states of some samples."""

    def rnn_layer(x: Any, a0: Any, parameters: Any, options: Any = None) -> Any:
        a, a_last = reference.rnn_layer(x, a0, parameters, options)
        lengths = (options or {}).get("lengths")
        if lengths is not None:
            a_last = np.where(forgotten(np.asarray(lengths), x.shape[2]), 0, a_last)
        return a, a_last

    return calling("rnn_layer", rnn_layer)


def starting_again(steps: Callable[[int], bool]) -> Program:
    """An LSTM whose memory state is 0 before some steps."""
    return changing(
        "lstm_forward",
        c_next=lambda v: v.it * v.cct if steps(v.t) else v.right["c_next"](v),
    )


def layers_starting_again(wrong: Callable[[Any], bool]) -> Program:
    """LSTM layers whose memory state is 0 before some steps."""
    return changing("lstm_layer", c_next=lambda v: v.it * v.cct if wrong(v) else v.right["c_next"](v))


def in_blocks_of(size: int) -> Program:
    """A cell whose candidate is computed from whole blocks of rows alone, if there are any."""

    def cct(v: Any) -> Array:
        concat = np.concatenate([v.a_prev, v.xt])
        rows = len(concat) - len(concat) % size or len(concat)
        return np.asarray(np.tanh(v.Wc[:, :rows] @ concat[:rows] + v.bc))

    return changing("lstm_cell_forward", cct=cct)


def has_equal(lengths: Array) -> bool:
    return len({*lengths.tolist()}) < len(lengths)


ONE_LAYER = {"n_x": 1, "n_a": 2, "m": 1, "layers": 1, "regime": "unit"}
TWO = {"n_x": 1, "n_a": 1, "m": 1, "T_x": 1, "directions": 2, "regime": "unit"}
TWINS = {
    "state l against 2l": Twins(
        "lstm_layer",
        with_initial_memory(lambda v: v.layer),
        with_initial_memory(lambda v: v.D * v.layer),
        Problem.lstm_layer(**TWO),
    ),
    "projection of the forward direction against the first": Twins(
        "lstm_layer",
        with_projection_of(lambda v: v.k - v.direction),
        with_projection_of(lambda v: 0),
        Problem.lstm_layer(**TWO, n_p=1),
    ),
    "only xt clipped against both": Twins(
        "rnn_cell_forward",
        clipping("xt"),
        clipping("xt", "a_prev"),
        Problem.rnn(n_x=2, n_a=2, n_y=1, m=2, T_x=1, regime="unit"),
    ),
    "equal lengths against early ends": Twins(
        "rnn_layer",
        forgetting(lambda lengths, T_x: np.full(len(lengths), has_equal(lengths))),
        forgetting(lambda lengths, T_x: lengths < T_x),
        Problem.rnn_layer(n_x=1, n_a=2, m=3, T_x=3, lengths="with T_x", regime="unit", seed=1),
    ),
    "n_p = n_a against any projection": Twins(
        "lstm_layer",
        without_output_gate(lambda v: v.n_h == v.n_a),
        without_output_gate(lambda v: True),
        Problem.lstm_layer(n_x=1, n_a=2, m=1, T_x=1, n_p=2, regime="unit"),
    ),
    "steps 8, 16, … against steps from 16 on": Twins(
        "lstm_forward",
        starting_again(lambda t: t > 0 and t % 8 == 0),
        starting_again(lambda t: t >= 16 and t % 8 == 0),
        Problem.lstm(n_x=1, n_a=2, n_y=1, m=1, T_x=18, regime="unit"),
    ),
    "blocks of 32 rows against blocks of 16": Twins(
        "lstm_cell_forward",
        in_blocks_of(32),
        in_blocks_of(16),
        Problem.lstm(n_x=19, n_a=14, n_y=1, m=1, T_x=1, regime="ternary", seed=1),
        Problem.lstm(n_x=29, n_a=28, n_y=1, m=2, T_x=1, regime="unit"),
    ),
    "steps 8, 16, … of the first layer against those of every layer": Twins(
        "lstm_layer",
        layers_starting_again(lambda v: v.t > 0 and v.t % 8 == 0 and v.layer == 0),
        layers_starting_again(lambda v: v.t > 0 and v.t % 8 == 0),
        Problem.lstm_layer(**ONE_LAYER, T_x=9),
        Problem.lstm_layer(**{**ONE_LAYER, "layers": 2}, T_x=9),
    ),
}


@pytest.mark.parametrize("name", TWINS)
def test_twins_differ(name: str) -> None:
    function, one, other, shown, telling = TWINS[name]
    assert differing(function, one, other, shown, telling=telling)


@pytest.mark.parametrize("name", TWINS)
def test_twins_never_get_the_same_words(name: str) -> None:
    """Takes seconds: two searches, and what is said of each program is compared with it."""
    function, *programs, shown, telling = TWINS[name]
    claims = [told(function, program, shown) for program in programs]
    said: Sequence[str] = [claim.words if claim else "" for claim in claims]
    assert said[0] != said[1] or not said[0]
    for program, claim in zip(programs, claims, strict=True):
        predicting = predicted(function, claim) if claim else None
        if predicting:
            assert differing(function, program, predicting, shown, claim, telling) == []
