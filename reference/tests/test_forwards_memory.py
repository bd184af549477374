"""The memory layout of inputs has no effect, and results share no memory with inputs."""

from collections.abc import Callable

import numpy as np
from hypothesis import given, note

from reference.contract import CONTRACTS, Array
from reference.tests.calls import (
    arguments,
    assert_same,
    by_name,
    call,
    every_function,
    replaced,
    returned,
    seeds,
    sizes,
    some,
)


def copied(arrays: dict[str, Array]) -> dict[str, Array]:
    return {name: array.copy() for name, array in arrays.items()}


def strided(array: Array) -> Array:
    """Every other entry of a larger array."""
    larger = np.full([2 * size + 1 for size in array.shape], np.nan)
    view = larger[tuple(slice(1, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def read_only(array: Array) -> Array:
    array = array.copy()
    array.flags.writeable = False
    return array


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "Fortran-ordered": np.asfortranarray,
    "strided": strided,
    "reversed": lambda array: array[::-1].copy()[::-1],
    "read-only": read_only,
    "big-endian": lambda array: array.astype(">f8"),
    "little-endian": lambda array: array.astype("<f8"),
}


@every_function
@given(sizes=sizes, seed=seeds)
def test_the_memory_layout_of_an_input_has_no_effect(function: str, sizes: dict[str, int], seed: int) -> None:
    plain = arguments(function, sizes, seed)
    expected = returned(function, call(function, plain))
    for layout, lay_out in LAYOUTS.items():
        note(layout)
        laid_out = {name: lay_out(array) for name, array in by_name(function, plain).items()}
        answer = returned(function, call(function, replaced(function, plain, laid_out)))
        assert_same(answer, expected)
        assert all(array.flags.writeable for array in answer.values())


@every_function
@given(sizes=sizes, seed=seeds)
def test_inputs_are_not_modified(function: str, sizes: dict[str, int], seed: int) -> None:
    fitting = arguments(function, sizes, seed)
    entries = dict(fitting[-1])
    before = copied(by_name(function, fitting))
    call(function, fitting)
    assert_same(by_name(function, fitting), before)
    assert list(fitting[-1]) == list(entries)
    assert all(fitting[-1][name] is array for name, array in entries.items())


def overwrite(arrays: dict[str, Array]) -> None:
    for array in arrays.values():
        array[...] = np.nan


@every_function
@given(sizes=some, seed=seeds)
def test_later_writes_to_the_inputs_change_no_answer(function: str, sizes: dict[str, int], seed: int) -> None:
    fitting = arguments(function, sizes, seed)
    answer = call(function, fitting)
    before = copied(returned(function, answer))
    overwrite(by_name(function, fitting))
    fitting[-1].clear()
    assert_same(returned(function, answer), before)


@every_function
@given(sizes=some, seed=seeds)
def test_a_write_to_an_output_changes_no_input_no_other_output_and_no_cache(
    function: str, sizes: dict[str, int], seed: int
) -> None:
    """The sizes include one sample and one step, for which a transposed view is contiguous."""
    fitting = arguments(function, sizes, seed)
    inputs = copied(by_name(function, fitting))
    answer = call(function, fitting)
    for name in CONTRACTS[function].outputs:
        rest = {other: array for other, array in returned(function, answer).items() if other != name}
        before = copied(rest)
        overwrite({name: returned(function, answer)[name]})
        assert_same(rest, before)
    assert_same(by_name(function, fitting), inputs)
