"""The names of recurrent weights in frameworks: from a name to its meaning, and back.

This module needs no package, since adapters import it in the environment of their framework.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reference.contract import Kind

REFERENCE = "reference"
"""Stands for a framework: the names and the layout of the specification."""


@dataclass(frozen=True)
class Part:
    """The meaning of a tensor's name: its naming convention, and the weight of a direction of a layer.

    `role` is a key of the result of `Layout.stack`, followed by `:GATE` if each gate has its own tensor. For
    ONNX it is `W`, `R` or `B`, which hold all directions.
    """

    convention: str
    prefix: str
    layer: int
    direction: int
    role: str


TORCH = {
    "weight": "weight_ih",
    "recurrent_weight": "weight_hh",
    "bias": "bias_ih",
    "recurrent_bias": "bias_hh",
    "projection": "weight_hr",
}
KERAS = {"weight": "kernel", "recurrent_weight": "recurrent_kernel", "bias": "bias"}

_ROLES: Mapping[str, str] = {
    **{theirs: ours for names in (TORCH, KERAS) for ours, theirs in names.items()},
    **dict(zip("012", KERAS)),  # the variables of a cell in Keras' files
    "i.kernel": "weight",
    "h.kernel": "recurrent_weight",
    "i.bias": "bias",
    "h.bias": "bias",
    **{
        f"{letter}{gate}": f"{role}:{gate}"
        for letter, role in (("W", "weight"), ("b", "bias"))
        for gate in "fico"
    },
    "Wax": "weight",
    "Waa": "recurrent_weight",
    "ba": "bias",
    "Wp": "projection",
}
"""The role for each text that a pattern can match."""

_PREFIX = r"(?:(?P<prefix>.+?)[./])??"
_PLACE = r"(?:_l(?P<layer>\d{1,6})(?P<backward>_reverse)?)?"
_PATTERNS: Mapping[str, re.Pattern[str]] = {
    convention: re.compile(_PREFIX + pattern)
    for convention, pattern in {
        "torch": rf"(?P<role>{'|'.join(TORCH.values())}){_PLACE}",
        "keras": (
            r"(?:forward_\w+/|(?P<backward>backward_\w+/))?(?:(?:(?:stacked_rnn_cells|cell/cells)/"
            r"(?:[a-z_]*?cell(?:_(?P<layer>\d{1,6}))?)|\w*cell(?:_\d+)?)/"
            r"(?:vars/(?P<variable>[012])|(?P<role>kernel|recurrent_kernel|bias)(?::0)?)"
            r"|(?P<first>kernel|recurrent_kernel|bias):0)"  # of Keras before it had cells
        ),
        "flax": (
            r"(?:forward_rnn[./]|(?P<backward>backward_rnn[./]))?(?:cell[./])?"
            r"(?:dense_)?(?P<side>[ih])(?P<gate>(?<!dense_[ih])(?:i|f|g|o|f_))?[./](?P<role>kernel|bias)"
        ),
        "onnx": r"(?:l(?P<layer>\d{1,6})\.)?(?P<role>[WRB])",
        REFERENCE: rf"(?P<role>[Wb][fico]|Wp|Wax|Waa|ba){_PLACE}",
    }.items()
}


def part(name: str) -> Part | None:
    """The meaning of a name; `None` if it does not follow a convention."""
    for convention, pattern in _PATTERNS.items():
        match = pattern.fullmatch(name)
        if match:
            found = match.groupdict()
            role = found.get("variable") or found.get("first") or found["role"]
            if convention == "flax":
                gate = f":{found['gate'][0]}".replace("g", "c") if found["gate"] else ""
                role = _ROLES[f"{found['side']}.{role}"] + gate
            elif convention != "onnx":
                role = _ROLES[role]
            prefix, layer = found["prefix"] or "", int(found.get("layer") or 0)
            return Part(convention, prefix, layer, 1 if found.get("backward") else 0, role)
    return None


def in_torch(role: str, layer: int, direction: int) -> str:
    """The name in the state dict of a module."""
    return TORCH[role] + place(layer, direction)


def place(layer: int, direction: int) -> str:
    """The suffix of a direction of a layer in torch's names."""
    return f"_l{layer}" + ("_reverse" if direction else "")


def in_keras(kind: Kind, role: str, layer: int, direction: int, directions: int) -> str:
    """The path of the variable in a model of stacked layers with Keras' default names."""
    layer_name = {"rnn": "simple_rnn", "lstm": "lstm"}[kind]
    number = f"_{layer}" if layer else ""
    path = f"{layer_name}{number}/{layer_name}_cell/{KERAS[role]}"
    if directions == 1:
        return path
    return f"bidirectional{number}/{('forward', 'backward')[direction]}_{path}"


def in_onnx(letter: str, layer: int) -> str:
    """The name for the input `W`, `R` or `B` of a layer's node. ONNX prescribes no names of initializers."""
    return f"l{layer}.{letter}"
