"""Describes an error of a target, and finds the first frame of a stack that is in the target's code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from traceback import walk_tb

Frame = tuple[str, int, str]
"""File, line and function."""

# An error may have its own attribute of this name.
traceback_of = vars(BaseException)["__traceback__"].__get__


def first_place(frames: Iterable[Frame], folder: str) -> str:
    """The first of `frames` in `folder`, as `"my_rnn.py:12 in rnn_forward"`; empty if none is in it.

    Packages that are installed below the folder do not count, nor do the modules of the worker.
    """
    for file, line, function in frames:
        path = Path(file)
        if path.is_relative_to(folder):
            name = path.relative_to(folder)
            if "site-packages" not in name.parts and path.parent != Path(__file__).parent:
                return f"{name}:{line}" + ("" if function == "<module>" else f" in {function}")
    return ""


def place_of_hang(samples: Sequence[Sequence[Frame]], folder: str) -> str:
    """The place in `folder` at which a call hangs, from several samples of its stack (innermost frame first).

    The place is the innermost frame that all samples share, or if they share none, the outermost frame.
    """
    common: list[Frame] = []
    for every in zip(*(reversed(sample) for sample in samples)):
        if len({*every}) > 1:
            break
        common.append(every[0])
    outermost = reversed(samples[0]) if samples else ()
    return first_place(reversed(common), folder) or first_place(outermost, folder)


def frames_of(error: BaseException) -> list[Frame]:
    """The frames in the traceback of an error, innermost first.

    Of a recursion without an end, the frame that occurs most often comes first.
    """
    steps = walk_tb(traceback_of(error))
    frames = [(frame.f_code.co_filename, line, frame.f_code.co_name) for frame, line in steps][::-1]
    if frames and isinstance(error, RecursionError):
        frames.insert(0, Counter(frames).most_common(1)[0][0])
    return frames


def describe(error: BaseException) -> tuple[str, str]:
    """Return the name of the first public class of an error, and the error's message."""
    public = next(kind.__name__ for kind in type(error).__mro__ if not kind.__name__.startswith("_"))
    try:
        message = str(error)[:500]
    except BaseException:  # __str__ may be code of the target
        message = ""
    return public[:100], message or "no message"
