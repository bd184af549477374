"""tinygrad: `tinygrad.nn.LSTMCell`, step by step on the CPU. tinygrad has no layer over time, and no RNN.

`cell(x, (h, c))` takes and returns tensors `(batch, features)`. Without the pair, the states are zeros. There
is one direction, and there are no stacked layers, lengths or projection.

tinygrad compiles every kernel. Its device `CPU` needs `clang` on the path, or the compiler that the
environment variable CC names. Without either, the device is `PYTHON`, which needs no compiler. The
environment variable DEV selects another device.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

os.environ.setdefault("DEV", "CPU" if os.environ.get("CC") or shutil.which("clang") else "PYTHON")

from tinygrad import Tensor
from tinygrad.nn import LSTMCell

from oracle.frameworks.functions import COMMON_LIMITS, Call, binding, functions_of
from oracle.weights.layout import LAYOUTS
from reference.contract import Array

SUPPORTS = {
    **COMMON_LIMITS,
    "layers": 1,
    "directions": 1,
    "lengths": False,
    "projection": False,
    "empty": ["m", "n_x"],
}


def _run(call: Call, *, at_once: bool = False) -> list[Any]:
    """Return the hidden states of all steps and the last states, by a call of `LSTMCell` for each step.

    If each step is computed `at_once`, it cannot be differentiated. Otherwise, `contiguous` keeps the steps
    in kernels of their own, forward and backward: all steps have the same kernels, which are compiled once.
    """
    (w,), sequence, states = call.weights, call.sequence, call.states
    cell = LSTMCell(sequence.shape[2], call.units)
    cell.weight_ih, cell.weight_hh = w["weight"], w["recurrent_weight"]
    cell.bias_ih, cell.bias_hh = w["bias"], w["recurrent_bias"]
    pair: Any = None if states[0] is None else tuple(state[0] for state in states)
    hidden = []
    for t in range(sequence.shape[0]):
        pair = cell(sequence[t].contiguous(), pair)
        if at_once:
            Tensor.realize(*pair)
        else:
            pair = tuple(state.contiguous().contiguous_backward() for state in pair)
        hidden.append(pair[0])
    return [Tensor.stack(*hidden), *(state.unsqueeze(0) for state in pair)]


def _gradients(function: Callable[..., Any], leaves: Sequence[Any], incoming: Sequence[Array]) -> list[Any]:
    """Return the gradients of the sum of all outputs, weighted by the incoming gradients."""
    loss: Any = sum((output * Tensor(d)).sum() for output, d in zip(function(*leaves), incoming))
    gradients: list[Any] = loss.gradient(*leaves)
    Tensor.realize(*gradients)  # together, so that their common part is computed once
    return gradients


def _functions(run: Callable[[Call], Any], *gradients: Any) -> dict[str, Any]:
    bind = binding(run, Tensor)
    return functions_of(LAYOUTS["tinygrad"], bind, *gradients, array=Tensor.numpy, kinds=["lstm"])


globals().update(_functions(_run, _gradients) | _functions(partial(_run, at_once=True)))
