"""Two sizes that are 1 at once: what is wrong of all others may be right there."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from oracle.diagnosis.questions import problem
from oracle.inputs import Inputs
from oracle.location.when.experiments import BASE
from oracle.location.when.rules import Rule
from oracle.location.when.table import Table

AGAIN = range(1, 3)
"""Seeds of problems in which what was right once has to be right again."""


def right_where_two_are_1(
    function: str, sizes: Sequence[str], found: Rule, tables: Callable[[Iterator[Inputs]], Iterator[Table]]
) -> list[str]:
    """The pairs of sizes, as `n_x = m = 1`, for which nothing is wrong of what a rule says is.

    `tables` are the elements of the answers to some problems.
    """

    def is_right(pair: tuple[str, str], seeds: Sequence[int]) -> bool:
        inputs = (
            problem(function, **{**BASE, **dict.fromkeys(pair, 1)}, seed=110 + seed).inputs(function)
            for seed in seeds
        )
        told = [*tables(inputs)]
        return bool(told) and all(found.met_by(each).any() and not each.wrong.any() for each in told)

    return [
        f"{' = '.join(pair)} = 1"
        for pair in combinations(sizes, 2)
        if is_right(pair, range(1)) and is_right(pair, AGAIN)
    ]
