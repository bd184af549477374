"""A forward pass is a function: it changes nothing and depends on nothing but its arguments."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from oracle.problem import siblings
from properties.judged.law import law
from properties.judged.trial import Trial
from reference.contract import Array


@law("spec")
def test_inputs_untouched(trial: Trial) -> None:
    """After a call the arrays and the dict of parameters are as they were before it."""
    after = trial.answer.arguments
    before = trial.inputs.arguments(trial.contract.name)
    names = [*trial.contract.arguments, "parameters"]
    for name, ours, theirs in zip(names, after, before, strict=True):
        if not isinstance(theirs, Mapping):
            _same(trial, name, ours, theirs)
            continue
        changed = set(ours) ^ set(theirs)
        trial.require(
            not changed, element="parameters", wrong=f"keys lost or new: {', '.join(sorted(changed))}"
        )
        for key in theirs:
            _same(trial, f'parameters["{key}"]', ours[key], theirs[key])


@law("spec")
def test_same_answer_twice(trial: Trial) -> None:
    """The same problem gets the same answer again after another, which leaves the first answer as it was."""
    _, other = siblings(trial.problem, 2)
    first = trial.answer_to(trial.inputs, then=other.inputs(trial.contract.name))
    trial.agree_with_itself(first.outputs, trial.answer.outputs, trial.bounds, asked="asked again")


def _same(trial: Trial, name: str, after: Any, before: Array) -> None:
    trial.require(
        isinstance(after, np.ndarray) and np.array_equal(after, before, equal_nan=True),
        element=name,
        wrong="the implementation: it wrote to its input",
    )
