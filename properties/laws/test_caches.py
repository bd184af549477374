"""Laws on the caches: they hold the states, gates and inputs of each step."""

import numpy as np

from properties.implementations.answer import steps_as_samples
from properties.trials.law import law
from properties.trials.trial import Expected, Trial


@law("spec", needs=("caches",), complete=True)
def test_cache_entries(trial: Trial) -> None:
    """Every cell cache holds the states, the input and the gates of its step."""
    answer = trial.answer
    inputs, bounds = trial.steps
    steps = trial.inputs.x.shape[2]
    cached = {name: steps_as_samples(array) for name, array in answer.caches.items() if name != "x"}
    arguments = {"xt": inputs.x, "a_prev": inputs.a0[:, :, None], "c_prev": inputs.c0[:, :, None]}
    for name, argument in arguments.items():
        if name in cached:
            trial.require_same(name, cached[name], argument, steps, source="given")
    for name in ("a_next", "c_next"):
        if name in cached:
            returned = steps_as_samples(answer.outputs[name[0]])
            trial.require_same(name, cached[name], returned, steps, source="returned")
    if trial.contract.network.gates:
        question = trial.answers.question
        gates = question.steps(inputs, bounds, gates=True)
        trial.compare(cached, Expected(gates, bounds, inputs, steps, question.witness_name))


@law("spec", needs=("caches",))
def test_cached_inputs(trial: Trial) -> None:
    """The parameters in every cell cache, and x, are equal to the arguments."""
    answer = trial.answer
    if "x" in answer.caches:
        trial.require_same("caches[1]", answer.caches["x"], trial.inputs.x, source="given")
    for t, parameters in enumerate(answer.cached_parameters):
        for name, expected in trial.inputs.parameters.items():
            trial.require(
                isinstance(parameters.get(name), np.ndarray)
                and np.array_equal(parameters[name], expected, equal_nan=True),
                element=f'parameters["{name}"] in the cell cache of step {t}',
                wrong="the implementation: it differs from the argument",
            )
