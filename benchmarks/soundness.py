"""Do correct programs stay within the bounds, and do the exact enclosures agree?

    python -m benchmarks.soundness --problems 200000 --only functions
    python -m benchmarks.soundness --problems 100000 --only layers
    python -m benchmarks.soundness --problems 20000 --only gradients

The reference and torch answer random problems of every regime and dtype, with dimensions up to 48 and
sequences up to 200 (most are small), and layers with all their options. The table shows by regime and dtype
the worst error as a fraction of the bound, of one step and of the whole trajectory:

- measured on every problem from the float64 evaluation with its bound. Figures up to 2 are sound, because
  this evaluation may also be off by the bound;
- *exact*, measured from the exact enclosures of one sample, on small problems and a few large ones, for the
  reference, torch and the float64 evaluation. Figures up to 1 are sound;
- *sharpness*: the median over problems of the median over states of the reference's error in one step.

A layer is called once for each step, because it returns no states between steps. One step of a backward pass
begins from the program's own gradient of the next step. Two more programs compute backward passes: one
multiplies sums out, one computes cached values again. The table does not show these two, but their excesses
are printed. Torch computes the backward passes of cells and layers.

Each excess is printed with its problem, and the exit status is 1 if there is one. With `--json` the last line
is the worst of every figure by dtype, and there is no table.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two threads are slower on small problems

import json
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, get_args

import numpy as np

from benchmarks.shared import parser, table
from benchmarks.soundness_figures import figures_of
from oracle.lengths import Lengths
from oracle.problem import Activation, DType, Problem
from oracle.regimes import Regime
from reference.contract import BACKWARDS, CONTRACTS, FUNCTIONS, LAYERS, LAYERS_BACKWARD

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
    for regime, dtype in sorted(
        results, key=lambda at: (get_args(Regime).index(at[0]), get_args(DType).index(at[1]))
    ):
        figures = results[regime, dtype]
        problems, enclosed = (
            len(figures.get(f"reference trajectory{exact}", [])) for exact in ("", " exact")
        )
        worst = [f"{max(figures[name]):.3f}" if name in figures else "—" for name in columns]
        sharpness = f"{median(figures[SHARPNESS]):.4f}" if SHARPNESS in figures else "—"
        rows.append([regime, dtype, str(problems), str(enclosed), *worst, sharpness])
    return table(["regime", "dtype", "problems", "enclosed", *columns, "sharpness"], rows)


if __name__ == "__main__":
    sys.exit(main())
