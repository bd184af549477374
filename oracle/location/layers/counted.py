"""Whether the steps of a backward direction are counted with the padding, where it begins."""

from dataclasses import replace

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.limits import Limits
from oracle.location.asked import Asked
from oracle.location.layers.in_setting import InSetting
from oracle.location.layers.posed import BEYOND
from oracle.location.layers.setting import Ended, Setting
from oracle.location.when import experiments
from oracle.location.when.condition import Condition
from oracle.location.when.elements import elements
from oracle.location.when.rules import HALF, Rule
from oracle.location.when.table import Table

STEP = "step"
MOST = 64
"""Steps of what is asked."""


def counts_padding(
    function: str, program: Program, setting: Setting, found: Rule | None, name: str, limits: Limits
) -> bool:
    """Whether what a rule says of steps is so of a backward direction if they are counted from the end of x.

    And is not if they are counted from the end of the sequence. `name` is of the equation that does not hold.
    """
    of_steps = [each for each in found.conditions if each.feature == STEP and not each.other] if found else []
    if not found or not found.is_plain or not of_steps:
        return False
    if setting.above or setting.ended or limits.directions == 1 or not limits.lengths:
        return False
    if (count := max(map(_steps_for, of_steps))) > MOST:
        return False

    def steps(ended: Ended) -> Table | None:
        """Those of a backward direction that ends there with x, or sooner."""
        other = replace(setting, direction="backward", ended=ended)
        asked = Asked(InSetting(function, program, other), limits)
        sizes = {**found.sizes, "T_x": count}
        asked.ask(experiments.of_sizes(asked.view.function, sizes, seed) for seed in range(2))
        tables = [elements(seen[name]) for seen in asked.seen if name in seen]
        return Table.joined(tables) if tables else None

    without, before = steps(""), steps("all")
    if not without or not before or not without.wrong.any() or not _holds(found, without):
        return False
    return _holds(found, _with_padding(before)) and not _holds(found, before)


def _steps_for(condition: Condition) -> int:
    """How many steps it takes to see it come, and to come again."""
    again = int(condition.relation.split()[1]) if condition.relation.startswith("mod") else 0
    return int(condition.value) + 2 * again + 2 * BEYOND + 1


def _with_padding(table: Table) -> Table:
    """The same steps, counted from the end of x."""
    return replace(table, features={**table.features, STEP: table.features[STEP] + BEYOND})


def _holds(found: Rule, table: Table) -> bool:
    """Whether nothing else is wrong than what meets a rule, and most of that."""
    inside = found.met_by(table) & ~table.mute
    is_wrong_inside = not inside.any() or float(np.mean(table.wrong[inside])) >= HALF
    return is_wrong_inside and not table.wrong[~found.met_by(table)].any()
