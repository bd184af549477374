"""How fast is the reference, compared with torch and with a literal program?

    OMP_NUM_THREADS=1 python -m benchmarks.peers --output docs/performance.md

The peers compute the same in float64: `torch.nn.RNN` or `torch.nn.LSTM` without gradients, and the head; and
`examples/textbook.py`, which calls its cell in a loop. Layers have no literal program. The time of torch
includes copying the weights into the module, as that of the reference includes checking them.

First, all must give the same answer. Then the programs take turns in one process, on one thread, in a random
order. A figure is the ratio of the least processor times of all rounds, which other work on the machine
hardly changes.
"""

import os
import random
import runpy
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import reference
from benchmarks.shared import ROOT, argument_parser, table, versions, write
from oracle.problems.problem import Problem
from oracle.witnesses import pytorch

SHAPES: Mapping[str, Mapping[str, int]] = {
    "S": {"n_x": 3, "n_a": 5, "n_y": 2, "m": 10, "T_x": 7},
    "L": {"n_x": 64, "n_a": 128, "n_y": 10, "m": 32, "T_x": 50},
    "long": {"n_x": 8, "n_a": 16, "n_y": 4, "m": 4, "T_x": 1000},
}
PROBLEMS: Mapping[tuple[str, str], Problem] = {
    **{("LSTM", shape): Problem.lstm(**sizes, seed=1) for shape, sizes in SHAPES.items()},
    **{("RNN", shape): Problem.rnn(**sizes, seed=1) for shape, sizes in SHAPES.items()},
    ("LSTM, 2 layers, 2 directions", "L"): Problem.lstm_layer(
        n_x=64, n_a=128, m=32, T_x=50, layers=2, directions=2, seed=1
    ),
}
"""By the cells of a row: its cell, and its shape."""


def main() -> None:
    """Measure the times, and write the table."""
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="for each row (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="a page whose table to replace (default: print)")
    options = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        parser.error("set OMP_NUM_THREADS=1, so that every program has one thread")
    rows = [[*name, *ratios(problem, options.rounds)] for name, problem in PROBLEMS.items()]
    heading = f"Rounds: {options.rounds}, with {versions(sys.executable, ('numpy', 'torch'))}:\n\n"
    columns = ("cell", "shape", "literal", "torch")
    write({"written by benchmarks.peers": heading + table(columns, rows)}, options.output)


def ratios(problem: Problem, rounds: int) -> list[str]:
    """Return the time of the reference over that of the literal program, and over that of torch."""
    programs = programs_for(problem)
    check_agreement(programs)
    least = least_times(programs, rounds)
    return [
        f"{least['reference'] / least[peer]:.2f}" if peer in least else "—" for peer in ("literal", "torch")
    ]


def programs_for(problem: Problem) -> dict[str, Callable[[], Any]]:
    """Return the programs without arguments; each returns the hidden states first."""
    is_layer = problem.kind.endswith("layer")
    function = problem.kind if is_layer else f"{problem.kind}_forward"
    inputs = problem.inputs(function)
    arguments = inputs.arguments(function)
    programs: dict[str, Callable[[], Any]] = {
        "reference": partial(getattr(reference, function), *arguments),
        "torch": lambda: [*pytorch.run(inputs).values()],
    }
    if not is_layer:
        textbook = runpy.run_path(str(ROOT / "examples" / "textbook.py"))
        programs["literal"] = partial(textbook[function], *arguments)
    return programs


def check_agreement(programs: Mapping[str, Callable[[], Any]]) -> None:
    """Raise `AssertionError` if the first two outputs of the programs differ by more than rounding."""
    expected = programs["reference"]()
    for name, program in programs.items():
        for output, right in zip(program()[:2], expected[:2], strict=True):
            np.testing.assert_allclose(np.reshape(output, right.shape), right, 1e-9, 1e-12, err_msg=name)


def least_times(programs: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return the least processor time of each program, in seconds."""
    least = dict.fromkeys(programs, float("inf"))
    for _ in range(rounds):
        for name in random.sample([*programs], len(programs)):
            for _ in range(3):  # the first call finds the memory of another program in the processor's caches
                start = time.process_time()
                answer = programs[name]()
                least[name] = min(least[name], time.process_time() - start)
                del answer
    return least


if __name__ == "__main__":
    main()
