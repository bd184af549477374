"""Selects the problems on which the mistakes of the catalogue have different answers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from oracle.problems.inputs import Inputs, LayerInputs
from oracle.problems.limits import ANYTHING, Limits
from oracle.problems.problem import LayerProblem, Problem
from reference.contract import CONTRACTS, NETWORKS


class Scope(NamedTuple):
    """Says on which problems mistakes are compared, and which mistakes can be named.

    No problem needs what the `limits` of the target exclude. With a `network`, the simplest problem of a file
    of weights, all problems have these weights, since the target computes with no others. `extreme` adds
    problems with large logits, on which an overflow shows. With `whole`, a mistake must explain everything
    that is wrong.
    """

    limits: Limits = ANYTHING
    network: LayerProblem | None = None
    extreme: bool = False
    whole: bool = False


ORDINARY = Scope()
"""Ordinary problems without limits."""


def distinguishing_inputs(function: str, counterexample: Inputs, scope: Scope = ORDINARY) -> list[Inputs]:
    """The inputs of the problems that distinguish mistakes, then the counterexample."""
    problems = distinguishing_problems(function, counterexample, scope)
    return [*(problem.inputs(function) for problem in problems), counterexample]


def distinguishing_problems(
    function: str, counterexample: Inputs, scope: Scope = ORDINARY
) -> tuple[Problem, ...]:
    """The problems that distinguish mistakes. Most counterexamples have the same problems.

    The first problem comes again after the second, which has the same shape, to show state between calls.
    """
    first, second = opening_problems(function, scope.network)
    chosen = [first, second, first, *further_problems(function, counterexample, scope.network)]
    if scope.extreme and not scope.network:
        chosen += extreme_problems(function)
    return tuple(map(scope.limits.fitted, chosen))


def opening_problems(function: str, network: LayerProblem | None = None) -> Sequence[Problem]:
    """Two problems of equal shapes. Without `network`, layers have two layers, two directions, lengths."""
    if network:
        first: Problem = replace(network, m=7, T_x=4, lengths="random")
    elif CONTRACTS[function].is_layer:
        first = Problem.of(function, n_x=3, n_a=5, m=7, T_x=4, layers=2, directions=2, lengths="random")
    else:
        first = Problem.of(function, n_x=3, n_a=4, n_y=2, m=5, T_x=6)
    return first, replace(first, seed=5)


def further_problems(
    function: str, counterexample: Inputs, network: LayerProblem | None = None
) -> list[Problem]:
    """The other problems, which vary the order of the sizes, the number of steps, and the options of layers.

    Many targets have no projection, so a problem has one only if the counterexample has one.
    """
    if network:
        return [replace(network, m=4, T_x=5, seed=1), replace(network, m=3, T_x=1, seed=3)]
    if not isinstance(counterexample, LayerInputs):
        return [
            Problem.of(function, n_x=2, n_a=3, n_y=4, m=6, T_x=3, seed=1),
            Problem.of(function, n_x=3, n_a=3, n_y=3, m=3, T_x=4, seed=2),
            Problem.of(function, n_x=2, n_a=3, n_y=1, m=2, T_x=1, regime="wild", seed=3),
            Problem.of(function, n_x=17, n_a=18, n_y=9, m=16, T_x=8, seed=4),
        ]
    both = {"layers": 2, "directions": 2}
    chosen = [
        Problem.of(function, n_x=4, n_a=2, m=3, T_x=3, layers=3, directions=2, seed=1),  # n_x = D n_h
        Problem.of(function, n_x=2, n_a=6, m=4, T_x=5, layers=3, lengths="with 1", seed=5),
        Problem.of(function, n_x=2, n_a=3, m=3, T_x=1, regime="wild", seed=3),
    ]
    if NETWORKS[counterexample.kind].has_activations:
        relu = {"activation": "relu", "n_x": 2, "n_a": 3, "m": 4, "T_x": 3}
        chosen += [
            Problem.of(function, **relu, **both, lengths="random", seed=8),  # every sample ends before T_x
            Problem.of(function, **relu, layers=1, directions=2, seed=9),
            Problem.of(function, **relu, layers=3, directions=2, seed=10),
        ]
    if "Wp" in counterexample.parameters[0]:
        chosen += [
            Problem.of(function, n_x=3, n_a=4, n_p=2, m=3, T_x=4, **both, lengths="random", seed=5),
            Problem.of(function, n_x=6, n_a=3, n_p=3, m=2, T_x=3, **both, seed=6),
        ]
    return chosen


def extreme_problems(function: str) -> list[Problem]:
    """Problems with large pre-activations and logits."""
    contract, huge = CONTRACTS[function], {"regime": "huge", "n_x": 2}
    if contract.is_layer:
        return [Problem.of(function, **huge, n_a=2, m=4, T_x=3, seed=7)]
    chosen = [Problem.of(function, **huge, n_a=2, n_y=3, m=4, T_x=3, seed=7578)]
    if contract.network.gates:  # only some gates overflow on this problem
        chosen.append(Problem.of(function, **huge, n_a=3, n_y=2, m=6, T_x=1, seed=131))
    return chosen


def square_problems(function: str) -> list[Problem]:
    """Problems with equal sizes, on which a program with exchanged axes does not raise."""
    contract = CONTRACTS[function]
    if contract.is_layer:
        return []
    return [
        Problem.of(function, n_x=3, n_a=3, n_y=3, m=3, T_x=3, seed=8),
        Problem.of(function, n_x=2, n_a=3, n_y=5, m=4, T_x=4, seed=9),
    ]


def has_more_options(inputs: Inputs, counterexample: Inputs) -> bool:
    """Whether a problem of layers has an option that the counterexample, and so perhaps the target, lacks."""
    if not (isinstance(inputs, LayerInputs) and isinstance(counterexample, LayerInputs)):
        return False
    return not _options(inputs).keys() <= _options(counterexample).keys()


def _options(inputs: LayerInputs) -> dict[str, Any]:
    """The options that a problem of layers uses, each with its value for a problem of a few units."""
    options = {
        "layers": 2 if len(inputs.parameters) > inputs.directions else 0,
        "directions": 2 if inputs.directions > 1 else 0,
        "lengths": "random" if inputs.lengths is not None else "",
        "n_p": 3 if "Wp" in inputs.parameters[0] else 0,
        "activation": "relu" if inputs.activation == "relu" else "",
    }
    return {name: value for name, value in options.items() if value}


def larger_problem(function: str, counterexample: Inputs, network: LayerProblem | None = None) -> Problem:
    """A larger problem with the options of the counterexample."""
    options = _options(counterexample) if isinstance(counterexample, LayerInputs) else {}
    if network:
        return replace(network, m=5, T_x=6, lengths=options.get("lengths", "absent"))
    return Problem.of(function, n_x=3, n_a=4, n_y=2, m=5, T_x=6, **options)
