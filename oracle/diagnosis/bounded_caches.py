"""Caches of which a forward keeps no more than so many."""

from oracle.diagnosis.behaviour import Behaviour, Program, alike
from oracle.diagnosis.findings import Finding, found
from oracle.inputs import Inputs
from reference.contract import CONTRACTS


def which_are_kept(
    function: str, implementation: Program, counterexample: Inputs, shown: Behaviour
) -> Finding | None:
    """Which caches are kept where there are more steps than room for them; `None` if there is room.

    Asks for as many steps as there is room for, and for one more.
    """
    contract, T_x = CONTRACTS[function], counterexample.x.shape[2]
    room = _count(shown)
    if contract.is_cell or contract.is_layer or not 0 < room < T_x:
        return None
    if any(_count(implementation(counterexample.span(0, steps))) != room for steps in (room, room + 1)):
        return None
    entry = [*contract.cache].index("xt")
    cached = [shown.caches.get(f".0.0.{t}.{entry}", "") for t in range(room)]
    for which, first in (("first", 0), ("last", T_x - room)):
        if all(alike(xt, counterexample.x[:, :, first + t]) for t, xt in enumerate(cached)):
            return found("caches kept", room=room, which=which)
    return found("caches kept", room=room, which="")


def _count(shown: Behaviour) -> int:
    """How many caches there are; none where there is no list of them."""
    count = shown.caches.get(".0.0.", "")
    return int(count) if isinstance(count, str) and count.isdecimal() else 0
