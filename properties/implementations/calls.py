"""Defines the requests to an implementation, the replies, and the history of a function's calls."""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from oracle.problems.problem import Problem
from oracle.processes.codec import CodecError, decode, encode
from properties.worker.arguments import Arrangement
from properties.worker.manner import Manner, make_calls

UNREADABLE = "sent an answer that cannot be read"


class Request:
    """A call of a function with positional arguments, encoded so that it can be sent repeatedly.

    `manner` has the fields of `worker.manner.Manner`. The value of the call is encoded after the calls in
    `then`, to show whether a later call overwrites it. `calls` is the number of calls in a row.

    Raises `CodecError` if an argument is not of a type that `processes.codec` encodes.
    """

    def __init__(self, function: str, arguments: Sequence[Any], **manner: Any) -> None:
        how = Manner(**manner)
        self.function = function
        self.calls = len(how.parts) or 1 + bool(how.earlier)
        self.arrangement: Arrangement = how.arrangement
        self.argument_count = len(arguments)
        self.body = encode(("call", function, [*arguments], *how))

    @property
    def arguments(self) -> list[Any]:
        """The arguments of the call."""
        return list(decode(bytearray(self.body))[2])

    @property
    def manner(self) -> Manner:
        """The manner of the call."""
        return Manner(*decode(bytearray(self.body))[3:])

    def changed(self, **manner: Any) -> "Request":
        """Return the same call in another manner, which differs in these fields."""
        return Request(self.function, self.arguments, **{**self.manner._asdict(), **manner})


@dataclass(frozen=True)
class Returned:
    """The value that a call returned, in the types of `processes.codec`, which run no code of the target.

    `arguments` are the arguments as they are after the call. Outcomes with equal digests are equal. The
    `digest` is empty if the outcome was not received from a worker.
    """

    value: Any
    arguments: list[Any]
    used_right_cell: bool
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
    """The process ended during a call, for a `reason` such as `"exited with status 3"`.

    `stderr` has the last lines of the process's standard error. If the call `hung`, the process was killed at
    the time limit, and `at` is the place in the target's code where the call hung. A call that makes the
    judge wait for the fork server counts as hung, too.
    """

    reason: str
    hung: bool = field(default=False, compare=False)
    stderr: str = field(default="", compare=False)
    at: str = field(default="", compare=False)
    digest: ClassVar[bytes] = b""


Outcome = Returned | Raised | Died


def outcome_of(call: Callable[[list[Any]], Any], request: Request) -> Outcome:
    """The outcome of a request to code of our own, which is called in this process as the worker would do.

    `call` takes the arguments of one call.
    """
    _, _, arguments, *manner = decode(bytearray(request.body))
    try:
        value, given = make_calls(call, arguments, Manner(*manner))
    except Exception as error:
        return Raised(type(error).__name__, str(error), "")
    value, given = decode(bytearray(encode([value, given])))  # as the worker sends both
    return Returned(value, given, False)


class Reply:
    """The outcome of a call, decoded on first access, because often its `digest` is enough.

    `answer` is the outcome, its encoding, or the digest of an encoding that was dropped, as bytes. A large
    outcome may be dropped later, too, together with what was `parsed` from it. The next access calls `ask`
    with the `request` again. The digest is empty if the process died: deaths are never equal.
    """

    def __init__(self, answer: Outcome | bytearray | bytes, request: Any = None, ask: Any = None) -> None:
        self.parsed: Any = None
        self._answer = answer
        self._request: Request = request
        self._ask: Callable[[Request], Reply] = ask
        if isinstance(answer, bytearray):
            self.digest = sha256(answer).digest()
            _hold(self, len(answer) + _PART_BYTES * answer.count(b","))
            if b'"raised"' in answer:
                self.digest = self.outcome.digest  # which does not depend on the place
        else:
            self.digest = answer if isinstance(answer, bytes) else answer.digest

    @property
    def outcome(self) -> Outcome:
        """The decoded outcome."""
        if isinstance(self._answer, bytes):
            reply = self._ask(self._request)
            self._answer, self.digest = reply.outcome, reply.digest
            _hold(self, _HELD.get(reply, 0))
        elif isinstance(self._answer, bytearray):
            self._answer = _decoded_outcome(self._answer, self.digest, self._request.argument_count)
            self.digest = self._answer.digest  # empty if it cannot be read
        return self._answer

    @property
    def is_death(self) -> bool:
        """Whether the process ended."""
        return not self.digest and isinstance(self.outcome, Died)

    def drop(self) -> None:
        """Drop the outcome."""
        self._answer, self.parsed = self.digest, None


MOST_HELD = 2**26
"""The most bytes of large outcomes that are held."""
_LARGE = 2**14
_PART_BYTES = 64
"""The bytes of a decoded part, such as the array of a state. A comma is before each part of an answer."""

_HELD: "WeakKeyDictionary[Reply, int]" = WeakKeyDictionary()
"""The replies whose large outcomes are held, with their sizes, the oldest first."""


def _hold(reply: Reply, size: int) -> None:
    """Hold the outcome of a reply, and drop the oldest outcomes that are too much."""
    if size >= _LARGE:
        _HELD.pop(reply, None)
        _HELD[reply] = size
        while sum(_HELD.values()) > MOST_HELD and (oldest := next(iter(_HELD))) is not reply:
            oldest.drop()
            del _HELD[oldest]


def _decoded_outcome(answer: bytearray, digest: bytes, argument_count: int) -> Outcome:
    try:
        reply = decode(answer)
    except CodecError:
        return Died(UNREADABLE)
    match reply:
        case ("returned", list(arguments), value, bool(is_cell_used)) if len(arguments) == argument_count:
            return Returned(value, arguments, is_cell_used, digest)
        case ("raised", str(type_name), str(message), str(where)):
            text = f"{type_name}: {message}".encode(errors="surrogatepass")
            return Raised(type_name, message, where, sha256(text).digest())
    return Died(UNREADABLE)


@dataclass(frozen=True)
class Death:
    """A function died on a problem.

    `hangs_always`: the function hangs even on the smallest problem. `hangs_beyond`: it hangs on this problem,
    and does not hang on one of half the size.
    """

    problem: Problem
    died: Died
    hangs_always: bool = False
    hangs_beyond: bool = False


@dataclass
class CallHistory:
    """The deaths of a function, and how fast it is. A speed is work in a second; `effort` defines work.

    - `crashes`: the number of deaths, in which a hang counts as several.
    - `deaths_by_problem`: the deaths in plain calls (see `retries.Call`).
    - `is_unfinished`: whether the function is unfinished; `None` as long as this is unknown.
    - `answered_work`: the most work of a problem that was answered.
    - `compiles`: whether the first call for each shape takes long; of `calls`, `slow_first_calls` did.
    - `is_costly`: whether the function compiles, or all calls together, which took `seconds`, take long.
    - `shapes`: the first shapes that were drawn, each as its simplest problem.
    - `measured_speed`: the highest speed of calls that were in time. Small and first calls are slower.
    - `most_speed`: an upper limit of the speed, from the calls that were too slow. `smallest_late` is the
      smallest problem of these calls.
    """

    crashes: int = 0
    deaths_by_law: defaultdict[str, list[Death]] = field(default_factory=lambda: defaultdict(list))
    deaths_by_problem: dict[Problem, Death] = field(default_factory=dict)
    is_unfinished: bool | None = None
    answered_work: float = 0.0
    compiles: bool = False
    is_costly: bool = False
    seconds: float = 0.0
    calls: int = 0
    slow_first_calls: int = 0
    shapes: dict[Problem, None] = field(default_factory=dict)
    measured_speed: float = 0.0
    most_speed: float = math.inf
    smallest_late: Problem | None = None

    def add_late(self, problem: Problem, work: float, limit: float) -> None:
        """Record that the call on a problem with this much work took longer than `limit` seconds.

        If a problem with more work was answered, size is not the reason, so larger problems are not left out.
        """
        if self.answered_work < work < self.most_speed * limit:
            self.most_speed, self.smallest_late = work / limit, problem

    def affordable_work(self, seconds: float) -> float:
        """The work that the function does in this time, according to its calls; infinite without calls."""
        return seconds * min(self.most_speed, self.measured_speed or math.inf)
