"""The errors of correct programs on one problem, as fractions of the bounds, for `benchmarks.soundness`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

import reference
from oracle import (
    backpropagation,
    backward_own_steps,
    exact,
    exact_gradient,
    propagation,
    pytorch,
    pytorch_gradient,
)
from oracle.backward_inputs import AnyBackward, BackwardInputs, LayerBackwardInputs
from oracle.inputs import Inputs, LayerInputs
from oracle.problem import Problem
from oracle.rounding import Bounded
from oracle.tests.gradients import by_reference, multiplied_out, recomputed
from oracle.verdict import Comparison
from properties.implementations.stepped_layer import step_through
from reference.contract import CONTRACTS, Array

SMALL = 60
"""Problems with at most this number of hidden states are all enclosed; of larger ones, a random few are."""

Answer = dict[str, Array]
Figures = dict[str, float]
"""The figures by name: `reference step`, `torch trajectory exact`, and so on."""

distances = np.vectorize(lambda number, enclosure: enclosure.distance_at_most(number), otypes=[float])
"""The largest possible distances of numbers from the exact values."""


class Compared(NamedTuple):
    """The answers of programs to the same inputs, with the float64 evaluation and its bounds.

    `enclose` computes the exact values of a `sample`, if these are compared, too. `sharp` are the quantities
    whose errors tell how sharp the bounds are.
    """

    extent: str
    inputs: Any
    answers: Mapping[str, Answer]
    bounded: Mapping[str, Bounded]
    enclose: Callable[[float], Mapping[str, Array]] | None = None
    sample: Any = slice(None)
    sharp: Sequence[str] = ()


def figures_of(function: str, problem: Problem, rng: np.random.Generator) -> Figures:
    """The figures of one problem."""
    inputs = problem.inputs(function)
    found: Figures = {}
    if isinstance(inputs, (BackwardInputs, LayerBackwardInputs)):
        compared = backward_answers(inputs, rng, finite=problem.regime != "nonfinite")
    else:
        compared = forward_answers(function, inputs, rng)
    for each in compared:
        for program, answer in each.answers.items():
            found[f"{program} {each.extent}"] = max(
                Comparison(each.inputs, n, n, array, bound.value, bound.error, rival="exact").worst
                for n, array in answer.items()
                if (bound := each.bounded.get(n))
            )
        if each.enclose:
            found |= exact_figures(each, each.enclose)
    return found


def forward_answers(function: str, inputs: Inputs, rng: np.random.Generator) -> Iterator[Compared]:
    """The answers of a forward pass to its steps, each from the state before, and to the whole sequence."""
    trajectory = run_reference(function, inputs)
    steps, by_step = single_steps(function, inputs, trajectory)
    has_gates = inputs.kind == "lstm" and not isinstance(inputs, LayerInputs)
    gates = pytorch.gates(steps) if has_gates else {}
    for extent, posed, answers, sharp in (
        ("step", steps, {"reference": by_step, "torch": pytorch.run(steps) | gates}, ("a", "c", "c_last")),
        ("trajectory", inputs, {"reference": trajectory, "torch": pytorch.run(inputs)}, ()),
    ):
        compared = Compared(extent, posed, answers, propagation.evaluate(posed))
        if prod(inputs.a0.shape[:-1]) * inputs.x.shape[2] <= SMALL or rng.random() <= 0.02:
            sample = [int(rng.integers(posed.x.shape[1]))]
            enclose = partial(exact.evaluate, posed.columns(sample))
            compared = compared._replace(enclose=enclose, sample=sample, sharp=sharp)
        yield compared


def backward_answers(inputs: AnyBackward, rng: np.random.Generator, *, finite: bool) -> Iterator[Compared]:
    """The answers of a backward pass to its single steps, and to the whole sequence."""
    programs: dict[str, Callable[[Any], Answer]] = {"reference": by_reference}
    if isinstance(inputs, BackwardInputs):
        programs |= {"multiplied out": multiplied_out, "recomputed": recomputed}
    answers = {name: program(inputs) for name, program in programs.items()}
    if not (isinstance(inputs, BackwardInputs) and inputs.x.shape[2] > 1):
        answers["torch"] = pytorch_gradient.run(inputs)
    elif finite:
        rows = len(inputs.a0) * (4 if inputs.kind == "lstm" else 1)
        x = rng.standard_normal((rows, *inputs.x.shape[1:])).astype(inputs.dtype)
        shown = inputs.with_pre_activations_as_inputs(x)
        for name, program in programs.items():
            answer = program(shown)
            bounded = backward_own_steps.evaluate(shown, answer["dx"])
            yield Compared("step", shown, {name: answer}, bounded)
    compared = Compared("trajectory", inputs, answers, backpropagation.evaluate(inputs))
    if finite and (inputs.a0.size * inputs.x.shape[2] <= SMALL or rng.random() <= 0.005):
        enclose = partial(exact_gradient.evaluate, inputs)
        compared = compared._replace(enclose=enclose, sharp=[*answers["reference"]])
    yield compared


def single_steps(function: str, inputs: Inputs, trajectory: Answer) -> tuple[Inputs, Answer]:
    """The single steps from the states of the reference, and the reference's answers to these."""
    if not isinstance(inputs, LayerInputs):
        c = trajectory.get("c", np.zeros((0, *inputs.x.shape[1:]), inputs.dtype))
        answers = {name: array.reshape(len(array), -1, 1) for name, array in trajectory.items()}
        return inputs.steps(trajectory["a"], c), answers
    steps = step_through(CONTRACTS[function], inputs)
    step = next(steps)
    while True:
        try:
            step = steps.send(run_reference(function, step))
        except StopIteration as end:
            answers, single = end.value
            return single, answers


def run_reference(function: str, inputs: Inputs) -> Answer:
    """Every quantity that the reference returns, `(n, m, T_x)`; the last states of a layer have one step."""
    contract = CONTRACTS[function]
    result: tuple[Any, ...] = getattr(reference, function)(*inputs.arguments(function))
    if contract.is_layer:
        a, *last = result
        names = [*contract.outputs][1:]
        return {"a": a} | {n: each.reshape(-1, a.shape[1], 1) for n, each in zip(names, last, strict=True)}
    answer = {
        name[0]: array[:, :, None] if contract.is_cell else array
        for name, array in zip(contract.outputs, result, strict=False)
    }
    caches = [result[-1]] if contract.is_cell else result[-1][0]
    gates = ("ft", "it", "cct", "ot") if inputs.kind == "lstm" else ()
    return answer | {gate: np.stack([getattr(cache, gate) for cache in caches], axis=2) for gate in gates}


def exact_figures(compared: Compared, enclose: Callable[[float], Mapping[str, Array]]) -> Figures:
    """The worst errors, measured from the exact enclosures, and the median of the reference's errors."""
    extent, answers, evaluated, sample = compared.extent, compared.answers, compared.bounded, compared.sample
    bounds = {name: each.error[:, sample] for name, each in evaluated.items()}
    least = min(float(bound.min(initial=1, where=bound > 0)) for bound in bounds.values())
    truth = enclose(max(least, np.finfo(float).tiny) / 1000)  # a radius far below every bound
    found: Figures = {}
    for program, answer in {
        **answers,
        "evaluation": {n: each.value for n, each in evaluated.items()},
    }.items():
        ratios = {}
        for name in answer.keys() & truth.keys():
            array = answer[name][:, sample]
            late = slice(truth[name].shape[2] - array.shape[2], None)  # torch returns only the last step of c
            far, bound = distances(array, truth[name][:, :, late]), bounds[name][:, :, late]
            known = (bound > 0) & (bound < np.inf)  # no error exceeds an infinite bound
            out = np.where(far > bound, np.inf, 0.0)
            ratios[name] = np.divide(far, bound, out=out, where=known)
        found[f"{program} {extent} exact"] = max(float(each.max(initial=0.0)) for each in ratios.values())
        if program == "reference" and (sharp := [ratios[n].ravel() for n in compared.sharp if n in ratios]):
            found["sharpness exact"] = float(np.median(np.concatenate(sharp)))
    return found
