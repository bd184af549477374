"""The diagnosis: right programs have none, two mistakes at once are both named, and chance is recognised."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import oracle.diagnosis.traces
import reference
from oracle.diagnosis.behaviour import Behaviour, Program, mistaken
from oracle.diagnosis.findings import found, mistake
from oracle.diagnosis.names import _asked, _with_counterexample, diagnose, posed_to
from oracle.diagnosis.traces import precision
from oracle.faults import FAULTS, Fault, concerning
from oracle.inputs import Inputs
from oracle.limits import ANYTHING
from oracle.problem import Problem
from oracle.tests.selection import chosen
from reference.contract import CONTRACTS, FUNCTIONS

PAIRS = [
    ("rnn_cell_forward", "biases_missing", "softmax_over_samples"),
    ("rnn_cell_forward", "a_weights_transposed", "head_from_a_prev"),
    ("rnn_forward", "x_above_a", "no_softmax"),
    ("rnn_forward", "head_bias_missing", "a0_ignored"),
    ("rnn_forward", "biases_doubled", "every_step_from_a0"),
    ("rnn_forward", "time_reversed", "caches_empty"),
    ("rnn_forward", "sigmoid_for_softmax", "last_cache_alone"),
    ("lstm_cell_forward", "update_and_forget_gates_exchanged", "output_bias_missing"),
    ("lstm_cell_forward", "x_above_a", "candidate_sigmoid"),
    ("lstm_cell_forward", "update_and_output_gates_exchanged", "head_from_a_prev"),
    ("lstm_forward", "tanh_on_c_left_out", "c0_is_a0"),
    ("lstm_forward", "forget_bias_plus_one", "update_gate_missing"),
    ("lstm_forward", "output_gate_left_out", "c_view_cached"),
    ("lstm_forward", "forget_and_candidate_gates_exchanged", "c_reset_every_step"),
]


def small(function: str) -> Inputs:
    kind = CONTRACTS[function].kind
    return Problem(kind, n_x=1, n_a=2, n_y=2, m=1, T_x=2, regime="ternary").inputs(function)


def program(function: str, implementation: Any) -> Program:
    def ask(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        arguments = deepcopy(inputs.arguments(function))
        try:
            value = getattr(implementation, function)(*arguments)
        except (UnboundLocalError, ValueError):
            return Behaviour.of_error()
        if then:
            getattr(implementation, function)(*deepcopy(then.arguments(function)))
        return Behaviour.of(function, value, arguments)

    return ask


def diagnosis(function: str, implementation: Any) -> list[str]:
    return [each.words for each in diagnose(function, program(function, implementation), small(function))]


NEARLY = found("nearly").words


def manners(*asked: Any) -> list[str]:
    """What is wrong with the way it answers, in words."""
    known = oracle.diagnosis.traces.manners(*asked)
    return [known.words] if known else []


def traces(*asked: Any) -> str:
    """What else is known, in words."""
    known = oracle.diagnosis.traces.traces(*asked)
    return known.words if known else ""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_right_looks_like_no_mistake(function: str) -> None:
    assert diagnosis(function, reference) == []
    assert manners(function, program(function, reference), small(function)) == []
    assert traces(function, program(function, reference), small(function)) == NEARLY


@pytest.mark.parametrize("function", FUNCTIONS)
def test_of_what_raises_and_of_what_leaves_the_outputs_right_little_is_known(function: str) -> None:
    assert traces(function, lambda _, then=None: Behaviour.of_error(), small(function)) == ""
    overwritten = FAULTS["state_overwritten"]
    assert "goes away" not in traces(function, mistaken(function, overwritten), small(function))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_wrong_outputs_do_not_explain_caches_of_another_form(function: str) -> None:
    def forgetful(*arguments: Any) -> Any:
        *outputs, _ = getattr(FAULTS["relu_for_tanh"], function)(*arguments)
        return *outputs, "no caches"

    ask = program(function, SimpleNamespace(**{function: forgetful}))
    assert diagnose(function, ask, small(function))[0] == mistake("relu_for_tanh")
    assert diagnose(function, ask, small(function), whole=True) == []


@pytest.mark.parametrize(("function", "one", "two"), PAIRS)
def test_two_mistakes_at_once_are_both_named(function: str, one: str, two: str) -> None:
    pair = FAULTS[one] + FAULTS[two]
    assert diagnosis(function, pair)[0] == pair.sentence


def test_a_pair_is_named_only_where_it_explains_more_than_one_of_the_two() -> None:
    assert diagnosis("rnn_forward", FAULTS["a0_ignored"])[0] == FAULTS["a0_ignored"].sentence
    assert not any(", and " in sentence for sentence in diagnosis("rnn_forward", FAULTS["a0_ignored"]))


class Random:
    """A right cell whose inputs are changed by chance."""

    def __init__(self, change: Callable[[Any, np.random.Generator], Any]) -> None:
        self._change, self._rng = change, np.random.default_rng(3)

    def rnn_cell_forward(self, xt: Any, a_prev: Any, parameters: Any) -> Any:
        changed = self._change(np.concatenate([a_prev, xt]), self._rng)
        a, y, _ = reference.rnn_cell_forward(changed[len(a_prev) :], changed[: len(a_prev)], parameters)
        return a, y, (a, a_prev, xt, parameters)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda v, rng: v + 1e-3 * rng.standard_normal(v.shape), ["noise"]),
        (lambda v, rng: v * (rng.random(v.shape) < 0.5), ["dropout"]),
        (lambda v, rng: v + 1e-1 * rng.standard_normal(v.shape), []),
        (lambda v, rng: v * (rng.random(v.shape) < 0.9), []),
        (lambda v, rng: v * rng.random(v.shape), []),
    ],
    ids=["noise", "dropout", "more noise", "less dropout", "random gains"],
)
def test_chance_is_recognised_by_how_it_spreads(change: Any, names: Sequence[str]) -> None:
    assert diagnosis("rnn_cell_forward", Random(change)) == [FAULTS[name].sentence for name in names]


BY_PLACE = {
    "rnn_cell_forward": ["Waa", "Wax", "ba", "Wya", "by"],
    "lstm_cell_forward": ["Wf", "bf", "Wi", "bi", "Wo", "bo", "Wc", "bc", "Wy", "by"],
}


@pytest.mark.parametrize("function", BY_PLACE)
def test_parameters_taken_by_their_place_are_noticed(function: str) -> None:
    def cell(*arguments: Any) -> Any:
        *states, parameters = arguments
        by_place = dict(zip(BY_PLACE[function], parameters.values(), strict=True))
        return getattr(reference, function)(*states, by_place)

    ask = program(function, SimpleNamespace(**{function: cell}))
    assert manners(function, ask, small(function)) == [
        "the answer depends on the order of the parameters in their dict"
    ]


def test_an_array_that_is_returned_again_is_noticed() -> None:
    kept: dict[Any, Any] = {}

    def rnn_cell_forward(*arguments: Any) -> Any:
        a, y, cache = reference.rnn_cell_forward(*arguments)
        returned = kept.setdefault(a.shape, a.copy())
        returned[...] = a
        return returned, y, cache

    ask = program("rnn_cell_forward", SimpleNamespace(rnn_cell_forward=rnn_cell_forward))
    overwrites = ["a later call overwrites the a_next that an earlier one has returned"]
    assert manners("rnn_cell_forward", ask, small("rnn_cell_forward")) == overwrites


def test_which_entries_of_caches_are_overwritten_is_told() -> None:
    kept: dict[Any, Any] = {}

    def lstm_cell_forward(xt: Any, a_prev: Any, c_prev: Any, parameters: Any) -> Any:
        *outputs, cache = reference.lstm_cell_forward(xt, a_prev, c_prev, parameters)
        concat = np.concatenate([a_prev, xt])
        buffer = kept.setdefault((concat.shape, concat.dtype), concat.copy())
        buffer[...] = concat
        n_a = len(a_prev)
        return *outputs, (*cache[:2], buffer[:n_a], *cache[3:8], buffer[n_a:], cache[9])

    ask = program("lstm_cell_forward", SimpleNamespace(lstm_cell_forward=lstm_cell_forward))
    which = "a later call overwrites the cached a_prev and xt"
    inputs = small("lstm_cell_forward")
    assert manners("lstm_cell_forward", ask, inputs) == [f"{which} that an earlier one has returned"]


def _last_state_kept(x: Any, a0: Any, parameters: Any) -> Any:
    a, y, caches = reference.rnn_forward(x, a0, parameters)
    a0[...] = a[..., -1]
    return a, y, caches


def _doing(change: Callable[[Any, Any], object]) -> Callable[..., Any]:
    """A cell that does something to its state and parameters at its end."""

    def rnn_cell_forward(xt: Any, a_prev: Any, parameters: Any) -> Any:
        a, y, cache = reference.rnn_cell_forward(xt, a_prev, parameters)
        change(a_prev, parameters)
        return a, y, cache

    return rnn_cell_forward


def _halved(a_prev: Any, parameters: Any) -> None:
    for name in ("Waa", "Wax"):
        parameters[name] *= 0.5


@pytest.mark.parametrize(
    ("made", "written"),
    [
        (_last_state_kept, "a0: the last step of what it returns as a"),
        (_doing(_halved), "parameters: Waa, Wax become 0.5 times what was there"),
        (_doing(lambda a_prev, p: p.pop("by")), "parameters: 'by' is gone"),
        (_doing(lambda a_prev, p: p.update(kept={"a": [1.0]})), "parameters: the new key 'kept'"),
        (_doing(lambda a_prev, p: np.multiply(a_prev, len(a_prev) + a_prev.shape[1], out=a_prev)), "a_prev"),
    ],
)
def test_what_is_written_to_arguments_is_told(made: Callable[..., Any], written: str) -> None:
    """Of what hangs on sizes no factor."""
    function = "rnn_forward" if made is _last_state_kept else "rnn_cell_forward"
    ask = program(function, SimpleNamespace(**{function: made}))
    assert manners(function, ask, small(function)) == [f"it writes to {written}"]


def test_caches_that_hold_what_is_written_to_have_no_name_of_their_own() -> None:
    """As the first cached state has, where it is a view of what is returned."""

    def rnn_forward(x: Any, a0: Any, parameters: Any) -> Any:
        a, y, (caches, _) = reference.rnn_forward(x, a0, parameters)
        a0[...] = a[:, :, -1]
        return a, y, ([(caches[0][0], a0, *caches[0][2:]), *caches[1:]], x)

    ask = program("rnn_forward", SimpleNamespace(rnn_forward=rnn_forward))
    assert diagnose("rnn_forward", ask, small("rnn_forward")) == []


def test_of_one_number_it_is_not_told_what_becomes() -> None:
    """It is a multiple of any other, and of what is returned beside it."""

    def rnn_cell_forward(xt: Any, a_prev: Any, parameters: Any) -> Any:
        answer = reference.rnn_cell_forward(xt, a_prev, parameters)
        if xt.shape[1] == len(a_prev) == 1:
            parameters["ba"] += parameters["ba"]
        return answer

    ask = program("rnn_cell_forward", SimpleNamespace(rnn_cell_forward=rnn_cell_forward))
    inputs = Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1, regime="ternary").inputs("rnn_cell_forward")
    assert manners("rnn_cell_forward", ask, inputs) == ["it writes to parameters: ba"]


@pytest.mark.parametrize(("steps", "digits"), [(127, 2), (2**15, 4), (2**40, None)])
def test_to_how_many_digits_it_is_right_is_told_of_weights_that_are_rounded(
    steps: int, digits: int | None
) -> None:
    """As of an LSTM of int8; what is as good as float64 has no such number."""

    def lstm_cell_forward(xt: Any, a_prev: Any, c_prev: Any, p: Any) -> Any:
        most = {name: np.abs(W).max() / steps for name, W in p.items()}
        rounded = {name: np.round(W / most[name]) * most[name] for name, W in p.items()}
        return reference.lstm_cell_forward(xt, a_prev, c_prev, rounded)

    ask = program("lstm_cell_forward", SimpleNamespace(lstm_cell_forward=lstm_cell_forward))
    inputs = Problem.lstm(n_x=2, n_a=3, n_y=2, m=2, T_x=1).inputs("lstm_cell_forward")
    assert precision("lstm_cell_forward", ask, inputs) == (digits and found("digits", digits=digits))


def test_an_answer_that_changes_after_the_call_is_seen() -> None:
    fault = FAULTS["a_reused"]
    assert diagnosis("lstm_forward", Fault(fault.name, "none", "", fault.changes)) == [fault.sentence]


def test_of_what_raises_on_no_steps_alone_nothing_is_named_that_caches_something_else() -> None:
    def rnn_forward(x: Any, a0: Any, parameters: Any) -> Any:
        a, y, (caches, x) = reference.rnn_forward(x, a0, parameters)
        if not caches:
            raise UnboundLocalError("xt")
        return a, y, (caches, x[:, :, -1])

    none = Problem.rnn(n_x=1, n_a=2, n_y=2, m=1, T_x=0).inputs("rnn_forward")
    assert (
        diagnose("rnn_forward", program("rnn_forward", SimpleNamespace(rnn_forward=rnn_forward)), none) == []
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_kept_of_a_mistake_is_what_it_answers(function: str) -> None:
    """Also of one that remembers calls, whatever counterexamples have come before.

    Takes seconds: a quarter of the mistakes answer every question four times.
    """
    posed, other = posed_to(function, small(function)), replace(small(function), x=small(function).x + 1)
    for fault in chosen(concerning(function), lambda fault: fault.group):
        for counterexample in (other, small(function)):
            asked = [*(problem.inputs(function) for problem in posed), counterexample]
            kept = [*_with_counterexample(function, fault, ANYTHING, posed, counterexample)]
            fresh = [*_asked(mistaken(function, fault), asked)]
            if not all(map(Behaviour.is_like, kept, fresh)):  # then it acts at random, which may not show
                again = ([*_asked(mistaken(function, fault), asked)] for _ in range(10))
                assert not all(all(map(Behaviour.is_like, fresh, each)) for each in again), fault.name
