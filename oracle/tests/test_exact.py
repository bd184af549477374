import math
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st

import reference
from oracle import exact
from oracle.exact import Enclosure, evaluate, midpoints
from oracle.problem import Inputs, Problem
from oracle.tests.draws import CELL, FORWARD, problems
from reference.contract import PARAMETERS, Array, extent

FINITE = st.sampled_from(["ternary", "unit", "wild", "tiny", "huge"])
INF, NAN = math.inf, math.nan


def known(kind: Any, x: tuple[int, ...], order: str) -> Inputs:
    """A known answer's arrays, drawn as the specification lists them."""
    np.random.seed(1)
    sizes = {"n_x": 3, "n_a": 5, "n_y": 2}
    drawn = {"x": np.random.randn(*x), "a0": np.random.randn(5, 10)}
    for name in order.split():
        drawn[name] = np.random.randn(*(extent(size, sizes) for size in PARAMETERS[kind][name]))
    x_, a0 = drawn.pop("x"), drawn.pop("a0")
    return Inputs(kind, x_, a0, np.zeros((5 if kind == "lstm" else 0, 10)), drawn, x_.dtype)


def one(kind: Any, x: float, a0: float = 0.5, c0: float = 0.5, **changed: float) -> dict[str, Enclosure]:
    """A step of one unit, one feature and two classes, all parameters 1 but the changed ones."""
    parameters = {
        name: np.full(tuple(extent(size, {"n_a": 1, "n_x": 1, "n_y": 2}) for size in shape), 1.0)
        for name, shape in PARAMETERS[kind].items()
    }
    for name, value in changed.items():
        parameters[name][0, -1] = value
    memory = np.full((1 if kind == "lstm" else 0, 1), c0)
    inputs = Inputs(
        kind, np.full((1, 1, 1), x), np.full((1, 1), a0), memory, parameters, np.dtype(np.float64)
    )
    return {name: array[0, 0, 0] for name, array in evaluate(inputs, 1e-20).items()}


# What is enclosed is the exact result.


def in_decimal(inputs: Inputs, j: int) -> list[dict[str, list[Decimal]]]:
    """The formulas in decimal arithmetic, which shares nothing with Arb."""

    def rows(array: Array) -> list[list[Decimal]]:
        return [[Decimal(number) for number in row] for row in array.tolist()]

    def affine(W: str, b: str, v: list[Decimal]) -> list[Decimal]:
        products = [sum(map(Decimal.__mul__, row, v), Decimal(0)) for row in rows(p[W])]
        return [product + bias for product, [bias] in zip(products, rows(p[b]), strict=True)]

    def sigmoid(z: Decimal) -> Decimal:
        return 1 / (1 + (-z).exp())

    def tanh(z: Decimal) -> Decimal:
        return 2 * sigmoid(2 * z) - 1

    def softmax(s: list[Decimal]) -> list[Decimal]:
        return [1 / sum(((other - z).exp() for other in s), Decimal(0)) for z in s]

    p = inputs.parameters
    a, c = ([Decimal(number) for number in state[:, j].tolist()] for state in (inputs.a0, inputs.c0))
    steps = []
    for xt in inputs.x[:, j].T.tolist():
        x = [Decimal(number) for number in xt]
        if inputs.kind == "rnn":
            p = {**p, "Wa": np.concatenate([p["Waa"], p["Wax"]], axis=1)}
            a = [tanh(z) for z in affine("Wa", "ba", a + x)]
            steps.append({"a": a, "y": softmax(affine("Wya", "by", a))})
            continue
        ft, it, ot = ([sigmoid(z) for z in affine(f"W{g}", f"b{g}", a + x)] for g in "fio")
        cct = [tanh(z) for z in affine("Wc", "bc", a + x)]
        c = [f * c_prev + i * cc for f, c_prev, i, cc in zip(ft, c, it, cct, strict=True)]
        a = [o * tanh(memory) for o, memory in zip(ot, c, strict=True)]
        y = softmax(affine("Wy", "by", a))
        steps.append({"a": a, "c": c, "ft": ft, "it": it, "cct": cct, "ot": ot, "y": y})
    return steps


@given(problems(regime=FINITE, n_a=st.integers(1, 3), m=st.integers(1, 2), T_x=st.integers(1, 4)))
def test_the_enclosure_holds_what_decimal_arithmetic_finds(problem: Problem) -> None:
    for function in (FORWARD[problem.kind], CELL[problem.kind]):
        inputs = problem.inputs(function)
        enclosed = evaluate(inputs, 1e-30)
        with localcontext(prec=120, Emin=-(10**9), Emax=10**9):
            for t, step in enumerate(in_decimal(inputs, 0)):
                assert step.keys() == enclosed.keys()
                for name, values in step.items():
                    for unit, value in enumerate(values):
                        with ctx.workprec(500):
                            gap = abs(enclosed[name][unit, 0, t].ball - arb(str(value)))
                            assert gap.abs_lower() < arb("1e-60"), (name, unit, t)


def test_the_digits_of_the_specification() -> None:
    x = (3, 10, 7)
    lstm = evaluate(known("lstm", x, "Wf bf Wi bi Wo bo Wc bc Wy by").columns([2, 3, 4]), 1e-30)
    assert lstm["a"][4, 1, 6].distance_at_most(0.17211776753291663) < 2e-16
    assert lstm["y"][1, 2, 3].distance_at_most(0.9508734618501101) < 1e-15
    assert lstm["c"][1, 0, 1].distance_at_most(-0.8555449167181982) < 1e-15
    rnn = evaluate(known("rnn", (3, 10, 4), "Waa Wax Wya ba by").columns([1, 3]), 1e-30)
    assert midpoints(rnn["a"][4, 0]).round(8).tolist() == [-0.99999375, 0.77911235, -0.99861469, -0.99833267]
    assert midpoints(rnn["y"][1, 1]).round(8).tolist() == [0.79560373, 0.86224861, 0.11118257, 0.81515947]


@given(problems(), st.integers(0, 300))
def test_every_enclosure_is_as_narrow_as_asked(problem: Problem, digits: int) -> None:
    radius = 10.0**-digits
    for array in evaluate(problem.inputs(FORWARD[problem.kind]), radius).values():
        for enclosure in array.flat:
            assert enclosure.radius <= radius
            assert enclosure.radius <= 2.0**-63 * max(abs(enclosure.midpoint), radius) or math.isnan(
                enclosure.midpoint
            )


@given(problems(m=st.integers(1, 3), T_x=st.integers(1, 4)))
def test_a_sample_has_the_same_answer_alone(problem: Problem) -> None:
    inputs = problem.inputs(FORWARD[problem.kind])
    together = evaluate(inputs, 1e-20)
    for j in range(problem.m):
        for name, array in evaluate(inputs.columns([j]), 1e-20).items():
            assert list(map(str, array.flat)) == list(map(str, together[name][:, j].flat))


@pytest.mark.parametrize(("n_x", "m", "T_x"), [(0, 1, 3), (3, 0, 3), (3, 1, 0), (0, 0, 0)])
@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_empty_inputs_have_answers_too(kind: Any, n_x: int, m: int, T_x: int) -> None:
    problem = Problem(kind, n_x, 3, 2, m, T_x)
    for name, array in evaluate(problem.inputs(FORWARD[kind]), 1e-20).items():
        assert array.shape == (2 if name == "y" else 3, m, T_x)


# Precision: as much as it takes, and no more than the limit.


def chaotic() -> Inputs:
    """1000 steps with weights times 10, after which correct programs in float64 agree in no digit."""
    inputs = Problem.lstm(n_x=0, n_a=4, n_y=2, m=1, T_x=1000, seed=8).inputs("lstm_forward")
    for gate in "fico":
        inputs.parameters[f"W{gate}"][...] *= 10
    return inputs


def test_a_chaotic_trajectory_is_enclosed_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = chaotic()
    enclosed = evaluate(inputs, 1e-15)["a"]
    assert max(enclosure.radius for enclosure in enclosed.flat) <= 1e-15
    again = evaluate(inputs.span(0, 300), 1e-40)["a"]  # in another precision
    pairs = zip(enclosed[:, :, :300].flat, again.flat, strict=True)
    assert all(mine.ball.overlaps(other.ball) for mine, other in pairs)
    a, _, _, _ = reference.lstm_forward(*inputs.arguments("lstm_forward"))
    assert np.abs(a - midpoints(enclosed))[:, :, :20].max() < 1e-9
    assert np.abs(a - midpoints(enclosed)).max() > 0.1
    monkeypatch.setattr(exact, "LIMIT", 2000)
    with pytest.raises(ArithmeticError, match="2000 bits of precision do not enclose the exact result"):
        evaluate(inputs, 1e-15)


@pytest.mark.parametrize("radius", [1.0, 1e-40])
def test_precision_that_is_used_up_is_not_passed_off_as_enough(radius: float) -> None:
    inputs = chaotic()
    for T_x in range(10, 100, 10):
        for enclosure in evaluate(inputs.span(0, T_x), radius)["a"][:, 0, -1]:
            assert enclosure.radius <= min(radius, 2.0**-63 * abs(enclosure.midpoint))


def test_large_weights_on_a_difference_that_is_zero_ask_for_more_precision() -> None:
    inputs = Problem.lstm(n_x=0, n_a=2, n_y=2, m=1, T_x=3).inputs("lstm_forward")
    for name, array in inputs.parameters.items():
        array[...] = [1e200, -1e200] if name.startswith("W") else 0.3
    inputs.a0[...] = 0.5
    of_the_bias = {"ft": 1 / (1 + math.exp(-0.3)), "cct": math.tanh(0.3), "y": 0.5}
    for name, value in of_the_bias.items():
        for enclosure in evaluate(inputs, 1e-20)[name].flat:
            assert enclosure.distance_at_most(value) < 1e-15


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_pre_activations_of_any_size_saturate(kind: Any) -> None:
    for size in (1e4, 1e18, 1e300):
        above, below = one(kind, x=size), one(kind, x=-size)
        assert above["a"].distance_at_most(1.0 if kind == "rnn" else math.tanh(1.5)) < 1e-15
        assert below["a"].distance_at_most(-1.0 if kind == "rnn" else 0.0) < 1e-15


def test_a_value_that_is_exactly_zero_is_no_endless_loop() -> None:
    # Two units alike, whose difference is 0, though no interval around it ever becomes a point.
    inputs = Problem.rnn(n_x=0, n_a=2, n_y=1, m=1, T_x=3).inputs("rnn_forward")
    p = inputs.parameters
    p["ba"][...] = 0
    p["Waa"][...] = [[1, 1], [1, 1]]
    assert evaluate(inputs, 1e-300)["a"][0, 0, 2].midpoint != 0
    p["Waa"][...] = [[1, -1], [1, -1]]
    *_, last = evaluate(inputs, 1e-300)["a"][0, 0]
    assert last.distance(0.0) == 0
    assert 0 < last.radius <= 1e-300


@pytest.mark.parametrize("radius", [0.0, -1.0, INF, NAN])
def test_a_radius_that_is_none_is_refused(radius: float) -> None:
    with pytest.raises(ValueError, match=r"radius=.*, expected a positive number"):
        evaluate(Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1).inputs("rnn_forward"), radius)


def test_the_precision_of_flint_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = chaotic().span(0, 200)
    with ctx.workprec(77):
        evaluate(inputs, 1e-20)["a"][0, 0, 0].distance(0.5)
        assert ctx.prec == 77
        monkeypatch.setattr(exact, "LIMIT", 200)
        with pytest.raises(ArithmeticError):
            evaluate(inputs, 1e-20)
        assert ctx.prec == 77


# Infinity and NaN.


def test_infinite_inputs_saturate() -> None:
    assert one("rnn", x=INF)["a"].midpoint == 1
    assert one("rnn", x=-INF)["a"].midpoint == -1
    step = one("lstm", x=INF, Wo=-1.0)
    assert [step[name].midpoint for name in ("ft", "it", "cct", "ot")] == [1, 1, 1, 0]
    assert step["c"].midpoint == 1.5
    assert one("lstm", x=0.0, c0=INF)["c"].midpoint == INF
    assert one("lstm", x=0.0, c0=-INF)["c"].midpoint == -INF
    assert one("lstm", x=0.0, c0=-INF)["a"].distance_at_most(-1 / (1 + math.exp(-1.5))) < 1e-15
    assert (
        one("rnn", x=0.0, Wax=-INF, a0=1.0)["a"].midpoint != one("rnn", x=1.0, Wax=-INF)["a"].midpoint == -1
    )
    assert one("rnn", x=0.5, by=-INF)["y"].midpoint == 0


@pytest.mark.parametrize(
    ("kind", "given", "name"),
    [
        ("rnn", {"x": NAN}, "a"),
        ("rnn", {"x": NAN}, "y"),
        ("rnn", {"x": INF, "Wax": 0.0}, "a"),
        ("rnn", {"x": 0.0, "Wax": INF}, "a"),
        ("rnn", {"x": INF, "a0": -INF}, "a"),
        ("rnn", {"x": INF, "a0": INF, "Wax": -1.0}, "a"),
        ("rnn", {"x": 0.5, "by": INF}, "y"),
        ("rnn", {"x": 0.5, "by": NAN}, "y"),
        ("rnn", {"x": 0.5, "ba": NAN}, "a"),
        ("lstm", {"x": 0.5, "c0": NAN}, "c"),
        ("lstm", {"x": -INF, "c0": INF, "Wi": 1.0}, "c"),
    ],
)
def test_what_is_indeterminate_is_nan(kind: Any, given: dict[str, float], name: str) -> None:
    enclosure = one(kind, **given)[name]
    assert math.isnan(enclosure.midpoint)
    assert str(enclosure) == "nan"
    assert enclosure.radius == 0


def test_an_infinity_times_a_value_that_cannot_be_told_from_zero_is_a_clear_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exact, "LIMIT", 1000)
    inputs = Problem.rnn(n_x=0, n_a=2, n_y=1, m=1, T_x=3).inputs("rnn_forward")
    inputs.a0[...] = [[0.5], [0.25]]
    p = {**inputs.parameters, "Waa": np.array([[1.0, 1.0], [1.0, 1.0]]), "ba": np.zeros((2, 1))}
    alike = Inputs("rnn", inputs.x, inputs.a0, inputs.c0, p, inputs.dtype)
    p["Wya"] = np.array([[INF, -INF]])
    assert math.isnan(evaluate(alike, 1e-20)["y"][0, 0, 2].midpoint)
    p["Waa"] = np.array([[1.0, -1.0], [1.0, -1.0]])
    with pytest.raises(ArithmeticError, match="1000 bits"):
        evaluate(alike, 1e-20)


@given(problems(regime=st.just("nonfinite"), dtype=st.just("float64")))
def test_infinity_and_nan_are_where_the_reference_has_them(problem: Problem) -> None:
    for function in (FORWARD[problem.kind], CELL[problem.kind]):
        if problem.T_x or function == FORWARD[problem.kind]:
            inputs = problem.inputs(function)
            enclosed = evaluate(inputs, 1e-20)
            a, *rest = getattr(reference, function)(*inputs.arguments(function))
            np.testing.assert_allclose(midpoints(enclosed["a"]).reshape(a.shape), a, rtol=0, atol=1e-12)
            y = rest[0] if problem.kind == "rnn" or function == "lstm_forward" else rest[1]
            np.testing.assert_allclose(midpoints(enclosed["y"]).reshape(y.shape), y, rtol=0, atol=1e-12)


# What a law reads from an enclosure.


@given(
    st.fractions(min_value=-2, max_value=2),
    st.floats(-2, 2),
    st.sampled_from([-1080, -1030, -300, 0, 300, 1010]),
    st.booleans(),
)
def test_distances_are_rounded_to_the_safe_side(
    value: Fraction, near: float, exponent: int, close: bool
) -> None:
    with ctx.workprec(3000):
        enclosure = Enclosure(arb(value.numerator) / value.denominator * arb(2) ** exponent)
    truth = value * Fraction(2) ** exponent
    number = enclosure.midpoint if close else math.ldexp(near, exponent)
    true = abs(truth - Fraction(number))
    least, most = enclosure.distance(number), enclosure.distance_at_most(number)
    assert Fraction(least) <= true
    assert most == INF or true <= Fraction(most)
    assert most <= least * (1 + 1e-15) + 1e-323 or close


def test_distances_of_infinity_and_nan() -> None:
    nan, inf, half = (Enclosure(arb(number)) for number in (NAN, INF, 0.5))
    for distance in (Enclosure.distance, Enclosure.distance_at_most):
        assert [distance(nan, number) for number in (NAN, INF, 1.0)] == [0, INF, INF]
        assert [distance(inf, number) for number in (INF, -INF, NAN, 1.0)] == [0, INF, INF, INF]
        assert [distance(half, number) for number in (0.5, INF, NAN)] == [0, INF, INF]


def test_distances_from_an_interval() -> None:
    wide = Enclosure(arb(0.5, 0.25))  # Arb keeps a radius to 30 bits
    assert [wide.distance(number) for number in (0.5, 0.7)] == [0, 0]
    assert [wide.distance(number) for number in (1.0, -1.0)] == pytest.approx([0.25, 1.25])
    assert [wide.distance_at_most(number) for number in (0.5, 1.0, -1.0)] == pytest.approx([0.25, 0.75, 1.75])
    assert wide.radius == pytest.approx(0.25)


def test_the_radius_is_rounded_up() -> None:
    with ctx.workprec(100):
        third = Enclosure(arb(1) / 3)
        assert arb(third.radius) >= third.ball.rad()
    assert Enclosure(arb(0.5, "1e-400")).radius == 5e-324


def test_what_an_enclosure_looks_like() -> None:
    with ctx.workprec(128):
        third = arb(1) / 3
    assert str(Enclosure(third)) == "0.33333333333333333333… ± 2e-39"
    assert str(Enclosure(arb(third.mid(), 1e-30))) == "0.33333333333333333333… ± 2e-30"
    assert [str(Enclosure(arb(number))) for number in (0.5, 0.0, -INF)] == ["0.5", "0.0", "-inf"]
