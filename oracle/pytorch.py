"""The answers of torch to a problem, by `torch.nn.RNN` and `torch.nn.LSTM` on the CPU.

The answers have the layout and the dtype of the reference. Torch has no prediction head, so the head uses
torch's linear function and softmax.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from oracle.conversion import to_torch
from oracle.inputs import Inputs, LayerInputs
from reference.contract import Array, Kind

HEAD = {"rnn": "Wya", "lstm": "Wy"}
_MODULES: Mapping[Kind, Any] = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM}
_CELLS: Mapping[Kind, Any] = {"rnn": torch.nn.RNNCell, "lstm": torch.nn.LSTMCell}


@torch.inference_mode()
def run(inputs: Inputs) -> dict[str, Array]:
    """The hidden states `a (n_a, m, T_x)` and the predictions `y (n_y, m, T_x)`.

    For an LSTM there is also the memory state `c (n_a, m, 1)` after the last step, since torch returns no
    other one. For layers there are `a (D n_h, m, T_x)`, `a_last` and, for an LSTM, `c_last` `(L D n, m, 1)`,
    with the rows of all layers. The modules refuse an input without features, so the cells compute it; they
    also refuse a sequence without steps, whose answer is empty.
    """
    if isinstance(inputs, LayerInputs):
        return _run_layers(inputs)
    n_x, _, T_x = inputs.x.shape
    if T_x == 0:
        a = c = tensor(np.zeros((0, *inputs.a0.T.shape), inputs.x.dtype))
    elif n_x == 0:
        a, c = _run_cell(inputs)
    else:
        a, c = _run_module(inputs)
    logits = torch.nn.functional.linear(
        a, tensor(inputs.parameters[HEAD[inputs.kind]]), tensor(inputs.parameters["by"][:, 0])
    )
    answer = {"a": _array(a), "y": _array(torch.softmax(logits, dim=-1))}
    return answer if inputs.kind == "rnn" else {**answer, "c": _array(c)}


@torch.inference_mode()
def gates(inputs: Inputs) -> dict[str, Array]:
    """The gates `ft`, `it`, `cct`, `ot` `(n_a, m, 1)` of a single LSTM step, by functions of torch."""
    concat = tensor(np.concatenate([inputs.a0, inputs.x[:, :, 0]]).T)
    activation = {"f": torch.sigmoid, "i": torch.sigmoid, "c": torch.tanh, "o": torch.sigmoid}
    return {
        f"{gate}{'c' * (gate == 'c')}t": _array(
            function(
                torch.nn.functional.linear(
                    concat,
                    tensor(inputs.parameters[f"W{gate}"]),
                    tensor(inputs.parameters[f"b{gate}"][:, 0]),
                )
            )[None]
        )
        for gate, function in activation.items()
    }


def _run_module(inputs: Inputs) -> tuple[torch.Tensor, torch.Tensor]:
    """The states `(T_x, m, n_a)` and the last memory states `(1, m, n_a)`, by a module of torch."""
    state = to_torch(inputs.kind, [inputs.parameters])
    module = loaded(state, _MODULES[inputs.kind], len(inputs.x), len(inputs.a0), dtype=str(inputs.x.dtype))
    x, a0, c0 = tensor(inputs.x.transpose(2, 1, 0)), tensor(inputs.a0.T[None]), tensor(inputs.c0.T[None])
    if inputs.kind == "rnn":
        a, _ = module(x, a0)
        return a, c0
    a, (_, c) = module(x, (a0, c0))
    return a, c


def _run_cell(inputs: Inputs) -> tuple[torch.Tensor, torch.Tensor]:
    """The states and the last memory states, by torch's cells."""
    cell = cell_of(inputs)
    a, c = tensor(inputs.a0.T), tensor(inputs.c0.T)
    steps = []
    for xt in tensor(inputs.x.transpose(2, 1, 0)):
        if inputs.kind == "rnn":
            a = cell(xt, a)
        else:
            a, c = cell(xt, (a, c))
        steps.append(a)
    return torch.stack(steps), c[None]


def _run_layers(inputs: LayerInputs) -> dict[str, Array]:
    """The answer of a module of several layers. Without steps, the last states are the initial states."""
    (_, m, T_x), (places, n_h, _), n_a = inputs.x.shape, inputs.a0.shape, inputs.c0.shape[1]
    states = [inputs.a0, inputs.c0][: 1 if inputs.kind == "rnn" else 2]
    a = np.zeros((inputs.directions * n_h, m, T_x), inputs.x.dtype)
    if T_x and m:
        given = as_torch_takes_them(inputs)
        output, ended = _layered(given)
        a = _array(output)
        states = [state.numpy().transpose(0, 2, 1) for state in ended]
        if inputs.kind == "lstm":
            states[1] = states[1][:, :n_a]
    last = {"a_last": places * n_h, "c_last": places * n_a}
    return {
        "a": a,
        **{name: state.reshape(last[name], m, 1) for name, state in zip(last, states, strict=False)},
    }


def _layered(inputs: LayerInputs) -> tuple[torch.Tensor, Sequence[torch.Tensor]]:
    """The output and the last states of a module."""
    states = [tensor(state.transpose(0, 2, 1)) for state in (inputs.a0, inputs.c0)]
    return called(module_of(inputs), inputs, tensor(inputs.x.T), *states)


def module_of(inputs: LayerInputs) -> torch.nn.Module:
    """The module of torch with these layers and their parameters."""
    p, is_rnn = inputs.parameters[0], inputs.kind == "rnn"
    own = {"nonlinearity": inputs.activation} if is_rnn else {"proj_size": len(p.get("Wp", ()))}
    return loaded(
        to_torch(inputs.kind, inputs.parameters, inputs.directions),
        _MODULES[inputs.kind],
        len(inputs.x),
        len(p["ba" if is_rnn else "bf"]),
        dtype=str(inputs.x.dtype),
        num_layers=len(inputs.parameters) // inputs.directions,
        bidirectional=inputs.directions == 2,
        **own,
    )


def cell_of(inputs: Inputs) -> torch.nn.Module:
    """The cell of torch with the parameters of one of the four functions."""
    state = to_torch(inputs.kind, [inputs.parameters])
    named = {name.removesuffix("_l0"): array for name, array in state.items()}
    sizes = len(inputs.x), len(inputs.a0)
    return loaded(named, _CELLS[inputs.kind], *sizes, dtype=str(state["weight_hh_l0"].dtype))


def called(
    module: torch.nn.Module, inputs: LayerInputs, x: torch.Tensor, a0: torch.Tensor, c0: torch.Tensor
) -> tuple[torch.Tensor, Sequence[torch.Tensor]]:
    """The output and the last states of a module, from a call with these tensors."""
    is_rnn = inputs.kind == "rnn"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
        if inputs.lengths is None:
            output, ended = module(x, a0 if is_rnn else (a0, c0))
        else:
            packed = pack_padded_sequence(x, torch.from_numpy(inputs.lengths), enforce_sorted=False)
            output, ended = module(packed, a0 if is_rnn else (a0, c0))
            output, _ = pad_packed_sequence(output, total_length=len(x))
    return output, (ended,) if is_rnn else ended


Given = TypeVar("Given", bound=LayerInputs)


def as_torch_takes_them(inputs: Given) -> Given:
    """The same problem in a form that the modules accept.

    The modules refuse an input without features, so it gets one feature that is zero. They refuse a
    projection to n_a units, so the last unit is repeated, without any effect.
    """
    x, c0, parameters = inputs.x, inputs.c0, [dict(p) for p in inputs.parameters]
    if not len(x):
        x = np.zeros((1, *x.shape[1:]), x.dtype)
        for p in parameters[: inputs.directions]:
            p.update({name: np.pad(p[name], ((0, 0), (0, 1))) for name in _ON_THE_INPUT if name in p})
    if "Wp" in parameters[0] and len(parameters[0]["Wp"]) >= c0.shape[1]:
        more = len(parameters[0]["Wp"]) - c0.shape[1] + 1
        c0 = np.pad(c0, ((0, 0), (0, more), (0, 0)), mode="edge")
        for p in parameters:
            wide = {name: np.pad(p[name], ((0, more), (0, 0)), mode="edge") for name in p if name != "Wp"}
            p.update(wide, Wp=np.pad(p["Wp"], ((0, 0), (0, more))))
    return replace(inputs, x=x, c0=c0, parameters=parameters)


_ON_THE_INPUT = ("Wax", "Wf", "Wi", "Wc", "Wo")
"""The weights whose last columns act on the input."""


def loaded(state: Mapping[str, Array], made: Any, n_x: int, n_a: int, **how: Any) -> torch.nn.Module:
    """A module of the class `made` with the parameters of a state dict."""
    module, parameters = _module(made, n_x, n_a, **how)
    for name, parameter in parameters.items():
        parameter.copy_(tensor(state[name]))
    return module


@lru_cache(maxsize=512)
def _module(
    made: Any, n_x: int, n_a: int, dtype: str, **how: Any
) -> tuple[torch.nn.Module, Mapping[str, torch.Tensor]]:
    """A module and its parameters, to load weights into them; cached, since it takes long to build one.

    The parameters are not inference tensors, since gradients need normal tensors.
    """
    with torch.inference_mode(False):
        module: torch.nn.Module = made(n_x, n_a, dtype=getattr(torch, dtype), **how)
    return module, dict(module.named_parameters())


def tensor(array: Array) -> torch.Tensor:
    """The tensor of an array, contiguous."""
    return torch.from_numpy(np.ascontiguousarray(array))


def _array(steps: torch.Tensor) -> Array:
    """The array `(n, m, T_x)` of a tensor `(T_x, m, n)`."""
    return steps.numpy().transpose(2, 1, 0)
