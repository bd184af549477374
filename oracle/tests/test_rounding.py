from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, get_args

import numpy as np
import pytest
import torch
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle import exact, pytorch
from oracle.problem import DType, Inputs, Problem
from oracle.rounding import EXP, SIGMOID, TANH, Arithmetic, Bounded, evaluate
from oracle.tests.draws import CELL, FORWARD, problems
from reference.contract import Array

Answer = dict[str, Array]
Function = Callable[[Array], Array]
Affine = Callable[[Array, Array, Array], Array]

# Programs: the formulas, each part by any sound way there is.


def shifted_softmax(s: Array) -> Array:
    e = np.exp(s - s.max(axis=0))
    return np.asarray(e / e.sum(axis=0))


def softmax_by_log_sum_exp(s: Array) -> Array:
    top = s.max(axis=0)
    return np.asarray(np.exp(s - (top + np.log(np.exp(s - top).sum(axis=0)))))


def sigmoid_by_exp(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-z)))


def sigmoid_by_both_signs(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    return np.where(z < 0, e / (1 + e), 1 / (1 + e))


def sigmoid_by_tanh(z: Array) -> Array:
    return np.asarray((1 + np.tanh(z / 2)) / 2)


def tanh_by_exp(z: Array) -> Array:
    most = {2: 8.0, 4: 15.0, 8: 25.0}[z.dtype.itemsize]  # where tanh is 1, and exp still far from overflow
    z = np.clip(z, -most, most)
    return np.asarray((np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)))


def tanh_by_sigmoid(z: Array) -> Array:
    return np.asarray(2 * sigmoid_by_exp(2 * z) - 1)


def product(W: Array, v: Array, b: Array) -> Array:
    return np.asarray(W @ v + b)


def by_einsum(W: Array, v: Array, b: Array) -> Array:
    return np.asarray(np.einsum("ij,jk->ik", W, v) + b)


def one_by_one_from_the_last(W: Array, v: Array, b: Array) -> Array:
    z = np.broadcast_to(b, (len(W), v.shape[1]))
    for k in reversed(range(W.shape[1])):
        z = z + W[:, [k]] * v[[k]]
    return z


def largest_first(W: Array, v: Array, b: Array) -> Array:
    """The order that makes rounding errors large."""
    terms = np.concatenate(
        [W[:, :, None] * v[None], np.broadcast_to(b, (len(W), v.shape[1]))[:, None]], axis=1
    )
    terms = np.take_along_axis(terms, np.argsort(-np.abs(terms), axis=1), axis=1)
    z = np.zeros_like(terms[:, 0])
    for k in range(terms.shape[1]):
        z = z + terms[:, k]
    return z


def split_weights(W: Array, v: Array, b: Array) -> Array:
    k = W.shape[1] // 2
    return np.asarray(W[:, k:] @ v[k:] + b / 2 + (W[:, :k] @ v[:k] + b / 2))


def accumulated_in_float64(W: Array, v: Array, b: Array) -> Array:
    return np.asarray((W.astype(np.float64) @ v + b).astype(W.dtype))


@dataclass(frozen=True)
class Program:
    """A correct forward pass in the precision of its inputs."""

    sigmoid: Function = sigmoid_by_exp
    tanh: Function = np.tanh
    softmax: Function = shifted_softmax
    affine: Affine = product

    @np.errstate(all="ignore")
    def __call__(self, inputs: Inputs) -> Answer:
        """Every quantity `(n, m, T_x)`."""
        p, a, c = inputs.parameters, inputs.a0, inputs.c0
        steps = []
        for xt in np.moveaxis(inputs.x, 2, 0):
            concat = np.concatenate([a, xt])
            if inputs.kind == "rnn":
                a = self.tanh(self.affine(np.concatenate([p["Waa"], p["Wax"]], axis=1), concat, p["ba"]))
                step = {"a": a, "y": self.softmax(self.affine(p["Wya"], a, p["by"]))}
            else:
                ft, it, ot = (self.sigmoid(self.affine(p[f"W{g}"], concat, p[f"b{g}"])) for g in "fio")
                cct = self.tanh(self.affine(p["Wc"], concat, p["bc"]))
                c = ft * c + it * cct
                a = ot * self.tanh(c)
                y = self.softmax(self.affine(p["Wy"], a, p["by"]))
                step = {"a": a, "c": c, "ft": ft, "it": it, "cct": cct, "ot": ot, "y": y}
            assert {array.dtype for array in step.values()} == {inputs.x.dtype}
            steps.append(step)
        return {name: np.stack([step[name] for step in steps], axis=2) for name in steps[0]}


PROGRAMS: Mapping[str, Program] = {
    "plain": Program(),
    "sigmoid by tanh": Program(sigmoid=sigmoid_by_tanh),
    "sigmoid by both signs": Program(sigmoid=sigmoid_by_both_signs),
    "tanh by exp": Program(tanh=tanh_by_exp),
    "tanh by sigmoid": Program(tanh=tanh_by_sigmoid),
    "softmax by log-sum-exp": Program(softmax=softmax_by_log_sum_exp),
    "einsum": Program(affine=by_einsum),
    "terms from the last": Program(affine=one_by_one_from_the_last),
    "largest terms first": Program(affine=largest_first),
    "split weights": Program(affine=split_weights),
    "float64 accumulation": Program(affine=accumulated_in_float64),
    "all at once": Program(sigmoid_by_tanh, tanh_by_exp, softmax_by_log_sum_exp, largest_first),
}


def in_float64(inputs: Inputs) -> Answer:
    """Everything in float64, whatever the precision of the inputs."""

    def cast(array: Array) -> Array:
        return array.astype(np.float64)

    parameters = {name: cast(array) for name, array in inputs.parameters.items()}
    return Program()(
        Inputs(inputs.kind, cast(inputs.x), cast(inputs.a0), cast(inputs.c0), parameters, inputs.dtype)
    )


def assert_within(answer: Mapping[str, Array], expected: Mapping[str, Bounded]) -> None:
    """No farther from the evaluation than two correct programs may be from each other."""
    for name, array in answer.items():
        late = slice(expected[name].value.shape[2] - array.shape[2], None)
        value, bound = expected[name].value[:, :, late], expected[name].error[:, :, late]
        finite = np.isfinite(value)
        np.testing.assert_array_equal(array[~finite], value[~finite], err_msg=name)
        assert (np.abs(array[finite].astype(np.float64) - value[finite]) <= 2 * bound[finite]).all(), name


def assert_exactly_within(answer: Mapping[str, Array], inputs: Inputs) -> None:
    """No farther from the exact value than the bound."""
    bounds, truth = evaluate(inputs), exact.evaluate(inputs, 1e-30)
    for name, array in answer.items():
        late = slice(truth[name].shape[2] - array.shape[2], None)
        enclosed, bound = truth[name][:, :, late], bounds[name].error[:, :, late]
        for number, enclosure, allowed in zip(array.flat, enclosed.flat, bound.flat, strict=True):
            assert enclosure.distance_at_most(number) <= allowed, (name, str(enclosure))


# Soundness: no correct program is ever accused.

some = {"m": st.integers(1, 4), "T_x": st.integers(1, 6)}


@pytest.mark.parametrize("name", PROGRAMS)
@given(problem=problems(**some), cell=st.booleans())
def test_every_correct_program_stays_within_the_bound(name: str, problem: Problem, cell: bool) -> None:
    inputs = problem.inputs((CELL if cell else FORWARD)[problem.kind])
    answer = PROGRAMS[name](inputs)
    assert_within(answer, evaluate(inputs))
    assert_exactly_within({name: array[:, :1] for name, array in answer.items()}, inputs.columns([0]))


@pytest.mark.parametrize("name", PROGRAMS)
@given(problem=problems(**some))
def test_every_step_of_a_correct_program_stays_within_the_bound(name: str, problem: Problem) -> None:
    inputs = problem.inputs(FORWARD[problem.kind])
    answer = PROGRAMS[name](inputs)
    steps = inputs.steps(answer["a"], answer.get("c", answer["a"][:0]))
    answer = {name: array.reshape(len(array), -1, 1) for name, array in answer.items()}
    assert_within(answer, evaluate(steps))
    assert_exactly_within({name: array[:, -1:] for name, array in answer.items()}, steps.columns([-1]))


def test_a_bound_that_has_grown_beyond_all_numbers_scales_without_a_warning() -> None:
    bounded = Bounded(np.array([1e-300, 1.0]), np.array([1e10, 1e300]))
    scaled = bounded.scaled_to(np.array([1e5, 1e10]))
    assert np.isposinf(scaled.error).all()


@given(problems(**some, dtype=st.sampled_from(["float16", "float32"])))
def test_more_precision_than_asked_stays_within_the_bound(problem: Problem) -> None:
    inputs = problem.inputs(FORWARD[problem.kind])
    answer = in_float64(inputs)
    assert_within(answer, evaluate(inputs))
    assert_exactly_within(
        {name: array.astype(problem.dtype)[:, :1] for name, array in answer.items()}, inputs.columns([0])
    )


@given(problems(**some), st.booleans())
def test_torch_stays_within_the_bound(problem: Problem, cell: bool) -> None:
    inputs = problem.inputs((CELL if cell else FORWARD)[problem.kind])
    answer = pytorch.run(inputs)
    assert_within(answer, evaluate(inputs))
    assert_exactly_within({name: array[:, :1] for name, array in answer.items()}, inputs.columns([0]))


@given(problems(**some))
def test_the_evaluation_itself_stays_within_the_bound(problem: Problem) -> None:
    inputs = problem.inputs(FORWARD[problem.kind]).columns([0])
    assert_exactly_within({name: quantity.value for name, quantity in evaluate(inputs).items()}, inputs)


@settings(max_examples=5)
@given(
    problems(
        n_x=st.integers(20, 48),
        n_a=st.integers(20, 48),
        n_y=st.integers(20, 48),
        m=st.just(3),
        T_x=st.just(4),
    )
)
def test_large_dimensions_stay_within_the_bound(problem: Problem) -> None:
    inputs = problem.inputs(FORWARD[problem.kind])
    for program in (PROGRAMS["plain"], PROGRAMS["all at once"]):
        assert_within(program(inputs), evaluate(inputs))


@given(problems())
def test_a_bound_is_a_number_and_zero_only_where_there_is_nothing_to_round(problem: Problem) -> None:
    for quantity in evaluate(problem.inputs(FORWARD[problem.kind])).values():
        finite = np.isfinite(quantity.value)
        assert (quantity.error[finite] > 0).all()
        assert (quantity.error[~finite] == 0).all()


@given(problems(**some, dtype=st.just("float64"), regime=st.sampled_from(["ternary", "unit", "wild"])))
def test_less_precision_has_a_larger_bound(problem: Problem) -> None:
    inputs = problem.inputs(CELL[problem.kind]) if problem.T_x == 1 else problem.inputs(FORWARD[problem.kind])
    half, single, double = (
        evaluate(Inputs(inputs.kind, inputs.x, inputs.a0, inputs.c0, inputs.parameters, np.dtype(dtype)))
        for dtype in get_args(DType)
    )
    for name, quantity in double.items():
        assert (quantity.error < single[name].error).all()
        assert (single[name].error < half[name].error).all()


def test_a_chaotic_bound_grows_without_turning_into_no_number() -> None:
    inputs = Problem.lstm(n_x=2, n_a=5, n_y=2, m=2, T_x=1000, regime="wild", seed=5).inputs("lstm_forward")
    for quantity in evaluate(inputs).values():
        assert (quantity.error > 0).all()
    assert evaluate(inputs)["c"].error.max() > 1e100


# The rules, one by one.

NUMBERS = st.floats(-60, 60) | st.floats(-1, 1) | st.floats(-800, 800)
ERRORS = st.floats(0, 1e-3) | st.floats(0, 30) | st.just(0.0)
IN_UNIT = st.floats(-1, 1)


def known_to(value: float, error: float) -> Bounded:
    return Bounded(np.array([[value]]), np.array([[error]]))


@given(NUMBERS, ERRORS, IN_UNIT, IN_UNIT)
def test_an_error_passes_through_tanh_and_sigmoid(
    value: float, error: float, true: float, off: float
) -> None:
    z = value + true * error  # the exact argument, and one that a program may have computed instead
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


def test_a_prediction_that_underflows_is_still_in_doubt_where_its_logit_is() -> None:
    logits = Bounded(np.array([[0.0], [-760.0]]), np.array([[60.0], [60.0]]))
    assert Arithmetic("float64").softmax(logits).error[1, 0] >= np.exp(-640.0)


def test_a_single_class_is_certain() -> None:
    logit = Bounded(np.array([[3.0]]), np.array([[1.0]]))
    assert Arithmetic("float64").softmax(logit).error[0, 0] < 1e-12


def test_a_class_far_ahead_is_nearly_certain() -> None:
    logits = Bounded(np.array([[40.0], [0.0]]), np.array([[1e-3], [1e-3]]))
    assert Arithmetic("float64").softmax(logits).error[0, 0] < 1e-13


def test_nothing_is_said_where_a_partial_sum_may_overflow() -> None:
    W, b = np.array([[300.0, -300.0]]), np.zeros((1, 1))
    fl = Arithmetic("float16")
    assert fl.affine(W, Bounded.exact(np.array([[200.0], [200.0]])), b).error[0, 0] == np.inf
    assert np.isfinite(fl.affine(W, Bounded.exact(np.array([[100.0], [100.0]])), b).error[0, 0])


def test_nothing_is_said_of_more_terms_than_the_precision_can_count() -> None:
    assert Arithmetic("float16").gamma(2047) > 1
    assert Arithmetic("float16").gamma(2048) == np.inf


def test_an_unknown_factor_is_never_forgotten() -> None:
    nothing, unknown = known_to(0.0, 0.0), known_to(1.0, np.inf)
    fl = Arithmetic("float64")
    with np.errstate(invalid="ignore"):
        assert fl.times(nothing, unknown).error[0, 0] == np.inf
        assert fl.affine(nothing.value, unknown, nothing.value).error[0, 0] == np.inf


exactly = np.vectorize(lambda number: Fraction(float(number)), otypes=[object])


@pytest.mark.parametrize("scale", [1.0, 40.0])
@given(dtype=st.sampled_from(get_args(DType)), seed=st.integers(0, 2**32 - 1))
def test_every_rounding_is_allowed_for(dtype: DType, seed: int, scale: float) -> None:
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
def test_the_worst_order_of_summation_is_allowed_for_and_not_much_more(dtype: DType, k: int) -> None:
    # Each addition to the 1 of the bias loses a term of nearly half a unit in the last place.
    W, v = np.full((1, k), 0.99 * np.finfo(dtype).eps / 2, dtype), np.ones((k, 1), dtype)
    computed = np.ones((1, 1), dtype)
    for _ in range(k):
        computed = computed + W[:, :1]
    bound = Arithmetic(dtype).affine(W.astype(np.float64), Bounded.exact(v), np.ones((1, 1))).error[0, 0]
    error = float(1 + k * Fraction(float(W[0, 0])) - Fraction(float(computed[0, 0])))
    assert bound / 3 < error <= bound


# Sharpness: a mistake far smaller than any usual tolerance is seen.


def test_a_correct_program_uses_a_fair_share_of_the_bound() -> None:
    shares = []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        n_x, n_a, n_y = rng.integers(1, 7, 3).tolist()
        kind: Any = ("rnn", "lstm")[seed % 2]
        inputs = Problem(kind, n_x, n_a, n_y, m=1, T_x=1, seed=seed).inputs(CELL[kind])
        bounds, truth = evaluate(inputs), exact.evaluate(inputs, 1e-30)
        for name, array in Program()(inputs).items():
            shares += [
                enclosure.distance(number) / bound
                for enclosure, number, bound in zip(
                    truth[name].flat, array.flat, bounds[name].error.flat, strict=True
                )
            ]
    assert max(shares) <= 1
    assert np.median(shares) >= 0.01


def seen(answer: Mapping[str, Array], inputs: Inputs) -> bool:
    return any(
        (np.abs(array - quantity.value) > 2 * quantity.error).any()
        for (name, quantity) in evaluate(inputs).items()
        if (array := answer.get(name)) is not None
    )


def bias_off(inputs: Inputs, name: str) -> Answer:
    parameters = {**inputs.parameters, name: inputs.parameters[name] * (1 + 1e-11)}
    return Program()(Inputs(inputs.kind, inputs.x, inputs.a0, inputs.c0, parameters, inputs.dtype))


def mean_mixed_in(z: Array) -> Array:
    return shifted_softmax(z + 1e-9 * z.mean(axis=1, keepdims=True))


def denominator_off(s: Array) -> Array:
    e = np.exp(s - s.max(axis=0))
    return np.asarray(e / (e.sum(axis=0) + 1e-8))


def one_unit_through_float32(z: Array) -> Array:
    z = z.copy()
    z[0] = z[0].astype(np.float32)
    return np.asarray(np.tanh(z))


MISTAKES: Mapping[str, Callable[[Inputs], Answer]] = {
    "ba": lambda inputs: bias_off(inputs, "ba" if inputs.kind == "rnn" else "bf"),
    "bi": lambda inputs: bias_off(inputs, "ba" if inputs.kind == "rnn" else "bi"),
    "bc": lambda inputs: bias_off(inputs, "ba" if inputs.kind == "rnn" else "bc"),
    "bo": lambda inputs: bias_off(inputs, "ba" if inputs.kind == "rnn" else "bo"),
    "by": lambda inputs: bias_off(inputs, "by"),
    "mean over the batch": Program(softmax=mean_mixed_in),
    "denominator": Program(softmax=denominator_off),
    "float32 pre-activation": Program(tanh=one_unit_through_float32),
}


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_far_below_usual_tolerances_is_seen(kind: Any, mistake: str) -> None:
    for seed in range(20):
        inputs = Problem(kind, n_x=3, n_a=5, n_y=2, m=4, T_x=6, seed=seed).inputs(FORWARD[kind])
        assert seen(MISTAKES[mistake](inputs), inputs), seed
        assert not seen(Program()(inputs), inputs)


# The constants, measured.

Library = Mapping[str, Callable[[Array], Array]]


def by_torch(function: Callable[[torch.Tensor], torch.Tensor]) -> Function:
    return lambda z: np.asarray(function(torch.from_numpy(z)).numpy())


LIBRARIES: Mapping[str, Library] = {
    "numpy": {"exp": np.exp, "log": np.log, "tanh": np.tanh},
    "torch": {
        "exp": by_torch(torch.exp),
        "log": by_torch(torch.log),
        "tanh": by_torch(torch.tanh),
        "sigmoid": by_torch(torch.sigmoid),
    },
    "formulas": {
        "sigmoid": sigmoid_by_exp,
        "sigmoid by both signs": sigmoid_by_both_signs,
        "sigmoid by tanh": sigmoid_by_tanh,
        "tanh by exp": tanh_by_exp,
        "tanh by sigmoid": tanh_by_sigmoid,
    },
}
TRUTH: Mapping[str, Callable[[arb], arb]] = {
    "exp": arb.exp,
    "log": arb.log,
    "tanh": arb.tanh,
    "sigmoid": lambda z: 1 / (1 + (-z).exp()),
}


def points(function: str, dtype: DType) -> Array:
    """Half of them linear, half logarithmic, where the function neither overflows nor underflows."""
    rng = np.random.default_rng(0)
    most = np.log(float(np.finfo(dtype).max)) - 1 if function == "exp" else 20.0
    linear = rng.uniform(-most, most, 3000)
    logarithmic = most * 10 ** rng.uniform(-6, 0, 3000) * rng.choice([-1, 1], 3000)
    z = np.concatenate([linear, logarithmic]).astype(dtype)
    return np.abs(z) if function == "log" else z


@pytest.mark.parametrize("dtype", get_args(DType))
@pytest.mark.parametrize(
    ("library", "function"), [(name, function) for name in LIBRARIES for function in LIBRARIES[name]]
)
def test_the_constants_cover_every_library_and_formula(library: str, function: str, dtype: DType) -> None:
    name = function.split()[0]
    z = points(name, dtype)
    with np.errstate(over="ignore"):
        computed = LIBRARIES[library][function](z)
    u = np.finfo(dtype).eps / 2
    relative = name in ("exp", "log") or (name == "tanh" and library != "formulas")
    with ctx.workprec(200):
        truth = [TRUTH[name](arb(x)) for x in z.tolist()]
        errors = [abs(true - fx) for true, fx in zip(truth, computed.tolist(), strict=True)]
        if relative:  # a library's tanh too, as sigmoid by tanh relies on it
            errors = [error / abs(true) for error, true in zip(errors, truth, strict=True)]
    allowed = EXP if relative else {"tanh": TANH, "sigmoid": SIGMOID}[name]
    assert max(map(float, errors)) <= allowed * u
