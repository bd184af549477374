"""Small sizes: what is wrong of all others may be right where two are 1, or where a product is small."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from oracle.diagnosis.questions import problem
from oracle.inputs import Inputs
from oracle.location.when.experiments import BASE
from oracle.location.when.rules import Rule
from oracle.location.when.table import Table
from oracle.problem import DType

Ask = Callable[[Inputs], Iterator[Table]]
"""The elements of the answer to a problem; none where that is not known."""

BESIDE = ((1, 2), (2, 1), (2, 2))
"""Two sizes that are not both 1: what is right there, too, hangs on something else."""
AGAIN = range(4)
"""Seeds of problems in which what was right once has to be right again."""
LARGEST = 12
SMALL = range(12)
"""Seeds of problems in which all sizes are small, and none is 1, of which a rule tells."""
ENOUGH = 4
"""Elements of one answer that are seldom all right by chance."""


def right_where_small(
    function: str, sizes: Sequence[str], dtypes: Sequence[DType], found: Rule, ask: Ask
) -> str:
    """For which small sizes nothing is wrong of what a rule says is; empty where for none.

    In words: `where n_x = m = 1` of a pair that is 1 at once, whatever the others are.
    """

    def told(changed: Mapping[str, int], seed: int, dtype: DType = dtypes[0]) -> tuple[int, bool]:
        """Of how many elements a rule says that they are wrong, and whether any is."""
        given = problem(function, **{**BASE, **changed}, seed=110 + seed, dtype=dtype).inputs(function)
        tables = [*ask(given)]
        count = sum(int(found.met_by(table).sum()) for table in tables)
        return count, any(table.wrong.any() for table in tables)

    def is_right_alone(pair: tuple[str, str]) -> bool:
        """Whether only where both are 1, whatever the others are."""
        ones = dict.fromkeys(pair, 1)
        if not _is_right(told(ones, 0)):
            return False
        beside = [told(dict(zip(pair, two, strict=True)), 0) for two in BESIDE]
        if any(map(_is_right, beside)) or not any(is_wrong for _, is_wrong in beside):
            return False
        drawn = (_drawn(np.random.default_rng(seed), 2, LARGEST) | ones for seed in AGAIN)
        return not any(told(each, seed, dtypes[seed % 2 % len(dtypes)])[1] for seed, each in enumerate(drawn))

    pairs = [pair for pair in combinations(sizes, 2) if is_right_alone(pair)]
    for seed in SMALL:
        small = _drawn(np.random.default_rng(seed), 2, 3)
        every = [told(small, again) for again in range(2)]
        if all(_is_right(each) and each[0] >= ENOUGH for each in every):
            return f"for some small sizes, as {', '.join(f'{name} = {small[name]}' for name in sizes)}"
    return f"where {' or '.join(f'{one} = {other} = 1' for one, other in pairs)}" if pairs else ""


def _drawn(rng: np.random.Generator, least: int, most: int) -> dict[str, int]:
    """Sizes from the least to the most."""
    return dict(zip(BASE, rng.integers(least, most + 1, len(BASE)).tolist(), strict=True))


def _is_right(told: tuple[int, bool]) -> bool:
    count, is_wrong = told
    return bool(count) and not is_wrong
