"""The changes of one problem differ in one argument each, and those of a few problems in every argument."""

from typing import Any

import numpy as np
import pytest

from oracle.problems.problem import TRAINED, Problem, changed_inputs
from reference.contract import CONTRACTS

SIZES = {"n_x": 2, "n_a": 3, "m": 4, "T_x": 5}


def problem_of(function: str, seed: int) -> Problem:
    contract = CONTRACTS[function]
    more: dict[str, Any] = {"layers": 2, "lengths": "random"} if contract.is_layer else {"n_y": 2}
    made: Problem = getattr(Problem, contract.problem_kind)(**SIZES, **more, regime="unit", seed=seed)
    return made


def changes_of(function: str, seed: int) -> list[tuple[str, Any]]:
    return [*changed_inputs(function, problem_of(function, seed))]


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, (list, tuple, dict)):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        return {at: leaf for key, each in entries for at, leaf in leaves(each, f"{path}.{key}").items()}
    return {path: np.asarray(value)}


@pytest.mark.parametrize("function", CONTRACTS)
def test_eight_problems_in_a_row_change_every_argument(function: str) -> None:
    contract = CONTRACTS[function]
    inputs: Any = problem_of(function, 0).inputs(function)
    p = inputs.parameters[0] if contract.is_layer else inputs.parameters
    takes_caches = contract.is_backward and not contract.is_layer
    forward = CONTRACTS[contract.forward].arguments if takes_caches else {}
    expected = {*contract.arguments, *forward, *p, *(["lengths"] if contract.is_layer else [])}
    found = {what for seed in range(8) for what, _ in changes_of(function, seed)}
    assert found == {TRAINED, *(f"another {name}" for name in expected)}


@pytest.mark.parametrize("function", [name for name, each in CONTRACTS.items() if not each.is_backward])
def test_one_argument_differs_at_a_time(function: str) -> None:
    for seed in range(8):
        theirs = leaves(problem_of(function, seed).inputs(function).arguments(function))
        for what, inputs in changes_of(function, seed):
            ours = leaves(inputs.arguments(function))
            assert ours.keys() == theirs.keys()
            differ = [at for at in ours if not np.array_equal(ours[at], theirs[at])]
            parameters = {at for at in ours if ".W" in at or ".b" in at}
            if what == TRAINED:
                assert {*differ} == parameters
                assert max(np.abs(ours[at] - theirs[at]).max() for at in differ) < 0.1
            else:
                assert len(differ) == 1, (what, differ)


@pytest.mark.parametrize("function", ["rnn_backward", "lstm_cell_backward"])
def test_caches_belong_to_the_changed_arguments(function: str) -> None:
    for seed in range(8):
        for what, inputs in changes_of(function, seed):
            again = inputs.with_fields().cached
            assert all(np.array_equal(again[name], each) for name, each in inputs.cached.items()), what
