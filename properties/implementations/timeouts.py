"""Finds out whether a function that exceeds the time limit is slow or hangs.

The function is called on smaller versions of the problem, from the smallest up, each half as large as the
next. The function hangs if it exceeds the limit on the smallest version, or on one that should take less. A
version may take as many times as long as the one before as it is larger, squared or times ten. The function
is too slow if that exceeds the limit. Each version is called twice, because the first call may compile; a
function that compiles gets the time limit of an import.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from oracle.problem import LayerProblem, Problem
from properties.implementations.call_history import Death
from properties.implementations.implementation import Died, Implementation, Outcome, Raised, Returned
from properties.strategies.cost import work
from reference.contract import CONTRACTS

SLACK = 10
"""A call hangs only if it takes more than this many times what is in proportion to the size."""


def judge_late_call(
    implementation: Implementation, function: str, problem: Problem, make: Callable[[], Outcome]
) -> Returned | Raised | Death | None:
    """Repeat a late call, which `make` makes. Returns its reply, a death, or `None` if it is too slow.

    The death is the one on the smallest version of the problem that exceeds the limit.
    """
    limit = implementation.settings.time_limit
    allowed = implementation.settings.import_time_limit if implementation.may_compile else limit
    versions = smaller_versions(problem)
    most = 0.0  # the longest that a first call of the next version may take
    for version, following in pairwise([*versions, problem]):
        arguments = version.arguments(function)
        reply = implementation.call(function, arguments, time_limit=allowed)
        first_took = implementation.took
        if isinstance(reply, Died):
            break
        implementation.call(function, arguments, time_limit=limit)
        took = implementation.took
        growth = _size(following) / _size(version)
        growth *= max(growth, SLACK)
        if growth * took > limit:
            return None
        most = growth * first_took
        implementation.histories[function].compiles |= first_took - took > max(limit / SLACK, SLACK * took)
        allowed = implementation.limit(function)
    else:
        version, reply = problem, make()
    if not isinstance(reply, Died):
        return reply
    if reply.hung and most > allowed:
        return None
    if version is versions[0]:
        return Death(problem, reply, hangs_always=reply.hung)
    return Death(version, reply, hangs_beyond=reply.hung and _halved(version) in versions[1:])


def _size(problem: Problem) -> float:
    """The product of the sizes on whose product the cost may depend."""
    sizes: list[int] = [getattr(problem, name) for name in problem.varies if name != "n_y"]
    return math.prod(max(size, 1) for size in sizes)


def smaller_versions(problem: Problem) -> Sequence[Problem]:
    """The smallest possible problem, then this problem with its sizes halved repeatedly, in rising order."""
    halves = [problem]
    while (half := _halved(halves[-1])) != halves[-1]:
        halves.append(half)
    return [_smallest(problem), *reversed(halves[1:])]


def _halved(problem: Problem) -> Problem:
    sizes: dict[str, Any] = {name: (getattr(problem, name) + 1) // 2 for name in problem.varies}
    if isinstance(problem, LayerProblem) and not problem.weights:
        sizes["n_p"] = min(problem.n_p, sizes["n_a"])
    return replace(problem, **sizes)


def _smallest(problem: Problem) -> Problem:
    if isinstance(problem, LayerProblem):
        return LayerProblem(problem.kind, n_x=1, n_a=1, m=1, T_x=1)
    return Problem(problem.kind, n_x=1, n_a=1, n_y=1, m=1, T_x=1)


def affordable_work(implementation: Implementation, function: str) -> float:
    """The work that the function does in a tenth of the time limit. Its speed is measured once."""
    history = implementation.histories[function]
    if history.answers and history.measured_speed is None:
        history.measured_speed = _speed(implementation, function)
    return min(history.speed, history.measured_speed or math.inf) * implementation.settings.time_limit / SLACK


def _speed(implementation: Implementation, function: str) -> float:
    """The work that the function does in a second, not counting the constant cost of a call."""
    rate, least = math.inf, (0.0, 0.0)
    contract = CONTRACTS[function]
    sizes = {"n_x": 65, "n_a": 66, **({} if contract.is_layer else {"n_y": 64}), "m": 16, "T_x": 64}
    largest: Problem = getattr(Problem, contract.problem_kind)(**sizes)
    for problem in smaller_versions(largest)[1:]:
        amount, took = work(problem, function), math.inf
        for _ in range(3):  # the first call may compile, and the machine may be busy
            if isinstance(implementation.call(function, problem.arguments(function)), Died):
                return rate
            took = min(took, implementation.took)
        least = least if least[0] else (amount, took)
        more, longer = amount - least[0], took - least[1]
        rate = more / longer if more > 0 and longer > 0 else math.inf
        if longer > implementation.settings.time_limit / SLACK**2:
            break
    return rate
