"""Is a recurrent forward pass right? The smallest problem on which it is wrong, who is wrong, and why.

`Problem` is what a failure prints; `python -m rnn_crosscheck TARGET` judges one.
"""

from typing import Any

__all__ = ["Problem"]


def __getattr__(name: str) -> Any:
    """The public names, found when they are asked for: the process of a target needs none."""
    if name == "Problem":
        from oracle.problem import Problem

        return Problem
    raise AttributeError(f"module 'rnn_crosscheck' has no attribute {name!r}")
