"""What comes of a call."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import sha256
from typing import Any

from properties.implementations.process import UNREADABLE, Died
from properties.worker.codec import CodecError
from properties.worker.messages import Message

KEPT = 2**16
"""Of how many messages it is kept that they can be read."""


@dataclass(frozen=True)
class Returned:
    """What a call gave: plain values (see `worker.codec`) that run no foreign code when looked at.

    `arguments` are those of the call as they are after it. `converted` names what was not taken as it is:
    types made into arrays, and parameters found under other names. `digest` is that of the message, so that
    two replies with the same one are the same; empty where there was no message.
    """

    value: Any
    arguments: list[Any]
    converted: list[str]
    used_reference_cell: bool
    digest: bytes = field(default=b"", compare=False)


@dataclass(frozen=True)
class Raised:
    """A call ended in an exception, `where` in the target's code: `"my_rnn.py:12 in rnn_forward"`.

    The `digest` is that of the exception, wherever it was raised.
    """

    type_name: str
    message: str
    where: str
    digest: bytes = field(default=b"", compare=False)


Outcome = Returned | Raised | Died


class Reply:
    """What came of a call, which is read as late as may be: often its `digest` says all.

    That is empty for what is like no other.
    """

    def __init__(self, digest: bytes, read: Callable[[], Outcome]) -> None:
        self.digest = digest
        self._read = read

    @cached_property
    def outcome(self) -> Outcome:
        """What it says."""
        return self._read()

    @property
    def is_death(self) -> bool:
        """Whether the process ended."""
        return not self.digest and isinstance(self.outcome, Died)

    @staticmethod
    def known(outcome: Outcome) -> "Reply":
        """The reply that says this."""
        return Reply(outcome.digest, lambda: outcome)

    @staticmethod
    def of(answer: Message | Died, count: int) -> "Reply":
        """The reply to a call with so many arguments. One that is like none before is read at once."""
        if isinstance(answer, Died):
            return Reply.known(answer)
        digest = answer.digest
        read = partial(_outcome, answer, digest, count)
        if (digest, count) in _READ:
            return Reply(_READ[digest, count], read)
        outcome = read()
        if not isinstance(outcome, Died):
            if len(_READ) >= KEPT:
                _READ.clear()
            _READ[digest, count] = outcome.digest
        return Reply.known(outcome)


_READ: dict[tuple[bytes, int], bytes] = {}
"""The digests of the outcomes of messages; one that could be read once can be read again."""


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
