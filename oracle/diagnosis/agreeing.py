"""In which sizes another call has to agree with one to change what it answers."""

from collections.abc import Callable, Sequence

DTYPE = "dtype"
SHAPES = "shapes"


def agreeing(names: Sequence[str], changes_it: Callable[[Sequence[str]], bool]) -> Sequence[str]:
    """Which of the sizes, and perhaps the dtype, that is: all sizes are `shapes`; none where in none.

    `changes_it` tells whether a call that is another one in some of these does so, still.
    """
    if changes_it(names):
        return []
    needed = [name for name in names if not changes_it([name])]
    sizes = [name for name in names if name != DTYPE]
    is_enough = needed and changes_it([name for name in names if name not in needed])
    if not is_enough and needed != names:
        return [SHAPES]
    return [SHAPES, *needed[len(sizes) :]] if {*sizes} <= {*needed} else needed


def listed(names: Sequence[str]) -> str:
    """Names as a reader says them: `n_a, m and dtype`; nothing of none."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def with_one_for(several: Sequence[str], one: str, names: Sequence[str]) -> Sequence[str]:
    """Names, with one in the place of several of them, as a sum or a product that is enough."""
    first = names.index(several[0])
    return [*names[:first], one, *(name for name in names[first:] if name not in several)]
