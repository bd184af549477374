"""Computes the features (index, size, value …) of an equation's elements, which conditions of `when` use."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from oracle.location.equations import ACTIVATIONS
from oracle.location.facts import Feature
from oracle.location.observations import Observation
from oracle.network.cells import GATES
from reference.contract import Array

AXES = ("unit", "sample", "step")
AXIS_SIZES = {"unit": "", "sample": "m", "step": "T_x"}
"""The symbol of the size of each axis; empty for units, whose number depends on the equation."""
MODULI = (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64)
CONCAT_SIZE = "n_a + n_x"
"""The name of the size of `[a_prev; xt]`."""
VALUES = ("xt", "a_prev", "c_prev", "a_next", "c_next", "logits", "yt_pred", "zf", "zi", "zc", "zo", "z")
"""The arrays whose values are features. The names with `z` are arguments of activations."""

COSTS: Mapping[str, float] = {
    "size": 1, "equal": 1, "bits": 1, "index": 1, "index from end": 1.2, "residue": 1.4, "in last block": 1.3,
    "value": 1.5, "magnitude": 1.5, "largest": 1.8, "largest of all": 1.9,
    "change": 2.3, "input repeats": 2,
}  # fmt: skip
"""The cost of a condition, by the kind of its feature. `when.cheapest_conditions` minimizes the cost."""


def features_of(observation: Observation, target: str) -> dict[Feature, Array]:
    """The features but those of `derived_features`, as arrays that broadcast to `(n, m, T_x)`."""
    shape = observation.checks[target].shown.shape
    sizes = observation.sizes
    found = {Feature("size", name): _number(size) for name, size in sizes.items()}
    for one, other in combinations(sizes, 2):
        found[Feature("equal", f"{one} = {other}")] = _number(sizes[one] == sizes[other])
    if "n_x" in sizes:
        found[Feature("size", CONCAT_SIZE)] = _number(sizes["n_a"] + sizes["n_x"])
    for axis, name in enumerate(AXES if "T_x" in sizes else AXES[:2]):
        along = [1, 1, 1]
        along[axis] = n = shape[axis]
        index = np.arange(n).reshape(along).astype(float)
        found[Feature("index", name)] = index
        found[Feature("index from end", name)] = n - 1 - index
    found[Feature("bits")] = _number(8 * observation.inputs.dtype.itemsize)
    return found | _value_features(observation, target, shape)


def derived_features(features: Mapping[Feature, Array]) -> dict[Feature, Array]:
    """The features of the kinds "residue" and "in last block", from those of the kinds "size" and "index"."""
    found: dict[Feature, Array] = {}
    for feature, values in features.items():
        if feature.kind in ("size", "index"):
            for k in MODULI:
                found[Feature("residue", feature.name, k)] = values % k
        if feature.kind == "index":
            extent = values + features[Feature("index from end", feature.name)] + 1
            for k in MODULI:
                in_last = values >= extent - extent % k
                found[Feature("in last block", feature.name, k)] = in_last.astype(float)
    return found


def _value_features(observation: Observation, target: str, shape: tuple[int, ...]) -> dict[Feature, Array]:
    """The features of the values of the arrays from which the equation computes its result."""
    found: dict[Feature, Array] = {}
    nodes, right = observation.nodes, observation.checks[target].right
    argument = _argument(observation, target)
    hides_gates = "c_next" in nodes and not observation.known.keys() & {*GATES.values()}
    with np.errstate(all="ignore"):
        for name in VALUES:
            is_value = name[0] != "z" or name == argument or (hides_gates and name != "z")
            is_state = name in ("a_prev", "c_prev") and target in ("xt", "a_prev", "c_prev")
            if not (is_value and (nodes.depends(target, name) or is_state)):
                continue
            try:
                value = right if name == target else observation.value(name, target)
            except KeyError:
                continue
            called = "z" if name == argument else name
            size = np.abs(value)
            if value.shape == shape:
                found[Feature("value", called)] = value
                found[Feature("magnitude", called)] = size
            if name in ("xt", "a_prev", "c_prev", "logits") and len(value):
                found[Feature("largest", called)] = size.max(axis=0, keepdims=True)
                found[Feature("largest of all", called)] = size.max(axis=(0, 1), keepdims=True, initial=0)
            if name in ("a_prev", "c_prev") and value.shape[2] > 1:
                if name in observation.checks:
                    value = observation.checks[name].right
                earlier = np.concatenate([value[:, :, :1] + np.inf, value[:, :, :-1]], axis=2)
                change = np.abs(value - earlier).max(axis=(0, 1), keepdims=True, initial=0)
                found[Feature("change", called)] = np.where(np.isnan(change), np.inf, change)
    x = observation.known.get("x")
    if x is not None:
        found[Feature("largest", "x")] = np.abs(x).max(axis=0, keepdims=True, initial=0)
        same = (x[:, :, 1:] == x[:, :, :-1]).all(axis=(0, 1), keepdims=True)
        repeats = np.concatenate([np.zeros((1, 1, 1)), same], axis=2)
        found[Feature("input repeats", "x")] = repeats[:, :, : x.shape[2]]
    return found


def _argument(observation: Observation, target: str) -> str:
    """The name of the argument of the activation in an equation; empty if there is no activation."""
    operation, operands = observation.nodes.get(target, ("", ("",)))
    return operands[0] if operation in ACTIVATIONS else ""


def _number(value: float) -> Array:
    return np.full((1, 1, 1), float(value))
