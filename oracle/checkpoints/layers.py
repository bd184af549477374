"""Finds the recurrent layers in a file, and loads those that `FILE` or `FILE:PREFIX` names."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, reduce
from hashlib import sha256
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from oracle.checkpoints import reading
from oracle.checkpoints.files import library_for, read
from oracle.checkpoints.reading import FLOATS, FLOATS_16, CheckpointError, Contents, Tensor, shorten
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
from reference.contract import NETWORKS, Array, Kind, hidden_units


@dataclass(frozen=True)
class RecurrentLayer:
    """L stacked layers in D directions.

    The parameters are L D dicts, as `lstm_layer` and `rnn_layer` take them, all float32 or all float64.
    """

    prefix: str  # the beginning of the names of its weights
    kind: Kind
    layout: str  # in the file: a key of `LAYOUTS`, or "reference"
    directions: int
    parameters: Sequence[Mapping[str, Array]]
    activation: str = ""  # of an RNN: "tanh" or "relu"; empty if the file does not contain it
    remarks: tuple[str, ...] = ()  # clauses about how the file was read

    @property
    def layers(self) -> int:
        """The number of stacked layers, L."""
        return len(self.parameters) // self.directions

    @property
    def n_a(self) -> int:
        """The number of units of a direction."""
        return hidden_units(self.parameters[0])

    @property
    def n_p(self) -> int:
        """The size of the projected hidden state; 0 without a projection."""
        return len(self.parameters[0].get("Wp", ()))

    @property
    def n_x(self) -> int:
        """The number of features of the input."""
        weight = self.parameters[0][NETWORKS[self.kind].input_weights[0]]
        return int(weight.shape[1]) - (0 if "Waa" in self.parameters[0] else self.n_p or self.n_a)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the parameters."""
        return next(iter(self.parameters[0].values())).dtype

    @cached_property
    def digest(self) -> str:
        """A hash of the numbers of the parameters, of 12 hexadecimal digits; -0 counts as 0."""
        code = sha256(f"{self.kind} {self.directions}".encode())
        for p in self.parameters:
            for name in sorted(p):
                array = np.ascontiguousarray(p[name] + 0.0, dtype=self.dtype.newbyteorder("<"))
                code.update(f"{name} {array.dtype.str} {array.shape}".encode() + array.tobytes())
        return code.hexdigest()[:12]

    @property
    def largest_weight(self) -> float:
        """The largest magnitude of a weight; biases do not count."""
        weights = [array for p in self.parameters for name, array in p.items() if name.startswith("W")]
        return float(max(np.abs(array).max(initial=0) for array in weights))

    def stacked_on(self, below: "RecurrentLayer") -> "RecurrentLayer":
        """Return this layer stacked on the layer `below`. Raises `CheckpointError` if the two do not fit."""
        n_in = self.directions * (below.n_p or below.n_a)
        for name in ("kind", "directions", "n_a", "n_p", "dtype"):
            ours, theirs = getattr(self, name), getattr(below, name)
            if ours != theirs:
                has = f"{self.prefix} has {name} = {ours} and {below.prefix} {theirs}"
                raise CheckpointError(f"{has}, so one cannot be stacked on the other")
        if self.n_x != n_in:
            raise CheckpointError(f"{self.prefix} takes {self.n_x} inputs, but {below.prefix} gives {n_in}")
        return replace(
            below,
            prefix=f"{below.prefix}+{self.prefix}",
            parameters=[*below.parameters, *self.parameters],
            remarks=tuple(dict.fromkeys((*below.remarks, *self.remarks))),
        )


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


_MOST_NAMES = 12
"""The largest number of layers that a message names."""


@dataclass(frozen=True)
class Checkpoint:
    """The recurrent layers of a file, in the order of the file."""

    path: Path
    layers: Sequence[RecurrentLayer]
    skipped: Sequence[str] = ()  # sentences about recurrent data that was not read, with reasons


def load(text: str, layout: str = "", *, memory_limit: int | None = None) -> Checkpoint:
    """Return the layers that `FILE` or `FILE:PREFIX` names.

    A prefix selects all layers whose names begin with the prefix, or the only layer whose name ends with it.
    The prefix `A+B` selects one layer: B stacked on A. `layout` is the layout of all weights. The
    file is read in another process, within the limits of `reading`; the address space may be
    `memory_limit` bytes. Raises `CheckpointError`, whose message begins with the file, if a layer cannot be
    read.
    """
    file, prefix = split(text)
    library, given = library_for(Path(file).suffix), (file, prefix, layout)
    layers, skipped = reading.call(file, read_layers, *given, library=library, memory_limit=memory_limit)
    return Checkpoint(Path(file), [RecurrentLayer(*each) for each in layers], skipped)


def read_layers(file: str, prefix: str, layout: str) -> tuple[list[list[Any]], list[str]]:
    """Return the fields of the layers that a prefix selects, and what was skipped; read in this process."""
    path = Path(file)
    layers, skipped = find_layers(read(path, path.suffix), layout)
    return [[*vars(layer).values()] for layer in select(layers, prefix)], skipped


@lru_cache(maxsize=16)
def only_layer(text: str, layout: str = "") -> RecurrentLayer:
    """Return the layer that `FILE` or `FILE:PREFIX` names, cached. Raises `CheckpointError` for several."""
    layers = load(text, layout).layers
    if len(layers) > 1:
        remedy = f"name one of {_names(layers)} as FILE:PREFIX"
        raise CheckpointError(f"{text} holds {len(layers)} layers; {remedy}")
    return layers[0]


SIZES_IN_FILE = ("n_x", "n_a", "n_p", "layers", "directions")
"""The sizes of a problem that its file of weights determines."""


def with_file_fields(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a problem with `weights`, and those that its file determines.

    Raises `ValueError` if the file cannot be read, has a layer of another kind, or has another digest.
    """
    layer = only_layer(str(fields["weights"]), str(fields.get("layout", "")))
    if f"{layer.kind}_layer" != kind:
        raise ValueError(f"{fields['weights']} holds an {layer.kind.upper()}, but the problem is for {kind}")
    if fields.get("digest", layer.digest) != layer.digest:
        raise ValueError(
            f"{fields['weights']} has other numbers: digest {layer.digest}, not {fields['digest']}"
        )
    sizes = {name: getattr(layer, name) for name in SIZES_IN_FILE}
    has_activation = layer.activation and NETWORKS[layer.kind].has_activations
    activation = {"activation": layer.activation} if has_activation else {}
    return {**activation, **fields, **sizes, "digest": layer.digest}


def split(text: str) -> tuple[str, str]:
    """Return the file and the prefix in `FILE:PREFIX`, both of which may contain colons.

    The file is the whole text, if such a file exists; otherwise the shortest text before a colon that names
    a file.
    """
    colons = [match.start() for match in re.finditer(":", text)]
    for at in (len(text), *colons):
        if Path(text[:at]).is_file():
            return text[:at], text[at + 1 :]
    file, _, prefix = text.partition(":")
    return file, prefix


def select(layers: Sequence[Layer], prefix: str) -> list[RecurrentLayer]:
    """Return the layers that a prefix selects; all layers without a prefix.

    Raises `CheckpointError` if the prefix selects no layer, or an incomplete layer.
    """
    if not prefix:
        remedy = "; to use one of the others, name it as FILE:PREFIX: "
        complete = [layer for layer in layers if isinstance(layer, RecurrentLayer)]
        return _require_complete(layers, remedy + _names(complete) if complete else "")
    if matches := _matches(layers, prefix):
        return _require_complete(matches)
    if "+" not in prefix:
        raise CheckpointError(f"no layer in it begins with {prefix}; there is {_names(layers)}")
    stack = []
    for each in prefix.split("+"):
        part = _require_complete(_matches(layers, each))
        if len(part) != 1:
            raise CheckpointError(f"{each or 'nothing'} selects {len(part)} layers, expected one to stack")
        stack += part
    return [reduce(lambda below, above: above.stacked_on(below), stack)]


def _require_complete(layers: Sequence[Layer], remedy: str = "") -> list[RecurrentLayer]:
    """Return the layers. Raises `CheckpointError`, with a remedy, if a layer is incomplete."""
    for layer in layers:
        if isinstance(layer, Incomplete):
            raise CheckpointError(layer.why + remedy)
    return [layer for layer in layers if isinstance(layer, RecurrentLayer)]


def _names(layers: Sequence[Layer]) -> str:
    names = ", ".join(layer.prefix or "one without a prefix" for layer in layers[:_MOST_NAMES])
    return names + (f" and {len(layers) - _MOST_NAMES} more" if len(layers) > _MOST_NAMES else "")


def _matches(layers: Sequence[Layer], prefix: str) -> list[Layer]:
    """Return the layers with this prefix; else those under it; else the only one whose name ends with it."""
    same = [layer for layer in layers if layer.prefix == prefix]
    starting = [layer for layer in layers if layer.prefix.startswith(tuple(prefix + end for end in "./+"))]
    ending = [layer for layer in layers if layer.prefix.endswith((f".{prefix}", f"/{prefix}"))]
    return same or starting or (ending if len(ending) == 1 else [])
