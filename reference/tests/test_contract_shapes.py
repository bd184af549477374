"""The shapes and parameters that the four functions refuse, and the messages of the errors."""

import re
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from reference.contract import CONTRACTS, Array, extent, shape_text
from reference.tests.calls import (
    SIZES,
    arguments,
    by_name,
    call,
    every_function,
    refusal,
    replaced,
    returned,
    some,
)


@pytest.mark.parametrize(
    ("function", "name", "shape", "expected"),
    [
        ("rnn_cell_forward", "xt", (3,), "(n_x, m)"),
        ("rnn_cell_forward", "a_prev", (4, 5), "(n_a, m) = (4, 4)"),
        ("rnn_cell_forward", 'parameters["Wax"]', (3, 5), "(n_a, n_x) = (5, 3)"),
        ("rnn_cell_forward", 'parameters["Waa"]', (5, 6), "(n_a, n_a) = (5, 5)"),
        ("rnn_cell_forward", 'parameters["Wya"]', (2,), "(n_y, n_a) = (n_y, 5)"),
        ("rnn_cell_forward", 'parameters["Wya"]', (5, 2), "(n_y, n_a) = (5, 5)"),
        ("rnn_cell_forward", 'parameters["ba"]', (5,), "(n_a, 1) = (5, 1)"),
        ("rnn_cell_forward", 'parameters["ba"]', (), "(n_a, 1) = (5, 1)"),
        ("rnn_cell_forward", 'parameters["ba"]', (1, 1), "(n_a, 1) = (5, 1)"),
        ("rnn_cell_forward", 'parameters["ba"]', (5, 4), "(n_a, 1) = (5, 1)"),
        ("rnn_cell_forward", 'parameters["by"]', (1, 2), "(n_y, 1) = (2, 1)"),
        ("rnn_forward", "x", (3, 4), "(n_x, m, T_x)"),
        ("rnn_forward", "a0", (5, 6), "(n_a, m) = (5, 4)"),
        ("rnn_forward", "a0", (5, 4, 1), "(n_a, m) = (n_a, 4)"),
        ("rnn_forward", 'parameters["ba"]', (5,), "(n_a, 1) = (5, 1)"),
        ("lstm_cell_forward", "c_prev", (5, 1), "(n_a, m) = (5, 4)"),
        ("lstm_cell_forward", 'parameters["Wf"]', (5, 3), "(n_a, n_a + n_x) = (5, 8)"),
        ("lstm_cell_forward", 'parameters["bc"]', (5, 8), "(n_a, 1) = (5, 1)"),
        ("lstm_forward", 'parameters["Wo"]', (8, 5), "(n_a, n_a + n_x) = (5, 8)"),
        ("lstm_forward", 'parameters["bo"]', (5,), "(n_a, 1) = (5, 1)"),
        ("lstm_forward", 'parameters["Wy"]', (2, 6), "(n_y, n_a) = (2, 5)"),
    ],
)
def test_a_wrong_shape_is_named_in_symbols_and_numbers(
    function: str, name: str, shape: tuple[int, ...], expected: str
) -> None:
    wrong = replaced(function, arguments(function), {name: np.ones(shape)})
    with refusal(ValueError, f"{function}: {name} has shape {shape}, expected {expected}"):
        call(function, wrong)


def misshapen(array: Array) -> list[Array]:
    """Arrays with one axis more, less, longer, shorter, or exchanged; the axis of T_x does not change."""
    changed = [array[np.newaxis], array[..., np.newaxis], array.swapaxes(0, 1)]
    for axis in range(2):
        changed += [array.take(0, axis), np.concatenate([array, array], axis), np.delete(array, 0, axis)]
    return [other for other in changed if other.shape != array.shape]


@every_function
@given(sizes=some)
def test_every_wrong_shape_is_refused(function: str, sizes: dict[str, int]) -> None:
    fitting = arguments(function, sizes)
    for name, array in by_name(function, fitting).items():
        for other in misshapen(array):
            wrong = replaced(function, fitting, {name: other})
            # If two inputs contradict each other, the message may name either of the two.
            with pytest.raises(
                ValueError, match=rf"^{function}: \S+ has shape \(.*\), expected \("
            ) as refused:
                call(function, wrong)
            named, has = re.findall(r": (\S+) has shape (\(.*\)), expected", str(refused.value))[0]
            assert str(by_name(function, wrong)[named].shape) == has


@pytest.mark.parametrize(
    ("function", "empty", "message"),
    [
        ("rnn_cell_forward", "n_a", "a_prev has shape (0, 4), expected (n_a, m) with n_a at least 1"),
        ("rnn_forward", "n_a", "a0 has shape (0, 4), expected (n_a, m) with n_a at least 1"),
        ("lstm_cell_forward", "n_a", "a_prev has shape (0, 4), expected (n_a, m) with n_a at least 1"),
        ("lstm_forward", "n_a", "a0 has shape (0, 4), expected (n_a, m) with n_a at least 1"),
        (
            "rnn_cell_forward",
            "n_y",
            'parameters["Wya"] has shape (0, 5), expected (n_y, n_a) with n_y at least 1',
        ),
        ("rnn_forward", "n_y", 'parameters["Wya"] has shape (0, 5), expected (n_y, n_a) with n_y at least 1'),
        (
            "lstm_cell_forward",
            "n_y",
            'parameters["Wy"] has shape (0, 5), expected (n_y, n_a) with n_y at least 1',
        ),
        ("lstm_forward", "n_y", 'parameters["Wy"] has shape (0, 5), expected (n_y, n_a) with n_y at least 1'),
    ],
)
def test_no_hidden_units_and_no_classes_are_refused(function: str, empty: str, message: str) -> None:
    with refusal(ValueError, f"{function}: {message}"):
        call(function, arguments(function, {**SIZES, empty: 0}))


@every_function
def test_a_missing_parameter_is_named_with_its_shape_and_the_present_parameters(function: str) -> None:
    *arrays, parameters = arguments(function)
    for name, shape in CONTRACTS[function].parameters.items():
        if "n_y" in shape and name.startswith("W"):
            expected = f"{shape_text(shape)} = (n_y, 5)"
        else:
            expected = f"{shape_text(shape)} = {tuple(extent(size, SIZES) for size in shape)}"
        present = {other: array for other, array in parameters.items() if other != name}
        with refusal(
            ValueError, f"{function}: parameters has {list(present)}, expected also {name!r} {expected}"
        ):
            call(function, [*arrays, present])


@every_function
@pytest.mark.parametrize("wrong", [None, [], "Wax", np.ones((5, 5)), 3.0])
def test_parameters_other_than_a_mapping_are_refused(function: str, wrong: Any) -> None:
    *arrays, _ = arguments(function)
    message = f"{function}: parameters is a {type(wrong).__name__}, expected a dict of arrays"
    with refusal(TypeError, message):
        call(function, [*arrays, wrong])


@every_function
def test_the_order_of_the_parameters_and_unknown_parameters_have_no_effect(function: str) -> None:
    *arrays, parameters = arguments(function)
    shuffled = OrderedDict(more=None, **dict(reversed(parameters.items())))
    expected = returned(function, call(function, [*arrays, parameters]))
    for name, array in returned(function, call(function, [*arrays, shuffled])).items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)
