"""Reads and writes the names that frameworks give to recurrent weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reference.contract import Kind

REFERENCE = "reference"
"""The naming convention of the specification; the other conventions have the names of frameworks."""


@dataclass(frozen=True)
class ParsedName:
    """The meaning of a tensor's name: its naming convention, and its layer, direction and role.

    `role` is a key of the result of `Layout.stack`, followed by `:GATE` if each gate has its own tensor. For
    ONNX it is `W`, `R` or `B`, and the tensor has all directions.
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
    **{f"W{gate}": f"weight:{gate}" for gate in "fico"},
    **{f"b{gate}": f"bias:{gate}" for gate in "fico"},
    "Wax": "weight",
    "Waa": "recurrent_weight",
    "ba": "bias",
    "Wp": "projection",
}
"""The role of a weight, by the part of its name that a pattern captures; `i.` and `h.` are for flax."""

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


def parse_name(name: str) -> ParsedName | None:
    """The meaning of a name; `None` if the name does not follow a convention."""
    for convention, pattern in _PATTERNS.items():
        match = pattern.fullmatch(name)
        if match:
            groups = match.groupdict()
            role = groups.get("variable") or groups.get("first") or groups["role"]
            if convention == "flax":
                gate = f":{groups['gate'][0]}".replace("g", "c") if groups["gate"] else ""
                role = _ROLES[f"{groups['side']}.{role}"] + gate
            elif convention != "onnx":
                role = _ROLES[role]
            prefix, layer = groups["prefix"] or "", int(groups.get("layer") or 0)
            return ParsedName(convention, prefix, layer, 1 if groups.get("backward") else 0, role)
    return None


def torch_name(role: str, layer: int, direction: int) -> str:
    """The name in the state dict of a module, such as `weight_ih_l0_reverse`."""
    return TORCH[role] + torch_suffix(layer, direction)


def torch_suffix(layer: int, direction: int) -> str:
    """The suffix of a direction of a layer in torch's names."""
    return f"_l{layer}" + ("_reverse" if direction else "")


def keras_path(kind: Kind, role: str, layer: int, direction: int, directions: int) -> str:
    """The path of the variable in a model of stacked layers with Keras' default names."""
    layer_name = {"rnn": "simple_rnn", "lstm": "lstm"}[kind]
    number = f"_{layer}" if layer else ""
    outer = f"bidirectional{number}/{('forward', 'backward')[direction]}_" if directions > 1 else ""
    return f"{outer}{layer_name}{number}/{layer_name}_cell/{KERAS[role]}"


def onnx_name(letter: str, layer: int) -> str:
    """Our name for the input `W`, `R` or `B` of a layer's node, such as `l0.W`; ONNX prescribes no names."""
    return f"l{layer}.{letter}"
