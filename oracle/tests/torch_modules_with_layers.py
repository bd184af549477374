"""Modules as people write them, of several layers or directions, in an order of their own."""

from typing import Any

import torch
from torch import Tensor, nn


class Flat(nn.Module):
    """Two layers in two directions as a list of cells, in an order that only a number tells."""

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bidirectional: bool = False
    ) -> None:
        super().__init__()
        D = 1 + bidirectional
        self.layers, self.directions = num_layers, D
        self.cells = nn.ModuleList(
            nn.RNNCell(input_size if k < D else D * hidden_size, hidden_size) for k in range(num_layers * D)
        )

    def place(self, layer: int, direction: int) -> int:
        return layer * self.directions + direction

    def forward(self, x: Tensor, h0: Tensor) -> Any:
        last: list[Any] = [None] * len(self.cells)
        for layer in range(self.layers):
            both = []
            for direction in range(self.directions):
                k = layer * self.directions + direction
                cell, h, steps = self.cells[self.place(layer, direction)], h0[k], []
                for step in x.flip(0) if direction else x:
                    h = cell(step, h)
                    steps.append(h)
                last[k] = h
                both.append(torch.stack(steps[::-1] if direction else steps))
            x = torch.cat(both, 2)
        return x, torch.stack(last)


class FlatBackwardFirst(Flat):
    """The same with the backward direction first in the list."""

    def place(self, layer: int, direction: int) -> int:
        return layer * self.directions + (self.directions - 1 - direction)


class FlatByDirection(Flat):
    """The same with all layers of the forward direction first."""

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bidirectional: bool = False
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bidirectional)
        D, L = self.directions, num_layers
        self.cells = nn.ModuleList(self.cells[layer * D + d] for d in range(D) for layer in range(L))

    def place(self, layer: int, direction: int) -> int:
        return direction * self.layers + layer


class TopLayerFirst(Flat):
    """The same with the top layer first in the list."""

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bidirectional: bool = False
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bidirectional)
        self.cells = nn.ModuleList(reversed(self.cells))

    def place(self, layer: int, direction: int) -> int:
        return len(self.cells) - 1 - super().place(layer, direction)


class FusedDirections(nn.Module):
    """An LSTM, the batch first, of layers and directions whose gates are found by fit, with a `mistake`."""

    def __init__(
        self, n_in: int, n: int, num_layers: int = 1, bidirectional: bool = False, mistake: str = ""
    ) -> None:
        super().__init__()
        self.n, self.mistake, self.directions = n, mistake, 1 + bidirectional
        below = [n_in, *[n * self.directions] * (num_layers - 1)]
        self.fwd = nn.ModuleList(nn.Linear(size + n, 4 * n) for size in below)
        self.bwd = nn.ModuleList(nn.Linear(size + n, 4 * n) for size in below if bidirectional)

    def forward(self, x: Tensor, state: Any = None) -> Any:
        layers = len(self.fwd)
        h, c = state or torch.zeros(2, layers * self.directions, len(x), self.n, dtype=x.dtype)
        c = 0 * c if self.mistake == "c0 is ignored" else c
        last: list[Any] = []
        for layer in range(layers):
            outputs = []
            for d, cells in enumerate([self.fwd, self.bwd][: self.directions]):
                k = layer * self.directions + d
                k = d * layers + layer if self.mistake == "states by direction" else k
                ht, ct, steps = h[k], c[k], []
                for xt in x.unbind(1)[:: -1 if d else 1]:
                    i, f, o, g = cells[layer](torch.cat([xt, ht], 1)).chunk(4, 1)
                    i, f = (f, i) if d and self.mistake == "other gates backward" else (i, f)
                    ct = f.sigmoid() * ct + i.sigmoid() * g.tanh()
                    ht = o.sigmoid() * ct.tanh()
                    steps.append(ht)
                outputs.append(torch.stack(steps[:: -1 if d else 1], 1))
                last.append((ht, ct))
            x = torch.cat(outputs[:: -1 if self.mistake == "backward first" else 1], 2)
        return x, tuple(torch.stack(each) for each in zip(*last, strict=True))
