"""Where in a target's own code something happened."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path
from types import TracebackType

Frame = tuple[str, int, str]
"""File, line, function."""


_OURS = Path(__file__).parent
"""Who has called the target; what is further out is nothing of its."""


def is_its_own_work(frames: Iterable[Frame], folder: str) -> bool:
    """Whether nobody else's code but NumPy's was running, so that nothing was compiled, nor waited for."""
    inner = [*takewhile(lambda frame: not Path(frame[0]).is_relative_to(_OURS), frames)]
    return bool(inner) and all(place([frame], folder) or "numpy" in Path(frame[0]).parts for frame in inner)


def place(frames: Iterable[Frame], folder: str) -> str:
    """`"my_rnn.py:12 in rnn_forward"`: the first of `frames` whose file is in `folder`, or nothing.

    Libraries installed below the folder are not the target's own code.
    """
    for file, line, function in frames:
        path = Path(file)
        if path.is_relative_to(folder):
            name = path.relative_to(folder)
            if "site-packages" not in name.parts:
                return f"{name}:{line}" + ("" if function == "<module>" else f" in {function}")
    return ""


def frames(error: BaseException) -> list[Frame]:
    """The frames of an error, innermost first."""
    found: list[Frame] = []
    step: TracebackType | None = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        found.append((code.co_filename, step.tb_lineno, code.co_name))
        step = step.tb_next
    return found[::-1]
