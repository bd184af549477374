"""Is a recurrent forward pass right? The smallest problem on which it is wrong, who is wrong, and why.

`judge` returns the verdict on a target, and `laws` makes each law a test case of one's own suite. `Problem`
is what a failure prints. `to_torch`, `from_torch`, and those of ONNX and Keras, convert the weights of
layers. `layout` says how each framework lays these out, in `layout.LAYOUTS`, and needs NumPy alone. `like`
makes the functions of a target of a class of torch modules.
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
    """The public names, found when they are asked for: the process of a target needs none."""
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
