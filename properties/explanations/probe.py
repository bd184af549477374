"""Calls an implementation in order to explain a failure, and caches the replies."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

from oracle.diagnosis.behaviour import LATER_CALLS, Behaviour, specification
from oracle.inputs import Inputs
from oracle.limits import Limits
from properties.implementations.implementation import (
    Implementation,
    Outcome,
    Raised,
    Reply,
    Request,
    Returned,
)


class DiedError(Exception):
    """The implementation died in a call for an explanation."""


class _CachedReply:
    """A reply whose behaviour is computed on first access."""

    def __init__(self, request: Request, reply: Reply, limits: Limits) -> None:
        self._request = request
        self._reply = reply
        self._limits = limits

    @cached_property
    def shown(self) -> Behaviour:
        return behaviour(self._request.function, self._reply.outcome, self._limits)

    @property
    def used_right_cell(self) -> bool:
        outcome = self._reply.outcome
        return isinstance(outcome, Returned) and outcome.used_reference_cell


_CACHE: WeakKeyDictionary[Implementation, dict[bytes, list[_CachedReply]]] = WeakKeyDictionary()
"""The replies by implementation and request, one for each time that the request was sent."""


class CachedProgram:
    """A function as a program, in a new process.

    The n-th equal request of an explanation gets the n-th reply of an earlier explanation, if there is one.
    """

    def __init__(self, implementation: Implementation, function: str) -> None:
        self.implementation = implementation
        self.function = function
        self._times: Counter[bytes] = Counter()
        self._cached = _CACHE.setdefault(implementation, {})
        self._is_fresh = False

    @property
    def limits(self) -> Limits:
        """The limits that the implementation declares."""
        return self.implementation.limits

    def __call__(self, inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        """The behaviour of a call; with `then`, the answer is read after another call, on these inputs."""
        return self._ask(_request(self.function, inputs, then)).shown

    def with_right_cell(self, inputs: Inputs) -> tuple[Behaviour, bool]:
        """The behaviour of a forward with a right cell, and whether it called that cell."""
        cached = self._ask(_request(self.function, inputs, with_right_cell=True))
        return cached.shown, cached.used_right_cell

    def is_right(self, function: str, asked: Sequence[Inputs]) -> bool:
        """Whether a function answers rightly, and its first answer is right after the second call, too."""
        right = specification(function, self.limits)
        first, second, *rest = asked
        return all(
            self._ask(_request(function, inputs, then)).shown.is_like(right(inputs))
            for inputs, then in [(first, second), (second, None), *((inputs, None) for inputs in rest)]
        )

    def _ask(self, request: Request) -> _CachedReply:
        """The cached reply, or a new one. Raises `DiedError`."""
        number = self._times[request.body]
        self._times[request.body] += 1
        cached = self._cached.setdefault(request.body, [])
        if number >= len(cached):
            if not self._is_fresh:
                self.implementation.close()
                self._is_fresh = True
            reply = self.implementation.reply_each([request])[0]
            if reply.is_death:
                raise DiedError
            cached.append(_CachedReply(request, reply, self.limits))
        return cached[number]


def _request(
    function: str,
    inputs: Inputs,
    then: Inputs | None = None,
    *,
    with_right_cell: bool = False,
) -> Request:
    afterwards = [then.arguments(function)] * LATER_CALLS if then else []
    return Request(function, inputs.arguments(function), "C", afterwards, with_right_cell)


@dataclass(frozen=True)
class UncachedProgram:
    """A function as a program, without a cache: a location makes too many requests."""

    implementation: Implementation
    function: str

    def __call__(self, inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        """The behaviour of a call; with `then`, the answer is read after another call, on these inputs."""
        request = _request(self.function, inputs, then)
        reply = self.implementation.reply_each([request])[0]
        return behaviour(self.function, reply.outcome, self.implementation.limits)


def behaviour(function: str, outcome: Outcome, limits: Limits) -> Behaviour:
    """The behaviour of a call by its outcome. Raises `DiedError` if the process died."""
    if isinstance(outcome, Returned):
        return Behaviour.of(function, outcome.value, outcome.arguments, limits)
    if isinstance(outcome, Raised):
        return Behaviour.of_error()
    raise DiedError
