"""The values that the four functions accept as numbers, and the dtypes of their answers."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.contract import Array
from reference.tests.calls import (
    arguments,
    by_name,
    call,
    every_function,
    refusal,
    replaced,
    returned,
)

NOT_NUMBERS = [
    (["one", "two"], "<U3"),
    (b"bytes", "|S5"),
    (np.ones((5, 1), complex), "complex128"),
    (np.ones((5, 1), object), "object"),
    (np.ones((5, 1), "m8[s]"), "timedelta64[s]"),
    (None, "object"),
]
"""Values that are not real numbers, and their dtype."""


class OnAnotherDevice:
    """An object that cannot become an array, and raises an error, like a tensor on a GPU."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        raise TypeError("copy it to the host first")


def each_input_replaced(function: str, value: Any) -> Iterator[tuple[str, list[Any]]]:
    """For each array argument, its name and all arguments with `value` in place of the array."""
    fitting = arguments(function)
    for name in by_name(function, fitting):
        yield name, replaced(function, fitting, {name: value})


@every_function
def test_values_that_are_not_real_numbers_are_refused(function: str) -> None:
    for wrong, dtype in NOT_NUMBERS:
        for name, changed in each_input_replaced(function, wrong):
            with refusal(TypeError, f"{function}: {name} has dtype {dtype}, expected real numbers"):
                call(function, changed)


@every_function
def test_a_ragged_list_is_refused(function: str) -> None:
    for name, changed in each_input_replaced(function, [[1.0, 2.0], [3.0]]):
        message = re.escape(f"{function}: {name} is not an array of numbers: ")
        with pytest.raises(TypeError, match=f"^{message}.*inhomogeneous shape"):
            call(function, changed)


@every_function
def test_an_object_that_cannot_become_an_array_is_named(function: str) -> None:
    for name, changed in each_input_replaced(function, OnAnotherDevice()):
        message = f"{function}: {name} is not an array of numbers: copy it to the host first"
        with refusal(TypeError, message):
            call(function, changed)


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


PRECISIONS = {
    **{dtype: dtype for dtype in ("float16", "float32", "float64", "longdouble")},
    **dict.fromkeys(("bool", "int8", "int32", "int64", "uint64"), "float64"),
    **{swapped: swapped[1:] for swapped in (">f2", ">f4", ">f8", "<f4")},
    ">i4": "float64",
}
"""The dtype of the answer, by the dtype of all inputs."""


@every_function
def test_floating_inputs_keep_their_precision_and_others_become_float64(function: str) -> None:
    fitting = arguments(function)
    for dtype, expected in PRECISIONS.items():
        given = {name: np.abs(3 * array).astype(dtype) for name, array in by_name(function, fitting).items()}
        answer = returned(function, call(function, replaced(function, fitting, given)))
        assert {array.dtype for array in answer.values()} == {np.dtype(expected)}, dtype
        converted = {name: array.astype(expected) for name, array in given.items()}
        same = returned(function, call(function, replaced(function, fitting, converted)))
        for name, array in answer.items():
            np.testing.assert_array_equal(array, same[name], err_msg=f"{name} from {dtype}")


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
