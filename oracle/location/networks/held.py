"""What is said of a layer in one setting, held to networks of all kinds."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.limits import Limits
from oracle.location.layers.setting import Setting
from oracle.location.location import Location
from oracle.location.networks.returned import returned_by, what_is_returned
from oracle.location.when.options import LENGTH, OPTIONS, UNEQUAL
from oracle.location.when.rules import HALF, PURE, Rule
from oracle.location.when.table import FROM_END, SIZES, Table, kind_of, part_of
from oracle.location.when.words import ALWAYS, words
from oracle.problem import LayerProblem
from reference.contract import Array

ENOUGH = 20
"""Wrong elements that there would be if an option made no difference."""

SAME = 0.9
"""Of how many elements as many are wrong as of others for lengths to make no difference."""


def held_to_networks(
    location: Location,
    found: Rule | None,
    function: str,
    program: Program,
    counterexample: LayerProblem,
    limits: Limits,
) -> Location:
    """The same with the options without which it is not so; or what is true of networks where that says more.

    What is wrong about ends hangs on all lengths, of which one setting has few.
    """
    setting = location.setting
    assert setting
    if (setting.last or setting.ended) and not location.how:
        other = what_is_returned(function, program, counterexample, limits)
        return other if other and other.when else location
    if found and not found.is_plain:
        return location  # which numbers meet it may hang on the options
    returned = returned_by(function, program, counterexample, limits)
    first = next(iter(returned.tables), "")  # of which the rule is
    looked_at = f"{location.equations[0][0]}_last" if setting.last else first
    if looked_at not in returned.tables:
        return location
    table = returned.tables[looked_at]
    table = table.where(~table.mute)
    told = returned.rule if returned.rule and looked_at == first and _is_told(returned.rule) else None
    of_networks = words(told) if told else ""
    if table.wrong[~_of_sizes(table, found, ("m", "T_x"))].any() or _is_of_lengths(found, told):
        return replace(location, when=of_networks)
    if table.wrong[~_of_sizes(table, found, _SAMPLES)].any():
        return replace(location, when="")
    passed_over = [*_told(setting), *_OF_SAMPLES]
    passed_over += _OF_LENGTHS if found and found.is_of_time else []
    needed, table = _needed(table.where(_of_sizes(table, found, (*SIZES, *_UNITS))), passed_over)
    if location.when != ALWAYS:
        return replace(location, when=", ".join(filter(None, [location.when or of_networks, *needed])))
    table = table.where(_in_setting(table, setting))
    differ = table.features[UNEQUAL] == 1
    if not setting.ended and differ.any() and _share(table, differ) < SAME * _share(table, ~differ):
        needed, table = [*needed, OPTIONS[UNEQUAL]], table.where(~differ)
    least = PURE if setting.last or setting.ended or needed else HALF
    if table.purity >= least:
        return replace(location, when=" ".join([ALWAYS, ", ".join(needed)]).strip())
    part = f"in {table.purity:.0%} of the elements"
    return replace(location, when=of_networks or ", ".join([*needed, part]))


def _is_told(found: Rule) -> bool:
    """Whether a rule says anything, and not of steps: of an equation at some, all states after are wrong."""
    return bool(found.conditions) and not any(kind_of(each.feature) == "step" for each in found.conditions)


def _is_of_lengths(found: Rule | None, told: Rule | None) -> bool:
    """Whether what one says of T_x is true of lengths, as the other says it surely."""
    said, true = ({each.feature for each in rule.conditions} if rule else set() for rule in (found, told))
    is_sure = told is not None and told.purity >= PURE
    return "T_x" in said and LENGTH in true and is_sure


def _needed(table: Table, passed_over: Sequence[str]) -> tuple[list[str], Table]:
    """The options that a setting has by chance, without which nothing is wrong; and what has them.

    Those first of which most is right: what else is right may be so for these.
    """
    asked = [name for name in OPTIONS if not any(part in name for part in passed_over)]
    left = {name: table.features[name] == 1 for name in asked if name in table.features}
    needed: dict[str, str] = {}
    while True:
        known = np.ones(table.wrong.shape, bool)
        for name in needed:
            known &= left[name] == (needed[name] == name)
        expected = {
            (name, said): _share(table, known & ours) * np.count_nonzero(known & ~ours)
            for name, has in left.items()
            if name not in needed
            for said, ours in ((OPTIONS[name], ~has), (name, has))
            if not table.wrong[known & ~ours].any()
        }
        best = max(expected, key=expected.__getitem__, default=None)
        if best is None or expected[best] < ENOUGH:
            return [needed[name] for name in OPTIONS if name in needed], table.where(known)
        needed[best[0]] = best[1]


def _in_setting(table: Table, setting: Setting) -> Array:
    """Which elements are of the setting, as far as the options tell."""
    options = {
        "of the backward direction": setting.direction == "backward",
        "in a layer above another": setting.above > 0,
        "of samples that end before x does": bool(setting.ended),
        "with relu": setting.activation == "relu",
        "with a projection": setting.projected,
    }
    every = [table.features[name] == 1 for name, has in options.items() if has and name in table.features]
    return np.asarray(np.all([np.ones(table.wrong.shape, bool), *every], axis=0))


def _share(table: Table, which: Array) -> float:
    """Which part of these is wrong."""
    return part_of(table.weight, table.wrong & which, which)


def _of_sizes(table: Table, found: Rule | None, sizes: Sequence[str]) -> Array:
    """Which elements meet what is said of these sizes and places."""
    meets = np.ones(table.wrong.shape, bool)
    for condition in found.conditions if found else ():
        if {condition.feature} <= {*sizes} and condition.is_told_by(table):
            meets &= condition.met_by(table)
    return meets


_SAMPLES = ("sample", f"sample{FROM_END}")
_UNITS = ("unit", f"unit{FROM_END}")
"""Places of units, without which wrong ones are too few to tell."""

_OF_SAMPLES = ("where a shorter", "with a shorter", "with a longer")
"""Options of samples, which hang on their places."""

_OF_LENGTHS = ("length", "sample")
"""Those that hang on steps, of which short samples have few."""


def _told(setting: Setting) -> Sequence[str]:
    """Parts of the names of options of which it says nothing: a setting tells them, or the lowest layer does.

    For of layers above one that is wrong nothing is known.
    """
    parts = ["layer", "beyond"]
    parts += [] if setting.direction == "alone" else ["direction"]
    parts += ["length", "sample"] if setting.ended else []
    parts += ["relu"] if setting.activation == "relu" else []
    return [*parts, *(["projection"] if setting.projected else [])]
