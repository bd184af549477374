"""The recurrent layers among the tensors of a file."""

from collections.abc import Iterator, Mapping

import numpy as np

from oracle.checkpoints.contents import FLOATS, WIDENED, Contents, Tensor
from oracle.checkpoints.error import CheckpointError, shortened
from oracle.checkpoints.layer import RecurrentLayer
from oracle.checkpoints.unnamed import candidates
from oracle.naming import REFERENCE
from oracle.parts import Places, grouped, parameters_of

_NEEDED = ({"recurrent_weight"}, {"Wf", "Wi", "Wc", "Wo"}, {"Wax", "Waa"})
"""One of these a layer has; names of which a group has less are of something else."""


def find(contents: Contents, layout: str = "") -> tuple[list[RecurrentLayer], list[str]]:
    """The layers, and what was passed over: other recurrent networks, and why.

    `layout` says whose layout it is, whatever the names say; without names that do, it must. Raises
    `CheckpointError` where parts do not fit, a weight is not finite or quantised, where there are several
    readings, and where there is no layer.
    """
    arrays = {name: each.array for name, each in contents.tensors.items()}
    layers, passed_over = [], [*contents.passed_over]
    unnamed = {*arrays}
    for convention, prefix, places in _named(arrays):
        unnamed -= {weight.name for roles in places.values() for weight in roles.values()}
        read = _read(contents, convention, prefix, places, layout)
        if read is None:
            passed_over.append(f"{prefix or 'it'}: a GRU")
        else:
            layers.append(read)
    if not layers:
        layers = [*_unnamed(contents, unnamed, layout)]
    if not layers:
        others = f"; there is {'; '.join(passed_over)}" if passed_over else ""
        raise CheckpointError(shortened(f"it has no RNN or LSTM in it{others or _inventory(arrays)}", 400))
    return layers, passed_over


def _named(arrays: Mapping[str, np.ndarray]) -> Iterator[tuple[str, str, Places]]:
    for (convention, prefix), places in grouped(arrays).items():
        roles = {role for each in places.values() for role in each}
        is_of_torch = convention == "torch" and "weight" in roles
        if is_of_torch or any(needed <= roles for needed in _NEEDED):
            yield convention, prefix, places


def _unnamed(contents: Contents, names: set[str], layout: str) -> Iterator[RecurrentLayer]:
    tensors = contents.tensors.items()
    arrays = {name: each.array for name, each in tensors if name in names and each.stored in FLOATS}
    for candidate in candidates(arrays, layout):
        if not layout:
            raise CheckpointError(candidate.question)
        read = _read(contents, layout, candidate.prefix, {(0, 0): candidate.reading(layout)}, layout)
        if read:
            yield read


def _read(
    contents: Contents, convention: str, prefix: str, places: Places, layout: str
) -> RecurrentLayer | None:
    """The layer; `None` for a GRU."""
    weights = [weight for roles in places.values() for weight in roles.values()]
    stored = {weight.name: contents.tensors[weight.name] for weight in weights}
    for name, each in stored.items():
        _usable(name, each)
    try:
        network, parameters, directions = parameters_of(convention, places, layout)
    except ValueError as error:
        raise CheckpointError(f"parts do not fit: {error}") from None
    if network == "gru":
        return None
    dtype = np.result_type(*(weight.array for weight in weights))
    return RecurrentLayer(
        prefix,
        "rnn" if network == "rnn" else "lstm",
        convention if convention == REFERENCE else layout or convention,
        directions,
        [{name: array.astype(dtype) for name, array in p.items()} for p in parameters],
        contents.activations.get(prefix, ""),
        (*contents.remarks.get(prefix, ()), *_remarks({each.stored for each in stored.values()}, places)),
    )


def _usable(name: str, each: Tensor) -> None:
    if each.stored not in FLOATS:
        raise CheckpointError(f"{name} is {each.stored}, expected floating-point weights, not quantised ones")
    wrong = ~np.isfinite(each.array)
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        example = f"{each.array[at]} at {at}"
        raise CheckpointError(f"{name} has {np.count_nonzero(wrong)} numbers that are not finite: {example}")


def _remarks(stored: set[str], places: Places) -> Iterator[str]:
    for dtype in sorted(stored & {*WIDENED}):
        yield f"its {dtype} numbers were widened to float32, which is exact"
    every = [(role, weight) for roles in places.values() for role, weight in roles.items()]
    if not any(role.startswith("b") for role, _ in every):
        yield "it has no biases: they are zeros"
    if any(weight.array.any() for role, weight in every if role == "recurrent_bias"):
        yield "its two biases were added, and rounded once"


def _inventory(arrays: Mapping[str, np.ndarray]) -> str:
    """Some of what there is."""
    if not arrays:
        return ", nor any tensor"
    shown = [f"{name} {array.shape}" for name, array in [*arrays.items()][:6]]
    more = f" and {len(arrays) - len(shown)} more" if len(arrays) > len(shown) else ""
    return f"; there is {', '.join(shown)}{more}"
