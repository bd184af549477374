"""Where, when and how layers are wrong: in which setting, and there of which equation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from oracle.diagnosis.behaviour import Behaviour, Program, specification
from oracle.inputs import Inputs
from oracle.limits import ANYTHING, Limits
from oracle.location.arranged import for_those, wrong_alike
from oracle.location.asked import Asked
from oracle.location.gates import WithGates, part_known
from oracle.location.history import RETRAINED, UPDATED
from oracle.location.layers.in_setting import InSetting
from oracle.location.layers.memory import ASKED
from oracle.location.layers.posed import BEYOND
from oracle.location.layers.setting import Setting, settings
from oracle.location.location import Found, Location, found_of
from oracle.location.networks.absent import absent_states
from oracle.location.networks.as_if import as_if_given, is_as_if
from oracle.location.networks.held import held_to_networks
from oracle.location.networks.last_states import in_another_order
from oracle.location.networks.padding import beyond_the_end
from oracle.location.networks.returned import what_is_returned
from oracle.location.networks.stacking import posed
from oracle.location.scope import scope_of
from oracle.location.when import experiments
from oracle.location.when.table import FROM_END
from oracle.location.when.words import ALWAYS, words
from oracle.problem import LayerProblem, Problem
from reference.contract import CONTRACTS

ONE_STEP = "T_x = 1 (of more it cannot be told)"
ORDINARY = ("ternary", "unit", "wild", "counting")
"""Regimes in which most of what is wrong shows."""
SIZES = ({"n_x": 3, "n_a": 3}, {"n_x": 19, "n_a": 18, "T_x": 2}, {"n_x": 67, "n_a": 66, "T_x": 2})
"""In which it is seen in which setting a layer is wrong: one above another has larger inputs."""
SHAPE = (4, 5)
"""Samples and steps of a problem in which most of what hangs on the order of memory shows."""
ENOUGH = 0.1
"""Of which part of the later steps something has to be known for a condition to be of them, too."""
FEW = 4
"""Problems that are wrong in one setting, of which it is seen whether they are in a simpler one."""
LAST_STEP = f"step{FROM_END}"
MOST = 0.5
"""Of which part of the wrong memory states gates have to be known for these to be what is wrong."""
STRAY = 0.05
"""Which part of the wrong elements may be of what is right, and was taken from other calls wrongly."""


@np.errstate(all="ignore")
def locate_in_layers(
    function: str,
    program: Program,
    counterexample: LayerProblem,
    anew: Callable[[], None],
    limits: Limits = ANYTHING,
    arranged: Mapping[str, Program] = MappingProxyType({}),
) -> Location | None:
    """Where, when and how one is wrong, with its arguments as they are, or `arranged` in other ways.

    Those are by the words for them. `None` where none is, or only after other calls.
    """
    if location := _located(function, program, counterexample, anew, limits):
        return location
    stacking = counterexample.layers, counterexample.directions
    larger = [posed(counterexample, stacking, SHAPE, "absent", seed, limits) for seed in range(2)]
    problems = [counterexample.inputs(function), *larger]
    if not all(program(inputs).is_like(specification(function, limits)(inputs)) for inputs in problems):
        return None
    if not (arrangements := wrong_alike(function, arranged, problems, anew, limits)):
        return None
    location = _located(function, arranged[arrangements[0]], counterexample, anew, limits)
    when = [for_those(arrangements), *([] if not location or location.when == ALWAYS else [location.when])]
    if location and {UPDATED, RETRAINED} & {*arrangements}:
        location = replace(location, how="")  # which is how it was asked
    return location and replace(location, when=", ".join(filter(None, when)))


def _located(
    function: str,
    program: Program,
    counterexample: LayerProblem,
    anew: Callable[[], None],
    limits: Limits,
) -> Location | None:
    """The same, in the simplest setting of the counterexample in which it is so."""
    for elsewhere in in_another_order, beyond_the_end, as_if_given, absent_states:
        anew()
        location = elsewhere(function, program, counterexample, limits)
        if location and location == elsewhere(function, _first_call(program, anew), counterexample, limits):
            return location
    kind = CONTRACTS[function].kind
    forward, example = f"{kind}_forward", _of_one_layer(counterexample)
    every = _in_each_setting(function, program, counterexample, limits)
    one_step = experiments.of_sizes(forward, {"T_x": 1}, 0)
    usual = [] if example.regime in ORDINARY else [replace(example, regime="unit")]
    first = [each.inputs(forward) for each in (example, *usual)]
    first += [experiments.of_sizes(forward, sizes, 12) for sizes in SIZES]
    shown = _simplest(every, [*first, *experiments.of_gaps(forward, range(1))])
    likely: list[Setting] = []
    shown_at_once = shown is not None  # by few problems, each of which was asked in all settings
    if every and not shown:  # with other numbers, or many
        shown = _simplest(every, [*experiments.ordinary(forward), one_step]) or [*every][-1]
        likely = [*every][:1]
    if shown:  # a last state may be wrong as others are, which these few problems do not show
        likely += [replace(shown, last=False), shown]
    for setting in dict.fromkeys(likely):
        asked = every[setting]
        if asked.is_wrong_for(experiments.every(forward, example, without=["n_y"])):
            break
    else:
        return what_is_returned(function, program, counterexample, limits)
    simpler = setting if shown_at_once else _simplest_alike(every, setting)
    if simpler != setting:
        setting, asked = simpler, every[simpler]
        asked.ask(experiments.every(forward, example, without=["n_y"]))
    wrong = asked.wrong(least=STRAY)
    anew()
    if not asked.is_still_wrong(wrong[0], InSetting(function, program, setting)):
        return None
    found = found_of(asked, wrong)
    if kind == "lstm":
        found = _without_what_was_not_asked(found)
    location = found.location
    if setting.last and found.rule:
        location = replace(location, when=words(found.rule.without(LAST_STEP)))
    if setting.others_go_on and "sample" in location.how:  # whose order may hang on all the lengths
        location = replace(location, how="")
    if setting.ended and f"{BEYOND} steps" in location.how:  # as many as there are beyond the end
        location = replace(location, how="")
    if location.how and asked.is_like_padding(wrong[0]):
        location = replace(location, how=f"{location.how}, and 0 is returned, as for padding")
    is_of_time = found.rule and found.rule.is_of_time  # and a single step is the first and the last
    has_gates = not (setting.last or setting.projected)
    is_told = found.rule and found.like and found.like.value
    if kind == "lstm" and not is_told:
        gates = WithGates(InSetting(function, program, replace(setting, last=True)))
        in_gates = (
            _located_in_gates(Asked(gates, limits), example, found) if has_gates and not is_of_time else None
        )
        location = in_gates or replace(location, where=_by_right_gates(location.where))
    if wrong[0] in ("a_next", "c_next") and asked.part_known_later(wrong[0]) < ENOUGH:
        told = [location.when] if location.when not in ("", ALWAYS) else []
        of_one_step = [ONE_STEP] if _is_wrong_in_one_step(asked, wrong[0]) else []
        location = replace(location, when=" and ".join(of_one_step + told) if of_one_step else "")
    located = replace(location, setting=setting)
    if asked.narrower and not location.when:  # networks are asked in the first precision
        return replace(located, when=f"in {asked.narrower} alone")
    scope = scope_of(function, program, counterexample, located, found.rule, asked, limits)
    located = replace(located, scope=scope)
    return held_to_networks(located, found.rule, function, program, counterexample, limits)


def _by_right_gates(where: str) -> str:
    """Of gates that are not known what is said is by the right ones, which may be what is wrong."""
    return where.replace("it * cct", "it * cct of the right gates").replace("≠ ot", "≠ the right ot")


def _is_wrong_in_one_step(asked: Asked, name: str) -> bool:
    return any(seen.wrong.get(name) for seen in asked.seen if seen.asked.x.shape[2] == 1)


def _first_call(program: Program, anew: Callable[[], None]) -> Program:
    """The same, each time in a new process."""

    def ask(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        anew()
        return program(inputs, then)

    return ask


def is_located_in(
    location: Location, function: str, program: Program, counterexample: LayerProblem, limits: Limits
) -> bool:
    """Whether another counterexample is wrong in the same setting, and in no simpler one.

    Where there is none, whether it is answered as if the same were given.
    """
    if not location.setting:
        return is_as_if(location, function, program, counterexample)
    every = _in_each_setting(function, program, counterexample, limits)
    example = _of_one_layer(counterexample).inputs(f"{CONTRACTS[function].kind}_forward")
    shown = _simplest(every, [example])
    return location.setting in every and (
        not shown or replace(shown, last=False) == replace(location.setting, last=False)
    )


def _of_one_layer(problem: LayerProblem) -> Problem:
    """A problem of the same sizes and numbers of the same kind."""
    sizes = {name: getattr(problem, name) for name in ("n_x", "n_a", "m", "T_x")}
    return Problem(CONTRACTS[problem.kind].kind, **sizes, n_y=1, regime=problem.regime, seed=problem.seed)


def _in_each_setting(
    function: str, program: Program, counterexample: LayerProblem, limits: Limits
) -> dict[Setting, Asked]:
    """The simplest first."""
    return {
        each: Asked(InSetting(function, program, each), limits) for each in settings(counterexample, limits)
    }


def _simplest(every: Mapping[Setting, Asked], problems: Sequence[Inputs]) -> Setting | None:
    """The first setting in which any equation does not hold on some problems."""
    return next((setting for setting, asked in every.items() if asked.is_wrong_for(problems)), None)


def _simplest_alike(every: Mapping[Setting, Asked], setting: Setting) -> Setting:
    """The first in which any of some problems makes the same wrong, as all do in a setting."""
    wrong, examples = every[setting].wrong()[0], every[setting].examples(FEW)
    for other, asked in every.items():
        if other.parts >= setting.parts:
            break
        if any(seen.wrong.get(wrong) for seen in asked.ask(examples)):
            return other
    return setting


def _without_what_was_not_asked(found: Found) -> Found:
    """Without that it is so up to the last step at which memory states are asked for."""
    if not found.rule:
        return found
    told = [
        each
        for each in found.rule.conditions
        if (each.feature, each.relation, each.value) != ("step", "≤", ASKED - 1)
    ]
    if len(told) == len(found.rule.conditions):
        return found
    rule = replace(found.rule, conditions=tuple(told))
    return replace(found, rule=rule, location=replace(found.location, when=words(rule)))


def _located_in_gates(asked: Asked, example: Problem, found: Found) -> Location | None:
    """What is said of the gates of single steps, if they make wrong what was found to be wrong."""
    asked.ask(experiments.every(asked.view.function, example, without=["n_y", "T_x"]))
    wrong = asked.wrong(least=STRAY)
    made_of = {"c_next": {"ft", "it", "cct"}, "a_next": {"ot"}}.get(found.location.equations[0], set())
    if not made_of & {*wrong} or (made_of != {"ot"} and part_known(asked.answers) < MOST):
        return None
    located = found_of(asked, wrong)
    # What a hidden state tells of ot it may as well tell of tanh(c_next).
    return located.location if made_of != {"ot"} or located.is_alike else None
