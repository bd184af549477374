"""What a problem takes, in units of work: nanoseconds or so of one that is fast.

Measured, to within a factor of two, of all that is done with a problem, from drawing it to the bounds.
"""

from collections.abc import Mapping

from oracle.problem import Problem
from reference.contract import CONTRACTS, Kind

Sizes = Mapping[str, int]


def work(problem: Problem, function: str) -> float:
    """What one problem takes of a function."""
    T_x = 1 if CONTRACTS[function].is_cell else problem.T_x
    kind: Kind = "lstm" if problem.kind.startswith("lstm") else "rnn"
    once, step, sample = _costs(kind, problem.sizes)
    stacked = problem.sizes.get("L", 1) * problem.sizes.get("D", 1)
    return stacked * (once + T_x * (step + problem.m * sample))


def made_affordable(kind: Kind, sizes: Sizes, limit: float) -> dict[str, int]:
    """The sizes, with as many samples as the work may be, and as many steps as it may be of one sample.

    Where not even one step of one sample is affordable, they are halved until it is.
    """
    once, step, sample = _costs(kind, sizes)
    while once + step + sample > limit and max(sizes.get(name, 1) for name in ("n_x", "n_a", "n_y")) > 1:
        sizes = {name: (size + 1) // 2 for name, size in sizes.items()}
        once, step, sample = _costs(kind, sizes)
    T_x = min(sizes.get("T_x", 1), max(1, int((limit - once) / (step + sample))))
    m = min(sizes["m"], max(1, int(((limit - once) / T_x - step) / sample)))
    return {name: {"m": m, "T_x": T_x}.get(name, size) for name, size in sizes.items()}


def _costs(kind: Kind, sizes: Sizes) -> tuple[int, int, int]:
    """Of a problem once, of each step, and of each sample in a step."""
    gates, n_a, n_y = 4 if kind == "lstm" else 1, sizes["n_a"], sizes.get("n_y", 0)
    inner = n_a + sizes["n_x"]
    once = 100 * gates * n_a * inner
    step = gates * 60_000 + 10 * gates * n_a * inner
    sample = 2 * gates * n_a * (inner + n_y) + 750 * (sizes["n_x"] + n_y + gates * n_a)
    return once, step, sample
