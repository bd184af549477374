"""What the four functions compute: the equations, the edges, and who owns which memory."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, note
from hypothesis import strategies as st

import reference.lstm
import reference.rnn
from reference import lstm_cell_forward, lstm_forward, rnn_cell_forward, rnn_forward
from reference.contract import CONTRACTS, Array, extent
from reference.tests.inputs import (
    FUNCTIONS,
    SIZES,
    arguments,
    by_name,
    call,
    cells,
    replaced,
    returned,
    seeds,
    sizes,
    some,
)

U = 2.0**-53
"""The unit roundoff of float64."""
ETA = 2.0**-1074
"""Its smallest subnormal number."""

every_function = pytest.mark.parametrize("function", FUNCTIONS)
every_cell = pytest.mark.parametrize("function", [name for name in FUNCTIONS if CONTRACTS[name].is_cell])
every_forward = pytest.mark.parametrize(
    "function", [name for name in FUNCTIONS if not CONTRACTS[name].is_cell]
)


def assert_same(actual: dict[str, Array], expected: dict[str, Array]) -> None:
    """Equal to the last bit, name by name; NaN equals NaN."""
    assert actual.keys() == expected.keys()
    for name, array in actual.items():
        np.testing.assert_array_equal(array, expected[name], strict=True, err_msg=name)


def copied(arrays: dict[str, Array]) -> dict[str, Array]:
    return {name: array.copy() for name, array in arrays.items()}


# shapes and caches


@every_function
@given(sizes=sizes, seed=seeds)
def test_shapes_are_those_of_the_table_and_all_is_finite(
    function: str, sizes: dict[str, int], seed: int
) -> None:
    """With `n_x`, `m` or `T_x` zero too."""
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
def test_caches_hold_what_was_given_and_what_was_returned(
    function: str, sizes: dict[str, int], seed: int
) -> None:
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


# values


def affine(W: Array, v: Array, b: Array) -> tuple[Array, Array]:
    """`W v + b`, summed exactly, and how far a floating-point sum may be from it."""
    value = [
        [math.fsum([*(W[i] * v[:, j]).tolist(), b[i, 0]]) for j in range(v.shape[1])] for i in range(len(W))
    ]
    size = np.abs(W) @ np.abs(v) + np.abs(b)
    return np.array(value).reshape(size.shape), (W.shape[1] + 3) * (U * size + ETA)


def logistic(z: float) -> float:
    return math.exp(min(z, 0)) / (1 + math.exp(-abs(z)))


def elementwise(function: Callable[[float], float], z: Array) -> Array:
    return np.array([function(term) for term in z.ravel().tolist()]).reshape(z.shape)


def assert_predictions(yt_pred: Array, a_next: Array, Wy: Array, by: Array) -> None:
    """The softmax, by its quotient of exponentials, of the state at hand."""
    z, error = affine(Wy, a_next, by)
    for actual, logits, allowed in zip(yt_pred.T, z.T, error.max(axis=0, initial=0), strict=True):
        true = [1 / math.fsum(math.exp(min(other - term, 700)) for other in logits) for term in logits]
        np.testing.assert_allclose(actual, true, rtol=math.expm1(2 * allowed) + 2000 * U, atol=1e-300)


@st.composite
def scaled(draw: st.DrawFn, function: str) -> list[Any]:
    """Arguments of every magnitude: subnormal, ordinary, and up to pre-activations of 1e4."""
    drawn = arguments(function, draw(some), draw(seeds))
    powers = st.sampled_from([-320, -310, -160, -8, 0, 0, 0, 1, 2])
    return replaced(
        function,
        drawn,
        {name: array * 10.0 ** draw(powers) for name, array in by_name(function, drawn).items()},
    )


def assert_within(allowed: Array, actual: Array, true: Array) -> None:
    assert (np.abs(actual - true) <= allowed + 12 * U * np.abs(true) + 3 * ETA).all()


@given(fitting=scaled("rnn_cell_forward"))
def test_the_rnn_cell_is_its_equations(fitting: list[Any]) -> None:
    with np.errstate(all="raise"):
        a_next, yt_pred, _ = rnn_cell_forward(*fitting)
    xt, a_prev, p = fitting
    z, error = affine(np.hstack([p["Waa"], p["Wax"]]), np.vstack([a_prev, xt]), p["ba"])
    assert_within(error, a_next, elementwise(math.tanh, z))
    assert_predictions(yt_pred, a_next, p["Wya"], p["by"])


@given(fitting=scaled("lstm_cell_forward"))
def test_the_lstm_cell_is_its_equations(fitting: list[Any]) -> None:
    """Each from the one before as it was computed, so that every bound is that of one operation."""
    with np.errstate(all="raise"):
        a_next, c_next, yt_pred, (*_, ft, it, cct, ot, _, _) = lstm_cell_forward(*fitting)
    xt, a_prev, c_prev, p = fitting
    concat = np.vstack([a_prev, xt])
    for gate, computed in (("f", ft), ("i", it), ("o", ot)):
        z, error = affine(p[f"W{gate}"], concat, p[f"b{gate}"])
        true = elementwise(logistic, z)
        assert_within(2 * true * error, computed, true)  # the slope of the sigmoid is at most itself
    z, error = affine(p["Wc"], concat, p["bc"])
    assert_within(error, cct, elementwise(math.tanh, z))
    kept, new = ft * c_prev, it * cct
    assert_within(3 * U * (np.abs(kept) + np.abs(new)), c_next, kept + new)
    assert_within(0 * ot, a_next, ot * elementwise(math.tanh, c_next))
    assert_predictions(yt_pred, a_next, p["Wy"], p["by"])


def assert_near(actual: Array, expected: Array) -> None:
    """Equal but for the order of summation."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-13)


@given(sizes=sizes, seed=seeds)
def test_rnn_forward_is_the_loop_over_the_cell(sizes: dict[str, int], seed: int) -> None:
    """Each step from the state that the forward itself left, so that no difference grows."""
    x, a0, parameters = arguments("rnn_forward", sizes, seed)
    a, y_pred, (caches, _) = rnn_forward(x, a0, parameters)
    a_prev = a0
    for t in range(sizes["T_x"]):
        a_next, yt_pred, cache = rnn_cell_forward(x[:, :, t], a_prev, parameters)
        a_prev = a[:, :, t]
        assert_near(a_prev, a_next)
        assert_near(y_pred[:, :, t], yt_pred)
        for ours, theirs in zip(caches[t][:-1], cache[:-1], strict=True):
            assert_near(ours, theirs)


@given(sizes=sizes, seed=seeds)
def test_lstm_forward_is_the_loop_over_the_cell(sizes: dict[str, int], seed: int) -> None:
    """From a memory state of zeros, and each step from the states that the forward itself left."""
    x, a0, parameters = arguments("lstm_forward", sizes, seed)
    a, y, c, (caches, _) = lstm_forward(x, a0, parameters)
    a_prev, c_prev = a0, np.zeros_like(a0)
    for t in range(sizes["T_x"]):
        a_next, c_next, yt_pred, cache = lstm_cell_forward(x[:, :, t], a_prev, c_prev, parameters)
        a_prev, c_prev = a[:, :, t], c[:, :, t]
        assert_near(a_prev, a_next)
        assert_near(c_prev, c_next)
        assert_near(y[:, :, t], yt_pred)
        for ours, theirs in zip(caches[t][:-1], cache[:-1], strict=True):
            assert_near(ours, theirs)


@every_forward
def test_inputs_are_validated_once_for_all_steps(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = reference.lstm if function.startswith("lstm") else reference.rnn
    validate: Callable[..., Any] = module.validate
    calls = []

    def counting(*args: Any) -> Any:
        calls.append(args[0])
        return validate(*args)

    monkeypatch.setattr(module, "validate", counting)
    call(function, arguments(function, {**SIZES, "T_x": 20}))
    assert calls == [function]


# edges


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_logits_of_1e4_make_no_warning_and_no_nan(dtype: Any) -> None:
    """Two samples, of which one's logits lie far below the other's."""
    x, a0 = np.array([[[1], [-1]]], dtype), np.zeros((1, 2), dtype)
    parameters = {
        name: np.array(value, dtype)
        for name, value in {
            "Wax": [[1e4]],
            "Waa": [[1]],
            "Wya": [[1e4], [1e4], [0]],
            "ba": [[0]],
            "by": [[0], [0], [0]],
        }.items()
    }
    expected = [[0.5, 0], [0.5, 0], [0, 1]]
    with np.errstate(all="raise"):
        a_next, yt_pred, _ = rnn_cell_forward(x[:, :, 0], a0, parameters)
        a, y_pred, _ = rnn_forward(x, a0, parameters)
    for states, predictions in ((a_next, yt_pred), (a[:, :, 0], y_pred[:, :, 0])):
        np.testing.assert_array_equal(states, [[1, -1]])
        np.testing.assert_array_equal(predictions, expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("f", [-1, 1])
@pytest.mark.parametrize("i", [-1, 1])
@pytest.mark.parametrize("c", [-1, 1])
@pytest.mark.parametrize("o", [-1, 1])
def test_gates_of_1e4_are_open_or_shut(dtype: Any, f: int, i: int, c: int, o: int) -> None:
    signs = {"f": f, "i": i, "c": c, "o": o}
    parameters = {
        **{f"W{gate}": np.array([[0, sign * 1e4]], dtype) for gate, sign in signs.items()},
        **{f"b{gate}": np.zeros((1, 1), dtype) for gate in signs},
        "Wy": np.array([[1e4], [0]], dtype),
        "by": np.zeros((2, 1), dtype),
    }
    x, state = np.ones((1, 1, 2), dtype), np.full((1, 1), 0.5, dtype)
    with np.errstate(all="raise"):
        a_next, c_next, yt_pred, cache = lstm_cell_forward(x[:, :, 0], state, state, parameters)
        a, y, memory, _ = lstm_forward(x, state, parameters)
    gates = [cache.ft, cache.it, cache.cct, cache.ot]
    np.testing.assert_array_equal(np.ravel(gates), [f > 0, i > 0, c, o > 0])
    expected = [(f > 0) * 0.5 + (i > 0) * c]
    first = (i > 0) * c
    for actual, true in ((c_next, expected), (memory, [first, (f > 0) * first + first])):
        np.testing.assert_array_equal(np.ravel(actual), true)
    for hidden, cell in ((a_next, c_next), (a, memory)):
        np.testing.assert_array_equal(hidden, (o > 0) * np.tanh(cell))
    for predictions, hidden in ((yt_pred, a_next), (y, a)):
        np.testing.assert_array_equal(predictions[:1], (np.sign(hidden) + 1) / 2)


@every_function
def test_subnormal_inputs_are_kept(function: str) -> None:
    """Where tanh(z) = z, one hidden unit hands its input on; flushed, it would be 0."""
    sizes = {**dict.fromkeys(SIZES, 1), "n_y": 2}
    zeros = {name: 0 * array for name, array in by_name(function, arguments(function, sizes)).items()}
    tiny = np.finfo(np.float64).tiny / 8
    one_way = {"rnn": {"Wax": [[1.0]]}, "lstm": {"Wc": [[0.0, 1.0]], "bi": [[40.0]], "bo": [[40.0]]}}
    x = next(iter(CONTRACTS[function].arguments))
    new = {
        f'parameters["{name}"]': np.array(value) for name, value in one_way[CONTRACTS[function].kind].items()
    }
    with np.errstate(all="raise"):
        states, *_ = call(
            function,
            replaced(function, arguments(function, sizes), {**zeros, **new, x: zeros[x] + tiny}),
        )
    np.testing.assert_array_equal(states.ravel(), [tiny])


@every_function
@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_no_magnitude_warns_however_strict_numpy_is(function: str, scale: float) -> None:
    """Products underflow, or they overflow."""
    fitting = arguments(function)
    scaled = {name: scale * array for name, array in by_name(function, fitting).items()}
    with np.errstate(all="raise"):
        call(function, replaced(function, fitting, scaled))


@every_function
@given(sizes=some, seed=seeds)
def test_without_features_the_input_counts_for_nothing(
    function: str, sizes: dict[str, int], seed: int
) -> None:
    """`n_x = 0` is one feature that is always 0."""
    one = arguments(function, {**sizes, "n_x": 1}, seed)
    x, *_ = CONTRACTS[function].arguments
    one = replaced(function, one, {x: 0 * one[0]})
    *arrays, parameters = one
    none = {
        name: array[:, :-1] if name in ("Wax", "Wf", "Wi", "Wc", "Wo") else array
        for name, array in parameters.items()
    }
    outputs = call(function, one)[:-1]
    for output, other in zip(outputs, call(function, [arrays[0][:0], *arrays[1:], none])[:-1], strict=True):
        assert_near(output, other)


# NaN and infinity


@every_function
@given(sizes=some, seed=seeds, poison=st.sampled_from([np.nan, np.inf, -np.inf]), data=st.data())
def test_a_sample_that_is_not_finite_touches_no_other_and_no_earlier_step(
    function: str, sizes: dict[str, int], seed: int, poison: float, data: st.DataObject
) -> None:
    clean = arguments(function, {**sizes, "m": sizes["m"] + 1}, seed)
    name = data.draw(st.sampled_from(list(CONTRACTS[function].arguments)))
    array = by_name(function, clean)[name].copy()
    sample = data.draw(st.integers(0, sizes["m"]))
    step = data.draw(st.integers(0, sizes["T_x"] - 1)) if name == "x" else 0
    if name == "x":
        array[data.draw(st.integers(0, sizes["n_x"] - 1)), sample, step] = poison
    else:
        array[data.draw(st.integers(0, len(array) - 1)), sample] = poison
    with np.errstate(all="raise"):
        answer = returned(function, call(function, replaced(function, clean, {name: array})))
    for key, expected in returned(function, call(function, clean)).items():
        if "parameters" in key:
            continue
        others = np.delete(answer[key], sample, axis=1)
        np.testing.assert_array_equal(others, np.delete(expected, sample, axis=1), err_msg=key)
        if expected.ndim == 3:
            np.testing.assert_array_equal(answer[key][..., :step], expected[..., :step], err_msg=key)


@every_function
def test_a_nan_input_makes_its_sample_nan_from_there_on(function: str) -> None:
    fitting = arguments(function)
    fitting[0][1, 2] = np.nan
    for output in call(function, fitting)[:-1]:
        assert np.isnan(output[:, 2]).all()
        assert np.isfinite(np.delete(output, 2, axis=1)).all()


def test_an_infinite_input_saturates() -> None:
    xt, a_prev, c_prev, p = arguments("lstm_cell_forward")
    xt[1, 2] = np.inf
    a_next, c_next, yt_pred, cache = lstm_cell_forward(xt, a_prev, c_prev, p)
    column = 5 + 1  # of a weight: the hidden units stand before the features
    for gate, computed in (("f", cache.ft), ("i", cache.it), ("o", cache.ot)):
        np.testing.assert_array_equal(computed[:, 2], p[f"W{gate}"][:, column] > 0)
    np.testing.assert_array_equal(cache.cct[:, 2], np.sign(p["Wc"][:, column]))
    for array in (a_next, c_next, yt_pred):
        assert np.isfinite(array).all()
    xt, a_prev, p = arguments("rnn_cell_forward")
    xt[1, 2] = -np.inf
    a_next, yt_pred, _ = rnn_cell_forward(xt, a_prev, p)
    np.testing.assert_array_equal(a_next[:, 2], -np.sign(p["Wax"][:, 1]))
    assert np.isfinite(yt_pred).all()


# memory


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
def test_how_an_input_lies_in_memory_does_not_matter(function: str, sizes: dict[str, int], seed: int) -> None:
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
def test_writing_into_the_inputs_later_changes_no_answer(
    function: str, sizes: dict[str, int], seed: int
) -> None:
    fitting = arguments(function, sizes, seed)
    answer = call(function, fitting)
    before = copied(returned(function, answer))
    overwrite(by_name(function, fitting))
    fitting[-1].clear()
    assert_same(returned(function, answer), before)


@every_function
@given(sizes=some, seed=seeds)
def test_writing_into_an_output_changes_no_input_no_other_output_and_no_cache(
    function: str, sizes: dict[str, int], seed: int
) -> None:
    """One sample and one step included, where a transposed view is one piece and easily kept."""
    fitting = arguments(function, sizes, seed)
    inputs = copied(by_name(function, fitting))
    answer = call(function, fitting)
    for name in CONTRACTS[function].outputs:
        rest = {other: array for other, array in returned(function, answer).items() if other != name}
        before = copied(rest)
        overwrite({name: returned(function, answer)[name]})
        assert_same(rest, before)
    assert_same(by_name(function, fitting), inputs)
