"""Within a target's limits, laws find mistakes; laws beyond the limits are not checked."""

from dataclasses import replace
from typing import Any

import pytest

from oracle.explanations.claims import mistake
from oracle.faults import FAULTS
from oracle.problems.limits import Limits
from oracle.problems.problem import Problem
from properties.explanations.failure import Failure
from properties.implementations.loaded_facts import LoadedFacts
from properties.laws import all_laws
from properties.tests.one_law import InProcess, catch
from reference.contract import CONTRACTS, LAYERS


class Limited(InProcess):
    """A mistake of the catalogue in a target with limits."""

    given: Limits

    def load(self) -> LoadedFacts:
        return LoadedFacts(functions=dict.fromkeys(CONTRACTS), limits=self.given)


def limited(name: str, **declared: Any) -> Limited:
    implementation = Limited(FAULTS[name])
    implementation.given = Limits.parse(declared)
    return implementation


FEW = {"dtypes": ["float32"], "caches": False, "head": False, "layers": 1, "lengths": False}


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("update_and_forget_gates_exchanged", "lstm_layer"),
        ("update_and_forget_gates_exchanged", "lstm_cell_forward"),
        ("torch_gates_read_as_onnx", "lstm_forward"),
        ("a_weights_transposed", "rnn_forward"),
        ("x_above_a", "rnn_layer"),
    ],
)
@pytest.mark.parametrize("few", [FEW, {**FEW, "sequences": False}])
def test_a_mistake_is_named_within_the_limits(name: str, function: str, few: dict[str, Any]) -> None:
    law = next(law for law in all_laws() if law.name == "each step")
    caught = catch(law.within(Limits.parse(few)), limited(name, **few), function, 0)
    assert caught
    problem = caught.violation.trial.problem
    assert problem.dtype == "float32"
    assert Failure(caught.violation).claims[0] == mistake(name)


def test_laws_of_more_than_a_target_does_are_declared_away() -> None:
    given = Limits.parse({"directions": 1, "lengths": False, "projection": "fewer", "initial_state": False})
    away = {
        law.name: law.domain.excluded_by("lstm_layer", given)
        for law in all_laws()
        if set(law.functions) & {*LAYERS}
    }
    assert {name for name, why in away.items() if why} == {
        "backward direction",
        "each length alone",
        "padding",
        "identity projection",
        "each step",
        "split",
    }


def test_laws_of_calls_that_the_harness_would_make_otherwise_are_declared_away() -> None:
    for given, expected in (
        ({"absent_states": False}, {"absent states", "one absent state"}),
        ({"absent_states": "both"}, {"one absent state"}),
        ({"last_states": False}, {"last states"}),
        ({"memory_layouts": False}, {"memory layouts"}),
    ):
        limits = Limits.parse(given)
        names = {law.name for law in all_laws() if law.domain.excluded_by("lstm_layer", limits)}
        assert names == expected


def test_a_law_within_limits_concerns_the_problems_within_them() -> None:
    """A stored problem may be beyond the limits, since the limits of a target may change."""
    (law,) = [each for each in all_laws() if each.name == "trajectory"]
    within = law.within(Limits.parse({"initial_state": False}))
    given = Problem.lstm_layer(n_x=1, n_a=1, m=1, T_x=1)
    assert law.concerns("lstm_layer", given)
    assert not within.concerns("lstm_layer", given)
    assert within.concerns("lstm_layer", replace(given, initial="zero"))
