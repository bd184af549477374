"""Which kernels do torch and NumPy select in this process?

    ONEDNN_VERBOSE=1 MKL_VERBOSE=1 python -m benchmarks.kernels

oneDNN and MKL print what they select while they compute; the last line is what the other libraries report, as
JSON. `benchmarks.machines` runs this in every environment, and reads the output by `selected`.
"""

import ctypes
import json
import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
import torch

VERBOSE = {"ONEDNN_VERBOSE": "1", "MKL_VERBOSE": "1"}
numpy_core: Any = import_module("numpy._core._multiarray_umath")  # which has no types


def selected(output: str) -> dict[str, str]:
    """The kernels of each library, by the output of this module."""
    isa = re.search(r"^onednn_verbose.*,isa:(.*)$", output, re.MULTILINE)
    kernel = r"^onednn_verbose.*,exec,cpu,rnn,([^,]*),.*?src_layer.(f\d+)"
    lstms = {f"LSTM in {dtype} by {name}" for name, dtype in re.findall(kernel, output, re.MULTILINE)}
    mkl = re.search(r"^MKL_VERBOSE oneMKL.*", output, re.MULTILINE)
    reported: Mapping[str, str] = json.loads(output.splitlines()[-1])
    return {
        "oneDNN": ", ".join([isa[1] if isa else "none", *sorted(lstms)]),
        "MKL": " and ".join(re.findall(r"\(Intel\(R\) ([^()]*)\)", mkl[0])) or "generic" if mkl else "none",
        **reported,
    }


def compute() -> None:
    """Call the kernels: an LSTM and a product in torch, a product and an activation in NumPy."""
    with torch.no_grad():
        for dtype in (torch.float16, torch.float32, torch.float64):
            state = torch.randn(1, 9, 7, dtype=dtype)
            torch.nn.LSTM(5, 7, dtype=dtype)(torch.randn(6, 9, 5, dtype=dtype), (state, state))
            array = torch.rand(65, 65).to(dtype).numpy()
            np.tanh(array @ array).sum()


def reported() -> dict[str, str]:
    """What ATen, OpenBLAS and NumPy report; of NumPy the features beyond its baseline that it uses."""
    features = [name for name in numpy_core.__cpu_dispatch__ if numpy_core.__cpu_features__[name]]
    threads = openblas("num_threads", ctypes.c_int) or "1"
    return {
        "ATen": torch.backends.cpu.get_cpu_capability(),
        "OpenBLAS": openblas("corename", ctypes.c_char_p) or "none",
        "NumPy": " ".join(features),
        "threads": f"torch {torch.get_num_threads()}, OpenBLAS {threads}",
    }


def openblas(what: str, kind: Any) -> str:
    """What the OpenBLAS in NumPy's wheels reports; empty where NumPy has another library."""
    try:
        get = getattr(ctypes.CDLL(numpy_core.__file__), f"scipy_openblas_get_{what}64_")
    except AttributeError:
        return ""
    get.restype = kind
    value = get()
    return value.decode() if isinstance(value, bytes) else str(value)


if __name__ == "__main__":
    compute()
    print(json.dumps(reported()))
