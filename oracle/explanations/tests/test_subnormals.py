"""Tests of the finding that a program flushes subnormal numbers to zero."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import reference
from oracle.explanations.behaviour import mistaken_program, program_of
from oracle.explanations.claims import Claim
from oracle.explanations.effects import flushed_subnormals
from oracle.faults import FAULTS
from oracle.problems.limits import ANYTHING
from oracle.problems.problem import Problem

FLUSHED = Claim.of("subnormals", all=True)
CELL = "lstm_cell_forward"
TINY = Problem.lstm(n_x=2, n_a=3, n_y=1, m=4, T_x=1, regime="subnormal")


def flushing(kept: Callable[[Any], Any]) -> Any:
    """The right cell with subnormal states flushed to zero, but for those where `kept` is not 0."""

    def flushed(array: Any) -> Any:
        return np.where((np.abs(array) < np.finfo(array.dtype).tiny) & (kept(array) == 0), 0, array)

    def lstm_cell_forward(*arguments: Any) -> Any:
        a, c, y, cache = reference.lstm_cell_forward(*arguments)
        return flushed(a), flushed(c), y, cache

    return SimpleNamespace(lstm_cell_forward=lstm_cell_forward)


@pytest.mark.parametrize(
    ("kept", "said"), [(np.zeros_like, FLUSHED), (np.signbit, FLUSHED), (np.ones_like, None)]
)
def test_flushed_subnormals_are_found(kept: Callable[[Any], Any], said: Claim | None) -> None:
    assert flushed_subnormals(CELL, program_of(flushing(kept), CELL, ANYTHING), TINY) == said


@pytest.mark.parametrize("name", ["candidate_and_output_biases_exchanged", "relu_for_tanh"])
def test_a_mistake_in_ordinary_numbers_is_no_flushing(name: str) -> None:
    assert flushed_subnormals(CELL, mistaken_program(CELL, FAULTS[name]), TINY) is None


def test_a_mistake_in_small_normal_numbers_is_no_flushing() -> None:
    """The cell forgets the memory state if the whole hidden state is below 0.001."""

    def lstm_cell_forward(xt: Any, a_prev: Any, c_prev: Any, parameters: Any) -> Any:
        going = np.abs(a_prev).max(axis=0) >= 1e-3
        return reference.lstm_cell_forward(xt, a_prev, c_prev * going, parameters)

    program = SimpleNamespace(lstm_cell_forward=lstm_cell_forward)
    assert flushed_subnormals(CELL, program_of(program, CELL, ANYTHING), TINY) is None


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_flushed_subnormals_of_a_layer_are_found(dtype: str) -> None:
    tiny = Problem.rnn_layer(n_x=2, n_a=3, m=4, T_x=1, regime="subnormal", dtype=dtype)
    assert flushed_subnormals("rnn_layer", program_of(reference, "rnn_layer", ANYTHING), tiny) is None

    def rnn_layer(*arguments: Any, **options: Any) -> Any:
        outputs = reference.rnn_layer(*arguments, **options)
        return tuple(np.where(np.abs(part) < np.finfo(part.dtype).tiny, 0, part) for part in outputs)

    said = flushed_subnormals(
        "rnn_layer", program_of(SimpleNamespace(rnn_layer=rnn_layer), "rnn_layer", ANYTHING), tiny
    )
    assert said in (FLUSHED, None)
    assert said or dtype == "float16"
