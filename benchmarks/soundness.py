"""Do correct programs stay within the bounds, and do the exact enclosures agree?

    python -m benchmarks.soundness --problems 200000 --only functions
    python -m benchmarks.soundness --problems 100000 --only layers
    python -m benchmarks.soundness --problems 20000 --only gradients

The reference and torch answer random problems of every regime and dtype, and layers with all their options.
Dimensions are at most 48 and sequences at most 200, but most are small. For each regime and dtype, the table
shows the worst error as a fraction of the bound, of one step and of the whole trajectory. docs/soundness.md
says what each column measures. A figure of a column with *exact* may be at most 1. Any other may be at most
2, because it compares a program with the evaluation in float64, which may be off by the bound, too.

Each figure that exceeds its limit is printed with its problem, and then the exit status is 1. Two more
programs compute backward passes: one multiplies sums out, one computes cached values again. Their figures are
checked, but not in the table. With `--json`, there is no table: the last line has the worst of every figure
by dtype.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two threads are slower on small problems

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from math import prod
from statistics import median
from typing import Any, NamedTuple, get_args

import numpy as np

from benchmarks.shared import argument_parser, table
from oracle.problems.drawing import Lengths, Regime
from oracle.problems.inputs import AnyBackward, BackwardInputs, Inputs, LayerBackwardInputs, LayerInputs
from oracle.problems.problem import Activation, DType, Problem
from oracle.tests.gradients import by_reference, multiplied_out, recomputed
from oracle.tests.programs import forward_by_reference
from oracle.witnesses import exact, own_steps, pytorch
from oracle.witnesses.bounds import bounds_on
from oracle.witnesses.rounding import Bounded
from oracle.witnesses.verdict import Comparison
from properties.trials.single_steps import joined_steps
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
"""By regime and dtype: the values of each figure."""

MOST_STATES = 60
"""Problems of at most this number of hidden states, and a few larger ones, get exact values."""

Answer = dict[str, Array]
Figures = dict[str, float]
"""The worst error by figure: `reference step`, `torch trajectory exact`, and so on."""

distances = np.vectorize(lambda number, enclosure: enclosure.distance_at_most(number), otypes=[float])
"""The largest possible distance of each number from the exact value in its enclosure."""


def main() -> int:
    """Measure the errors, and print the table."""
    parser = argument_parser(__doc__)
    parser.add_argument("--problems", type=int, default=2000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of all problems (default: %(default)s)")
    parser.add_argument("--only", choices=ONLY, help="some of the functions (default: all)")
    parser.add_argument("--json", action="store_true", help="print JSON and no table")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    start, excesses = time.perf_counter(), 0
    results: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(options.problems):
        function, problem = draw(rng, ONLY.get(options.only, tuple(CONTRACTS)))
        for figure, value in figures_of(function, problem, rng).items():
            results[problem.regime, problem.dtype][figure].append(value)
            if not value <= (1 if "exact" in figure else 2):
                excesses += 1
                print(f"{figure}: {value:.3g} by {function} on {problem!r}", flush=True)
    if options.json:
        print(json.dumps(worst_by_dtype(results)))
    else:
        minutes = (time.perf_counter() - start) / 60
        print(markdown_table(results))
        print(
            f"\n{options.problems} problems, seed {options.seed}, {minutes:.1f} minutes: {excesses} excesses"
        )
    return 1 if excesses else 0


def draw(rng: np.random.Generator, functions: Sequence[str]) -> tuple[str, Problem]:
    """Draw a function and a problem: 19 sizes of 20 are at most 8, and 19 sequences of 20 at most 12."""

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
    others: dict[str, Any] = {
        "regime": rng.choice(get_args(Regime)).item(),
        "seed": int(rng.integers(2**31)),
        "dtype": rng.choice(get_args(DType)).item(),
    }
    if not contract.is_layer:
        return function, Problem(contract.kind, **sizes, **others)
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
    return function, getattr(Problem, contract.problem_kind)(**sizes, **others, **options)


def worst_by_dtype(results: Results) -> dict[str, dict[str, float]]:
    """Return the worst value of every figure in each dtype."""
    worst: dict[str, dict[str, float]] = {dtype: {} for dtype in get_args(DType)}
    for (_, dtype), figures in results.items():
        for figure, values in figures.items():
            worst[dtype][figure] = max(*values, worst[dtype].get(figure, 0))
    return worst


def markdown_table(results: Results) -> str:
    """Return a table of the worst value of every figure, by regime and dtype, and the median sharpness."""
    columns = [name for name in COLUMNS if any(name in figures for figures in results.values())]
    rows = []
    for regime, dtype in filter(results.get, product(get_args(Regime), get_args(DType))):
        figures = results[regime, dtype]
        problems, enclosed = (len(figures.get(f"reference trajectory{e}", [])) for e in ("", " exact"))
        worst = [f"{max(figures[name]):.3f}" if name in figures else "—" for name in columns]
        sharpness = f"{median(figures[SHARPNESS]):.4f}" if SHARPNESS in figures else "—"
        rows.append([regime, dtype, str(problems), str(enclosed), *worst, sharpness])
    return table(["regime", "dtype", "problems", "enclosed", *columns, "sharpness"], rows)


class Answers(NamedTuple):
    """The answers of several programs to the same inputs, and what they are compared with."""

    extent: str  # "step" or "trajectory"
    inputs: Any
    answers: Mapping[str, Answer]  # by program
    evaluation: Mapping[str, Bounded]  # in float64, with bounds
    enclose: Callable[[float], Mapping[str, Array]] | None = None  # computes exact values, to within a radius
    sample: Any = slice(None)  # the samples with exact values
    sharp: Sequence[str] = ()  # the quantities whose errors show how sharp the bounds are


def figures_of(function: str, problem: Problem, rng: np.random.Generator) -> Figures:
    """Return the figures of one problem."""
    inputs = problem.inputs(function)
    figures: Figures = {}
    if isinstance(inputs, (BackwardInputs, LayerBackwardInputs)):
        all_answers = backward_answers(inputs, rng, finite=problem.regime != "nonfinite")
    else:
        all_answers = forward_answers(function, inputs, rng)
    for each in all_answers:
        for program, answer in each.answers.items():
            figures[f"{program} {each.extent}"] = max(
                Comparison(each.inputs, n, n, array, bound.value, bound.error, witness_name="exact").worst
                for n, array in answer.items()
                if (bound := each.evaluation.get(n))
            )
        if each.enclose:
            figures |= exact_figures(each, each.enclose)
    return figures


def forward_answers(function: str, inputs: Inputs, rng: np.random.Generator) -> Iterator[Answers]:
    """Yield the answers to single steps, each from the reference's previous state, and to the sequence."""
    trajectory = forward_by_reference(function, inputs)
    steps, by_step = single_steps(function, inputs, trajectory)
    has_gates = inputs.kind == "lstm" and not isinstance(inputs, LayerInputs)
    gates = pytorch.gates(steps) if has_gates else {}
    for extent, posed, answers, sharp in (
        ("step", steps, {"reference": by_step, "torch": pytorch.run(steps) | gates}, ("a", "c", "c_last")),
        ("trajectory", inputs, {"reference": trajectory, "torch": pytorch.run(inputs)}, ()),
    ):
        result = Answers(extent, posed, answers, bounds_on(posed))
        if prod(inputs.a0.shape[:-1]) * inputs.x.shape[2] <= MOST_STATES or rng.random() <= 0.02:
            sample = [int(rng.integers(posed.x.shape[1]))]
            enclose = partial(exact.evaluate, posed.samples(sample))
            result = result._replace(enclose=enclose, sample=sample, sharp=sharp)
        yield result


def backward_answers(inputs: AnyBackward, rng: np.random.Generator, *, finite: bool) -> Iterator[Answers]:
    """Yield the answers of backward passes to single steps, and to the whole sequence."""
    programs: dict[str, Callable[[Any], Answer]] = {"reference": by_reference}
    if isinstance(inputs, BackwardInputs):
        programs |= {"multiplied out": multiplied_out, "recomputed": recomputed}
    answers = {name: program(inputs) for name, program in programs.items()}
    if not (isinstance(inputs, BackwardInputs) and inputs.x.shape[2] > 1):
        answers["torch"] = pytorch.run(inputs)
    elif finite:
        rows = len(inputs.a0) * (4 if inputs.kind == "lstm" else 1)
        x = rng.standard_normal((rows, *inputs.x.shape[1:])).astype(inputs.dtype)
        shown = inputs.with_pre_activations_as_inputs(x)
        for name, program in programs.items():
            answer = program(shown)
            evaluation = own_steps.evaluate(shown, answer["dx"])
            yield Answers("step", shown, {name: answer}, evaluation)
    result = Answers("trajectory", inputs, answers, bounds_on(inputs))
    if finite and (inputs.a0.size * inputs.x.shape[2] <= MOST_STATES or rng.random() <= 0.005):
        enclose = partial(exact.evaluate, inputs)
        result = result._replace(enclose=enclose, sharp=[*answers["reference"]])
    yield result


def single_steps(function: str, inputs: Inputs, trajectory: Answer) -> tuple[Inputs, Answer]:
    """Return the single steps from the reference's states, and the reference's answers to these steps."""
    if not isinstance(inputs, LayerInputs):
        c = trajectory.get("c", np.zeros((0, *inputs.x.shape[1:]), inputs.dtype))
        answers = {name: array.reshape(len(array), -1, 1) for name, array in trajectory.items()}
        return inputs.steps(trajectory["a"], c), answers
    a, c, outputs = inputs.a0, inputs.c0, []
    for t in range(inputs.x.shape[2]):
        step = replace(inputs, x=inputs.x[:, :, t : t + 1], a0=a, c0=c, lengths=None)
        outputs.append(forward_by_reference(function, step))
        a = outputs[-1]["a_last"].reshape(a.shape)
        c = outputs[-1].get("c_last", c).reshape(c.shape)
    ours, single = joined_steps(inputs, outputs)
    return single, {**ours}


def exact_figures(answers: Answers, enclose: Callable[[float], Mapping[str, Array]]) -> Figures:
    """Return the worst errors relative to the exact values, and the median of the reference's errors."""
    sample, evaluation = answers.sample, answers.evaluation
    bounds = {name: each.error[:, sample] for name, each in evaluation.items()}
    least = min(float(bound.min(initial=1, where=bound > 0)) for bound in bounds.values())
    truth = enclose(max(least, np.finfo(float).tiny) / 1000)  # a radius far below every bound
    figures: Figures = {}
    values = {name: each.value for name, each in evaluation.items()}
    for program, answer in {**answers.answers, "evaluation": values}.items():
        ratios = {}
        for name in answer.keys() & truth.keys():
            array = answer[name][:, sample]
            late = slice(truth[name].shape[2] - array.shape[2], None)  # torch returns only the last step of c
            errors, bound = distances(array, truth[name][:, :, late]), bounds[name][:, :, late]
            known = (bound > 0) & (bound < np.inf)  # no error exceeds an infinite bound
            out = np.where(errors > bound, np.inf, 0.0)
            ratios[name] = np.divide(errors, bound, out=out, where=known)
        figures[f"{program} {answers.extent} exact"] = max(
            float(each.max(initial=0.0)) for each in ratios.values()
        )
        if program == "reference" and (sharp := [ratios[n].ravel() for n in answers.sharp if n in ratios]):
            figures[SHARPNESS] = float(np.median(np.concatenate(sharp)))
    return figures


if __name__ == "__main__":
    sys.exit(main())
