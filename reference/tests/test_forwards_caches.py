"""The four functions return arrays of the right shapes, and caches with their inputs and outputs."""

import numpy as np
import pytest
from hypothesis import given

from reference.contract import CONTRACTS, extent
from reference.tests.calls import arguments, assert_same, call, cells, every_function, returned, seeds, sizes


@every_function
@given(sizes=sizes, seed=seeds)
def test_shapes_are_those_of_the_table_and_all_numbers_are_finite(
    function: str, sizes: dict[str, int], seed: int
) -> None:
    """The sizes `n_x`, `m` and `T_x` may be 0."""
    contract = CONTRACTS[function]
    answer = call(function, arguments(function, sizes, seed))
    *outputs, caches = answer
    assert len(cells(function, answer)) == (1 if contract.is_cell else sizes["T_x"])
    for arrays, shapes in [
        (outputs, contract.outputs),
        *((cache[:-1], contract.cache) for cache in cells(function, answer)),
    ]:
        assert [array.shape for array in arrays] == [
            tuple(extent(size, sizes) for size in shape) for shape in shapes.values()
        ]
    if not contract.is_cell:
        assert caches[1].shape == (sizes["n_x"], sizes["m"], sizes["T_x"])
    assert all(np.isfinite(array).all() for array in returned(function, answer).values())


@pytest.mark.parametrize(
    ("function", "entries"),
    [
        ("rnn_cell_forward", "a_next a_prev xt parameters"),
        ("rnn_forward", "a_next a_prev xt parameters"),
        ("lstm_cell_forward", "a_next c_next a_prev c_prev ft it cct ot xt parameters"),
        ("lstm_forward", "a_next c_next a_prev c_prev ft it cct ot xt parameters"),
    ],
)
def test_cell_caches_are_named_tuples_in_the_order_of_the_specification(function: str, entries: str) -> None:
    answer = call(function, arguments(function))
    assert type(answer) is tuple
    for cache in cells(function, answer):
        assert isinstance(cache, tuple)
        assert cache._fields == tuple(entries.split())  # type: ignore[attr-defined]
        for entry, name in zip(cache, entries.split(), strict=True):
            assert entry is getattr(cache, name)
    if not CONTRACTS[function].is_cell:
        assert (type(answer[-1]), type(answer[-1][0]), len(answer[-1])) == (tuple, list, 2)


@every_function
@given(sizes=sizes, seed=seeds)
def test_caches_hold_the_inputs_and_the_outputs(function: str, sizes: dict[str, int], seed: int) -> None:
    contract = CONTRACTS[function]
    *given_arrays, parameters = arguments(function, sizes, seed)
    named = dict(zip(contract.arguments, given_arrays, strict=True))
    answer = call(function, [*given_arrays, parameters])
    output = dict(zip(contract.outputs, answer[:-1], strict=True))
    for t, cache in enumerate(cells(function, answer)):
        if contract.is_cell:
            known = {name: array for name, array in {**named, **output}.items() if name in contract.cache}
        else:
            x, a, a0 = named["x"], output["a"], named["a0"]
            known = {"xt": x[:, :, t], "a_next": a[:, :, t], "a_prev": a[:, :, t - 1] if t else a0}
            if "c" in output:
                c = output["c"]
                known |= {"c_next": c[:, :, t], "c_prev": c[:, :, t - 1] if t else np.zeros_like(a0)}
        for name, array in known.items():
            np.testing.assert_array_equal(getattr(cache, name), array, err_msg=name)
        assert_same(cache.parameters, parameters)
    if not contract.is_cell:
        np.testing.assert_array_equal(answer[-1][1], named["x"])
