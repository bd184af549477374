"""Tells whether a recurrent forward pass is right, and if not, shows the smallest failing problem, and why.

`judge` returns the verdict on a target, or on objects of Python. `laws` makes each law a test case of another
test suite. A `Problem` is the line that a failure prints. `to_torch` and `from_torch`, and the same for ONNX
and Keras, convert the weights of layers. `layout.LAYOUTS` describes the layouts of all frameworks. `like`
makes the functions of a target from a class of torch modules. In a notebook, `%load_ext rnn_crosscheck`
defines the magic `%%crosscheck`.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oracle.modules.understanding import like
    from oracle.problems.problem import Problem
    from oracle.weights import layout
    from oracle.weights.conversion import from_keras, from_onnx, from_torch, to_keras, to_onnx, to_torch
    from properties.session.api import judge, laws

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
    """Import a public name on first use, because the process of a target must not load all of them."""
    home: Any
    if name == "reference":  # in the wheel, it is a package of this one, which only a module in it can import
        from reference import contract

        return sys.modules[contract.__name__.removesuffix(".contract")]
    if name == "layout":
        from oracle.weights import layout

        return layout
    if name == "Problem":
        from oracle.problems import problem as home
    elif name == "like":
        from oracle.modules import understanding as home
    elif name in ("judge", "laws"):
        from properties.session import api as home
    elif name == "load_ipython_extension":
        from properties.session import notebook as home
    elif name in __all__:
        from oracle.weights import conversion as home
    else:
        raise AttributeError(f"module 'rnn_crosscheck' has no attribute {name!r}")
    return getattr(home, name)


def __dir__() -> list[str]:
    return __all__
