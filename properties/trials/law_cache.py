"""A cache of replies on which laws have held: a law is not checked again on equal replies.

Many targets of a class are the same program, and their replies are equal to the last bit. Whether a law holds
on a problem depends only on the replies. A target whose reply to a problem is known is sent all requests that
the law made then, for many problems together. Without this cache, a class of 40 takes half as long again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import Any

from properties.implementations.answers import call_all
from properties.implementations.implementation import Request
from properties.trials.retries import may_be_called
from properties.trials.trial import Trial
from properties.worker.own_modules import REFERENCE

MAX_BYTES = 2**26
"""The approximate size of the full cache; one program takes some 3 MB."""

_ENTRY_BYTES = 300
"""The size of an entry without its requests."""


@dataclass(frozen=True, slots=True)
class Held:
    """The counts of a trial in which the law held, and its requests with the digests of the replies."""

    ratio: float
    not_meaningful: int
    notes: Sequence[str]
    replies: Sequence[tuple[Request, bytes]]

    def repeat(self, trial: Trial) -> None:
        """Count the same in a trial with equal replies."""
        trial.measure(self.ratio)
        trial.tally.not_meaningful += self.not_meaningful
        for note in self.notes:
            trial.note(note)


class LawCache:
    """The trials in which laws held, by the law, the problem and the digest of the reply to the problem."""

    def __init__(self) -> None:
        self._held: dict[Any, Held] = {}
        self._requests: dict[bytes, Request] = {}  # each is stored once
        self._size = 0

    def known(self, trials: Sequence[Trial]) -> Mapping[Trial, Held]:
        """The trials of one function whose replies equal those of a trial in which the law held.

        The function is called on the problems of the other trials, too, because their laws need the replies.
        """
        called = [
            each for each in trials if may_be_called(each.implementation, each.contract.name, each.problem)
        ]
        call_all([(trial.answers, trial.number) for trial in called])
        found = {trial: held for trial in called if (held := self._held.get(_key(trial)))}
        requests = [request for held in found.values() for request, _ in held.replies]
        replies = trials[0].implementation.reply_each(requests) if requests else []
        digests = chain((reply.digest for reply in replies), repeat(b""))  # without a reply after a death
        return {
            trial: held
            for trial, held in found.items()
            if [*islice(digests, len(held.replies))] == [digest for _, digest in held.replies]
        }

    def keep(self, trial: Trial, not_meaningful: int) -> None:
        """Store that the law held on the replies of a trial."""
        if not all([trial.answers.digest(trial.number), *(digest for _, digest in trial.replies)]):
            return
        if self._size >= MAX_BYTES:
            self._held.clear()
            self._requests.clear()
            self._size = 0
        replies = []
        for request, digest in trial.replies:
            self._size += 0 if request.body in self._requests else len(request.body)
            replies.append((self._requests.setdefault(request.body, request), digest))
        self._held[_key(trial)] = Held(trial.worst_ratio, not_meaningful, tuple(trial.notes), replies)
        self._size += _ENTRY_BYTES


LAW_CACHE = LawCache()


def _key(trial: Trial) -> Any:
    implementation = trial.implementation  # some laws are stricter on our reference
    name, is_ours = trial.contract.name, implementation.target == REFERENCE
    digest = trial.answers.digest(trial.number)
    return trial.law.check, name, trial.problem, implementation.limits, is_ours, digest
