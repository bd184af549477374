"""Do correct programs stay within the bounds, and do the exact enclosures agree?

    python -m benchmarks.soundness --problems 200000 --only functions
    python -m benchmarks.soundness --problems 100000 --only layers
    python -m benchmarks.soundness --problems 20000 --only gradients

Puts random problems of every regime and dtype, dimensions to 48 and sequences to 200 (most are small), and
layers with all their options, to the reference and to torch. The table shows by regime and dtype the worst
error as a fraction of the bound, step by step and over the whole trajectory:

- of the reference and of torch, on every problem, from the float64 evaluation that carries the bound. Up to 2
  is sound, as that evaluation may be off by the bound as well; in float32 and float16 it hardly is;
- of all three, from the exact enclosures of one sample, on small problems and some large. Up to 1 is sound;
- how sharp the bound is: the median over problems, of the median over states, of the reference's error in one
  step as a fraction of the bound.

A layer shows its states between steps only if it is called for each, so that is done with the reference.

Of backward passes a step is held to what the program itself gave the step after. Besides the reference there
are programs that multiply sums out and that compute again what is cached, of which only excesses are shown;
torch answers cells and layers.

Each excess is printed with its problem, and the exit status is 1 if there is one. With `--json` the last line
is the worst of every figure by dtype, in place of the table.
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small problems are slower on two

import json
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import prod
from statistics import median
from typing import Any, get_args

import numpy as np

import reference
from benchmarks import soundness_backward
from benchmarks.fractions import Answer, apart, fractions, from_exact, worst
from oracle import exact, propagation, pytorch
from oracle.backward_inputs import BackwardInputs, LayerBackwardInputs
from oracle.inputs import Inputs, LayerInputs
from oracle.lengths import Lengths
from oracle.problem import Activation, DType, Problem
from oracle.regimes import Regime
from reference.contract import BACKWARDS, CONTRACTS, FUNCTIONS, LAYERS, LAYERS_BACKWARD, Array

EXTENTS = ("step", "trajectory")
SMALL = 60
"""Hidden states of a sample, up to which it is always enclosed; beyond, one time in 50."""

ONLY = {"functions": FUNCTIONS, "layers": LAYERS, "gradients": (*BACKWARDS, *LAYERS_BACKWARD)}


def main() -> int:
    """Run the campaign and print its table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", type=int, default=2000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of all draws (default: %(default)s)")
    parser.add_argument("--only", choices=ONLY, help="what is asked (default: all)")
    parser.add_argument("--json", action="store_true", help="print figures for a program")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    start, excesses = time.perf_counter(), 0
    table: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(options.problems):
        function, problem = draw(rng, ONLY.get(options.only, tuple(CONTRACTS)))
        for figure, value in examine(function, problem, rng).items():
            table[problem.regime, problem.dtype][figure].append(value)
            if not value <= (1 if "exact" in figure else 2):
                excesses += 1
                print(f"{figure}: {value:.3g} by {function} on {problem!r}", flush=True)
    if options.json:
        print(json.dumps(by_dtype(table)))
    else:
        report(table)
        minutes = (time.perf_counter() - start) / 60
        print(
            f"\n{options.problems} problems, seed {options.seed}, {minutes:.1f} minutes: {excesses} excesses"
        )
    return 1 if excesses else 0


def draw(rng: np.random.Generator, functions: Sequence[str]) -> tuple[str, Problem]:
    """A function and a problem for it: 19 sizes of 20 are at most 8, and 19 sequences of 20 at most 12."""

    def size(least: int, usual: int, largest: int) -> int:
        return int(rng.integers(least, (usual if rng.random() < 0.95 else largest) + 1))

    function = str(rng.choice(functions))
    contract = CONTRACTS[function]
    sizes: dict[str, Any] = {
        "n_x": size(0, 8, 48),
        "n_a": size(1, 8, 48),
        "n_y": size(1, 8, 48),
        "m": size(1, 8, 48),
        "T_x": 1 if contract.is_cell else size(1, 12, 200),
    }
    drawn: dict[str, Any] = {
        "regime": rng.choice(get_args(Regime)).item(),
        "seed": int(rng.integers(2**31)),
        "dtype": rng.choice(get_args(DType)).item(),
    }
    if not contract.is_layer:
        return function, Problem(contract.kind, **sizes, **drawn)
    del sizes["n_y"]
    options: dict[str, Any] = {
        "layers": int(rng.integers(1, 4)),
        "directions": int(rng.integers(1, 3)),
        "lengths": rng.choice(get_args(Lengths)).item(),
    }
    if contract.kind == "rnn":
        options["activation"] = rng.choice(get_args(Activation)).item()
    elif rng.random() < 0.5:
        options["n_p"] = int(rng.integers(1, sizes["n_a"] + 1))
    return function, getattr(Problem, contract.posed_as)(**sizes, **drawn, **options)


def examine(function: str, problem: Problem, rng: np.random.Generator) -> dict[str, float]:
    """The figures of one problem by name: `reference step`, `torch trajectory exact`, and so on."""
    inputs = problem.inputs(function)
    if isinstance(inputs, (BackwardInputs, LayerBackwardInputs)):
        return soundness_backward.examine(inputs, rng, regime=problem.regime)
    ours = ask_reference(function, inputs)
    steps, ours_by_step = step_by_step(function, inputs, ours)
    gates = pytorch.gates(steps) if problem.kind == "lstm" else {}
    found = {}
    for extent, posed, answers in (
        ("step", steps, {"reference": ours_by_step, "torch": pytorch.run(steps) | gates}),
        ("trajectory", inputs, {"reference": ours, "torch": pytorch.run(inputs)}),
    ):
        bounded = propagation.evaluate(posed)
        evaluation = {name: quantity.value for name, quantity in bounded.items()}
        bound = {name: quantity.error for name, quantity in bounded.items()}
        for who, answer in answers.items():
            found[f"{who} {extent}"] = worst(fractions(answer, evaluation, bound, apart))
        if prod(inputs.a0.shape[:-1]) * inputs.x.shape[2] > SMALL and rng.random() > 0.02:
            continue
        sample = [int(rng.integers(posed.x.shape[1]))]
        bound = of(bound, sample)
        least = min(float(error.min(initial=1, where=error > 0)) for error in bound.values())
        truth = exact.evaluate(posed.columns(sample), max(least, np.finfo(float).tiny) / 1000)
        for who, answer in {**answers, "evaluation": evaluation}.items():
            ratios = fractions(of(answer, sample), truth, bound, from_exact)
            found[f"{who} {extent} exact"] = worst(ratios)
            if (who, extent) == ("reference", "step"):
                states = [ratios[name].ravel() for name in ("a", "c", "c_last") if name in ratios]
                found["sharpness exact"] = float(np.median(np.concatenate(states)))
    return found


def step_by_step(function: str, inputs: Inputs, ours: Answer) -> tuple[Inputs, Answer]:
    """The single steps from the states of the reference, and its answers to them."""
    if not isinstance(inputs, LayerInputs):
        steps = inputs.steps(ours["a"], ours.get("c", np.zeros((0, *inputs.x.shape[1:]), inputs.dtype)))
        return steps, {name: array.reshape(len(array), -1, 1) for name, array in ours.items()}
    (_, m, T_x), a, c = inputs.x.shape, inputs.a0, inputs.c0
    before = []
    for t in range(T_x):
        before.append((a, c))
        answer = ask_reference(function, inputs.single(t, a, c))
        a, c = answer["a_last"].reshape(a.shape), answer.get("c_last", c).reshape(c.shape)
    every_a, every_c = (
        np.stack(states, axis=3).reshape(*states[0].shape[:2], m * T_x)
        for states in zip(*before, strict=True)
    )
    steps = inputs.from_each(every_a, every_c)
    return steps, ask_reference(function, steps)


def ask_reference(function: str, inputs: Inputs) -> Answer:
    """Every quantity that the reference answers with, `(n, m, T_x)`."""
    result: tuple[Any, ...] = getattr(reference, function)(*inputs.arguments(function))
    if isinstance(inputs, LayerInputs):
        a, *last = result
        names = list(CONTRACTS[function].outputs)[1:]
        return {"a": a} | {n: each.reshape(-1, a.shape[1], 1) for n, each in zip(names, last, strict=True)}
    is_cell = CONTRACTS[function].is_cell
    answer = {
        name[0]: array[:, :, None] if is_cell else array
        for name, array in zip(CONTRACTS[function].outputs, result, strict=False)
    }
    caches = [result[-1]] if is_cell else result[-1][0]
    gates = ("ft", "it", "cct", "ot") if inputs.kind == "lstm" else ()
    return answer | {gate: np.stack([getattr(cache, gate) for cache in caches], axis=2) for gate in gates}


def of(quantities: Mapping[str, Array], sample: list[int]) -> Answer:
    """The quantities of one sample."""
    return {name: array[:, sample] for name, array in quantities.items()}


def by_dtype(table: Mapping[tuple[str, str], Mapping[str, list[float]]]) -> dict[str, dict[str, float]]:
    """The worst of every figure in each dtype."""
    found: dict[str, dict[str, float]] = {dtype: {} for dtype in get_args(DType)}
    for (_, dtype), figures in table.items():
        for figure, values in figures.items():
            found[dtype][figure] = max(*values, found[dtype].get(figure, 0))
    return found


def report(table: Mapping[tuple[str, str], Mapping[str, list[float]]]) -> None:
    """Print the worst of every figure by regime and dtype, and the median sharpness."""
    columns = [f"{who} {extent}" for extent in EXTENTS for who in ("reference", "torch")]
    exactly = [f"{who} {extent} exact" for extent in EXTENTS for who in ("reference", "torch", "evaluation")]
    print(f"{'':29}{'from the float64 evaluation':^28} {'from the exact enclosure':^52}")
    print(f"{'':29}" + f"{'step':^14}{'trajectory':^14} {'':9}{'step':^21}{'trajectory':^21}".rstrip())
    print(
        f"{'regime':10}{'dtype':10}{'problems':8} "
        + f"{'ref.':>6} {'torch':>6} " * 2
        + f" {'problems':8} "
        + f"{'ref.':>6} {'torch':>6} {'eval.':>6} " * 2
        + "sharpness"
    )
    for regime in get_args(Regime):
        for dtype in get_args(DType):
            figures = table[regime, dtype]
            print(
                f"{regime:10}{dtype:10}{len(figures[columns[0]]):8} "
                + "".join(f"{max(figures[column], default=0):6.3f} " for column in columns)
                + f" {len(figures[exactly[0]]):8} "
                + "".join(f"{max(figures[column], default=0):6.3f} " for column in exactly)
                + f"{median(figures['sharpness exact'] or [0]):9.4f}"
            )


if __name__ == "__main__":
    sys.exit(main())
