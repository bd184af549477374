"""What the four functions take for numbers, and the precision in which they answer."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.contract import FUNCTIONS, Array
from reference.tests.calls import (
    arguments,
    by_name,
    call,
    every_function,
    refusal,
    replaced,
    returned,
)

INPUTS = [(function, name) for function in FUNCTIONS for name in by_name(function, arguments(function))]
every_input = pytest.mark.parametrize(("function", "name"), INPUTS)


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
