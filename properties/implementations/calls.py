"""Calls of an implementation: requests, replies, and what is remembered of the calls of a function."""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, ClassVar

from oracle.problem import Problem
from properties.worker.arguments import Arrangement
from properties.worker.codec import CodecError, decode, encode

UNREADABLE = "sent an answer that cannot be read"

_MOST_DIGESTS = 2**16
"""The number of messages whose digests are cached."""


class Request:
    """A call of a function with copies of the arguments, by position, as bytes that can be sent repeatedly.

    `arrangement` is the memory layout of the arrays. After this call the worker makes another call with each
    of the arguments `then`, and only then encodes the value of the first. `with_reference_cell` replaces the
    cell that a forward calls by the reference's.

    Raises `CodecError` if an argument is no plain value.
    """

    def __init__(
        self,
        function: str,
        arguments: Sequence[Any],
        arrangement: Arrangement = "C",
        then: Sequence[Sequence[Any]] = (),
        with_reference_cell: bool = False,
    ) -> None:
        self.function = function
        self.arrangement: Arrangement = arrangement
        self.count = len(arguments)
        self.body = encode(("call", function, [*arguments], arrangement, [*then], with_reference_cell))

    @property
    def arguments(self) -> list[Any]:
        """The arguments of the call."""
        return list(decode(bytearray(self.body))[2])

    def with_right_cell(self) -> "Request":
        """The same call with the reference's cell in place of the target's."""
        _, function, arguments, arrangement, then, _ = decode(bytearray(self.body))
        return Request(function, arguments, arrangement, then, with_reference_cell=True)


@dataclass(frozen=True)
class Returned:
    """The value of a call, in plain types (see `worker.codec`) that run no foreign code.

    `arguments` are the arguments as they are after the call. Replies with the same `digest` are equal; it is
    empty if there was no message.
    """

    value: Any
    arguments: list[Any]
    used_reference_cell: bool
    digest: bytes = field(default=b"", compare=False)


@dataclass(frozen=True)
class Raised:
    """A call raised an exception, at `where` in the target's code: `"my_rnn.py:12 in rnn_forward"`.

    The `digest` depends on the type and the message of the exception, not on the place.
    """

    type_name: str
    message: str
    where: str
    digest: bytes = field(default=b"", compare=False)


@dataclass(frozen=True)
class Died:
    """The process ended during a request; `reason` says how: `"exited with status 3"`.

    `stderr` holds the last lines of its standard error. If it `hung`, it was ended at the time limit, when it
    was `at` this place in the target.
    """

    reason: str
    hung: bool = field(default=False, compare=False)
    stderr: str = field(default="", compare=False)
    at: str = field(default="", compare=False)
    digest: ClassVar[bytes] = b""


Outcome = Returned | Raised | Died


class Reply:
    """The outcome of a call, which is decoded on first access: often its `digest` is enough.

    The digest is empty for a death, which equals no other reply.
    """

    def __init__(self, digest: bytes, read: Callable[[], Outcome]) -> None:
        self.digest = digest
        self._read = read

    @cached_property
    def outcome(self) -> Outcome:
        """The decoded outcome."""
        return self._read()

    @property
    def is_death(self) -> bool:
        """Whether the process ended."""
        return not self.digest and isinstance(self.outcome, Died)

    @staticmethod
    def known(outcome: Outcome) -> "Reply":
        """A reply with this outcome."""
        return Reply(outcome.digest, lambda: outcome)

    @staticmethod
    def of(answer: bytearray | Died, count: int) -> "Reply":
        """The reply to a call with `count` arguments. A new answer is decoded now, an equal one later."""
        if isinstance(answer, Died):
            return Reply.known(answer)
        key = sha256(answer).digest(), count
        if key in _DIGESTS:
            return Reply(_DIGESTS[key], lambda: _outcome(answer, *key))
        outcome = _outcome(answer, *key)
        if not isinstance(outcome, Died):
            if len(_DIGESTS) >= _MOST_DIGESTS:
                _DIGESTS.clear()
            _DIGESTS[key] = outcome.digest
        return Reply.known(outcome)


_DIGESTS: dict[tuple[bytes, int], bytes] = {}
"""The digest of the outcome, by the digest of a well-formed answer and the number of arguments."""


def _outcome(answer: bytearray, digest: bytes, count: int) -> Outcome:
    try:
        value = decode(answer)
    except CodecError:
        return Died(UNREADABLE)
    match value:
        case ("returned", list(after), value, bool(used)) if len(after) == count:
            return Returned(value, after, used, digest)
        case ("raised", str(type_name), str(message), str(where)):
            said = f"{type_name}: {message}".encode(errors="surrogatepass")  # the same in any file
            return Raised(type_name, message, where, sha256(said).digest())
    return Died(UNREADABLE)


@dataclass(frozen=True)
class Death:
    """A death of a function on a problem.

    With `hangs_always` the function hangs on the smallest problem, too. With `hangs_beyond` it hangs on this
    problem, and answers one of half the size.
    """

    problem: Problem
    died: Died
    hangs_always: bool = False
    hangs_beyond: bool = False


@dataclass
class CallHistory:
    """The deaths of a function, and how fast it is.

    `crashes` counts its deaths, a hang as several. `deaths_by_problem` holds those of plain calls (with the
    problem as it is), whose reply several laws use. `answered_work` is the most work of a problem that was
    answered. `speed` is an upper limit of the work that the function does in a second, from calls that were
    too slow; `smallest_late` is the smallest problem of such a call. `measured_speed` is the highest speed in
    calls that were in time: small calls and first calls are slower. `is_unfinished` is found out once.
    """

    crashes: int = 0
    deaths_by_law: defaultdict[str, list[Death]] = field(default_factory=lambda: defaultdict(list))
    deaths_by_problem: dict[Problem, Death] = field(default_factory=dict)
    is_unfinished: bool | None = None
    answered_work: float = 0.0
    compiles: bool = False
    measured_speed: float = 0.0
    speed: float = math.inf
    smallest_late: Problem | None = None

    def add_late(self, problem: Problem, work: float, limit: float) -> None:
        """Remember that a problem with this much work takes longer than the limit.

        If more work was answered, the reason is not the size, and larger problems are not left out.
        """
        if self.answered_work < work < self.speed * limit:
            self.speed, self.smallest_late = work / limit, problem

    def affordable_work(self, seconds: float) -> float:
        """The work that the function does in this time, as far as is known; without calls, it is infinite."""
        return seconds * min(self.speed, self.measured_speed or math.inf)
