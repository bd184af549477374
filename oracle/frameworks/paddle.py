"""Paddle's `paddle.nn.SimpleRNN` and `paddle.nn.LSTM`, on the CPU, in float32 and float64.

Any number of layers, `direction` "forward" or "bidirect", `sequence_length`, `proj_size` of the LSTM,
`activation` of the RNN, initial states or none, two biases. One kernel runs all layers; with a projection
they are composed of `LSTMCell` in Python, and one to as many units as there are is refused. What outputs are
beyond a sample's own last step is not documented, so the mask that the contract asks for is put on here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import paddle

from oracle.frameworks.functions import of_lstm_layer, of_rnn_layer
from oracle.layout import LAYOUTS, plain
from reference.contract import Array, Kind

SUPPORTS: Mapping[str, Any] = {
    "dtypes": ["float32", "float64"],
    "caches": False,
    "head": False,
    "projection": "fewer",
}

_LAYOUT = LAYOUTS["paddle"]
NAMES = {
    "weight": "weight_ih",
    "recurrent_weight": "weight_hh",
    "bias": "bias_ih",
    "recurrent_bias": "bias_hh",
    "projection": "weight_ho",
}


def rnn_layer(
    x: Array, a0: Array | None, parameters: Sequence[Mapping[str, Array]], options: Mapping[str, Any]
) -> tuple[Array, ...]:
    """By `SimpleRNN`."""
    return _layer("rnn", x, [a0], parameters, options)


def lstm_layer(
    x: Array,
    a0: Array | None,
    c0: Array | None,
    parameters: Sequence[Mapping[str, Array]],
    options: Mapping[str, Any],
) -> tuple[Array, ...]:
    """By `LSTM`."""
    return _layer("lstm", x, [a0, c0], parameters, options)


rnn_cell_forward, rnn_forward = of_rnn_layer(rnn_layer)
lstm_cell_forward, lstm_forward = of_lstm_layer(lstm_layer)


def _layer(
    kind: Kind,
    x: Array,
    states: Sequence[Array | None],
    parameters: Sequence[Mapping[str, Array]],
    options: Mapping[str, Any],
) -> tuple[Array, ...]:
    D, n_a = options.get("directions", 1), len(parameters[0]["ba" if kind == "rnn" else "bf"])
    n_h = len(parameters[0].get("Wp", ())) or n_a
    paddle.set_default_dtype(x.dtype.name)
    module = (paddle.nn.LSTM if kind == "lstm" else paddle.nn.SimpleRNN)(
        len(x),
        n_a,
        num_layers=len(parameters) // D,
        direction="bidirect" if D == 2 else "forward",
        **({"activation": options.get("activation", "tanh")} if kind == "rnn" else {}),
        **({"proj_size": n_h} if "Wp" in parameters[0] else {}),
    )
    module.eval()
    load(module, kind, parameters)
    absent = all(state is None for state in states)
    given = [
        paddle.to_tensor(
            np.zeros((len(parameters), x.shape[1], n), x.dtype)
            if state is None
            else plain(state.transpose(0, 2, 1))
        )
        for state, n in zip(states, (n_h, n_a))
    ]
    lengths = (
        None if options.get("lengths") is None else paddle.to_tensor(plain(np.asarray(options["lengths"])))
    )
    initial = None if absent else tuple(given) if kind == "lstm" else given[0]
    with paddle.no_grad():
        a, last = module(paddle.to_tensor(_LAYOUT.sequence(x)), initial, lengths)
    last = last if kind == "lstm" else (last,)
    a = _LAYOUT.from_sequence(a.numpy())
    if lengths is not None:
        a = np.where(np.arange(x.shape[2]) < lengths.numpy()[:, None], a, np.zeros((), a.dtype))
    return a, *(state.numpy().transpose(0, 2, 1) for state in last)


def load(module: Any, kind: Kind, parameters: Sequence[Mapping[str, Array]]) -> None:
    """Sets the weights of a layer, cell by cell.

    Its projection `weight_ho (n_a, n_p)` acts from the right, unlike its other weights.
    """
    for cell, p in zip(cells(module), parameters):
        for name, array in _LAYOUT.stack(kind, p).items():
            value = array.T if name == "projection" else array
            getattr(cell, NAMES[name]).set_value(plain(value))


def cells(module: Any) -> list[Any]:
    """Those of a layer, in the order of the parameters."""
    return [
        getattr(each, name)
        for each in module
        for name in ("cell", "cell_fw", "cell_bw")
        if hasattr(each, name)
    ]
