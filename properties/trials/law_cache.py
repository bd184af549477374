"""Caches the replies on which laws have held: a law is not checked again on equal replies.

Whether a law holds on a problem depends only on the replies, and many targets in a class of students are the
same program, whose replies are equal to the last bit. If a target's reply to a problem is in the cache, the
other requests of the cached trial are sent to the target, too. Requests for many problems are sent at once.
Without the cache, the verdicts on a class of 40 take one and a half times as long.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import Any

from properties.implementations.answers import call_all
from properties.implementations.calls import Request
from properties.trials.retries import may_be_called
from properties.trials.tally import Counts
from properties.trials.trial import Trial
from properties.worker.own_modules import REFERENCE

MOST_HELD = 2**16
"""The number of trials in the full cache, of about a kilobyte each. One program has some 3,000 trials."""


@dataclass(frozen=True, slots=True)
class HeldTrial:
    """The counts of a trial in which the law held, and its requests with the digests of the replies."""

    counts: Counts
    replies: Sequence[tuple[Request, bytes]]


class LawCache:
    """The trials in which laws held, by the law, the problem and the digest of the reply to the problem."""

    def __init__(self) -> None:
        self._held: dict[Any, HeldTrial] = {}
        self._requests: dict[bytes, Request] = {}  # so that equal requests are one object

    def held_with_equal_replies(self, trials: Sequence[Trial]) -> Mapping[Trial, HeldTrial]:
        """Find the trials of one function whose replies equal the replies of a trial in the cache.

        The function is called on the problems of all trials, because other trials need the replies, too.
        """
        called = [
            each for each in trials if may_be_called(each.implementation, each.contract.name, each.problem)
        ]
        call_all([(trial.answers, trial.number) for trial in called])
        candidates = {trial: held for trial in called if (held := self._held.get(_key(trial)))}
        requests = [request for held in candidates.values() for request, _ in held.replies]
        replies = trials[0].implementation.reply_each(requests) if requests else []
        # After a death, the other replies are missing.
        digests = chain((reply.digest for reply in replies), repeat(b""))
        return {
            trial: held
            for trial, held in candidates.items()
            if [*islice(digests, len(held.replies))] == [digest for _, digest in held.replies]
        }

    def store(self, trial: Trial) -> None:
        """Store a trial in which the law held, if all its replies have digests."""
        if not all([trial.answers.digest(trial.number), *(digest for _, digest in trial.replies)]):
            return
        if len(self._held) >= MOST_HELD:
            self._held.clear()
            self._requests.clear()
        requests = ((self._requests.setdefault(each.body, each), digest) for each, digest in trial.replies)
        self._held[_key(trial)] = HeldTrial(trial.counts, [*requests])


LAW_CACHE = LawCache()


def _key(trial: Trial) -> Any:
    implementation = trial.implementation
    is_reference = implementation.target == REFERENCE  # the law on bad shapes is stricter on the reference
    digest = trial.answers.digest(trial.number)
    return trial.law.check, trial.contract.name, trial.problem, implementation.limits, is_reference, digest
