"""A pass is a pure function: it changes nothing, and depends only on its arguments."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from oracle.diagnosis.behaviour import LATER_CALLS
from oracle.problem import siblings
from properties.implementations.answer import MalformedError
from properties.trials.law import EVERY, law
from properties.trials.trial import Trial


@law("spec", functions=EVERY)
def test_inputs_untouched(trial: Trial) -> None:
    """A call does not change the arrays, lists and dicts that it is given."""
    after = trial.answer.arguments
    before = trial.inputs.arguments(trial.contract.name)
    names = [*trial.contract.arguments, *trial.contract.last_arguments]
    for name, ours, theirs in zip(names, after, before, strict=True):
        _same(trial, name, ours, theirs)


@law("spec", functions=EVERY)
def test_same_answer_twice(trial: Trial) -> None:
    """The same problem gets the same answer again, and calls in between do not change the first answer.

    Nor do they change the gates in its caches.
    """
    _, other = siblings(trial.problem, 2)
    # One later call is enough for the other regimes.
    often = LATER_CALLS if trial.problem.regime == "ternary" else 1
    first = trial.answer_to(trial.inputs, then=[other.inputs(trial.contract.name)] * often)
    trial.agree_with_itself(first.outputs, trial.answer.outputs, asked="asked again")
    with suppress(MalformedError):  # the laws on caches report it
        ours, theirs = (
            {name: entry for name, entry in answer.caches.items() if name in ("ft", "it", "cct", "ot")}
            for answer in (first, trial.answer)
        )
        trial.agree_with_itself(ours, theirs, asked="asked again")


def _same(trial: Trial, name: str, after: Any, before: Any) -> None:
    """Require that a value, and what it contains, is unchanged."""
    if isinstance(before, (Mapping, list, tuple)):
        kind = dict if isinstance(before, Mapping) else type(before)
        trial.require(isinstance(after, kind), element=name, wrong=f"it is no {kind.__name__} any more")
    if isinstance(before, Mapping):
        changed = {*map(str, after)} ^ {*before}
        trial.require(not changed, element=name, wrong=f"keys lost or new: {', '.join(sorted(changed))}")
        for key in before:
            _same(trial, f'{name}["{key}"]', after[key], before[key])
    elif isinstance(before, (list, tuple)):
        trial.require(len(after) == len(before), element=name, wrong="entries lost or new")
        for place, (ours, theirs) in enumerate(zip(after, before, strict=True)):
            _same(trial, f"{name}[{place}]", ours, theirs)
    else:
        is_array = isinstance(after, np.ndarray) or not isinstance(before, np.ndarray)
        trial.require(
            is_array and np.array_equal(after, before, equal_nan=isinstance(before, np.ndarray)),
            element=name,
            wrong="the implementation: it wrote to its input",
        )
