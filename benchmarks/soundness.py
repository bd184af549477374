"""Do correct programs stay within the bounds, and do the exact enclosures agree?

    python -m benchmarks.soundness --problems 200000 --only functions
    python -m benchmarks.soundness --problems 100000 --only layers
    python -m benchmarks.soundness --problems 20000 --only gradients

The reference and torch answer random problems of every regime and dtype, with dimensions up to 48 and
sequences up to 200 (most are small), and layers with all their options. The table shows by regime and dtype
the worst error as a fraction of the bound, of one step and of the whole trajectory: docs/soundness.md says
what each column measures. Figures of columns with *exact* up to 1 are sound, and others up to 2.

Two more programs compute backward passes: one multiplies sums out, one computes cached values again. The
table does not show these two, but their excesses are printed. Each excess is printed with its problem, and
the exit status is 1 if there is one. With `--json` the last line is the worst of every figure by dtype, and
there is no table.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two threads are slower on small problems

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import prod
from statistics import median
from typing import Any, NamedTuple, get_args

import numpy as np

from benchmarks.shared import parser, table
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
from oracle.drawing import Lengths
from oracle.inputs import Inputs, LayerInputs
from oracle.problem import Activation, DType, Problem
from oracle.regimes import Regime
from oracle.rounding import Bounded
from oracle.tests.gradients import by_reference, multiplied_out, recomputed
from oracle.tests.programs import forward_by_reference
from oracle.verdict import Comparison
from properties.trials.single_steps import step_through
from reference.contract import BACKWARDS, CONTRACTS, FUNCTIONS, LAYERS, LAYERS_BACKWARD, Array

ONLY = {"functions": FUNCTIONS, "layers": LAYERS, "gradients": (*BACKWARDS, *LAYERS_BACKWARD)}
SHARPNESS = "sharpness exact"
COLUMNS = [
    f"{program} {extent}{exact}"
    for exact in ("", " exact")
    for extent in ("step", "trajectory")
    for program in ("reference", "torch", "evaluation")
]

Results = Mapping[tuple[str, str], Mapping[str, list[float]]]
"""The values of each figure, by regime and dtype."""

SMALL = 60
"""Problems with at most this number of hidden states are all enclosed; of larger ones, a random few are."""

Answer = dict[str, Array]
Figures = dict[str, float]
"""The figures by name: `reference step`, `torch trajectory exact`, and so on."""

distances = np.vectorize(lambda number, enclosure: enclosure.distance_at_most(number), otypes=[float])
"""The largest possible distances of numbers from the exact values."""


def main() -> int:
    """Measure, and print the table."""
    options = parser(__doc__)
    options.add_argument("--problems", type=int, default=2000, help="how many (default: %(default)s)")
    options.add_argument("--seed", type=int, default=0, help="of all problems (default: %(default)s)")
    options.add_argument("--only", choices=ONLY, help="a part of the functions (default: all)")
    options.add_argument("--json", action="store_true", help="print figures for a program")
    given = options.parse_args()
    rng = np.random.default_rng(given.seed)
    start, excesses = time.perf_counter(), 0
    results: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(given.problems):
        function, problem = draw(rng, ONLY.get(given.only, tuple(CONTRACTS)))
        for figure, value in figures_of(function, problem, rng).items():
            results[problem.regime, problem.dtype][figure].append(value)
            if not value <= (1 if "exact" in figure else 2):
                excesses += 1
                print(f"{figure}: {value:.3g} by {function} on {problem!r}", flush=True)
    if given.json:
        print(json.dumps(worst_by_dtype(results)))
    else:
        minutes = (time.perf_counter() - start) / 60
        print(markdown_table(results))
        print(f"\n{given.problems} problems, seed {given.seed}, {minutes:.1f} minutes: {excesses} excesses")
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
    return function, getattr(Problem, contract.problem_kind)(**sizes, **drawn, **options)


def worst_by_dtype(results: Results) -> dict[str, dict[str, float]]:
    """The worst of every figure in each dtype."""
    found: dict[str, dict[str, float]] = {dtype: {} for dtype in get_args(DType)}
    for (_, dtype), figures in results.items():
        for figure, values in figures.items():
            found[dtype][figure] = max(*values, found[dtype].get(figure, 0))
    return found


def markdown_table(results: Results) -> str:
    """The worst of every figure by regime and dtype, and the median sharpness."""
    columns = [name for name in COLUMNS if any(name in figures for figures in results.values())]
    rows = []
    order = [(regime, dtype) for regime in get_args(Regime) for dtype in get_args(DType)]
    for regime, dtype in filter(results.get, order):
        figures = results[regime, dtype]
        problems, enclosed = (len(figures.get(f"reference trajectory{e}", [])) for e in ("", " exact"))
        worst = [f"{max(figures[name]):.3f}" if name in figures else "—" for name in columns]
        sharpness = f"{median(figures[SHARPNESS]):.4f}" if SHARPNESS in figures else "—"
        rows.append([regime, dtype, str(problems), str(enclosed), *worst, sharpness])
    return table(["regime", "dtype", "problems", "enclosed", *columns, "sharpness"], rows)


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
    trajectory = forward_by_reference(function, inputs)
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
            enclose = partial(exact.evaluate, posed.samples(sample))
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
    ours, single = step_through(inputs, lambda step: forward_by_reference(function, step))
    return single, {**ours}


def exact_figures(compared: Compared, enclose: Callable[[float], Mapping[str, Array]]) -> Figures:
    """The worst errors, measured from the exact enclosures, and the median of the reference's errors."""
    extent, answers, evaluated, sample = compared.extent, compared.answers, compared.bounded, compared.sample
    bounds = {name: each.error[:, sample] for name, each in evaluated.items()}
    least = min(float(bound.min(initial=1, where=bound > 0)) for bound in bounds.values())
    truth = enclose(max(least, np.finfo(float).tiny) / 1000)  # a radius far below every bound
    found: Figures = {}
    evaluation = {name: each.value for name, each in evaluated.items()}
    for program, answer in {**answers, "evaluation": evaluation}.items():
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


if __name__ == "__main__":
    sys.exit(main())
