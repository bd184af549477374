"""Mistakes that have no name are located, truly; what is right is not."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import reference
from oracle.faults import FAULTS
from oracle.location.located import locate
from oracle.location.when.condition import Condition
from oracle.location.when.rules import Rule
from oracle.location.when.words import words
from oracle.problem import Problem
from oracle.tests.strangers import STRANGERS
from oracle.tests.strangers.located import Asked, is_as_said, located
from reference.contract import FUNCTIONS

OF_FUNCTIONS = {name: each for name, each in STRANGERS.items() if each.function in FUNCTIONS}
SAID = [name for name, stranger in OF_FUNCTIONS.items() if stranger.said]
OF_OTHER_KINDS = (
    *("m/08", "m/31", "q/10", "q/25", "q/33"),
    *("u/04", "u/22", "u/37", "w/08", "w/14", "y/05", "y/09"),
    *("aa/09", "aa/31", "aa/36", "aa/47", "ac/20", "ac/40"),
    *("ae/41", "ae/48", "ag/05", "ag/28", "ag/39"),
    *("ag/18", "fa/14", "ai/20", "ai/32", "ai/37", "an/09", "an/20", "ar/18"),
)
LOCATED = sorted({*SAID[::600], *(name for name in SAID if name.startswith(OF_OTHER_KINDS))})
"""A few, and some of other kinds, for it takes seconds; `benchmarks.strangers` locates all."""
MOST_CALLS = 660
"""Of a function that is located; most take some 450."""


@pytest.mark.parametrize("name", LOCATED)
def test_a_mistake_of_other_hands_is_located(name: str) -> None:
    said, calls = located(STRANGERS[name])
    assert is_as_said(said, STRANGERS[name]), f"{said!r} was {STRANGERS[name].said!r}"
    assert calls <= MOST_CALLS


def test_there_are_many_mistakes_of_other_hands() -> None:
    assert len(OF_FUNCTIONS) == 1270
    assert len(STRANGERS) == 2002


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_right_is_not_located(function: str) -> None:
    problem = Problem("rnn" if function.startswith("rnn") else "lstm", n_x=2, n_a=3, n_y=4, m=3, T_x=4)
    asked = Asked(function, lambda: reference)
    assert locate(function, asked, problem, asked.anew) is None


def flushing(value: Any) -> Any:
    """What is subnormal is zero, in outputs and caches."""
    if isinstance(value, np.ndarray):
        return np.where(np.abs(value) < np.finfo(value.dtype).tiny, 0, value).astype(value.dtype)
    if isinstance(value, (list, tuple)):
        return [flushing(each) for each in value]
    return {name: flushing(each) for name, each in value.items()}


@pytest.mark.parametrize("how", ["flushed", "float64 inside", "another order of summation"])
def test_a_right_program_of_another_kind_is_not_located(how: str) -> None:
    def forward(x: Any, a0: Any, parameters: Any) -> Any:
        if how == "flushed":
            return flushing(reference.lstm_forward(x, a0, parameters))
        if how == "float64 inside":
            wide = {name: array.astype(np.float64) for name, array in parameters.items()}
            outputs = reference.lstm_forward(x.astype(np.float64), a0.astype(np.float64), wide)
            return tuple(part.astype(x.dtype) for part in outputs[:3])
        order = np.argsort(np.abs(x).sum(axis=(1, 2)))
        n_a = len(a0)
        columns = np.concatenate([np.arange(n_a), n_a + order])
        turned = {
            name: array[:, columns] if name in ("Wf", "Wi", "Wc", "Wo") else array
            for name, array in parameters.items()
        }
        return reference.lstm_forward(x[order], a0, turned)[:3]

    problem = Problem.lstm(n_x=2, n_a=3, n_y=4, m=3, T_x=4)
    made = type("Program", (), {"lstm_forward": staticmethod(forward)})
    asked = Asked("lstm_forward", made)
    assert locate("lstm_forward", asked, problem, asked.anew) is None


@pytest.mark.parametrize("name", ["x_indexed_by_sample", "time_before_samples"])
def test_what_has_the_right_form_for_some_sizes_alone_is_located(name: str) -> None:
    problem = Problem.rnn(n_x=2, n_a=3, n_y=4, m=3, T_x=3)
    asked = Asked("rnn_forward", lambda: replace(FAULTS[name], memory={}))
    found = locate("rnn_forward", asked, problem, asked.anew)
    assert found
    # Of the sizes for which it has that form.
    assert found.when in ("", "always", "always, but not where m = T_x = 1", "m > 1")


def of_the_catalogue(name: str, function: str) -> Any:
    """Where, when and how a mistake of the catalogue is wrong."""
    problem = getattr(Problem, function.split("_")[0])(n_x=2, n_a=3, n_y=4, m=3, T_x=3)
    asked = Asked(function, lambda: replace(FAULTS[name], memory={}))
    found = locate(function, asked, problem, asked.anew)
    assert found
    return found


@pytest.mark.parametrize(
    ("name", "how"), [("caches_reversed", "reverse order"), ("last_cache_everywhere", "last")]
)
def test_records_of_what_is_right_are_told_from_what_is_wrong(name: str, how: str) -> None:
    found = of_the_catalogue(name, "lstm_forward")
    assert found.where == "the cached xt ≠ x of this step (and all other arrays)"
    assert how in found.how


def test_a_precision_is_no_condition_where_the_record_is_wrong_in_another() -> None:
    found = of_the_catalogue("computed_in_float16", "rnn_cell_forward")
    assert found.when == "in float32 and float64 (in float16 within what rounding may do)"
    assert found.how == "rounded to float16"


def test_an_activation_that_is_left_out_is_said_to_be_the_argument() -> None:
    found = of_the_catalogue("tanh_on_c_left_out", "lstm_cell_forward")
    assert found.how == "as if tanh(c_next) were c_next"


@pytest.mark.parametrize("empty", ["n_x", "m", "T_x"])
def test_a_counterexample_without_numbers_breaks_nothing(empty: str) -> None:
    def forward(x: Any, a0: Any, parameters: Any) -> Any:
        a, y, c, caches = reference.lstm_forward(x, a0, parameters)
        return a, y, 1.5 * c, caches

    problem = Problem.lstm(**{"n_x": 2, "n_a": 3, "n_y": 4, "m": 3, "T_x": 4, empty: 0})
    made = type("Program", (), {"lstm_forward": staticmethod(forward)})
    asked = Asked("lstm_forward", made)
    found = locate("lstm_forward", asked, problem, asked.anew)
    assert found
    assert (found.where, found.how) == ("the returned c ≠ c_next of each step", "1.5 times the right value")


def of_lstm(change: Callable[[Any, Any], tuple[Any, Any]]) -> Any:
    """The right forward, with other `a` and `c`."""

    def forward(x: Any, a0: Any, parameters: Any) -> Any:
        a, y, c, caches = reference.lstm_forward(x, a0, parameters)
        a, c = change(a, c)
        return a, y, c, caches

    return type("Program", (), {"lstm_forward": staticmethod(forward)})


def of_norm_1(a: Any, c: Any) -> tuple[Any, Any]:
    norms = (np.sqrt(np.square(state).sum(axis=0, keepdims=True)) for state in (a, c))
    a, c = (state / np.where(norm, norm, 1) for state, norm in zip((a, c), norms, strict=True))
    return a, c


def test_what_divides_by_zero_on_the_way_breaks_nothing() -> None:
    asked = Asked("lstm_forward", of_lstm(of_norm_1))
    found = locate("lstm_forward", asked, Problem.lstm(n_x=2, n_a=3, n_y=4, m=3, T_x=4), asked.anew)
    assert found
    assert found.where.startswith("the returned")


def test_what_is_right_is_not_said_to_be_how_it_is_wrong() -> None:
    """A memory that is off by little in little precision is as near to the right one."""

    def cell(xt: Any, a_prev: Any, c_prev: Any, parameters: Any) -> Any:
        a, c, y, cache = reference.lstm_cell_forward(xt, a_prev, c_prev, parameters)
        c = c * np.float16(1.004) if c.dtype == np.float16 else c
        a = cache[7] * np.tanh(c)
        return a, c, y, (a, c, *cache[2:])

    asked = Asked("lstm_cell_forward", type("Program", (), {"lstm_cell_forward": staticmethod(cell)}))
    found = locate("lstm_cell_forward", asked, Problem.lstm(n_x=2, n_a=3, n_y=4, m=3, T_x=1), asked.anew)
    assert found
    assert found.where.startswith("c_next")
    assert "1 * ft" not in found.how


@pytest.mark.parametrize("but", ["for one class", "from step 61 on"])
def test_a_place_is_said_where_it_is_that_of_all(but: str) -> None:
    """Predictions are those of another step, but some that are not."""

    def forward(x: Any, a0: Any, parameters: Any) -> Any:
        a, y, caches = reference.rnn_forward(x, a0, parameters)
        if but == "for one class" and len(y) == 1:
            return a, np.full_like(y, 0.25), caches
        places = np.arange(y.shape[2]) // 2
        return a, y[:, :, np.where(np.arange(len(places)) < 61, places, 0)], caches

    made = type("Program", (), {"rnn_forward": staticmethod(forward)})
    asked = Asked("rnn_forward", made)
    found = locate("rnn_forward", asked, Problem.rnn(n_x=2, n_a=3, n_y=4, m=3, T_x=4), asked.anew)
    assert found
    assert "k // 2" not in found.how
    assert bool(found.how) == (but == "from step 61 on")


BROKEN: Mapping[str, Callable[[Any, int], Any]] = {
    "NaN from step 1 on": lambda a, t: np.nan if t else a,
    "infinite": lambda a, t: np.inf * np.sign(a),
    "NaN where positive": lambda a, t: np.where(a > 0, np.nan, a),
    "integers": lambda a, t: np.round(a).astype(int),
    "huge": lambda a, t: 1e300 * a,
    "zero": lambda a, t: 0 * a,
}


@pytest.mark.parametrize("how", BROKEN)
def test_whatever_is_answered_is_located_or_not_and_breaks_nothing(how: str) -> None:
    def forward(x: Any, a0: Any, parameters: Any) -> Any:
        a, y, caches = reference.rnn_forward(x, a0, parameters)
        return (
            np.stack([BROKEN[how](a[:, :, t], t) + 0 * a[:, :, t] for t in range(x.shape[2])], axis=2),
            y,
            caches,
        )

    problem = Problem.rnn(n_x=2, n_a=3, n_y=4, m=3, T_x=4)
    made = type("Program", (), {"rnn_forward": staticmethod(forward)})
    asked = Asked("rnn_forward", made)
    found = locate("rnn_forward", asked, problem, asked.anew)
    assert found
    assert found.where.startswith(("the returned a", "a_next", "a_prev"))


@pytest.mark.parametrize(
    ("relation", "value", "beyond", "said"),
    [
        ("≥", 30.02, 30.01, "z > some number from 30 to 30.02"),
        ("≥", 1.0000009, 1.0000005, "z > 1"),
        ("≤", 2.0005, 2.0019, "z < some number from 2 to 2.002"),
    ],
)
def test_a_round_threshold_is_said_on_the_side_where_it_may_be(
    relation: str, value: float, beyond: float, said: str
) -> None:
    found = Rule((Condition("z", relation, value, beyond=beyond),), 1.0)
    assert words(found) == said
