"""Locates a mistake that the catalogue does not have: which result of a step is wrong, when, and how.

A location is stated only if it predicts what the program answers, on the problems of the search and on new
ones. Where a part does not, the part is left out.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, islice

import numpy as np

from oracle.explanations.behaviour import Program, mistaken_program, same_leaves, specification
from oracle.explanations.candidates import STATES, fits, fitting_replacements, unchanged
from oracle.explanations.changes import Condition, Replacement
from oracle.explanations.conditional_mistakes import testing_inputs
from oracle.explanations.conditions import FeatureTable, cheapest_conditions
from oracle.explanations.location import Location
from oracle.explanations.observer import Budget, BudgetSpentError, Observer, OtherStatesError, settings_of
from oracle.explanations.probe_problems import BASE, all_inputs, inputs_for_conditions
from oracle.explanations.steps import RESULTS, Steps
from oracle.network.equations import GATES
from oracle.problems.inputs import Inputs
from oracle.problems.limits import ANYTHING, Limits
from oracle.problems.problem import LayerProblem, Problem
from reference.contract import CONTRACTS

CALLS, CALLS_OF_LAYERS = 250, 500
"""The largest number of calls of one of the four functions, and of a layer."""
ROUNDS = 3
"""The largest number of rounds. In each round, new problems confirm or correct the location."""
MOST_CONFIRMING = 36
"""The largest number of new problems in each round."""
CLEAR = 1e-3
"""The smallest error of an element that is clearly wrong."""
MOST_IN_BOTH = 4
"""The most wrong problems on which the other direction is observed."""
MOST_REPLACEMENTS = 6
"""The largest number of fitting replacements that the search finds."""


def locate(function: str, program: Program, shown: Problem, limits: Limits = ANYTHING) -> Location | None:
    """Find where, when and how a function is wrong on a problem; `None` if no result of a step is to blame.

    A location that does not give whole answers has no `shown`.
    """
    if isinstance(shown, LayerProblem):
        with suppress(OtherStatesError):  # no step can be observed alone
            return _locate_in_layers(function, Budget(program, CALLS_OF_LAYERS), shown, limits)
        return None
    observer = Observer(function, Budget(program, CALLS), limits)
    every = chain([shown.inputs(function)], all_inputs(function, observer.draw, limits.dtypes))
    return _locate_in_steps(observer, [*observer.observe(every)])


def _locate_in_steps(observer: Observer, cases: list[Steps]) -> Location | None:
    """The location that explains all cases and new ones. The first case is the shown one."""
    target = _first_wrong(cases[:1], "") or _first_wrong(cases, "")
    if not target:
        return None
    target, how, conditions = _confirmed(observer, cases, target)
    function, limits = observer.function, observer.limits
    setting = observer.setting.name if observer.setting else ""
    shown = [name for name in RESULTS if any(name in case.shown for case in cases)]
    wrong = [name for name in shown if any(case.is_wrong(name) for case in cases)]
    for location in _variants(Location([target], conditions, how, False, setting, shown), wrong, cases[0]):
        program = mistaken_program(function, location.fault(function), limits)
        if all(same_leaves(program(case.inputs).outputs, case.answer.outputs) for case in cases):
            return location
    return _of_one_result(observer, cases, Location([target], conditions, how, setting=setting), wrong)


def _confirmed(
    observer: Observer, cases: list[Steps], target: str
) -> tuple[str, Replacement | None, Sequence[Condition] | None]:
    """The first wrong result, with the replacement and the conditions that new cases confirm.

    What the new cases refute is `None`. They are added to `cases`.
    """
    for seed in range(ROUNDS):
        how, conditions = _replacement_and_conditions(cases, target)
        example = next(case.inputs for case in reversed(cases) if case.is_wrong(target))
        dtypes = observer.limits.dtypes
        new = inputs_for_conditions(observer.draw, conditions or (), example, seed + 1, dtypes)
        more = [*observer.observe(chain(_block_inputs(observer, how, example), islice(new, MOST_CONFIRMING)))]
        cases += more
        earlier, target = target, _first_wrong(more, target)
        is_confirmed = target == earlier and observer.can_call and _holds(more, target, how, conditions)
        if is_confirmed and conditions:
            showing = [case for case in more if target in case.shown]
            is_confirmed = FeatureTable.of(showing, target).tests(conditions)
        if is_confirmed:
            return target, how, conditions
        if not observer.can_call:
            break
    return target, how if how and _holds(cases, target, how, None) else None, None


def _of_one_result(
    observer: Observer, cases: Sequence[Steps], found: Location, wrong: Sequence[str]
) -> Location | None:
    """What is true of one result, where a location does not give whole answers.

    `None` if no result is to blame: if its equation holds for the states that the program uses.
    """
    (target,), how, conditions = found.targets, found.how, found.conditions
    first = _first_wrong(cases, target)
    showing = [case for case in cases if case.is_wrong(first)]
    cached = [case.wrong_arguments(first) for case in showing]
    if any(case.is_returned_alone(first) for case in showing):
        return None
    if not how and not all(cached) and all(case.holds_in_cache(first) for case in showing):
        return None
    if all(_is_right_in_whole(observer, case, first) for case in showing):
        return None
    if first != target:  # in another case, which the replacement and the conditions do not explain
        how, conditions = None, None
    gates = [name for name in wrong if name in GATES.values()]
    targets = [target] if how else gates if first in gates else [first]
    if cases[0].first_wrong and not any(map(cases[0].is_wrong, targets)):
        return None  # no result is the first wrong one in the shown case and in all others
    found = replace(found, targets=targets, conditions=conditions, how=how)
    if how:
        return replace(found, besides=[name for name in wrong if name != target])
    if cached and all(cached):
        names = [name for name in STATES if all(name in each for each in cached)]
        return replace(found, targets=[first], cached=names)
    return found


def _is_right_in_whole(observer: Observer, case: Steps, target: str) -> bool:
    """Whether a result is that of the right program in all steps, if not that of the state that is shown."""
    right = Budget(specification(observer.function, observer.limits), CALLS_OF_LAYERS)
    found = next(replace(observer, program=right).observe([case.inputs]), None)
    if found is None or target not in found.shown:
        return False
    expected, shown = found.shown[target], case.shown[target]
    with np.errstate(all="ignore"):
        near = ~(np.abs(expected - shown) > case.tolerance(target)) & (np.isnan(expected) == np.isnan(shown))
    return bool(near.all())


def _block_inputs(observer: Observer, how: Replacement | None, example: Inputs) -> Iterator[Inputs]:
    """Problems that tell blocks of one size from larger ones, if the replacement has blocks.

    n_a, n_x or both are one block and a half, so that their sum is once two blocks, and once three. They are
    also the next whole number of blocks after those of an example, in which blocks of this size leave no row.
    """
    if not how or "blocks" not in how.map:
        return
    by = how.by
    more, less = by + by // 2 + 1, max(by // 2, 1)
    whole = [example.sizes[name] // by * by + by for name in ("n_a", "n_x")]
    for n_a, n_x in ((more, less), (less, more), (more, more), whole):
        sizes = {**BASE, "n_a": n_a, "n_x": n_x}
        yield observer.draw(**sizes, seed=n_a + n_x, regime="unit", dtype=observer.limits.dtypes[0])


def _first_wrong(cases: Sequence[Steps], default: str) -> str:
    """The first wrong result in any case."""
    return min((case.first_wrong for case in cases if case.first_wrong), key=RESULTS.index, default=default)


def _variants(location: Location, wrong: Sequence[str], case: Steps) -> Iterator[Location]:
    """Locations with the same replacement in one or several of the wrong results."""
    if location.conditions is None or location.how is None:
        return
    target = location.targets[0]
    sources = case.place.quantities.sources
    after = [
        name
        for name in wrong[wrong.index(target) + 1 :]
        if name != "yt_pred" and location.how.node in sources(name)
    ]
    gates = [name for name in wrong if name in GATES.values()] if target in GATES.values() else []
    for targets in dict.fromkeys(map(tuple, filter(None, ([target], [target, *after], gates)))):
        yield replace(location, targets=targets)
    yield replace(location, returned=True)


def _replacement_and_conditions(
    cases: Sequence[Steps], target: str
) -> tuple[Replacement | None, Sequence[Condition] | None]:
    """The cheapest replacement and conditions that explain the wrong elements; `None` if unknown."""
    cases = [case for case in cases if target in case.shown]
    best: tuple[float, Replacement | None, Sequence[Condition] | None] | None = None
    for k, replacement in enumerate(fitting_replacements(cases, target, MOST_REPLACEMENTS)):
        excluded = [unchanged(case, target, replacement) for case in cases]
        conditions = cheapest_conditions(FeatureTable.of(cases, target, excluded))
        cost = k * 0.3 + (5 if conditions is None else len(conditions))
        if best is None or cost < best[0]:
            best = cost, replacement, conditions
    if best:
        return best[1:]
    return None, cheapest_conditions(FeatureTable.of(cases, target), thresholds=_is_clear(cases, target))


def _is_clear(cases: Sequence[Steps], target: str) -> bool:
    """Whether no wrong element is nearly right. Otherwise a threshold may only say which errors show."""
    with np.errstate(all="ignore"):
        errors = [np.abs(case.shown[target] - case.right[target])[case.wrong(target)] for case in cases]
        return not any((each <= CLEAR).any() for each in errors)


def _holds(
    cases: Sequence[Steps], target: str, how: Replacement | None, conditions: Sequence[Condition] | None
) -> bool:
    """Whether the replacement gives all wrong elements, and these and almost no others meet conditions."""
    cases = [case for case in cases if target in case.shown]
    wrong = [case for case in cases if case.wrong(target).any()]
    if how and wrong and not fits(wrong, target, how):
        return False
    if conditions is None:
        return True
    excluded = [unchanged(case, target, how) for case in cases] if how else None
    return FeatureTable.of(cases, target, excluded).are_separated_by(conditions)


def _locate_in_layers(function: str, budget: Budget, shown: LayerProblem, limits: Limits) -> Location | None:
    """Locate a mistake in the steps of the simplest wrong setting.

    Layers with the weights of a file have no simpler settings, and are not located.
    """
    for setting in settings_of(shown, limits) if not shown.weights else ():
        observer = Observer(function, budget, limits, setting)
        sizes = {"n_x": shown.n_x, "n_a": shown.n_a, "m": shown.m, "T_x": shown.T_x}
        own = (observer.draw(**sizes, seed=k, regime="unit", dtype=limits.dtypes[0]) for k in range(2))
        # Every seventh problem: this dozen shows most mistakes.
        few = islice(all_inputs(function, observer.draw, limits.dtypes), 2, None, 7)
        cases = [*observer.observe(chain(own, few))]
        if wrong := [case.inputs for case in cases if case.first_wrong]:
            other = replace(observer, setting=replace(setting, is_backward=True))
            if setting.both and any(case.first_wrong for case in other.observe(wrong[:MOST_IN_BOTH])):
                observer.setting = replace(setting, name=setting.both)
            location = _locate_in_steps(observer, cases)
            if location and not location.how and _are_states_mixed(observer, cases):
                return None
            if location is None:
                return None
            if not location.shown:
                return _without_ends(location)
            tried = [location]
            # The simplest setting is observed with tanh alone.
            if not setting.name and CONTRACTS[function].network.has_activations:
                tried.append(replace(location, setting="tanh"))
            true = (each for each in tried if _explains_networks(each, observer, shown, wrong[0]))
            return next(true, replace(location, conditions=None, shown=()))
    return None


def _without_ends(location: Location) -> Location:
    """The location, without conditions that count from the last step, where lengths may end the samples."""
    counts = any(
        each.name == "step" and each.kind in ("from end", "last block") for each in location.conditions or ()
    )
    return replace(location, conditions=None) if counts else location


def _are_states_mixed(observer: Observer, cases: Sequence[Steps]) -> bool:
    """Whether every step is right once all entries of the initial states are equal.

    If so, only the order of these entries is wrong.
    """
    wrong = [case.inputs for case in cases if case.first_wrong]
    equal = (
        replace(each, a0=np.full_like(each.a0, number), c0=np.full_like(each.c0, number))
        for each in wrong
        for number in (0.5, -0.5)
    )
    found = [*observer.observe(equal)]
    return bool(found) and not any(case.first_wrong for case in found)


def _explains_networks(location: Location, observer: Observer, shown: LayerProblem, example: Inputs) -> bool:
    """Whether a location gives the answers of networks with other numbers of layers and directions.

    False, too, if the calls run out before all of these networks have answered.
    """
    function, limits, program = observer.function, observer.limits, observer.program
    predicted = mistaken_program(function, location.fault(function), limits)
    with suppress(BudgetSpentError):
        for inputs in testing_inputs(function, shown, limits, location.conditions or (), example):
            answer = program(inputs)
            if not answer.has_raised and not same_leaves(answer.outputs, predicted(inputs).outputs):
                return False
        return True
    return False
