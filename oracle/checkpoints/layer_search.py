"""Finds the recurrent layers among the tensors of a file."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from oracle.checkpoints.contents import FLOATS, WIDENED, CheckpointError, Contents, Tensor, shortened
from oracle.checkpoints.layer import RecurrentLayer
from oracle.layout import LAYOUTS, Layout
from oracle.naming import REFERENCE
from oracle.parts import Places, Roles, Weight, grouped, layout_of, parameters_of, split
from reference.contract import Array, Kind

_SLOT = re.compile(r"(?i)opt(im(izers?)?)?(_?(weights|states?|vars))?|exp_avg(_sq)?|momentum_buffer")
"""The part of a name under which an optimizer stores its own data for each weight."""


@dataclass(frozen=True)
class Incomplete:
    """Tensors with the names of a layer that cannot be read, and the reason."""

    prefix: str
    why: str


@dataclass(frozen=True)
class Found:
    """The layers of a file in its order, complete or not, and texts about skipped recurrent data."""

    layers: list[RecurrentLayer | Incomplete]
    skipped: list[str]


def find(contents: Contents, layout: str = "", *, overrules: bool = True) -> Found:
    """The layers of a file, and the recurrent data that is skipped, with reasons.

    `layout` is the layout of weights if their names do not tell it; with `overrules` it is the layout of all
    weights. Raises `CheckpointError` if the file has no layer, or if several layouts fit the weights.
    """
    if layout and layout not in LAYOUTS:
        raise CheckpointError(f"--layout {layout} is not one of {', '.join(LAYOUTS)}")
    arrays = {name: each.array for name, each in contents.tensors.items()}
    found, unnamed = Found([], [*contents.skipped]), {*arrays}
    for convention, prefix, places in _named(arrays):
        unnamed -= {weight.name for roles in places.values() for weight in roles.values()}
        if any(map(_SLOT.fullmatch, re.split("[./]", prefix))):
            found.skipped.append(f"{prefix}: an optimizer's".removeprefix(": "))
            continue
        read = _read(contents, convention, prefix, places, layout if overrules else "")
        if read is None:
            found.skipped.append(f"{prefix}: a GRU".removeprefix(": "))
        else:
            found.layers.append(read)
    if not found.layers:
        found.layers.extend(_unnamed(contents, unnamed, layout))
    if not found.layers:
        skipped = f"; there is {'; '.join(found.skipped)}" if found.skipped else ""
        clause = skipped or _tensors_in_words(arrays, layout)
        raise CheckpointError(shortened(f"it has no RNN or LSTM in it{clause}", 400))
    return found


def _named(arrays: Mapping[str, np.ndarray]) -> Iterator[tuple[str, str, Places]]:
    for (convention, prefix), places in grouped(arrays).items():
        roles = {role for each in places.values() for role in each}
        if "recurrent_weight" in roles or (convention == "torch" and "weight" in roles):
            yield convention, prefix, places


def _unnamed(contents: Contents, names: set[str], layout: str) -> Iterator[RecurrentLayer | Incomplete]:
    tensors = contents.tensors.items()
    arrays = {name: each.array for name, each in tensors if name in names and each.stored in FLOATS}
    for prefix, roles in _readings(arrays, layout) if layout else ():
        if read := _read(contents, layout, prefix, {(0, 0): roles}, layout):
            yield read


def _read(
    contents: Contents, convention: str, prefix: str, places: Places, layout: str
) -> RecurrentLayer | Incomplete | None:
    """The layer, or the reason why it cannot be read; `None` for a GRU."""
    weights = [weight for roles in places.values() for weight in roles.values()]
    stored = {weight.name: contents.tensors[weight.name] for weight in weights}
    for name, each in stored.items():
        if why := _unusable(name, each):
            return Incomplete(prefix, why)
    try:
        with np.errstate(over="ignore"):
            network, parameters, directions = parameters_of(convention, places, layout)
    except ValueError as error:
        return Incomplete(prefix, f"parts do not fit: {error}")
    if network == "gru":
        return None
    for k, p in enumerate(parameters):
        if not all(np.isfinite(array).all() for array in p.values()):
            roles = places[divmod(k, directions)]
            which = " and ".join(weight.name for role, weight in roles.items() if "bias" in role)
            return Incomplete(
                prefix, f"the sum of {which} overflows {p['ba' if network == 'rnn' else 'bf'].dtype}"
            )
    dtype = np.result_type(*(weight.array for weight in weights))
    kind: Kind = "rnn" if network == "rnn" else "lstm"
    how = layout_of(convention, layout)
    biases = [
        [how.bias_of_gates(kind, roles[role].array[:, None]) for role in ("bias", "recurrent_bias")]
        for _, roles in sorted(places.items())
        if "recurrent_bias" in roles
    ]
    return RecurrentLayer(
        prefix,
        kind,
        convention if convention == REFERENCE else layout or convention,
        directions,
        [{name: array.astype(dtype, copy=False) for name, array in p.items()} for p in parameters],
        contents.activations.get(prefix, ""),
        (*contents.remarks.get(prefix, ()), *_remarks({each.stored for each in stored.values()}, places)),
        biases,
    )


def _unusable(name: str, each: Tensor) -> str:
    """The reason why a tensor cannot be a weight; empty if it can."""
    if each.stored not in FLOATS:
        is_quantised = re.search("quantised|^u?int[48]$|^float[84]", each.stored)
        more = ", which are quantised" if is_quantised else ""
        return f"{name} is {each.stored}, expected floating-point weights{more}"
    wrong = ~np.isfinite(each.array)
    if not wrong.any():
        return ""
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    example = f"{each.array[at]} at {at}"
    return f"{name} has {np.count_nonzero(wrong)} numbers that are not finite: {example}"


def _remarks(stored: set[str], places: Places) -> Iterator[str]:
    for dtype in sorted(stored & {*WIDENED}):
        yield f"its {dtype} numbers were widened to float32, which is exact"
    every = [(role, weight) for roles in places.values() for role, weight in roles.items()]
    if not any(role.startswith("b") for role, _ in every):
        yield "it has no biases: they are zeros"
    if any(weight.array.any() for role, weight in every if role == "recurrent_bias"):
        yield "its two biases were added, and rounded once"


def _tensors_in_words(arrays: Mapping[str, np.ndarray], layout: str) -> str:
    """A clause that lists some of the tensors, and names the option that reads weights with unknown names."""
    if not arrays:
        return ", nor any tensor"
    other = f"; for weights with other names, add --layout {'|'.join(LAYOUTS)}"
    which = f" that fits --layout {layout}" if layout else f" with known names{other}"
    return f"{which}; there is {', '.join(f'{name} {array.shape}' for name, array in arrays.items())}"


_HIDDEN = re.compile("u|r|w?(h|hh|aa|rec)|weighthh|recurrent(kernel|weight)?")
_INPUT = re.compile("w?(x|i|xh|ih|ax|in)|w|weight(ih)?|kernel")
"""Usual names of weights that act on the hidden state and on the input, in lower case without underscores."""


def _readings(arrays: Mapping[str, Array], layout: str) -> Iterator[tuple[str, Roles]]:
    """The arrays that can be read as one direction of a layer in this layout, each group with its prefix.

    Raises `CheckpointError` if two weights have equal shapes, so that each could act on the hidden state.
    """
    groups: dict[str, dict[str, Array]] = {}
    for name, array in arrays.items():
        groups.setdefault(re.sub(r"[./]?[^./]+$", "", name), {})[name] = array
    for prefix, group in groups.items():
        found = [roles for roles in _roles(prefix, group, LAYOUTS[layout]) if _is_layer(roles, layout)]
        if len(found) > 1:
            either, other = (each["recurrent_weight"].name for each in found)
            raise CheckpointError(
                f"{either} and {other} have equal shapes, so either may act on the hidden state: "
                "rename that one recurrent_weight, and the other weight"
            )
        yield from ((prefix, roles) for roles in found)


def _roles(prefix: str, arrays: Mapping[str, Array], layout: Layout) -> Iterator[Roles]:
    """The possible assignments of arrays to the weights of a layout."""
    matrices = [Weight(name, a) for name, a in arrays.items() if a.ndim == 2 and 1 not in a.shape]
    named = {weight.name for weight in matrices}
    biases = [Weight(name, a.reshape(-1)) for name, a in arrays.items() if name not in named]
    if len(biases) not in (0, layout.biases):
        return
    both = dict(zip(("bias", "recurrent_bias"), biases, strict=False))
    if layout.joined:
        if len(matrices) == 1 and biases and re.search("(?i)lstm|rnn|recurrent", prefix):
            units = matrices[0].array.shape[1 if layout.transposed else 0] // 4
            yield split(matrices[0], layout, units) | both
    elif len(matrices) == 2:
        for recurrent, weight in permutations(matrices):
            if not (_acts_on(recurrent.name, _INPUT) or _acts_on(weight.name, _HIDDEN)):
                yield {"weight": weight, "recurrent_weight": recurrent, **both}


def _acts_on(name: str, names: re.Pattern[str]) -> bool:
    """Whether the last part of a name is one of these names."""
    return bool(names.fullmatch(re.split(r"[./]", name)[-1].lower().replace("_", "")))


def _is_layer(roles: Roles, layout: str) -> bool:
    """Whether the shapes of the weights fit an RNN or an LSTM."""
    try:
        return parameters_of("", {(0, 0): roles}, layout)[0] in ("rnn", "lstm")
    except ValueError:
        return False
