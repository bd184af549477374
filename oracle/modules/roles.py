"""Finds which weight each parameter of a module is: by a framework's names, the names of gates, or shapes.

A reading has the role of each tensor of a module of one layer and direction. If there are several readings,
`oracle.modules.trials` tries each.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import NamedTuple, Optional

import numpy as np

from oracle.layout import LAYOUTS
from oracle.modules.interface import Interface, ModuleOptions, Sizes, UnusableModule
from oracle.naming import KERAS, TORCH
from reference.contract import Array, Kind

Extents = tuple[int, ...]


@dataclass(frozen=True)
class Role:
    """The content of a tensor: the weights of some `gates` on one `side`, perhaps transposed.

    The side is `x` for the input, `a` for the hidden state, `xa` or `ax` for both in this order, `b` for a
    bias, `p` for a projection, and empty for a second bias, which is added to the first.
    """

    side: str
    gates: str
    transposed: bool = False

    def of(self, kind: Kind, p: Mapping[str, Array]) -> Array:
        """The tensor, from the parameters of one direction."""
        if self.side == "p":
            return p["Wp"]
        if self.side in ("", "b"):
            return np.concatenate([p[f"b{gate}" if kind == "lstm" else "ba"] for gate in self.gates])
        parts = {"x": p.get("Wax"), "a": p.get("Waa")}
        if kind == "lstm":
            W, n_h = np.concatenate([p[f"W{gate}"] for gate in self.gates]), len(p.get("Wp", p["bf"]))
            parts = {"x": W[:, n_h:], "a": W[:, :n_h]}
        weight = np.concatenate([parts[part] for part in self.side], axis=1)
        return weight.T if self.transposed else weight

    @property
    def is_bias(self) -> bool:
        """Whether it is added."""
        return self.side in ("", "b")


Reading = Mapping[str, Role]
"""The role of each tensor, by name."""


class Readings(NamedTuple):
    """The possible readings, and what determined them: `"torch's names"`, `"fit"`, …"""

    by: str
    each: Sequence[Reading]


def gates_of(reading: Reading) -> str:
    """The order of the gates in torch's letters; empty for an RNN."""
    gates = "".join(role.gates for role in reading.values() if "x" in role.side)
    return gates.replace("c", "g").replace("r", "")


def joined_order(reading: Reading) -> str:
    """`"xh"` or `"hx"` if one weight acts on input and hidden state, otherwise empty."""
    return next((role.side.replace("a", "h") for role in reading.values() if len(role.side) == 2), "")


def order_of(reading: Reading) -> str:
    """Both orders in the form of `--gates`: `"ifgo"` or `"xh:ifgo"`."""
    return ":".join(filter(None, (joined_order(reading), gates_of(reading))))


def readings(
    tensors: Mapping[str, Extents], interface: Interface, sizes: Sizes, stated: ModuleOptions
) -> Readings:
    """The readings of the tensors of a module of one layer and direction. Raises `UnusableModule`."""
    if named := _by_the_frameworks_names(tensors, interface, sizes):
        return Readings(f"{'torch' if 'torch' in interface.name else 'Keras'}'s names", [named])
    gates = interface.gates
    of_what = f"{interface.network} of one layer, {sizes.n_x} inputs and {sizes.n_a} units"
    possible = {name: [*_by_shape(shape, sizes, gates)] for name, shape in tensors.items()}
    for name, found in possible.items():
        if not found:
            raise UnusableModule(f"{name} has shape {tensors[name]}, no weight of {of_what}")
    told = {found[0].transposed for found in possible.values() if len(found) == 1 and not found[0].is_bias}
    roles = {name: found[-1] if told == {True} else found[0] for name, found in possible.items()}
    groups = _groups(roles, len(gates))
    n, counts = len(gates), {side: len(group) for side, group in groups.items() if side}
    if counts in ({"x": n, "a": n}, {"xa": n}):
        raise UnusableModule("it has no bias", fixed=[("bias", "True")])
    if counts not in ({"x": n, "a": n, "b": n}, {"xa": n, "b": n}):
        first = [f"{name} {shape}" for name, shape in tensors.items()][:4]
        has = ", ".join([*first, *(["…"] if len(tensors) > 4 else [])]) or "none"
        raise UnusableModule(f"its parameters ({has}) are not those of {of_what}")
    joined, order = stated.orders
    named_gates = {side: _gates_by_name(group) for side, group in groups.items()}
    if all(named_gates.values()):
        by, orders = "the names of gates", [named_gates]
    else:
        by = "--gates" if order else "shapes"
        orders = [
            dict.fromkeys(groups, "".join(each)) for each in ([order] if order else permutations(gates))
        ]
    sides = {"xh": ["xa"], "hx": ["ax"], "": ["ax", "xa"]}[joined] if "xa" in groups else [""]
    each = [_with_gates(roles, groups, order, side) for side in sides for order in orders]
    return Readings(by if len(each) == 1 else f"{by} and fit" if len(orders) == 1 else "fit", each)


def _by_the_frameworks_names(
    tensors: Mapping[str, Extents], interface: Interface, sizes: Sizes
) -> Optional[Reading]:  # noqa: UP045
    """The reading by the names of the framework; `None` unless each tensor has such a name, and its shape."""
    framework = "torch" if "torch" in interface.name else "keras"
    names = {theirs: ours for ours, theirs in {"torch": TORCH, "keras": KERAS}[framework].items()}
    sides = {"weight": "x", "recurrent_weight": "a", "bias": "b", "recurrent_bias": "", "projection": "p"}
    pattern = re.compile(rf"(?:.*[./])?({'|'.join(names)})(?![a-z]).*")
    gates = LAYOUTS[framework].gates.replace("g", "c") if interface.kind == "lstm" else "r"
    rows, transposed = len(gates) * sizes.n_a, LAYOUTS[framework].transposed
    expected: dict[str, Extents] = {"x": (rows, sizes.n_x), "a": (rows, sizes.n_h), "b": (rows,), "": (rows,)}
    expected.update({"p": (sizes.n_p, sizes.n_a)} if sizes.n_p else {})
    reading = {}
    for name, shape in tensors.items():
        match = pattern.fullmatch(name)
        side = sides[names[match[1]]] if match else "none"
        if expected.get(side) != (shape[::-1] if transposed else shape):
            return None
        reading[name] = Role(side, gates, transposed and side in ("x", "a"))
    return reading if expected.keys() - {""} <= {role.side for role in reading.values()} else None


def _by_shape(shape: Extents, sizes: Sizes, gates: str) -> Iterator[Role]:
    """The possible roles of a tensor of this shape; the letters of the gates only tell their number."""
    longer = [n for n in shape if n != 1]
    if len(longer) == 1 and longer[0] % sizes.n_a == 0 and 0 < longer[0] // sizes.n_a <= len(gates):
        yield Role("b", gates[: longer[0] // sizes.n_a])
    elif len(shape) == 2:
        sides = {sizes.n_x: "x", sizes.n_a: "a", sizes.n_x + sizes.n_a: "xa"}
        for rows, columns, transposed in ((*shape, False), (*shape[::-1], True)):
            if columns in sides and rows % sizes.n_a == 0 and 0 < rows // sizes.n_a <= len(gates):
                yield Role(sides[columns], gates[: rows // sizes.n_a], transposed)


def _groups(roles: Mapping[str, Role], gates: int) -> dict[str, list[str]]:
    """The names of the tensors by side, each name once for each gate. A second bias has the side `""`.

    The second bias is the one beside the weight on the hidden state, or else the later one.
    """
    groups: dict[str, list[str]] = {}
    for name, role in roles.items():
        groups.setdefault(role.side, []).extend([name] * len(role.gates))
    biases = groups.get("b", [])
    if len(biases) == 2 * gates:
        beside = {name.rpartition(".")[0] for name in groups.get("a", [])}
        beside -= {name.rpartition(".")[0] for name in groups.get("x", [])}
        second = [name for name in biases if name.rpartition(".")[0] in beside]
        second = second if len(second) == gates else biases[gates:]
        groups.update({"b": [name for name in biases if name not in second], "": second})
    return groups


def _with_gates(
    roles: Mapping[str, Role], groups: Mapping[str, Sequence[str]], orders: Mapping[str, str], joined: str
) -> dict[str, Role]:
    """The roles, with the order of the gates of each group, and the order of the sides of a joined weight."""
    reading = {}
    for side, names in groups.items():
        for name in dict.fromkeys(names):
            gates = "".join(gate for each, gate in zip(names, orders[side]) if each == name)
            reading[name] = replace(roles[name], side=joined if side == "xa" else side, gates=gates)
    return reading


_LETTERS = {
    **dict.fromkeys(("i", "in", "input", "inp"), "i"),
    **dict.fromkeys(("f", "forget"), "f"),
    **dict.fromkeys(("o", "out", "output"), "o"),
    **dict.fromkeys(("c", "g", "cell", "candidate", "cand"), "c"),
}
_NOISE = {"gate", "gates", "layer", "linear", "fc", "weight", "state", "tilde", "hat"}


def _gates_by_name(names: Sequence[str]) -> str:
    """The gates of four tensors by the words in which their names differ; empty if these tell no gates."""
    words = [Counter(re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)) for name in names]
    if len({*names}) != 4:
        return ""
    common = words[0] & words[1] & words[2] & words[3]
    own = [[word.lower() for word in (each - common).elements()] for each in words]
    differing = ["".join(word for word in each if word not in _NOISE) for each in own]
    if not all(each in _LETTERS for each in differing):
        start = next((at for at, letters in enumerate(zip(*differing)) if len({*letters}) > 1), 0)
        differing = [each[start:] for each in differing]
    letters = [_LETTERS.get(each, "?") for each in differing]
    missing = {*"fico"} - {*letters}
    if letters.count("?") == 1 and len(missing) == 1:
        letters[letters.index("?")] = missing.pop()
    return "".join(letters) if sorted(letters) == sorted("fico") else ""
