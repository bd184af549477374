"""Laws that relate calls of a layer: its directions, layers, lengths, states and projection."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from oracle.drawing import Lengths
from properties.implementations.implementation import Raised
from properties.trials.law import law
from properties.trials.trial import Trial
from reference.contract import LAYERS, Array

_SOME: Sequence[Lengths] = ("equal", "random", "with 1", "with T_x")


@law("spec", functions=LAYERS, directions=(1,), lengths=("absent",), needs=("initial_state",))
def test_split_with_states(trial: Trial) -> None:
    """The first t steps, and the rest from the states after these, give the same answer as one call."""
    inputs, whole = trial.inputs, trial.answer.outputs
    if trial.problem.T_x < 2:
        return
    t = int(np.random.default_rng(trial.problem.seed).integers(1, trial.problem.T_x))
    first = replace(inputs, x=inputs.x[:, :, :t])
    start = trial.answer_to(first).outputs
    rest = replace(
        inputs,
        x=inputs.x[:, :, t:],
        a0=start["a_last"].reshape(inputs.a0.shape),
        c0=start["c_last"].reshape(inputs.c0.shape) if "c_last" in start else inputs.c0,
    )
    ours = trial.answer_to(rest).outputs
    whole_from_t = {**whole, "a": whole["a"][:, :, t:]}
    trial.agree_with_itself(whole_from_t, ours, rest, asked="in parts")
    trial.agree_with_itself({"a": whole["a"][:, :, :t]}, {"a": start["a"]}, first, asked="in parts")


@law("spec", functions=LAYERS, directions=(2,), most_layers=1, needs=("one_direction",), in_parts=True)
def test_backward_direction(trial: Trial) -> None:
    """The backward direction is a forward one, with its own parameters, on each sample's steps in reverse."""
    inputs = trial.inputs
    every, samples = trial.answer.outputs, np.arange(inputs.x.shape[1])[:, None]
    n_h, n_a = inputs.a0.shape[1], inputs.c0.shape[1]
    alone = replace(
        inputs,
        x=inputs.x[:, samples, inputs.backward],
        a0=inputs.a0[1:],
        c0=inputs.c0[1:],
        parameters=inputs.parameters[1:],
        directions=1,
    )
    answer = trial.answer_to(alone).outputs
    answer["a"] = answer["a"][:, samples, inputs.backward]
    rows = {"a": n_h, "a_last": n_h, "c_last": n_a}
    both = {name: np.concatenate([every[name][: rows[name]], answer[name]]) for name in answer}
    trial.agree_with_itself(every, both, asked="as a forward one")


@law("spec", functions=LAYERS, in_parts=True)
def test_composition(trial: Trial) -> None:
    """The answer is that of one layer after the other, each on the hidden states of the layer below."""
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
    trial.agree_with_itself(trial.answer.outputs, answers, asked="layer by layer")


@law("spec", functions=LAYERS, lengths=_SOME)
def test_each_length_alone(trial: Trial) -> None:
    """A sample gets the answer that it gets alone, cut to its length; beyond the length, `a` is 0."""
    inputs, every = trial.inputs, trial.answer.outputs
    for j, length in enumerate(inputs.ends):
        alone = replace(inputs.samples([j]), x=inputs.x[:, [j], :length], lengths=None)
        answer = trial.answer_to(alone).outputs
        among = {name: array[:, [j], :length] for name, array in every.items()}
        bounds = partial(trial.bounds_of, [j], slice(0, length))
        trial.agree_with_itself(among, answer, alone, bounds, asked="alone at its length")
        beyond = every["a"][:, j, length:]
        trial.require(
            not beyond.any(),
            element=f"a[sample {j}, beyond its length {length}]",
            implementation=repr(float(beyond.flat[np.argmax(np.abs(beyond))])) if beyond.size else "",
            expected="0",
        )


@law("robust", functions=LAYERS, lengths=_SOME)
def test_padding(trial: Trial) -> None:
    """The values beyond the length of a sample do not matter, not even NaN or an infinity."""
    inputs, every = trial.inputs, trial.answer.outputs
    rng = np.random.default_rng(trial.problem.seed)
    padding = rng.choice([np.nan, np.inf, -np.inf], inputs.x.shape)
    padded = replace(inputs, x=np.where(inputs.within, inputs.x, padding).astype(inputs.x.dtype))
    answer = trial.answer_to(padded).outputs
    asked = "with NaN and inf in the padding"
    trial.agree_with_itself(every, answer, padded, lambda: trial.bounds, asked=asked)


@law("spec", functions=LAYERS)
def test_last_states(trial: Trial) -> None:
    """The last hidden states of the top layer are those in `a` at each sample's end (backward: start)."""
    inputs, every = trial.inputs, trial.answer.outputs
    D, n_h, samples = inputs.directions, inputs.a0.shape[1], np.arange(inputs.x.shape[1])
    if not inputs.x.shape[2]:
        return
    ends = [every["a"][:n_h, samples, inputs.ends - 1], every["a"][n_h:, :, 0]][:D]
    top = {"a_last": every["a_last"][-D * n_h :]}
    in_a = {"a_last": np.concatenate(ends)[:, :, None]}
    trial.agree_with_itself(
        top, in_a, bounds=lambda: {"a_last": trial.bounds["a_last"][-D * n_h :]}, asked="in a"
    )


@law("spec", functions=("lstm_layer",), projections=("none",), needs=("equal projection",), in_parts=True)
def test_identity_projection(trial: Trial) -> None:
    """A projection by the identity gives the answer without a projection."""
    inputs = trial.inputs
    identity = np.eye(inputs.c0.shape[1], dtype=inputs.x.dtype)
    projected = replace(inputs, parameters=[{**p, "Wp": identity} for p in inputs.parameters])
    answer = trial.answer_to(projected).outputs
    trial.agree_with_itself(trial.answer.outputs, answer, projected, asked="with Wp = 1")


@law("spec", functions=LAYERS)
def test_absent_states(trial: Trial) -> None:
    """Initial states that are `None` are zeros, whatever states an earlier call left."""
    inputs = trial.inputs
    zeros = replace(inputs, a0=np.zeros_like(inputs.a0), c0=np.zeros_like(inputs.c0))
    x, *rest = zeros.arguments(trial.contract.name)
    states = len(trial.contract.arguments) - 1
    answer = trial.answer_to(zeros).outputs  # first, so that an earlier call with these sizes has left states
    absent = trial.answer_to(zeros, arguments=[x, *([None] * states), *rest[states:]]).outputs
    trial.agree_with_itself(answer, absent, zeros, asked="without states")


@law("robust", functions=("lstm_layer",))
def test_one_absent_state(trial: Trial) -> None:
    """If one of the two states is `None`, it is zeros, and the other one is used; or the call is refused.

    A call is refused only if the same call with that state is answered.
    """
    inputs = trial.inputs
    name = ("a0", "c0")[np.random.default_rng(trial.problem.seed).integers(2)]
    zeros = replace(inputs, **{name: np.zeros_like(getattr(inputs, name))})
    arguments = zeros.arguments(trial.contract.name)
    arguments[[*trial.contract.arguments].index(name)] = None
    returned = trial.call(arguments)
    answer = trial.answer_to(zeros).outputs
    if isinstance(returned, Raised):
        trial.note(f"refuses {name} that is absent alone")
        return
    absent = trial.read(returned, zeros).outputs
    trial.agree_with_itself(answer, absent, zeros, asked=f"without {name}")
