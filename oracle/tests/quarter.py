"""Which cases of a large product, such as each mistake in each of its functions, one run of the tests takes.

`RNN_CROSSCHECK_QUARTER` in the environment says it: `0` (the default) to `3` for every fourth case from that
one on, and the first case of each group besides; `all` for every case, as `.ci/nightly` sets it. `.ci/run`
takes the quarter from the commit, and so goes through all of them in time.
"""

import os
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

T = TypeVar("T")

VARIABLE = "RNN_CROSSCHECK_QUARTER"


def chosen(cases: Iterable[T], group: Callable[[T], Hashable]) -> list[T]:
    """The cases that this run takes, in their order; `ValueError` where the variable says anything else."""
    quarter = os.environ.get(VARIABLE, "0")
    if quarter not in ("0", "1", "2", "3", "all"):
        raise ValueError(f"{VARIABLE} is {quarter!r}, expected 0, 1, 2, 3 or all")
    seen = set[Hashable]()
    taken = []
    for number, case in enumerate(cases):
        if quarter == "all" or number % 4 == int(quarter) or group(case) not in seen:
            taken.append(case)
        seen.add(group(case))
    return taken
