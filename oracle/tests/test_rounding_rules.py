"""Each rule of the bounds covers all errors, and is not much larger than the errors."""

from fractions import Fraction
from typing import Any, get_args

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st

from oracle.problems.problem import DType
from oracle.tests.programs import one_by_one_from_the_last
from oracle.witnesses.rounding import Arithmetic, Bounded

NUMBERS = st.floats(-60, 60) | st.floats(-1, 1) | st.floats(-800, 800)
ERRORS = st.floats(0, 1e-3) | st.floats(0, 30) | st.just(0.0)
IN_UNIT = st.floats(-1, 1)


def known_to(value: float, error: float) -> Bounded:
    return Bounded(np.array([[value]]), np.array([[error]]))


@given(NUMBERS, ERRORS, IN_UNIT, IN_UNIT)
def test_an_error_passes_through_tanh_and_sigmoid(
    value: float, error: float, true: float, off: float
) -> None:
    z = value + true * error  # two arguments: the exact one, and one that a program may have computed
    z_computed = z + off * error
    fl = Arithmetic("float64")
    for rule, function in ((fl.tanh, arb.tanh), (fl.sigmoid, lambda x: 1 / (1 + (-x).exp()))):
        with np.errstate(over="ignore", under="ignore"):
            bound = rule(known_to(value, error)).error[0, 0]
        with ctx.workprec(3000):
            assert abs(function(arb(z)) - function(arb(z_computed))) <= arb(bound)


def test_an_error_that_spans_the_range_is_no_larger_than_the_range() -> None:
    fl = Arithmetic("float64")
    assert fl.tanh(known_to(0.0, 50.0)).error[0, 0] < 2.001
    assert fl.sigmoid(known_to(0.0, 50.0)).error[0, 0] < 1.001
    assert fl.tanh(known_to(100.0, 40.0)).error[0, 0] < 1e-14


@given(st.lists(st.tuples(NUMBERS, ERRORS, IN_UNIT, IN_UNIT), min_size=1, max_size=4))
def test_an_error_passes_through_softmax(logits: list[tuple[float, float, float, float]]) -> None:
    s = Bounded(*(np.array([[logit[i]] for logit in logits]) for i in range(2)))
    with np.errstate(over="ignore", under="ignore"):
        bound = Arithmetic("float64").softmax(s).error[:, 0]
    with ctx.workprec(3000):
        z = [arb(value + true * error) for value, error, true, _ in logits]
        z_computed = [each + arb(off * error) for each, (_, error, _, off) in zip(z, logits, strict=True)]
        for k, allowed in enumerate(bound):
            y, y_computed = (
                1 / sum(((other - of[k]).exp() for other in of), arb(0)) for of in (z, z_computed)
            )
            assert abs(y - y_computed) <= arb(float(allowed))


def test_a_prediction_that_underflows_has_a_bound_if_its_logit_has_an_error() -> None:
    logits = Bounded(np.array([[0.0], [-760.0]]), np.array([[60.0], [60.0]]))
    assert Arithmetic("float64").softmax(logits).error[1, 0] >= np.exp(-640.0)


def test_the_prediction_of_a_single_class_is_exact() -> None:
    logit = Bounded(np.array([[3.0]]), np.array([[1.0]]))
    assert Arithmetic("float64").softmax(logit).error[0, 0] < 1e-12


def test_the_prediction_of_a_class_with_a_large_logit_is_nearly_exact() -> None:
    logits = Bounded(np.array([[40.0], [0.0]]), np.array([[1e-3], [1e-3]]))
    assert Arithmetic("float64").softmax(logits).error[0, 0] < 1e-13


def test_the_bound_is_infinite_if_a_partial_sum_may_overflow() -> None:
    W, b = np.array([[300.0, -300.0]]), np.zeros((1, 1))
    fl = Arithmetic("float16")
    assert fl.affine(W, Bounded.exact(np.array([[200.0], [200.0]])), b).error[0, 0] == np.inf
    assert np.isfinite(fl.affine(W, Bounded.exact(np.array([[100.0], [100.0]])), b).error[0, 0])


@pytest.mark.parametrize(("a", "b"), [(300.0, 300.0), (300.0, -300.0)])
def test_after_a_possible_overflow_all_later_values_are_unknown(a: float, b: float) -> None:
    fl, none = Arithmetic("float64"), np.zeros((1, 1))
    with np.errstate(all="ignore"):
        z = fl.affine(np.array([[a, b]]), Bounded.exact(np.full((2, 1), 1e306)), none)
        assert np.isfinite(z.value).all()
        one = Bounded.exact(np.ones((1, 1)))
        for known in (
            z,
            fl.tanh(z),
            fl.sigmoid(z),
            fl.relu(z),
            fl.times(one, z),
            fl.plus(z, one),
            fl.softmax(z),
        ):
            assert np.isinf(known.error).all()
        after = fl.affine(np.zeros((1, 2)), Bounded(*(np.vstack([p, p]) for p in (z.value, z.error))), none)
    assert np.isinf(after.error).all()


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("dtype", get_args(DType))
def test_a_sum_that_may_overflow_in_some_order_is_unknown(dtype: DType, count: int) -> None:
    fl, large = Arithmetic(dtype), 0.9 * float(np.finfo(dtype).max)
    terms = [Bounded.exact(np.array([sign * large, 1, np.inf])) for sign in (1, 1, -1)][:count]
    with np.errstate(all="ignore"):
        assert fl.total(*terms).error.tolist() == [np.inf, pytest.approx(0, abs=1e-2), 0]


def test_an_infinity_is_exact_only_if_the_other_terms_cannot_overflow() -> None:
    fl, none = Arithmetic("float16"), np.zeros((1, 1))
    with np.errstate(all="ignore"):
        for large, certain in ((1e4, True), (7e4, False)):
            v = Bounded.exact(np.array([[np.inf], [large]]))
            z = fl.affine(np.ones((1, 2)), v, none)
            assert (z.error[0, 0], z.value[0, 0]) == ((0, np.inf) if certain else (np.inf, 0))
        nothing = Bounded(np.array([[np.inf], [1.0]]), np.array([[0.0], [np.inf]]))
        assert fl.affine(np.ones((1, 2)), nothing, none).error[0, 0] == np.inf


@given(NUMBERS, ERRORS, IN_UNIT, IN_UNIT)
def test_relu_keeps_an_error_or_removes_it(value: float, error: float, true: float, off: float) -> None:
    z = Fraction(value) + Fraction(true) * Fraction(error)
    z_computed = z + Fraction(off) * Fraction(error)
    after = Arithmetic("float64").relu(known_to(value, error))
    assert after.value[0, 0] == max(value, 0)
    assert abs(max(z, Fraction(0)) - max(z_computed, Fraction(0))) <= Fraction(after.error[0, 0])
    assert after.error[0, 0] == (pytest.approx(error, rel=2e-6) if after.error[0, 0] else 0)


def test_relu_is_exact_if_every_computed_value_is_negative() -> None:
    fl = Arithmetic("float64")
    assert [fl.relu(known_to(-1.0, e)).error[0, 0] for e in (0.0, 0.49)] == [0, 0]
    assert [fl.relu(known_to(v, 0.1)).error[0, 0] for v in (5.0, 0.0, -0.19)] == pytest.approx(
        [0.1] * 3, rel=2e-6
    )
    assert np.isnan(fl.relu(known_to(np.nan, 0.0)).value[0, 0])


def test_the_bound_is_infinite_for_more_terms_than_one_over_u() -> None:
    assert Arithmetic("float16").gamma(2047) > 1
    assert Arithmetic("float16").gamma(2048) == np.inf


def test_a_product_with_an_unknown_factor_is_unknown() -> None:
    nothing, unknown = known_to(0.0, 0.0), known_to(1.0, np.inf)
    fl = Arithmetic("float64")
    with np.errstate(invalid="ignore"):
        assert fl.times(nothing, unknown).error[0, 0] == np.inf
        assert fl.affine(nothing.value, unknown, nothing.value).error[0, 0] == np.inf


exactly = np.vectorize(lambda number: Fraction(float(number)), otypes=[object])


@pytest.mark.parametrize("scale", [1.0, 40.0])
@given(dtype=st.sampled_from(get_args(DType)), seed=st.integers(0, 2**32 - 1))
def test_the_bounds_allow_every_rounding(dtype: DType, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    if scale != 1:  # subnormal products
        scale *= float(np.finfo(dtype).smallest_subnormal)
    fl = Arithmetic(dtype)
    x, y = rng.uniform(-1, 1, (3, 4)).astype(dtype), (rng.uniform(-1, 1, (3, 4)) * scale).astype(dtype)
    v, b = x.T.copy(), np.zeros((3, 1), dtype)
    for computed, rule, true in (
        (x * y, fl.times(Bounded.exact(x), Bounded.exact(y)), exactly(x) * exactly(y)),
        (x + y, fl.plus(Bounded.exact(x), Bounded.exact(y)), exactly(x) + exactly(y)),
        (
            one_by_one_from_the_last(y, v, b),
            fl.affine(y.astype(np.float64), Bounded.exact(v), b),
            exactly(y) @ exactly(v),
        ),
    ):
        for number in (computed, rule.value):
            assert (np.abs(exactly(number) - true) <= exactly(rule.error)).all()


@given(st.sampled_from(get_args(DType)), st.integers(2, 60))
def test_the_bound_allows_the_worst_order_of_summation_and_not_much_more(dtype: DType, k: int) -> None:
    # Each addition to the 1 of the bias loses a term of nearly half a unit in the last place.
    W, v = np.full((1, k), 0.99 * np.finfo(dtype).eps / 2, dtype), np.ones((k, 1), dtype)
    computed = np.ones((1, 1), dtype)
    for _ in range(k):
        computed = computed + W[:, :1]
    bound = Arithmetic(dtype).affine(W.astype(np.float64), Bounded.exact(v), np.ones((1, 1))).error[0, 0]
    error = float(1 + k * Fraction(float(W[0, 0])) - Fraction(float(computed[0, 0])))
    assert bound / 3 < error <= bound


def test_an_infinite_bound_is_scaled_without_a_warning() -> None:
    bounded = Bounded(np.array([1e-300, 1.0]), np.array([1e10, 1e300]))
    scaled = bounded.scaled_to(np.array([1e5, 1e10]))
    assert np.isposinf(scaled.error).all()


def test_the_bound_for_a_wrong_answer_is_larger_than_that_of_any_element() -> None:
    scaled = Bounded(np.ones(3), np.array([1e-16, 1e-12, np.inf])).scaled_to(np.array([1.0, 1.0, 1.0]))
    assert scaled.error.tolist() == [1e-16, 1e-12, np.inf]
    scaled = Bounded(np.ones(3), np.array([1e-16, 1e-12, np.inf])).scaled_to(np.array([0.5, 2.0, 1.0]))
    assert scaled.error.tolist() == [1e-9, 2e-9, np.inf]


def test_the_bound_for_a_wrong_answer_is_infinite_if_no_error_is_allowed() -> None:
    scaled = Bounded(np.zeros(4), np.zeros(4)).scaled_to(np.array([0.0, 0.3, np.nan, np.inf]))
    assert scaled.error.tolist() == [0, np.inf, 0, 0]


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_the_bounds_allow_any_formula_of_a_slope(dtype: Any) -> None:
    fl = Arithmetic(dtype)
    a = np.concatenate([np.linspace(-1, 1, 999), 1 - 2.0 ** -np.arange(1, 30)]).astype(dtype)
    s = np.abs(a)
    tanh, sigmoid = fl.tanh_slope(Bounded.exact(a)), fl.sigmoid_slope(Bounded.exact(s))
    for slopes, bounded in (
        ((1 - a * a, (1 - a) * (1 + a)), tanh),
        ((s - s * s, s * (1 - s)), sigmoid),
    ):
        for slope in slopes:
            assert np.all(np.abs(slope.astype(float) - bounded.value) <= bounded.error)


def test_the_bounds_allow_libraries_to_omit_products_with_0() -> None:
    """For 0 times infinity, NumPy's product gives 0 or NaN, depending on the shapes of the matrices."""
    fl, infinite = Arithmetic("float64"), Bounded.exact(np.full((1, 2), np.inf))
    with np.errstate(invalid="ignore"):
        by_zero = fl.matmul(Bounded.exact(np.zeros((1, 1))), infinite)
        by_one = fl.matmul(Bounded.exact(np.ones((1, 1))), infinite)
    assert np.isinf(by_zero.error).all()
    assert (by_one.error == 0).all()
