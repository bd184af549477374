"""What the reference and torch return at the edges: writes the tables of docs/edges.md.

    python -m benchmarks.edges

Each dimension at 0 and at 1, with larger and distinct values of the others; then layers with their options.
What torch returns is recorded, not required: another release may return something else.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import reference
from benchmarks.shared import ROOT, table, write
from reference.contract import CONTRACTS, Array, Shape, direction_shapes, extent

PAGE = ROOT / "docs" / "edges.md"
SIZES: Mapping[str, Any] = {"n_x": 2, "n_a": 3, "n_y": 4, "m": 5, "T_x": 6}
OF_LAYERS: Mapping[str, Any] = {"n_x": 2, "n_a": 4, "m": 5, "T_x": 6, "L": 2, "D": 2}

Edges = Mapping[str, Mapping[str, Any]]
"""By description: the sizes and lengths that are different from the usual ones."""
FORWARD_EDGES: Edges = {f"`{name} = {size}`": {name: size} for name, size in product(SIZES, (0, 1))}
LAYER_EDGES: Edges = {
    **{f"`{name} = {size}`": {name: size} for name, size in product(("n_x", "n_a", "m", "T_x", "L"), (0, 1))},
    "`D = 1`": {"D": 1},
    "`n_p = 1`": {"n_p": 1},
    "`n_p = n_a`": {"n_p": 4},
    "`n_p > n_a`": {"n_p": 5},
    "all lengths 4": {"lengths": [4, 4, 4, 4, 4]},
    "all lengths `T_x`": {"lengths": [6, 6, 6, 6, 6]},
    "one length 1": {"lengths": [3, 5, 1, 4, 2]},
    "one length `T_x`": {"lengths": [3, 5, 2, 6, 4]},
    "one length 0": {"lengths": [3, 5, 0, 6, 4]},
    "one length more than `T_x`": {"lengths": [3, 5, 7, 6, 4]},
    "too few lengths": {"lengths": [3, 5, 6, 4]},
    "lengths, `m = 0`": {"m": 0, "lengths": []},
}


def parts() -> dict[str, str]:
    """The measured parts of the page by name."""
    version = ".".join(torch.__version__.split("+")[0].split(".")[:2])
    found = {"version": f"The tables are written with torch {version}."}
    for kind in ("rnn", "lstm"):
        programs = (f"{kind}_forward", f"{kind}_cell_forward", kind.upper(), f"{kind.upper()}Cell")
        found[kind] = outcomes(programs, SIZES, FORWARD_EDGES)
    return found | {"layers": outcomes(("rnn_layer", "lstm_layer", "RNN", "LSTM"), OF_LAYERS, LAYER_EDGES)}


def outcomes(programs: Sequence[str], usual: Mapping[str, Any], edges: Edges) -> str:
    """A table of what each program returns at each edge; a name in capitals is one of `torch.nn`."""
    columns = ["", *(f"`{'torch.nn.' if name[0].isupper() else ''}{name}`" for name in programs)]
    rows = []
    for words, unusual in edges.items():
        lacking = [name for name in programs if _lacks(name, next(iter(unusual)))]
        rows.append(
            [words, *("—" if name in lacking else outcome(name, {**usual, **unusual}) for name in programs)]
        )
    return table(columns, rows)


def _lacks(name: str, dimension: str) -> bool:
    """Whether a program has no such dimension."""
    return (dimension == "n_y" and name[0].isupper()) or (dimension == "T_x" and "cell" in name.lower())


def outcome(name: str, sizes: Mapping[str, Any]) -> str:
    """The shape of the hidden states that a program returns, or its error."""
    program: Callable[..., Any] = torch_states if name[0].isupper() else reference_states
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
            return f"{tuple(program(name, **sizes).shape)}"
    except Exception as error:
        return f"`{type(error).__name__}: {error}`"


def reference_states(name: str, *, lengths: Any = None, **sizes: int) -> Any:
    """The hidden states that a function of the reference returns, with inputs and weights of zeros."""
    contract, projected = CONTRACTS[name], sizes.get("n_p", 0) > 0
    sizes["n_h"] = sizes["n_p" if projected else "n_a"]

    def zeros(shapes: Mapping[str, Shape]) -> dict[str, Array]:
        return {name: np.zeros([extent(size, sizes) for size in shape]) for name, shape in shapes.items()}

    function, arguments = getattr(reference, name), zeros(contract.arguments).values()
    if not contract.is_layer:
        return function(*arguments, zeros(contract.parameters))[0]
    D = sizes["D"]
    places = range(sizes["L"] * D)
    parameters = [zeros(direction_shapes(contract.kind, k // D, projected)) for k in places]
    options = {"directions": D} | ({} if lengths is None else {"lengths": lengths})
    return function(*arguments, parameters, options)[0]


@torch.no_grad()
def torch_states(
    name: str, n_x: int, n_a: int, m: int, T_x: int, *, lengths: Any = None, **sizes: int
) -> Any:
    """The hidden states that a module or a cell of torch returns, for an input of zeros."""
    module = getattr(torch.nn, name)
    if name.endswith("Cell"):
        states = module(n_x, n_a)(torch.zeros(m, n_x))
        return states if name == "RNNCell" else states[0]
    projection = {"proj_size": sizes["n_p"]} if "n_p" in sizes else {}
    layers = module(n_x, n_a, num_layers=sizes.get("L", 1), bidirectional=sizes.get("D") == 2, **projection)
    x = torch.zeros(T_x, m, n_x)
    if lengths is None:
        return layers(x)[0]
    packed = pack_padded_sequence(x, torch.tensor(lengths, dtype=torch.int64), enforce_sorted=False)
    return pad_packed_sequence(layers(packed)[0], total_length=T_x)[0]


if __name__ == "__main__":
    write(parts(), PAGE)
