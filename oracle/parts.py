"""Sorts named weights by layer and direction, checks their shapes, and converts them to parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np

from oracle.layout import LAYOUTS, Layout, plain
from oracle.naming import REFERENCE, part, place
from reference.contract import Array, Kind, direction_shapes, extents


@dataclass(frozen=True)
class Weight:
    """A tensor with its name in the file or framework."""

    name: str
    array: Array


Roles = dict[str, Weight]
"""The weights of one direction of a layer, by the keys of `Layout.stack`, or by the names of parameters."""
Places = dict[tuple[int, int], Roles]
"""The weights of all directions, by layer and direction."""

GATES: Mapping[int, str] = {1: "rnn", 3: "gru", 4: "lstm"}
"""The kind of network, by the number of stacked gates."""


def grouped(arrays: Mapping[str, Array]) -> dict[tuple[str, str], Places]:
    """The tensors that have names of a framework, by convention and prefix; other tensors are left out."""
    groups: dict[tuple[str, str], Places] = {}
    for name, array in arrays.items():
        found = part(name)
        if found is None:
            continue
        for direction, role, each in _by_direction(found.role, found.direction, array):
            places = groups.setdefault((found.convention, found.prefix), {})
            places.setdefault((found.layer, direction), {})[role] = Weight(name, each)
    for (convention, _), places in groups.items():
        if convention == "flax":
            for at, roles in places.items():
                places[at] = _with_gates_joined(roles)
    return groups


def _by_direction(role: str, direction: int, array: Array) -> Iterator[tuple[int, str, Array]]:
    """The parts of a tensor by direction: an ONNX tensor has all directions, other tensors have one."""
    if role in ("W", "R"):
        if array.ndim == 3:
            yield from (
                (d, {"W": "weight", "R": "recurrent_weight"}[role], each) for d, each in enumerate(array)
            )
    elif role == "B":
        if array.ndim == 2 and array.shape[1] % 2 == 0:
            for d, both in enumerate(array):
                yield from (
                    (d, name, half) for name, half in zip(("bias", "recurrent_bias"), np.split(both, 2))
                )
    else:
        yield direction, role, array


def _with_gates_joined(roles: Roles) -> Roles:
    """The weights with the tensors of single gates joined in one tensor, as in Flax' optimized cell."""
    joined = {role: weight for role, weight in roles.items() if ":" not in role}
    for name in ("weight", "recurrent_weight", "bias"):
        gates = [
            roles[role] for role in (f"{name}:{gate}" for gate in LAYOUTS["flax"].gates) if role in roles
        ]
        if len(gates) == 4 and len({each.array.shape for each in gates}) == 1:
            joined[name] = Weight(gates[0].name, np.concatenate([each.array for each in gates], axis=-1))
    return joined


def parameters_of(
    convention: str, places: Places, layout: str = ""
) -> tuple[str, list[dict[str, Array]], int]:
    """The kind of network (`"rnn"`, `"lstm"` or `"gru"`), the parameters in the order of the contract, and D.

    `layout` is a key of `LAYOUTS`, by default the layout of the convention. Absent biases become zeros. For a
    GRU the parameters are empty. Raises `ValueError` if a weight is missing, superfluous, or of a wrong
    shape.
    """
    directions = 1 + max(direction for _, direction in places)
    order = []
    for k in range(directions * (1 + max(layer for layer, _ in places))):
        order.append(at := divmod(k, directions))
        if at not in places:  # this ends the loop even if a name has a huge number
            given = next(iter(next(iter(places.values())).values())).name
            raise ValueError(f"there is {given}, but nothing of {place(*at).removeprefix('_')}")
    if convention == REFERENCE:
        network = "lstm" if any(name.startswith("Wf") for name in places[0, 0]) else "rnn"
        return network, _reference_parameters(network, [places[at] for at in order], directions), directions
    how = LAYOUTS[layout or convention]
    network = network_of(places[0, 0], how)
    if network == "gru":
        return network, [], directions
    n_a, n_h = _units(places[0, 0], how)
    parameters = []
    for layer, direction in order:
        roles = places[layer, direction]
        n_in = directions * n_h if layer else None
        kind: Kind = "rnn" if network == "rnn" else "lstm"
        parameters.append(_direction_parameters(kind, roles, how, (n_a, n_h, n_in)))
    first = [len(p["Wax" if network == "rnn" else "Wf"][0]) for p in parameters[:directions]]
    if len({*first}) > 1:
        raise ValueError(f"{places[0, 1]['weight'].name} takes another number of inputs than the forward one")
    return network, parameters, directions


def network_of(roles: Roles, layout: Layout) -> str:
    """The kind of network, by the number of gates in the recurrent weight; `ValueError` if it fits none."""
    if "weight" not in roles or "recurrent_weight" not in roles:
        given = ", ".join(sorted(weight.name for weight in roles.values()))
        lacking = "recurrent weight" if "weight" in roles else "weight of the input"
        raise ValueError(f"there is {given}, but no {lacking}")
    recurrent = roles["recurrent_weight"]
    n_a, _ = _units(roles, layout)
    width = recurrent.array.shape[-1 if layout.transposed else 0]
    gates = width // n_a if n_a and width % n_a == 0 else 0
    if recurrent.array.ndim != 2 or gates not in GATES:
        shape = "(n_a, G n_a)" if layout.transposed else "(G n_a, n_a)"
        has = f"{recurrent.name} is {recurrent.array.shape}"
        raise ValueError(f"{has}, expected {shape} with G = 4 gates of an LSTM or 1 of an RNN")
    return GATES[gates]


def _units(roles: Roles, layout: Layout) -> tuple[int, int]:
    """The sizes n_a and n_h."""
    side = -1 if not layout.transposed else 0
    n_h = roles["recurrent_weight"].array.shape[side] if roles["recurrent_weight"].array.ndim else 0
    return (roles["projection"].array.shape[side] if "projection" in roles else n_h), n_h


def _direction_parameters(
    kind: Kind,
    roles: Roles,
    layout: Layout,
    sizes: tuple[int, int, Optional[int]],  # noqa: UP045
) -> dict[str, Array]:
    """The parameters of one direction, checked against the sizes n_a, n_h and n_in.

    In the first layer n_in is `None`: the weight of the input determines it.
    """
    n_a, n_h, n_in = sizes
    for role in ("weight", "recurrent_weight"):
        if role not in roles:
            given = next(iter(roles.values())).name
            raise ValueError(f"there is {given}, but no {role.replace('_', ' ')} beside it")
    rows = n_a * (4 if kind == "lstm" else 1)
    weight = roles["weight"].array
    if n_in is None:
        n_in = weight.shape[0 if layout.transposed else -1] if weight.ndim else 0
    expected: dict[str, tuple[int, ...]] = {"weight": (rows, n_in), "recurrent_weight": (rows, n_h)}
    if "projection" in roles:
        expected["projection"] = (n_h, n_a)
    if layout.transposed:
        expected = {role: shape[::-1] for role, shape in expected.items()}
    expected.update({role: (rows,) for role in ("bias", "recurrent_bias") if role in roles})
    if kind == "rnn" and "projection" in roles:
        raise ValueError(f"{roles['projection'].name} is a projection, which only an LSTM has")
    if layout.biases == 2 and ("bias" in roles) != ("recurrent_bias" in roles):
        (given,) = (roles[role].name for role in ("bias", "recurrent_bias") if role in roles)
        raise ValueError(f"there is {given}, but not the other bias")
    for role, shape in expected.items():
        has = roles[role]
        if has.array.shape != shape:
            by = roles["recurrent_weight" if role != "recurrent_weight" else "weight"]
            raise ValueError(
                f"{has.name} is {has.array.shape}, expected {shape} beside {by.name} {by.array.shape}"
            )
    zeros = np.zeros(rows, weight.dtype)
    stacked = {"bias": zeros, **{role: roles[role].array for role in expected}}
    if layout.biases == 2:
        stacked.setdefault("recurrent_bias", zeros)
    return layout.unstack(kind, stacked)


def _reference_parameters(network: str, dicts: Sequence[Roles], directions: int) -> list[dict[str, Array]]:
    """The parameters that have the names of the specification; a bias can be `(n_a,)`."""
    kind: Kind = "rnn" if network == "rnn" else "lstm"
    parameters: list[dict[str, Array]] = []
    sizes: dict[str, int] = {}
    for k, roles in enumerate(dicts):
        shapes = direction_shapes(kind, k // directions, "Wp" in dicts[0])
        if roles.keys() != shapes.keys():
            wrong = ", ".join(sorted(roles.keys() ^ shapes.keys()))
            given = next(iter(roles.values())).name
            raise ValueError(f"beside {given} there are too few or too many of {', '.join(shapes)}: {wrong}")
        arrays = {
            name: array[:, None] if array.ndim == 1 else array
            for name, array in ((name, roles[name].array) for name in shapes)
        }
        sizes = sizes or _reference_sizes(kind, arrays, directions)
        for name, array in arrays.items():
            expected = extents(shapes[name], sizes)
            if array.shape != expected:
                raise ValueError(f"{roles[name].name} is {roles[name].array.shape}, expected {expected}")
        parameters.append({name: plain(array) for name, array in arrays.items()})
    return parameters


def _reference_sizes(kind: Kind, arrays: Mapping[str, Array], directions: int) -> dict[str, int]:
    n_a = len(arrays["ba" if kind == "rnn" else "bf"])
    n_h = len(arrays["Wp"]) if "Wp" in arrays else n_a
    n_in = arrays["Wax" if kind == "rnn" else "Wf"].shape[-1]
    n_x = n_in if kind == "rnn" else max(n_in - n_h, 0)
    return {"n_a": n_a, "n_h": n_h, "n_p": n_h, "n_x": n_x, "D": directions}
