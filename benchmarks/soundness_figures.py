"""The errors of correct programs on one problem, as fractions of the bounds, for `benchmarks.soundness`."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any

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


def figures_of(function: str, problem: Problem, rng: np.random.Generator) -> Figures:
    """The figures of one problem."""
    inputs = problem.inputs(function)
    if isinstance(inputs, (BackwardInputs, LayerBackwardInputs)):
        return backward_figures(inputs, rng, finite=problem.regime != "nonfinite")
    return forward_figures(function, inputs, rng)


def forward_figures(function: str, inputs: Inputs, rng: np.random.Generator) -> Figures:
    """The figures of a forward pass: of its steps, each from the state before, and of its trajectory."""
    trajectory = run_reference(function, inputs)
    steps, by_step = single_steps(function, inputs, trajectory)
    has_gates = inputs.kind == "lstm" and not isinstance(inputs, LayerInputs)
    gates = pytorch.gates(steps) if has_gates else {}
    found: Figures = {}
    for extent, posed, answers in (
        ("step", steps, {"reference": by_step, "torch": pytorch.run(steps) | gates}),
        ("trajectory", inputs, {"reference": trajectory, "torch": pytorch.run(inputs)}),
    ):
        bounded = propagation.evaluate(posed)
        found |= evaluation_figures(extent, posed, answers, bounded)
        if prod(inputs.a0.shape[:-1]) * inputs.x.shape[2] <= SMALL or rng.random() <= 0.02:
            sample = [int(rng.integers(posed.x.shape[1]))]
            enclose = partial(exact.evaluate, posed.columns(sample))
            figures, ratios = exact_figures(extent, answers, bounded, enclose, sample)
            found |= figures
            if extent == "step":
                found["sharpness exact"] = middle([ratios[n] for n in ("a", "c", "c_last") if n in ratios])
    return found


def backward_figures(inputs: AnyBackward, rng: np.random.Generator, *, finite: bool) -> Figures:
    """The figures of a backward pass: of its single steps, and of the whole pass."""
    found: Figures = {}
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
            found |= evaluation_figures("step", shown, {name: answer}, bounded)
    bounded = backpropagation.evaluate(inputs)
    found |= evaluation_figures("trajectory", inputs, answers, bounded)
    if finite and (inputs.a0.size * inputs.x.shape[2] <= SMALL or rng.random() <= 0.005):
        enclose = partial(exact_gradient.evaluate, inputs)
        figures, ratios = exact_figures("trajectory", answers, bounded, enclose)
        found |= figures
        found["sharpness exact"] = middle([*ratios.values()])
    return found


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


def evaluation_figures(
    extent: str, inputs: Inputs, answers: Mapping[str, Answer], bounded: Mapping[str, Bounded]
) -> Figures:
    """The worst errors, measured from the float64 evaluation, as fractions of the bounds."""
    return {
        f"{program} {extent}": max(
            Comparison(inputs, n, n, array, bounded[n].value, bounded[n].error, rival="exact").worst
            for n, array in answer.items()
            if n in bounded
        )
        for program, answer in answers.items()
    }


def exact_figures(
    extent: str,
    answers: Mapping[str, Answer],
    bounded: Mapping[str, Bounded],
    enclose: Callable[[float], Mapping[str, Array]],
    sample: Any = slice(None),
) -> tuple[Figures, Answer]:
    """The worst errors of a sample, measured from the exact enclosures, and all errors of the reference."""
    bounds = {name: each.error[:, sample] for name, each in bounded.items()}
    least = min(float(bound.min(initial=1, where=bound > 0)) for bound in bounds.values())
    truth = enclose(max(least, np.finfo(float).tiny) / 1000)  # a radius far below every bound
    found: Figures = {}
    ratios: dict[str, Answer] = {}
    for program, answer in {**answers, "evaluation": {n: each.value for n, each in bounded.items()}}.items():
        ratios[program] = {}
        for name in answer.keys() & truth.keys():
            array = answer[name][:, sample]
            late = slice(truth[name].shape[2] - array.shape[2], None)  # torch returns only the last step of c
            far, bound = distances(array, truth[name][:, :, late]), bounds[name][:, :, late]
            known = (bound > 0) & (bound < np.inf)  # no error exceeds an infinite bound
            out = np.where(far > bound, np.inf, 0.0)
            ratios[program][name] = np.divide(far, bound, out=out, where=known)
        found[f"{program} {extent} exact"] = max(
            float(each.max(initial=0.0)) for each in ratios[program].values()
        )
    return found, ratios["reference"]


def middle(ratios: Sequence[Array]) -> float:
    """The median of all ratios."""
    return float(np.median(np.concatenate([array.ravel() for array in ratios])))
