"""The framework's word on a problem: `torch.nn.RNN` and `torch.nn.LSTM` on the CPU.

Answers come back in the layout and the dtype of the reference. Torch has no prediction head; ours is a
linear layer and a softmax of its own.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from oracle.layout import to_torch
from oracle.problem import Inputs
from reference.contract import Array, Kind

HEAD = {"rnn": "Wya", "lstm": "Wy"}
_MODULES: Mapping[Kind, Any] = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM}
_CELLS: Mapping[Kind, Any] = {"rnn": torch.nn.RNNCell, "lstm": torch.nn.LSTMCell}


@torch.no_grad()
def run(inputs: Inputs) -> dict[str, Array]:
    """The hidden states `a (n_a, m, T_x)` and the predictions `y (n_y, m, T_x)`.

    Of an LSTM also the memory state `c (n_a, m, 1)` after the last step, the only one that torch returns.
    The modules refuse an input of no features, so there the cells answer; and they refuse a sequence of
    no steps, where there is nothing to say and the answer is empty.
    """
    n_x, _, T_x = inputs.x.shape
    if T_x == 0:
        a = c = _tensor(np.zeros((0, *inputs.a0.T.shape), inputs.x.dtype))
    elif n_x == 0:
        a, c = _run_cell(inputs)
    else:
        a, c = _run_module(inputs)
    logits = torch.nn.functional.linear(
        a, _tensor(inputs.parameters[HEAD[inputs.kind]]), _tensor(inputs.parameters["by"][:, 0])
    )
    answer = {"a": _array(a), "y": _array(torch.softmax(logits, dim=-1))}
    return answer if inputs.kind == "rnn" else {**answer, "c": _array(c)}


@torch.no_grad()
def gates(inputs: Inputs) -> dict[str, Array]:
    """The gates `ft`, `it`, `cct`, `ot` `(n_a, m, 1)` of a single LSTM step, by torch's own functions."""
    concat = _tensor(np.concatenate([inputs.a0, inputs.x[:, :, 0]]).T)
    activation = {"f": torch.sigmoid, "i": torch.sigmoid, "c": torch.tanh, "o": torch.sigmoid}
    return {
        f"{gate}{'c' * (gate == 'c')}t": _array(
            function(
                torch.nn.functional.linear(
                    concat,
                    _tensor(inputs.parameters[f"W{gate}"]),
                    _tensor(inputs.parameters[f"b{gate}"][:, 0]),
                )
            )[None]
        )
        for gate, function in activation.items()
    }


def _run_module(inputs: Inputs) -> tuple[torch.Tensor, torch.Tensor]:
    """The states `(T_x, m, n_a)` and the last memory states `(1, m, n_a)`."""
    module = _module(inputs.kind, len(inputs.x), len(inputs.a0), str(inputs.x.dtype))
    state = to_torch(inputs.kind, inputs.parameters)
    for name, parameter in module.named_parameters():
        parameter.copy_(_tensor(state[name]))
    x, a0, c0 = _tensor(inputs.x.transpose(2, 1, 0)), _tensor(inputs.a0.T[None]), _tensor(inputs.c0.T[None])
    if inputs.kind == "rnn":
        a, _ = module(x, a0)
        return a, c0
    a, (_, c) = module(x, (a0, c0))
    return a, c


def _run_cell(inputs: Inputs) -> tuple[torch.Tensor, torch.Tensor]:
    """The same, step by step."""
    state = {
        name.removesuffix("_l0"): _tensor(array)
        for name, array in to_torch(inputs.kind, inputs.parameters).items()
    }
    cell = _CELLS[inputs.kind](len(inputs.x), len(inputs.a0), dtype=state["weight_hh"].dtype)
    cell.load_state_dict(state)
    a, c = _tensor(inputs.a0.T), _tensor(inputs.c0.T)
    steps = []
    for xt in _tensor(inputs.x.transpose(2, 1, 0)):
        if inputs.kind == "rnn":
            a = cell(xt, a)
        else:
            a, c = cell(xt, (a, c))
        steps.append(a)
    return torch.stack(steps), c[None]


@lru_cache(maxsize=64)
def _module(kind: Kind, n_x: int, n_a: int, dtype: str) -> torch.nn.Module:
    """A module to load weights into; building one costs more than running it."""
    module: torch.nn.Module = _MODULES[kind](n_x, n_a, dtype=getattr(torch, dtype))
    return module


def _tensor(array: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))


def _array(steps: torch.Tensor) -> Array:
    """`(T_x, m, n)` as `(n, m, T_x)`."""
    return steps.numpy().transpose(2, 1, 0)
