"""How far a layer is wrong beyond the setting in which it was looked at."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.inputs import Inputs
from oracle.limits import Limits
from oracle.location.asked import Asked
from oracle.location.layers.in_setting import InSetting
from oracle.location.layers.setting import AS_WIDE, Scope
from oracle.location.location import Location
from oracle.location.networks.answer import answer
from oracle.location.networks.counted import counts_padding
from oracle.location.networks.stacking import posed
from oracle.location.when import experiments
from oracle.location.when.rules import Rule
from oracle.problem import LayerProblem

_SHOWN = {"ft": "c_next", "it": "c_next", "cct": "c_next", "ot": "a_next"}
"""What shows that a gate is wrong where gates are not shown."""

FEW = 6
"""Problems that are asked in another setting, of those that are wrong in the first, or right."""


def scope_of(
    function: str,
    program: Program,
    counterexample: LayerProblem,
    location: Location,
    found: Rule | None,
    asked: Asked,
    limits: Limits,
) -> Scope:
    """That of a location, found with what was asked in its setting, which shows of gates what they make.

    And with the rule that was found of the condition.
    """
    setting, name = location.setting, _SHOWN.get(location.equations[0], location.equations[0])
    assert setting
    several = [seen for seen in asked.seen if min(seen.asked.sizes.values()) > 1]
    several.sort(key=lambda seen: seen.asked.x.size)
    wrong = _some([seen.asked for seen in several if seen.wrong.get(name)])
    right = _some([seen.asked for seen in several if not seen.wrong.get(name)])
    if not wrong:
        return Scope()

    def is_wrong(problems: Sequence[Inputs], **instead: object) -> bool:
        other = replace(setting, **instead)  # type: ignore[arg-type]
        return bool(problems) and Asked(InSetting(function, program, other), limits).is_wrong_for(problems)

    def is_right(problems: Sequence[Inputs], **instead: object) -> bool:
        asked = Asked(InSetting(function, program, replace(setting, **instead)), limits)  # type: ignore[arg-type]
        return len(asked.ask(problems)) == len(problems) and not asked.wrong()

    def is_right_alone(inputs: Inputs) -> bool:
        return is_right([inputs])

    # Above two directions a layer is asked for one step alone.
    of_one_layer = setting.direction == "alone" and not setting.above
    of_one_direction = of_one_layer and limits.directions > 1 and is_right(wrong, direction="forward")
    as_wide = (
        of_one_direction
        and AS_WIDE in location.when
        and is_wrong([_of_twice_the_features(asked)], direction="forward")
    )
    return Scope(
        any_projection=setting.projected
        and _is_wrong_with_fewer(function, program, counterexample, limits, len(wrong[len(wrong) // 2].a0)),
        any_ended=setting.ended == "all" and is_wrong(wrong, ended="all but the last"),
        direction_alone=of_one_direction and not as_wide and is_right(wrong, direction="backward"),
        own_features=of_one_layer
        and limits.layers > 1
        and is_wrong([*right, *filter(is_right_alone, _of_more_units(asked))], above=1),
        as_wide=as_wide,
        with_padding=counts_padding(function, program, counterexample, setting, found, limits),
    )


def _some(every: Sequence[Inputs]) -> Sequence[Inputs]:
    """The smallest and the largest of those in order, and some between."""
    count = min(FEW, len(every))
    return [every[round(place)] for place in np.linspace(0, len(every) - 1, count)]


def _of_more_units(asked: Asked) -> Sequence[Inputs]:
    """Problems of one feature, so that a layer above another has far more."""
    sizes = ({"n_x": 1, "n_a": n_a} for n_a in (7, 13, 25, 49))
    return [experiments.of_sizes(asked.view.function, each, 0) for each in sizes]


def _of_twice_the_features(asked: Asked) -> Inputs:
    return experiments.of_sizes(asked.view.function, {"n_x": 8, "n_a": 4}, 0)


def _is_wrong_with_fewer(
    function: str, program: Program, counterexample: LayerProblem, limits: Limits, n_a: int
) -> bool:
    """Whether networks of as many units are wrong too that have a projection to fewer, to one alone too."""
    sizes = {(n_a, max(n_a - 1, 1)), (n_a, -(-n_a // 2)), (max(n_a, 6), 1)}
    fewer = [replace(counterexample, n_a=each, n_p=n_p) for each, n_p in sorted(sizes)]
    every = [answer(function, program, posed(each, (1, 1), (4, 5), "absent", 0, limits)) for each in fewer]
    return all(shown is not None and not shown.is_right for shown in every)
