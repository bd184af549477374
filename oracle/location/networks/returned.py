"""Which of what networks return is wrong, and when: what is said where no equation tells more."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from typing import Any

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.inputs import LayerInputs
from oracle.lengths import Lengths
from oracle.limits import Limits
from oracle.location.location import Location
from oracle.location.networks.answer import Answer, answer
from oracle.location.networks.stacking import and_larger
from oracle.location.when.elements import MOST_ELEMENTS
from oracle.location.when.options import BEYOND, LENGTH, SHORTER, UNEQUAL
from oracle.location.when.rules import Rule, rule
from oracle.location.when.table import FROM_END, Table
from oracle.location.when.words import words
from oracle.problem import LayerProblem
from reference.contract import CONTRACTS, Array

TIMES = 3
"""How many problems of each combination of options are asked in a round."""

ROUNDS = 4
"""How often a rule may be another one than before until none is told."""

STRAY = 0.05
"""Fewer wrong elements beside those of the array that has most tell nothing of when."""

MORE = 5
"""So many sizes from that of a larger counterexample on are asked."""

EXTENTS: Mapping[str, Sequence[int]] = {
    "n_x": (1, 2, 3, 4, 5),
    "n_a": (1, 2, 3, 4, 7),
    "m": (1, 2, 3, 4, 5, 7, 9),
    "T_x": (1, 2, 3, 4, 5, 6, 8, 11),
}
"""What is asked of each size, beside that of the counterexample."""


def what_is_returned(
    function: str, program: Program, counterexample: LayerProblem, limits: Limits
) -> Location | None:
    """Which arrays are wrong, in which problems and where in them; `None` where the counterexample is right.

    Of what is wrong above a layer that is wrong nothing is said.
    """
    returned = returned_by(function, program, counterexample, limits)
    if not returned.names:
        return None
    when = words(returned.rule) if returned.rule else ""
    return Location(f"the returned {', '.join(returned.names)}", when, "")


@dataclass(frozen=True)
class Returned:
    """Which arrays were wrong, by one rule if there is one, of the first that was; and their elements."""

    names: Sequence[str]
    tables: Mapping[str, Table]
    rule: Rule | None


def returned_by(function: str, program: Program, counterexample: LayerProblem, limits: Limits) -> Returned:
    """What some problems show, and more until the same rule is found of them; nothing of what is right."""
    first = counterexample.inputs(function)
    assert isinstance(first, LayerInputs)
    shown = answer(function, program, first) if first.x.size and not counterexample.weights else None
    if not shown or shown.is_right:
        return Returned((), {}, None)
    tables: dict[str, list[Table]] = {name: [] for name in CONTRACTS[function].outputs}
    wrong: dict[str, Table] = {}
    found: Rule | None = None
    for turn in range(ROUNDS):
        problems = _asked(counterexample, limits, range(TIMES * turn, TIMES * (turn + 1)))
        for inputs in chain([first] if not turn else [], problems):
            if shown := answer(function, program, inputs):
                for name, table in _tables(shown):
                    tables[name].append(table)
        every = {name: _of_layers(Table.joined(some)) for name, some in tables.items() if some}
        most = max((np.count_nonzero(table.wrong) for table in every.values()), default=0)
        wrong = {name: table for name, table in every.items() if np.count_nonzero(table.wrong) > STRAY * most}
        if not wrong:
            continue
        before, found = found, rule(next(iter(wrong.values())))
        if before and found and found.is_like(before):
            return Returned(_wrong_by(found, wrong), wrong, found)
    return Returned([*wrong], wrong, None)


def _wrong_by(found: Rule, wrong: Mapping[str, Table]) -> list[str]:
    """The arrays of which all that is wrong meets a rule."""
    return [name for name, table in wrong.items() if not table.wrong[~found.loosened.met_by(table)].any()]


def _of_layers(table: Table) -> Table:
    """Without what says which layer it is, where all that is wrong is in the first one.

    For so is all that is wrong in every layer, of which only the lowest is looked at.
    """
    every = table.features
    return table.with_those([name for name in every if "layer" not in name or every[name][table.wrong].any()])


def _asked(counterexample: LayerProblem, limits: Limits, times: Sequence[int]) -> Iterator[LayerInputs]:
    """An ordinary problem of each combination of options that a target does, so many times."""
    lengths: Sequence[Lengths] = ("absent", "random", "equal") if limits.lengths else ("absent",)
    own: Sequence[dict[str, Any]] = [{"activation": each} for each in limits.activations]
    if counterexample.kind == "lstm_layer":
        shares = {True: (0, 0.5, 1), "fewer": (0, 0.5), False: (0,)}[limits.projection]
        own = [{"share": share} for share in shares]
    every = product(times, and_larger(counterexample, limits), lengths, own)
    for seed, (time, (layers, directions), kind, options) in enumerate(every):
        rng = np.random.default_rng([time, seed])
        sizes = {name: int(rng.choice(_extents(name, getattr(counterexample, name)))) for name in EXTENTS}
        fields: dict[str, Any] = {**sizes, "layers": layers, "directions": directions}
        if "share" in options:
            fields["n_p"] = int(np.ceil(options["share"] * sizes["n_a"]))
        else:
            fields |= options
        regime = counterexample.regime if time % 2 else "unit"
        problem = replace(counterexample, **fields, lengths=kind, regime=regime, seed=seed, dtype="float64")
        inputs = limits.fitted(problem).inputs(problem.kind)
        assert isinstance(inputs, LayerInputs)
        yield inputs


def _extents(name: str, own: int) -> Sequence[int]:
    """With that of the counterexample, and more if it is larger, for that alone is no condition."""
    extents = EXTENTS[name]
    return (*extents, *range(own, own + MORE)) if own > max(extents) else (*extents, own)


def _tables(shown: Answer) -> Iterator[tuple[str, Table]]:
    """The elements of each array, layer by layer up to the lowest that is wrong, in which what is 0 is mute.

    It is so in the padding, of relu and of much that is wrong.
    """
    layers = len(shown.inputs.parameters) // shown.inputs.directions
    last = {name: np.split(wrong, layers) for name, wrong in shown.wrong.items() if name != "a"}
    lowest = next((k for k in range(layers) if any(each[k].any() for each in last.values())), layers - 1)
    for name, wrong in shown.wrong.items():
        value = shown.right[name].value
        if name != "a":
            for k in range(lowest + 1):
                yield name, _table(shown.inputs, last[name][k], np.split(value, layers)[k], k)
        elif lowest == layers - 1:
            yield name, _table(shown.inputs, wrong, value, lowest)


def _table(inputs: LayerInputs, wrong: Array, value: Array, layer: int) -> Table:
    features = _features(inputs, wrong.shape, layer)
    places = np.random.default_rng(0).permutation(np.argwhere(np.ones(wrong.shape, bool)))
    at = tuple(places[:MOST_ELEMENTS].T)
    known = {name: np.broadcast_to(each, wrong.shape)[at].astype(float) for name, each in features.items()}
    weight = np.full(len(at[0]), max(len(places) / MOST_ELEMENTS, 1.0))
    return Table(known, wrong[at], ~wrong[at] & (value[at] == 0), weight)


def _features(inputs: LayerInputs, shape: Sequence[int], layer: int) -> Mapping[str, Any]:
    """What is known of each element of states `(D n, m, T_x)`, or of last ones `(D n, m, 1)`."""
    rows, m, steps = shape
    T_x, D, sizes, ends = inputs.x.shape[2], inputs.directions, inputs.sizes, inputs.ends[:, None]
    row, unit = np.divmod(np.arange(rows)[:, None, None], max(rows // D, 1))
    sample = np.arange(m)[:, None]
    is_over_time = steps == T_x
    step = np.arange(T_x) if is_over_time else np.where(row == 0, ends - 1, 0)
    shortest_before = _accumulated(np.minimum, ends, T_x)
    shortest_after = _accumulated(np.minimum, ends[::-1], T_x)[::-1]
    longest_before = _accumulated(np.maximum, ends, 0)
    longest_after = _accumulated(np.maximum, ends[::-1], 0)[::-1]
    parts: dict[str, Any] = {
        "in a layer above another": layer > 0,
        "in a layer above two others": layer > 1,
        "in the last layer": layer == len(inputs.parameters) // D - 1,
        "of two layers or more": len(inputs.parameters) > D,
        "of the backward direction": row > 0,
        "in two directions": D > 1,
        "with lengths": inputs.lengths is not None,
        SHORTER: (ends < T_x).any(),
        UNEQUAL: len(np.unique(ends)) > 1,
        "of samples that end before x does": ends < T_x,
        "where a shorter sample before it is over": step >= shortest_before,
        "where a shorter sample after it is over": step >= shortest_after,
        "of samples with a shorter one before them": shortest_before < ends,
        "of samples with a longer one before them": longest_before > ends,
        "of samples with a shorter one after them": shortest_after < ends,
        "of samples with a longer one after them": longest_after > ends,
        BEYOND: step >= ends,
        "with relu": inputs.activation == "relu",
        "unit": unit,
        f"unit{FROM_END}": max(rows // D, 1) - 1 - unit,
        "sample": sample,
        f"sample{FROM_END}": m - 1 - sample,
        "step": step,
        f"step{FROM_END}": np.where(step < ends, ends - 1 - step, np.nan),
        LENGTH: ends,
        **{name: sizes[name] for name in ("n_x", "n_a", "m", "T_x")},
    }
    if inputs.kind == "lstm":
        parts["with a projection"] = any("Wp" in own for own in inputs.parameters)
        parts["with a projection to other than n_a units"] = sizes["n_h"] != sizes["n_a"]
    return parts


def _accumulated(least_or_most: np.ufunc, ends: Array, first: int) -> Array:
    """The least or the most of all before each `(m, 1)`; of none the first."""
    before = np.concatenate([np.full((1, 1), first), ends])[: len(ends)]
    return np.asarray(least_or_most.accumulate(before))
