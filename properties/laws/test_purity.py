"""Laws on purity: a function changes nothing, and its answer depends only on its arguments."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from oracle.explanations.behaviour import LATER_CALLS
from oracle.problems.problem import siblings
from properties.implementations.answer import MalformedError
from properties.trials.law import ALL_FUNCTIONS, law
from properties.trials.trial import Expected, Trial


@law("spec", functions=ALL_FUNCTIONS)
def test_inputs_untouched(trial: Trial) -> None:
    """A call does not change its arguments: arrays, lists and dicts."""
    after = trial.answer.arguments
    before = trial.inputs.arguments(trial.contract.name)
    names = [*trial.contract.arguments, *trial.contract.last_arguments]
    for name, ours, theirs in zip(names, after, before, strict=True):
        _require_unchanged(trial, name, ours, theirs)


@law("spec", functions=ALL_FUNCTIONS)
def test_same_answer_twice(trial: Trial) -> None:
    """A second call on the same problem gives the same answer.

    Later calls on another problem do not change the outputs and the cached gates of an earlier answer.
    """
    _, other = siblings(trial.problem, 2)
    later = other.inputs(trial.contract.name).arguments(trial.contract.name)
    count = LATER_CALLS if trial.problem.regime == "ternary" else 1  # many calls in one regime are enough
    first = trial.answer  # before the later call, whose numbers the message calls so
    again = trial.answer_to(trial.inputs, then=[later] * count)
    trial.compare_calls(first.outputs, again.outputs, variation="asked again")
    with suppress(MalformedError):  # the laws on caches report it
        gates = trial.contract.network.gates.values()
        ours, theirs = (
            {name: entry for name, entry in answer.caches.items() if name in gates}
            for answer in (first, again)
        )
        trial.compare_calls(ours, theirs, variation="asked again")


@law("spec", functions=ALL_FUNCTIONS)
def test_changed_argument(trial: Trial) -> None:
    """After a call, a call with one argument changed is right, as with one batch after a step of training.

    The new numbers are in the same array, or in another one in its place.
    """
    _ = trial.answer  # an error in a plain call is not due to a change
    earlier = trial.inputs.arguments(trial.contract.name)
    for number, (change, inputs, bounds) in enumerate(trial.answers.question.changes[trial.number]):
        in_place = (trial.problem.seed // 2 + number) % 2 == 0
        ours = trial.answer_to(inputs, earlier=earlier, in_place=in_place).outputs
        network = f"the problem with {change}, after a call that differed only in this"
        trial.compare(ours, Expected.of_formulas(bounds, inputs, network))


def _require_unchanged(trial: Trial, name: str, after: Any, before: Any) -> None:
    """Require that a value is unchanged and, if it is a container, that every entry is unchanged."""
    if isinstance(before, (Mapping, list, tuple)):
        kind = dict if isinstance(before, Mapping) else type(before)
        trial.require(isinstance(after, kind), element=name, wrong=f"it is no {kind.__name__} any more")
    if isinstance(before, Mapping):
        changed = {*map(str, after)} ^ {*before}
        trial.require(not changed, element=name, wrong=f"keys lost or new: {', '.join(sorted(changed))}")
        for key in before:
            _require_unchanged(trial, f'{name}["{key}"]', after[key], before[key])
    elif isinstance(before, (list, tuple)):
        trial.require(len(after) == len(before), element=name, wrong="entries lost or new")
        for i, (ours, theirs) in enumerate(zip(after, before, strict=True)):
            _require_unchanged(trial, f"{name}[{i}]", ours, theirs)
    else:
        is_array = isinstance(after, np.ndarray) or not isinstance(before, np.ndarray)
        trial.require(
            is_array and np.array_equal(after, before, equal_nan=isinstance(before, np.ndarray)),
            element=name,
            wrong="the implementation: it wrote to its input",
        )
