"""Torch's modules, compiled by `torch.jit.script`, which is deprecated, but in use on mobile devices."""

from __future__ import annotations

from typing import Any, Optional, Tuple  # noqa: UP035 (TorchScript reads annotations)

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from oracle.frameworks import torch_modules

SUPPORTS = torch_modules.SUPPORTS


class RNN(torch.nn.Module):
    """An RNN that packs its input itself, since a module of TorchScript cannot take a packed sequence."""

    def __init__(self, layers: torch.nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(
        self,
        x: torch.Tensor,
        states: Optional[torch.Tensor] = None,  # noqa: UP045
        lengths: Optional[torch.Tensor] = None,  # noqa: UP045
    ) -> Tuple[torch.Tensor, torch.Tensor]:  # noqa: UP006
        """Return the hidden states of the top layer, and the last hidden states of all layers."""
        if lengths is None:
            output, last = self.layers(x, states)
            return output, last
        packed, last = self.layers(pack_padded_sequence(x, lengths, enforce_sorted=False), states)
        return pad_packed_sequence(packed, total_length=x.size(0))[0], last


class LSTM(RNN):
    """The same for an LSTM. TorchScript needs other annotations here, since the states are pairs."""

    def forward(  # type: ignore[override]
        self,
        x: torch.Tensor,
        states: Optional[Tuple[torch.Tensor, torch.Tensor]] = None,  # noqa: UP006, UP045
        lengths: Optional[torch.Tensor] = None,  # noqa: UP045
    ) -> Tuple[torch.Tensor, Tuple[torch.Tensor, torch.Tensor]]:  # noqa: UP006
        """Return the hidden states of the top layer, and the last states of all layers."""
        if lengths is None:
            output, last = self.layers(x, states)
            return output, last
        packed, last = self.layers(pack_padded_sequence(x, lengths, enforce_sorted=False), states)
        return pad_packed_sequence(packed, total_length=x.size(0))[0], last


def _script(layers: Any) -> Any:
    return torch.jit.script(RNN(layers) if isinstance(layers, torch.nn.RNN) else LSTM(layers))


globals().update(torch_modules.functions_of_modules(_script, "counts"))
