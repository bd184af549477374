"""The table of contracts, and the functions that read it."""

import numpy as np
import pytest
from hypothesis import given

from reference.contract import (
    BACKWARDS,
    CONTRACTS,
    FUNCTIONS,
    LAYERS,
    LAYERS_BACKWARD,
    NETWORKS,
    Contract,
    extent,
    kind_in,
    shape_text,
)
from reference.tests.calls import arguments, by_name, every_function, replaced, seeds, some
from reference.validation import validate


def test_extent() -> None:
    numbers = {"n_a": 5, "n_x": 3}
    assert [extent(size, numbers) for size in ("n_a", "n_a + n_x", 1)] == [5, 8, 1]


def test_shape_text() -> None:
    assert shape_text(("n_a", "n_a + n_x")) == "(n_a, n_a + n_x)"
    assert shape_text(("n_a", 1)) == "(n_a, 1)"


def test_the_table_equals_the_specification() -> None:
    assert {
        kind: {name: shape_text(shape) for name, shape in network.parameters.items()}
        for kind, network in NETWORKS.items()
    } == {
        "rnn": {
            "Wax": "(n_a, n_x)",
            "Waa": "(n_a, n_a)",
            "Wya": "(n_y, n_a)",
            "ba": "(n_a, 1)",
            "by": "(n_y, 1)",
        },
        "lstm": {
            **dict.fromkeys(("Wf", "Wi", "Wc", "Wo"), "(n_a, n_a + n_x)"),
            **dict.fromkeys(("bf", "bi", "bc", "bo"), "(n_a, 1)"),
            "Wy": "(n_y, n_a)",
            "by": "(n_y, 1)",
        },
    }
    forwards = {name: CONTRACTS[name] for name in (*FUNCTIONS, *LAYERS)}
    assert {name: (list(c.arguments), list(c.outputs), list(c.cache)) for name, c in forwards.items()} == {
        "rnn_cell_forward": (["xt", "a_prev"], ["a_next", "yt_pred"], ["a_next", "a_prev", "xt"]),
        "rnn_forward": (["x", "a0"], ["a", "y_pred"], ["a_next", "a_prev", "xt"]),
        "lstm_cell_forward": (
            ["xt", "a_prev", "c_prev"],
            ["a_next", "c_next", "yt_pred"],
            ["a_next", "c_next", "a_prev", "c_prev", "ft", "it", "cct", "ot", "xt"],
        ),
        "lstm_forward": (
            ["x", "a0"],
            ["a", "y", "c"],
            ["a_next", "c_next", "a_prev", "c_prev", "ft", "it", "cct", "ot", "xt"],
        ),
        "rnn_layer": (["x", "a0"], ["a", "a_last"], []),
        "lstm_layer": (["x", "a0", "c0"], ["a", "a_last", "c_last"], []),
    }


def test_each_gradient_has_the_name_and_shape_of_its_input() -> None:
    by_gates = [f"d{letter}{gate}" for letter in "Wb" for gate in "fico"]
    assert {name: (list(CONTRACTS[name].arguments), list(CONTRACTS[name].outputs)) for name in BACKWARDS} == {
        "rnn_cell_backward": (["da_next"], ["dxt", "da_prev", "dWax", "dWaa", "dba"]),
        "rnn_backward": (["da"], ["dx", "da0", "dWax", "dWaa", "dba"]),
        "lstm_cell_backward": (["da_next", "dc_next"], ["dxt", "da_prev", "dc_prev", *by_gates]),
        "lstm_backward": (["da"], ["dx", "da0", *by_gates]),
    }
    for name in (*BACKWARDS, *LAYERS_BACKWARD):
        contract, forward = CONTRACTS[name], CONTRACTS[CONTRACTS[name].forward]
        given = {**forward.arguments, **contract.parameters}
        for output, shape in contract.outputs.items():
            assert shape == given[output[1:]]
        assert contract.cache == forward.cache


@every_function
@given(sizes=some, seed=seeds)
def test_validate_returns_contiguous_copies_and_the_sizes(
    function: str, sizes: dict[str, int], seed: int
) -> None:
    fitting = arguments(function, sizes, seed)
    fitting = replaced(
        function,
        fitting,
        {name: np.asfortranarray(array) for name, array in by_name(function, fitting).items()},
    )
    arrays, parameters, found = validate(function, fitting[:-1], fitting[-1])
    copies = by_name(function, [*arrays, parameters])
    for name, array in by_name(function, fitting).items():
        np.testing.assert_array_equal(copies[name], array)
        assert copies[name].flags.c_contiguous
        assert not np.shares_memory(copies[name], array)
    assert found == {symbol: number for symbol, number in sizes.items() if symbol in found}
    assert found.keys() == sizes.keys() - ({"T_x"} if CONTRACTS[function].is_cell else set())


def test_a_name_of_no_kind_is_an_error() -> None:
    assert kind_in("lstm_layer") == Contract("lstm", {}, {}, ()).kind == "lstm"
    with pytest.raises(ValueError, match="'gru_forward' is of no kind of network: rnn, lstm"):
        kind_in("gru_forward")
    with pytest.raises(ValueError, match="of no kind"):
        Contract("lstmlike_forward", {}, {}, ()).kind  # noqa: B018
