"""Calls that exceed the time limit: is the function slow, or does it hang?

Smaller versions of the problem are tried, the smallest first, each half as large as the next. The time of
each predicts that of the next, whatever the cost grows with. A function hangs if it exceeds the limit on the
smallest version, or takes ten times as long as predicted; it is too slow if ten times the prediction exceeds
the limit. Each version is called twice, since the first call may compile; then calls have the time limit of
an import.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from oracle.problem import LayerProblem, Problem
from properties.implementations.call_history import Death
from properties.implementations.implementation import Died, Implementation, Raised, Returned
from properties.strategies.cost import work
from reference.contract import CONTRACTS

SLACK = 10
"""A call that takes so many times as long as predicted hangs."""

Replied = Returned | Raised


def look_into(
    implementation: Implementation, function: str, problem: Problem, ask: Callable[[], Replied | Died]
) -> Replied | Death | None:
    """Repeat a call that exceeded the limit, by `ask`: its reply, a death, or `None` if it is too slow.

    The death is that on the smallest version that exceeds the limit.
    """
    limit = implementation.time_limit
    versions = ladder(problem)
    allowed = implementation.import_time_limit if implementation.may_compile else limit
    before, expected, compiling = (0.0, 0.0), 0.0, 0.0
    for version, following in pairwise([*versions, problem]):
        arguments = version.arguments(function)
        reply = implementation.call(function, arguments, time_limit=allowed)
        at_first = implementation.took
        if isinstance(reply, Died):
            break
        implementation.call(function, arguments, time_limit=limit)
        took = implementation.took
        here, there = _size(version), _size(following)
        expected = _continued(before, (here, took), there)
        if SLACK * expected > limit:
            return None
        if there > here:
            before = here, took
        compiling = max(0.0, at_first - took)
        implementation.records[function].compiles |= compiling > max(limit / SLACK, SLACK * took)
        allowed = implementation.limit(function)
    else:
        version, reply = problem, ask()
    if not isinstance(reply, Died):
        return reply
    if reply.hung and SLACK * (expected + compiling) > allowed:
        return None
    if version is versions[0]:
        return Death(problem, reply, always=reply.hung)
    return Death(version, reply, beyond=reply.hung and _halved(version) in versions[1:])


def _continued(before: tuple[float, float], here: tuple[float, float], there: float) -> float:
    """The predicted time at a size, on the line through the times at two smaller sizes, if that rises."""
    size, took = here
    rise = (took - before[1]) / (size - before[0])
    return took + (there - size) * (rise if rise > 0 else took / size)


def _size(problem: Problem) -> float:
    """The product of all sizes, which grows about as fast as a cost that depends on some of them."""
    return math.prod(max(size, 1) for size in problem.sizes.values())


def ladder(problem: Problem) -> Sequence[Problem]:
    """The smallest problem there is, then the problem with its sizes halved, the smallest version first."""
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


def affordable(implementation: Implementation, function: str) -> float:
    """The work that the function does in a tenth of the time limit, measured once."""
    record = implementation.records[function]
    if record.answers and record.measured is None:
        record.measured = _speed(implementation, function)
    return min(record.speed, record.measured or math.inf) * implementation.time_limit / SLACK


def _speed(implementation: Implementation, function: str) -> float:
    """The work that the function does in a second, without the constant cost of a call."""
    rate, least = math.inf, (0.0, 0.0)
    contract = CONTRACTS[function]
    sizes = {"n_x": 65, "n_a": 66, **({} if contract.is_layer else {"n_y": 64}), "m": 16, "T_x": 64}
    largest: Problem = getattr(Problem, contract.problem_kind)(**sizes)
    for problem in ladder(largest)[1:]:
        amount, took = work(problem, function), math.inf
        for _ in range(3):  # the first may compile, and during any the machine may be busy
            if isinstance(implementation.call(function, problem.arguments(function)), Died):
                return rate
            took = min(took, implementation.took)
        least = least if least[0] else (amount, took)
        more, longer = amount - least[0], took - least[1]
        rate = more / longer if more > 0 and longer > 0 else math.inf
        if longer > implementation.time_limit / SLACK**2:
            break
    return rate
