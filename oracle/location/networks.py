"""What a whole network does wrong where each of its steps is right."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from oracle import propagation
from oracle.diagnosis.behaviour import Program
from oracle.inputs import LayerInputs
from oracle.limits import Limits
from oracle.location.facts import Feature, Form, Location, When, Where
from oracle.location.features import derived
from oracle.location.layers import returned
from oracle.location.simulate import LENGTHS, PLACES, simulate
from oracle.location.when import Table, rule
from oracle.problem import LayerProblem
from reference.contract import Array

TOLERANCE = {"float64": 1e-9, "float32": 1e-4, "float16": 1e-2}
"""How far what a form gives may be from what is shown; small networks of ordinary numbers are asked."""


@dataclass(frozen=True)
class Answer:
    """What a network has returned, and what is right, by name."""

    inputs: LayerInputs
    shown: dict[str, Array]
    right: dict[str, Array]
    wrong: dict[str, Array]

    @property
    def is_wrong(self) -> bool:
        """Whether anything is."""
        return any(each.any() for each in self.wrong.values())

    def is_given_by(self, form: Form) -> bool:
        """Whether a form gives all that is shown."""
        found = simulate(self.inputs, form)
        return all(self._same(shown, found[name]) for name, shown in self.shown.items())

    def is_changed_by(self, form: Form) -> bool:
        """Whether a form gives anything but what is right."""
        found = simulate(self.inputs, form)
        return not all(self._same(right, found[name]) for name, right in self.right.items())

    def _same(self, shown: Array, found: Array) -> bool:
        tolerance = TOLERANCE[self.inputs.dtype.name]
        return bool((np.abs(shown - found) <= tolerance * (1 + np.abs(found))).all())


def answer(function: str, program: Program, inputs: LayerInputs) -> Answer | None:
    """What a network shows; `None` where it raised, or has other shapes."""
    found = returned(program(inputs), inputs)
    if found is None:
        return None
    bounds = propagation.evaluate(inputs)
    right = {name: bounds[name].value.reshape(array.shape) for name, array in found.items()}
    allowed = {name: bounds[name].error.reshape(array.shape) for name, array in found.items()}
    with np.errstate(all="ignore"):
        wrong = {
            n: np.isfinite(right[n]) & ~(np.abs(a - right[n]) <= 2 * allowed[n] + 1e-13)
            for n, a in found.items()
        }
    return Answer(inputs, found, right, wrong)


FRESH = 12
"""How many networks are asked to confirm what was found."""
LONG = 60
"""Steps beyond which nothing but lengths is looked for."""
LEAST = 3
"""Answers at least that have to be wrong for a form to be said of them."""

SIZES = ((3, 4, 5, 4), (2, 3, 4, 6), (4, 3, 9, 3), (3, 2, 1, 5))
"""n_x, n_a, m and T_x of the networks that are asked."""


def networks(counterexample: LayerProblem, limits: Limits) -> Iterator[LayerProblem]:
    """Small networks of what the counterexample has: stacked, in its directions, with sequences that end."""
    fits = limits.fitted
    plain: dict[str, Any] = {"regime": "unit", "dtype": limits.dtypes[0], "initial": "given"}
    has_lengths = counterexample.lengths != "absent" and limits.lengths
    layers = {1, 2, 3} if counterexample.layers > 1 else {1}
    every = sorted({(L, D) for L in layers for D in {1, counterexample.directions}})
    for seed, (n_x, n_a, m, T_x) in enumerate(SIZES):
        for L, D in every:
            for lengths in ("absent", "random", "equal", "with T_x") if has_lengths else ("absent",):
                if seed > 1 and (L == 3 or lengths == "equal"):
                    continue
                sizes: dict[str, Any] = {"m": m, "T_x": T_x}
                if not counterexample.weights:
                    n_p = (
                        0
                        if not counterexample.n_p
                        else n_a
                        if counterexample.n_p == counterexample.n_a
                        else max(n_a - 1, 1)
                    )
                    sizes |= {"n_x": n_x, "n_a": n_a, "layers": L, "directions": D, "n_p": n_p}
                made = replace(counterexample, **plain, **sizes, lengths=lengths, seed=seed)
                yield fits(made)  # type: ignore[misc]
            if counterexample.weights:
                break


def fresh(counterexample: LayerProblem, limits: Limits, seed: int) -> Iterator[LayerInputs]:
    """More of them, of other seeds; of lengths that are alike, or all short; with inputs that are 0."""
    rng, every = np.random.default_rng(seed), [*networks(counterexample, limits)]
    for k in range(FRESH):
        problem = every[(7 * k + seed) % len(every)]
        given = replace(problem, seed=100 * seed + k).inputs(problem.kind)
        _, m, T_x = given.x.shape
        if given.lengths is not None and T_x > 1:
            some = np.asarray(rng.integers(1, T_x, m))
            choices: list[Array] = [
                given.lengths,
                some,
                0 * some + some[0],
                np.where(np.arange(m) == rng.integers(m), T_x, some),
            ]
            given = replace(given, lengths=choices[int(rng.integers(4))])
        if k % 3 == 0:
            given = replace(given, x=given.x * (rng.random((1, m, T_x)) < 0.7))
        yield given


def forms(function: str, inputs: LayerInputs) -> Iterator[Form]:
    """What a network may have taken for something else."""
    is_lstm = inputs.kind == "lstm"
    for name, (_, numbers) in LENGTHS.items():
        for by in numbers:
            yield Form("lengths", map=name, by=by)
    for scope in ("layers above", "backward", "forward"):
        yield Form("lengths", source=scope, map="none")
    yield Form("lengths", map="ends with the first sample")
    for name in (
        "the first one before all others",
        "as many as the sequence has, from the end of x",
        "none where no sequence has the last one",
        "forward",
    ):
        yield Form("backward steps", map=name)
    for name in ("features and samples reversed", "samples reversed", "units reversed"):
        yield Form("backward input", map=name)
    for name in ("a is 0", "a goes on", *(("c goes on",) if is_lstm else ())):
        yield Form("padding", map=name)
    for name in ("the state", "the state, at the first step"):
        yield Form("shown padding", map=name)
    for name in (
        "the backward one over all of x reversed", "the backward one in the order of its steps",
        "the backward one behind the padding", "unit by unit", "the backward one twice",
        "the forward one twice", "backward first",
    ):  # fmt: skip
        yield Form("hidden", map=name)
    states = ("a0", "c0", "a0 and c0") if is_lstm else ("a0",)
    for state in states:
        for name in (
            *PLACES,
            "zero",
            "the other",
            "what the one before has ended with",
            "what the layer below has ended with",
        ):
            yield Form(state, map=name)
    for state in ("a_last", "c_last", "a_last and c_last") if is_lstm else ("a_last",):
        for name in (*PLACES, "in the sorted order", "sorted twice"):
            yield Form(state, map=name)
    yield Form("a_last", map="the last step of x")
    for name in ("", *inputs.parameters[0]):
        for place in PLACES:
            yield Form("parameters", source=name, map=place)
    for node in ("x", "x of each layer"):
        for name in (
            "(samples, steps) as (steps, samples)", "(steps, samples) as (samples, steps)",
            "steps and samples exchanged", "steps reversed", "samples reversed", "transposed",
            "(steps, units, samples) as (units, samples, steps)",
        ):  # fmt: skip
            yield Form(node, map=name)
    yield Form("x", map="zero steps are padding")
    yield Form("handed on", map="the step before, first the initial state")
    for name in ("step back", "steps reversed"):
        yield Form("handed on", map=name, by=1)


def features(inputs: LayerInputs) -> dict[Feature, float]:
    """What is known of a whole network, in which a condition may be put."""
    D = inputs.directions
    L, (n_x, m, T_x), ends = len(inputs.parameters) // D, inputs.x.shape, inputs.ends
    n_a = inputs.a0.shape[1] if inputs.kind == "rnn" else inputs.c0.shape[1]
    found = {
        Feature("size", name): float(size)
        for name, size in {"n_x": n_x, "n_a": n_a, "m": m, "T_x": T_x}.items()
    }
    found |= {Feature("network", "layers"): L, Feature("network", "directions"): D}
    pairs = (("n_x", "n_a"), ("n_x", "m"), ("n_a", "m"), ("m", "T_x"), ("n_x", "T_x"))
    sizes = {"n_x": n_x, "n_a": n_a, "m": m, "T_x": T_x}
    found |= {Feature("equal", f"{a} = {b}"): float(sizes[a] == sizes[b]) for a, b in pairs}
    if m and T_x:
        told = {
            "any length < T_x": (ends < T_x).any(),
            "all lengths < T_x": (ends < T_x).all(),
            "the lengths are equal": (ends == ends[0]).all(),
            "another is longer than the first": (ends > ends[0]).any(),
            "the last has T_x steps": ends[-1] == T_x,
            "the first has T_x steps": ends[0] == T_x,
            "lengths are given": inputs.lengths is not None,
        }
        found |= {Feature("network", name): float(value) for name, value in told.items()}
    return found


def locate_in_networks(
    function: str, program: Program, answers: list[Answer], counterexample: LayerProblem, limits: Limits
) -> Location | None:
    """What all wrong answers are, if it is one form, and when; `None` where there is no such.

    Adds to the answers those by which a form is confirmed.
    """
    every = fresh(counterexample, limits, 1)
    answers += filter(None, (answer(function, program, inputs) for inputs in every))
    wrong = [each for each in answers if each.is_wrong]
    if len(wrong) < LEAST:
        return None
    ordered = sorted(wrong, key=lambda each: each.inputs.x.size * len(each.inputs.parameters))
    every_form = forms(function, wrong[0].inputs)
    if ordered[0].inputs.x.shape[2] > LONG:  # where a count of steps is wrong, and it would take long
        every_form = (form for form in every_form if form.node == "lengths")
    for form in every_form:
        if not all(each.is_given_by(form) for each in ordered):
            continue
        when = rule_of([each for each in answers if each.is_wrong or each.is_changed_by(form)])
        if when is not None and when.conditions:
            more = [answer(function, program, inputs) for inputs in fresh(counterexample, limits, 2)]
            answers += [each for each in more if each]
            if not all(each.is_given_by(form) for each in answers if each.is_wrong):
                continue
            when = rule_of([each for each in answers if each.is_wrong or each.is_changed_by(form)])
        return Location(Where(form.node, stage="network"), when, form)
    return None


def rule_of(answers: Sequence[Answer]) -> When | None:
    """When those are wrong for which a form makes a difference."""
    found = [features(each.inputs) for each in answers]
    names = [*dict.fromkeys(name for each in found for name in each)]
    values = np.array([[each.get(name, np.nan) for each in found] for name in names])
    more = derived({}) if not len(values) else {}
    wrong = np.array([each.is_wrong for each in answers])
    table = Table([*names, *more], values, wrong, ())
    return rule(table, True, least=1)
