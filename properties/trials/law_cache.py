"""A cache of replies on which laws have held: a law is not checked again on equal replies.

Many targets of a class are the same program, and their replies are equal to the last bit. Whether a law holds
on a problem depends only on the replies. The requests that a law made when it held are sent to the next
target, for many problems together. Without this cache, a class of 40 takes half as long again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from properties.implementations.answers import ask_all
from properties.implementations.implementation import Request
from properties.trials.retries import is_called
from properties.trials.trial import Trial
from properties.worker.own_modules import REFERENCE

MAX_BYTES = 2**26
"""The approximate size of the full cache; one program takes some 3 MB."""

_ENTRY_BYTES = 300
"""The size of an entry without its request."""


@dataclass(frozen=True, slots=True)
class Held:
    """The counts of a trial in which the law held."""

    ratio: float
    not_meaningful: int
    notes: tuple[str, ...]

    def repeat(self, trial: Trial) -> None:
        """Count the same in a trial with equal replies."""
        trial.measure(self.ratio)
        trial.tally.not_meaningful += self.not_meaningful
        for note in self.notes:
            trial.note(note)


@dataclass(slots=True)
class _Asked:
    """A request, and by the digest of its reply the next request, or the counts at the end."""

    request: Request | None
    after: "dict[bytes, _Asked | Held]"


class Settled:
    """The requests and replies of laws that held, by law and problem."""

    def __init__(self) -> None:
        self._first: dict[Any, _Asked] = {}
        self._requests: dict[bytes, Request] = {}  # the same request may follow several replies
        self._size = 0

    def known(self, trials: Sequence[Trial]) -> Mapping[Trial, Held]:
        """The trials of one function whose replies equal those of a trial in which the law held.

        The function is called on the problems of the other trials, too, because their laws need the replies.
        """
        asked = [each for each in trials if is_called(each.implementation, each.contract.name, each.problem)]
        next_to = {trial: first for trial in asked if (first := self._first.get(_key(trial)))}
        elsewhere = {trial for trial, first in next_to.items() if first.request}
        ask_all([(trial.answers, trial.number) for trial in asked if trial not in elsewhere])
        held: dict[Trial, Held] = {}
        while next_to:
            after = {
                trial: asked.after.get(digest)
                for (trial, asked), digest in zip(next_to.items(), _digests(next_to), strict=False)
            }
            held |= {trial: end for trial, end in after.items() if isinstance(end, Held)}
            next_to = {trial: asked for trial, asked in after.items() if isinstance(asked, _Asked)}
        return held

    def keep(self, trial: Trial, not_meaningful: int) -> None:
        """Store that the law held on the replies of a trial."""
        if not trial.replies or not all(digest for _, digest in trial.replies):
            return
        if self._size >= MAX_BYTES:
            self._first.clear()
            self._requests.clear()
            self._size = 0
        requests, digests = zip(*trial.replies, strict=True)
        asked = self._first.setdefault(_key(trial), _Asked(self._shared(requests[0]), {}))
        for digest, request in zip(digests, requests[1:], strict=False):
            following = asked.after.get(digest)
            if not isinstance(following, _Asked):
                following = asked.after[digest] = _Asked(self._shared(request), {})
            asked = following
        asked.after[digests[-1]] = Held(trial.worst_ratio, not_meaningful, tuple(trial.notes))
        self._size += _ENTRY_BYTES

    def _shared(self, request: Request | None) -> Request | None:
        """The same request, stored once."""
        if not request:
            return None
        if request.body not in self._requests:
            self._size += len(request.body)
        return self._requests.setdefault(request.body, request)


SETTLED = Settled()


def _digests(next_to: Mapping[Trial, _Asked]) -> Iterator[bytes]:
    """The digest of each reply; empty if there is none."""
    ask_all([(trial.answers, trial.number) for trial, asked in next_to.items() if not asked.request])
    requests = [asked.request for asked in next_to.values() if asked.request]
    replies = iter(next(iter(next_to)).implementation.reply_each(requests) if requests else [])
    for trial, asked in next_to.items():
        if asked.request:
            reply = next(replies, None)
            yield reply.digest if reply else b""
        else:
            yield trial.answers.digest(trial.number)


def _key(trial: Trial) -> Any:
    implementation = trial.implementation  # some laws are stricter on our reference
    name, is_ours = trial.contract.name, implementation.target == REFERENCE
    return trial.check, name, trial.problem, implementation.limits, is_ours
