"""Reads the weights of a module: finds which parameters of a layer each of its tensors holds.

A reading is the role of each tensor in a module of one layer and direction, by the names of a framework, the
names of gates, or the shapes. If several readings are possible, `oracle.modules.trials` tries each. In a
module of several layers and directions, the names of tensors of one role differ only in numbers and in words
for the direction: `cells.0.weight` and `cells.1.weight`, or `fw.cell.weight` and `bw.cell.weight`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import islice, permutations, product

import numpy as np

from oracle.modules.interface import SCOPE, Interface, Shape, Sizes, UnusableModule
from oracle.weights.layout import LAYOUTS, Layout
from oracle.weights.naming import KERAS, TORCH
from reference.contract import NETWORKS, Array, Kind


@dataclass(frozen=True)
class Role:
    """The content of a tensor: the weights of some `gates` on one `side`, perhaps transposed.

    The side is `x` for the input, `a` for the hidden state, `xa` or `ax` for both in this order, `b` for a
    bias, `p` for a projection, and empty for a second bias, which is added to the first. The gates are
    stacked along the rows, or along a first axis of their own if they are `apart`.
    """

    side: str
    gates: str
    transposed: bool = False
    apart: bool = False

    def of(self, kind: Kind, p: Mapping[str, Array]) -> Array:
        """Return the content of the tensor, from the parameters of one direction."""
        if self.apart:
            return np.stack([replace(self, gates=gate, apart=False).of(kind, p) for gate in self.gates])
        stacked = Layout(self.gates, self.transposed).stack(kind, p)
        first, *second = (stacked[_STACKED[part]] for part in self.side or "b")
        return np.concatenate([first, *second], axis=1 - self.transposed) if second else first


_STACKED = {"x": "weight", "a": "recurrent_weight", "b": "bias", "p": "projection"}
"""The name of each side in the result of `Layout.stack`."""

Reading = Mapping[str, Role]
"""The role of each tensor, by name."""


def orders(reading: Reading) -> tuple[str, str]:
    """Return the order of input and hidden state, and the order of the gates, in torch's letters.

    The first is empty unless one weight acts on both: `("xh", "ifgo")`, `("", "ifgo")`, `("", "")` of an RNN.
    """
    roles = [role for role in reading.values() if "x" in role.side]
    joined = roles[0].side.replace("a", "h") if len(roles[0].side) == 2 else ""
    return joined, "".join(role.gates for role in roles).replace("c", "g").replace("r", "")


def readings(shapes: Mapping[str, Shape], interface: Interface, sizes: Sizes) -> tuple[str, list[Reading]]:
    """Return what the readings are based on, such as `"torch's names"` or `"fit"`, and all possible readings.

    Of several layers and directions, only the tensors of the first are read. Raises `UnusableModule` if the
    tensors are not those of an LSTM or RNN.
    """
    if named := by_the_frameworks_names(shapes, interface, sizes):
        return {"torch": "torch's names", "keras": "Keras's names"}[interface.framework], [named]
    shapes = _first_of_each(shapes, sizes)
    n, letters = len(NETWORKS[interface.kind].affine_maps), "".join(NETWORKS[interface.kind].gates) or "r"
    network = f"an {interface.kind.upper()} of one layer, {sizes.n_x} inputs and {sizes.n_a} units"
    possible = {
        name: [*_by_shape(shape, sizes, letters)] or [*_by_shape_of_gate(shape, sizes, letters)]
        for name, shape in shapes.items()
    }
    for name, found in possible.items():
        if not found:
            raise UnusableModule(f"{name} has shape {shapes[name]}, no weight of {network} ({SCOPE})")
    told = {found[0].transposed for found in possible.values() if len(found) == 1 and found[0].side != "b"}
    roles = {name: found[-1] if told == {True} else found[0] for name, found in possible.items()}
    sides = _by_side(roles, n)
    counts = {side: sum(len(roles[name].gates) for name in names) for side, names in sides.items() if side}
    if counts in ({"x": n, "a": n}, {"xa": n}):
        raise UnusableModule("it has no bias", "--with bias=True")
    if counts not in ({"x": n, "a": n, "b": n}, {"xa": n, "b": n}):
        first = [f"{name} {shape}" for name, shape in shapes.items()][:4] + ["…"] * (len(shapes) > 4)
        tensors = ", ".join(first) or "none"
        raise UnusableModule(f"its parameters ({tensors}) are not those of {network} ({SCOPE})")
    by, gates = "the names of gates", [{side: _gates_by_name(names) for side, names in sides.items()}]
    if not all(gates[0].values()):
        by, gates = "shapes", [dict.fromkeys(sides, "".join(each)) for each in permutations(letters)]
    both = ["ax", "xa"] if "xa" in sides else [""]
    each: list[Reading] = []
    for order_of, side_of_both in product(gates, both):
        reading = {}
        for side, names in sides.items():
            rest = iter(order_of[side])
            for name in names:
                own = "".join(islice(rest, len(roles[name].gates)))
                of_side = side_of_both if side == "xa" else side
                reading[name] = replace(roles[name], side=of_side, gates=own)
        each.append(reading)
    return by if len(each) == 1 else f"{by} and fit" if len(gates) == 1 else "fit", each


_SIDES = {  # the sides of the names, which stand in the order of weight, recurrent weight, biases, projection
    "torch": dict(zip(TORCH.values(), ("x", "a", "b", "", "p"))),
    "keras": dict(zip(KERAS.values(), ("x", "a", "b"))),
}


def by_the_frameworks_names(
    shapes: Mapping[str, Shape], interface: Interface, sizes: Sizes
) -> dict[str, Role]:
    """Read tensors by the names of the framework; empty unless each has such a name and the right shape.

    Of several layers and directions, only the tensors of the first are read.
    """
    shapes = _first_of_each(shapes, sizes)
    layout, sides = LAYOUTS[interface.framework], _SIDES[interface.framework]
    gates = layout.gates if NETWORKS[interface.kind].gates else "r"
    rows = len(gates) * sizes.n_a
    expected = {"x": (rows, sizes.n_x), "a": (rows, sizes.n_h), "b": (rows,), "": (rows,)}
    expected.update({"p": (sizes.n_p, sizes.n_a)} if sizes.n_p else {})
    reading = {}
    for name, shape in shapes.items():
        match = re.fullmatch(rf"(?:.*[./])?({'|'.join(sides)})(?![a-z]).*", name)
        side = sides[match[1]] if match else "none"
        if expected.get(side) != (shape[::-1] if layout.transposed else shape):
            return {}
        reading[name] = Role(side, gates, layout.transposed and side in ("x", "a"))
    found = [role.side for role in reading.values()]
    return reading if {*expected} - {""} <= {*found} and len(found) == len({*found}) else {}


def _by_shape(shape: Shape, sizes: Sizes, gates: str) -> Iterator[Role]:
    """Yield the possible roles of a tensor of this shape. Of `gates`, only the number matters."""
    longer = [n for n in shape if n != 1]
    if len(longer) == 1 and longer[0] % sizes.n_a == 0 and 0 < longer[0] // sizes.n_a <= len(gates):
        yield Role("b", gates[: longer[0] // sizes.n_a])
    elif len(shape) == 2:
        sides = {sizes.n_x: "x", sizes.n_a: "a", sizes.n_x + sizes.n_a: "xa"}
        for rows, columns, transposed in ((*shape, False), (*shape[::-1], True)):
            if columns in sides and rows % sizes.n_a == 0 and 0 < rows // sizes.n_a <= len(gates):
                yield Role(sides[columns], gates[: rows // sizes.n_a], transposed)


def _by_shape_of_gate(shape: Shape, sizes: Sizes, gates: str) -> Iterator[Role]:
    """Yield the possible roles of a tensor of this shape whose first axis has the gates."""
    if len(shape) > 1 and shape[0] == len(gates):
        for role in _by_shape(shape[1:], sizes, gates[0]):
            yield replace(role, gates=gates, apart=True)


def _by_side(roles: Mapping[str, Role], gates: int) -> dict[str, list[str]]:
    """Group the names of tensors by side. Of two biases, the second has the side `""`.

    The second bias is in the same submodule as the weight on the hidden state, or has a more similar name, as
    `b_hi` and `W_hi` have; or else it comes later.
    """

    def similarity(name: str, side: str) -> float:
        return max((SequenceMatcher(None, name, other).ratio() for other in sides.get(side, ())), default=0)

    sides: dict[str, list[str]] = {}
    for name, role in roles.items():
        sides.setdefault(role.side, []).append(name)
    biases = sides.get("b", [])
    if sum(len(roles[name].gates) for name in biases) == 2 * gates:
        submodules = {side: {name.rpartition(".")[0] for name in sides.get(side, [])} for side in "xa"}
        second = [name for name in biases if name.rpartition(".")[0] in submodules["a"] - submodules["x"]]
        if 2 * len(second) != len(biases):
            second = [name for name in biases if similarity(name, "a") > similarity(name, "x")]
        second = second if 2 * len(second) == len(biases) else biases[len(biases) // 2 :]
        sides.update({"b": [name for name in biases if name not in second], "": second})
    return sides


_WORDS = {"i": "i in input inp", "f": "f forget", "o": "o out output", "c": "c g cell candidate cand"}
_GATES = {word: gate for gate, words in _WORDS.items() for word in words.split()}
_OTHER_WORDS = {"gate", "gates", "layer", "linear", "fc", "weight", "state", "tilde", "hat"}


def _gates_by_name(names: Sequence[str]) -> str:
    """Return the gates of four tensors, by the words in which their names differ; empty if unknown."""
    if len(names) != 4:
        return ""
    words = [Counter(re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)) for name in names]
    common = words[0] & words[1] & words[2] & words[3]
    own = [[word.lower() for word in (each - common).elements()] for each in words]
    differing = ["".join(word for word in each if word not in _OTHER_WORDS) for each in own]
    start = next((at for at, letters in enumerate(zip(*differing)) if len({*letters}) > 1), 0)
    gates = [_GATES.get(each[start:], "?") for each in differing]
    missing = {*"fico"} - {*gates}
    if gates.count("?") == len(missing) == 1:
        gates[gates.index("?")] = missing.pop()
    return "".join(gates) if sorted(gates) == sorted("fico") else ""


_FORWARD = {"fw", "fwd", "forward", "l2r", "ltr"}
_BACKWARD = {"bw", "bwd", "backward", "reverse", "reversed", "rev", "r2l", "rtl"}
_TORCH_ROLE = re.compile(rf"(?:.*[./])?({'|'.join(TORCH.values())})_l\d+(?![a-z\d]).*")

Place = tuple[tuple[int, ...], int, tuple[str, ...]]


def _places(names: Iterable[str]) -> dict[str, Place]:
    """Return the numbers in each name, its direction, 0 or 1, and its other words.

    The direction is told by a word, by a number after "directions", or by `f` and `b` in names that are
    otherwise equal. Of names with torch's suffixes for layers, only the word that tells the role counts.
    """
    split = {name: re.findall(r"l2r|r2l|\d+|[a-z]+", name.lower()) for name in names}
    known, places = {*map(tuple, split.values())}, {}
    for name, words in split.items():
        numbers, direction, others = [], 0, []
        for k, word in enumerate(words):
            pair = [(*words[:k], other, *words[k + 1 :]) for other in "fb"]
            if word.isdigit() and words[k - 1 : k] in (["direction"], ["directions"]):
                direction = int(word)
            elif word.isdigit():
                numbers.append(int(word))
                others.append("#")
            elif word in _FORWARD | _BACKWARD or (word in "fb" and known.issuperset(pair)):
                direction = int(word in _BACKWARD or word == "b")
            else:
                others.append(word)
        role = _TORCH_ROLE.fullmatch(name)
        places[name] = (*numbers,), direction, (role[1],) if role else (*others,)
    return places


def _by_words(places: Mapping[str, Place]) -> dict[tuple[str, ...], list[str]]:
    """Group sorted names that differ only in numbers and directions."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in sorted(places, key=places.__getitem__):
        groups.setdefault(places[name][2], []).append(name)
    return groups


def _first_of_each(shapes: Mapping[str, Shape], sizes: Sizes) -> dict[str, Shape]:
    """Return the shapes of the tensors of the first layer and direction."""
    if sizes.n_parameter_dicts == 1:
        return {**shapes}
    return {names[0]: shapes[names[0]] for names in _by_words(_places(shapes)).values()}


def tell_directions(names: Iterable[str]) -> bool:
    """Whether one of these names tells that it is of the backward direction."""
    return any(direction for _, direction, _ in _places(names).values())


def locate_tensors(names: Iterable[str], reading: Reading, sizes: Sizes) -> dict[str, tuple[int, str]]:
    """Return for each tensor the index of its layer and direction, and its name in the reading.

    If nothing tells the direction, the directions of a layer are consecutive, the forward direction first.
    Empty if the names do not fit.
    """
    if {*names} == {*reading}:
        return {name: (0, name) for name in names}
    places, found = _places([*names, *reading]), {}
    groups = _by_words({name: places[name] for name in names})
    for words, singles in _by_words({name: places[name] for name in reading}).items():
        numbers = zip(*(places[single][0] for single in singles))
        differing = [at for at, each in enumerate(numbers) if len({*each}) > 1]
        every = groups.get(words, [])
        own = {name: [places[name][0][at] for at in differing] for name in (*singles, *every)}
        for single in singles:
            same = [name for name in every if own[name] == own[single]]
            found.update({name: (k, single) for k, name in enumerate(same)})
    is_told = len({*(places[name] for name in names)}) == len({*names})
    fits = {*names} == {*found} and {*found.values()} == {*product(range(sizes.n_parameter_dicts), reading)}
    return found if fits and is_told else {}
