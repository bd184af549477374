"""ncnn: its operators `RNN` and `LSTM` (`docs/developer-guide/operators.md`), on the CPU, in float32.

An operator applies one layer to one sequence, a blob `w=input_size, h=T`. There is no batch, so this adapter
runs each sample by itself. `direction` is 0 for one direction and 2 for two. `hidden_size` is n_a, and
`num_output` is n_h. A layer has a projection if these sizes differ. There are no lengths, and the RNN has
only tanh. ncnn treats an empty blob as one that is not allocated, so a sequence without steps or features is
an error. ncnn reports errors by return codes. It flushes subnormal numbers by default
(`Option::flush_denormals`). This adapter switches off all options that store or compute in fewer bits.
"""

from __future__ import annotations

import tempfile
from functools import lru_cache
from typing import Any

import ncnn
import numpy as np

from oracle.frameworks.functions import COMMON_LIMITS, Call, binding, functions_of
from oracle.weights.layout import LAYOUTS, plain
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
    initial = [] if call.states[0] is None else [*zip(blobs, call.states)]
    net = _net(call.kind, sizes, bool(initial), b"".join(bytes(4) + w.tobytes() for w in weights))
    a = np.empty((m, T_x, D * n_h), np.float32)
    last = [np.empty((D, m, n), np.float32) for _, n in zip(blobs, (n_h, n_a))]
    for k, steps in enumerate(call.sequence):
        extractor = net.create_extractor()
        # A blob has no reference to its array, so this list keeps the arrays until they are read.
        inputs = [("x", steps), *((name, plain(state[:, k])) for name, state in initial)]
        for name, array in inputs:
            _raise_for(extractor.input(name, ncnn.Mat(array)))
        for name, array in [("x", a[k]), *((name, state[:, k]) for name, state in zip(blobs, last))]:
            code, blob = extractor.extract(f"{name}_out")
            _raise_for(code)
            array[:] = np.array(blob)
    return [a, *last]


@lru_cache(maxsize=64)
def _net(kind: Kind, sizes: str, takes_states: bool, weights: bytes) -> Any:
    """Return the network with these weights, cached. The weights are part of the key of the cache.

    Before each array in `weights`, four zero bytes say that the array is float32.
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
    _raise_for(net.load_param_mem("\n".join([*header, *layers, ""])))
    with tempfile.NamedTemporaryFile() as file:
        file.write(weights)
        file.flush()
        _raise_for(net.load_model(file.name))
    return net


def _raise_for(code: int) -> None:
    if code != 0:
        raise RuntimeError(f"ncnn returned {code}")


globals().update(functions_of(LAYOUTS["ncnn"], binding(_run)))
