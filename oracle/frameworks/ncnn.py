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
from functools import lru_cache
from typing import Any

import ncnn
import numpy as np

from oracle.frameworks.functions import COMMON_LIMITS, Call, bind_arrays, functions_of
from oracle.layout import LAYOUTS, plain
from reference.contract import Array, Kind

SUPPORTS = {
    **COMMON_LIMITS,
    "dtypes": ["float32"],
    "layers": 1,
    "lengths": False,
    "projection": "fewer",
    "activations": ["tanh"],
    "empty": ["m"],
    "subnormals": False,
    "gradients": False,
}

_FEWER_BITS = [
    f"use_{bits}_{what}" for bits in ("fp16", "bf16") for what in ("packed", "storage", "arithmetic")
]


def _run(call: Call) -> list[Array]:
    names = [name for name in ("weight", "bias", "recurrent_weight", "projection") if name in call.weights[0]]
    weights = [np.stack([p[name] for p in call.weights]) for name in names]
    D, n_h, n_a, (m, T_x, _) = len(call.weights), weights[2].shape[2], call.units, call.sequence.shape
    sizes = f"0={n_h} 1={weights[0].size} 2={2 * (D - 1)}" + (f" 3={n_a}" if call.kind == "lstm" else "")
    blobs = ["a", "c"][: len(call.states)]
    given = [] if call.states[0] is None else [*zip(blobs, call.states)]
    net = _net(call.kind, sizes, bool(given), b"".join(bytes(4) + w.tobytes() for w in weights))
    a = np.empty((m, T_x, D * n_h), np.float32)
    last = [np.empty((D, m, n), np.float32) for _, n in zip(blobs, (n_h, n_a))]
    for k, steps in enumerate(call.sequence):
        extractor = net.create_extractor()
        _checked(extractor.input("x", ncnn.Mat(steps)))
        held = [(name, plain(state[:, k])) for name, state in given]  # a blob holds no reference to its array
        for name, state in held:
            _checked(extractor.input(name, ncnn.Mat(state)))
        a[k] = _extracted(extractor, "x")
        for name, state in zip(blobs, last):
            state[:, k] = _extracted(extractor, name)
    return [a, *last]


def _extracted(extractor: Any, name: str) -> Array:
    code, blob = extractor.extract(f"{name}_out")
    _checked(code)
    return np.array(blob)


@lru_cache(maxsize=64)
def _net(kind: Kind, sizes: str, takes_states: bool, weights: bytes) -> Any:
    """The network with these weights. The weights are part of the key of the cache.

    In the file of weights, four zero bytes before each array say that the array is float32.
    """
    names = ["x", "a", "c"][: 3 if kind == "lstm" else 2]
    inputs, outputs = names if takes_states else ["x"], [f"{name}_out" for name in names]
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


globals().update(functions_of(LAYOUTS["ncnn"], bind_arrays(_run)))
