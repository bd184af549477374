"""What is said of a layer in one setting, held to networks of all kinds."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.limits import Limits
from oracle.location.layers.setting import Setting
from oracle.location.location import Location
from oracle.location.networks.returned import returned_by, what_is_returned
from oracle.location.when.options import OPTIONS, SHORTER
from oracle.location.when.rules import Rule
from oracle.location.when.table import SIZES, Table, kind_of, part_of
from oracle.location.when.words import ALWAYS, words
from oracle.problem import LayerProblem
from reference.contract import Array

ENOUGH = 20
"""Wrong elements that there would be if an option made no difference."""

SAME = 0.9
"""Of how many elements as many are wrong as of others for an option to make none."""


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
    if not returned.tables:
        return location
    table = Table.joined(returned.tables)
    table = table.where(~table.mute & _of_sizes(table, found))
    needed = [*_needed(table, setting)]
    if location.when == ALWAYS:
        return replace(location, when=" ".join([ALWAYS, *(needed or _ends_needed(table, setting))]))
    if location.when:
        return replace(location, when=", ".join([location.when, *needed]))
    of_steps = returned.rule and any(kind_of(each.feature) == "step" for each in returned.rule.conditions)
    when = words(returned.rule) if returned.rule and not of_steps else ", ".join(needed)
    return replace(location, when=when)


def _needed(table: Table, setting: Setting) -> Iterator[str]:
    """The options that the setting has by chance, and without which nothing is wrong."""
    for option, otherwise in OPTIONS.items():
        if option not in table.features or any(part in option for part in _told(setting)):
            continue
        has = table.features[option] == 1
        for said, ours in ((otherwise, ~has), (option, has)):
            if not table.wrong[~ours].any() and _share(table, ours) * np.count_nonzero(~ours) >= ENOUGH:
                table = table.where(ours)
                yield said
                break


def _ends_needed(table: Table, setting: Setting) -> list[str]:
    """That all samples end where x does, if others are less often wrong."""
    shorter = table.features[SHORTER] == 1
    is_seldom = _share(table, shorter) < SAME * _share(table, ~shorter)
    return [OPTIONS[SHORTER]] if setting.last and not setting.ended and is_seldom else []


def _share(table: Table, which: Array) -> float:
    """Which part of these is wrong."""
    return part_of(table.weight, table.wrong & which, which)


def _of_sizes(table: Table, found: Rule | None) -> Array:
    """Which elements meet what is said of sizes."""
    meets = np.ones(table.wrong.shape, bool)
    for condition in found.conditions if found else ():
        if condition.feature in SIZES and condition.is_told_by(table):
            meets &= condition.met_by(table)
    return meets


def _told(setting: Setting) -> Sequence[str]:
    """Parts of the names of options of which it says nothing: a setting tells them, or the lowest layer does.

    For of layers above one that is wrong nothing is known.
    """
    parts = ["layer", "beyond"]
    parts += [] if setting.direction == "alone" else ["direction"]
    parts += ["length", "sample"] if setting.ended else []
    parts += ["relu"] if setting.activation == "relu" else []
    return [*parts, *(["projection"] if setting.projected else [])]
