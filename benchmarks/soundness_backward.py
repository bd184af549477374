"""The part of `benchmarks.soundness` that is about backward passes."""

from collections.abc import Mapping

import numpy as np

from benchmarks.fractions import Answer, apart, fractions, from_exact, worst
from oracle import backpropagation, backward_own_steps, exact_gradient, pytorch_gradient
from oracle.backward_inputs import BackwardInputs, LayerBackwardInputs
from oracle.rounding import Bounded
from oracle.tests.gradients import by_reference, multiplied_out, recomputed

SMALL = 60
"""Hidden states of a problem, up to which it is always enclosed; beyond, one time in 200."""


def examine(
    inputs: BackwardInputs | LayerBackwardInputs, rng: np.random.Generator, *, regime: str
) -> dict[str, float]:
    """The figures of one problem by name, as `benchmarks.soundness.examine` gives them."""
    bounded = backpropagation.evaluate(inputs)
    answers = {"reference": by_reference(inputs)}
    found = {}
    is_sequence = isinstance(inputs, BackwardInputs) and inputs.x.shape[2] > 1
    if isinstance(inputs, BackwardInputs):
        answers |= {"multiplied out": multiplied_out(inputs), "recomputed": recomputed(inputs)}
    if not is_sequence:
        answers["torch"] = pytorch_gradient.run(inputs)
    elif isinstance(inputs, BackwardInputs) and regime != "nonfinite":
        rows = len(inputs.a0) * (4 if inputs.kind == "lstm" else 1)
        x = rng.standard_normal((rows, *inputs.x.shape[1:])).astype(inputs.dtype)
        shown = inputs.with_pre_activations_as_inputs(x)
        programs = {"reference": by_reference, "multiplied out": multiplied_out, "recomputed": recomputed}
        for who, program in programs.items():
            answer = program(shown)
            found[f"{who} step"] = _worst_of(answer, backward_own_steps.evaluate(shown, answer["dx"]))
    for who, answer in answers.items():
        found[f"{who} trajectory"] = _worst_of(answer, bounded)
    if regime == "nonfinite" or (inputs.a0.size * inputs.x.shape[2] > SMALL and rng.random() > 0.005):
        return found
    bound = {name: each.error for name, each in bounded.items()}
    least = min(float(error.min(initial=1, where=error > 0)) for error in bound.values())
    truth = exact_gradient.evaluate(inputs, max(least, np.finfo(float).tiny) / 1000)
    evaluation = {name: each.value for name, each in bounded.items()}
    for who, answer in {**answers, "evaluation": evaluation}.items():
        ratios = fractions({name: answer[name] for name in answer if name in truth}, truth, bound, from_exact)
        found[f"{who} trajectory exact"] = worst(ratios)
        if who == "reference":
            found["sharpness exact"] = float(np.median(np.concatenate([r.ravel() for r in ratios.values()])))
    return found


def _worst_of(answer: Answer, bounded: Mapping[str, Bounded]) -> float:
    """The worst error as a fraction of its bound; whether what is not finite is NaN is no matter."""
    with np.errstate(invalid="ignore"):
        ours, centre = (
            {name: np.where(np.isfinite(array), array, np.nan) for name, array in arrays.items()}
            for arrays in (answer, {name: each.value for name, each in bounded.items()})
        )
    of_both = {name: ours[name] for name in ours if name in centre}
    return worst(fractions(of_both, centre, {name: each.error for name, each in bounded.items()}, apart))
