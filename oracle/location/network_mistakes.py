"""The mistakes of the catalogue around the steps of layers, as forms of locations."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from oracle.faults import RARE, concerning
from oracle.faults.equations import Equations
from oracle.faults.fault import Fault
from oracle.faults.layer_equations import AROUND
from oracle.location.facts import Form


@cache
def network_mistakes(function: str) -> Mapping[Form, Fault]:
    """The mistakes of the catalogue around the steps of layers, by their forms.

    A mistake in both states, a and c, also gives two mistakes in one state.
    """
    found = {}
    for fault in (*concerning(function), *RARE.values()):
        changes = fault.changes[function]
        is_around = changes.keys() <= AROUND or "order" in changes or fault.name in RARE
        if fault.group == "purity" or not is_around:
            continue
        found[Form(_last_equation(changes), mistake=fault.name)] = fault
        for state in "ac" if function == "lstm_layer" else ():
            alone = _in_one_state(changes, state)
            if alone and alone.keys() != changes.keys():
                form = Form(_last_equation(alone), source=state, mistake=fault.name)
                found[form] = replace(fault, changes={function: alone})
    return found


def _last_equation(changes: Equations) -> str:
    """The name of the last equation that a mistake changes; a common name for equations of both states."""
    name = [*changes][-1]
    state, _, part = name.partition("_")
    is_of_both = state in "ac" and {f"a_{part}", f"c_{part}"} <= changes.keys()
    return ("begin" if part in ("first", "begin") else "last") if is_of_both else name


def _in_one_state(changes: Equations, state: str) -> Equations:
    """The changes of one state, `a` or `c`; empty if the mistake changes more than equations of states."""
    if not all(name == "begin" or name.startswith(("a_", "c_")) for name in changes):
        return {}
    alone = {name: change for name, change in changes.items() if name.startswith(f"{state}_")}
    if begin := changes.get("begin"):
        alone[f"{state}_begin"] = lambda v: getattr(v, f"{state}_first")[begin(v)]
    return alone
