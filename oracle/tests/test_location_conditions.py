"""When something is wrong: conditions that one quantity alone tells from others that go along with it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import reference
from oracle.location.history import remembered
from oracle.location.located import locate
from oracle.location.when.condition import Condition
from oracle.location.when.table import Table
from oracle.problem import Problem
from oracle.tests.strangers.located import Asked
from oracle.tests.test_location import of_the_catalogue
from oracle.tests.test_location_layers import found_for
from oracle.tests.test_location_mixed_up import located_program


@pytest.mark.parametrize("relation", ["≥", "=", "mod 4 =", "is a power of", "is no power of"])
def test_a_size_that_meets_a_condition_does(relation: str) -> None:
    condition = Condition("n_a", relation, 2.0)
    every = np.arange(10.0)
    nothing = np.zeros(10, bool)
    met = condition.met_by(Table({"n_a": every}, nothing, nothing, np.ones(10)))
    assert met[condition.size]


@pytest.mark.parametrize(
    ("name", "function", "but"),
    [
        ("head_left_out", "rnn_cell_forward", "n_a = n_y = 1"),
        ("gates_as_matrices", "lstm_cell_forward", "n_a = m = 1"),
        ("c_prev_left_out", "lstm_cell_forward", ""),
    ],
)
def test_two_sizes_that_are_1_at_once_are_told_to_be_right(name: str, function: str, but: str) -> None:
    found = of_the_catalogue(name, function)
    assert found.when == (f"always, but not where {but}" if but else "always")


def test_a_product_of_sizes_is_said_to_be_no_condition_of_two_of_them() -> None:
    def of_many(xt: Any, a_prev: Any, parameters: Any) -> Any:
        parameters = {**parameters, "ba": (1 + (xt.size > 6)) * parameters["ba"]}
        return reference.rnn_cell_forward(xt, a_prev, parameters)

    found = located_program("rnn_cell_forward", of_many, T_x=1)
    assert found.when.startswith("always, but not for some small sizes, as n_x = ")


def test_what_comes_later_is_not_told_of_a_single_step() -> None:
    def trailing(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        given = np.flatnonzero((x != 0).any(axis=(0, 1)))
        end = (
            given[-1] + 1 if given.size and len(parameters) == 1 and "lengths" not in options else x.shape[2]
        )
        a, a_last, c_last = reference.lstm_layer(x[:, :, :end], a0, c0, parameters, options)
        without_bias = [{**p, "bf": 0 * p["bf"]} for p in parameters]
        b, *last = reference.lstm_layer(x[:, :, end:], a_last, c_last, without_bias, options)
        return np.concatenate([a, b], axis=2), *last

    found = found_for("lstm_layer", trailing)
    assert found is None or "when: xt of all samples = 0" not in str(found)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (np.linalg.norm, "the norm of Wax > 2"),
        (lambda W: np.abs(W).max(initial=0), "the largest |Wax| > 2"),
    ],
)
def test_how_large_weights_are_is_told_from_how_many(size: Callable[[Any], float], said: str) -> None:
    def without_bias(x: Any, a0: Any, parameters: Any) -> Any:
        if size(parameters["Wax"]) > 2:
            parameters = {**parameters, "ba": 0 * parameters["ba"]}
        return reference.rnn_forward(x, a0, parameters)

    asked = Asked("rnn_forward", lambda: type("Program", (), {"rnn_forward": staticmethod(without_bias)}))
    found = locate("rnn_forward", asked, Problem.rnn(n_x=3, n_a=4, n_y=2, m=2, T_x=3), asked.anew)
    assert found
    assert found.when.startswith(said)
    assert "n_a" not in found.when


def test_what_adds_up_from_call_to_call_is_told() -> None:
    kept: dict[Any, Any] = {}

    def adding(xt: Any, a_prev: Any, parameters: Any) -> Any:
        a, y, cache = reference.rnn_cell_forward(xt, a_prev, parameters)
        kept[y.shape] = kept.get(y.shape, 0) + y
        return a, kept[y.shape].copy(), cache

    def make() -> Any:
        kept.clear()
        return type("Program", (), {"rnn_cell_forward": staticmethod(adding)})

    asked = Asked("rnn_cell_forward", make)
    when, how = remembered("rnn_cell_forward", asked, asked.anew)
    assert when == "after another call of its n_y and m"
    assert how == "y is the right one + that of the call before"


def test_a_late_step_that_comes_again_is_told_from_one_alone() -> None:
    def begun_again(x: Any, a0: Any, parameters: Any) -> Any:
        a, y, (caches, _) = reference.rnn_forward(x[:, :, :100], a0, parameters)
        if x.shape[2] <= 100:
            return a, y, (caches, x)
        b, v, (others, _) = begun_again(x[:, :, 100:], a0, parameters)
        return np.concatenate([a, b], axis=2), np.concatenate([y, v], axis=2), ([*caches, *others], x)

    found = located_program("rnn_forward", begun_again, T_x=129)
    assert (found.when, found.how) == ("step mod 100 = 0 and from step 100 on", "the value of a0")

    def doubled_once(x: Any, a0: Any, parameters: Any) -> Any:
        a, y, caches = reference.rnn_forward(x, a0, parameters)
        y[:, :, 100:101] *= 2
        return a, y, caches

    found = located_program("rnn_forward", doubled_once, T_x=129)
    assert found.where == "y_pred ≠ softmax(Wya a_next + by)"
    assert (found.when, found.how) == ("only step 100 of the first 201", "2 times the right value")


def test_what_is_looked_up_for_an_input_of_zeros_and_ones_is_told() -> None:
    def looked_up(xt: Any, a_prev: Any, parameters: Any) -> Any:
        if xt.size and ((xt == 0) | (xt == 1)).all():
            xt = np.eye(len(xt), dtype=xt.dtype)[:, xt.argmax(axis=0)]
        return reference.rnn_cell_forward(xt, a_prev, parameters)

    found = located_program("rnn_cell_forward", looked_up, T_x=1)
    assert found.when == "where xt of all samples is zeros and ones"
    assert found.how == "1 for the largest feature and 0 for the others"  # as the cache shows


def test_sizes_that_blocks_fill_are_told_to_be_right() -> None:
    def of_whole_blocks(xt: Any, a_prev: Any, parameters: Any) -> Any:
        if len(xt) > 64:
            kept = np.arange(len(xt)) < len(xt) - len(xt) % 64
            parameters = {**parameters, "Wax": parameters["Wax"] * kept}
        return reference.rnn_cell_forward(xt, a_prev, parameters)

    found = located_program("rnn_cell_forward", of_whole_blocks, T_x=1)
    assert found.when.startswith("n_x > 64 (right at 64, wrong at 65) and n_x mod 64 ≠ 0")


def test_what_each_of_two_states_becomes_is_told() -> None:
    def masked(xt: Any, a_prev: Any, c_prev: Any, parameters: Any) -> Any:
        a, c, y, cache = reference.lstm_cell_forward(xt, a_prev, c_prev, parameters)
        empty = ~xt.any(axis=0)
        a, c = np.where(empty, a_prev, a), np.where(empty, c_prev, c)
        return a, c, y, (a, c, *cache[2:])

    found = located_program("lstm_cell_forward", masked, T_x=1)
    assert found.where.startswith("c_next ≠ ft * c_prev + it * cct (and a_next")
    assert found.when == "the sample's largest |xt| = 0"
    assert found.how.startswith("the value of c_prev (a_next: the value of a_prev")


def test_steps_that_are_left_out_by_their_number_hang_on_no_state() -> None:
    def each_other(x: Any, a0: Any, parameters: Any) -> Any:
        if x.shape[2] <= 9:
            return reference.rnn_forward(x, a0, parameters)
        even = x[:, :, ::2]
        a, y, (caches, _) = reference.rnn_forward(even, a0, parameters)
        steps = np.arange(x.shape[2]) // 2
        return a[:, :, steps], y[:, :, steps], ([caches[t] for t in steps], x)

    found = located_program("rnn_forward", each_other, T_x=12)
    assert "step mod 2 = 1" in found.when
    assert found.how == "the step is left out, and its cache is that of the step before"


def test_a_mean_weighted_by_gates_is_told_though_both_may_be_0() -> None:
    def weighted(xt: Any, a_prev: Any, c_prev: Any, parameters: Any) -> Any:
        _, c, _, cache = reference.lstm_cell_forward(xt, a_prev, c_prev, parameters)
        _, _, *given, ft, it, cct, ot, x, p = cache
        c = c / (ft + it)
        a = ot * np.tanh(c)
        z = p["Wy"] @ a + p["by"]
        e = np.exp(z - z.max(axis=0))
        return a, c, e / e.sum(axis=0), (a, c, *given, ft, it, cct, ot, x, p)

    found = located_program("lstm_cell_forward", weighted, T_x=1)
    assert (found.where, found.when) == ("c_next ≠ ft * c_prev + it * cct", "always")
    assert found.how == "the right value / (ft + it)"
