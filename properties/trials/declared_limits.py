"""Finds declared limits that a target does not have: it solves a problem beyond the limit."""

from collections.abc import Iterator

import numpy as np

from oracle.limits import (
    DTYPES,
    MANY,
    ONE_DIRECTION,
    STACKED_FORWARD,
    TWO_DIRECTIONS,
    Limits,
    at_most,
)
from oracle.problem import Problem
from oracle.verdict import Comparison
from properties.implementations.answer import Answer, MalformedError
from properties.implementations.implementation import Implementation, Returned
from properties.questions.question import Question
from reference.contract import CONTRACTS


def beyond(limits: Limits, function: str) -> Iterator[tuple[str, Problem]]:
    """Each limit of the function, in words, and a problem beyond it.

    There is no such problem for the limits on caches, predictions, last cell states and bad shapes.
    """
    contract = CONTRACTS[function]
    least = {"directions": limits.least_directions} if contract.is_layer else {}
    given: dict[str, object] = {"dtype": limits.dtypes[0], **least}
    for other in DTYPES:
        if other not in limits.dtypes:
            yield f"no {other}", _problem(function, **given | {"dtype": other})
    if not contract.is_layer:
        return
    if limits.layers < MANY:
        yield at_most(limits.layers), _problem(function, **given | {"layers": limits.layers + 1})
    if limits.directions == 1:
        yield ONE_DIRECTION, _problem(function, **given | {"directions": 2})
    if limits.least_directions == 2:
        yield TWO_DIRECTIONS, _problem(function, **given | {"directions": 1})
    if limits.stacked_directions < limits.directions and limits.layers > 1:
        yield STACKED_FORWARD, _problem(function, **given | {"layers": 2, "directions": 2})
    if not limits.lengths:
        yield "no lengths", _problem(function, **given, lengths="random")
    if not limits.projection and contract.kind == "lstm":
        yield "no projection", _problem(function, **given, n_p=2)
    if not limits.initial_state:
        yield "no initial state", _problem(function, **given)
    for activation in ("tanh", "relu"):
        if activation not in limits.activations and contract.kind == "rnn":
            yield f"no {activation}", _problem(function, **given, activation=activation)
    for size in ("n_x", "m", "T_x"):
        if size not in limits.empty:
            yield f"never {size} = 0", _problem(function, **given, **{size: 0})


def _problem(function: str, **given: object) -> Problem:
    sizes: dict[str, object] = {"n_x": 2, "n_a": 3, "m": 3, "T_x": 4}
    kind = CONTRACTS[function].problem_kind
    if not CONTRACTS[function].is_layer:
        sizes["n_y"] = 2
    made: Problem = getattr(Problem, kind)(**{**sizes, **given})
    return made


def answers_rightly(implementation: Implementation, function: str, problem: Problem) -> bool:
    """Whether one call of the target is right within the bounds. A death is not retried.

    The answer to a problem in a dtype that the target declares as missing must have that dtype.
    """
    question = Question(function, [problem])
    (inputs,) = question.inputs
    reply = implementation.call(function, inputs.arguments(function))
    if not isinstance(reply, Returned):
        return False
    try:
        outputs = Answer(CONTRACTS[function], reply, inputs.sizes, implementation.limits).outputs
    except MalformedError:
        return False
    dtypes = {str(array.dtype) for array in outputs.values()}
    if problem.dtype not in implementation.limits.dtypes and dtypes != {problem.dtype}:
        return False  # it computes in another precision
    (witness,), (bounds,) = question.framework, question.bounds
    return all(
        np.all(Comparison(inputs, name, name, ours, witness[name], bounds[name].error).ratio <= 1)
        for name, ours in outputs.items()
    )
