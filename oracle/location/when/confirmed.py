"""Whether a rule holds of elements that it was not found on."""

import numpy as np

from oracle.location.when.rules import HALF, Rule
from oracle.location.when.table import Table


def is_confirmed(table: Table, found: Rule) -> bool:
    """Whether no element is wrong that does not meet the rule, and of those that do as many as before.

    So too of those that are nearest to a threshold: what is wrong far beyond it alone begins elsewhere.
    """
    inside = found.met_by(table) & ~table.mute
    if table.wrong[~found.loosened.met_by(table)].any():
        return False
    of_few = found.purity < HALF or any(each.relation == "=" for each in found.conditions)
    if of_few and not table.wrong.any():
        return False
    parts = [inside]
    for condition in found.conditions:
        if condition.is_a_threshold and inside.any():
            distance = np.abs(table.features[condition.feature] - condition.value)
            parts += [inside & (distance <= np.quantile(distance[inside], part)) for part in (0.1, 0.3)]
    return all(not part.any() or float(table.wrong[part].mean()) >= needed(found) for part in parts)


def needed(found: Rule) -> float:
    """Which part of other elements that meet a rule has to be wrong."""
    return min(found.purity - 0.25, 0.6)
