"""Modules as people write them, each with other names, another order of gates, or another call."""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn


class StackedGates(nn.Module):
    """An LSTM of one layer that stacks its gates in a given order, on weights of which no name says it."""

    def __init__(self, n_in: int, n_hidden: int, order: str = "ifgo", joined: str = "") -> None:
        super().__init__()
        self.order, self.joined, self.n = order, joined, n_hidden
        n = n_in + n_hidden
        self.first = nn.Linear(n if joined else n_in, 4 * n_hidden)
        self.second = None if joined else nn.Linear(n_hidden, 4 * n_hidden)

    def forward(self, x: Tensor, state: Any = None) -> Any:
        h, c = (x.new_zeros(1, x.shape[1], self.n),) * 2 if state is None else state
        h, c, steps = h[0], c[0], []
        for step in x:
            if self.second is None:
                z = self.first(torch.cat([step, h] if self.joined == "xh" else [h, step], 1))
            else:
                z = self.first(step) + self.second(h)
            gates = dict(zip(self.order, z.chunk(4, 1), strict=True))
            i, f, o = (torch.sigmoid(gates[name]) for name in "ifo")
            c = f * c + i * torch.tanh(gates["g"])
            h = o * torch.tanh(c)
            steps.append(h)
        return torch.stack(steps), (h[None], c[None])


class BatchFirst(nn.Module):
    """The LSTM of many pages: weights that act from the right, the batch first, states `(m, n)`."""

    def __init__(self, input_sz: int, hidden_sz: int) -> None:
        super().__init__()
        self.n = hidden_sz
        self.W = nn.Parameter(torch.rand(input_sz, 4 * hidden_sz))
        self.U = nn.Parameter(torch.rand(hidden_sz, 4 * hidden_sz))
        self.bias = nn.Parameter(torch.rand(4 * hidden_sz))

    def forward(self, x: Tensor, init_states: Any = None) -> Any:
        h, c = (x.new_zeros(len(x), self.n),) * 2 if init_states is None else init_states
        steps = []
        for t in range(x.shape[1]):
            i, f, g, o = (x[:, t] @ self.W + h @ self.U + self.bias).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            steps.append(h)
        return torch.stack(steps, 1), (h, c)


class NamedGates(nn.Module):
    """A cell with a weight for each gate, by name."""

    def __init__(self, input_dim: int, hidden_dim: int) -> None:
        super().__init__()
        for gate in ("forget", "input", "cell", "output"):
            setattr(self, f"{gate}_x", nn.Linear(input_dim, hidden_dim))
            setattr(self, f"{gate}_h", nn.Linear(hidden_dim, hidden_dim, bias=False))

    def of(self, gate: str, x: Tensor, h: Tensor) -> Tensor:
        z: Tensor = getattr(self, f"{gate}_x")(x) + getattr(self, f"{gate}_h")(h)
        return z

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> Any:
        f, i, g, o = (self.of(gate, x, h) for gate in ("forget", "input", "cell", "output"))
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class ExchangedGates(NamedGates):
    """The same with the input and the forget gate exchanged in the equations: wrong, and read as it is."""

    def of(self, gate: str, x: Tensor, h: Tensor) -> Tensor:
        return super().of({"forget": "input", "input": "forget"}.get(gate, gate), x, h)


class DocumentedNames(nn.Module):
    """A cell with the symbols of torch's documentation: `W_ii`, `b_ii`, `W_hi`, `b_hi`, then those of `f`."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        for gate in "ifgo":
            for side, columns in (("i", input_size), ("h", hidden_size)):
                setattr(self, f"W_{side}{gate}", nn.Parameter(torch.rand(hidden_size, columns)))
                setattr(self, f"b_{side}{gate}", nn.Parameter(torch.rand(hidden_size)))

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> Any:
        def of(gate: str) -> Tensor:
            W_i, b_i, W_h, b_h = (getattr(self, f"{name}{gate}") for name in ("W_i", "b_i", "W_h", "b_h"))
            z: Tensor = x @ W_i.T + b_i + h @ W_h.T + b_h
            return z

        h, c = state
        c = torch.sigmoid(of("f")) * c + torch.sigmoid(of("i")) * torch.tanh(of("g"))
        return torch.sigmoid(of("o")) * torch.tanh(c), c


class ListOfGates(nn.Module):
    """A cell with a list of weights, one for each gate in some order, on the hidden state and the input."""

    def __init__(self, input_size: int, hidden_size: int, order: str) -> None:
        super().__init__()
        self.order = order
        self.gates = nn.ModuleList(nn.Linear(input_size + hidden_size, hidden_size) for _ in order)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> Any:
        h, c = state
        z = {name: gate(torch.cat([h, x], 1)) for name, gate in zip(self.order, self.gates, strict=True)}
        c = torch.sigmoid(z["f"]) * c + torch.sigmoid(z["i"]) * torch.tanh(z["g"])
        h = torch.sigmoid(z["o"]) * torch.tanh(c)
        return h, (h, c)


class GatesApart(BatchFirst):
    """An LSTM whose weights have an axis for the gates, and act from the right or, if `left`, from there."""

    def __init__(self, input_size: int, hidden_size: int, left: bool = False) -> None:
        super().__init__(input_size, hidden_size)
        shapes = [shape[:: -1 if left else 1] for shape in ((input_size, self.n), (self.n, self.n))]
        self.W, self.U = (nn.Parameter(torch.rand(4, *shape)) for shape in shapes)
        self.bias = nn.Parameter(torch.rand(4, self.n))
        self.equation = f"bi,g{'ji' if left else 'ij'}->gbj"

    def forward(self, x: Tensor, init_states: Any = None) -> Any:
        h, c = (x.new_zeros(len(x), self.n),) * 2 if init_states is None else init_states
        steps = []
        for t in range(x.shape[1]):
            z = torch.einsum(self.equation, x[:, t], self.W) + torch.einsum(self.equation, h, self.U)
            f, i, g, o = z + self.bias[:, None]
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            steps.append(h)
        return torch.stack(steps, 1), (h, c)


class NamedGatesOfBoth(nn.Module):
    """A cell with a named weight for each gate, on the input and the hidden state, and a wrong candidate."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.gates = nn.ModuleDict(
            {
                gate: nn.Linear(input_size + hidden_size, hidden_size)
                for gate in ("forget", "input", "cell", "output")
            }
        )

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> Any:
        h, c = state
        gates = {name: torch.sigmoid(gate(torch.cat([h, x], 1))) for name, gate in self.gates.items()}
        c = gates["forget"] * c + gates["input"] * gates["cell"]
        return gates["output"] * torch.tanh(c), c


class Dropped(nn.LSTM):
    """Drops some of its output in training."""

    def forward(self, *given: Any) -> Any:
        output, last = super().forward(*given)
        return nn.functional.dropout(output, 0.5, self.training), last


class IgnoresProjection(nn.LSTM):
    """Takes `proj_size` and does not use it."""

    def __init__(self, input_size: int, hidden_size: int, proj_size: int = 0) -> None:
        super().__init__(input_size, hidden_size)


class RefusesLayers(nn.LSTM):
    """Takes `num_layers` and refuses more than one in words."""

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1) -> None:
        if num_layers > 1:
            raise NotImplementedError("only one layer so far")
        super().__init__(input_size, hidden_size)


class NeedsMore(BatchFirst):
    """Needs an argument that torch.nn.LSTM does not have."""

    def __init__(self, input_size: int, hidden_size: int, cell_size: int) -> None:
        super().__init__(input_size, hidden_size)


class Peephole(BatchFirst):
    """Has a weight that no LSTM has."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.peep = nn.Parameter(torch.rand(hidden_size, 3))


class Scripted(nn.Module):
    """Shares the weights of the module that it is made of."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.lstm = lstm

    def forward(self, x: Tensor, states: tuple[Tensor, Tensor] | None = None) -> Any:
        return self.lstm(x, states)


def copied(lstm: nn.LSTM) -> nn.Module:
    """A conversion that copies the weights."""
    return deepcopy(lstm)


model = nn.Module()
model.decoder = nn.LSTM(3, 4, num_layers=2, bidirectional=True)


class HiddenBiasUnused(nn.RNNCell):
    """Leaves out the second of its two biases."""

    def forward(self, input: Tensor, hx: Any = None) -> Tensor:
        return torch.tanh(input @ self.weight_ih.T + self.bias_ih + hx @ self.weight_hh.T)
