"""How fast is the reference compared with other programs that compute the same?

    python -m benchmarks.peers --output docs/performance.md

Needs ONNX (`pip install -e '.[benchmarks]'`). The peers, all in float64:

- literal: `examples/textbook.py`, which calls the cell in a loop;
- ONNX: its `ReferenceEvaluator` in NumPy, on a model of the recurrent operator that is built before, and the
  head of the reference;
- torch: `torch.nn.RNN` or `torch.nn.LSTM` with the same weights and without gradients, and the head.

An LSTM of two layers and two directions is compared with torch alone.

First, all must agree. The programs take turns in one process on one thread, in a random order in each round.
Each figure is the ratio of the least processor times, which other programs of the machine hardly affect.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import datetime
import platform
import random
import runpy
import time
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
    rows = [*peer_ratios(given.seconds)]
    found = {
        "versions": f"{datetime.date.today()}, with {versions}.",
        "peers": table(["cell", "shape", "literal", "ONNX", "torch"], rows),
    }
    write(found, given.output)


def peer_ratios(seconds: float) -> Iterator[list[str]]:
    """The time of the reference over that of each peer, a row for each cell and shape."""
    for kind in KINDS:
        for shape, sizes in SHAPES.items():
            inputs = Problem(kind, **sizes, regime="unit", seed=1).inputs(f"{kind}_forward")
            ours, *theirs = measure(candidates(inputs), seconds).values()
            yield [kind.upper(), shape, *(f"{ours / their:.2f}" for their in theirs)]
    sizes = {name: size for name, size in SHAPES["L"].items() if name != "n_y"}
    layers = Problem.lstm_layer(**sizes, layers=2, directions=2, seed=1).inputs("lstm_layer")
    whole = {"reference": partial(reference.lstm_layer, *layers.arguments("lstm_layer"))}
    least = measure({**whole, "torch": torch_forward(layers)}, seconds)
    yield ["LSTM, 2 layers, 2 directions", "L", "—", "—", f"{least['reference'] / least['torch']:.2f}"]


def candidates(inputs: Inputs) -> dict[str, Forward]:
    """The reference and its peers, each on the same inputs."""
    function = f"{inputs.kind}_forward"
    given = inputs.arguments(function)
    literal = runpy.run_path(str(ROOT / "examples" / "textbook.py"))[function]
    return {
        "reference": partial(getattr(reference, function), *given),
        "literal": partial(literal, *given),
        "ONNX": onnx_forward(inputs),
        "torch": torch_forward(inputs),
    }


def onnx_forward(inputs: Inputs) -> Forward:
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


def torch_forward(inputs: Inputs) -> Forward:
    """The module, and the head if there is one."""
    return lambda: tuple(pytorch.run(inputs).values())


def measure(forwards: Mapping[str, Forward], seconds: float) -> dict[str, float]:
    """The least processor time of each in at least three rounds. Raises `AssertionError` if they disagree."""
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


if __name__ == "__main__":
    main()
