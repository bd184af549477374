"""ncnn: its operators `RNN` and `LSTM` (`docs/developer-guide/operators.md`), on the CPU, in float32.

An operator applies one layer to one sequence, a blob `w=input_size, h=T`. There is no batch, so this adapter
runs each sample by itself. `direction` is 0 for one direction and 2 for two. `hidden_size` is n_a, and
`num_output` is n_h; a layer has a projection if they differ. There are no lengths, and the RNN has only tanh.
Empty blobs count as not allocated, so a sequence without steps or features is an error. ncnn reports errors
by return codes. It flushes subnormal numbers by default (`Option::flush_denormals`). Storage and arithmetic
in fewer bits are options, which this adapter switches off.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import ncnn
import numpy as np

from oracle.frameworks.functions import of_lstm_layer, of_rnn_layer
from oracle.layout import LAYOUTS, plain
from reference.contract import Array, Kind

SUPPORTS: Mapping[str, Any] = {
    "dtypes": ["float32"],
    "caches": False,
    "head": False,
    "layers": 1,
    "lengths": False,
    "projection": "fewer",
    "activations": ["tanh"],
    "empty": ["m"],
    "subnormals": False,
    "bad_shapes": False,
    "gradients": False,
}

_LAYOUT = LAYOUTS["ncnn"]
_FEWER_BITS = [
    f"use_{bits}_{what}" for bits in ("fp16", "bf16") for what in ("packed", "storage", "arithmetic")
]


def rnn_layer(
    x: Array, a0: Array | None, parameters: Sequence[Mapping[str, Array]], options: Mapping[str, Any]
) -> tuple[Array, ...]:
    """One layer, by the operator `RNN`."""
    return _layer("rnn", x, [a0], parameters)


def lstm_layer(
    x: Array,
    a0: Array | None,
    c0: Array | None,
    parameters: Sequence[Mapping[str, Array]],
    options: Mapping[str, Any],
) -> tuple[Array, ...]:
    """One layer, by the operator `LSTM`."""
    return _layer("lstm", x, [a0, c0], parameters)


rnn_cell_forward, rnn_forward = of_rnn_layer(rnn_layer)
lstm_cell_forward, lstm_forward = of_lstm_layer(lstm_layer)


def _layer(
    kind: Kind, x: Array, states: Sequence[Array | None], parameters: Sequence[Mapping[str, Array]]
) -> tuple[Array, ...]:
    stacked = [_LAYOUT.stack(kind, p) for p in parameters]
    names = [name for name in ("weight", "bias", "recurrent_weight", "projection") if name in stacked[0]]
    weights = [np.stack([p[name] for p in stacked]) for name in names]
    D, n_h, m, T_x = len(parameters), weights[2].shape[2], *x.shape[1:]
    n_a = weights[1].shape[1] // (4 if kind == "lstm" else 1)
    sizes = f"0={n_h} 1={weights[0].size} 2={2 * (D - 1)}" + (f" 3={n_a}" if kind == "lstm" else "")
    absent = all(state is None for state in states)
    blobs = ["a", "c"][: len(states)]
    net = _net(kind, sizes, () if absent else tuple(blobs), b"".join(bytes(4) + w.tobytes() for w in weights))
    given = [np.zeros((D, n, m), x.dtype) if state is None else state for state, n in zip(states, (n_h, n_a))]
    a = np.empty((D * n_h, m, T_x), x.dtype)
    last = [np.empty((D, n, m), x.dtype) for _, n in zip(states, (n_h, n_a))]
    for k, steps in enumerate(_LAYOUT.sequence(x)):
        extractor = net.create_extractor()
        _checked(extractor.input("x", ncnn.Mat(steps)))
        held = [plain(state[:, :, k]) for state in given]  # a blob holds no reference to its array
        for name, state in zip(() if absent else blobs, held):
            _checked(extractor.input(name, ncnn.Mat(state)))
        a[:, k] = _extracted(extractor, "x").T
        for name, state in zip(blobs, last):
            state[:, :, k] = _extracted(extractor, name)
    return a, *last


def _extracted(extractor: Any, name: str) -> Array:
    code, blob = extractor.extract(f"{name}_out")
    _checked(code)
    return np.array(blob)


@lru_cache(maxsize=64)
def _net(kind: Kind, sizes: str, states: tuple[str, ...], weights: bytes) -> Any:
    """The network with these weights. The weights are part of the key of the cache.

    In the file of weights, four zero bytes before each array say that the array is float32.
    """
    inputs, outputs = (
        ["x", *states],
        [f"{name}_out" for name in ("x", "a", "c")[: 3 if kind == "lstm" else 2]],
    )
    layers = [f"Input {name} 0 1 {name}" for name in inputs]
    layers += [" ".join([kind.upper(), kind, str(len(inputs)), str(len(outputs)), *inputs, *outputs, sizes])]
    net = ncnn.Net()
    net.opt.num_threads = 1  # more threads are slower for small sizes
    for option in _FEWER_BITS:
        if hasattr(net.opt, option):
            setattr(net.opt, option, False)
    header = ["7767517", f"{len(layers)} {len(inputs) + len(outputs)}"]
    _checked(net.load_param_mem("\n".join([*header, *layers, ""])))
    with tempfile.NamedTemporaryFile() as file:
        file.write(weights)
        file.flush()
        _checked(net.load_model(file.name))
    return net


def _checked(code: int) -> None:
    """Raise `RuntimeError` for a return code that reports an error."""
    if code != 0:
        raise RuntimeError(f"ncnn returned {code}")
