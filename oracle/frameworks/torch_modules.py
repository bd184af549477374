"""`torch.nn.RNN` and `torch.nn.LSTM` on the CPU, for the guises in which torch runs them.

They have all layers, directions and lengths (packed sequences), and a projection to fewer units. By
their own messages they refuse a sequence of no steps, an input of no features, an empty batch that is to
be packed, and a projection that does not make less of the hidden state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Optional, Tuple  # noqa: UP035 (TorchScript reads annotations)

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from oracle.frameworks.autograd import by_torch
from oracle.frameworks.functions import Layers, Options, States, Weights, layers_of
from oracle.layout import LAYOUTS, plain
from oracle.naming import in_torch
from reference.contract import Array, Kind

SUPPORTS = {"caches": False, "head": False, "projection": "fewer", "empty": []}


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


def layers(prepared: Callable[[torch.nn.Module], Callable[..., Any]] = lambda module: module) -> Layers:
    """The functions of layers, by a module as it is when it is prepared; that is done once for a shape.

    The weights are copied into the module before every call.
    """

    @lru_cache(maxsize=64)
    def of_shape(
        kind: Kind, shape: tuple[int, ...], **how: Any
    ) -> tuple[torch.nn.Module, Callable[..., Any]]:
        how["dtype"] = getattr(torch, how["dtype"])
        module = (RNN if kind == "rnn" else LSTM)(shape[-1], how.pop("n_a"), **how).eval()
        return module, prepared(module)

    def pose(
        kind: Kind, sequence: Array, states: States, stacked: Weights, options: Options
    ) -> tuple[Callable[..., Any], list[Any]]:
        D, lengths = options.get("directions", 1), options.get("lengths")
        own = {"nonlinearity": options.get("activation", "tanh")}
        module, call = of_shape(
            kind,
            (lengths is not None, *(state is not None for state in states), *sequence.shape),
            n_a=len(stacked[0]["bias"]) // (4 if kind == "lstm" else 1),
            num_layers=len(stacked) // D,
            bidirectional=D == 2,
            dtype=sequence.dtype.name,
            **(own if kind == "rnn" else {"proj_size": len(stacked[0].get("projection", ()))}),
        )
        weights = {
            f"layers.{in_torch(role, *divmod(k, D))}": torch.from_numpy(array)
            for k, each in enumerate(stacked)
            for role, array in each.items()
        }
        module.load_state_dict(weights)
        if lengths is not None:
            lengths = torch.from_numpy(plain(np.asarray(lengths)))

        def function(sequence: Any, *given: Any) -> list[Any]:
            initial = given[: len(states)]
            absent = all(state is None for state in initial)
            output, last = call(
                sequence, lengths, None if absent else initial if kind == "lstm" else initial[0]
            )
            return [output, *(last if kind == "lstm" else [last])]

        tensors = [None if array is None else torch.from_numpy(array) for array in (sequence, *states)]
        return function, [*tensors, *(module.get_parameter(name) for name in weights)]

    return layers_of(LAYOUTS["torch"], pose, _values, by_torch, fill_states=False)


@torch.no_grad()
def _values(function: Callable[..., Any], leaves: Sequence[Any]) -> list[Array]:
    """Tensors as they are; those of bfloat16, which NumPy has not, as the float32 of the same values."""
    found = function(*leaves)
    return [(each.float() if each.dtype == torch.bfloat16 else each).numpy() for each in found]
