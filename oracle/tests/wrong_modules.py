"""Wrong modules, each right in all but one use of its signature."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from oracle.tests.right_modules import MaskByStep


class DefaultOnes(nn.LSTMCell):
    """Begins with ones if it gets no states."""

    def forward(self, input: Tensor, hx: Any = None) -> Any:
        ones = input.new_ones(len(input), self.hidden_size)
        return super().forward(input, (ones, ones) if hx is None else hx)


class MaskIgnored(nn.LSTM):
    """Takes packed sequences, and ignores its mask."""

    def forward(self, x: Any, hx: Any = None, mask: Any = None) -> Any:
        return super().forward(x, hx)


class TruncatedFractions(nn.RNN):
    """Takes fractions of T_x, and truncates the numbers of steps: of 22 steps, 13 become 12."""

    def forward(self, x: Any, hx: Any = None, lengths: Any = None) -> Any:
        if lengths is None:
            return super().forward(x, hx)
        assert (lengths <= 1).all()
        packed = pack_padded_sequence(x, (lengths * len(x)).long().clamp(min=1), enforce_sorted=False)
        output, last = super().forward(packed, hx)
        return pad_packed_sequence(output, total_length=len(x))[0], last


class SortedWithoutLast(nn.RNN):
    """Takes sorted lengths alone, and returns the last states of the shortest sample for all."""

    def forward(self, x: Any, hx: Any = None, lengths: Any = None) -> Any:
        if not torch.is_tensor(x):
            raise TypeError("packed sequences are not supported")
        if lengths is None:
            return super().forward(x, hx)
        output, _ = super().forward(pack_padded_sequence(x, lengths), hx)
        return pad_packed_sequence(output)[0], pad_packed_sequence(output)[0][lengths.min() - 1][None]


class MaskWithoutFreeze(MaskByStep):
    """Computes its last states from masked steps, too."""

    def forward(self, x: Tensor, hx: Any = None, mask: Any = None) -> Any:
        return super().forward(x, hx)


class CarriedStates(nn.LSTM):
    """Begins with the last states of the call before if it gets none."""

    kept: Any = None

    def forward(self, x: Any, hx: Any = None) -> Any:
        hx = self.kept if hx is None and self.kept is not None and self.kept[0].shape[1] == x.shape[1] else hx
        output, self.kept = super().forward(x, hx)
        return output, self.kept


class LastStateInBuffer(nn.RNN):
    """Returns its last state in a buffer, which the next call overwrites."""

    def forward(self, x: Any, hx: Any = None) -> Any:
        output, h = super().forward(x, hx)
        self.buffer = vars(self).get("buffer", torch.empty_like(h))
        return output, self.buffer.copy_(h)


class ForgottenWeights(nn.Module):
    """A conversion that draws weights of its own."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.lstm = nn.LSTM(
            lstm.input_size,
            lstm.hidden_size,
            lstm.num_layers,
            bidirectional=lstm.bidirectional,
            proj_size=lstm.proj_size,
            dtype=lstm.weight_ih_l0.dtype,
        )

    def forward(self, x: Any, hx: Any = None) -> Any:
        return self.lstm(x, hx)


class GatesOfHidden(nn.Module):
    """Returns the output gate for the hidden state, beside its gates in a dict."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(input_size, hidden_size)

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> Any:
        hidden, memory = self.cell(x, (h, c))
        return {"o": hidden, "h": hidden / memory.tanh(), "c": memory}


class _NormOfTheWhole(nn.Module):
    """g v / |v| with one norm of the whole matrix, where g has a norm for each row."""

    def forward(self, g: Tensor, v: Tensor) -> Tensor:
        w: Tensor = g * v / v.norm()
        return w

    def right_inverse(self, w: Tensor) -> tuple[Tensor, Tensor]:
        return w.norm(dim=1, keepdim=True), w


def normed_as_a_whole(lstm: nn.LSTM) -> nn.Module:
    """A converter that changes the weights by its parametrisation."""
    parametrize.register_parametrization(lstm, "weight_hh_l0", _NormOfTheWhole(), unsafe=True)
    return lstm
