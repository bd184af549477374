"""Caches that hold what is right in another order, or in another form."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import reference
from oracle.tests.test_location_mixed_up import located_program


@pytest.mark.parametrize("function", ["rnn_cell_forward", "lstm_forward"])
def test_the_order_of_a_cache_is_told(function: str) -> None:
    def reordered(*arguments: Any) -> Any:
        *outputs, cache = getattr(reference, function)(*arguments)
        if function.endswith("cell_forward"):
            return *outputs, (cache[0], cache[2], cache[1], *cache[3:])
        caches, x = cache
        return *outputs, ([(*each[:6], each[7], each[6], *each[8:]) for each in caches], x)

    found = located_program(function, reordered, T_x=1 if "cell" in function else 4)
    given, told = {
        "rnn_cell_forward": ("a_next, a_prev, xt, parameters", "a_next, xt, a_prev, parameters"),
        "lstm_forward": (
            "a_next, c_next, a_prev, c_prev, ft, it, cct, ot, xt, parameters",
            "a_next, c_next, a_prev, c_prev, ft, it, ot, cct, xt, parameters",
        ),
    }[function]
    assert (found.where, found.how) == (f"the order of a cache is not ({given})", f"it is ({told})")


def test_the_order_of_a_cache_is_not_told_where_more_is_wrong() -> None:
    def reordered(xt: Any, a_prev: Any, parameters: Any) -> Any:
        a, y, cache = reference.rnn_cell_forward(xt, a_prev, parameters)
        return a, y, (cache[0], cache[2], 2 * cache[1], *cache[3:])

    assert "order" not in located_program("rnn_cell_forward", reordered, T_x=1).where


@pytest.mark.parametrize(
    ("function", "entry", "form", "where", "how"),
    [
        (
            "rnn_cell_forward",
            2,
            np.transpose,
            "the cached xt is not (n_x, m)",
            "(m, n_x), its axes in another order",
        ),
        (
            "rnn_forward",
            1,
            lambda a: a[..., None],
            "the cached a_prev is not (n_a, m)",
            "(n_a, m, 1), with an axis more",
        ),
        (
            "lstm_cell_forward",
            4,
            np.ravel,
            "the cached ft is not (n_a, m)",
            "(n_a m,), with one axis for all",
        ),
        (
            "lstm_forward",
            8,
            lambda x: x.reshape(x.shape[::-1]),
            "the cached xt is not (n_x, m)",
            "(m, n_x), read in the same order of memory",
        ),
    ],
)
def test_the_shape_of_a_cached_array_is_told(
    function: str, entry: int, form: Callable[[Any], Any], where: str, how: str
) -> None:
    def formed(cache: Any) -> Any:
        return *cache[:entry], form(cache[entry]), *cache[entry + 1 :]

    def reshaped(*arguments: Any) -> Any:
        *outputs, cache = getattr(reference, function)(*arguments)
        if function.endswith("cell_forward"):
            return *outputs, formed(cache)
        return *outputs, ([*map(formed, cache[0])], cache[1])

    found = located_program(function, reshaped, T_x=1 if "cell" in function else 4)
    assert (found.where, found.when, found.how) == (f"the shape of {where}", "always", f"it is {how}")


def test_the_shape_of_x_in_the_caches_is_told() -> None:
    def time_first(*arguments: Any) -> Any:
        *outputs, (caches, x) = reference.lstm_forward(*arguments)
        return *outputs, (caches, x.transpose(2, 1, 0))

    found = located_program("lstm_forward", time_first)
    assert found.where == "the shape of x in the caches is not (n_x, m, T_x)"
    assert found.how == "it is (T_x, m, n_x), its axes in another order"


def _rounded(b: Any) -> Any:
    return b.astype(np.float32).astype(b.dtype)


@pytest.mark.parametrize(
    ("name", "form", "how"),
    [("Waa", np.transpose, "it is transposed"), ("by", _rounded, "it is rounded to float32")],
)
def test_what_has_become_of_parameters_in_the_caches_is_told(
    name: str, form: Callable[[Any], Any], how: str
) -> None:
    def changed(xt: Any, a_prev: Any, parameters: Any) -> Any:
        a, y, cache = reference.rnn_cell_forward(xt, a_prev, parameters)
        return a, y, (*cache[:3], {**parameters, name: form(parameters[name])})

    found = located_program("rnn_cell_forward", changed, T_x=1)
    assert (found.where, found.how) == (f"{name} in the caches ≠ that which is given", how)
