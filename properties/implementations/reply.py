"""The reply to a call: a value, an exception, or the death of the process."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import sha256
from typing import Any

from properties.implementations.process import UNREADABLE, Died
from properties.worker.codec import CodecError
from properties.worker.messages import Message

CACHED = 2**16
"""The number of messages whose digests are cached."""


@dataclass(frozen=True)
class Returned:
    """The value of a call, in plain types (see `worker.codec`) that run no foreign code.

    `arguments` are the arguments as they are after the call. `converted` names the types that were converted
    to arrays, and the parameters that were found under other names. Replies with the same `digest` are equal;
    it is empty if there was no message.
    """

    value: Any
    arguments: list[Any]
    converted: list[str]
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
    def of(answer: Message | Died, count: int) -> "Reply":
        """The reply to a call with `count` arguments. A new message is decoded now, an equal one later."""
        if isinstance(answer, Died):
            return Reply.known(answer)
        digest = answer.digest
        read = partial(_outcome, answer, digest, count)
        if (digest, count) in _OUTCOME_DIGESTS:
            return Reply(_OUTCOME_DIGESTS[digest, count], read)
        outcome = read()
        if not isinstance(outcome, Died):
            if len(_OUTCOME_DIGESTS) >= CACHED:
                _OUTCOME_DIGESTS.clear()
            _OUTCOME_DIGESTS[digest, count] = outcome.digest
        return Reply.known(outcome)


_OUTCOME_DIGESTS: dict[tuple[bytes, int], bytes] = {}
"""The digest of the outcome, by the digest of a well-formed message and the number of arguments."""


def _outcome(answer: Message, digest: bytes, count: int) -> Outcome:
    try:
        value, converted = answer.decoded()
    except CodecError:
        return Died(UNREADABLE)
    match value:
        case ("returned", list(after), value, bool(used), list(notes)) if len(after) == count:
            return Returned(value, after, converted + notes, used, digest)
        case ("raised", str(type_name), str(message), str(where)):
            said = f"{type_name}: {message}".encode(errors="surrogatepass")  # the same in any file
            return Raised(type_name, message, where, sha256(said).digest())
    return Died(UNREADABLE)
