"""Tests of the search for conditions that separate wrong from right elements."""

import numpy as np
import pytest

from oracle.explanations.behaviour import specification
from oracle.explanations.changes import Condition
from oracle.explanations.conditions import FeatureTable, cheapest_conditions, features_of
from oracle.explanations.observer import observe
from oracle.explanations.probe_problems import inputs_for_conditions
from oracle.problems.inputs import Inputs
from oracle.problems.limits import ANYTHING
from oracle.problems.problem import Problem
from reference.contract import Array


def table(values: Array, wrong: Array, kind: str = "size") -> FeatureTable:
    """A table of elements with one feature."""
    return FeatureTable({(kind, "m", 0): np.array(values, float)}, np.array(wrong, bool))


def test_a_condition_separates_wrong_from_right() -> None:
    found = cheapest_conditions(table(np.arange(20.0), np.arange(20) >= 12))
    assert found
    assert [(each.relation, each.number) for each in found] == [("≥", 12)]


def test_no_condition_is_found_if_none_separates_wrong_from_right() -> None:
    values = np.tile(np.arange(10.0), 4)
    assert cheapest_conditions(table(values, np.arange(40) % 4 == 0)) is None


def test_without_right_elements_there_is_no_condition() -> None:
    assert cheapest_conditions(table(np.arange(20.0), np.ones(20))) == ()


def test_without_wrong_elements_nothing_is_known() -> None:
    assert cheapest_conditions(table(np.arange(20.0), np.zeros(20))) is None


def test_a_threshold_lies_between_right_and_wrong_values() -> None:
    values = np.concatenate([np.linspace(1, 2.99, 50), np.linspace(3.01, 5, 50)])
    found = cheapest_conditions(table(values, values > 3, "magnitude"))
    assert found
    assert [(each.relation, each.number) for each in found] == [(">", 3)]


BELOW = [Condition("value", "z", "<", -10.0)]


@pytest.mark.parametrize(
    ("largest", "found"),
    [(0, BELOW), (5, None), (20, BELOW)],
)
def test_a_threshold_of_one_sign_is_told_if_the_other_sign_is_right(
    largest: int, found: list[Condition] | None
) -> None:
    """Among positive numbers up to 5, nothing tells z < -10 from |z| > 10."""
    values = np.array([*np.linspace(-19.99, 0, 2000), *np.linspace(0, largest, 500)])
    features = {("value", "z", 0): values, ("magnitude", "z", 0): abs(values)}
    conditions = cheapest_conditions(FeatureTable(features, values < -10))
    assert (conditions and [*conditions]) == found


def test_a_condition_that_excludes_few_right_elements_is_left_out() -> None:
    """All wrong elements have m = 6, and only three right elements have another m."""
    values, wrong = np.full(200, 6.0), np.ones(200)
    values[:3], wrong[:3] = 5, 0
    assert cheapest_conditions(table(values, wrong)) is None


@pytest.mark.parametrize(("L", "name"), [(np.ones(30), "T_x"), (np.arange(30) % 3 + 1.0, "T_x = L")])
def test_a_size_that_never_varies_is_not_compared_with_another(L: Array, name: str) -> None:
    T_x = 1 + np.arange(30) % 5
    features = {("equal", "T_x = L", 0): (T_x == L) * 1.0, ("size", "T_x", 0): T_x, ("size", "L", 0): L}
    found = cheapest_conditions(FeatureTable(features, T_x == L))
    assert found
    assert [each.name for each in found] == [name]


def test_two_conditions_are_found_where_one_is_not_enough() -> None:
    m, T_x = (each.ravel() for each in np.meshgrid(np.arange(1.0, 13), np.arange(1.0, 13)))
    wrong = (m >= 5) & (T_x == 3)
    both = FeatureTable({("size", "m", 0): m, ("size", "T_x", 0): T_x}, wrong)
    found = cheapest_conditions(both)
    assert found
    assert {(each.name, each.relation, each.number) for each in found} == {("m", "≥", 5), ("T_x", "=", 3)}
    assert both.are_separated_by(found)
    assert not both.are_separated_by(found[:1])


def test_nan_meets_no_condition_but_unequal() -> None:
    with_nan = table(np.array([np.nan, 1.0, 2.0]), np.array([1, 0, 0]))
    for relation, met in (("=", 0), ("≥", 0), ("≤", 0), ("≠", 1)):
        condition = Condition("size", "m", relation, 5)  # type: ignore[arg-type]
        assert with_nan.meet(condition)[0] == met


def test_a_feature_that_the_table_lacks_is_met_by_nothing() -> None:
    assert not table(np.arange(3.0), np.ones(3)).meet(Condition("size", "n_x", "≥", 0)).any()


@pytest.mark.parametrize("function", ["rnn_cell_forward", "lstm_forward"])
def test_every_feature_has_a_value_in_every_step(function: str) -> None:
    kind = Problem.rnn if function.startswith("rnn") else Problem.lstm
    inputs = kind(n_x=3, n_a=4, n_y=2, m=5, T_x=6).inputs(function)
    steps = observe(function, inputs, specification(function), ANYTHING)
    assert steps
    for target in steps.shown:
        found = FeatureTable.of([steps], target)
        assert [*found.values] == [*features_of(steps.place_of(target), target)]
        for values in found.values.values():
            assert np.isfinite(values).all()
            assert values.size == steps.shown[target].size


CONDITIONS = [
    Condition("size", "m", "≥", 9),
    Condition("equal", "n_x = n_a", "=", 1),
    Condition("index", "sample", "≥", 8),
    Condition("residue", "step", "=", 0, 8),
    Condition("last block", "unit", "=", 1, 4),
    Condition("from end", "step", "=", 0),
    Condition("magnitude", "xt", ">", 2),
    Condition("bits", "", "=", 32),
]


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda each: each.kind)
def test_the_problems_for_a_condition_are_on_both_sides_of_it(condition: Condition) -> None:
    def draw(**fields: object) -> Inputs:
        return Problem.of("rnn_forward", **fields).inputs("rnn_forward")

    example = Problem.rnn(n_x=3, n_a=4, n_y=5, m=6, T_x=7, regime="unit").inputs("rnn_forward")
    met = set()
    for inputs in inputs_for_conditions(draw, [condition], example, 1, ("float64", "float32")):
        steps = observe("rnn_forward", inputs, specification("rnn_forward"), ANYTHING)
        assert steps
        met |= {*np.ravel(condition.holds(steps.place_of("a_next"), "a_next")).tolist()}
    assert met == {True, False}
