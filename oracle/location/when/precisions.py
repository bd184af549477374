"""In which precisions something is wrong, where that is not in all that were asked."""

import re
from dataclasses import replace

import numpy as np

from oracle.location.how.cases import Likeness
from oracle.location.when.condition import Condition
from oracle.location.when.rules import Rule
from oracle.location.when.table import Table
from reference.contract import Array

CHANCE, ENOUGH = 1e-3, 60
"""How likely it may be that nothing is wrong in a precision by chance, and in how many elements it is so."""

ROUNDED = re.compile(r"\b(?:rounded to|in) float(16|32)$")
"""What changes nothing that has no more bits, as it is called."""


def in_precisions(found: Rule, table: Table, like: Likeness | None) -> Rule:
    """A rule that leaves out precisions in which nothing is wrong of what meets it, or nothing can be."""
    if any(each.feature == "bits" for each in found.conditions):
        return found
    told = found.met_by(table) & ~table.mute
    bits, wrong = table.features["bits"][told], table.wrong[told]
    rounded = ROUNDED.search(like.words) if like else None
    asked = [k for k in (16, 32) if (table.features["bits"] == k).any()]
    right = [k for k in asked if (rounded and k <= int(rounded[1])) or _is_right(bits == k, wrong)]
    if not right or (wrong & (bits <= right[-1])).any():
        return found
    seen = {*np.unique(table.features["bits"])}
    condition = Condition("bits", "≥", 32) if 32 in seen - {*right} else Condition("bits", "=", 64)
    return replace(found, conditions=(*found.conditions, condition))


def _is_right(chosen: Array, wrong: Array) -> bool:
    """Whether nothing is wrong of some elements, of which so many would be if they were as the others."""
    others = wrong[~chosen]
    part = float(others.mean()) if others.size else 0.0
    count = int(chosen.sum())
    return count >= ENOUGH and not wrong[chosen].any() and float((1 - part) ** count) < CHANCE
