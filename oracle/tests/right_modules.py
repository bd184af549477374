"""Right modules, each of a form of its own: wrappers, converters, cells, parametrised modules."""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune, spectral_norm, weight_norm
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class DroppedWeight(nn.Module):
    """Registers a weight of a module anew, and sets it before each call, dropped in training, as fastai."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module
        weight = module.weight_hh_l0
        del module.weight_hh_l0
        self.weight_hh_l0_raw = nn.Parameter(weight.data)
        module.weight_hh_l0 = weight.clone()

    def forward(self, *given: Any) -> Any:
        weight = self.weight_hh_l0_raw.clone()
        self.module.weight_hh_l0 = nn.functional.dropout(weight, 0.5, self.training)
        return self.module(*given)


def older_weight_norm(lstm: nn.LSTM) -> nn.Module:
    return weight_norm(lstm, "weight_hh_l0")


def older_spectral_norm(n: int, k: int) -> nn.Module:
    return spectral_norm(nn.LSTM(n, k), "weight_hh_l0")


def pruned(n: int, k: int) -> nn.Module:
    return prune.random_unstructured(nn.LSTM(n, k), "weight_ih_l0", amount=0.5)  # type: ignore[no-any-return,no-untyped-call]


def normed(input_size: int, hidden_size: int, num_layers: int = 1, bidirectional: bool = False) -> nn.Module:
    lstm = nn.LSTM(input_size, hidden_size, num_layers, bidirectional=bidirectional)
    for name in [name for name, _ in lstm.named_parameters() if "weight" in name]:
        parametrizations.weight_norm(lstm, name)
    return lstm


def orthogonal(n: int, k: int) -> nn.Module:
    rnn = nn.RNN(n, k)
    parametrizations.orthogonal(rnn, "weight_hh_l0")
    return rnn


def spectral_cell(n: int, k: int) -> nn.Module:
    cell = nn.LSTMCell(n, k)
    parametrizations.spectral_norm(cell, "weight_hh")
    return cell


class Symmetric(nn.Module):
    """A parametrisation without an inverse."""

    def forward(self, weight: Tensor) -> Tensor:
        return weight.triu() + weight.triu(1).T


def symmetric(n: int, k: int) -> nn.Module:
    rnn = nn.RNNCell(n, k)
    parametrize.register_parametrization(rnn, "weight_hh", Symmetric())
    return rnn


class SharedNames(nn.Module):
    """Has two names for each weight, as modules that NNCF wraps."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.ih, self.hh = nn.Linear(input_size, 4 * hidden_size), nn.Linear(hidden_size, 4 * hidden_size)
        self.wrapped = nn.ModuleList([self.ih, self.hh])

    def forward(self, x: Tensor, hx: Any = None) -> Any:
        h, c = hx or (x.new_zeros(len(x), self.hh.in_features),) * 2
        i, f, g, o = (self.ih(x) + self.hh(h)).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


class StepList(nn.Module):
    """Returns a list of the outputs of each step, and takes its state in a list, as d2l."""

    def __init__(self, num_inputs: int, num_hiddens: int) -> None:
        super().__init__()
        self.num_hiddens = num_hiddens
        self.W_xh = nn.Parameter(torch.randn(num_inputs, num_hiddens))
        self.W_hh = nn.Parameter(torch.randn(num_hiddens, num_hiddens))
        self.b_h = nn.Parameter(torch.zeros(num_hiddens))

    def forward(self, inputs: Tensor, state: Any = None) -> Any:
        (h,) = state if state is not None else [inputs.new_zeros(inputs.shape[1], self.num_hiddens)]
        outputs = []
        for step in inputs:
            h = torch.tanh(step @ self.W_xh + h @ self.W_hh + self.b_h)
            outputs.append(h)
        return outputs, h


class BiasesInList(nn.Module):
    """Has the two biases in a list, where they are named `biases.0` and `biases.1`."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.x2h = nn.Linear(input_size, hidden_size, bias=False)
        self.h2h = nn.Linear(hidden_size, hidden_size, bias=False)
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(hidden_size)) for _ in range(2))

    def forward(self, x: Tensor, h0: Tensor | None = None) -> Any:
        h = x.new_zeros(x.shape[1], self.hidden_size) if h0 is None else h0[0]
        outputs = []
        for step in x:
            h = torch.tanh(self.x2h(step) + self.biases[0] + self.h2h(h) + self.biases[1])
            outputs.append(h)
        return torch.stack(outputs), h[None]


class GatesInDict(nn.Module):
    """A cell that returns its gates, too, as neuralhydrology."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.w_hh = nn.Parameter(torch.randn(4 * hidden_size, hidden_size))
        self.w_ih = nn.Parameter(torch.randn(4 * hidden_size, input_size))
        self.b_hh, self.b_ih = (nn.Parameter(torch.zeros(4 * hidden_size)) for _ in range(2))

    def forward(self, x_t: Tensor, h_0: Tensor, c_0: Tensor) -> Any:
        i, f, g, o = (h_0 @ self.w_hh.T + self.b_hh + x_t @ self.w_ih.T + self.b_ih).chunk(4, 1)
        c = c_0 * f.sigmoid() + i.sigmoid() * g.tanh()
        return {"h_n": o.sigmoid() * c.tanh(), "c_n": c, "i": i, "f": f, "g": g, "o": o}


class StatesOfChildren(nn.Module):
    """Has one entry for each recurrent child in its states, and takes packed sequences alone, as pfrl."""

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1) -> None:
        super().__init__()
        self.children_ = nn.ModuleList([nn.LSTM(input_size, hidden_size, num_layers)])

    def forward(self, sequences: Any, recurrent_state: Any) -> Any:
        states = []
        for k, child in enumerate(self.children_):
            sequences, state = child(sequences, None if recurrent_state is None else recurrent_state[k])
            states.append(state)
        return sequences, tuple(states)


class TwoDirections(nn.Module):
    """Always has two directions, as cells that `f_` and `b_` tell."""

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1) -> None:
        super().__init__()
        sizes = [input_size, *[2 * hidden_size] * (num_layers - 1)]
        self.f_cells, self.b_cells = (
            nn.ModuleList(nn.RNNCell(n, hidden_size) for n in sizes) for _ in range(2)
        )
        self.hidden_size = hidden_size

    def forward(self, x: Tensor, h0: Any = None) -> Any:
        last = []
        for k, cells in enumerate(zip(self.f_cells, self.b_cells, strict=True)):
            both = []
            for d, cell in enumerate(cells):
                h = x.new_zeros(x.shape[1], self.hidden_size) if h0 is None else h0[2 * k + d]
                steps = []
                for step in x.flip(0) if d else x:
                    h = cell(step, h)
                    steps.append(h)
                last.append(h)
                both.append(torch.stack(steps[::-1] if d else steps))
            x = torch.cat(both, 2)
        return x, torch.stack(last)


class DirectionsInList(nn.Module):
    """Has a list of directions, each with a list of layers."""

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bidirectional: bool = False
    ) -> None:
        super().__init__()
        D = 1 + bidirectional
        sizes = [input_size, *[D * hidden_size] * (num_layers - 1)]
        self.directions = nn.ModuleList(
            nn.ModuleList(nn.LSTM(n, hidden_size) for n in sizes) for _ in range(D)
        )

    def forward(self, x: Tensor, hx: Any = None) -> Any:
        last, D = [], len(self.directions)
        for k, layers in enumerate(zip(*self.directions, strict=True)):
            both = []
            for d, layer in enumerate(layers):
                own = None if hx is None else tuple(each[k * D + d][None] for each in hx)
                output, state = layer(x.flip(0) if d else x, own)
                both.append(output.flip(0) if d else output)
                last.append(state)
            x = torch.cat(both, 2)
        return x, tuple(torch.cat(each) for each in zip(*last, strict=True))


class MaskByStep(nn.Module):
    """Takes a mask `(T_x, m)`, and freezes the states where it is false, as torchrl."""

    def __init__(self, input_size: int, hidden_size: int, batch_first: bool = False) -> None:
        super().__init__()
        self.cell, self.axis = nn.LSTMCell(input_size, hidden_size), int(batch_first)

    def forward(self, x: Tensor, hx: Any = None, mask: Any = None) -> Any:
        zeros = x.new_zeros(1, x.shape[1 - self.axis], self.cell.hidden_size)
        h, c = (each[0] for each in hx or (zeros, zeros))
        steps = []
        for t, step in enumerate(x.unbind(self.axis)):
            after = self.cell(step, (h, c))
            keep = torch.ones(len(h), 1).bool() if mask is None else mask.unbind(self.axis)[t][:, None]
            h, c = (torch.where(keep, new, old) for new, old in zip(after, (h, c), strict=True))
            steps.append(h)
        return torch.stack(steps, self.axis), (h[None], c[None])


class LinearSteps(nn.Module):
    """Takes an input without features and packed sequences, and must be told of its biases, as Opacus."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool) -> None:
        super().__init__()
        assert bias
        self.hidden_size = hidden_size
        self.weight_ih_l0 = nn.Parameter(torch.randn(hidden_size, input_size))
        self.weight_hh_l0 = nn.Parameter(torch.randn(hidden_size, hidden_size))
        self.bias_ih_l0, self.bias_hh_l0 = (nn.Parameter(torch.zeros(hidden_size)) for _ in range(2))

    def forward(self, x: Any, h0: Any = None) -> Any:
        packed = x if isinstance(x, nn.utils.rnn.PackedSequence) else None
        x, lengths = (x, [len(x)] * x.shape[1]) if packed is None else pad_packed_sequence(packed)
        h = x.new_zeros(x.shape[1], self.hidden_size) if h0 is None else h0[0]
        steps = []
        for t, step in enumerate(x):
            z = step @ self.weight_ih_l0.T + self.bias_ih_l0 + h @ self.weight_hh_l0.T + self.bias_hh_l0
            h = torch.where(torch.as_tensor(lengths)[:, None] > t, z.tanh(), h)
            steps.append(h)
        output = torch.stack(steps) if steps else x.new_zeros(0, x.shape[1], self.hidden_size)
        if packed is not None:
            output = pack_padded_sequence(output, lengths, enforce_sorted=False)
        return output, h[None]


class SortedOnly(nn.Module):
    """Takes lengths in descending order alone."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.rnn = nn.RNN(input_size, hidden_size)

    def forward(self, x: Tensor, lengths: Tensor, hx: Any = None) -> Any:
        output, last = self.rnn(pack_padded_sequence(x, lengths), hx)
        return pad_packed_sequence(output)[0], last


class Closure:
    """What a conversion makes that has no weights that one can set, as of compiled code."""

    def __init__(self, lstm: nn.LSTM) -> None:
        self._lstm = deepcopy(lstm)

    def __call__(self, x: Tensor, hx: Any = None) -> Any:
        return self._lstm(x, hx)


class CachedTranspose(nn.Module):
    """Keeps the module that it is made of, and computes with a copy of its weights."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.lstm, self.copies = lstm, {name: each.detach().clone() for name, each in lstm.named_parameters()}

    def forward(self, x: Tensor, hx: Any = None) -> Any:
        return torch.func.functional_call(self.lstm, self.copies, (x, hx))


def scripted_cell() -> Any:
    """A trained cell of TorchScript, as silero-vad's."""
    return torch.jit.script(nn.LSTMCell(3, 4))


class FlippedTensors(nn.Module):
    """Two directions from two layers: it flips tensors, so one direction alone takes packed sequences."""

    def __init__(self, input_size: int, hidden_size: int, bidirectional: bool = False) -> None:
        super().__init__()
        self.forward_rnn = nn.RNN(input_size, hidden_size)
        self.backward_rnn = nn.RNN(input_size, hidden_size) if bidirectional else None

    def forward(self, x: Any, hx: Any = None) -> Any:
        if self.backward_rnn is None:
            return self.forward_rnn(x, hx)
        a, h = self.forward_rnn(x, None if hx is None else hx[:1])
        b, k = self.backward_rnn(x.flip(0), None if hx is None else hx[1:])
        return torch.cat((a, b.flip(0)), -1), torch.cat((h, k))
