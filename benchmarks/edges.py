"""What the reference and torch return at the edges, as the page docs/edges.md.

    python -m benchmarks.edges > docs/edges.md

Each dimension at 0 and at 1, with larger and distinct values of the others; then layers with their options.
What torch returns is recorded, not required: another release may return something else.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import reference
from benchmarks.shared import table
from reference.contract import CONTRACTS, Array, Shape, extent, of_one_direction

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

HEAD = """\
# Edge cases: dimensions of 0 and 1

The tables show the shape of the hidden states that each program returns, or its error, if one dimension is 0
or 1. `—` means that the program has no such dimension. The other dimensions are
{sizes}.

`python -m benchmarks.edges` writes this page, here with torch {torch}. A test checks that the page is up
to date; with another version of torch, the test leaves out the columns of torch.

The formulas define a result for all sizes, and the reference returns it, except for `n_a = 0` (no state) and
`n_y = 0` (a softmax of nothing), which the reference refuses. Torch's modules refuse `n_x = 0` and `T_x = 0`.
For `n_x = 0`, the harness compares with torch's cells; for `T_x = 0`, with the formulas alone. The laws
*no features*, *no samples* and *no steps* check these cases.
"""
LAYERS = """\
The other dimensions are {sizes},
without a projection and without lengths, for which torch has packed sequences. If torch refuses
a problem that the reference answers, the oracle gives torch an equivalent problem: one with a
feature that is always 0 (`n_x = 0`), or with an unused copy of a memory unit (`n_p` not below
`n_a`).
"""


def page() -> str:
    """The page, in Markdown."""
    version = ".".join(torch.__version__.split("+")[0].split(".")[:2])
    parts = [HEAD.format(sizes=_words(SIZES), torch=version)]
    for kind in ("rnn", "lstm"):
        programs = (f"{kind}_forward", f"{kind}_cell_forward", kind.upper(), f"{kind.upper()}Cell")
        parts += [f"## {kind.upper()}\n", *_rows(programs, SIZES, FORWARD_EDGES)]
    parts += ["## Layers\n", LAYERS.format(sizes=_words(OF_LAYERS))]
    parts += _rows(("rnn_layer", "lstm_layer", "RNN", "LSTM"), OF_LAYERS, LAYER_EDGES)
    return "\n".join(parts)


def _words(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"`{name} = {size}`" for name, size in sizes.items())


def _rows(programs: Sequence[str], usual: Mapping[str, Any], edges: Edges) -> Iterator[str]:
    """The table of what each program returns at each edge; a name in capitals is one of `torch.nn`."""
    columns = ["", *(f"`{'torch.nn.' if name[0].isupper() else ''}{name}`" for name in programs)]
    rows = []
    for words, unusual in edges.items():
        lacking = [name for name in programs if _lacks(name, next(iter(unusual)))]
        rows.append(
            [words, *("—" if name in lacking else outcome(name, {**usual, **unusual}) for name in programs)]
        )
    yield table(columns, rows) + "\n"


def _lacks(name: str, dimension: str) -> bool:
    """Whether a program has no such dimension."""
    return (dimension == "n_y" and name[0].isupper()) or (dimension == "T_x" and "cell" in name.lower())


def outcome(name: str, sizes: Mapping[str, Any]) -> str:
    """The shape of the hidden states that a program returns, or its error."""
    program: Callable[..., Any] = of_torch if name[0].isupper() else of_reference
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
            return f"{tuple(program(name, **sizes).shape)}"
    except Exception as error:
        return f"`{type(error).__name__}: {error}`"


def of_reference(name: str, *, lengths: Any = None, **sizes: int) -> Any:
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
    parameters = [zeros(of_one_direction(contract.kind, k // D, projected)) for k in places]
    options = {"directions": D} | ({} if lengths is None else {"lengths": lengths})
    return function(*arguments, parameters, options)[0]


@torch.no_grad()
def of_torch(name: str, n_x: int, n_a: int, m: int, T_x: int, *, lengths: Any = None, **sizes: int) -> Any:
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
    print(page(), end="")
