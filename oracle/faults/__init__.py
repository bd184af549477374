"""The catalogue of mistakes people make, each the specification with one thing changed.

Every entry is an attribute of this module and an implementation that can be judged like any other:
`--implementation oracle.faults:update_and_forget_gates_exchanged`.
"""

from oracle.faults.catalogue import COMMON, COMMON_IN_LAYERS, FAULTS
from oracle.faults.catalogue.raised import ERRORS
from oracle.faults.catalogue.remedies import REMEDIES
from oracle.faults.fault import Fault
from reference.contract import CONTRACTS

__all__ = ["COMMON", "FAULTS", "Fault", "common", "concerning", "remedy", "sentence"]


def concerning(function: str) -> list[Fault]:
    """The mistakes that can be made in `function`, in the order of the catalogue."""
    return [fault for fault in FAULTS.values() if function in fault.functions]


def common(function: str) -> list[Fault]:
    """Those of them that are made most often: two of these at once are worth a look."""
    names = COMMON_IN_LAYERS if CONTRACTS[function].is_layer else COMMON
    return [fault for fault in concerning(function) if fault.name in names]


def sentence(name: str) -> str:
    """What a mistake of this name does, in words that complete "looks like: ..."."""
    return ERRORS[name].sentence if name in ERRORS else FAULTS[name].sentence


def remedy(name: str) -> str:
    """How a mistake is mended, in a line; empty where its sentence says it."""
    return REMEDIES.get(name, "")


def __getattr__(name: str) -> Fault:
    if name in FAULTS:
        return FAULTS[name]
    raise AttributeError(f"the catalogue of mistakes has no entry {name!r}")
