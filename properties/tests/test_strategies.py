"""The drawn problems have the sizes, regimes and dtypes that reveal common mistakes."""

from itertools import chain
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from oracle.problems.drawing import ORDINARY
from oracle.problems.inputs import BackwardInputs
from oracle.problems.limits import Empty
from oracle.problems.problem import LayerProblem, Problem
from properties.laws import all_laws
from properties.strategies.domain import Domain
from properties.strategies.drawn_problems import drawn_examples, examples, problems
from properties.strategies.effort import EFFORTS, limited_sizes, work
from properties.strategies.fixed_problems import equal_size_examples, far_examples
from reference.contract import BACKWARDS, CONTRACTS, FUNCTIONS

DEV, FUZZ = EFFORTS["dev"], EFFORTS["fuzz"]
DETERMINED = settings(database=None, derandomize=True)
LAWS = all_laws()
functions = st.sampled_from(FUNCTIONS)


@given(functions, st.data())
def test_a_problem_fits_the_function_and_the_effort(function: str, data: st.DataObject) -> None:
    problem = data.draw(problems(function, DEV))
    assert problem.kind == CONTRACTS[function].kind
    assert min(problem.sizes.values()) >= 1
    assert CONTRACTS[function].is_cell <= (problem.T_x == 1)
    assert Problem.parse(repr(problem)) == problem


@given(functions, st.data())
def test_an_empty_problem_has_units_and_classes(function: str, data: st.DataObject) -> None:
    problem = data.draw(problems(function, DEV, Domain(empty="m")))
    assert 0 in (problem.n_x, problem.m, problem.T_x)
    assert problem.n_a
    assert problem.n_y
    assert problem.T_x or not CONTRACTS[function].is_cell


def test_failures_shrink_to_numbers_that_a_person_can_check() -> None:
    strategy = problems("lstm_forward", DEV)
    smallest = find(strategy, lambda problem: problem.n_a > 1, settings=DETERMINED)
    assert smallest == Problem.lstm(n_x=1, n_a=2, n_y=1, m=1, T_x=1, regime="ternary", seed=0)


def test_an_example_is_one_shape_in_every_regime_or_shrinks_to_one_problem() -> None:
    in_all = find(examples("rnn_forward", DEV), lambda each: len(each) > 1, settings=DETERMINED)
    assert [problem.regime for problem in in_all] == list(ORDINARY)
    assert len({tuple(problem.sizes.values()) for problem in in_all}) == 1
    (alone,) = find(
        examples("rnn_forward", DEV),
        lambda each: any(problem.n_a > 1 for problem in each),
        settings=DETERMINED,
    )
    assert alone == Problem.rnn(n_x=1, n_a=2, n_y=1, m=1, T_x=1, regime="ternary", seed=0)


def test_both_distinct_and_equal_sizes_are_drawn_and_t_on_both_sides_of_m() -> None:
    drawn: list[Problem] = []

    @settings(DETERMINED, max_examples=200)
    @given(problems("rnn_forward", DEV))
    def draw(problem: Problem) -> None:
        drawn.append(problem)

    draw()
    distinct = sum(len(set(problem.sizes.values())) == 5 for problem in drawn)
    assert len(drawn) / 2 < distinct < len(drawn)
    assert any(problem.T_x > problem.m for problem in drawn)
    assert any(problem.T_x < problem.m for problem in drawn)


@given(st.data())
def test_what_a_law_draws_concerns_it(data: st.DataObject) -> None:
    law = data.draw(st.sampled_from(LAWS))
    function = data.draw(st.sampled_from(law.functions))
    problem = data.draw(problems(function, DEV, law.domain))
    assert law.concerns(function, problem)
    for other in (function.replace("rnn", "lstm"), function.replace("lstm", "rnn")):
        assert law.concerns(other, problem) == (other == function)


@given(st.data(), st.sampled_from(sorted(CONTRACTS)), st.floats(1, 1e12))
def test_what_is_drawn_is_affordable_or_as_small_as_can_be(
    data: st.DataObject, function: str, limit: float
) -> None:
    effort = FUZZ.within(limit)
    assert effort == (FUZZ if limit >= FUZZ.work else FUZZ.within(effort.work))
    problem = data.draw(problems(function, effort))
    assert work(problem, function) <= limit or max(problem.n_x, problem.n_a, problem.n_y) == 1
    assert work(problem, function) <= limit or problem.m == problem.T_x == 1


@given(st.data(), st.sampled_from(sorted(CONTRACTS)), st.sampled_from([1e8, 5e8]))
def test_no_size_is_smaller_than_it_has_to_be(data: st.DataObject, function: str, limit: float) -> None:
    kind = CONTRACTS[function].kind
    largest = 66 if limit < 5e8 else 300
    sizes = {name: data.draw(st.integers(1, largest)) for name in ("n_x", "n_a", "n_y", "m")}
    sizes["T_x"] = 1 if CONTRACTS[function].is_cell else data.draw(st.integers(1, 4000))
    made = limited_sizes(kind, sizes, limit)
    assert {name: made[name] for name in ("n_x", "n_a", "n_y")} == {
        name: sizes[name] for name in ("n_x", "n_a", "n_y")
    }
    for name in ("m", "T_x"):
        one_more: dict[str, Any] = {**made, name: made[name] + 1}
        more = Problem(kind, **one_more)
        assert made[name] in (sizes[name], 1) or work(more, "rnn_forward") > limit


def test_fixed_problems_have_each_activation() -> None:
    every = [*chain.from_iterable(equal_size_examples("rnn_layer", DEV))]
    assert {each.activation for each in every if isinstance(each, LayerProblem)} == {"tanh", "relu"}


def test_many_units_are_posed_with_a_single_sample() -> None:
    for function in ("rnn_forward", "lstm_layer"):
        problems = [problem for [problem] in far_examples(function)]
        assert any(each.m == 1 and each.n_a > 32 for each in problems)


@pytest.mark.parametrize("function", sorted({*BACKWARDS} - {"rnn_cell_backward"}))
def test_a_fixed_problem_of_a_backward_pass_has_no_gradient_of_its_first_step(function: str) -> None:
    """A program that skips a step without an incoming gradient loses the gradients of later steps."""
    every = chain.from_iterable(equal_size_examples(function, DEV))
    assert any(
        not inputs.da[:, :, 0].any() and (inputs.da.any() or inputs.dc.any())
        for problem in every
        for inputs in [problem.inputs(function)]
        if isinstance(inputs, BackwardInputs)
    )


@pytest.mark.parametrize("empty", ["n_x", "m", "T_x"])
def test_of_an_empty_shape_there_is_one_problem(empty: Empty) -> None:
    domain = Domain(empty=empty)
    for function in ("lstm_forward", "rnn_layer"):
        fixed = equal_size_examples(function, DEV, domain)
        drawn = drawn_examples(function, DEV, domain, 0, "dev")
        assert {len(problems) for problems in (*fixed, *drawn)} == {1}
