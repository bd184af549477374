"""Finds out whether a recurrent forward pass is right; if not, on which smallest problem, and why.

`judge` returns the verdict on a target, and `laws` makes each law a test case of another suite. A failure
prints a `Problem`. `to_torch`, `from_torch`, and the same for ONNX and Keras, convert the weights of layers;
`layout.LAYOUTS` describes the layouts of all frameworks, and needs NumPy alone. `like` makes the functions of
a target from a class of torch modules.
"""

from typing import Any

__all__ = [
    "Problem",
    "from_keras",
    "from_onnx",
    "from_torch",
    "judge",
    "laws",
    "layout",
    "like",
    "to_keras",
    "to_onnx",
    "to_torch",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use, since the process of a target needs none."""
    if name == "Problem":
        from oracle.problem import Problem

        return Problem
    if name == "layout":
        from oracle import layout

        return layout
    if name == "like":
        from oracle.modules import like

        return like
    if name in ("judge", "laws"):
        from properties.session import api

        return getattr(api, name)
    if name in __all__:
        from oracle import conversion

        return getattr(conversion, name)
    raise AttributeError(f"module 'rnn_crosscheck' has no attribute {name!r}")
