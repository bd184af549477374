from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import reference
from oracle.problems.problem import Problem
from oracle.processes.codec import CodecError, Foreign
from properties.implementations.calls import Raised, Request, Returned
from properties.implementations.implementation import Implementation
from reference.contract import CONTRACTS, FUNCTIONS

Implement = Callable[..., Implementation]


def returned(outcome: object) -> Returned:
    """The outcome of a call that returned."""
    assert isinstance(outcome, Returned), outcome
    return outcome


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_reference_answers_as_it_does_here(implement: Implement, function: str) -> None:
    problem = Problem(CONTRACTS[function].kind, n_x=3, n_a=4, n_y=2, m=5, T_x=3)
    with Implementation("reference") as implementation:
        assert implementation.load().functions == dict.fromkeys(CONTRACTS)
        outcome = returned(implementation.call(function, problem.arguments(function)))
    *outputs, cache = getattr(reference, function)(*problem.arguments(function))
    for ours, given in zip(outcome.value, outputs, strict=False):
        assert np.allclose(ours, given, rtol=1e-12)
    step = outcome.value[-1] if CONTRACTS[function].is_cell else outcome.value[-1][0][1]
    expected = cache if CONTRACTS[function].is_cell else cache[0][1]
    assert type(step) is tuple
    assert len(step) == len(expected)
    assert set(step[-1]) == set(expected[-1])


def test_an_answer_may_be_read_after_another_call(implement: Implement, arguments: list[Any]) -> None:
    implementation = implement("""
        import numpy as np
        a = np.zeros((4, 5))
        def rnn_cell_forward(xt, a_prev, parameters):
            a[:] = a_prev
            a_prev[:] = 0
            return a
    """)
    xt, a_prev, parameters = arguments
    at_once = returned(implementation.call("rnn_cell_forward", arguments))
    later = returned(implementation.call("rnn_cell_forward", arguments, then=[[xt, 2 * a_prev, parameters]]))
    assert np.array_equal(at_once.value, a_prev)
    assert np.array_equal(later.value, 2 * a_prev)
    assert not later.arguments[1].any()
    outcome = implementation.call("rnn_cell_forward", arguments, then=[[xt]])
    assert isinstance(outcome, Raised)
    assert outcome.type_name == "TypeError"


def test_arguments_come_back_as_they_are_after_the_call(implement: Implement, arguments: list[Any]) -> None:
    implementation = implement("""
        def rnn_cell_forward(xt, a_prev, parameters):
            xt *= 0
            parameters["ba"][0] = 7
            del parameters["by"]
            parameters["new"] = {1}
            return None
    """)
    before = [array.copy() for array in arguments[:2]]
    outcome = returned(implementation.call("rnn_cell_forward", arguments))
    assert outcome.value is None
    xt, a_prev, parameters = outcome.arguments
    assert not xt.any()
    assert np.array_equal(a_prev, arguments[1])
    assert [*parameters] == ["Wax", "Waa", "Wya", "ba", "new"]
    assert parameters["ba"][0] == 7
    assert parameters["new"] == Foreign("set")
    assert np.array_equal(parameters["Wax"], arguments[2]["Wax"])
    assert all(map(np.array_equal, arguments, before))


@pytest.mark.parametrize(
    ("arrangement", "flags"),
    [  # C-contiguous, Fortran-contiguous, writable, native, equal
        ("C", [True, False, True, True, True]),
        ("fortran", [False, True, True, True, True]),
        ("strided", [False, False, True, True, True]),
        ("reversed", [False, False, True, True, True]),
        ("read-only", [True, False, False, True, True]),
        ("swapped", [True, False, True, False, True]),
    ],
)
def test_arrays_are_laid_out_as_said(
    implement: Implement, arguments: list[Any], arrangement: Any, flags: list[bool]
) -> None:
    implementation = implement("""
        def flags(array, copy):
            f = array.flags
            same = bool((array == copy).all())
            return [f.c_contiguous, f.f_contiguous, f.writeable, array.dtype.isnative, same]
        def rnn_forward(x, copy, parameters):
            return flags(x, copy), flags(parameters["Wax"], copy)
    """)
    matrix = arguments[0]
    call = [matrix, matrix.tolist(), {"Wax": matrix}]
    outcome = returned(implementation.call("rnn_forward", call, arrangement=arrangement))
    assert outcome.value == (flags, flags)
    after, _, parameters = outcome.arguments
    for array in (after, parameters["Wax"]):
        assert np.array_equal(array, matrix)
        assert array.dtype == matrix.dtype


@pytest.mark.parametrize(
    ("key", "in_place"),
    [("id(parameters)", True), ("id(parameters['Wax'])", True), ("id(parameters)", False), ("1", False)],
)
def test_a_call_follows_an_earlier_one_in_the_same_dicts_and_arrays(
    implement: Implement, arguments: list[Any], key: str, in_place: bool
) -> None:
    implementation = implement(f"""
        kept = {{}}
        def rnn_cell_forward(xt, a_prev, parameters):
            return kept.setdefault({key}, parameters["Wax"].copy()), parameters["Wax"].copy(), a_prev
    """)
    xt, a_prev, parameters = arguments
    earlier = [xt, a_prev, {**parameters, "Wax": parameters["Wax"] / 2}]
    reply = returned(implementation.call("rnn_cell_forward", arguments, earlier=earlier, in_place=in_place))
    kept, Wax, a = reply.value
    assert np.array_equal(2 * kept, Wax)
    assert np.array_equal(Wax, parameters["Wax"])
    assert np.array_equal(a, a_prev)
    assert all(np.array_equal(reply.arguments[2][name], each) for name, each in parameters.items())


def test_each_call_of_a_request_has_the_time_of_one(arguments: list[Any]) -> None:
    assert Request("rnn_cell_forward", arguments).calls == 1
    assert Request("rnn_cell_forward", arguments, earlier=arguments).calls == 2
    assert Request("rnn_forward", arguments, parts=[1, 4, 1]).calls == 3


def test_array_likes_become_plain_arrays(implement: Implement, arguments: list[Any]) -> None:
    implementation = implement("""
        import numpy as np
        class Tensor:
            def __array__(self, dtype=None, copy=None):
                return np.ones(2)
        def rnn_cell_forward(xt, a_prev, parameters):
            return xt.astype(xt.dtype.newbyteorder()), [Tensor(), np.float64(1)]
    """)
    outcome = returned(implementation.call("rnn_cell_forward", arguments))
    xt, (tensor, scalar) = outcome.value
    assert xt.dtype.isnative
    assert np.array_equal(xt, arguments[0])
    assert np.array_equal(tensor, [1, 1])
    assert scalar.shape == ()


def test_the_update_gate_may_have_another_name(implement: Implement) -> None:
    implementation = implement("""
        calls = 0
        def lstm_cell_forward(xt, a_prev, c_prev, parameters):
            global calls
            calls += 1
            Wu, bu = parameters["Wu"], parameters["bu"]
            return calls, Wu, bu, (parameters, parameters["Wi"])
        def lstm_forward(x, a0, parameters):
            return parameters["another"]
    """)
    arguments = Problem.lstm(n_x=3, n_a=4, n_y=2, m=5, T_x=1).arguments("lstm_cell_forward")
    for calls in (2, 3):
        outcome = returned(implementation.call("lstm_cell_forward", arguments))
        count, Wu, bu, (cached, Wi) = outcome.value
        assert count == calls
        assert np.array_equal(Wu, arguments[3]["Wi"])
        assert np.array_equal(bu, arguments[3]["bi"])
        assert np.array_equal(Wi, arguments[3]["Wi"])
        assert [*cached] == [*outcome.arguments[3]] == [*arguments[3]]
    raised = implementation.call("lstm_forward", arguments[:2] + arguments[3:])
    assert raised == Raised("KeyError", "'another'", "target.py:9 in lstm_forward")


def test_a_function_that_is_not_there_cannot_be_called(implement: Implement) -> None:
    implementation = implement("def rnn_forward(x, a0, p): return x")
    with pytest.raises(ValueError, match="has no function 'lstm_forward'"):
        implementation.call("lstm_forward", [0, 0, 0])


def test_arguments_that_cannot_be_sent_leave_the_process_as_it_is(implement: Implement) -> None:
    implementation = implement("""
        calls = 0
        def rnn_forward(x, a0, p):
            global calls
            calls += 1
            return calls
    """)
    assert returned(implementation.call("rnn_forward", [0, 0, 0])).value == 1
    with pytest.raises(CodecError, match="integer"):
        implementation.call("rnn_forward", [10**5000, 0, 0])
    assert returned(implementation.call("rnn_forward", [0, 0, 0])).value == 2
