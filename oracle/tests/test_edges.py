"""Each cell of the tables of docs/edges.md is what the program of its column returns.

What torch returns is recorded, not required: with another version of torch, its columns are left out.
"""

import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import reference
from reference.contract import CONTRACTS, Array, Shape, direction_shapes, extent

PAGE = (Path(__file__).parents[2] / "docs" / "edges.md").read_text(encoding="utf-8")
TABLES = re.findall(r"(?<=\n\n)\|.*?\|\n(?=\n|$)", PAGE, re.DOTALL)
USUAL = {"n_x": 2, "n_a": 3, "n_y": 4, "m": 5, "T_x": 6}
OF_LAYERS = {"n_x": 2, "n_a": 4, "m": 5, "T_x": 6, "L": 2, "D": 2}
LENGTHS = {
    "all lengths 4": [4, 4, 4, 4, 4],
    "all lengths `T_x`": [6, 6, 6, 6, 6],
    "one length 1": [3, 5, 1, 4, 2],
    "one length `T_x`": [3, 5, 2, 6, 4],
    "one length 0": [3, 5, 0, 6, 4],
    "one length more than `T_x`": [3, 5, 7, 6, 4],
    "too few lengths": [3, 5, 6, 4],
    "lengths, `m = 0`": [],
}
PROJECTIONS = {"= 1": 1, "= n_a": 4, "> n_a": 5}


def unusual(words: str) -> dict[str, Any]:
    """The sizes and lengths that the first cell of a row describes."""
    if words in LENGTHS:
        return {"lengths": LENGTHS[words]} | ({} if LENGTHS[words] else {"m": 0})
    name, _, size = words.strip("`").partition(" ")
    return {name: PROJECTIONS[size] if name == "n_p" else int(size.removeprefix("= "))}


def rows() -> list[tuple[str, str, Mapping[str, Any], str]]:
    """Each cell: the words of its row, the program of its column, the usual sizes, and its text."""
    found: list[tuple[str, str, Mapping[str, Any], str]] = []
    for table in TABLES:
        head, _, *body = (line.strip("| ").split(" | ") for line in table.strip().splitlines())
        usual = OF_LAYERS if "layer" in table else USUAL
        for words, *cells in body:
            found += [(words, name.strip("`"), usual, cell) for name, cell in zip(head, cells, strict=True)]
    return found


def test_every_table_is_read() -> None:
    assert len(TABLES) == PAGE.count("\n| --- ") == 3


def test_each_cell_is_what_the_program_returns() -> None:
    version = ".".join(torch.__version__.split(".")[:2])
    with_torch = f"torch {version} " in PAGE
    for words, name, usual, cell in rows():
        if cell != "—" and (with_torch or not name.startswith("torch")):
            assert (words, name, outcome(name, {**usual, **unusual(words)})) == (words, name, cell)


def outcome(name: str, sizes: Mapping[str, Any]) -> str:
    """The shape of the hidden states that a program returns, or its error."""
    program: Callable[..., Any] = torch_states if name.startswith("torch") else reference_states
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
    places = range(sizes["L"] * sizes["D"])
    parameters = [zeros(direction_shapes(contract.kind, k // sizes["D"], projected)) for k in places]
    options = {"directions": sizes["D"]} | ({} if lengths is None else {"lengths": lengths})
    return function(*arguments, parameters, options)[0]


@torch.no_grad()
def torch_states(name: str, *, lengths: Any = None, **sizes: int) -> Any:
    """The hidden states that a module or a cell of torch returns, for an input of zeros."""
    module, n_x, n_a = getattr(torch.nn, name.removeprefix("torch.nn.")), sizes["n_x"], sizes["n_a"]
    if name.endswith("Cell"):
        states = module(n_x, n_a)(torch.zeros(sizes["m"], n_x))
        return states[0] if isinstance(states, tuple) else states
    projection = {"proj_size": sizes["n_p"]} if "n_p" in sizes else {}
    layers = module(n_x, n_a, num_layers=sizes.get("L", 1), bidirectional=sizes.get("D") == 2, **projection)
    x = torch.zeros(sizes["T_x"], sizes["m"], n_x)
    if lengths is None:
        return layers(x)[0]
    packed = pack_padded_sequence(x, torch.tensor(lengths, dtype=torch.int64), enforce_sorted=False)
    return pad_packed_sequence(layers(packed)[0], total_length=sizes["T_x"])[0]
