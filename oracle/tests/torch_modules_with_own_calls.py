"""Modules as people write them, which take states or lengths, or return them, in a way of their own."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence


class PackedOnly(nn.LSTM):
    """Takes packed sequences alone."""

    def forward(self, sequence: Any, hx: Any = None) -> Any:
        assert isinstance(sequence, PackedSequence)
        return super().forward(sequence, hx)


class LengthsOnly(nn.Module):
    """Needs the lengths, the batch first, and returns its output alone."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, batch_first=True)

    def forward(self, xs: Tensor, xs_len: Tensor) -> Any:
        packed = pack_padded_sequence(xs, xs_len, batch_first=True, enforce_sorted=False)
        output, _ = self.lstm(packed)
        return pad_packed_sequence(output, batch_first=True, total_length=xs.shape[1])[0], xs_len


class SortedLengths(nn.RNN):
    """Takes packed sequences of all lengths, and an argument for lengths that are sorted."""

    def forward(self, input: Any, hx: Any = None, lengths: Any = None) -> Any:
        if lengths is None:
            return super().forward(input, hx)
        output, last = super().forward(pack_padded_sequence(input, lengths), hx)
        return pad_packed_sequence(output)[0], last


class Masked(nn.RNN):
    """Takes a mask `(m, T_x)` of the steps, and is right for every number of samples."""

    def forward(self, input: Tensor, hx: Any = None, mask: Any = None) -> Any:  # type: ignore[override]
        h = input.new_zeros(input.shape[1], self.hidden_size) if hx is None else hx[0]
        W, U, b, d = self.all_weights[0]
        steps = []
        for t, step in enumerate(input):
            z = step @ W.T + b + h @ U.T + d
            h = torch.tanh(z) if mask is None else torch.where(mask[:, t, None], torch.tanh(z), h)
            steps.append(h)
        return torch.stack(steps), h[None]


class ByNameAlone(nn.Module):
    """Takes its state and the lengths by name."""

    def __init__(self, n_in: int, n_hidden: int) -> None:
        super().__init__()
        self.rnn = nn.RNN(n_in, n_hidden)

    def forward(self, x: Tensor, *, hidden: Any = None, lengths: Any = None) -> Any:
        if lengths is None:
            return self.rnn(x, hidden)
        output, last = self.rnn(pack_padded_sequence(x, lengths, enforce_sorted=False), hidden)
        return pad_packed_sequence(output)[0], last


class TwoStatesByName(nn.Module):
    """Takes its states by name alone. It indexes `h0`, so a tuple of flat states raises no error."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.gates = nn.Linear(input_size + hidden_size, 4 * hidden_size)

    def forward(self, x: Tensor, *, h0: Any = None, c0: Any = None) -> Any:
        zeros, outputs = x.new_zeros(1, x.shape[1], self.hidden_size), []
        h, c = (zeros if h0 is None else h0)[0], (zeros if c0 is None else c0)[0]
        for xt in x:
            g, i, f, o = self.gates(torch.cat([xt, h], 1)).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            outputs.append(h)
        return torch.stack(outputs), h[None], c[None]


class OverwritesItsState(nn.Module):
    """Adds to the state that is passed, after the state has been used."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.rnn = nn.RNN(input_size, hidden_size)

    def forward(self, x: Tensor, hx: Any = None) -> Any:
        answer = self.rnn(x, hx)
        if hx is not None:
            hx += 1
        return answer


class OwnLayers(nn.Module):
    """Layers of torch, each with a pair of states of its own."""

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1) -> None:
        super().__init__()
        sizes = [input_size, *[hidden_size] * num_layers]
        self.layers = nn.ModuleList([nn.LSTM(*pair) for pair in pairwise(sizes)])

    def forward(self, x: Any, states: Any = None) -> Any:
        last = []
        for k, layer in enumerate(self.layers):
            x, state = layer(x, None if states is None else states[k])
            last.append(state)
        return x, last


class LearnedStates(nn.Module):
    """Begins with initial states of its own if it gets none."""

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers)
        self.h0, self.init_cell = (nn.Parameter(torch.ones(num_layers, 1, hidden_size)) for _ in range(2))

    def forward(self, x: Tensor, hx: Any = None) -> Any:
        if hx is None:
            hx = tuple(each.repeat(1, x.shape[1], 1) for each in (self.h0, self.init_cell))
        return self.lstm(x, hx)


class LearnedStatesAlone(LearnedStates):
    """Takes no other initial states."""

    def forward(self, x: Tensor) -> Any:  # type: ignore[override]
        return super().forward(x)


class LearnedStatesAdded(LearnedStates):
    """Adds its own initial states to those that it gets."""

    def forward(self, x: Tensor, hx: Any = None) -> Any:
        return super().forward(x, None if hx is None else (hx[0] + self.h0, hx[1]))


class StatesByName(nn.Module):
    """Takes and returns states as a dict, perhaps without a look at what it takes."""

    ignores = False
    hidden, memory = "hidden", "cell"

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(input_size, hidden_size)

    def forward(self, x: Tensor, state: Any = None) -> Any:
        h = c = x.new_zeros(x.shape[1], self.cell.hidden_size)
        if state:
            given = state[self.hidden], state.get(self.memory)
            h, c = (h, c) if self.ignores else given
        steps = []
        for step in x:
            h, c = self.cell(step, (h, c))
            steps.append(h)
        return torch.stack(steps), {self.memory: c, self.hidden: h}


class StatesByUnknownName(StatesByName):
    """Has keys that do not say which state is which."""

    hidden, memory = "current", "s"


class StatesByNameIgnored(StatesByName):
    """Takes states and begins with 0."""

    ignores = True


class ListsOfStates(nn.Module):
    """Returns a list of hidden states and a list of memory states, one for each layer."""

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1) -> None:
        super().__init__()
        sizes = [input_size, *[hidden_size] * num_layers]
        self.cells = nn.ModuleList([nn.LSTMCell(*pair) for pair in pairwise(sizes)])

    def forward(self, x: Tensor, states: Any) -> Any:
        h, c = (list(each) for each in states)
        steps = []
        for step in x:
            for k, cell in enumerate(self.cells):
                h[k], c[k] = cell(step, (h[k], c[k]))
                step = h[k]
            steps.append(step)
        return torch.stack(steps), (h, c)


class LengthsOfStatesAlone(nn.LSTM):
    """Takes packed sequences, and an argument for lengths, which its output does not depend on."""

    def forward(self, x: Any, hx: Any = None, lengths: Any = None) -> Any:
        output, states = super().forward(x, hx)
        if lengths is None:
            return output, states
        return output, super().forward(pack_padded_sequence(x, lengths, enforce_sorted=False), hx)[1]


class MaskOfAnotherShape(nn.LSTM):
    """Takes packed sequences, and a mask of its hidden units."""

    def forward(self, x: Any, hx: Any = None, mask: Any = None) -> Any:
        output, states = super().forward(x, hx)
        return (output, states) if mask is None else (output * mask[None, :, :7].reshape(1, 1, 7), states)
