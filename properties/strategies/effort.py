"""Defines the sizes of problems in each profile of Hypothesis, and the work of a problem.

Work estimates the time for all that is done with a problem, from drawing it to its bounds. The unit is about
a nanosecond with a fast implementation. The estimate is right to a factor of two.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from oracle.problems.problem import Problem
from reference.contract import CONTRACTS, NETWORKS, Kind, kind_in

Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Effort:
    """The problems of a profile: the largest sizes, the longest sequence, and the problems in each example.

    `work` is the most work of one problem. Fifteen of sixteen problems are drawn with the `usual`
    effort, if there is one. `is_steered` says whether Hypothesis searches for errors that are large fractions
    of their bounds.
    """

    largest: int
    longest: int
    siblings: int
    work: float = math.inf
    usual: "Effort | None" = None
    is_steered: bool = False

    def within(self, work: float) -> "Effort":
        """The same effort with at most this work in a problem.

        The limit is rounded down to a power of two, so that targets of similar speed share their strategies.
        """
        if work >= self.work:
            return self
        limit = 2.0 ** math.floor(math.log2(max(work, 1.0)))
        usual = self.usual and replace(self.usual, work=self.usual.work * limit / self.work)
        return replace(self, work=limit, usual=usual)


EFFORTS = {
    "dev": Effort(6, 8, 5),
    "ci": Effort(9, 12, 5),
    # Many small problems find more mistakes than a few large ones.
    "fuzz": Effort(300, 4000, 1, work=5e8, usual=Effort(66, 160, 1, work=1e8), is_steered=True),
}
"""The effort of each profile. Other profiles have the effort of `dev`."""


@lru_cache(maxsize=4096)  # every call of a law asks for it
def work(problem: Problem, function: str) -> float:
    """The work of a function on a problem."""
    sizes = {**problem.sizes, **CONTRACTS[function].fixed_sizes}
    once, step, sample = _costs(kind_in(problem.kind), sizes)
    stacked = sizes.get("L", 1) * sizes.get("D", 1)
    return stacked * (once + sizes["T_x"] * (step + problem.m * sample))


def limited_sizes(kind: Kind, sizes: Sizes, limit: float) -> dict[str, int]:
    """Reduce the steps, and if necessary also the samples, until the work is within the limit.

    If one step of one sample exceeds the limit, all sizes are first halved until it does not.
    """
    once, step, sample = _costs(kind, sizes)
    while once + step + sample > limit and max(sizes.get(name, 1) for name in ("n_x", "n_a", "n_y")) > 1:
        sizes = {name: (size + 1) // 2 for name, size in sizes.items()}
        once, step, sample = _costs(kind, sizes)
    T_x = min(sizes.get("T_x", 1), max(1, int((limit - once) / (step + sample))))
    m = min(sizes["m"], max(1, int(((limit - once) / T_x - step) / sample)))
    return {name: {"m": m, "T_x": T_x}.get(name, size) for name, size in sizes.items()}


def _costs(kind: Kind, sizes: Sizes) -> tuple[int, int, int]:
    """The work that is done once for a problem, once for each step, and once for each sample in a step."""
    gates, n_a, n_y = len(NETWORKS[kind].affine_maps), sizes["n_a"], sizes.get("n_y", 0)
    inner = n_a + sizes["n_x"]
    once = 100 * gates * n_a * inner
    step = gates * 60_000 + 10 * gates * n_a * inner
    sample = 2 * gates * n_a * (inner + n_y) + 750 * (sizes["n_x"] + n_y + gates * n_a)
    return once, step, sample
