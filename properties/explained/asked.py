"""An implementation that is asked in order to explain it, and what it has told."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from weakref import WeakKeyDictionary

from oracle.diagnosis.behaviour import Behaviour, specification
from oracle.inputs import Inputs
from oracle.limits import Limits
from properties.answered.implementation import Arrangement, Died, Implementation, Raised, Returned
from properties.worker.codec import encode

Question = tuple[str, Inputs, Inputs | None, bool]
"""The function, its inputs and those of a call after it, and whether a forward finds a known-right cell."""

Conversation = list[tuple[Question, bytes]]
"""Questions in order, with digests of the replies; empty ones are like no other."""


class DiedError(Exception):
    """The implementation died where it was asked in order to explain it."""


@dataclass(frozen=True)
class _Told:
    shown: Behaviour
    used_right_cell: bool
    digest: bytes


_TOLD: WeakKeyDictionary[Implementation, dict[bytes, list[_Told]]] = WeakKeyDictionary()
"""What implementations told, each time that they were asked a question."""


class Asked:
    """A function as a program, in a fresh process.

    What was asked for another explanation, as often as now, is not asked again.
    """

    def __init__(self, implementation: Implementation, function: str) -> None:
        self.implementation = implementation
        self.function = function
        self.conversation: Conversation = []
        self._times: Counter[bytes] = Counter()
        self._is_fresh = False

    @property
    def limits(self) -> Limits:
        """What it declares that it does not do."""
        return self.implementation.limits

    def __call__(self, inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        """What a call showed; with `then` the answer is read after another call, on these inputs."""
        return self._ask((self.function, inputs, then, False)).shown

    def with_right_cell(self, inputs: Inputs) -> tuple[Behaviour, bool]:
        """The same where a forward finds a known-right cell in the place of its own, and whether it does."""
        told = self._ask((self.function, inputs, None, True))
        return told.shown, told.used_right_cell

    def is_right(self, function: str, asked: Sequence[Inputs]) -> bool:
        """Whether a function does nothing wrong; what it answers first must also outlast the second call."""
        right = specification(function, self.limits)
        first, second, *rest = asked
        return all(
            self._ask((function, inputs, then, False)).shown.is_like(right(inputs))
            for inputs, then in [(first, second), (second, None), *((inputs, None) for inputs in rest)]
        )

    def anew(self) -> "Asked":
        """The same, of which nothing was asked yet."""
        return Asked(self.implementation, self.function)

    def replies_as_in(self, conversation: Conversation) -> bool:
        """Whether it replies to the same questions, in the same order, alike."""
        return all(digest and self._ask(question).digest == digest for question, digest in conversation)

    def _ask(self, question: Question) -> _Told:
        function, inputs, then, with_right_cell = question
        arguments = inputs.arguments(function)
        afterwards = then.arguments(function) if then else []
        header, blocks = encode([function, with_right_cell, arguments, afterwards])
        key = sha256(b"".join([header, *blocks])).digest()
        told = _TOLD.setdefault(self.implementation, {}).setdefault(key, [])
        self._times[key] += 1
        if self._times[key] > len(told):
            told.append(self._reply(function, arguments, afterwards, with_right_cell))
        self.conversation.append((question, told[self._times[key] - 1].digest))
        return told[self._times[key] - 1]

    def _reply(
        self, function: str, arguments: list[Any], then: Sequence[Any], with_right_cell: bool
    ) -> _Told:
        if not self._is_fresh:
            self.implementation.close()
            self._is_fresh = True
        reply = self.implementation.call(function, arguments, then=then, with_reference_cell=with_right_cell)
        shown = behaviour(function, reply, self.limits)
        assert not isinstance(reply, Died)
        return _Told(shown, isinstance(reply, Returned) and reply.used_reference_cell, reply.digest)


@dataclass(frozen=True)
class Unkept:
    """A function as a program that is asked too much for all that it tells to be kept."""

    implementation: Implementation
    function: str
    arrangement: Arrangement = "C"

    def __call__(self, inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        """What a call showed; with `then` the answer is read after another call, on these inputs."""
        arguments, afterwards = (each.arguments(self.function) if each else [] for each in (inputs, then))
        reply = self.implementation.call(
            self.function, arguments, then=afterwards, arrangement=self.arrangement
        )
        return behaviour(self.function, reply, self.implementation.limits)


def behaviour(function: str, reply: Returned | Raised | Died, limits: Limits) -> Behaviour:
    """What a call showed by its reply. Raises `DiedError` where it died."""
    if isinstance(reply, Returned):
        return Behaviour.of(function, reply.value, reply.arguments, limits)
    if isinstance(reply, Raised):
        return Behaviour.of_error()
    raise DiedError
