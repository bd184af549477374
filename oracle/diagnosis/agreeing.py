"""In which sizes another call has to agree with one to change what it answers."""

from collections.abc import Callable, Sequence

DTYPE = "dtype"


def agreeing(names: Sequence[str], changes_it: Callable[[Sequence[str]], bool]) -> str:
    """Which of the sizes, and perhaps the dtype, that is, in words: `n_a and m`; empty where in none.

    `changes_it` tells whether a call that is another one in some of these does so, still.
    """
    if changes_it(names):
        return ""
    needed = [name for name in names if not changes_it([name])]
    sizes = [name for name in names if name != DTYPE]
    is_enough = needed and changes_it([name for name in names if name not in needed])
    if not is_enough and needed != names:
        return "shapes"
    if {*sizes} <= {*needed}:
        needed = ["shapes", *needed[len(sizes) :]]
    return " and ".join(filter(None, [", ".join(needed[:-1]), needed[-1]]))
