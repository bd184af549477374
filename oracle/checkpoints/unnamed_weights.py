"""Weights whose names say nothing: which readings their shapes leave."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from oracle.checkpoints.error import CheckpointError
from oracle.layout import LAYOUTS
from oracle.parts import Roles, Weight, network_of, parameters_of
from reference.contract import Array

_HIDDEN = re.compile("u|r|w?(h|hh|aa|rec)|weighthh|recurrent(kernel|weight)?")
_INPUT = re.compile("w?(x|i|xh|ih|ax|in)|w|weight(ih)?|kernel")
"""What matrices are called, in lower case and without underscores, that act on one or the other."""


@dataclass(frozen=True)
class Candidate:
    """Two matrices and their biases, beside each other in a file, and as what they can be read.

    `readings` has the layout, and the weights by role; more than one of a layout where the input and the
    hidden state have the same size.
    """

    prefix: str
    arrays: Mapping[str, Array]
    readings: tuple[tuple[str, Roles], ...]

    def reading(self, layout: str) -> Roles:
        """The only one of a layout; `CheckpointError` where there are more."""
        fitting = [roles for name, roles in self.readings if name == layout]
        if len(fitting) > 1:
            either, other = (roles["recurrent_weight"].name for roles in fitting)
            raise CheckpointError(
                f"which of {either} and {other} acts on the hidden state their equal shapes do not tell: "
                "call one weight and the other recurrent_weight"
            )
        return fitting[0]

    @property
    def question(self) -> str:
        """What there is, as what it can be read, and what to say."""
        has = ", ".join(f"{name} {array.shape}" for name, array in self.arrays.items())
        first: dict[tuple[str, bool], str] = {}
        for name, roles in self.readings:
            network = network_of(roles, LAYOUTS[name])
            gates = f" (gates {' '.join(LAYOUTS[name].gates)})" if network == "lstm" else ""
            how = f"an {network.upper()} of {name}{gates}"
            order = LAYOUTS[name].gates.replace("g", "c") if gates else ""
            first.setdefault((order, LAYOUTS[name].transposed), how)
        names = "|".join(how.split()[3] for how in first.values())
        return f"{has} can be read as {' or '.join(first.values())}: say which with --layout {names}"


def candidates(arrays: Mapping[str, Array], layout: str = "") -> Iterator[Candidate]:
    """What may be a layer, of one direction, by shapes; with a layout, what may be one of its."""
    for prefix, beside in _beside(arrays).items():
        matrices = {name: array for name, array in beside.items() if array.ndim == 2 and 1 not in array.shape}
        biases = {name: array.reshape(-1) for name, array in beside.items() if name not in matrices}
        layouts = [layout] if layout else [*LAYOUTS]
        readings = [
            (name, roles)
            for name in layouts
            for roles in _roles(prefix, matrices, biases, name)
            if _fits(roles, name)
        ]
        if readings:
            yield Candidate(prefix, beside, tuple(readings))


def _beside(arrays: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    """By what stands before the last part of their names."""
    groups: dict[str, dict[str, Array]] = {}
    for name, array in arrays.items():
        match = re.fullmatch(r"(?:(.*)[./])?[^./]+", name)
        groups.setdefault((match and match[1]) or "", {})[name] = array
    return groups


def _roles(
    prefix: str, matrices: Mapping[str, Array], biases: Mapping[str, Array], layout: str
) -> Iterator[Roles]:
    """The ways in which these may be the weights of a layout."""
    how = LAYOUTS[layout]
    if len(biases) > 2:
        return
    both = {
        role: Weight(name, array)
        for role, (name, array) in zip(("bias", "recurrent_bias"), biases.items(), strict=False)
    }
    if how.joined:
        if len(matrices) == 1 and len(both) == 1 and re.search("(?i)lstm|rnn|recurrent", prefix):
            (name,) = matrices
            yield _parted(Weight(name, matrices[name]), both["bias"], layout)
        return
    if len(matrices) != 2:
        return
    for recurrent, weight in permutations(matrices):
        if _told(recurrent) != "input" and _told(weight) != "hidden":
            named = {"weight": weight, "recurrent_weight": recurrent}
            yield {**{role: Weight(name, matrices[name]) for role, name in named.items()}, **both}


def _told(name: str) -> str:
    """What a name lets one think that a matrix acts on; empty where nothing."""
    last = re.split(r"[./]", name)[-1].lower().replace("_", "")
    return "hidden" if _HIDDEN.fullmatch(last) else "input" if _INPUT.fullmatch(last) else ""


def _parted(matrix: Weight, bias: Weight, layout: str) -> Roles:
    """One matrix that acts on input and hidden state, as two."""
    how = LAYOUTS[layout]
    array = matrix.array.T if how.transposed else matrix.array
    n_a = len(array) // 4
    first = n_a if how.joined == "ax" else array.shape[1] - n_a
    parts = dict(zip(how.joined, np.split(array, [first], axis=1), strict=True))
    roles = {"weight": parts["x"], "recurrent_weight": parts["a"]}
    if how.transposed:
        roles = {role: part.T for role, part in roles.items()}
    return {**{role: Weight(matrix.name, part) for role, part in roles.items()}, "bias": bias}


def _fits(roles: Roles, layout: str) -> bool:
    """Whether the shapes are those of an RNN or an LSTM."""
    if LAYOUTS[layout].biases == 1 and "recurrent_bias" in roles:
        return False
    if LAYOUTS[layout].biases == 2 and "recurrent_bias" not in roles and "bias" in roles:
        return False
    try:
        network, _, _ = parameters_of("", {(0, 0): roles}, layout)
    except ValueError:
        return False
    return network != "gru"
