"""The sigmoid and the softmax equal decimal arithmetic of 40 digits, also for extreme inputs."""

from decimal import Context, Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference import sigmoid, softmax
from reference.contract import Array

PRECISIONS: list[Any] = [np.float16, np.float32, np.float64]


def numbers(dtype: Any) -> st.SearchStrategy[float]:
    """Finite numbers of a dtype, half of them where the functions are neither linear nor saturated."""
    width = 8 * np.dtype(dtype).itemsize
    everywhere = st.floats(width=width, allow_nan=False, allow_infinity=False)
    return st.floats(-20, 20, width=width) | st.floats(-1000, 1000, width=width) | everywhere


def exp(z: Decimal) -> Decimal:
    """exp(z) for z up to 0; results that are 0 in every floating-point format are 0."""
    return z.exp() if z > -20000 else Decimal(0)


def true_sigmoid(z: float) -> Decimal:
    with localcontext(Context(prec=40)):
        e = exp(-abs(Decimal(z)))
        return (1 if z >= 0 else e) / (1 + e)


def true_softmax(z: list[float]) -> list[Decimal]:
    with localcontext(Context(prec=40)):
        e = [exp(Decimal(term) - Decimal(max(z))) for term in z]
        return [term / sum(e) for term in e]


def assert_within(units: float, actual: float, true: Decimal, dtype: Any) -> None:
    """Assert that `actual` is within `units` roundoffs of the true value, or two subnormal spacings."""
    limits = np.finfo(dtype)
    allowed = units * float(limits.eps) / 2 * float(true) + 2 * float(limits.smallest_subnormal)
    with localcontext(Context(prec=40)):
        assert abs(Decimal(float(actual)) - true) <= Decimal(allowed), (actual, true, allowed)


@pytest.mark.parametrize("dtype", PRECISIONS)
@given(data=st.data())
def test_sigmoid_is_right_to_a_few_units_roundoff(dtype: Any, data: st.DataObject) -> None:
    z = data.draw(st.lists(numbers(dtype), min_size=1, max_size=20))
    for actual, term in zip(sigmoid(np.array(z, dtype)), z, strict=True):
        assert_within(8, actual, true_sigmoid(term), dtype)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_sigmoid_writes_its_result_to_out(dtype: Any) -> None:
    z = np.linspace(-800, 800, 12).reshape(3, 4).astype(dtype)
    expected = [*sigmoid(z[:2]), z[2]]
    result = sigmoid(z[:2], out=z[:2])
    np.testing.assert_array_equal(z, expected)
    assert np.shares_memory(result, z)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_sigmoid_is_right_where_it_is_not_linear(dtype: Any) -> None:
    end = -float(np.log(np.finfo(dtype).smallest_subnormal))
    z = np.linspace(-end - 5, end + 5, 3001).astype(dtype)
    for actual, term in zip(sigmoid(z), z, strict=True):
        assert_within(8, actual, true_sigmoid(float(term)), dtype)


@pytest.mark.parametrize("dtype", PRECISIONS)
@given(data=st.data())
def test_softmax_is_right_to_a_few_units_roundoff(dtype: Any, data: st.DataObject) -> None:
    z = data.draw(st.lists(numbers(dtype), min_size=1, max_size=6))
    for actual, term, true in zip(softmax(np.array(z, dtype)), z, true_softmax(z), strict=True):
        # the rounding of a shifted logit changes the result by a factor
        below = min(max(z) - term, 2000)
        assert_within(16 + 2 * len(z) + below, actual, true, dtype)


def test_sigmoid_and_softmax_never_warn() -> None:
    for dtype in PRECISIONS:
        ends = np.array([np.finfo(dtype).min, -1e4, 0, 1e4, np.finfo(dtype).max], dtype)
        with np.errstate(all="raise", under="ignore"):
            np.testing.assert_array_equal(sigmoid(ends), [0, 0, 0.5, 1, 1])
            np.testing.assert_array_equal(softmax(ends), [0, 0, 0, 0, 1])


def test_infinity_and_nan_are_as_in_the_formulas() -> None:
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_array_equal(sigmoid(np.array([-np.inf, np.inf, np.nan])), [0, 1, np.nan])
        z = np.array([[0.0, np.inf, np.nan, -np.inf], [0.0, 1.0, 1.0, 1.0]])
        expected = [[0.5, np.nan, np.nan, 0.0], [0.5, np.nan, np.nan, 1.0]]
        np.testing.assert_array_equal(softmax(z), expected)


@given(data=st.data())
def test_softmax_of_a_column_depends_on_no_other_column(data: st.DataObject) -> None:
    n_y, m = data.draw(st.integers(1, 5)), data.draw(st.integers(2, 5))
    anything = st.floats() | numbers(np.float64)
    z = np.array(data.draw(st.lists(anything, min_size=n_y * m, max_size=n_y * m))).reshape(n_y, m)
    together = softmax(z)
    for j in range(m):
        np.testing.assert_array_equal(together[:, j], softmax(z[:, j]))


@pytest.mark.parametrize("shape", [(2, 0), (3, 0, 4), (3, 4, 0), (1, 1), (3, 4, 2), (3,)])
def test_shapes_are_kept(shape: tuple[int, ...]) -> None:
    z = np.zeros(shape)
    np.testing.assert_array_equal(sigmoid(z), np.full(shape, 0.5))
    np.testing.assert_array_equal(softmax(z), np.full(shape, 1 / shape[0]))


@pytest.mark.parametrize("function", [sigmoid, softmax])
def test_dtypes(function: Any) -> None:
    for given_as, expected in [
        *((dtype, dtype) for dtype in (*PRECISIONS, np.longdouble)),
        *((dtype, np.float64) for dtype in (np.bool_, np.int8, np.uint64, np.int64)),
        (">f4", np.float32),
    ]:
        z = np.array([[0, 1], [1, 1]], given_as)
        answer = function(z)
        assert isinstance(answer, np.ndarray)
        assert answer.dtype == np.dtype(expected)
        assert answer.dtype.isnative
        np.testing.assert_allclose(answer, function(z.astype(expected)), rtol=1e-3)


@pytest.mark.parametrize("function", [sigmoid, softmax])
@pytest.mark.parametrize("z", [np.ones(2, complex), ["0", "1"], [[1, 2], [3]], [None]])
def test_values_that_are_not_real_numbers_are_refused(function: Any, z: Any) -> None:
    with pytest.raises(
        TypeError, match=r"^z (has dtype .*, expected real numbers|is not an array of numbers: )"
    ):
        function(z)


@pytest.mark.parametrize("function", [sigmoid, softmax])
def test_the_input_is_not_changed(function: Any) -> None:
    z = np.array([[-2.0, 3.0], [0.5, 1000.0]])
    before = z.copy()
    answer: Array = function(z)
    answer[:] = np.nan
    np.testing.assert_array_equal(z, before)
