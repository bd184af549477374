"""Print the processor's least time in calls of each workload, in seconds, as JSON.

    python benchmarks/workloads.py

`benchmarks/compare.py` runs this with two commits in turns.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch

import reference
from oracle import exact, propagation, pytorch
from oracle.problem import Problem

SECONDS = 0.3
"""Of calls to each."""


def workloads() -> Mapping[str, Callable[[], object]]:
    """The reference, small and large, and what the oracle computes for a verdict."""
    found: dict[str, Callable[[], object]] = {}
    for kind in ("rnn", "lstm"):
        function = f"{kind}_forward"
        small = getattr(Problem, kind)(n_x=3, n_a=5, n_y=2, m=10, T_x=7, seed=1)
        large = getattr(Problem, kind)(n_x=64, n_a=128, n_y=10, m=32, T_x=50, seed=1)
        inputs = small.inputs(function)
        found |= {
            f"{function}, small": partial(getattr(reference, function), *small.arguments(function)),
            f"{function}, large": partial(getattr(reference, function), *large.arguments(function)),
            f"{kind} problem": partial(draw, small, function),
            f"{kind} in torch": partial(pytorch.run, inputs),
            f"{kind} bounds": partial(propagation.evaluate, inputs),
            f"{kind} enclosures": partial(exact.evaluate, inputs.columns([0]), 1e-20),
        }
    return found


def draw(problem: Problem, function: str) -> Sequence[object]:
    """The arguments of a problem that has not been drawn yet."""
    return replace(problem).arguments(function)


def least_time(workload: Callable[[], object]) -> float:
    """Of the calls within `SECONDS`, at least three."""
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while len(times) < 3 or time.perf_counter() < end:
        start = time.process_time()
        workload()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps({name: least_time(workload) for name, workload in workloads().items()}))
