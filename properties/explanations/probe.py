"""An implementation that is asked in order to explain it, and what it has told."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from weakref import WeakKeyDictionary

from oracle.diagnosis.behaviour import LATER, Behaviour, specification
from oracle.inputs import Inputs
from oracle.limits import Limits
from properties.implementations.implementation import (
    Arrangement,
    Implementation,
    Outcome,
    Raised,
    Reply,
    Request,
    Returned,
)

Conversation = list[tuple[Request, bytes]]
"""Questions in order, with digests of the replies; empty ones are like no other."""


class DiedError(Exception):
    """The implementation died where it was asked in order to explain it."""


class _Told:
    """What a reply showed, found out when somebody looks."""

    def __init__(self, request: Request, reply: Reply, limits: Limits) -> None:
        self.digest = reply.digest
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


_TOLD: WeakKeyDictionary[Implementation, dict[bytes, list[_Told]]] = WeakKeyDictionary()
"""What implementations told, each time that they were sent a request."""


class Asked:
    """A function as a program, in a fresh process.

    What was asked for another explanation, as often as now, is not asked again.
    """

    def __init__(self, implementation: Implementation, function: str) -> None:
        self.implementation = implementation
        self.function = function
        self.conversation: Conversation = []
        self._times: Counter[bytes] = Counter()
        self._told = _TOLD.setdefault(implementation, {})
        self._is_fresh = False

    @property
    def limits(self) -> Limits:
        """What it declares that it does not do."""
        return self.implementation.limits

    def __call__(self, inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        """What a call showed; with `then` the answer is read after another call, on these inputs."""
        return self._ask(_request(self.function, inputs, then)).shown

    def with_right_cell(self, inputs: Inputs) -> tuple[Behaviour, bool]:
        """The same where a forward finds a known-right cell in the place of its own, and whether it does."""
        told = self._ask(_request(self.function, inputs, with_right_cell=True))
        return told.shown, told.used_right_cell

    def is_right(self, function: str, asked: Sequence[Inputs]) -> bool:
        """Whether a function does nothing wrong; what it answers first must also outlast the second call."""
        right = specification(function, self.limits)
        first, second, *rest = asked
        return all(
            self._ask(_request(function, inputs, then)).shown.is_like(right(inputs))
            for inputs, then in [(first, second), (second, None), *((inputs, None) for inputs in rest)]
        )

    def anew(self) -> "Asked":
        """The same, of which nothing was asked yet."""
        return Asked(self.implementation, self.function)

    def replies_as_in(self, conversation: Conversation) -> bool:
        """Whether it replies to the same questions, in the same order, alike.

        Who replies to the first otherwise is asked no more; all others are asked together, and forgotten if
        they are not replied to alike: what is kept from call to call would show in another order of them.
        """
        first, *others = conversation
        if not self._replies_alike([first]):
            return False
        asked = self._find_out([request for request, _ in others])
        alike = self._replies_alike(others)
        for request in asked if not alike else ():
            self._told[request.body].pop()
        return alike

    def _replies_alike(self, conversation: Conversation) -> bool:
        return all(digest and self._ask(request).digest == digest for request, digest in conversation)

    def _ask(self, request: Request) -> _Told:
        self._find_out([request])
        number = self._times[request.body]
        self._times[request.body] += 1
        told = self._told.get(request.body, [])
        if number >= len(told):
            raise DiedError
        self.conversation.append((request, told[number].digest))
        return told[number]

    def _find_out(self, requests: Sequence[Request]) -> list[Request]:
        """Ask what was not told as often as it is asked now, up to a death; what was asked."""
        times = self._times.copy()
        unknown = []
        for request in requests:
            times[request.body] += 1
            if times[request.body] > len(self._told.get(request.body, [])):
                unknown.append(request)
        if unknown and not self._is_fresh:
            self.implementation.close()
            self._is_fresh = True
        asked: list[Request] = []
        for _, some in groupby(unknown, key=lambda request: request.function):
            together = [*some]
            for request, reply in zip(together, self.implementation.reply_each(together), strict=False):
                if reply.is_death:
                    return asked
                self._told.setdefault(request.body, []).append(_Told(request, reply, self.limits))
                asked.append(request)
        return asked


def _request(
    function: str,
    inputs: Inputs,
    then: Inputs | None = None,
    arrangement: Arrangement = "C",
    *,
    with_right_cell: bool = False,
) -> Request:
    afterwards = [then.arguments(function)] * LATER if then else []
    return Request(function, inputs.arguments(function), arrangement, afterwards, with_right_cell)


@dataclass(frozen=True)
class Unkept:
    """A function as a program that is asked too much for all that it tells to be kept."""

    implementation: Implementation
    function: str
    arrangement: Arrangement = "C"

    def __call__(self, inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        """What a call showed; with `then` the answer is read after another call, on these inputs."""
        request = _request(self.function, inputs, then, self.arrangement)
        reply = self.implementation.reply_each([request])[0]
        return behaviour(self.function, reply.outcome, self.implementation.limits)


def behaviour(function: str, outcome: Outcome, limits: Limits) -> Behaviour:
    """What a call showed by what came of it. Raises `DiedError` where it died."""
    if isinstance(outcome, Returned):
        return Behaviour.of(function, outcome.value, outcome.arguments, limits)
    if isinstance(outcome, Raised):
        return Behaviour.of_error()
    raise DiedError
