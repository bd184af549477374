"""Print which kernels torch and NumPy take in this process, and whether torch repeats itself, as JSON.

    python -m benchmarks.kernels

`benchmarks/machines.py` runs this in every environment that it imitates.
"""

import ctypes
import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
import torch

NONE = "none"
backends: Any = torch.backends  # no module of which has types
numpy_core: Any = import_module("numpy._core._multiarray_umath")  # nor has this


def kernels() -> dict[str, str]:
    """What each library says of itself."""
    said = overheard()
    isa = re.search(r"^onednn_verbose.*,isa:(.*)$", said, re.MULTILINE)
    kernel = r"^onednn_verbose.*,exec,cpu,rnn,([^,]*),.*?src_layer.(f\d+)"
    lstms = {f"LSTM in {dtype} by {name}" for name, dtype in re.findall(kernel, said, re.MULTILINE)}
    mkl = re.search(r"^MKL_VERBOSE oneMKL.*", said, re.MULTILINE)
    return {
        "oneDNN": ", ".join([isa[1] if isa else NONE, *sorted(lstms)]),
        "MKL": " and ".join(re.findall(r"\(Intel\(R\) ([^()]*)\)", mkl[0])) or "generic" if mkl else NONE,
        "ATen": backends.cpu.get_cpu_capability(),
        "OpenBLAS": openblas("corename", ctypes.c_char_p, NONE),
        "NumPy": " ".join(numpy_features()),
        "threads": f"torch {torch.get_num_threads()}, OpenBLAS {openblas('num_threads', ctypes.c_int, '1')}",
    }


def overheard() -> str:
    """What oneDNN and MKL print while torch computes; NumPy too, so that what cannot run here ends here."""
    with TemporaryFile("w+") as file:
        with ExitStack() as held:
            held.enter_context(output_to(file))
            for library in (backends.mkldnn, backends.mkl):
                if library.is_available():
                    held.enter_context(library.verbose(1))
            for dtype in (torch.float16, torch.float32, torch.float64):
                runs_of(torch.nn.LSTM, dtype, 0)
                array = torch.rand(65, 65).to(dtype).numpy()
                np.tanh(array @ array).sum()
        file.seek(0)
        return file.read()


@contextmanager
def output_to(file: IO[str]) -> Iterator[None]:
    """The standard output, also of what is written in C."""
    kept = os.dup(1)
    os.dup2(file.fileno(), 1)
    try:
        yield
    finally:
        ctypes.CDLL(None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)


def openblas(what: str, kind: Any, otherwise: str) -> str:
    """What the OpenBLAS in NumPy's wheels says; there may be another library in its place."""
    try:
        get = getattr(ctypes.CDLL(numpy_core.__file__), f"scipy_openblas_get_{what}64_")
    except AttributeError:
        return otherwise
    get.restype = kind
    value = get()
    return value.decode() if isinstance(value, bytes) else str(value)


def numpy_features() -> list[str]:
    """Those beyond its baseline that NumPy has kernels for, and this processor can run."""
    return [name for name in numpy_core.__cpu_dispatch__ if numpy_core.__cpu_features__[name]]


def not_repeated() -> dict[str, list[str]]:
    """Which of torch's modules answer differently in the last bits where they are asked in another way."""
    found: dict[str, list[str]] = {}
    for module in (torch.nn.RNN, torch.nn.LSTM):
        for dtype in (torch.float16, torch.float32, torch.float64):
            for seed in range(5):
                first, *others = runs_of(module, dtype, seed).items()
                for way, answer in others:
                    name = f"{module.__name__} {dtype}".replace("torch.", "")
                    if not torch.equal(answer, first[1]) and name not in found.setdefault(way, []):
                        found[way].append(name)
    return found


def runs_of(module: Any, dtype: torch.dtype, seed: int) -> dict[str, torch.Tensor]:
    """One question in several ways."""
    torch.manual_seed(seed)
    loaded = module(5, 7).to(dtype)
    x, state = torch.randn(6, 9, 5).to(dtype), torch.randn(1, 9, 7).to(dtype)
    strided = state.mT.contiguous().mT

    def run(state: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = loaded(x, state if module is torch.nn.RNN else (state, state))[0]
        return answer.detach()

    with torch.no_grad():
        answers = {"first": run(state), "again": run(state), "strided state": run(strided)}
    with torch.inference_mode():
        answers["inference mode"] = run(state)
    return answers | {"gradients": run(state)}


if __name__ == "__main__":
    print(json.dumps({"kernels": kernels(), "not repeated": not_repeated()}))
