"""The features of each element of an equation, for conditions: places, sizes, magnitudes."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from oracle.location.equations import ACTIVATIONS, depends
from oracle.location.facts import Feature
from oracle.location.observations import Observation
from reference.contract import Array

AXES = ("unit", "sample", "step")
EXTENTS = {"unit": "", "sample": "m", "step": "T_x"}
"""The size along each axis; that of units depends on the equation."""
MODULI = (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64)
SUM = "n_a + n_x"
GATE = {"ft": "zf", "it": "zi", "cct": "zc", "ot": "zo"}

COSTS: Mapping[str, float] = {
    "size": 1, "equal": 1, "bits": 1, "place": 1, "from end": 1.2, "residue": 1.4, "tail": 1.3,
    "network": 0.9, "value": 1.5, "magnitude": 1.5, "largest": 1.8, "largest of all": 1.9,
    "moved": 2.3, "repeats": 2,
}  # fmt: skip
"""The cost of a condition on a feature of each kind: of several that fit, the cheapest is chosen."""


def columns(observation: Observation, target: str) -> dict[Feature, Array]:
    """Each feature of the elements of an equation, as an array that broadcasts to their shape."""
    shape = observation.held[target].shown.shape
    sizes = {
        name: size for name, size in observation.sizes.items() if name in ("n_x", "n_a", "n_y", "m", "T_x")
    }
    found: dict[Feature, Array] = {}
    for name, size in sizes.items():
        found[Feature("size", name)] = _number(size)
    if "n_x" in sizes:
        found[Feature("size", SUM)] = _number(sizes["n_a"] + sizes["n_x"])
    for one, other in combinations(sizes, 2):
        found[Feature("equal", f"{one} = {other}")] = _number(sizes[one] == sizes[other])
    for axis, name in enumerate(AXES if "T_x" in sizes else AXES[:2]):
        along = [1, 1, 1]
        along[axis] = n = shape[axis]
        place = np.arange(n).reshape(along).astype(float)
        found[Feature("place", name)] = place
        found[Feature("from end", name)] = n - 1 - place
    found[Feature("bits")] = _number(8 * observation.inputs.dtype.itemsize)
    return found | _of_values(observation, target, shape)


def derived(features: Mapping[Feature, Array]) -> dict[Feature, Array]:
    """Residues of sizes and places, and whether an element is in the last, incomplete block."""
    found: dict[Feature, Array] = {}
    for feature, values in features.items():
        if feature.kind in ("size", "place"):
            for k in MODULI:
                found[Feature("residue", feature.name, k)] = values % k
        if feature.kind == "place":
            extent = values + features[Feature("from end", feature.name)] + 1
            for k in MODULI:
                found[Feature("tail", feature.name, k)] = (values >= extent - extent % k).astype(float)
    return found


def _of_values(observation: Observation, target: str, shape: tuple[int, ...]) -> dict[Feature, Array]:
    """The features of the arrays on which the equation depends."""
    found: dict[Feature, Array] = {}
    nodes = observation.nodes
    with np.errstate(all="ignore"):
        for name in (
            "xt",
            "a_prev",
            "c_prev",
            "a_next",
            "c_next",
            "logits",
            "yt_pred",
            "zx",
            *GATE.values(),
            "z",
        ):
            if not (name in observation.known or name in nodes):
                continue
            if name[0] == "z" and name != _argument(observation, target):
                continue
            if not depends(nodes, target, name) and not (
                name in ("a_prev", "c_prev") and target in ("xt", "a_prev", "c_prev")
            ):
                continue
            try:
                value = observation.held[target].right if name == target else observation.value(name, target)
            except KeyError:
                continue
            called = "z" if name in GATE.values() else name
            size = np.abs(value)
            if value.shape == shape:
                found[Feature("value", called)] = value
                found[Feature("magnitude", called)] = size
            if name in ("xt", "a_prev", "c_prev", "logits") and len(value):
                found[Feature("largest", called)] = size.max(axis=0, keepdims=True)
                found[Feature("largest of all", called)] = size.max(axis=(0, 1), keepdims=True, initial=0)
            if name in ("a_prev", "c_prev") and value.shape[2] > 1:
                if name in observation.held:
                    value = observation.held[name].right
                earlier = np.concatenate([value[:, :, :1] + np.inf, value[:, :, :-1]], axis=2)
                moved = np.abs(value - earlier).max(axis=(0, 1), keepdims=True, initial=0)
                found[Feature("moved", called)] = np.where(np.isnan(moved), np.inf, moved)
    x = observation.known.get("x", observation.known.get("xt"))
    if x is not None and "x" in observation.known:
        found[Feature("largest", "x")] = np.abs(x).max(axis=0, keepdims=True, initial=0)
        same = (x[:, :, 1:] == x[:, :, :-1]).all(axis=(0, 1), keepdims=True)
        found[Feature("repeats", "x")] = np.concatenate([np.zeros((1, 1, 1)), same], axis=2)[
            :, :, : x.shape[2]
        ]
    return found


def _argument(observation: Observation, target: str) -> str:
    """The argument of the activation in an equation; empty where it has none."""
    operation, operands = observation.nodes.get(target, ("", ("",)))
    return operands[0] if operation in ACTIVATIONS else ""


def _number(value: float) -> Array:
    return np.full((1, 1, 1), float(value))
