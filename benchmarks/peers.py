"""How fast is the reference beside other programs that compute the same, and what does a step cost?

    python -m benchmarks.peers --output docs/performance.md

Needs ONNX (`pip install -e '.[benchmarks]'`), and 4 GB of memory. The peers, all in float64:

- literal: `examples/textbook.py`, the equations as they stand, in a loop over the cell;
- ONNX: its `ReferenceEvaluator`, in NumPy, on a graph of the operator and the head. Model and evaluator are
  made before, with weights and inputs in their layout;
- torch: `torch.nn.RNN` or `torch.nn.LSTM` built, loaded, run without gradients, and the head.

Layers, of an LSTM in two layers and two directions, are beside torch alone.

That all agree is checked first. They take turns in one process on one thread, in an order drawn in each
round, and each figure compares the least times of the processor in all rounds: what others do on the machine
shows in them little. The cost of a step is that of the reference alone.
"""

import argparse
import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import datetime
import platform
import random
import runpy
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import reference
from oracle.conversion import to_torch
from oracle.layout import LAYOUTS
from oracle.problem import Problem
from oracle.pytorch import HEAD
from reference.contract import Array, Kind

SHAPES: Mapping[str, Mapping[str, Any]] = {
    "S": {"n_x": 3, "n_a": 5, "n_y": 2, "m": 10, "T_x": 7},
    "L": {"n_x": 64, "n_a": 128, "n_y": 10, "m": 32, "T_x": 50},
    "long": {"n_x": 8, "n_a": 16, "n_y": 4, "m": 4, "T_x": 1000},
}
KINDS: tuple[Kind, ...] = ("lstm", "rnn")
LENGTHS = (10, 100, 1000, 10_000)
START, END = "<!-- written by benchmarks.peers -->\n", "<!-- end -->\n"
TEXTBOOK = Path(__file__).parents[1] / "examples" / "textbook.py"

Forward = Callable[[], tuple[Any, ...]]
"""Computes `a (n_a, m, T_x)` and `y (n_y, m, T_x)`, and maybe more; of layers `a` and `a_last`."""


def main() -> None:
    """Measure, and write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seconds", type=float, default=10, help="for each shape and cell (default: %(default)s)"
    )
    parser.add_argument(
        "--output", type=Path, help="a Markdown file whose tables to replace (default: print)"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines = [
        *versions(),
        "",
        *against_peers(options.seconds),
        *layers_against_torch(options.seconds),
        "",
        *cost_per_step(options.seconds),
    ]
    tables = "\n".join(lines) + "\n"
    if options.output:
        before, _, rest = options.output.read_text().partition(START)
        options.output.write_text(before + START + tables + END + rest.partition(END)[2])
    else:
        print(tables)


def versions() -> Iterator[str]:
    """When, how and with what."""
    yield "```sh\npython -m benchmarks.peers --output docs/performance.md\n```\n"
    yield (
        f"{datetime.date.today()}, with Python {platform.python_version()}, NumPy {np.__version__}, "
        f"torch {torch.__version__} and ONNX {onnx.__version__}\non {platform.machine()}."
    )


def against_peers(seconds: float) -> Iterator[str]:
    """The time of the reference as a fraction of each peer's, a row for each cell and shape."""
    yield "## Reference against peers\n"
    yield "Time of the reference over that of the peer: below 1 the reference is faster.\n"
    for kind in KINDS:
        for shape, sizes in SHAPES.items():
            forwards = candidates(kind, Problem(kind, **sizes, regime="unit", seed=1))
            agree(forwards)
            ours, *theirs = measure(forwards, seconds).values()
            if (kind, shape) == (KINDS[0], "S"):
                yield f"| cell | shape | {' | '.join(list(forwards)[1:])} |"
                yield f"| --- | --- |{' --: |' * len(theirs)}"
            yield f"| {kind.upper()} | {shape} | {' | '.join(f'{ours / their:.2f}' for their in theirs)} |"


def layers_against_torch(seconds: float) -> Iterator[str]:
    """The same of a whole LSTM, in a row."""
    sizes = {name: size for name, size in SHAPES["L"].items() if name != "n_y"}
    given = Problem.lstm_layer(**sizes, layers=2, directions=2, seed=1).arguments("lstm_layer")
    forwards: dict[str, Forward] = {
        "reference": partial(reference.lstm_layer, *given),
        "torch": partial(layers_in_torch, *given),
    }
    agree(forwards)
    ours, theirs = measure(forwards, seconds).values()
    yield f"| LSTM, 2 layers, 2 directions | L | — | — | {ours / theirs:.2f} |"


def cost_per_step(seconds: float) -> Iterator[str]:
    """Time and memory of a step by the length of the sequence, a row for each cell, size and length."""
    yield "## Cost per step\n"
    yield (
        "*Time* per step over that at T = 1,000: of the whole call, and without that of T = 0.\n"
        "*Memory*: the peak per step in bytes, and over that of the arrays in the answer.\n"
    )
    yield "| cell | sizes of | T | time | less T = 0 | memory | over the answer |"
    yield "| --- | --- | --: | --: | --: | --: | --: |"
    for kind in KINDS:
        function = getattr(reference, f"{kind}_forward")
        for shape in ("long", "L"):
            forwards = {}
            for T_x in (0, *LENGTHS):
                problem = Problem(kind, **{**SHAPES[shape], "T_x": T_x}, regime="unit", seed=1)
                forwards[T_x] = partial(function, *problem.arguments(f"{kind}_forward"))
            least = measure(forwards, seconds)
            for T_x in LENGTHS:
                whole = least[T_x] / T_x / (least[1000] / 1000)
                further = (least[T_x] - least[0]) / T_x / ((least[1000] - least[0]) / 1000)
                peak, answer = memory(forwards[T_x])
                yield (
                    f"| {kind.upper()} | {shape} | {T_x:,} | {whole:.2f} | {further:.2f} "
                    f"| {peak / T_x:,.0f} | {peak / answer:.2f} |"
                )


def candidates(kind: Kind, problem: Problem) -> dict[str, Forward]:
    """The reference and its peers, each on the same inputs."""
    given = problem.arguments(f"{kind}_forward")
    return {
        "reference": partial(getattr(reference, f"{kind}_forward"), *given),
        "literal": partial(runpy.run_path(str(TEXTBOOK))[f"{kind}_forward"], *given),
        "ONNX": in_onnx(kind, *given),
        "torch": partial(in_torch, kind, *given),
    }


def in_onnx(kind: Kind, x: Array, a0: Array, parameters: Mapping[str, Array]) -> Forward:
    """The operator, with states `(T_x, 1, m, n_a)`, and the head, by ONNX's reference evaluator."""
    stacked = LAYOUTS["onnx"].stack(kind, parameters)
    constants = {
        "W": stacked["weight"][None],
        "R": stacked["recurrent_weight"][None],
        "B": np.concatenate([stacked["bias"], stacked["recurrent_bias"]])[None],
        "V": parameters[HEAD[kind]].T,
        "by": parameters["by"][:, 0],
    }
    nodes = [
        helper.make_node(kind.upper(), ["x", "W", "R", "B", "", "a0"], ["a"], hidden_size=len(a0)),
        helper.make_node("MatMul", ["a", "V"], ["product"]),
        helper.make_node("Add", ["product", "by"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["y"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        kind,
        [helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, None) for name in ("x", "a0")],
        [helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, None) for name in ("a", "y")],
        [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in constants.items()],
    )
    evaluator = ReferenceEvaluator(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]))
    feeds = {"x": np.ascontiguousarray(x.transpose(2, 1, 0)), "a0": np.ascontiguousarray(a0.T[None])}

    def forward() -> tuple[Array, ...]:
        steps: Any = evaluator.run(None, feeds)
        return tuple(quantity[:, 0].transpose(2, 1, 0) for quantity in steps)

    return forward


@torch.no_grad()
def in_torch(kind: Kind, x: Array, a0: Array, parameters: Mapping[str, Array]) -> tuple[Array, ...]:
    """The module, with states `(T_x, m, n_a)`, and the head."""
    module = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM}[kind](len(x), len(a0), dtype=torch.float64)
    module.load_state_dict({name: tensor(array) for name, array in to_torch(kind, [parameters]).items()})
    first = tensor(a0.T[None])
    a, _ = module(tensor(x.transpose(2, 1, 0)), first if kind == "rnn" else (first, torch.zeros_like(first)))
    logits = torch.nn.functional.linear(a, tensor(parameters[HEAD[kind]]), tensor(parameters["by"][:, 0]))
    return tuple(steps.numpy().transpose(2, 1, 0) for steps in (a, torch.softmax(logits, dim=-1)))


@torch.no_grad()
def layers_in_torch(
    x: Array, a0: Array, c0: Array, parameters: Sequence[Mapping[str, Array]], options: Mapping[str, Any]
) -> tuple[Array, ...]:
    """The hidden states of the top layer, and the last ones of all."""
    D = options["directions"]
    how = {"num_layers": len(parameters) // D, "bidirectional": D == 2, "dtype": torch.float64}
    module = torch.nn.LSTM(len(x), a0.shape[1], **how)
    state = to_torch("lstm", parameters, D)
    module.load_state_dict({name: tensor(array) for name, array in state.items()})
    states = (tensor(a0.transpose(0, 2, 1)), tensor(c0.transpose(0, 2, 1)))
    a, (a_last, _) = module(tensor(x.transpose(2, 1, 0)), states)
    return a.numpy().transpose(2, 1, 0), a_last.numpy().transpose(0, 2, 1)


def tensor(array: Array) -> torch.Tensor:
    """A tensor of its values."""
    return torch.from_numpy(np.ascontiguousarray(array))


def agree(forwards: Mapping[str, Forward]) -> None:
    """Raise unless all give the same first two, within some roundings."""
    a, y = forwards["reference"]()[:2]
    for name, forward in forwards.items():
        for actual, expected in zip(forward()[:2], (a, y), strict=True):
            np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12, err_msg=name)


def measure(forwards: Mapping[Any, Forward], seconds: float) -> dict[Any, float]:
    """The least time that each took in all rounds, of which there are at least three."""
    least = dict.fromkeys(forwards, float("inf"))
    order, rounds, end = list(forwards), 0, time.perf_counter() + seconds
    while rounds < 3 or time.perf_counter() < end:
        random.shuffle(order)
        for name in order:
            for _ in range(3):  # the first finds the others' memory in the caches
                start = time.process_time()
                answer = forwards[name]()
                least[name] = min(least[name], time.process_time() - start)
                del answer
        rounds += 1
    return least


def memory(forward: Forward) -> tuple[int, int]:
    """Bytes that were allocated at once at most, and those of the arrays in the answer."""
    tracemalloc.start()
    *outputs, (caches, x) = forward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    ours = [array for *arrays, _ in caches for array in arrays]
    distinct = {array.__array_interface__["data"][0]: array.nbytes for array in [*outputs, x, *ours]}
    return peak, sum(distinct.values())


if __name__ == "__main__":
    main()
