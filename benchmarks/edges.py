"""What the reference and torch say at the edges, as the page docs/edges.md.

    python -m benchmarks.edges > docs/edges.md

Each dimension at 0 and at 1, the others larger and distinct; then layers with their options, and arguments
that do not fit. What torch says is recorded, not required: another release may say something else.
"""

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import reference
from oracle.problem import Problem
from reference.contract import CONTRACTS, Kind, Shape, extent, of_one_direction

SIZES = {"n_x": 2, "n_a": 3, "n_y": 4, "m": 5, "T_x": 6}

OF_LAYERS: Mapping[str, Any] = {
    "n_x": 2,
    "n_a": 4,
    "m": 5,
    "T_x": 6,
    "L": 2,
    "D": 2,
    "n_p": 0,
    "lengths": None,
}
EDGES: Mapping[str, Mapping[str, Any]] = {
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
"""What of a layer is unlike `OF_LAYERS`, in words."""

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

F64 = torch.float64
STEPS, STATE = torch.zeros(5, 2, 3, dtype=F64), torch.zeros(1, 2, 4, dtype=F64)
SAMPLE, SQUARE = torch.zeros(3, dtype=F64), torch.zeros(4, 4, dtype=F64)
UNFIT: Mapping[str, Callable[[str], Any]] = {
    "`input_size` is NumPy's integer": lambda of: getattr(torch.nn, of)(np.int64(3), 4).weight_ih_l0,
    "`hidden_size` is NumPy's integer": lambda of: getattr(torch.nn, of)(3, np.int64(4)).weight_hh_l0,
    "the input is float32": lambda of: ask_by_name(of, STEPS.float(), STATE),
    "the hidden state is float32": lambda of: ask_by_name(of, STEPS, STATE.float(), STATE),
    "the memory state is float32": lambda of: ask_by_name(of, STEPS, STATE, STATE.float()),
    "states of 3 samples, an input of 2": lambda of: ask_by_name(of, STEPS, torch.zeros(1, 3, 4, dtype=F64)),
    "the cell: a sample without a batch, states of a batch of 4": lambda of: ask_by_name(
        f"{of}Cell", SAMPLE, SQUARE
    ),
    "the cell: a sample without a batch, states with an axis of layers": lambda of: ask_by_name(
        f"{of}Cell", SAMPLE, STATE
    ),
}
"""What is asked of the RNN and of the LSTM, in words."""


def main() -> None:
    """Print the page."""
    print(page(), end="")


def page() -> str:
    """The page, in Markdown."""
    version = ".".join(torch.__version__.split("+")[0].split(".")[:2])
    sizes = ", ".join(f"`{name} = {size}`" for name, size in SIZES.items())
    return HEAD.format(sizes=sizes, torch=version) + table("rnn") + table("lstm") + layers() + refusals()


def table(kind: Kind) -> str:
    """What is said of one kind of network."""
    forward, cell = f"{kind}_forward", f"{kind}_cell_forward"
    module, torch_cell = f"torch.nn.{kind.upper()}", f"torch.nn.{kind.upper()}Cell"
    rows = [
        f"\n## {kind.upper()}\n",
        f"| | `{forward}` | `{cell}` | `{module}` | `{torch_cell}` |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, size in product(SIZES, (0, 1)):
        sizes = SIZES | {name: size}
        said = (
            outcome(ask_reference, forward, **sizes),
            outcome(ask_reference, cell, **sizes) if name != "T_x" else "—",
            outcome(ask_module, kind, **sizes) if name != "n_y" else "—",
            outcome(ask_cell, kind, **sizes) if name not in ("n_y", "T_x") else "—",
        )
        rows.append(f"| `{name} = {size}` | {' | '.join(said)} |")
    return "\n".join(rows) + "\n"


def layers() -> str:
    """What is said of layers."""
    sizes = ", ".join(f"`{name} = {size}`" for name, size in OF_LAYERS.items() if size)
    rows = [
        "\n## Layers\n",
        f"The other dimensions are {sizes},",
        "without a projection and without lengths, for which torch has packed sequences. If torch refuses",
        "a problem that the reference answers, the oracle gives torch an equivalent problem: one with a",
        "feature that is always 0 (`n_x = 0`), or with an unused copy of a memory unit (`n_p` not below",
        "`n_a`).\n",
        "| | `rnn_layer` | `lstm_layer` | `torch.nn.RNN` | `torch.nn.LSTM` |",
        "| --- | --- | --- | --- | --- |",
    ]
    for words, unlike in EDGES.items():
        given = {**OF_LAYERS, **unlike}
        said = [
            outcome(ask, kind, **given) for ask in (ask_layer, ask_layered_module) for kind in ("rnn", "lstm")
        ]
        rows.append(f"| {words} | {' | '.join(said)} |")
    return "\n".join(rows) + "\n"


def refusals() -> str:
    """What torch says to arguments that do not fit."""
    rows = [
        "\n## Arguments that do not fit\n",
        "The modules have 3 features and 4 hidden units, in float64. The oracle never makes such a call.\n",
        "| | `RNN` | `LSTM` |",
        "| --- | --- | --- |",
    ]
    for words, ask in UNFIT.items():
        rnn = "—" if "memory" in words else outcome(ask, "RNN")
        rows.append(f"| {words} | {rnn} | {outcome(ask, 'LSTM')} |")
    return "\n".join(rows) + "\n"


def ask_by_name(name: str, x: torch.Tensor, a0: torch.Tensor, c0: torch.Tensor | None = None) -> Any:
    """The hidden states by a module or a cell; c0 is as a0, unless it is given."""
    module = getattr(torch.nn, name)(3, 4, dtype=F64)
    answer = module(x, a0 if name.startswith("RNN") else (a0, a0 if c0 is None else c0))
    return answer if name == "RNNCell" else answer[0]


def outcome(ask: Callable[..., Any], of: str, **sizes: Any) -> str:
    """The shape of the answer, or the error in its own words."""
    try:
        return f"{tuple(ask(of, **sizes).shape)}"
    except Exception as error:
        return f"`{type(error).__name__}: {error}`"


def ask_reference(function: str, **sizes: Any) -> Any:
    """The hidden states."""
    problem = Problem(CONTRACTS[function].kind, **sizes)
    return getattr(reference, function)(*problem.arguments(function))[0]


def ask_layer(kind: Kind, lengths: Any, **sizes: int) -> Any:
    """The hidden states of the top layer."""
    projected, contract = sizes["n_p"] > 0, CONTRACTS[f"{kind}_layer"]
    sizes["n_h"] = sizes["n_p" if projected else "n_a"]

    def zeros(shapes: Mapping[str, Shape]) -> Mapping[str, Any]:
        return {name: np.zeros([extent(size, sizes) for size in shape]) for name, shape in shapes.items()}

    places = range(sizes["L"] * sizes["D"])
    parameters = [zeros(of_one_direction(kind, k // sizes["D"], projected)) for k in places]
    options = {"directions": sizes["D"]} | ({} if lengths is None else {"lengths": lengths})
    return getattr(reference, contract.name)(*zeros(contract.arguments).values(), parameters, options)[0]


@torch.no_grad()
def ask_layered_module(
    kind: Kind, n_x: int, n_a: int, m: int, T_x: int, L: int, D: int, n_p: int, lengths: Any
) -> Any:
    """The same."""
    module = torch.nn.RNN if kind == "rnn" else torch.nn.LSTM
    how = {"num_layers": L, "bidirectional": D == 2, "dtype": F64} | ({"proj_size": n_p} if n_p else {})
    layered, x = module(n_x, n_a, **how), torch.zeros(T_x, m, n_x, dtype=F64)
    if lengths is None:
        return layered(x)[0]
    packed = pack_padded_sequence(x, torch.tensor(lengths, dtype=torch.int64), enforce_sorted=False)
    return pad_packed_sequence(layered(packed)[0], total_length=T_x)[0]


@torch.no_grad()
def ask_module(kind: Kind, n_x: int, n_a: int, n_y: int, m: int, T_x: int) -> Any:
    """The hidden states of all steps."""
    module = torch.nn.RNN if kind == "rnn" else torch.nn.LSTM
    return module(n_x, n_a)(torch.zeros(T_x, m, n_x))[0]


@torch.no_grad()
def ask_cell(kind: Kind, n_x: int, n_a: int, n_y: int, m: int, T_x: int) -> Any:
    """The hidden state after one step."""
    if kind == "rnn":
        return torch.nn.RNNCell(n_x, n_a)(torch.zeros(m, n_x))
    return torch.nn.LSTMCell(n_x, n_a)(torch.zeros(m, n_x))[0]


if __name__ == "__main__":
    main()
