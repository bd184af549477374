"""How fast is the reference beside other programs that compute the same, and what does a step cost?

    python -m benchmarks.peers --output docs/performance.md

Needs ONNX (`pip install -e '.[benchmarks]'`), and 4 GB of memory. The peers, all in float64:

- literal: `examples/textbook.py`, the equations as they stand, in a loop over the cell;
- ONNX: its `ReferenceEvaluator`, in NumPy, on a model of the recurrent operator that is made before, and the
  reference's head;
- torch: `torch.nn.RNN` or `torch.nn.LSTM`, loaded with the weights and run without gradients, and the head.

Layers, of an LSTM in two layers and two directions, are compared with torch alone.

First, all must agree. They take turns in one process on one thread, in a random order in each round. Each
figure compares the least processor times of all rounds, in which other programs on the machine show little.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import datetime
import platform
import random
import runpy
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx.reference import ReferenceEvaluator

import reference
from benchmarks.shared import ROOT, parser, table, write
from oracle import pytorch
from oracle.frameworks.onnx_model import answer, feeds, model
from oracle.inputs import Inputs
from oracle.problem import Problem
from reference.activations import softmax
from reference.contract import Array, Kind

SHAPES: Mapping[str, Mapping[str, Any]] = {
    "S": {"n_x": 3, "n_a": 5, "n_y": 2, "m": 10, "T_x": 7},
    "L": {"n_x": 64, "n_a": 128, "n_y": 10, "m": 32, "T_x": 50},
    "long": {"n_x": 8, "n_a": 16, "n_y": 4, "m": 4, "T_x": 1000},
}
KINDS: tuple[Kind, ...] = ("lstm", "rnn")
LENGTHS = (10, 100, 1000, 10_000)

Forward = Callable[[], Any]
"""Computes two arrays to compare: the states `a` and the predictions `y`, or of layers `a` and `a_last`."""


def main() -> None:
    """Measure, and write the tables."""
    options = parser(__doc__)
    options.add_argument(
        "--seconds", type=float, default=10, help="for each shape and cell (default: %(default)s)"
    )
    options.add_argument("--output", type=Path, help="a page whose tables to replace (default: print)")
    given = options.parse_args()
    torch.set_num_threads(1)
    numpy, others = np.__version__, f"torch {torch.__version__} and ONNX {onnx.__version__}"
    versions = f"Python {platform.python_version()}, NumPy {numpy}, {others}\non {platform.machine()}"
    found = {
        "versions": f"{datetime.date.today()}, with {versions}.",
        "peers": table(["cell", "shape", "literal", "ONNX", "torch"], [*against_peers(given.seconds)]),
        "steps": table(
            ["cell", "sizes of", "T", "time", "less T = 0", "memory", "over the answer"],
            [*cost_per_step(given.seconds)],
        ),
    }
    write(found, given.output)


def against_peers(seconds: float) -> Iterator[list[str]]:
    """The time of the reference over that of each peer, a row for each cell and shape."""
    for kind in KINDS:
        for shape, sizes in SHAPES.items():
            inputs = Problem(kind, **sizes, regime="unit", seed=1).inputs(f"{kind}_forward")
            ours, *theirs = measure(candidates(inputs), seconds).values()
            yield [kind.upper(), shape, *(f"{ours / their:.2f}" for their in theirs)]
    sizes = {name: size for name, size in SHAPES["L"].items() if name != "n_y"}
    layers = Problem.lstm_layer(**sizes, layers=2, directions=2, seed=1).inputs("lstm_layer")
    whole: dict[Any, Forward] = {"reference": partial(reference.lstm_layer, *layers.arguments("lstm_layer"))}
    least = measure(whole | in_torch(layers), seconds)
    yield ["LSTM, 2 layers, 2 directions", "L", "—", "—", f"{least['reference'] / least['torch']:.2f}"]


def candidates(inputs: Inputs) -> dict[str, Forward]:
    """The reference and its peers, each on the same inputs."""
    function = f"{inputs.kind}_forward"
    given = inputs.arguments(function)
    literal = runpy.run_path(str(ROOT / "examples" / "textbook.py"))[function]
    return {
        "reference": partial(getattr(reference, function), *given),
        "literal": partial(literal, *given),
        "ONNX": in_onnx(inputs),
        **in_torch(inputs),
    }


def in_onnx(inputs: Inputs) -> Forward:
    """The operator by ONNX's reference evaluator, and the head."""
    states = [inputs.a0[None]]
    fed = feeds(inputs.kind, inputs.x, states, [inputs.parameters], {})
    evaluator = ReferenceEvaluator(model(inputs.kind, fed, {}))
    weight, bias = inputs.parameters[pytorch.HEAD[inputs.kind]], inputs.parameters["by"]

    def forward() -> tuple[Array, Array]:
        outputs: Any = evaluator.run(None, fed)
        a = answer(outputs)[0]
        logits = weight @ a.reshape(len(a), -1) + bias
        return a, softmax(logits).reshape(-1, *a.shape[1:])

    return forward


def in_torch(inputs: Inputs) -> dict[Any, Forward]:
    """The module, and the head if there is one."""
    return {"torch": lambda: tuple(pytorch.run(inputs).values())}


def cost_per_step(seconds: float) -> Iterator[list[str]]:
    """Time and memory of a step by the length of the sequence, a row for each cell, size and length."""
    for kind in KINDS:
        function = getattr(reference, f"{kind}_forward")
        for shape in ("long", "L"):
            forwards = {}
            for T_x in (0, *LENGTHS):
                problem = Problem(kind, **{**SHAPES[shape], "T_x": T_x}, regime="unit", seed=1)
                forwards[T_x] = partial(function, *problem.arguments(f"{kind}_forward"))
            least = measure(forwards, seconds, agree=False)
            for T_x in LENGTHS:
                whole = least[T_x] / T_x / (least[1000] / 1000)
                further = (least[T_x] - least[0]) / T_x / ((least[1000] - least[0]) / 1000)
                peak, answered = memory(forwards[T_x])
                cells = (f"{T_x:,}", f"{whole:.2f}", f"{further:.2f}", f"{peak / T_x:,.0f}")
                yield [kind.upper(), shape, *cells, f"{peak / answered:.2f}"]


def measure(forwards: Mapping[Any, Forward], seconds: float, *, agree: bool = True) -> dict[Any, float]:
    """The least processor time of each, of at least three rounds; raises an error where they do not agree."""
    if agree:
        expected = forwards["reference"]()
        for name, forward in forwards.items():
            for actual, desired in zip(forward()[:2], expected[:2], strict=True):
                actual = np.reshape(actual, desired.shape)
                np.testing.assert_allclose(actual, desired, rtol=1e-9, atol=1e-12, err_msg=name)
    least = dict.fromkeys(forwards, float("inf"))
    order, rounds, end = list(forwards), 0, time.perf_counter() + seconds
    while rounds < 3 or time.perf_counter() < end:
        random.shuffle(order)
        for name in order:
            for _ in range(3):  # the first call finds the memory of another program in the caches
                start = time.process_time()
                answered = forwards[name]()
                least[name] = min(least[name], time.process_time() - start)
                del answered
        rounds += 1
    return least


def memory(forward: Forward) -> tuple[int, int]:
    """The largest number of bytes that are allocated at once, and the bytes of the arrays in the answer."""
    tracemalloc.start()
    *outputs, (caches, x) = forward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    ours = [array for *arrays, _ in caches for array in arrays]
    distinct = {array.__array_interface__["data"][0]: array.nbytes for array in [*outputs, x, *ours]}
    return peak, sum(distinct.values())


if __name__ == "__main__":
    main()
