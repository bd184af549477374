"""Laws on parts: samples do not affect each other, and a sequence can be split at any step."""

from dataclasses import replace
from functools import partial

import numpy as np

from oracle.problems.inputs import is_sum_over_samples
from oracle.witnesses.bounds import bounds_on
from oracle.witnesses.rounding import Bounded
from properties.trials.law import ALL_FUNCTIONS, law
from properties.trials.trial import Expected, Trial
from reference.contract import LAYERS, SEQUENCE_BACKWARDS, SEQUENCE_FORWARDS


@law("spec", functions=ALL_FUNCTIONS)
def test_samples_independent(trial: Trial) -> None:
    """Some samples of a batch, called alone in any order, give the same answers.

    Gradients with respect to parameters are sums over samples, and are not compared.
    """
    rng = np.random.default_rng(trial.problem.seed)
    samples = rng.permutation(trial.problem.m)[: rng.integers(trial.problem.m) + 1]
    inputs = trial.inputs.samples(samples)
    whole, alone = trial.answer.outputs, trial.answer_to(inputs).outputs
    of_samples = [name for name in whole if not is_sum_over_samples(name)]
    part = {name: whole[name][:, samples] for name in of_samples}
    ours = {name: alone[name] for name in of_samples}
    bounds = partial(trial.bounds_of, samples)
    trial.compare_calls(part, ours, inputs, bounds, variation="these samples alone", samples=samples.tolist())


@law(
    "spec",
    functions=(*SEQUENCE_FORWARDS, *LAYERS),
    directions=(1,),
    lengths=("absent",),
    needs=("initial_state",),
)
def test_split(trial: Trial) -> None:
    """A call on the first steps, and one on the rest from the last states that it returned, are right.

    As in a stream, the second call takes the returned arrays themselves. An LSTM that takes only `a0` starts
    each call from a memory state of zeros.
    """
    inputs, whole, T_x = trial.inputs, trial.answer.outputs, trial.problem.T_x
    if T_x < 2:
        return
    t = int(np.random.default_rng(trial.problem.seed).integers(1, T_x))
    first, second = trial.outputs_of_parts(inputs, [t, T_x - t])
    part = {name: array[:, :, :t] for name, array in whole.items() if array.shape[2] == T_x}
    trial.compare_calls(part, first, inputs.span(0, t), variation="in parts")
    a = first["a_last"].reshape(inputs.a0.shape) if "a_last" in first else first["a"][:, :, -1]
    c = first["c_last"].reshape(inputs.c0.shape) if "c_last" in first else inputs.c0
    rest = replace(inputs, x=inputs.x[:, :, t:], a0=a, c0=c)
    network = f"a call on the steps from {t} on, from the last states of a call on those before"
    trial.compare(second, Expected.of_formulas(bounds_on(rest), rest, network))


@law("spec", functions=SEQUENCE_BACKWARDS)
def test_tail(trial: Trial) -> None:
    """The last steps, and the first steps of an RNN, have the same gradients in a call of their own.

    The first steps take the gradient that the last steps return with respect to the state between the parts.
    An LSTM takes no such gradient for its memory state.
    """
    inputs, whole, T_x = trial.inputs, trial.answer.outputs, trial.problem.T_x
    if T_x < 2:
        return
    t = int(np.random.default_rng(trial.problem.seed).integers(1, T_x))
    rest = inputs.span(t, T_x)
    tail = trial.answer_to(rest).outputs
    parts = [(rest, slice(t, T_x), {"dx": tail["dx"]})]
    if not trial.contract.network.has_memory:
        da = inputs.da[:, :, :t].copy()
        da[:, :, -1] += tail["da0"][:, :, 0].astype(inputs.dtype)
        first = replace(inputs.span(0, t), da=da)
        head = trial.answer_to(first).outputs
        parts.append((first, slice(0, t), {"dx": head["dx"], "da0": head["da0"]}))
    for inputs, steps, ours in parts:
        part = {name: whole[name][:, :, steps] if name == "dx" else whole[name] for name in ours}
        bounds = partial(_bounds_of_steps, trial, steps)
        trial.compare_calls(part, ours, inputs, bounds, variation="in parts")


def _bounds_of_steps(trial: Trial, steps: slice) -> dict[str, Bounded]:
    return {"dx": trial.bounds["dx"][:, :, steps], "da0": trial.bounds["da0"]}
