"""Laws that relate calls of a layer: its directions, layers, lengths, absent states and projection."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from oracle.network.forward import backward_steps
from oracle.problems.drawing import Lengths
from oracle.problems.inputs import LayerInputs
from properties.implementations.calls import Raised, Returned
from properties.trials.law import law
from properties.trials.trial import Trial
from reference.contract import LAYERS, Array

_PRESENT: Sequence[Lengths] = ("equal", "random", "with 1", "with T_x")


@law("spec", functions=LAYERS, directions=(2,), most_layers=1, needs=("one_direction",), in_parts=True)
def test_backward_direction(trial: Trial) -> None:
    """The backward direction is a forward direction with other parameters on reversed steps."""
    inputs = trial.inputs
    whole, samples = trial.answer.outputs, np.arange(inputs.x.shape[1])[:, None]
    n_h, n_a = inputs.a0.shape[1], inputs.c0.shape[1]
    order = backward_steps(inputs.x.shape[2], inputs.ends)
    alone = replace(
        inputs,
        x=inputs.x[:, samples, order],
        a0=inputs.a0[1:],
        c0=inputs.c0[1:],
        parameters=inputs.parameters[1:],
        directions=1,
    )
    answer = trial.answer_to(alone).outputs
    if "a" in answer:
        answer["a"] = answer["a"][:, samples, order]
    rows = {"a": n_h, "a_last": n_h, "c_last": n_a}
    both = {name: np.concatenate([whole[name][: rows[name]], answer[name]]) for name in answer}
    trial.compare_calls(whole, both, variation="as a forward one")


@law("spec", functions=LAYERS, needs=("sequences",), in_parts=True)
def test_composition(trial: Trial) -> None:
    """Calls of single layers, each on the hidden states of the layer below, give the answer of one call."""
    inputs = trial.inputs
    D, x = inputs.directions, inputs.x
    last: dict[str, list[Array]] = {}
    for k in range(0, len(inputs.parameters), D):
        own = slice(k, k + D)
        parameters = inputs.parameters[own]
        layer = replace(inputs, x=x, a0=inputs.a0[own], c0=inputs.c0[own], parameters=parameters)
        answer = trial.answer_to(layer).outputs
        x = answer.pop("a")
        for name, array in answer.items():
            last.setdefault(name, []).append(array)
    answers = {"a": x, **{name: np.concatenate(arrays) for name, arrays in last.items()}}
    trial.compare_calls(trial.answer.outputs, answers, variation="layer by layer")


@law("spec", functions=LAYERS, lengths=_PRESENT)
def test_each_length_alone(trial: Trial) -> None:
    """Each sample alone, cut to its length, gives the same answer. Beyond its length, `a` is 0."""
    inputs, whole = trial.inputs, trial.answer.outputs
    for j, length in enumerate(inputs.ends):
        alone = replace(inputs.samples([j]), x=inputs.x[:, [j], :length], lengths=None)
        answer = trial.answer_to(alone).outputs
        part = {name: array[:, [j], :length] for name, array in whole.items()}
        bounds = partial(trial.bounds_of, [j], slice(0, length))
        trial.compare_calls(part, answer, alone, bounds, variation="alone at its length", samples=[j])
        beyond = whole["a"][:, j, length:] if "a" in whole else np.empty(0)
        trial.require(
            not beyond.any(),
            element=f"a[sample {j}, beyond its length {length}]",
            implementation=repr(float(beyond.flat[np.argmax(np.abs(beyond))])) if beyond.size else "",
            expected="0",
        )


@law("robust", functions=LAYERS, lengths=_PRESENT)
def test_padding(trial: Trial) -> None:
    """The values beyond the length of a sample do not matter, not even NaN or an infinity."""
    inputs, whole = trial.inputs, trial.answer.outputs
    rng = np.random.default_rng(trial.problem.seed)
    padding = rng.choice([np.nan, np.inf, -np.inf], inputs.x.shape)
    padded = replace(inputs, x=np.where(inputs.within, inputs.x, padding).astype(inputs.x.dtype))
    answer = trial.answer_to(padded).outputs
    variation = "with NaN and inf in the padding"
    trial.compare_calls(whole, answer, padded, lambda: trial.bounds, variation=variation)


@law("spec", functions=LAYERS, needs=("sequences", "last_states"))
def test_last_states(trial: Trial) -> None:
    """The top layer's last hidden states are in `a`: forward at each sample's end, backward at its start."""
    inputs, whole = trial.inputs, trial.answer.outputs
    D, n_h, samples = inputs.directions, inputs.a0.shape[1], np.arange(inputs.x.shape[1])
    if not inputs.x.shape[2]:
        return
    ends = [whole["a"][:n_h, samples, inputs.ends - 1], whole["a"][n_h:, :, 0]][:D]
    top = {"a_last": whole["a_last"][-D * n_h :]}
    in_a = {"a_last": np.concatenate(ends)[:, :, None]}
    trial.compare_calls(
        top, in_a, bounds=lambda: {"a_last": trial.bounds["a_last"][-D * n_h :]}, variation="in a"
    )


@law("spec", functions=("lstm_layer",), projections=("none",), needs=("equal projection",), in_parts=True)
def test_identity_projection(trial: Trial) -> None:
    """A projection by the identity gives the same answer as no projection."""
    inputs = trial.inputs
    identity = np.eye(inputs.c0.shape[1], dtype=inputs.x.dtype)
    projected = replace(inputs, parameters=[{**p, "Wp": identity} for p in inputs.parameters])
    answer = trial.answer_to(projected).outputs
    trial.compare_calls(trial.answer.outputs, answer, projected, variation="with Wp = 1")


@law("spec", functions=LAYERS, needs=("absent_states",))
def test_absent_states(trial: Trial) -> None:
    """Initial states that are `None` mean zeros, whatever states an earlier call left.

    A target may refuse all such calls. If it answers for one sample and one step, it must answer for more.
    """
    inputs = trial.inputs
    zeros = replace(inputs, a0=np.zeros_like(inputs.a0), c0=np.zeros_like(inputs.c0))
    answer = trial.answer_to(zeros).outputs  # called first, so that it may leave states for the second call
    reply = _call_without_states(trial, zeros)
    smallest = zeros.samples(slice(1)).span(0, 1)
    if isinstance(reply, Raised) and isinstance(_call_without_states(trial, smallest), Raised):
        trial.note("requires initial states")
        return
    names = " and ".join([*trial.contract.arguments][1:])
    absent = f"{names}, given as None for zeros; a call for one sample and one step answers"
    returned = trial.require_returned(reply, absent=absent)
    trial.compare_calls(answer, trial.read(returned, zeros).outputs, zeros, variation="without states")


def _call_without_states(trial: Trial, inputs: LayerInputs) -> Returned | Raised:
    x, *rest = inputs.arguments(trial.contract.name)
    states = len(trial.contract.arguments) - 1
    return trial.call([x, *([None] * states), *rest[states:]])


@law("robust", functions=("lstm_layer",), needs=("one absent state",))
def test_one_absent_state(trial: Trial) -> None:
    """If only one of the two initial states is `None`, it means zeros. A target may refuse such a call."""
    inputs = trial.inputs
    name = ("a0", "c0")[np.random.default_rng(trial.problem.seed).integers(2)]
    zeros = replace(inputs, **{name: np.zeros_like(getattr(inputs, name))})
    arguments = zeros.arguments(trial.contract.name)
    arguments[[*trial.contract.arguments].index(name)] = None
    returned = trial.call(arguments)
    answer = trial.answer_to(zeros).outputs  # if this raises, too, the target did not refuse the absent state
    if isinstance(returned, Raised):
        if isinstance(_call_without_states(trial, zeros), Returned):
            trial.note(f"refuses {name} that is absent alone")
        return
    absent = trial.read(returned, zeros).outputs
    trial.compare_calls(answer, absent, zeros, variation=f"without {name}")
