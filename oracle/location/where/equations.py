"""All equations of a step, each held to the values that an implementation itself shows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

import reference
from oracle.location.where.again import of_first_of_that_xt
from oracle.location.where.equation import (
    CACHED,
    OF_STEP_BEFORE,
    RETURNED,
    TAKEN_BEFORE,
    Equation,
    count_wrong,
    loosened,
)
from oracle.location.where.head import of_step_before
from oracle.location.where.lstm import of_lstm
from oracle.location.where.rnn import of_rnn
from oracle.location.where.shown import Shown
from oracle.rounding import Arithmetic, Bounded
from reference.contract import Array


def equations(shown: Shown) -> list[Equation]:
    """All equations in the order of computing, of what the implementation shows.

    A step is computed from what it was given, and returns what it has computed. Where the caches hold
    something else than they should, or than is returned, that may be what was computed with, or a wrong
    record: whichever explains more of the steps. So each of these has two equations, one of which holds.
    """
    states = [name for name in ("a", "c") if name in shown.outputs]
    should = {"xt": shown.input, **{f"{name}_prev": shown.before(name) for name in states}}
    recorded = {name: shown.cached.get(name, array) for name, array in should.items()}
    inside = shown.as_cached()
    with np.errstate(all="ignore"):
        ways = [(_computed(shown, should), False, False)]
        if any((recorded[name] != should[name]).any() for name in should):
            ways.append((_computed(shown, recorded), True, False))
        if any((inside.outputs[name] != shown.outputs[name]).any() for name in states):
            ways.append((_computed(inside, recorded), True, True))
        differs = [(recorded[name] != array).any(axis=(0, 1)) for name, array in should.items()]
        if len(ways) > 1 and shown.repeats(np.flatnonzero(np.any(differs, axis=0))):
            ways = ways[1:]  # whatever the sizes are
        ways = ways if not shown.of_caches else [(_computed(shown, should), False, False)]
        found, used, apart = min(ways, key=lambda way: _unexplained(way[0]))
        if apart:  # the next step may go on from either
            for name in (name for name in should if name != "xt" and name in shown.cached):
                should[name] = _nearest(recorded[name], inside.before(name[0]), should[name])
        given = [
            _copy(shown, name, array, shown.cached[name], used)
            for name, array in should.items()
            if name in shown.cached
        ]
        kept = [
            equation
            for name in states
            if f"{name}_next" in shown.cached
            for equation in _returned(name, shown, inside, apart, found)
        ]
    every = [
        *(equation for pair in given for equation in pair),
        *found,
        *sorted(kept, key=lambda equation: equation.is_record),
    ]
    return [loosened(each, shown.slack[each.name]) if each.name in shown.slack else each for each in every]


@np.errstate(all="ignore")
def follows(shown: Shown) -> bool:
    """Whether all that is returned follows from what was given, whatever the caches hold."""
    given = {
        "xt": shown.input,
        **{f"{name}_prev": shown.before(name) for name in "ac" if name in shown.outputs},
    }
    return not any(_unexplained(_computed(shown, given)))


def _unexplained(every: Sequence[Equation]) -> tuple[int, int]:
    """How many elements of states are wrong, and how many of all; none, where only records of right ones are.

    States that follow from one another are those that were computed with, whatever is predicted.
    """
    if not count_wrong(each for each in every if not each.is_record):
        return 0, 0
    return count_wrong(each for each in every if each.row != "class"), count_wrong(every)


def _computed(shown: Shown, given: Mapping[str, Array]) -> list[Equation]:
    """What a step computes from what it was given."""
    p = {name: array.astype(np.float64) for name, array in shown.inputs.parameters.items()}
    given = {name: array.astype(np.float64) for name, array in given.items()}
    of_step = of_rnn if shown.inputs.kind == "rnn" else of_lstm
    return of_step(Arithmetic(shown.inputs.dtype), shown, p, given)


def _nearest(array: Array, *others: Array) -> Array:
    """The first of those others that have most in common with an array."""
    return min(others, key=lambda other: np.count_nonzero(other != array))


_COPIES = {"xt": "x of this step", "a_prev": f"a {OF_STEP_BEFORE}", "c_prev": f"c {OF_STEP_BEFORE}"}
"""What the entries of a cache are copies of."""


def _copy(shown: Shown, name: str, should: Array, cached: Array, used: bool) -> Iterator[Equation]:
    """That what a step was given is right, and that its record of that is."""
    row = "feature" if name == "xt" else "unit"
    right = _as_copied(should)
    terms = {} if name == "xt" else {other: array for other, array in shown.states.items() if other != name}
    of_used = {**terms, **dict(_used(shown, name, cached))}
    if used and name != "xt" and (cached != should).any() and shown.is_of_cell:
        of_used |= _made_again(shown, name[0])
    others = {} if name == "xt" else dict(shown.of_tiles(name[0]))
    every = (
        (name, cached if used else should, of_used),
        (f"{CACHED}{name}", should if used else cached, terms),
    )
    for called, array, known in every:
        yield Equation(called, _COPIES[name], row, shown, array, right, known, others=others)


def _used(shown: Shown, name: str, cached: Array) -> Iterator[tuple[str, Array]]:
    """What may be used again: what was given before, a prediction of as many classes, the other state."""
    if name == "xt":
        yield TAKEN_BEFORE, of_step_before(cached)
    else:
        yield f"{name} {OF_STEP_BEFORE}", of_step_before(cached)
        yield f"{name} of the first step of the same xt", of_first_of_that_xt(shown.input, cached)
        yield f"{name[0]}0", getattr(shown.inputs, f"{name[0]}0")[:, :, None].astype(np.float64)
    y = shown.outputs.get("y")
    if y is not None and y.shape == cached.shape:
        yield "yt_pred of the step before", of_step_before(y)
    if name == "c_prev":
        a = shown.before("a").astype(np.float64)
        for most in (0.9, 0.95, 0.99, 0.999):
            yield f"arctanh of a_prev limited to ±{most:g}", np.arctanh(np.clip(a, -most, most))


def _made_again(shown: Shown, name: str) -> dict[str, Array]:
    """The state `a` or `c` after a step that is made twice."""
    a = shown.outputs["a"]
    c = shown.outputs["c"] if "c" in shown.outputs else shown.before("a")[:0]  # of an RNN there are no units
    cell = f"{shown.inputs.kind}_cell_forward"
    found = {}
    for which, x in (("this step", shown.input), ("the step before", of_step_before(shown.input))):
        steps = replace(shown.inputs, x=x).steps(a, c)
        made = getattr(reference, cell)(*steps.arguments(cell))["ac".index(name)]
        found[f"the state that {which} makes of the right one"] = made.reshape(a.shape)
    return found


def _returned(
    name: str, shown: Shown, inside: Shown, apart: bool, computed: Sequence[Equation]
) -> Iterator[Equation]:
    """That a step returns what it has computed, and keeps that in its cache."""
    ours, cached = shown.outputs[name], inside.outputs[name]
    made = next(each for each in computed if each.name == f"{name}_next")
    known = {**made.terms, "yt_pred": shown.outputs.get("y", ours[:0])}
    made_of = {other: term for other, term in known.items() if term.shape == ours.shape}
    terms = shown.states
    if apart:
        terms = {**inside.states, f"the returned {name} of the step before": shown.before(name)}
    for called, statement, should in (
        (f"{RETURNED}{name}", f"{name}_next of each step", cached),
        (f"{CACHED}{name}_next", f"{name} as returned", ours),
    ):
        array = ours if apart else cached
        yield Equation(called, statement, "unit", shown, array, _as_copied(should), terms, others=made_of)


def _as_copied(array: Array) -> Bounded:
    """An array, or one that was computed once more: the steps before a wrong one may differ by rounding."""
    size = np.abs(array).max(axis=(0, 2), keepdims=True, initial=0)
    return Bounded(array, np.broadcast_to(4 * np.finfo(array.dtype).eps * size, array.shape))
