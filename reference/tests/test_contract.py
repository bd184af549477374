"""What the four functions refuse and in which words, and the precision in which they answer."""

import re
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.contract import CONTRACTS, PARAMETERS, Array, extent, in_symbols, validate
from reference.tests.inputs import FUNCTIONS, SIZES, arguments, by_name, call, replaced, returned, seeds, some

INPUTS = [(function, name) for function in FUNCTIONS for name in by_name(function, arguments(function))]
every_function = pytest.mark.parametrize("function", FUNCTIONS)
every_input = pytest.mark.parametrize(("function", "name"), INPUTS)


def refusal(error: type[Exception], message: str) -> Any:
    return pytest.raises(error, match=f"^{re.escape(message)}$")


# shapes


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
    """An array with an axis too many or too few, longer, shorter or exchanged; T_x is left alone."""
    changed = [array[np.newaxis], array[..., np.newaxis], array.swapaxes(0, 1)]
    for axis in range(2):
        changed += [array.take(0, axis), np.concatenate([array, array], axis), np.delete(array, 0, axis)]
    return [other for other in changed if other.shape != array.shape]


@every_function
@given(sizes=some)
def test_no_wrong_shape_is_let_through(function: str, sizes: dict[str, int]) -> None:
    fitting = arguments(function, sizes)
    for name, array in by_name(function, fitting).items():
        for other in misshapen(array):
            wrong = replaced(function, fitting, {name: other})
            # Where one input contradicts another, either may be the one named.
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


# parameters


@every_function
def test_a_missing_parameter_is_named_with_its_shape_and_those_that_are_there(function: str) -> None:
    *arrays, parameters = arguments(function)
    for name, shape in CONTRACTS[function].parameters.items():
        if "n_y" in shape and name.startswith("W"):
            expected = f"{in_symbols(shape)} = (n_y, 5)"
        else:
            expected = f"{in_symbols(shape)} = {tuple(extent(size, SIZES) for size in shape)}"
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
def test_the_order_of_the_parameters_and_others_beside_them_do_not_matter(function: str) -> None:
    *arrays, parameters = arguments(function)
    shuffled = OrderedDict(more=None, **dict(reversed(parameters.items())))
    expected = returned(function, call(function, [*arrays, parameters]))
    for name, array in returned(function, call(function, [*arrays, shuffled])).items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


# numbers


@every_input
@pytest.mark.parametrize(
    ("wrong", "dtype"),
    [
        (["one", "two"], "<U3"),
        (b"bytes", "|S5"),
        (np.ones((5, 1), complex), "complex128"),
        (np.ones((5, 1), object), "object"),
        (np.ones((5, 1), "m8[s]"), "timedelta64[s]"),
        (None, "object"),
    ],
    ids=["strings", "bytes", "complex", "object", "time", "None"],
)
def test_what_is_not_a_real_number_is_refused(function: str, name: str, wrong: Any, dtype: str) -> None:
    with refusal(TypeError, f"{function}: {name} has dtype {dtype}, expected real numbers"):
        call(function, replaced(function, arguments(function), {name: wrong}))


@every_input
def test_a_ragged_list_is_refused(function: str, name: str) -> None:
    message = re.escape(f"{function}: {name} is not an array of numbers: ")
    with pytest.raises(TypeError, match=f"^{message}.*inhomogeneous shape"):
        call(function, replaced(function, arguments(function), {name: [[1.0, 2.0], [3.0]]}))


class OnAnotherDevice:
    """As a tensor on a GPU, it is no array and says why."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        raise TypeError("copy it to the host first")


@every_input
def test_what_refuses_to_be_an_array_is_named(function: str, name: str) -> None:
    with refusal(TypeError, f"{function}: {name} is not an array of numbers: copy it to the host first"):
        call(function, replaced(function, arguments(function), {name: OnAnotherDevice()}))


def nested_lists(function: str, given: list[Any]) -> list[Any]:
    return replaced(
        function, given, {name: array.tolist() for name, array in by_name(function, given).items()}
    )


@every_function
def test_nested_lists_are_arrays(function: str) -> None:
    fitting = arguments(function)
    expected = returned(function, call(function, fitting))
    for name, array in returned(function, call(function, nested_lists(function, fitting))).items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


# precision


@every_function
@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        *((dtype, dtype) for dtype in ("float16", "float32", "float64", "longdouble")),
        *((dtype, "float64") for dtype in ("bool", "int8", "int32", "int64", "uint64")),
        *((swapped, swapped[1:]) for swapped in (">f2", ">f4", ">f8", "<f4")),
        (">i4", "float64"),
    ],
)
def test_floating_inputs_keep_their_precision_and_others_become_float64(
    function: str, dtype: str, expected: str
) -> None:
    fitting = arguments(function)
    drawn = {name: np.abs(3 * array).astype(dtype) for name, array in by_name(function, fitting).items()}
    answer = returned(function, call(function, replaced(function, fitting, drawn)))
    assert {str(array.dtype) for array in answer.values()} == {str(np.dtype(expected))}
    # the same numbers, converted beforehand
    converted = {name: array.astype(expected) for name, array in drawn.items()}
    same = returned(function, call(function, replaced(function, fitting, converted)))
    for name, array in answer.items():
        np.testing.assert_array_equal(array, same[name], err_msg=name)


@every_function
@given(data=st.data())
def test_mixed_inputs_follow_numpy(function: str, data: st.DataObject) -> None:
    dtypes = st.sampled_from(["bool", "int8", "uint16", "int64", "float16", "float32", "float64", ">f4"])
    fitting = arguments(function)
    drawn = {
        name: np.abs(array).astype(data.draw(dtypes)) for name, array in by_name(function, fitting).items()
    }
    expected = np.result_type(*drawn.values())
    if expected.kind != "f":
        expected = np.dtype(np.float64)
    answer = returned(function, call(function, replaced(function, fitting, drawn)))
    assert {array.dtype for array in answer.values()} == {expected.newbyteorder("=")}


# the table and what reads it


def test_extent() -> None:
    numbers = {"n_a": 5, "n_x": 3}
    assert [extent(size, numbers) for size in ("n_a", "n_a + n_x", 1)] == [5, 8, 1]


def test_in_symbols() -> None:
    assert in_symbols(("n_a", "n_a + n_x")) == "(n_a, n_a + n_x)"
    assert in_symbols(("n_a", 1)) == "(n_a, 1)"


def test_the_table_is_that_of_the_specification() -> None:
    assert {
        kind: {name: in_symbols(shape) for name, shape in shapes.items()}
        for kind, shapes in PARAMETERS.items()
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
    assert {name: (list(c.arguments), list(c.outputs), list(c.cache)) for name, c in CONTRACTS.items()} == {
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
    }


@every_function
@given(sizes=some, seed=seeds)
def test_validate_hands_back_copies_in_one_piece_and_the_sizes(
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
