"""Locates mistakes of the catalogue outside the steps of a network, and in calls without initial states."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice, product
from typing import Any

import numpy as np

from oracle.diagnosis.behaviour import Program, mistaken_program
from oracle.faults import RARE, mistakes_in
from oracle.faults.fault import Fault
from oracle.faults.layer_equations import OUTSIDE_STEPS
from oracle.location.facts import Location, Replacement, When, Where
from oracle.location.layer_observations import returned_arrays
from oracle.network.expressions import Equations
from oracle.problems.inputs import LayerInputs
from oracle.problems.limits import Limits
from oracle.problems.problem import LayerProblem
from oracle.witnesses import propagation
from reference.contract import CONTRACTS, Array


@cache
def network_mistakes(function: str) -> Mapping[Replacement, Fault]:
    """Mistakes outside the steps, by replacement. A mistake in both states is listed for each state, too."""
    mistakes = {}
    for fault in (*mistakes_in(function), *RARE.values()):
        changes = fault.changes[function]
        is_outside = changes.keys() <= OUTSIDE_STEPS or "order" in changes or fault.name in RARE
        if fault.group == "purity" or not is_outside:
            continue
        mistakes[Replacement(_last_equation(changes), mistake=fault.name)] = fault
        for state in "ac" if function == "lstm_layer" else ():
            alone = _in_one_state(changes, state)
            if alone and alone.keys() != changes.keys():
                replacement = Replacement(_last_equation(alone), source=state, mistake=fault.name)
                mistakes[replacement] = replace(fault, changes={function: alone})
    return mistakes


def _last_equation(changes: Equations) -> str:
    """The last changed equation outside the steps; `begin` or `last` if both states' equations change."""
    name = [each for each in changes if each in OUTSIDE_STEPS or each == "order"][-1]
    state, _, part = name.partition("_")
    is_of_both = state in "ac" and {f"a_{part}", f"c_{part}"} <= changes.keys()
    return ("begin" if part in ("first", "begin") else "last") if is_of_both else name


def _in_one_state(changes: Equations, state: str) -> Equations:
    """The changes of one state, `a` or `c`; empty if the mistake changes other equations, too."""
    if not all(name == "begin" or name.startswith(("a_", "c_")) for name in changes):
        return {}
    alone = {name: change for name, change in changes.items() if name.startswith(f"{state}_")}
    if begin := changes.get("begin"):
        alone[f"{state}_begin"] = lambda v: getattr(v, f"{state}_first")[begin(v)]
    return alone


TOLERANCE = {"float64": 1e-9, "float32": 1e-4, "float16": 1e-2}
"""How far a returned value may be from the value that a mistake gives, relative to 1 + its magnitude."""


@dataclass(frozen=True)
class NetworkAnswer:
    """The arrays that a network returned (`shown`), the right arrays, and whether each element is wrong."""

    function: str
    inputs: LayerInputs
    shown: dict[str, Array]
    right: dict[str, Array]
    wrong: dict[str, Array]

    @property
    def is_wrong(self) -> bool:
        """Whether any element is wrong."""
        return any(each.any() for each in self.wrong.values())

    def is_close_to(self, other: "NetworkAnswer") -> bool:
        """Whether two answers to the same inputs are equal but for rounding."""
        return all(np.allclose(self.shown[name], other.shown[name], equal_nan=True) for name in self.shown)

    def is_given_by(self, replacement: Replacement) -> bool:
        """Whether a mistake gives all returned values."""
        return self._are_given_by(replacement, self.shown)

    def is_changed_by(self, replacement: Replacement) -> bool:
        """Whether a mistake changes any right value."""
        return not self._are_given_by(replacement, self.right)

    def _are_given_by(self, replacement: Replacement, arrays: Mapping[str, Array]) -> bool:
        program = mistaken_program(self.function, network_mistakes(self.function)[replacement])
        found = returned_arrays(program(self.inputs), self.inputs)
        tolerance = TOLERANCE[self.inputs.dtype.name]
        return found is not None and all(
            (np.abs(array - found[name]) <= tolerance * (1 + np.abs(found[name]))).all()
            for name, array in arrays.items()
        )


def network_answer(function: str, program: Program, inputs: LayerInputs) -> NetworkAnswer | None:
    """The answer of a network; `None` if the call raised or returned other shapes."""
    found = returned_arrays(program(inputs), inputs)
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
    return NetworkAnswer(function, inputs, found, right, wrong)


CONFIRMING_NETWORKS = 12
"""The number of networks that confirm a location."""
MOST_STEPS = 60
"""If every wrong network has more steps, only mistakes in lengths are tried, to save time."""
LEAST_WRONG = 3
"""The smallest number of wrong answers that a location needs."""

SIZES = ((3, 4, 5, 4), (2, 3, 4, 6), (4, 3, 9, 3), (3, 2, 1, 5))
"""n_x, n_a, m and T_x of the networks."""


def networks(counterexample: LayerProblem, limits: Limits) -> Iterator[LayerProblem]:
    """Small networks, with several layers, two directions and lengths only if the counterexample has them."""
    plain: dict[str, Any] = {"regime": "unit", "dtype": limits.dtypes[0], "initial": "given"}
    has_lengths = counterexample.lengths != "absent" and limits.lengths
    layers = (1, 2, 3) if counterexample.layers > 1 else (1,)
    lengths = ("absent", "random", "equal", "with T_x") if has_lengths else ("absent",)
    every = [*product(layers, sorted({1, counterexample.directions}), lengths)]
    for seed, (n_x, n_a, m, T_x) in enumerate(SIZES):
        for L, D, kind in every:
            sizes: dict[str, Any] = {"m": m, "T_x": T_x, "lengths": kind}
            if not counterexample.weights:
                fewer = n_a if counterexample.n_p == counterexample.n_a else max(n_a - 1, 1)
                n_p = fewer if counterexample.n_p else 0
                sizes |= {"n_x": n_x, "n_a": n_a, "layers": L, "directions": D, "n_p": n_p}
            fitted = limits.fitted(replace(counterexample, **plain, **sizes, seed=seed))
            assert isinstance(fitted, LayerProblem)
            yield fitted


def confirming_networks(counterexample: LayerProblem, limits: Limits, seed: int) -> Iterator[LayerInputs]:
    """New networks. In some, all sequences end before T_x; in some, the input is 0 at some steps."""
    rng, every = np.random.default_rng(seed), [*networks(counterexample, limits)]
    for k in range(CONFIRMING_NETWORKS):
        problem = every[(7 * k + seed) % len(every)]
        given = replace(problem, seed=100 * seed + k).inputs(problem.kind)
        _, m, T_x = given.x.shape
        if k % 2 and given.lengths is not None:
            given = replace(given, lengths=rng.integers(1, max(T_x, 2), m))
        yield replace(given, x=given.x * (rng.random((1, m, T_x)) < 0.7)) if k % 3 == 0 else given


def locate_in_networks(
    function: str,
    program: Program,
    answers: list[NetworkAnswer],
    counterexample: LayerProblem,
    limits: Limits,
) -> Location | None:
    """Locate the mistake that gives all wrong answers; `None` if no mistake does.

    Appends the answers of new networks to `answers`.
    """
    every = confirming_networks(counterexample, limits, 1)
    answers += filter(None, (network_answer(function, program, inputs) for inputs in every))
    if sum(each.is_wrong for each in answers) < LEAST_WRONG:
        return None
    is_long = all(each.inputs.x.shape[2] > MOST_STEPS for each in answers if each.is_wrong)
    without_when = None
    for replacement, fault in network_mistakes(function).items():
        if (is_long and fault.group != "lengths") or not explains_answers(replacement, answers):
            continue
        where = Where(replacement.node, stage="network")
        location = Location(where, always_if_consistent(answers, replacement), replacement)
        if location.when:
            return location
        without_when = without_when or location
    return without_when


def explains_answers(replacement: Replacement, answers: Sequence[NetworkAnswer]) -> bool:
    """Whether a mistake gives all wrong answers."""
    wrong = sorted((each for each in answers if each.is_wrong), key=lambda each: each.inputs.x.size)
    return all(each.is_given_by(replacement) for each in wrong)


@dataclass(frozen=True)
class InputsWithoutStates(LayerInputs):
    """Inputs for a call without the `absent` initial states. The arrays of these states are 0."""

    absent: tuple[str, ...] = ()

    def arguments(self, function: str) -> list[Any]:
        """The arguments of a call of `function`, with `None` for each absent state."""
        contract = CONTRACTS[function]
        given = zip([*contract.arguments, *contract.last_arguments], super().arguments(function), strict=True)
        return [None if name in self.absent else argument for name, argument in given]


def _networks_without_states(
    absent: tuple[str, ...], function: str, counterexample: LayerProblem, limits: Limits, seed: int
) -> Iterator[InputsWithoutStates]:
    """Eight networks without the `absent` initial states: four, then the same four with other numbers.

    Some have two layers, since a state may come from another layer. Where possible, the second four have a
    projection if the first four have none, and none if they have one.
    """
    can_change = function == "lstm_layer" and limits.projection and not counterexample.weights
    if not counterexample.weights:
        counterexample = replace(counterexample, layers=2)
    every = (
        each for each in networks(counterexample, limits) if each.lengths == "absent" and each.layers < 3
    )
    for k, problem in enumerate([*islice(every, 4)] * 2):
        if can_change and k >= 4:
            problem = replace(problem, n_p=0 if problem.n_p else problem.n_a - 1)
        given = vars(replace(problem, seed=problem.seed + seed + k).inputs(function))
        yield InputsWithoutStates(**given | {name: 0 * given[name] for name in absent}, absent=absent)


def locate_absent_states(
    function: str, program: Program, counterexample: LayerProblem, limits: Limits, seed: int = 0
) -> Location | None:
    """Locate a layer's wrong values for absent initial states; `None` if it uses zeros.

    The layer must be right in calls with initial states.
    """
    states = ("a0", "c0") if function == "lstm_layer" else ("a0",)
    for absent in dict.fromkeys((states, *zip(states))):  # all states, then each state alone
        every = _networks_without_states(absent, function, counterexample, limits, seed)
        answers = [found for inputs in every if (found := network_answer(function, program, inputs))]
        if any(each.is_wrong for each in answers):
            setting = "absent" if absent == states else "absent alone"
            where = Where(" and ".join(absent), setting=(setting,), stage="network")
            for replacement in network_mistakes(function):
                if explains_answers(replacement, answers):
                    return Location(where, always_if_consistent(answers, replacement), replacement)
            return Location(where)
    return None


def always_if_consistent(answers: Sequence[NetworkAnswer], replacement: Replacement) -> When | None:
    """A `When` that always holds, if every answer that the mistake should change is wrong; or else `None`."""
    changed = [each for each in answers if each.is_wrong or each.is_changed_by(replacement)]
    return When(has_unchanged=len(changed) < len(answers)) if all(each.is_wrong for each in changed) else None
