"""`torch.nn.RNN` and `torch.nn.LSTM` on the CPU, for the guises in which torch runs them.

They have all layers, directions and lengths (packed sequences), and a projection to fewer units. By
their own messages they refuse a sequence of no steps, an input of no features, an empty batch that is to
be packed, and a projection that does not make less of the hidden state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Optional, Tuple  # noqa: UP035 (TorchScript reads annotations)

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from oracle.conversion import from_torch, to_torch
from oracle.frameworks.functions import backward_of
from oracle.layout import LAYOUTS, plain
from reference.contract import Array, Kind

SUPPORTS = {"caches": False, "head": False, "projection": "fewer", "empty": []}

Layers = Sequence[Mapping[str, Array]]
State = Optional[Array]


class RNN(torch.nn.Module):
    """A module of layers whose input is packed where there are lengths."""

    def __init__(self, *sizes: int, **how: Any) -> None:
        super().__init__()
        self.layers = torch.nn.RNN(*sizes, **how)

    def forward(
        self,
        x: torch.Tensor,
        lengths: Optional[torch.Tensor] = None,  # noqa: UP045
        states: Optional[torch.Tensor] = None,  # noqa: UP045
    ) -> Tuple[torch.Tensor, torch.Tensor]:  # noqa: UP006
        """The hidden states of the top layer, and the last ones of all."""
        if lengths is None:
            output, last = self.layers(x, states)
            return output, last
        packed, last = self.layers(pack_padded_sequence(x, lengths, enforce_sorted=False), states)
        return pad_packed_sequence(packed, total_length=x.size(0))[0], last


class LSTM(torch.nn.Module):
    """The same of an LSTM, with pairs of states."""

    def __init__(self, *sizes: int, **how: Any) -> None:
        super().__init__()
        self.layers = torch.nn.LSTM(*sizes, **how)

    def forward(
        self,
        x: torch.Tensor,
        lengths: Optional[torch.Tensor] = None,  # noqa: UP045
        states: Optional[Tuple[torch.Tensor, torch.Tensor]] = None,  # noqa: UP006, UP045
    ) -> Tuple[torch.Tensor, Tuple[torch.Tensor, torch.Tensor]]:  # noqa: UP006
        """The hidden states of the top layer, and the last states of all."""
        if lengths is None:
            output, last = self.layers(x, states)
            return output, last
        packed, last = self.layers(pack_padded_sequence(x, lengths, enforce_sorted=False), states)
        return pad_packed_sequence(packed, total_length=x.size(0))[0], last


class Guise(NamedTuple):
    """The functions of layers."""

    rnn_layer: Callable[..., Any]
    lstm_layer: Callable[..., Any]
    rnn_layer_backward: Callable[..., Any]
    lstm_layer_backward: Callable[..., Any]


def layers(prepared: Callable[[torch.nn.Module], Callable[..., Any]] = lambda module: module) -> Guise:
    """The functions of layers, by a module as it is when it is prepared; that is done once for a shape.

    The weights are copied into the module before every call.
    """

    @lru_cache(maxsize=64)
    def of_shape(
        kind: Kind, shape: tuple[int, ...], **how: Any
    ) -> tuple[torch.nn.Module, Callable[..., Any]]:
        how["dtype"] = getattr(torch, how["dtype"])
        module = (RNN if kind == "rnn" else LSTM)(shape[0], how.pop("n_a"), **how).eval()
        return module, prepared(module)

    def asked(
        kind: Kind, x: Array, states: Sequence[State], parameters: Layers, options: Mapping[str, Any]
    ) -> tuple[torch.nn.Module, list[torch.Tensor | None], list[torch.Tensor]]:
        """The module, the input and the initial states as tensors, and what came of them.

        They are leaves of the graph where gradients are recorded.
        """
        D, lengths = options.get("directions", 1), options.get("lengths")
        own = {"nonlinearity": options.get("activation", "tanh")}
        module, call = of_shape(
            kind,
            (*x.shape, lengths is not None, *(state is not None for state in states)),
            n_a=len(parameters[0]["ba" if kind == "rnn" else "bf"]),
            num_layers=len(parameters) // D,
            bidirectional=D == 2,
            dtype=x.dtype.name,
            **(own if kind == "rnn" else {"proj_size": len(parameters[0].get("Wp", ()))}),
        )
        state_dict = to_torch(kind, parameters, D)
        with torch.no_grad():
            module.load_state_dict({f"layers.{name}": _tensor(array) for name, array in state_dict.items()})
        initial = [None if state is None else _leaf(state.transpose(0, 2, 1)) for state in states]
        given: Any = tuple(initial)
        if all(state is None for state in given):
            given = None
        elif kind == "rnn":
            (given,) = given
        steps = _leaf(LAYOUTS["torch"].sequence(x))
        output, last = call(
            steps, None if lengths is None else torch.from_numpy(plain(np.asarray(lengths))), given
        )
        return module, [steps, *initial], [output, *((last,) if kind == "rnn" else last)]

    @torch.no_grad()
    def run(*given: Any) -> tuple[Array, ...]:
        _, _, (output, *ended) = asked(*given)
        return (
            LAYOUTS["torch"].from_sequence(_array(output)),
            *(_array(state).transpose(0, 2, 1) for state in ended),
        )

    def differentiated(
        kind: Kind,
        incoming: Sequence[Array],
        x: Array,
        states: Sequence[Array],
        parameters: Layers,
        options: Mapping[str, Any],
    ) -> tuple[Any, ...]:
        module, given, returned = asked(kind, x, states, parameters, options)
        da, *last = incoming
        by_returned = [_tensor(LAYOUTS["torch"].sequence(da)), *(_tensor(d.transpose(0, 2, 1)) for d in last)]
        named = {name.removeprefix("layers."): each for name, each in module.named_parameters()}
        by_leaf = torch.autograd.grad(
            returned,
            [*(leaf for leaf in given if leaf is not None), *named.values()],
            [d.to(output.dtype) for d, output in zip(by_returned, returned)],
            allow_unused=True,
            materialize_grads=True,
        )
        dx, *by_states = by_leaf[: len(given)]
        by_name = {name: _array(d) for name, d in zip(named, by_leaf[len(given) :])}
        # Both biases have the whole gradient, and are added on the way back.
        by_name.update({name: np.zeros_like(d) for name, d in by_name.items() if "bias_hh" in name})
        gradients, _ = from_torch(kind, by_name)
        return (
            LAYOUTS["torch"].from_sequence(_array(dx)),
            *(_array(d).transpose(0, 2, 1) for d in by_states),
            [{f"d{name}": d for name, d in by.items()} for by in gradients],
        )

    def rnn_layer(x: Array, a0: State, parameters: Layers, options: Mapping[str, Any]) -> tuple[Array, ...]:
        return run("rnn", x, [a0], parameters, options)

    def lstm_layer(
        x: Array, a0: State, c0: State, parameters: Layers, options: Mapping[str, Any]
    ) -> tuple[Array, ...]:
        return run("lstm", x, [a0, c0], parameters, options)

    return Guise(rnn_layer, lstm_layer, *backward_of(differentiated))


def _tensor(array: Array) -> torch.Tensor:
    return torch.from_numpy(plain(array))


def _leaf(array: Array) -> torch.Tensor:
    return _tensor(array).requires_grad_(torch.is_grad_enabled())


def _array(tensor: torch.Tensor) -> Array:
    """A tensor as it is; bfloat16, which NumPy has not, as the float32 of the same values."""
    return np.asarray((tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy())
