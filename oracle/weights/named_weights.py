"""Sorts named weights by layer and direction, checks their shapes, and converts them to parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from oracle.weights.layout import LAYOUTS, Layout
from oracle.weights.naming import REFERENCE, parse_name, torch_suffix
from reference.contract import NETWORKS, Array, Kind


@dataclass(frozen=True)
class Weight:
    """A tensor with its name in the file or framework."""

    name: str
    array: Array


Roles = dict[str, Weight]
"""The weights of one direction of a layer, by the roles of `oracle.weights.naming.ParsedName`."""
WeightsByDirection = dict[tuple[int, int], Roles]
"""The weights of all directions, by the numbers of layer and direction."""

AnyKind = Literal["rnn", "gru", "lstm"]
_KINDS: Mapping[int, AnyKind] = {1: "rnn", 3: "gru", 4: "lstm"}
"""The kind of network, by the number of stacked gates."""
_SINGLE_GATES: Mapping[str, Layout] = {"flax": LAYOUTS["flax"], REFERENCE: Layout("fico", joined="ax")}
"""The conventions in which each gate has its own tensors, with the layout of these tensors."""


def layout_of(convention: str, layout: str = "") -> Layout:
    """The layout of grouped weights: `layout`, a key of `LAYOUTS`, or by default that of the convention.

    If the weights have the names of the specification, `layout` has no effect.
    """
    return Layout("fico") if convention == REFERENCE else LAYOUTS[layout or convention]


def group_weights(arrays: Mapping[str, Array]) -> dict[tuple[str, str], WeightsByDirection]:
    """Sort the tensors with known names by convention and prefix; ignore the others."""
    groups: dict[tuple[str, str], WeightsByDirection] = {}
    for name, array in arrays.items():
        if not (parsed := parse_name(name)):
            continue
        for direction, role, part in _split_directions(parsed.role, parsed.direction, array):
            if parsed.convention == REFERENCE and role.startswith("bias") and part.shape[1:] == (1,):
                part = part[:, 0]  # a bias of the specification is a column
            by_direction = groups.setdefault((parsed.convention, parsed.prefix), {})
            by_direction.setdefault((parsed.layer, direction), {})[role] = Weight(name, part)
    for (convention, _), by_direction in groups.items():
        if convention in _SINGLE_GATES:
            for at, roles in by_direction.items():
                by_direction[at] = _with_gates_joined(roles, _SINGLE_GATES[convention])
    return groups


def _split_directions(role: str, direction: int, array: Array) -> Iterator[tuple[int, str, Array]]:
    """The direction, the role and the array of each weight in a tensor.

    A tensor of ONNX has all directions; other tensors have one.
    """
    ours = {"W": "weight", "R": "recurrent_weight", "B": "bias"}.get(role, role)
    if role in ("W", "R") and array.ndim == 3 and len(array) <= 2:
        for d, each in enumerate(array):
            yield d, ours, each
    elif role == "B" and array.ndim == 2 and len(array) <= 2 and array.shape[1] % 2 == 0:
        for d, both in enumerate(array):
            for half, each in zip(("bias", "recurrent_bias"), np.split(both, 2)):
                yield d, half, each
    else:  # a tensor of ONNX with a wrong shape is refused, since it does not fit its role
        yield direction, ours, array


def _with_gates_joined(roles: Roles, layout: Layout) -> Roles:
    """The weights, with the tensors of all four gates joined if their shapes are equal.

    A weight that acts on the hidden state and on the input is split.
    """
    joined = dict(roles)
    for name in ("weight", "recurrent_weight", "bias"):
        gates = [f"{name}:{gate}" for gate in layout.gates]
        parts = [joined[role] for role in gates if role in joined]
        shapes = {part.array.shape for part in parts}
        if name in joined or len(parts) < len(gates) or len(shapes) > 1 or () in shapes:
            continue
        axis = -1 if layout.transposed else 0
        whole = Weight(parts[0].name, np.concatenate([joined.pop(role).array for role in gates], axis))
        joined[name] = whole
        if layout.joined and name == "weight" and whole.array.ndim == 2:
            joined |= split_joined_weight(whole, layout, len(roles.get("projection", parts[0]).array))
    return joined


def split_joined_weight(weight: Weight, layout: Layout, n_h: int) -> Roles:
    """The parts of a weight that act on the input and on the hidden state, which has `n_h` units."""
    axis = 0 if layout.transposed else 1
    at = n_h if layout.joined == "ax" else max(weight.array.shape[axis] - n_h, 0)
    parts = dict(zip(layout.joined, np.split(weight.array, [at], axis)))
    roles = {"weight": "x", "recurrent_weight": "a"}
    return {role: Weight(weight.name, parts[part]) for role, part in roles.items()}


def parameters_of(
    convention: str, by_direction: WeightsByDirection, layout: str = ""
) -> tuple[AnyKind, list[dict[str, Array]], int]:
    """The kind of network, the parameters of each direction, and D.

    `layout` is as in `layout_of`. Absent biases become zeros. For a GRU the parameters are empty. Raises
    `ValueError` if a weight is missing, superfluous, or of a wrong shape.
    """
    directions = 1 + max(direction for _, direction in by_direction)
    order = []
    for k in range(directions * (1 + max(layer for layer, _ in by_direction))):
        order.append(at := divmod(k, directions))
        if at not in by_direction:  # this ends the loop even if a name has a huge number
            given = next(iter(next(iter(by_direction.values())).values())).name
            raise ValueError(f"there is {given}, but nothing of {torch_suffix(*at).removeprefix('_')}")
        _check_complete(by_direction[at])
    used_layout, first = layout_of(convention, layout), by_direction[0, 0]
    n_x, n_h = (_extent(first[role], -1, used_layout) for role in ("weight", "recurrent_weight"))
    n_a = _extent(first["projection"], -1, used_layout) if "projection" in first else n_h
    kind = _network_kind(first["recurrent_weight"], n_a, used_layout)
    is_joined = first["weight"].name == first["recurrent_weight"].name
    if convention == REFERENCE and is_joined != (kind == "lstm"):
        raise ValueError(f"{first['recurrent_weight'].name} has another number of rows than its name says")
    if kind == "gru":
        return kind, [], directions
    sizes = {at: (n_a, n_h, directions * n_h if at[0] else n_x) for at in order}
    parameters = [_direction_parameters(kind, by_direction[at], used_layout, sizes[at]) for at in order]
    return kind, parameters, directions


def _check_complete(roles: Roles) -> None:
    """Raise `ValueError` if a weight is missing or empty, or if only some gates have their own tensors."""
    given = ", ".join(sorted(weight.name for weight in roles.values()))
    for role, lacking in {"recurrent_weight": "recurrent weight", "weight": "weight of the input"}.items():
        if role not in roles:
            raise ValueError(f"there is {given}, but no {lacking}")
    for role, weight in roles.items():
        if role != "weight" and not weight.array.size:  # a layer may have no input, but not no units
            raise ValueError(f"{weight.name} is {weight.array.shape}, which has no numbers")
        if ":" in role:
            raise ValueError(f"there is {weight.name}, but not every gate has such a weight")


def _extent(weight: Weight, axis: int, layout: Layout) -> int:
    """The length of an axis of a weight, counted as in a layout that is not transposed; 0 for a scalar."""
    shape = weight.array.shape[::-1] if layout.transposed else weight.array.shape
    return shape[axis] if shape else 0


def _network_kind(recurrent: Weight, n_a: int, layout: Layout) -> AnyKind:
    """The kind of network, from the number of gates in the recurrent weight. May raise `ValueError`."""
    rows = _extent(recurrent, 0, layout)
    gates = rows // n_a if n_a and rows % n_a == 0 else 0
    if recurrent.array.ndim != 2 or gates not in _KINDS:
        shape = "(n_a, G n_a)" if layout.transposed else "(G n_a, n_a)"
        has = f"{recurrent.name} is {recurrent.array.shape}"
        raise ValueError(f"{has}, expected {shape} with G = 4 gates of an LSTM or 1 of an RNN")
    return _KINDS[gates]


def _direction_parameters(
    kind: Kind, roles: Roles, layout: Layout, sizes: tuple[int, int, int]
) -> dict[str, Array]:
    """The parameters of one direction, whose weights must fit the `sizes` n_a, n_h and n_in."""
    n_a, n_h, n_in = sizes
    rows = n_a * len(NETWORKS[kind].affine_maps)
    if "projection" in roles and not NETWORKS[kind].has_projection:
        raise ValueError(f"{roles['projection'].name} is a projection, which only an LSTM has")
    if layout.biases == 2 and ("bias" in roles) != ("recurrent_bias" in roles):
        given = roles["bias" if "bias" in roles else "recurrent_bias"].name
        raise ValueError(f"there is {given}, but not the other bias")
    expected = {"weight": (rows, n_in), "recurrent_weight": (rows, n_h), "projection": (n_h, n_a)}
    for role, has in roles.items():
        shape = expected.get(role, (rows,))
        shape = shape[::-1] if layout.transposed else shape
        if has.array.shape != shape:
            other = roles["recurrent_weight" if role != "recurrent_weight" else "weight"]
            expected_shape = f"{shape} to fit {other.name} {other.array.shape}"
            raise ValueError(f"{has.name} is {has.array.shape}, expected {expected_shape}")
    zeros = np.zeros(rows, roles["weight"].array.dtype)
    stacked = {"bias": zeros, **{role: weight.array for role, weight in roles.items()}}
    if layout.biases == 2:
        stacked.setdefault("recurrent_bias", zeros)
    return layout.unstack(kind, stacked)
