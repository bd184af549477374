"""A return value is read by its contract, or refused with a message."""

from typing import Any

import numpy as np
import pytest

import reference
from oracle.problems.problem import Problem
from oracle.processes.codec import Foreign
from properties.implementations.answer import Answer, MalformedError
from properties.implementations.calls import Returned
from reference.contract import CONTRACTS

PROBLEM = Problem.lstm(n_x=3, n_a=2, n_y=4, m=5, T_x=6)
FORWARD, CELL = CONTRACTS["lstm_forward"], CONTRACTS["lstm_cell_forward"]


def read(value: Any, sizes: Any = PROBLEM.sizes, contract: Any = FORWARD) -> Answer:
    return Answer(contract, Returned(value, [], False), sizes)


@pytest.fixture
def value() -> Any:
    return reference.lstm_forward(*PROBLEM.arguments("lstm_forward"))


def test_outputs_come_by_quantity(value: Any) -> None:
    outputs = read(value).outputs
    assert {name: array.shape for name, array in outputs.items()} == {
        "a": (2, 5, 6),
        "y": (4, 5, 6),
        "c": (2, 5, 6),
    }


def test_a_cell_is_read_as_a_sequence_of_one_step() -> None:
    value = reference.lstm_cell_forward(*PROBLEM.arguments("lstm_cell_forward"))
    sizes = {**PROBLEM.sizes, "T_x": 1}
    assert read(value, sizes, CELL).outputs["y"].shape == (4, 5, 1)
    assert read(value, sizes, CELL).caches["ft"].shape == (2, 5, 1)
    assert len(read(value, sizes, CELL).cached_parameters) == 1


def test_caches_come_over_time(value: Any) -> None:
    caches = read(value).caches
    np.testing.assert_array_equal(caches["a_next"], value[0])
    np.testing.assert_array_equal(caches["x"], PROBLEM.arguments("lstm_forward")[0])


def test_lists_of_numbers_are_arrays(value: Any) -> None:
    a, *rest = value
    np.testing.assert_array_equal(read((a.tolist(), *rest)).outputs["a"], a)


def test_more_precision_than_torch_has_is_rounded(value: Any) -> None:
    a, *rest = value
    more = a.astype(np.longdouble) * (1 + np.finfo(np.longdouble).eps)
    assert read((more, *rest)).outputs["a"].dtype == np.float64
    np.testing.assert_allclose(read((more, *rest)).outputs["a"], a, rtol=1e-15)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v[:2], "returned a tuple of 2, expected a, y, c, caches"),
        (lambda v: None, "returned None, expected a, y, c, caches"),
        (lambda v: (v[0].T, *v[1:]), "a has shape (6, 5, 2), expected (n_a, m, T_x) = (2, 5, 6)"),
        (lambda v: (Foreign("Tensor"), *v[1:]), "a is a Tensor, expected an array of shape (n_a, m, T_x)"),
        (lambda v: (v[0] * 1j, *v[1:]), "a has dtype complex128, expected real numbers"),
        (lambda v: (10**400, *v[1:]), "a is an int, expected an array of shape (n_a, m, T_x)"),
        (lambda v: ([[1], [2, 3]], *v[1:]), "a is a list of 2, expected an array of shape (n_a, m, T_x)"),
    ],
)
def test_what_is_no_output_is_said(value: Any, change: Any, message: str) -> None:
    with pytest.raises(MalformedError) as error:
        _ = read(change(value)).outputs
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("caches", "message"),
    [
        (lambda steps, x: None, "caches is None, expected (list of T_x cell caches, x)"),
        (lambda steps, x: (steps[1:], x), "caches[0] is a list of 5, expected a list of T_x = 6 cell caches"),
        (
            lambda steps, x: (["itself", *steps[1:]], x),
            "caches[0][0] is a str, expected (a_next, c_next, a_prev, c_prev, ft, it, cct, ot, xt, "
            "parameters)",
        ),
        (
            lambda steps, x: (steps, x[:, 0]),
            "caches[1] (x) has shape (3, 6), expected (n_x, m, T_x) = (3, 5, 6)",
        ),
    ],
)
def test_what_is_no_cache_is_said(value: Any, caches: Any, message: str) -> None:
    with pytest.raises(MalformedError) as error:
        _ = read((*value[:3], caches(*value[3]))).caches
    assert str(error.value) == message


@pytest.mark.parametrize(
    "value", [None, 1.5, "text", np.zeros(3), (), {}, ([],) * 9, Foreign("set")], ids=str
)
@pytest.mark.parametrize("first", ["outputs", "caches"])
def test_what_is_no_answer_is_said_whatever_is_read_first(first: str, value: Any) -> None:
    with pytest.raises(MalformedError, match=r"returned .*, expected a, y, c, caches"):
        getattr(read(value), first)


def test_a_missing_cache_is_said(value: Any) -> None:
    with pytest.raises(MalformedError, match="returned a tuple of 3 without a cache"):
        _ = read(value[:3]).caches


@pytest.mark.parametrize("c", [[[[1.0]], [[1.0], [2.0]]], 3, None, Foreign("set"), "c"])
def test_memory_states_that_are_none_are_refused_in_words(value: Any, c: Any) -> None:
    a, y, _, caches = value
    with pytest.raises(MalformedError, match=r"^c "):
        _ = read((a, y, c, caches)).outputs


def test_the_last_memory_state_alone_is_read(value: Any) -> None:
    a, y, c, caches = value
    np.testing.assert_array_equal(read((a, y, c[:, :, -1:], caches)).outputs["c"], c[:, :, -1:])
    with pytest.raises(MalformedError, match=r"c has shape \(2, 5, 2\)"):
        _ = read((a, y, c[:, :, -2:], caches)).outputs
