"""The catalogue of mistakes that people make. Each mistake is the specification with one change.

Every entry is an attribute of this module, and an implementation that the laws can judge:
`--implementation oracle.faults:update_and_forget_gates_exchanged`.
"""

from oracle.faults.catalogue import COMMON, COMMON_IN_LAYERS, FAULTS, RARE
from oracle.faults.catalogue.raised import ERRORS
from oracle.faults.catalogue.remedies import REMEDIES
from oracle.faults.fault import Fault
from reference.contract import CONTRACTS

__all__ = ["COMMON", "FAULTS", "RARE", "Fault", "common", "concerning", "remedy", "sentence"]


def concerning(function: str) -> list[Fault]:
    """The mistakes of `function`, in the order of the catalogue."""
    return [fault for fault in FAULTS.values() if function in fault.functions]


def common(function: str) -> list[Fault]:
    """The most common mistakes of `function`. The diagnosis also tries each pair of them."""
    names = COMMON_IN_LAYERS if CONTRACTS[function].is_layer else COMMON
    return [fault for fault in concerning(function) if fault.name in names]


def sentence(name: str) -> str:
    """The sentence of a mistake, for the line "looks like"."""
    return ERRORS[name].sentence if name in ERRORS else {**FAULTS, **RARE}[name].sentence


def remedy(name: str) -> str:
    """How to mend a mistake, in one line; empty if the sentence of the mistake says it."""
    return REMEDIES.get(name, "")


def __getattr__(name: str) -> Fault:
    if name in FAULTS:
        return FAULTS[name]
    raise AttributeError(f"the catalogue of mistakes has no entry {name!r}")
