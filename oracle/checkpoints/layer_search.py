"""Finds the recurrent layers among the tensors of a file."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from oracle.checkpoints.contents import FLOATS, FLOATS_16, CheckpointError, Contents, Tensor, shorten
from oracle.checkpoints.layer import RecurrentLayer
from oracle.weights.layout import LAYOUTS, Layout
from oracle.weights.named_weights import (
    Roles,
    Weight,
    WeightsByDirection,
    group_weights,
    parameters_of,
    split_joined_weight,
)
from oracle.weights.naming import REFERENCE
from reference.contract import Array

_OPTIMIZER = re.compile(r"(?i)opt(im(izers?)?)?(_?(weights|states?|vars))?|exp_avg(_sq)?|momentum_buffer")
"""Parts of the names that optimizers give to their own data."""


@dataclass(frozen=True)
class Incomplete:
    """A layer that cannot be read, because a weight is missing or unusable."""

    prefix: str
    why: str


Layer = RecurrentLayer | Incomplete


def find_layers(contents: Contents, layout: str = "") -> tuple[list[Layer], list[str]]:
    """Return the layers of a file in its order, and sentences about recurrent data that is skipped.

    `layout` is the layout of all weights, even if their names tell another. Raises `CheckpointError` if the
    file has no layer, or if its weights can be read in two ways.
    """
    if layout and layout not in LAYOUTS:
        raise CheckpointError(f"--layout {layout} is not one of {', '.join(LAYOUTS)}")
    arrays = {name: each.array for name, each in contents.tensors.items()}
    layers: list[Layer] = []
    skipped, unknown = [*contents.skipped], {*arrays}
    for (convention, prefix), by_direction in group_weights(arrays).items():
        roles = {role for each in by_direction.values() for role in each}
        if not ("recurrent_weight" in roles or (convention == "torch" and "weight" in roles)):
            continue  # with other names, an input weight alone may belong to a dense layer
        unknown -= {weight.name for each in by_direction.values() for weight in each.values()}
        if any(map(_OPTIMIZER.fullmatch, re.split("[./]", prefix))):
            skipped.append(f"{prefix}: an optimizer's".removeprefix(": "))
        elif layer := _layer(contents, convention, prefix, by_direction, layout):
            layers.append(layer)
        else:
            skipped.append(f"{prefix}: a GRU".removeprefix(": "))
    if layout and not layers:
        names = [name for name in arrays if name in unknown and contents.tensors[name].dtype in FLOATS]
        for prefix, weights in _readings({name: arrays[name] for name in names}, layout):
            if layer := _layer(contents, layout, prefix, {(0, 0): weights}, layout):
                layers.append(layer)
    if not layers:
        clause = f"; there is {'; '.join(skipped)}" if skipped else _tensors_in_words(arrays, layout)
        raise CheckpointError(shorten(f"it has no RNN or LSTM in it{clause}", 400))
    return layers, skipped


def _layer(
    contents: Contents, convention: str, prefix: str, by_direction: WeightsByDirection, layout: str
) -> Layer | None:
    """Return the layer, or the reason why it cannot be read; `None` for a GRU."""
    weights = [weight for roles in by_direction.values() for weight in roles.values()]
    tensors = {weight.name: contents.tensors[weight.name] for weight in weights}
    for name, each in tensors.items():
        if why := _unusable(name, each):
            return Incomplete(prefix, why)
    try:
        with np.errstate(over="ignore"):
            kind, parameters, directions = parameters_of(convention, by_direction, layout)
    except ValueError as error:
        return Incomplete(prefix, f"parts do not fit: {error}")
    if kind == "gru":
        return None
    for k, p in enumerate(parameters):
        if infinite := [array for array in p.values() if not np.isfinite(array).all()]:
            roles = by_direction[divmod(k, directions)]
            which = " and ".join(weight.name for role, weight in roles.items() if "bias" in role)
            return Incomplete(prefix, f"the sum of {which} overflows {infinite[0].dtype}")
    dtype = np.result_type(*(weight.array for weight in weights))
    return RecurrentLayer(
        prefix,
        kind,
        convention if convention == REFERENCE else layout or convention,
        directions,
        [{name: array.astype(dtype, copy=False) for name, array in p.items()} for p in parameters],
        contents.activations.get(prefix, ""),
        (*contents.remarks.get(prefix, ()), *_remarks(tensors, by_direction)),
    )


def _unusable(name: str, each: Tensor) -> str:
    """Return the reason why a tensor cannot be a weight; empty if it can."""
    if each.dtype not in FLOATS:
        is_quantised = re.search("^q|^u?int[48]$|^float[84]", each.dtype)
        clause = ", which are quantised" if is_quantised else ""
        return f"{name} is {each.dtype}, expected floating-point weights{clause}"
    wrong = ~np.isfinite(each.array)
    if not wrong.any():
        return ""
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    example = f"{each.array[at]} at {at}"
    return f"{name} has {np.count_nonzero(wrong)} numbers that are not finite: {example}"


def _remarks(tensors: Mapping[str, Tensor], by_direction: WeightsByDirection) -> Iterator[str]:
    for dtype in sorted({each.dtype for each in tensors.values()} & {*FLOATS_16}):
        yield f"its {dtype} numbers were widened to float32, which is exact"
    weights = [(role, weight) for roles in by_direction.values() for role, weight in roles.items()]
    if not any(role.startswith("b") for role, _ in weights):
        yield "it has no biases: they are zeros"
    if any(weight.array.any() for role, weight in weights if role == "recurrent_bias"):
        yield "pairs of biases were added, and each sum rounded once"


def _tensors_in_words(arrays: Mapping[str, np.ndarray], layout: str) -> str:
    """Return a clause that lists the tensors, and names the option for weights with unknown names."""
    if not arrays:
        return ", nor any tensor"
    remedy = f" with known names; for weights with other names, add --layout {'|'.join(LAYOUTS)}"
    clause = f" that fits --layout {layout}" if layout else remedy
    return f"{clause}; there is {', '.join(f'{name} {array.shape}' for name, array in arrays.items())}"


_HIDDEN = re.compile("u|r|w?(h|hh|aa|rec)|weighthh|recurrent(kernel|weight)?")
_INPUT = re.compile("w?(x|i|xh|ih|ax|in)|w|weight(ih)?|kernel")
"""Usual names of weights that act on the hidden state and on the input, in lower case without underscores."""


def _readings(arrays: Mapping[str, Array], layout: str) -> Iterator[tuple[str, Roles]]:
    """Find arrays that can be one direction of a layer in this layout, and yield them with their prefix.

    Raises `CheckpointError` if two weights have equal shapes, so that either may act on the hidden state.
    """
    groups: dict[str, dict[str, Array]] = {}
    for name, array in arrays.items():
        groups.setdefault(name[: max(name.rfind("."), name.rfind("/"), 0)], {})[name] = array
    for prefix, group in groups.items():
        readings = [roles for roles in _roles(prefix, group, LAYOUTS[layout]) if _is_layer(roles, layout)]
        if len(readings) > 1:
            either, other = (each["recurrent_weight"].name for each in readings)
            raise CheckpointError(
                f"{either} and {other} have equal shapes, so either may act on the hidden state: "
                "rename that one recurrent_weight, and the other weight"
            )
        yield from ((prefix, roles) for roles in readings)


def _roles(prefix: str, arrays: Mapping[str, Array], layout: Layout) -> Iterator[Roles]:
    """Yield the possible assignments of arrays to the weights of a layout."""
    matrices = [Weight(name, a) for name, a in arrays.items() if a.ndim == 2 and 1 not in a.shape]
    names = {weight.name for weight in matrices}
    vectors = [Weight(name, a.reshape(-1)) for name, a in arrays.items() if name not in names]
    if len(vectors) not in (0, layout.biases):
        return
    biases = dict(zip(("bias", "recurrent_bias"), vectors, strict=False))
    if layout.joined:
        if len(matrices) == 1 and biases and re.search("(?i)lstm|rnn|recurrent", prefix):
            units = matrices[0].array.shape[1 if layout.transposed else 0] // 4
            yield split_joined_weight(matrices[0], layout, units) | biases
    elif len(matrices) == 2:
        for recurrent, weight in permutations(matrices):
            if not (_acts_on(recurrent.name, _INPUT) or _acts_on(weight.name, _HIDDEN)):
                yield {"weight": weight, "recurrent_weight": recurrent, **biases}


def _acts_on(name: str, usual_names: re.Pattern[str]) -> bool:
    return bool(usual_names.fullmatch(re.split(r"[./]", name)[-1].lower().replace("_", "")))


def _is_layer(roles: Roles, layout: str) -> bool:
    try:
        return parameters_of("", {(0, 0): roles}, layout)[0] in ("rnn", "lstm")
    except ValueError:
        return False
