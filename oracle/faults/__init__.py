"""The catalogue of mistakes people make, each the specification with one thing changed.

Every entry is an attribute of this module and an implementation that can be judged like any other:
`--implementation oracle.faults:update_and_forget_gates_exchanged`.
"""

from oracle.faults.catalogue import COMMON, FAULTS
from oracle.faults.fault import Fault

__all__ = ["COMMON", "FAULTS", "Fault", "concerning"]


def concerning(function: str) -> list[Fault]:
    """The mistakes that can be made in `function`, in the order of the catalogue."""
    return [fault for fault in FAULTS.values() if function in fault.functions]


def __getattr__(name: str) -> Fault:
    if name in FAULTS:
        return FAULTS[name]
    raise AttributeError(f"the catalogue of mistakes has no entry {name!r}")
