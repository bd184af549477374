"""Tests of side effects: arguments written to, outputs overwritten later, parameters read by position."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import reference
from oracle.explanations.behaviour import Behaviour
from oracle.explanations.catalogue_search import diagnose
from oracle.explanations.claims import mistake
from oracle.faults import FAULTS, Fault
from oracle.problems.problem import Problem
from oracle.tests.answers import program, side_effect, small, with_everything

BY_PLACE = {
    "rnn_cell_forward": ["Waa", "Wax", "ba", "Wya", "by"],
    "lstm_cell_forward": ["Wf", "bf", "Wi", "bi", "Wo", "bo", "Wc", "bc", "Wy", "by"],
}


@pytest.mark.parametrize("function", BY_PLACE)
def test_parameters_read_by_position_are_found(function: str) -> None:
    def cell(*arguments: Any) -> Any:
        *states, parameters = arguments
        by_place = dict(zip(BY_PLACE[function], parameters.values(), strict=True))
        return getattr(reference, function)(*states, by_place)

    ask = program(function, SimpleNamespace(**{function: cell}))
    assert side_effect(function, ask, small(function)) == [
        "the answer depends on the order of the parameters in their dict"
    ]


def test_an_array_that_two_calls_return_is_found() -> None:
    kept: dict[Any, Any] = {}

    def rnn_cell_forward(*arguments: Any) -> Any:
        a, y, cache = reference.rnn_cell_forward(*arguments)
        returned = kept.setdefault(a.shape, a.copy())
        returned[...] = a
        return returned, y, cache

    ask = program("rnn_cell_forward", SimpleNamespace(rnn_cell_forward=rnn_cell_forward))
    overwrites = ["a later call overwrites the a_next of an earlier call"]
    assert side_effect("rnn_cell_forward", ask, small("rnn_cell_forward")) == overwrites


def test_one_random_answer_does_not_count_as_overwritten() -> None:
    odd = iter([True])

    def ask(inputs: Any, then: Any = None) -> Any:
        a, y, cache = reference.rnn_cell_forward(*inputs.arguments("rnn_cell_forward"))
        if then and next(odd, False):
            a = a + 0.001
        given = inputs.arguments("rnn_cell_forward")
        return Behaviour.of("rnn_cell_forward", (a, y, (a, *cache[1:])), given)

    differ = ["two calls with equal arguments give different answers"]
    assert side_effect("rnn_cell_forward", ask, small("rnn_cell_forward")) == differ


def test_caches_that_later_calls_overwrite_are_found() -> None:
    kept: dict[Any, Any] = {}

    def lstm_cell_forward(xt: Any, a_prev: Any, c_prev: Any, parameters: Any) -> Any:
        *outputs, cache = reference.lstm_cell_forward(xt, a_prev, c_prev, parameters)
        concat = np.concatenate([a_prev, xt])
        buffer = kept.setdefault((concat.shape, concat.dtype), concat.copy())
        buffer[...] = concat
        n_a = len(a_prev)
        return *outputs, (*cache[:2], buffer[:n_a], *cache[3:8], buffer[n_a:], cache[9])

    ask = program("lstm_cell_forward", SimpleNamespace(lstm_cell_forward=lstm_cell_forward))
    overwrites = ["a later call overwrites the caches of an earlier call"]
    assert side_effect("lstm_cell_forward", ask, small("lstm_cell_forward")) == overwrites


def _last_state_kept(x: Any, a0: Any, parameters: Any) -> Any:
    a, y, caches = reference.rnn_forward(x, a0, parameters)
    a0[...] = a[..., -1]
    return a, y, caches


def _doing(change: Callable[[Any, Any], object]) -> Callable[..., Any]:
    """A cell that changes its state or its parameters at the end of the call."""

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
        (_last_state_kept, "a0"),
        (_doing(_halved), "parameters['Waa'], parameters['Wax']"),
        (_doing(lambda a_prev, p: p.pop("by")), "parameters['by']"),
        (_doing(lambda a_prev, p: p.update(kept={"a": [1.0]})), "parameters['kept']"),
        (_doing(lambda a_prev, p: np.multiply(a_prev, len(a_prev) + a_prev.shape[1], out=a_prev)), "a_prev"),
    ],
)
def test_arguments_that_a_call_writes_to_are_found(made: Callable[..., Any], written: str) -> None:
    function = "rnn_forward" if made is _last_state_kept else "rnn_cell_forward"
    ask = program(function, SimpleNamespace(**{function: made}))
    assert side_effect(function, ask, small(function)) == [f"it writes to {written}"]


def test_caches_that_share_an_overwritten_argument_name_no_mistake() -> None:
    """The first cached state is the argument that the call writes to, not a view of the output."""

    def rnn_forward(x: Any, a0: Any, parameters: Any) -> Any:
        a, y, (caches, _) = reference.rnn_forward(x, a0, parameters)
        a0[...] = a[:, :, -1]
        return a, y, ([(caches[0][0], a0, *caches[0][2:]), *caches[1:]], x)

    ask = program("rnn_forward", SimpleNamespace(rnn_forward=rnn_forward))
    assert diagnose("rnn_forward", ask, small("rnn_forward")) == []


def test_an_answer_that_changes_after_the_call_is_found() -> None:
    fault = FAULTS["a_reused"]
    ask = program("lstm_forward", Fault(fault.name, "none", "", fault.changes))
    assert diagnose("lstm_forward", ask, small("lstm_forward")) == [mistake(fault.name)]


FEW = Problem.of("lstm_layer", n_x=1, n_a=2, m=1, T_x=2, regime="ternary").inputs("lstm_layer")


def test_parameters_that_a_layer_reads_by_position_are_found() -> None:
    def lstm_layer(x: Any, a0: Any, c0: Any, parameters: Any, options: Any) -> Any:
        names = ["Wf", "bf", "Wi", "bi", "Wc", "bc", "Wo", "bo"]
        by_place = [dict(zip(names, p.values(), strict=True)) for p in parameters]
        return reference.lstm_layer(x, a0, c0, by_place, options)

    ask = program("lstm_layer", SimpleNamespace(lstm_layer=lstm_layer))
    assert side_effect(
        "lstm_layer",
        ask,
        FEW,
    ) == ["the answer depends on the order of the parameters in their dict"]


@pytest.mark.parametrize(
    ("name", "key"),
    [("x", ""), ("parameters", "['ba']"), ("options", "['lengths']")],
    ids=["x", "parameters", "options"],
)
def test_arguments_that_a_layer_writes_to_are_found(name: str, key: str) -> None:
    def rnn_layer(x: Any, a0: Any, parameters: Any, options: Any) -> Any:
        answer = reference.rnn_layer(x, a0, parameters, options)
        {"x": x, "parameters": parameters[-1]["ba"], "options": options.get("lengths", x)}[name][...] = 1
        return answer

    ask = program("rnn_layer", SimpleNamespace(rnn_layer=rnn_layer))
    inputs = replace(with_everything("rnn_layer"), lengths="with T_x").inputs("rnn_layer")
    assert side_effect("rnn_layer", ask, inputs) == [f"it writes to {name}{key}"]


def test_outputs_of_a_layer_that_later_calls_overwrite_are_found() -> None:
    kept: dict[Any, Any] = {}

    def rnn_layer(*arguments: Any) -> Any:
        a, a_last = reference.rnn_layer(*arguments)
        returned = kept.setdefault(a.shape, a.copy())
        returned[...] = a
        return returned, a_last

    ask = program("rnn_layer", SimpleNamespace(rnn_layer=rnn_layer))
    overwrites = ["a later call overwrites the a of an earlier call"]
    assert side_effect("rnn_layer", ask, with_everything("rnn_layer").inputs("rnn_layer")) == overwrites
