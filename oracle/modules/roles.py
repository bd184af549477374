"""Which parameters of a module are which weights: by torch's names, by the names of gates, or by shapes.

A reading says of every tensor of a module of one layer and direction its role. Where names leave several
readings, `oracle.modules.fitting` tries each.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Optional

import numpy as np

from oracle.layout import LAYOUTS
from oracle.modules.interface import Interface, ModuleOptions, Sizes, UnusableModule
from reference.contract import Array, Kind

Extents = tuple[int, ...]

_TORCH_NAME = re.compile(r"(?P<role>weight_ih|weight_hh|weight_hr|bias_ih|bias_hh)(?![a-z])")
_TORCH_ROLES = {"weight_ih": "x", "weight_hh": "a", "bias_ih": "b", "bias_hh": "", "weight_hr": "p"}


@dataclass(frozen=True)
class Role:
    """What a tensor holds: the weights of some `gates` on one `side`, perhaps transposed.

    The side is `x` or `a`, `xa` or `ax` where one weight acts on both, `b` of a bias, `p` of a projection,
    and empty of a second bias, which is filled with zeros.
    """

    side: str
    gates: str = ""
    transposed: bool = False

    def of(self, kind: Kind, p: Mapping[str, Array]) -> Array:
        """The entries of the parameters of one direction that belong there."""
        if self.side == "p":
            return p["Wp"]
        if self.side in ("", "b"):
            bias = np.concatenate([p[f"b{gate}" if kind == "lstm" else "ba"] for gate in self.gates])
            return bias if self.side else np.zeros_like(bias)
        if kind == "rnn":
            parts = {"x": p["Wax"], "a": p["Waa"]}
        else:
            W = np.concatenate([p[f"W{gate}"] for gate in self.gates])
            n_h = len(p.get("Wp", p["bf"]))
            parts = {"x": W[:, n_h:], "a": W[:, :n_h]}
        weight = np.concatenate([parts[part] for part in self.side], axis=1)
        return weight.T if self.transposed else weight


Reading = Mapping[str, Role]
"""By the name of a tensor."""


@dataclass(frozen=True)
class Readings:
    """All that the tensors can be read as, and what tells: `"torch's names"`, `"the names of gates"`, …"""

    by: str
    each: Sequence[Reading]


def gates_of(reading: Reading) -> str:
    """The order of the gates in torch's letters; empty of an RNN."""
    weights = [role for role in reading.values() if role.side in ("x", "xa", "ax")]
    return "".join(role.gates for role in weights).replace("c", "g").replace("r", "")


def joined_order(reading: Reading) -> str:
    """`"x, h"` or `"h, x"` where one weight acts on both; else empty."""
    side = next((role.side for role in reading.values() if len(role.side) == 2), "")
    return ", ".join(side.replace("a", "h"))


def readings(
    tensors: Mapping[str, Extents], interface: Interface, sizes: Sizes, asked: ModuleOptions
) -> Readings:
    """What the tensors of a module of one layer and direction can be. Raises `UnusableModule`."""
    network = f"{'an LSTM' if interface.kind == 'lstm' else 'an RNN'}"
    of_what = f"{network} of {sizes.n_x} inputs and {sizes.n_a} units"
    every = "fico" if interface.kind == "lstm" else "r"
    if by_torch := _by_torchs_names(tensors, interface, sizes):
        return Readings("torch's names", [by_torch])
    chunks = {name: _chunks(shape, sizes, len(every)) for name, shape in tensors.items()}
    for name, possible in chunks.items():
        if not possible:
            raise UnusableModule(f"{name} has shape {tensors[name]}, no weight of {of_what}")
    chosen = _orientation(chunks)
    weights = {name: chunk for name, chunk in chosen.items() if chunk.side != "b"}
    by_side: dict[str, list[str]] = {}
    for name, chunk in weights.items():
        by_side.setdefault(chunk.side, []).append(name)
    counts = {side: sum(weights[name].count for name in names) for side, names in by_side.items()}
    if counts not in ({"x": len(every), "a": len(every)}, {"xa": len(every)}):
        has = ", ".join(f"{name} {shape}" for name, shape in tensors.items()) or "none"
        raise UnusableModule(f"its parameters ({has}) are not those of {of_what}")
    biases = [[*group] for group in _two_biases(chosen, len(every))]
    if not biases:
        raise UnusableModule("it has no bias: --with bias=True, if its constructor takes that")
    groups = [*by_side.values(), *biases]
    named = [_named_gates(group) for group in groups] if interface.kind == "lstm" else []
    if named and all(named):
        orders: list[list[str]] = [[name for name in named if name]]
        by = "the names of gates"
    else:
        alike = [asked.order_of_gates] if asked.order_of_gates else map("".join, permutations(every))
        orders = [[order] * len(groups) for order in alike]
        by = "--gates" if asked.order_of_gates else "shapes"
    joined = {"xh": ["xa"], "hx": ["ax"], "": ["ax", "xa"]}[asked.joined_order]
    sides = joined if "xa" in by_side else ["x"]
    found: list[Reading] = [
        dict(_roles(groups, order, {**chosen, **_with_side(chosen, side)}, biases))
        for side in sides
        for order in orders
    ]
    return Readings(by if len(found) == 1 else "fit", found)


@dataclass(frozen=True)
class _Chunk:
    """By its shape, what a tensor holds: the weights of `count` gates on one side, or of their biases."""

    side: str
    count: int
    transposed: bool = False


def _by_torchs_names(tensors: Mapping[str, Extents], interface: Interface, sizes: Sizes) -> Optional[Reading]:  # noqa: UP045
    """The reading where every tensor has a name of torch's, and torch's shape."""
    gates = LAYOUTS["torch"].gates.replace("g", "c") if interface.kind == "lstm" else "r"
    rows = len(gates) * sizes.n_a
    expected = {"x": (rows, sizes.n_x), "a": (rows, sizes.n_h), "b": (rows,), "": (rows,)}
    expected.update({"p": (sizes.n_p, sizes.n_a)} if sizes.n_p else {})
    reading = {}
    for name, shape in tensors.items():
        match = _TORCH_NAME.search(name)
        if not match or expected.get(_TORCH_ROLES[match["role"]]) != shape:
            return None
        reading[name] = Role(_TORCH_ROLES[match["role"]], gates)
    return reading if expected.keys() - {""} <= {role.side for role in reading.values()} else None


def _chunks(shape: Extents, sizes: Sizes, gates: int) -> list[_Chunk]:
    """What a tensor of this shape may hold; a square weight may be transposed or not."""
    n_x, n_a = sizes.n_x, sizes.n_a
    longer = [n for n in shape if n != 1]
    if len(longer) == 1 and len(shape) <= 2 and longer[0] % n_a == 0 and 0 < longer[0] // n_a <= gates:
        return [_Chunk("b", longer[0] // n_a)]
    if len(shape) != 2:
        return []
    sides = {n_x: "x", n_a: "a", n_x + n_a: "xa"}
    return [
        _Chunk(sides[columns], rows // n_a, transposed)
        for rows, columns, transposed in ((*shape, False), (*shape[::-1], True))
        if columns in sides and rows % n_a == 0 and 0 < rows // n_a <= gates
    ]


def _orientation(chunks: Mapping[str, Sequence[_Chunk]]) -> dict[str, _Chunk]:
    """One chunk of each tensor: a square weight is transposed if the others are."""
    told = {found[0].transposed for found in chunks.values() if len(found) == 1 and found[0].side != "b"}
    transposed = told == {True}
    return {
        name: next((each for each in found if each.transposed == transposed), found[0])
        for name, found in chunks.items()
    }


def _two_biases(chunks: Mapping[str, _Chunk], gates: int) -> Iterator[list[str]]:
    """The biases of all gates, once or twice: first those that stand beside the weights of the input."""
    names = [name for name, chunk in chunks.items() if chunk.side == "b"]
    total = sum(chunks[name].count for name in names)
    if total not in (0, gates, 2 * gates):
        raise UnusableModule(
            f"its biases ({', '.join(names)}) are those of {total / gates:g} LSTMs, expected 1"
        )
    of_hidden = {_parent(name) for name, chunk in chunks.items() if chunk.side == "a"}
    of_input = {_parent(name) for name, chunk in chunks.items() if chunk.side in ("x", "xa")}
    second = [name for name in names if _parent(name) in of_hidden - of_input]
    if total == 2 * gates and sum(chunks[name].count for name in second) != gates:
        ends = np.cumsum([chunks[name].count for name in names])
        second = [name for name, end in zip(names, ends) if end > gates]
    if total:
        yield [name for name in names if name not in second] if total == 2 * gates else names
    if total == 2 * gates:
        yield second


def _parent(name: str) -> str:
    return name.rpartition(".")[0]


_LETTERS: Mapping[str, str] = {
    **dict.fromkeys(("i", "in", "input", "inp"), "i"),
    **dict.fromkeys(("f", "forget", "forg"), "f"),
    **dict.fromkeys(("o", "out", "output"), "o"),
    **dict.fromkeys(("c", "g", "cell", "candidate", "cand"), "c"),
}


_NOISE = {"gate", "gates", "layer", "linear", "fc", "weight", "state", "tilde", "hat"}


def _named_gates(names: Sequence[str]) -> str:
    """The gates of four tensors by what their names differ in, in the order of the tensors; empty where the
    names do not tell.
    """
    if len(names) != 4:
        return ""
    words = [Counter(re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)) for name in names]
    common = words[0] & words[1] & words[2] & words[3]
    own = [[word.lower() for word in (each - common).elements()] for each in words]
    differing = ["".join(word for word in each if word not in _NOISE) for each in own]
    if not all(each in _LETTERS for each in differing):
        start = next((at for at, letters in enumerate(zip(*differing)) if len({*letters}) > 1), 0)
        differing = [each[start:] for each in differing]
    letters = [_LETTERS.get(each, "?") for each in differing]
    missing = set("fico") - {*letters}
    if letters.count("?") == 1 and len(missing) == 1:
        letters[letters.index("?")] = missing.pop()
    return "".join(letters) if sorted(letters) == sorted("fico") else ""


def _with_side(chosen: Mapping[str, _Chunk], side: str) -> dict[str, _Chunk]:
    """The weights that act on both input and hidden state, in this order."""
    joined = {name: chunk for name, chunk in chosen.items() if chunk.side == "xa"}
    return {name: _Chunk(side, chunk.count, chunk.transposed) for name, chunk in joined.items()}


def _roles(
    groups: Sequence[Sequence[str]],
    orders: Sequence[str],
    chunks: Mapping[str, _Chunk],
    biases: Sequence[Sequence[str]],
) -> Iterator[tuple[str, Role]]:
    """The roles of the tensors in groups, each group with all gates in an order."""
    for group, order in zip(groups, orders):
        start = 0
        for name in group:
            chunk = chunks[name]
            gates = order[start : start + chunk.count]
            is_second = len(biases) == 2 and group is biases[1]
            yield name, Role("" if is_second else chunk.side, gates, chunk.transposed)
            start += chunk.count
