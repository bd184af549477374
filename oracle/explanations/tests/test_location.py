"""Tests that a location is true of the shown problem and of others, or is left out."""

from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import reference
from oracle.explanations import location_search as module
from oracle.explanations.behaviour import Behaviour, Program, mistaken_program, program_of, specification
from oracle.explanations.changes import Condition, Replacement
from oracle.explanations.location import SCOPES
from oracle.explanations.location_search import locate
from oracle.explanations.observer import Budget, BudgetSpentError
from oracle.explanations.steps import Steps
from oracle.faults import FAULTS
from oracle.faults.catalogue.arrays import bfloat16
from oracle.faults.fault import Fault
from oracle.problems.inputs import Inputs
from oracle.problems.limits import ANYTHING, Limits
from oracle.problems.problem import Problem
from reference.arrays import sigmoid, softmax
from reference.contract import Array

pytestmark = pytest.mark.slow

SIZES = {"n_x": 3, "n_a": 4, "n_y": 2, "m": 5, "T_x": 6}


def calling(function: str, call: Callable[..., Any]) -> Program:
    """A program that answers as `call` does."""
    return program_of(SimpleNamespace(**{function: call}), function, ANYTHING)


def with_two_buffers(x: Any, a0: Any, parameters: Any) -> Any:
    """The states are right, but the caches hold two buffers, which later steps overwrite."""
    a, y, (caches, _) = reference.rnn_forward(x, a0, parameters)
    now, before = a0.copy(), np.empty_like(a0)
    kept = []
    for t, (_, _, xt, p) in enumerate(caches):
        now, before = before, now
        now[...] = a[:, :, t]
        kept.append((now, before, xt, p))
    return a, y, (kept, x)


def test_wrong_caches_beside_right_results_are_not_located() -> None:
    shown = Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=2, regime="ternary", seed=0)
    assert locate("rnn_forward", calling("rnn_forward", with_two_buffers), shown) is None


def test_a_right_program_is_not_located() -> None:
    for function in ("rnn_forward", "lstm_cell_forward", "lstm_layer"):
        shown = Problem.of(function, n_x=2, n_a=3, n_y=2, m=2, T_x=3)
        assert locate(function, specification(function), shown) is None


def with_absolute_states_above(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
    return reference.rnn_layer(x, np.concatenate([a0[:1], np.abs(a0[1:])]), parameters, options)


def test_other_values_of_the_initial_states_are_no_other_order() -> None:
    shown = Problem.rnn_layer(n_x=2, n_a=3, m=2, T_x=1, layers=2, directions=1, regime="unit", seed=0)
    assert locate("rnn_layer", calling("rnn_layer", with_absolute_states_above), shown)


def with_states_in_another_order(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
    return reference.lstm_layer(x, a0[:, ::-1], c0[:, ::-1], parameters, options)


def test_no_equation_is_blamed_for_the_order_of_the_initial_states() -> None:
    shown = Problem.lstm_layer(n_x=2, n_a=3, m=2, T_x=1, layers=2, directions=1, regime="unit", seed=0)
    assert locate("lstm_layer", calling("lstm_layer", with_states_in_another_order), shown) is None


def with_the_memory_of_its_first_step(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
    """The backward direction returns the memory state of its first step, not of its last one."""
    a, a_last, c_last = reference.lstm_layer(x, a0, c0, parameters, options)
    _, _, first = reference.lstm_layer(x[:, :, -1:], a0, c0, parameters, options)
    return a, a_last, np.where(np.arange(len(c0))[:, None, None] % 2, first, c_last)


def test_no_equation_is_blamed_for_a_returned_memory_state_that_is_not_the_one_used() -> None:
    shown = Problem.lstm_layer(n_x=1, n_a=1, m=1, T_x=2, layers=1, directions=2, regime="unit", seed=0)
    assert locate("lstm_layer", calling("lstm_layer", with_the_memory_of_its_first_step), shown) is None


def with_the_top_parameters_in_the_middle(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
    """In a network of three layers, the middle layer uses the parameters of the top layer."""
    bottom, *others = parameters
    return reference.rnn_layer(x, a0, [bottom, *others[-1:] * len(others)], options)


def test_a_layer_is_not_blamed_for_a_layer_below_it() -> None:
    """In smaller networks all layers are right, so no layer of them shows the mistake."""
    shown = Problem.rnn_layer(n_x=1, n_a=1, m=1, T_x=1, layers=3, directions=1, regime="unit", seed=0)
    assert locate("rnn_layer", calling("rnn_layer", with_the_top_parameters_in_the_middle), shown) is None


@pytest.mark.parametrize("setting", [each for each in SCOPES if "two" in each or "backward" in each])
@pytest.mark.parametrize("changed", [lambda v: np.sin(v.a), lambda v: 0.9 * v.a])
def test_the_other_direction_is_not_left_out(setting: str, changed: Callable[[Any], Array]) -> None:
    """Whether the search finds how the states are wrong, it names both directions if both are wrong."""

    def a_next(v: Any) -> Array:
        right = v.right["a_next"](v)
        return np.asarray(changed(SimpleNamespace(a=right)) if SCOPES[setting](v) else right)

    program = mistaken_program("rnn_layer", Fault("", "", "", {"rnn_layer": {"a_next": a_next}}))
    found = locate(
        "rnn_layer", program, Problem.of("rnn_layer", n_x=1, n_a=2, m=2, T_x=2, layers=2, directions=2)
    )
    assert found
    assert found.setting == setting


def test_random_answers_of_layers_have_no_conditions() -> None:
    rng = np.random.default_rng(0)

    def with_dropout(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        return reference.rnn_layer(x * (rng.random(x.shape) < 0.9), a0, parameters, options)

    shown = Problem.rnn_layer(n_x=2, n_a=3, m=2, T_x=5, layers=2, directions=1, regime="unit", seed=0)
    location = locate("rnn_layer", calling("rnn_layer", with_dropout), shown)
    assert location is None or (not location.conditions and location.how is None)


def test_a_location_is_checked_also_if_each_round_finds_another_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = mistaken_program("rnn_cell_forward", FAULTS["biases_missing"] + FAULTS["no_softmax"])
    calls = count()
    first_wrong = module._first_wrong

    def alternating(cases: list[Steps], default: str) -> str:
        return ("yt_pred", "a_next")[next(calls) % 2] if cases else first_wrong(cases, default)

    monkeypatch.setattr(module, "_first_wrong", alternating)
    shown = Problem.rnn(n_x=2, n_a=3, n_y=2, m=2, T_x=1)
    location = locate("rnn_cell_forward", program, shown)
    assert location
    assert location.conditions is None
    assert not location.shown


@pytest.mark.parametrize("end", [4, 8])
def test_the_end_of_a_table_is_not_taken_for_rounding_to_a_dtype(end: int) -> None:
    """Where |z| is large, tanh(z) rounded to bfloat16 or float32 is 1 or -1, too, and so are other forms."""

    def ends(v: Any) -> Any:
        return np.where(np.abs(v.z) > end, np.sign(v.z), np.tanh(v.z))

    fault = Fault("table_end", "update", "the table of tanh ends", {"rnn_cell_forward": {"a_next": ends}})
    shown = Problem.of("rnn_cell_forward", n_x=2, n_a=3, n_y=1, m=3, T_x=1, regime="wild", seed=4)
    location = locate("rnn_cell_forward", mistaken_program("rnn_cell_forward", fault), shown)
    assert location
    assert location.how == Replacement("a_next", source="z", function="sign")


def test_the_step_of_an_input_that_is_read_too_early_is_told() -> None:
    def ot(v: Any) -> Array:
        ahead = v.x[:, :, min(v.t + 1, v.T_x - 1)]
        return sigmoid(v.Wo @ np.concatenate([v.a_prev, ahead]) + v.bo)

    program = mistaken_program("lstm_forward", Fault("", "", "", {"lstm_forward": {"ot": ot}}))
    location = locate("lstm_forward", program, Problem.lstm(n_x=1, n_a=1, n_y=1, m=1, T_x=2))
    assert location
    assert [*location.targets] == ["ot"]
    assert location.how == Replacement("xt", map="step ahead", by=1)


def test_the_budget_limits_the_calls() -> None:
    inputs = Problem.rnn(**SIZES).inputs("rnn_forward")
    budget = Budget(specification("rnn_forward"), 2)
    budget(inputs)
    budget(inputs)
    with pytest.raises(BudgetSpentError):
        budget(inputs)


def test_a_location_whose_check_runs_out_of_calls_predicts_no_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scaled = {"rnn_layer": {"z": lambda v: 1.5 * v.right["z"](v)}}
    program, calls = mistaken_program("rnn_layer", Fault("", "", "", scaled)), list[Inputs]()

    def counted(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        calls.append(inputs)
        return program(inputs, then)

    shown = Problem.rnn_layer(n_x=2, n_a=3, m=2, T_x=3)
    location = locate("rnn_layer", counted, shown)
    assert location
    assert location.shown
    monkeypatch.setattr("oracle.explanations.location_search.CALLS_OF_LAYERS", len(calls) - 1)
    unchecked = locate("rnn_layer", counted, shown)
    assert unchecked
    assert not unchecked.shown


def test_an_answer_that_is_right_in_a_second_call_has_no_conditions() -> None:
    """As if only the first calls were disturbed: the mistake does not depend on the arguments."""
    calls = count()

    def program(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        a, y, cache = reference.rnn_cell_forward(*inputs.arguments("rnn_cell_forward"))
        a = a + (next(calls) < 5)
        return Behaviour.of("rnn_cell_forward", (a, y, (a, *cache[1:])), [])

    location = locate("rnn_cell_forward", program, Problem.rnn(**{**SIZES, "T_x": 1}))
    assert location is None or not location.shown


def test_a_number_in_place_of_nan_is_not_located() -> None:
    def program(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        a, _, cache = reference.rnn_cell_forward(*inputs.arguments("rnn_cell_forward"))
        a, p = np.nan_to_num(a), inputs.parameters
        y = softmax(p["Wya"] @ a + p["by"])
        return Behaviour.of("rnn_cell_forward", (a, y, (a, *cache[1:])), [])

    for seed in range(4):
        shown = Problem.rnn(**{**SIZES, "T_x": 1}, regime="nonfinite", seed=seed)
        assert locate("rnn_cell_forward", program, shown) is None


@pytest.mark.parametrize("function", ["lstm_forward", "lstm_layer"])
def test_a_mistake_is_located_from_a_problem_without_steps(function: str) -> None:
    """Takes a second: a search makes many calls."""
    shown = Problem.of(function, **{**SIZES, "T_x": 0})
    found = locate(function, mistaken_program(function, FAULTS["gates_coupled"]), shown)
    assert found
    assert found.targets[0] == ("it" if function == "lstm_forward" else "c_next")  # it is 1 - ft


def test_a_block_is_told_from_blocks_of_its_divisors() -> None:
    def rnn_cell_forward(xt: Array, a_prev: Array, parameters: Any) -> Any:
        whole = len(a_prev) - len(a_prev) % 16 if len(a_prev) > 16 else len(a_prev)
        kept = a_prev * (np.arange(len(a_prev)) < whole)[:, None]
        return reference.rnn_cell_forward(xt, kept, parameters)

    program = calling("rnn_cell_forward", rnn_cell_forward)
    shown = Problem.rnn(n_x=1, n_a=17, n_y=1, m=1, T_x=1, regime="unit")
    found = locate("rnn_cell_forward", program, shown, Limits(caches=False))
    assert found
    assert found.how
    assert found.how.by == 16


def test_steps_counted_from_the_end_are_not_told_of_layers_without_whole_answers() -> None:
    """Where lengths end the samples, the last steps are others."""

    def a_next(v: Any) -> Array:
        right: Array = v.right["a_next"](v)
        return right * (2 + np.cos(v.t)) if v.t >= max(v.T_x // 8 * 8, 8) else right

    program = mistaken_program("rnn_layer", Fault("", "", "", {"rnn_layer": {"a_next": a_next}}))
    found = locate("rnn_layer", program, Problem.rnn_layer(n_x=1, n_a=2, m=1, T_x=9, regime="ternary"))
    assert found
    assert (found.targets, found.conditions, found.shown) == (["a_next"], None, ())


def test_blocks_in_layers_are_told_from_blocks_of_their_divisors_or_not_at_all() -> None:
    def a_next(v: Any) -> Array:
        whole = v.n_a - v.n_a % 16 if v.n_a > 16 else v.n_a
        kept = v.a_prev * (np.arange(v.n_a) < whole)[:, None]
        return np.asarray(np.tanh(v.Waa @ kept + v.Wax @ v.xt + v.ba))

    program = mistaken_program("rnn_layer", Fault("", "", "", {"rnn_layer": {"a_next": a_next}}))
    shown = Problem.rnn_layer(n_x=1, n_a=17, m=1, T_x=2, regime="ternary")
    found = locate("rnn_layer", program, shown)
    assert found
    assert found.how is None or found.how.by == 16


def test_results_that_do_not_follow_either_are_told_beside_the_first() -> None:
    """Where xt is 0, both states are kept, and not only the memory state."""

    def kept(name: str, state: str) -> Callable[[Any], Array]:
        return lambda v: np.asarray(np.where(~v.xt.any(axis=0), getattr(v, state), v.right[name](v)))

    changes = {"c_next": kept("c_next", "c_prev"), "a_next": kept("a_next", "a_prev")}
    shown = Problem.lstm(n_x=1, n_a=2, n_y=1, m=2, T_x=1, regime="ternary")
    for most, besides in ((1, ()), (2, ("a_next",))):
        some = dict([*changes.items()][:most])
        program = mistaken_program("lstm_cell_forward", Fault("", "", "", {"lstm_cell_forward": some}))
        found = locate("lstm_cell_forward", program, shown)
        assert found
        assert (found.targets[0], found.how, tuple(found.besides)) == (
            "c_next",
            Replacement("c_next", source="c_prev"),
            besides,
        )
        assert bool(found.shown) == (not besides)


def test_no_equation_is_blamed_that_holds_for_the_cached_arguments() -> None:
    """A sequence that begins with other states calls a right cell, whose cache shows these states."""

    def begins(a0: Array) -> Array:
        return np.asarray(a0[:, np.arange(a0.shape[1]) % 3])

    def rnn_forward(x: Array, a0: Array, parameters: Any) -> Any:
        return reference.rnn_forward(x, begins(a0), parameters)

    shown = Problem.rnn(n_x=1, n_a=2, n_y=1, m=5, T_x=2, regime="unit")
    for limits in (ANYTHING, Limits(caches=False)):
        found = locate("rnn_forward", calling("rnn_forward", rnn_forward), shown, limits)
        assert found
        assert found.cached == (["a_prev"] if limits.caches else ())


def test_no_state_is_blamed_that_is_right_where_another_one_is_returned() -> None:
    """The hidden states are returned with an error, so the right memory states do not follow from these."""

    def lstm_layer(x: Array, *rest: Any) -> Any:
        a, *last = reference.lstm_layer(x, *rest)
        return a + 1e-6 * (x.shape[1] == 1), *last

    shown = Problem.lstm_layer(n_x=1, n_a=1, m=1, T_x=2, regime="unit")
    found = locate("lstm_layer", calling("lstm_layer", lstm_layer), shown)
    assert found is None or found.targets == ["a_next"]


def _where(met: Callable[[Any], Any]) -> Program:
    """An RNN cell without the recurrent term where a condition is met."""

    def a_next(v: Any) -> Array:
        without = np.tanh(v.Wax @ v.xt + v.ba)
        return np.asarray(np.where(met(v), without, v.right["a_next"](v)))

    fault = Fault("", "", "", {"rnn_cell_forward": {"a_next": a_next}})
    return mistaken_program("rnn_cell_forward", fault)


@pytest.mark.parametrize(
    ("met", "conditions"),
    [
        (lambda v: True, []),
        (lambda v: v.m >= 9, [Condition("size", "m", "≥", 9)]),
        (lambda v: v.n_x == v.n_a, [Condition("equal", "n_x = n_a", "=", 1)]),
        (lambda v: np.arange(v.m) >= 8, [Condition("index", "sample", "≥", 8)]),
    ],
)
def test_conditions_are_told_from_their_neighbours(met: Any, conditions: list[Condition]) -> None:
    shown = Problem.rnn(n_x=3, n_a=3, n_y=2, m=9, T_x=1, regime="unit")
    found = locate("rnn_cell_forward", _where(met), shown)
    assert found
    assert found.how == Replacement("Waa a_prev", function="zero")
    assert found.conditions is not None
    assert [*found.conditions] == conditions


@pytest.mark.parametrize(
    ("changes", "how"),
    [
        (
            {"ft": lambda v: sigmoid(v.zf + 0.1 * v.c_prev)},
            Replacement("zf", source="c_prev", function="added", number=0.1),
        ),
        (
            {"a_next": lambda v: v.right["a_next"](v) - 0.5 * v.a_prev},
            Replacement("a_next", source="a_prev", function="added", number=-0.5),
        ),
        (
            {"cct": lambda v: np.tanh(v.Wc @ np.concatenate([v.ft * v.a_prev, v.xt]) + v.bc)},
            Replacement("a_prev", source="ft", function="multiplied"),
        ),
        (
            {"c_next": lambda v: np.minimum(v.right["c_next"](v), 0.75)},
            Replacement("c_next", function="at most", number=0.75),
        ),
        (
            {"ft": lambda v: sigmoid(np.maximum(v.zf, -0.5))},
            Replacement("zf", function="at least", number=-0.5),
        ),
    ],
)
def test_a_change_of_one_equation_is_located(changes: Any, how: Replacement) -> None:
    program = mistaken_program("lstm_cell_forward", Fault("", "", "", {"lstm_cell_forward": changes}))
    found = locate("lstm_cell_forward", program, Problem.lstm(n_x=2, n_a=3, n_y=2, m=2, T_x=1, regime="unit"))
    assert found
    assert (found.how, found.conditions) == (how, ())


def test_nothing_is_blamed_that_is_right_in_the_shown_problem() -> None:
    """Both tanh of an LSTM are wrong near 0. In the shown problem, only c_next is so small."""

    def series(z: Array) -> Array:
        return np.where(np.abs(z) < 0.02, z - z**3 / 3, np.tanh(z))

    changes = {"cct": lambda v: series(v.zc), "a_next": lambda v: v.ot * series(v.c_next)}
    program = mistaken_program("lstm_cell_forward", Fault("", "", "", {"lstm_cell_forward": changes}))
    shown = Problem.lstm(n_x=1, n_a=1, n_y=1, m=1, T_x=1, regime="ternary", seed=13)
    assert locate("lstm_cell_forward", program, shown) is None


def test_a_result_is_not_blamed_alone_if_an_earlier_one_is_wrong_in_other_cases() -> None:
    """A stack of three gates whose last rows have tanh: for one unit, these are the rows of two gates."""

    def with_tanh(z: str, most: int) -> Callable[[Any], Any]:
        right = {"zf": "ft", "zo": "ot"}[z]
        return lambda v: np.where(len(v.a_prev) <= most, np.tanh(getattr(v, z)), v.right[right](v))

    changes = {"ft": with_tanh("zf", 1), "ot": with_tanh("zo", 16)}
    program = mistaken_program("lstm_cell_forward", Fault("", "", "", {"lstm_cell_forward": changes}))
    shown = Problem.lstm(n_x=2, n_a=3, n_y=2, m=2, T_x=1, regime="unit")
    location = locate("lstm_cell_forward", program, shown)
    assert location
    assert location.targets == ["ft", "ot"]
    assert location.how is None


def until_the_state_settles(x: Array, a0: Array, parameters: Any) -> Any:
    """After a step that changes no state, all states and predictions are those of this step."""
    a, y, (entries, _) = reference.rnn_forward(x, a0, parameters)
    before = np.concatenate([a0[:, :, None], a[:, :, :-1]], axis=2)
    for t in np.flatnonzero((a == before).all(axis=(0, 1)))[:1]:
        a[:, :, t:], y[:, :, t:] = a[:, :, t : t + 1], y[:, :, t : t + 1]
    return a, y, (entries, x)


def test_two_conditions_are_not_told_unless_new_problems_show_that_both_matter() -> None:
    """In the problems of the search, exactly the wrong elements meet `z < -93 and n_a = m`."""
    shown = Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=3, regime="huge", seed=7)
    program = calling("rnn_forward", until_the_state_settles)
    found = locate("rnn_forward", program, shown, Limits(caches=False))
    assert found
    assert found.conditions is None


def test_conditions_are_tested_also_where_some_problems_do_not_show_the_gate() -> None:
    """In float64, the cached gates are those of the states; in float32, x is cut, which no cache shows."""
    shown = Problem.of("lstm_forward", **SIZES, dtype="float32")
    changes = {"xt": lambda v: bfloat16(v.x[:, :, v.t], np.trunc) if v.x.itemsize == 4 else v.x[:, :, v.t]}
    program = mistaken_program("lstm_forward", Fault("", "", "", {"lstm_forward": changes}))
    found = locate("lstm_forward", program, shown)
    assert found
    assert found.how


def test_a_limit_of_a_saturated_gate_is_told_as_the_round_number() -> None:
    """A gate of 1 - 9e-14 implies an argument of 30.001."""

    def clipped(z: Array) -> Array:
        return sigmoid(np.clip(z, -30, 30))

    changes = {gate: lambda v, gate=gate: clipped(getattr(v, f"z{gate[0]}")) for gate in ("ft", "it", "ot")}
    program = mistaken_program("lstm_forward", Fault("", "", "", {"lstm_forward": changes}))
    found = locate("lstm_forward", program, Problem.of("lstm_forward", **SIZES, regime="counting", seed=2))
    assert found
    assert found.how
    assert (found.how.function, found.how.number) == ("clipped", 30)


@pytest.mark.parametrize("is_right", [True, False])
def test_no_equation_is_blamed_that_holds_in_the_cache(is_right: bool) -> None:
    """The hidden state follows from a memory state of three decimals. The cached one may have more."""

    def lstm_cell_forward(xt: Array, a_prev: Array, c_prev: Array, parameters: Any) -> Any:
        _, c, y, cache = reference.lstm_cell_forward(xt, a_prev, c_prev, parameters)
        c, ot = np.round(c, 3), cache[7]
        a = ot * np.tanh(c)
        return a, c, y, cache if is_right else (a, c, *cache[2:])

    function = "lstm_cell_forward"
    found = locate(
        function, calling(function, lstm_cell_forward), Problem.of(function, **{**SIZES, "T_x": 1})
    )
    assert (found is None) == is_right
