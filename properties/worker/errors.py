"""Describes an error of a target, and finds the line of the target's own code in a stack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from traceback import walk_tb

Frame = tuple[str, int, str]
"""File, line and function."""


def place(frames: Iterable[Frame], folder: str) -> str:
    """The first of `frames` in `folder`, as `"my_rnn.py:12 in rnn_forward"`; empty if there is none.

    Packages that are installed below the folder do not count.
    """
    for file, line, function in frames:
        path = Path(file)
        if path.is_relative_to(folder):
            name = path.relative_to(folder)
            if "site-packages" not in name.parts:
                return f"{name}:{line}" + ("" if function == "<module>" else f" in {function}")
    return ""


def common_place(samples: Sequence[Sequence[Frame]], folder: str) -> str:
    """The place of the innermost frame of the target that all samples of a stack share: there a call hangs.

    If they share none, the place of the target's outermost frame.
    """
    common: list[Frame] = []
    for every in zip(*(reversed(sample) for sample in samples)):
        if len({*every}) > 1:
            break
        common.append(every[0])
    outermost = reversed(samples[0]) if samples else ()
    return place(reversed(common), folder) or place(outermost, folder)


def frames(error: BaseException) -> list[Frame]:
    """The frames of an error, innermost first."""
    steps = walk_tb(error.__traceback__)
    return [(frame.f_code.co_filename, line, frame.f_code.co_name) for frame, line in steps][::-1]


def described(error: BaseException) -> tuple[str, str]:
    """The name of the first public class of an error, and its message: both may run code of the target."""
    public = next(kind.__name__ for kind in type(error).__mro__ if not kind.__name__.startswith("_"))
    try:
        message = str(error)[:500]
    except BaseException:
        message = ""
    return public[:100], message
