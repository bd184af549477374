"""Laws within the limits of a target: mistakes are named, what is beyond is probed or declared away."""

from typing import Any

import pytest

from oracle.diagnosis.findings import mistake
from oracle.faults import FAULTS
from oracle.limits import ANYTHING, Limits
from properties.explanations.failure import Failure
from properties.implementations.implementation import Implementation, Loaded
from properties.laws import all_laws
from properties.tests.one_law import InProcess, catch
from properties.trials.declared_limits import answers_rightly, beyond
from reference.contract import CONTRACTS, LAYERS


class Limited(InProcess):
    """A mistake of the catalogue in a target with limits."""

    given: Limits

    def load(self) -> Loaded:
        return Loaded(dict.fromkeys(CONTRACTS), self.given)


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
def test_a_mistake_is_named_within_the_limits(name: str, function: str) -> None:
    law = next(law for law in all_laws() if law.name == "each step")
    caught = catch(law.within(Limits.parse(FEW)), limited(name, **FEW), function, 0)
    assert caught
    problem = caught.violation.trial.problem
    assert problem.dtype == "float32"
    assert Failure(caught.violation).findings[0] == mistake(name)


@pytest.mark.parametrize("function", CONTRACTS)
def test_every_limit_is_probed_by_a_problem_beyond_it(function: str) -> None:
    given = Limits.parse(
        {
            "dtypes": ["float32"],
            "layers": 1,
            "directions": 1,
            "lengths": False,
            "projection": False,
            "empty": [],
        }
    )
    probes = list(beyond(given, function))
    assert all(given.fitted(problem) != problem or 0 in problem.sizes.values() for _, problem in probes)
    assert len(probes) >= (8 if CONTRACTS[function].is_layer else 2)
    with Implementation("reference") as reference:
        assert all(answers_rightly(reference, function, problem) for _, problem in probes)


def test_no_limit_is_probed_where_none_is_declared() -> None:
    assert not [probe for function in CONTRACTS for probe in beyond(ANYTHING, function)]


def test_laws_of_more_than_a_target_does_are_declared_away() -> None:
    given = Limits.parse({"directions": 1, "lengths": False, "projection": "fewer", "initial_state": False})
    away = {
        law.name: law.declared_away("lstm_layer", given)
        for law in all_laws()
        if set(law.functions) & {*LAYERS}
    }
    assert {name for name, why in away.items() if why} == {
        "backward direction",
        "each length alone",
        "padding",
        "identity projection",
        "each step",
        "split with states",
    }
